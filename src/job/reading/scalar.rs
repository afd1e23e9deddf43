//! Translates the single values of a job: statuses, integers, times.
//!
//! Each function returns the value that the strict reader takes, and the translation it took; a value that it does not
//! recognise stays as it is, for the strict reader to refuse.

use serde_json::{Map, Value};

use super::translation::Translation;
use crate::job::{JobStatus, MAX_TASKS};
use crate::json::names::{nearest, shortened};
use crate::time::{TimeForm, Timestamp, WrittenTime};

/// What a value becomes.
#[derive(Debug, PartialEq)]
pub(super) enum Translated {
    /// The value stays as it is.
    Same,
    Value(Value, Translation),
    /// The member is read as left out.
    LeftOut,
    /// The value can't be read: what is wrong, and what would be right.
    Wrong(String),
}

/// The generation of SpaceONE that wrote a document. Their statuses have different numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    /// Up to 1.10: 1 is `CREATED`, and so on to 6, `TIMEOUT`.
    First,
    /// From 1.12 on: 1 is `FAILURE`, 2 `CANCELED`, 3 `IN_PROGRESS`, 4 `SUCCESS`.
    Today,
    /// The members are of both, or of neither.
    Unknown,
}

impl Generation {
    /// Recognises the generation by the members that only one of them has.
    pub(super) fn of(members: &Map<String, Value>) -> Self {
        const OF_FIRST: [&str; 7] = [
            "filter",
            "filters",
            "errors",
            "collector_info",
            "collectorInfo",
            "project_id",
            "projectId",
        ];
        const OF_TODAY: [&str; 16] = [
            "success_tasks",
            "successTasks",
            "failure_tasks",
            "failureTasks",
            "workspace_id",
            "workspaceId",
            "resource_group",
            "resourceGroup",
            "plugin_id",
            "pluginId",
            "secret_id",
            "secretId",
            "request_secret_id",
            "requestSecretId",
            "request_workspace_id",
            "requestWorkspaceId",
        ];
        let has = |names: &[&str]| names.iter().any(|name| members.contains_key(*name));
        match (has(&OF_FIRST), has(&OF_TODAY)) {
            (true, false) => Self::First,
            (false, true) => Self::Today,
            _ => Self::Unknown,
        }
    }
}

/// Translates a status: `FAILURE`, the numbers of both generations, and what means none.
pub(super) fn status(value: &Value, generation: Generation) -> Translated {
    let named =
        |status: JobStatus, translation| Translated::Value(Value::from(status.name()), translation);
    match value {
        Value::String(name) => match name.as_str() {
            "" | "NONE" | "JOB_STATE_NONE" => Translated::LeftOut,
            "FAILURE" => named(JobStatus::Error, Translation::Failure),
            name if JobStatus::from_name(name).is_some() => Translated::Same,
            name => match name.parse::<u8>() {
                Ok(number) => status(&number.into(), generation),
                Err(_) => Translated::Wrong(unknown_status(name)),
            },
        },
        Value::Number(number) => {
            let whole = integer_of(number.as_f64().unwrap_or(f64::NAN));
            let number_of = |status: JobStatus| named(status, Translation::StatusNumber);
            match (whole, generation) {
                (Some(0), _) => Translated::LeftOut,
                (Some(1), Generation::First) => number_of(JobStatus::Created),
                (Some(1), Generation::Today) => number_of(JobStatus::Error),
                (Some(1), Generation::Unknown) => Translated::Wrong(
                    "1 is CREATED in SpaceONE up to 1.10, and FAILURE, which is ERROR here, from 1.12 on; write the name"
                        .to_owned(),
                ),
                (Some(whole @ 5..=6), Generation::Today) => Translated::Wrong(format!(
                    "{whole} is the number of no status of a job since SpaceONE 1.12; write the name"
                )),
                (Some(whole @ 2..=6), _) => {
                    let index = usize::try_from(whole - 1).unwrap_or_default();
                    let status = JobStatus::ALL.get(index).copied();
                    number_of(status.unwrap_or_default())
                }
                _ => Translated::Wrong(format!(
                    "{number} is the number of no status; expected one of {}",
                    names()
                )),
            }
        }
        other => Translated::Wrong(format!(
            "is {}; expected one of {}",
            crate::json::type_name(other),
            names()
        )),
    }
}

