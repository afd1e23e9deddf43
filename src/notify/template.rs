//! The template of a text: text with named places.

use crate::json::names::unknown;

/// The places of a template.
const PLACES: [&str; 16] = [
    "rule",
    "domain_id",
    "on",
    "jobs",
    "collector",
    "collector_id",
    "job_id",
    "status",
    "error_code",
    "error",
    "created_at",
    "finished_at",
    "duration",
    "failures_in_row",
    "last_success",
    "link",
];

/// A template: text with places such as `{collector}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// One of [`PLACES`].
    Place(&'static str),
}

impl Template {
    /// Reads a template; `{{` and `}}` are braces.
    ///
    /// # Errors
    /// A brace without its other one, or a place that is unknown.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(brace) = rest.find(['{', '}']) {
            let (before, after) = rest.split_at(brace);
            plain.push_str(before);
            if after.starts_with("{{") || after.starts_with("}}") {
                plain.push_str(&after[..1]);
                rest = &after[2..];
                continue;
            }
            let inside = after
                .strip_prefix('{')
                .and_then(|inside| inside.split_once('}'));
            let Some((name, behind)) = inside else {
                return Err("a brace is alone; `{{` and `}}` are braces in the text".to_owned());
            };
            let Some(place) = PLACES.into_iter().find(|place| *place == name) else {
                return Err(unknown("place", name, &PLACES));
            };
            parts.push(Part::Text(std::mem::take(&mut plain)));
            parts.push(Part::Place(place));
            rest = behind;
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        Ok(Self(parts))
    }

    /// Writes the text with what `value` returns for each place.
    pub(super) fn fill(&self, value: impl Fn(&str) -> String) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Place(name) => value(name),
        });
        parts.collect()
    }
}
