//! The body of a POST, with its text: a line an event, by the rule's template or by default.

use serde_json::{Value, json};

use super::event::Event;
use super::rule::Rule;
use crate::store::notifications::EventKind;

/// The most events that have a line; the others are counted in a last one.
const MAX_LINES: usize = 20;
/// Returns what is at a place; nothing where the event does not have it.
fn value(place: &str, rule: &Rule, event: &Event) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match place {
        "rule" => rule.name.clone(),
        "domain_id" => rule.domain_id.clone(),
        "on" => event.on.name().to_owned(),
        "jobs" => event.jobs.to_string(),
        "collector" => name_of(event),
        "collector_id" => text(&event.collector_id),
        "job_id" => text(&event.job_id),
        "status" => text(&event.status),
        "error_code" => text(&event.error_code),
        "error" => text(&event.error),
        "created_at" => text(&event.created_at),
        "finished_at" => text(&event.finished_at),
        "duration" => event.duration.map(span).unwrap_or_default(),
        "failures_in_row" => event
            .failures_in_row
            .map_or_else(String::new, |n| n.to_string()),
        "last_success" => text(&event.last_success),
        "link" => text(&event.link),
        _ => String::new(),
    }
}

/// Returns the text of some events: a line each.
pub(super) fn of_events<'e>(
    rule: &Rule,
    events: impl ExactSizeIterator<Item = &'e Event>,
) -> String {
    let more = events.len().saturating_sub(MAX_LINES);
    let lines = events.take(MAX_LINES).map(|event| match &rule.text {
        Some(template) => template.fill(|place| escaped(&value(place, rule, event))),
        None => escaped(&default_line(event)),
    });
    let mut lines: Vec<String> = lines.collect();
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    lines.join("\n")
}

fn default_line(event: &Event) -> String {
    let name = name_of(event);
    let mut line = match event.on {
        EventKind::Failed => {
            let problem: Vec<_> = [&event.error_code, &event.error]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect();
            let mut line = format!("{name} failed");
            if !problem.is_empty() {
                line = format!("{line}: {}", problem.join(": "));
            }
            let mut counts = Vec::new();
            if event.jobs > 1 {
                counts.push(format!("{} jobs since the last message", event.jobs));
            }
            if let Some(row) = event.failures_in_row.filter(|row| *row > 1) {
                counts.push(format!("{row} in a row"));
            }
            if !counts.is_empty() {
                line = format!("{line} ({})", counts.join(", "));
            }
            line
        }
        EventKind::Recovered => format!("{name} recovered"),
        EventKind::Stuck if event.jobs > 1 => format!(
            "{name}: {} jobs are stuck, one for {}",
            event.jobs,
            event.duration.map(span).unwrap_or_default()
        ),
        EventKind::Stuck => format!(
            "{name}: a job has been running for {}",
            event.duration.map(span).unwrap_or_default()
        ),
        EventKind::Missing => format!(
            "{name}: no success since {}",
            event.last_success.as_deref().unwrap_or("its first job")
        ),
    };
    if let Some(reference) = event.link.as_ref().or(event.job_id.as_ref()) {
        line = format!("{line} · {reference}");
    }
    line
}

/// Returns what a collector is called: its name, or else its id.
fn name_of(event: &Event) -> String {
    let name = event.collector.as_ref().or(event.collector_id.as_ref());
    name.cloned()
        .unwrap_or_else(|| "a job without a collector".to_owned())
}

/// Escapes the characters that Slack gives a meaning. What jobs have can't mention a channel or be a link then.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Writes a duration in milliseconds by its two largest units.
fn span(millis: i64) -> String {
    let seconds = millis / 1_000;
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let first = units
        .iter()
        .position(|(_, length)| seconds >= *length)
        .unwrap_or(units.len() - 1);
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit, length) in units.iter().skip(first).take(2) {
        if rest / length > 0 || parts.is_empty() {
            parts.push(format!("{} {unit}", rest / length));
        }
        rest %= length;
    }
    parts.join(" ")
}