fn names() -> String {
    JobStatus::ALL.map(JobStatus::name).join(", ")
}

fn unknown_status(name: &str) -> String {
    let shown = shortened(name);
    let upper = name.to_ascii_uppercase();
    match nearest(&upper, JobStatus::ALL.map(JobStatus::name)) {
        Some(near) => format!("unknown status `{shown}`; did you mean `{near}`?"),
        None => format!("unknown status `{shown}`; known are {}", names()),
    }
}

/// Translates an integer: 2.0, and digits in quotes.
pub(super) fn integer(value: &Value) -> Translated {
    match value {
        Value::Number(number) if !number.is_f64() => Translated::Same,
        Value::Number(number) => match number.as_f64().and_then(integer_of) {
            Some(whole) => Translated::Value(whole.into(), Translation::WholeNumber),
            None => Translated::Same,
        },
        Value::String(text) if text.is_empty() => Translated::LeftOut,
        Value::String(text) => match text.parse::<f64>().ok().and_then(integer_of) {
            Some(whole) => Translated::Value(whole.into(), Translation::NumberInText),
            None => Translated::Same,
        },
        _ => Translated::Same,
    }
}

/// Returns the integer that a number is, if it is one in the range of tasks, or of what may be left of them.
fn integer_of(number: f64) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "an int32")]
    let is_int32 = number.abs() <= MAX_TASKS as f64;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an int32 without a fraction"
    )]
    (number.fract() == 0.0 && is_int32).then_some(number as i64)
}

/// Translates a time: other forms of ISO 8601, numbers, and the message `Timestamp` of protobuf.
pub(super) fn time(value: &Value) -> Translated {
    let read = match value {
        Value::String(text) if text.is_empty() => return Translated::LeftOut,
        Value::String(text) => WrittenTime::from_text(text),
        Value::Number(number) => WrittenTime::from_number(number.as_f64().unwrap_or(f64::NAN)),
        Value::Object(members) => {
            return timestamp_message(members).map_or(Translated::Same, |time| {
                Translated::Value(time.to_string().into(), Translation::TimestampMessage)
            });
        }
        _ => return Translated::Same,
    };
    match read {
        Ok(WrittenTime {
            form: TimeForm::Rfc3339,
            ..
        }) => Translated::Same,
        Ok(WrittenTime { time, form }) => Translation::of_time(form)
            .map_or(Translated::Same, |translation| {
                Translated::Value(time.to_string().into(), translation)
            }),
        Err(error) => Translated::Wrong(error.to_string()),
    }
}

