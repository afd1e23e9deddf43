//! `JobError`: an entry of a job's member `errors`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::json::StrictObject;

/// One error of a job.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobError {
    /// What kind of error it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Free-form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub additional: Option<StrictObject>,
}

/// Counts errors by code: each code once, sorted, with its number of errors. `None` counts the errors without a code.
#[must_use]
pub fn error_codes(errors: &[JobError]) -> Vec<(Option<&str>, i64)> {
    let mut codes: Vec<_> = errors
        .iter()
        .map(|error| (error.error_code.as_deref(), 1))
        .collect();
    codes.sort_unstable();
    codes.dedup_by(|(code, _), (before, errors)| {
        let is_same = code == before;
        *errors += i64::from(is_same);
        is_same
    });
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_by_code() {
        let error = |code: Option<&str>| JobError {
            error_code: code.map(str::to_owned),
            ..JobError::default()
        };
        let errors = [
            error(Some("b")),
            error(None),
            error(Some("a")),
            error(Some("b")),
        ];
        assert_eq!(
            error_codes(&errors),
            [(None, 1), (Some("a"), 1), (Some("b"), 2)]
        );
    }
}
