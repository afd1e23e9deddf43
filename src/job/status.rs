//! `JobStatus`, and a value for each status.

use std::ops::{AddAssign, Index, IndexMut};

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
    pub const fn name(self) -> &'static str {
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

    /// Returns whether the job has ended: no job leaves this status.
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

/// A value for each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerStatus<T>([T; JobStatus::ALL.len()]);

impl<T> PerStatus<T> {
    /// Returns what `value` gives for each status.
    #[must_use]
    pub fn new(value: impl FnMut(JobStatus) -> T) -> Self {
        Self(JobStatus::ALL.map(value))
    }

    /// Returns the values, in the order of [`JobStatus::ALL`].
    #[must_use]
    pub fn values(&self) -> &[T] {
        &self.0
    }

    /// Returns the values to change them, in the order of [`JobStatus::ALL`].
    pub fn values_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl PerStatus<i64> {
    /// Returns the sum of the counts whose status passes.
    #[must_use]
    pub fn sum_of(&self, passes: &PerStatus<bool>) -> i64 {
        let counts = self.0.iter().zip(passes.0);
        counts
            .map(|(count, passes)| count * i64::from(passes))
            .sum()
    }
}

impl AddAssign for PerStatus<i64> {
    fn add_assign(&mut self, counts: Self) {
        for (sum, count) in self.0.iter_mut().zip(counts.0) {
            *sum += count;
        }
    }
}

impl<T> Index<JobStatus> for PerStatus<T> {
    type Output = T;

    fn index(&self, status: JobStatus) -> &T {
        &self.0[status as usize]
    }
}

impl<T> IndexMut<JobStatus> for PerStatus<T> {
    fn index_mut(&mut self, status: JobStatus) -> &mut T {
        &mut self.0[status as usize]
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