/// Reads `{"seconds": "1655452801", "nanos": 225000000}`; either may be left out.
fn timestamp_message(members: &Map<String, Value>) -> Option<Timestamp> {
    let is_known = |name: &String| name == "seconds" || name == "nanos";
    if members.is_empty() || !members.keys().all(is_known) {
        return None;
    }
    let number = |name: &str| match members.get(name) {
        None => Some(0),
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_i64(),
    };
    let millis_of_seconds = number("seconds")?.checked_mul(1_000)?;
    let nanos = number("nanos").filter(|nanos| (0..1_000_000_000).contains(nanos))?;
    Timestamp::from_millis(millis_of_seconds.checked_add(nanos / 1_000_000)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(translated: Translated) -> String {
        match translated {
            Translated::Same => "same".to_owned(),
            Translated::Value(value, translation) => format!("{value} {translation:?}"),
            Translated::LeftOut => "left out".to_owned(),
            Translated::Wrong(problem) => problem,
        }
    }

    #[test]
    fn a_status_is_read_by_name_and_by_number() {
        const NAMES: &str = "CREATED, CANCELED, IN_PROGRESS, SUCCESS, ERROR, TIMEOUT";
        let two = "1 is CREATED in SpaceONE up to 1.10, and FAILURE, which is ERROR here, from 1.12 on; write the name";
        for (value, generation, expected) in [
            (json!("ERROR"), Generation::Today, "same"),
            (json!("FAILURE"), Generation::Today, "\"ERROR\" Failure"),
            (json!("JOB_STATE_NONE"), Generation::First, "left out"),
            (json!(0), Generation::First, "left out"),
            (json!(1), Generation::First, "\"CREATED\" StatusNumber"),
            (json!(1), Generation::Today, "\"ERROR\" StatusNumber"),
            (json!(1), Generation::Unknown, two),
            (json!(4), Generation::Unknown, "\"SUCCESS\" StatusNumber"),
            (json!(4.0), Generation::Unknown, "\"SUCCESS\" StatusNumber"),
            (json!(6), Generation::First, "\"TIMEOUT\" StatusNumber"),
            (
                json!(5),
                Generation::Today,
                "5 is the number of no status of a job since SpaceONE 1.12; write the name",
            ),
            (json!("4"), Generation::Today, "\"SUCCESS\" StatusNumber"),
            (
                json!(7),
                Generation::First,
                &format!("7 is the number of no status; expected one of {NAMES}"),
            ),
            (
                json!(-1),
                Generation::First,
                &format!("-1 is the number of no status; expected one of {NAMES}"),
            ),
            (
                json!("success"),
                Generation::First,
                "unknown status `success`; did you mean `SUCCESS`?",
            ),
            (
                json!("CANCELLED"),
                Generation::First,
                "unknown status `CANCELLED`; did you mean `CANCELED`?",
            ),
            (
                json!("?"),
                Generation::First,
                &format!("unknown status `?`; known are {NAMES}"),
            ),
            (
                json!([4]),
                Generation::First,
                &format!("is an array; expected one of {NAMES}"),
            ),
        ] {
            assert_eq!(shown(status(&value, generation)), expected, "{value}");
        }
    }

    #[test]
    fn a_generation_is_recognised_by_its_members() {
        for (document, expected) in [
            (json!({"errors": []}), Generation::First),
            (json!({"successTasks": 1}), Generation::Today),
            (
                json!({"workspace_id": "w", "errors": []}),
                Generation::Unknown,
            ),
            (
                json!({"job_id": "j", "collector_id": "c"}),
                Generation::Unknown,
            ),
        ] {
            let members = document.as_object().unwrap();
            assert_eq!(Generation::of(members), expected, "{document}");
        }
    }

    #[test]
    fn an_integer_may_be_written_otherwise() {
        for (value, expected) in [
            (json!(2), "same"),
            (json!(2.0), "2 WholeNumber"),
            (json!(-1.0), "-1 WholeNumber"),
            (json!(2.5), "same"),
            (json!(1e300), "same"),
            (json!("2"), "2 NumberInText"),
            (json!("-1"), "-1 NumberInText"),
            (json!("2.0"), "2 NumberInText"),
            (json!("two"), "same"),
            (json!("NaN"), "same"),
            (json!(""), "left out"),
            (json!([]), "same"),
        ] {
            assert_eq!(shown(integer(&value)), expected, "{value}");
        }
    }

    #[test]
    fn a_time_may_be_written_otherwise() {
        for (value, expected) in [
            (json!("2022-06-17T17:00:01.225+09:00"), "same"),
            (
                json!("2022-06-17T08:00:01"),
                "\"2022-06-17T08:00:01.000Z\" TimeWithoutOffset",
            ),
            (
                json!("20220617T080001Z"),
                "\"2022-06-17T08:00:01.000Z\" OtherTimeForm",
            ),
            (
                json!(1_655_452_801),
                "\"2022-06-17T08:00:01.000Z\" EpochSeconds",
            ),
            (
                json!(1_655_452_801_225_i64),
                "\"2022-06-17T08:00:01.225Z\" EpochMilliseconds",
            ),
            (
                json!({"seconds": "1655452801", "nanos": 225_000_000}),
                "\"2022-06-17T08:00:01.225Z\" TimestampMessage",
            ),
            (
                json!({"seconds": 1_655_452_801}),
                "\"2022-06-17T08:00:01.000Z\" TimestampMessage",
            ),
            (json!({"seconds": i64::MAX}), "same"),
            (json!({"seconds": 1, "nanos": -1}), "same"),
            (json!({"seconds": 1, "x": 1}), "same"),
            (json!({}), "same"),
            (json!(""), "left out"),
            (
                json!("soon"),
                "`soon` is not an RFC 3339 time such as 2022-06-17T08:00:01.225Z",
            ),
        ] {
            assert_eq!(shown(time(&value)), expected, "{value}");
        }
    }
}
