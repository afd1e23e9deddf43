//! Events as they are sent.

use serde::{Deserialize, Serialize};

use crate::store::notifications::EventKind;

/// The most characters of an error's message in an event.
pub(super) const MAX_MESSAGE_CHARS: usize = 1_000;

/// An event: what a rule has found, with the facts of the job that shows it.
///
/// Times are as in jobs, durations are in milliseconds. A member without a value is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub on: EventKind,
    /// How many jobs have failed, or are stuck, since the last event of this collector.
    pub jobs: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collector_id: Option<String>,
    /// The name of the collector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collector: Option<String>,
    /// The newest job that failed or succeeded, or the one that has been stuck for the longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The message of the job's first error, up to 1,000 characters of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// How many jobs of the collector have failed since its last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures_in_row: Option<u64>,
    /// When the last success of the collector ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<String>,
    /// The job in the page, where the file of rules has the address of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl Event {
    /// Makes an event without facts.
    #[must_use]
    pub fn new(on: EventKind) -> Self {
        Self {
            on,
            jobs: 1,
            collector_id: None,
            collector: None,
            job_id: None,
            status: None,
            error_code: None,
            error: None,
            created_at: None,
            finished_at: None,
            duration: None,
            failures_in_row: None,
            last_success: None,
            link: None,
        }
    }

    /// Makes up an event, to try a rule.
    #[must_use]
    pub fn made_up(on: EventKind) -> Self {
        Self {
            collector_id: Some("collector-test".to_owned()),
            collector: Some("a test of notifications".to_owned()),
            job_id: Some("job-test".to_owned()),
            error: Some("no job has failed: this tests a rule of jobdeck".to_owned()),
            ..Self::new(on)
        }
    }
}

/// Joins two events of a collector that are not delivered yet, as JSON: the newer one counts the jobs of both.
pub(super) fn merge(older: &str, newer: &str) -> String {
    let jobs = |event: &str| serde_json::from_str::<Event>(event).map_or(0, |event| event.jobs);
    let Ok(event) = serde_json::from_str::<Event>(newer) else {
        return newer.to_owned();
    };
    let merged = Event {
        jobs: event.jobs.saturating_add(jobs(older)),
        ..event
    };
    serde_json::to_string(&merged).unwrap_or_else(|_| newer.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_events_have_the_facts_of_the_newer_one_and_the_jobs_of_both() {
        let event = |job_id: &str, jobs| Event {
            job_id: Some(job_id.to_owned()),
            jobs,
            ..Event::new(EventKind::Failed)
        };
        let text = |event: &Event| serde_json::to_string(event).unwrap();
        let merged = merge(&text(&event("a", 2)), &text(&event("b", 3)));
        assert_eq!(merged, text(&event("b", 5)));
        assert_eq!(
            merge("damaged", &text(&event("b", 3))),
            text(&event("b", 3))
        );
    }
}
