//! `Doubt`: what can be stored, but is hardly meant.

use crate::job::Job;
use crate::time::{DAY_MILLIS, Timestamp};

/// Something in a job that can be stored, but is hardly meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// More tasks are left than there are.
    MoreTasksLeft,
    /// More tasks have succeeded or failed than there are.
    MoreTasksDone,
    /// The job has finished before it was created.
    FinishedBeforeCreated,
    /// The job was created more than a day from now.
    FromTheFuture,
}

impl Doubt {
    /// Returns what is doubtful about a job.
    #[must_use]
    pub fn of(job: &Job, now: Timestamp) -> Vec<Self> {
        let done = job.success_tasks.unwrap_or_default() + job.failure_tasks.unwrap_or_default();
        let doubts = [
            (job.remained_tasks > job.total_tasks, Self::MoreTasksLeft),
            (done > job.total_tasks, Self::MoreTasksDone),
            (
                job.finished_at.is_some_and(|end| end < job.created_at),
                Self::FinishedBeforeCreated,
            ),
            (
                job.created_at > now.plus_millis(DAY_MILLIS),
                Self::FromTheFuture,
            ),
        ];
        let doubts = doubts.into_iter().filter(|(is_doubtful, _)| *is_doubtful);
        doubts.map(|(_, doubt)| doubt).collect()
    }

    /// Returns the words by which a summary names it.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::MoreTasksLeft => "more tasks are left than there are",
            Self::MoreTasksDone => "more tasks have succeeded or failed than there are",
            Self::FinishedBeforeCreated => "the job finished before it was created",
            Self::FromTheFuture => "the job was created more than a day from now",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hardly_meant_is_named() {
        let now = Timestamp::parse_rfc3339("2026-01-02T00:00:00Z").unwrap();
        for (members, expected) in [
            ("", &[][..]),
            (
                r#","total_tasks":2,"remained_tasks":3"#,
                &[Doubt::MoreTasksLeft],
            ),
            (r#","total_tasks":2,"remained_tasks":2"#, &[]),
            (
                r#","total_tasks":2,"success_tasks":2,"failure_tasks":1"#,
                &[Doubt::MoreTasksDone],
            ),
            (
                r#","finished_at":"2025-12-31T23:59:59.999Z""#,
                &[Doubt::FinishedBeforeCreated],
            ),
            (r#","finished_at":"2026-01-01T00:00:00Z""#, &[]),
        ] {
            let text = format!(
                r#"{{"job_id":"j","domain_id":"d","created_at":"2026-01-01T00:00:00Z"{members}}}"#
            );
            let job = Job::from_json(text.as_bytes()).unwrap();
            assert_eq!(Doubt::of(&job, now), expected, "{members}");
            let years_ago = Timestamp::parse_rfc3339("2025-12-30T23:59:59Z").unwrap();
            assert!(Doubt::of(&job, years_ago).contains(&Doubt::FromTheFuture));
        }
    }
}
