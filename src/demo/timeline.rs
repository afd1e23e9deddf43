//! The start times of made-up jobs: one job a step.

use crate::time::{DAY_MILLIS, Timestamp};

/// A sequence of jobs in time: job n begins about n steps after the start.
#[derive(Debug, Clone, Copy)]
pub struct Timeline {
    pub start: Timestamp,
    pub step_millis: i64,
    /// The longest time that a job runs.
    pub longest_millis: i64,
    /// Makes the jobs of this timeline differ from those of another.
    pub number: u64,
}

impl Timeline {
    /// Makes the timeline of `jobs` jobs over the `days` before `until`.
    #[must_use]
    pub fn before(until: Timestamp, days: u32, jobs: u64) -> Self {
        let span = i64::from(days) * DAY_MILLIS;
        let step_millis = (span / i64::try_from(jobs.max(1)).unwrap_or(i64::MAX)).max(1);
        Self {
            start: until.plus_millis(-span),
            step_millis,
            longest_millis: 20 * 60_000,
            number: 0,
        }
    }
}