/// Makes the body of a POST: the text, and the events with their ids, in their order.
pub(super) fn body(rule: &Rule, events: &[(i64, Event)]) -> Value {
    let lines = events.iter().map(|(_, event)| event);
    let listed: Vec<Value> = events
        .iter()
        .map(|(id, event)| {
            let mut listed = json!({"event_id": id});
            if let (Value::Object(members), Ok(Value::Object(facts))) =
                (&mut listed, serde_json::to_value(event))
            {
                members.extend(facts);
            }
            listed
        })
        .collect();
    json!({
        "rule": rule.name,
        "domain_id": rule.domain_id,
        "text": of_events(rule, lines),
        "events": listed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::template::Template;

    fn event(on: EventKind) -> Event {
        Event {
            collector_id: Some("c-1".to_owned()),
            collector: Some("nightly".to_owned()),
            job_id: Some("job-1".to_owned()),
            ..Event::new(on)
        }
    }

    #[track_caller]
    fn check(template: &str, expected: Result<&str, &str>) {
        let mut rule = Rule::for_tests("ci");
        let made = Template::parse(template).map(|template| {
            rule.text = Some(template);
            let event = Event {
                error: Some("<!channel> & co".to_owned()),
                ..event(EventKind::Failed)
            };
            of_events(&rule, [&event].into_iter())
        });
        assert_eq!(made.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn a_template_has_named_places() {
        check("{rule}: {collector} {on}", Ok("ci: nightly failed"));
        check("{{{job_id}}} {status}<b>", Ok("{job-1} <b>"));
        check("{error}", Ok("&lt;!channel&gt; &amp; co"));
        check("", Ok(""));
        check(
            "{jobid}",
            Err("unknown place `jobid`; did you mean `job_id`?"),
        );
        for alone in ["{", "a}", "{rule", "}{"] {
            check(
                alone,
                Err("a brace is alone; `{{` and `}}` are braces in the text"),
            );
        }
    }

    #[test]
    fn a_line_says_what_happened() {
        let rule = Rule::for_tests("ci");
        for (event, expected) in [
            (event(EventKind::Failed), "nightly failed · job-1"),
            (
                Event {
                    jobs: 3,
                    failures_in_row: Some(5),
                    error_code: Some("QUOTA".to_owned()),
                    error: Some("a > b".to_owned()),
                    ..event(EventKind::Failed)
                },
                "nightly failed: QUOTA: a &gt; b (3 jobs since the last message, 5 in a row) · job-1",
            ),
            (
                Event {
                    link: Some("https://jobs.example/?job=job-1".to_owned()),
                    ..event(EventKind::Recovered)
                },
                "nightly recovered · https://jobs.example/?job=job-1",
            ),
            (
                Event {
                    duration: Some(7_500_000),
                    ..event(EventKind::Stuck)
                },
                "nightly: a job has been running for 2 h 5 min · job-1",
            ),
            (
                Event {
                    jobs: 2,
                    duration: Some(59_000),
                    ..event(EventKind::Stuck)
                },
                "nightly: 2 jobs are stuck, one for 59 s · job-1",
            ),
            (
                Event {
                    job_id: None,
                    last_success: Some("2026-01-01T00:00:00.000Z".to_owned()),
                    ..event(EventKind::Missing)
                },
                "nightly: no success since 2026-01-01T00:00:00.000Z",
            ),
            (
                Event {
                    job_id: None,
                    ..Event::new(EventKind::Failed)
                },
                "a job without a collector failed",
            ),
        ] {
            assert_eq!(of_events(&rule, [&event].into_iter()), expected);
        }
        let many: Vec<_> = (0..22).map(|_| event(EventKind::Recovered)).collect();
        let text = of_events(&rule, many.iter());
        assert_eq!(text.lines().count(), 21);
        assert!(text.ends_with("\n… and 2 more"), "{text}");
    }

    #[test]
    fn a_span_has_two_units() {
        for (millis, expected) in [
            (0, "0 s"),
            (61_000, "1 min 1 s"),
            (3_600_000, "1 h"),
            (3_601_000, "1 h"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(span(millis), expected);
        }
    }
}
