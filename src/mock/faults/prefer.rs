//! Parses the header `Prefer` (RFC 7240): a fault for one request.

use std::time::Duration;

use super::code::FaultCode;
use super::delay::Delay;

/// The fault that a request asks for itself: `code` and `delay`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prefer {
    pub code: Option<FaultCode>,
    pub delay: Option<Duration>,
    /// The value of `Preference-Applied`.
    pub applied: String,
}

impl Prefer {
    /// Reads every value of the header; `None` if it has none of the two preferences.
    ///
    /// Rule: RFC 7240: an unknown preference is ignored; of a preference given more than once the first counts.
    ///
    /// # Errors
    /// What is wrong with a known preference.
    pub fn parse<'h>(values: impl IntoIterator<Item = &'h str>) -> Result<Option<Self>, String> {
        let mut prefer = Self::default();
        for value in values {
            for preference in split(value, ',') {
                // The parameters of a preference, after a semicolon, have no meaning here.
                let Some(preference) = split(preference, ';').next() else {
                    continue;
                };
                let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
                let (name, value) = (name.trim().to_ascii_lowercase(), unquoted(value.trim()));
                let wrong = |problem| format!("{name}: {problem}");
                match name.as_str() {
                    "code" if prefer.code.is_none() => {
                        prefer.code = Some(FaultCode::parse(&value).map_err(wrong)?);
                    }
                    "delay" if prefer.delay.is_none() => {
                        prefer.delay = Some(Delay::parse_seconds(&value).map_err(wrong)?);
                    }
                    _ => continue,
                }
                if !prefer.applied.is_empty() {
                    prefer.applied.push_str(", ");
                }
                prefer.applied.push_str(&name);
                prefer.applied.push('=');
                prefer.applied.push_str(&value);
            }
        }
        Ok((!prefer.applied.is_empty()).then_some(prefer))
    }
}

/// Splits a text at separators outside of quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |letter| {
        let was_escaped = std::mem::replace(&mut is_escaped, false);
        match letter {
            '\\' => is_escaped = is_quoted && !was_escaped,
            '"' if !was_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        letter == separator && !is_quoted
    })
}

/// Removes the quotes and escapes of a quoted word.
fn unquoted(text: &str) -> String {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let Some(inner) = inner else {
        return text.to_owned();
    };
    let mut is_escaped = false;
    inner
        .chars()
        .filter(|letter| {
            is_escaped = *letter == '\\' && !is_escaped;
            !is_escaped
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_as_the_rfc_writes_them() {
        for (values, expected) in [
            (&["code=503"][..], "code=503"),
            (&["CODE = 503"], "code=503"),
            (&["delay=2"], "delay=2"),
            (
                &["code=ERROR_UNKNOWN, delay=0.5"],
                "code=ERROR_UNKNOWN, delay=0.5",
            ),
            (&["delay=0.5", "code=\"503\""], "delay=0.5, code=503"),
            (
                &["respond-async, code=503; x=\"a, delay=9\", wait=5"],
                "code=503",
            ),
            (&["x=\"a\\\", code=404\", code=503"], "code=503"),
            (&["code=503, code=404", "code=nonsense"], "code=503"),
            (&["return=minimal"], ""),
            (&[""], ""),
            (&[",,;"], ""),
            (&[], ""),
            (&["code"], "error code: unknown error code ``; known are "),
            (
                &["code=200"],
                "error code: expected a status from 400 to 599, found 200",
            ),
            (
                &["code=ERROR_UNKNOWM"],
                "error code: unknown error code `ERROR_UNKNOWM`; did you mean `ERROR_UNKNOWN`?",
            ),
            (
                &["delay=x"],
                "error delay: expected seconds from 0 to 600, found `x`",
            ),
            (
                &["delay=601"],
                "error delay: expected seconds from 0 to 600, found `601`",
            ),
            (
                &["delay=-1"],
                "error delay: expected seconds from 0 to 600, found `-1`",
            ),
            (
                &["delay=NaN"],
                "error delay: expected seconds from 0 to 600, found `NaN`",
            ),
        ] {
            let got = match Prefer::parse(values.iter().copied()) {
                Ok(prefer) => prefer.map(|prefer| prefer.applied).unwrap_or_default(),
                Err(problem) => format!("error {problem}"),
            };
            let is_right = if expected.starts_with("error") {
                got.starts_with(expected)
            } else {
                got == expected
            };
            assert!(is_right, "{values:?}\n got: {got}\nwant: {expected}");
        }
        let both = Prefer::parse(["code=ERROR_UNAVAILABLE, delay=0.5"])
            .unwrap()
            .unwrap();
        assert_eq!(both.code.map(FaultCode::status), Some(503));
        assert_eq!(both.delay, Some(Duration::from_millis(500)));
    }
}
