//! The status of a job.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The status of a job, in the order of SpaceONE's proto numbers.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobStatus {
    #[default]
    Created,
    Canceled,
    InProgress,
    Success,
    Error,
    Timeout,
}

impl JobStatus {
    /// Every status; the proto number of `ALL[n]` is `n + 1`, since 0 is `JOB_STATE_NONE`.
    pub const ALL: [Self; 6] = [
        Self::Created,
        Self::Canceled,
        Self::InProgress,
        Self::Success,
        Self::Error,
        Self::Timeout,
    ];

    /// Returns the name that documents and requests use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Canceled => "CANCELED",
            Self::InProgress => "IN_PROGRESS",
            Self::Success => "SUCCESS",
            Self::Error => "ERROR",
            Self::Timeout => "TIMEOUT",
        }
    }

    /// Returns the name as a JSON string.
    #[must_use]
    pub(crate) fn json(self) -> &'static str {
        match self {
            Self::Created => r#""CREATED""#,
            Self::Canceled => r#""CANCELED""#,
            Self::InProgress => r#""IN_PROGRESS""#,
            Self::Success => r#""SUCCESS""#,
            Self::Error => r#""ERROR""#,
            Self::Timeout => r#""TIMEOUT""#,
        }
    }

    /// Whether no job leaves this status any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Created | Self::InProgress)
    }

    /// Finds a status by its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_number_and_its_name() {
        for (index, status) in JobStatus::ALL.into_iter().enumerate() {
            assert_eq!(status as usize, index);
            assert_eq!(JobStatus::from_name(status.name()), Some(status));
            assert_eq!(serde_json::to_string(&status).unwrap(), status.json());
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
    }
}
