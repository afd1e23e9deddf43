//! The pieces in which the text of a job is stored.

use serde::Serialize;

use super::document::{Job, canonical};
use super::error::JobError;
use super::status::JobStatus;
use crate::json::StrictObject;
use crate::time::Timestamp;

/// The text between the head of a document and its `collector_info`.
pub const BEFORE_COLLECTOR_INFO: &str = ",\"collector_info\":";

/// A document in the three pieces in which it is stored: `collector_info`, what precedes it and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// Up to `errors`, without a comma at its end.
    pub head: String,
    /// The value alone; `None` if the job has none.
    pub collector_info: Option<String>,
    /// From the comma after `collector_info` on.
    pub tail: String,
}

impl Pieces {
    /// Returns the length of the whole document in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a document is never empty")]
    pub fn len(&self) -> usize {
        let info = self.collector_info.as_ref();
        self.head.len()
            + info.map_or(0, |info| BEFORE_COLLECTOR_INFO.len() + info.len())
            + self.tail.len()
    }
}

#[derive(Serialize)]
struct Head<'j> {
    job_id: &'j str,
    status: JobStatus,
    filter: &'j StrictObject,
    total_tasks: i64,
    remained_tasks: i64,
    errors: &'j [JobError],
}

#[derive(Serialize)]
struct Tail<'j> {
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<&'j str>,
    domain_id: &'j str,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

impl Job {
    /// Returns the canonical text in the pieces in which it is stored.
    #[must_use]
    pub fn to_pieces(&self) -> Pieces {
        let mut head = canonical(&Head {
            job_id: &self.job_id,
            status: self.status,
            filter: &self.filter,
            total_tasks: self.total_tasks,
            remained_tasks: self.remained_tasks,
            errors: &self.errors,
        });
        head.truncate(head.len() - "}".len());
        let tail = canonical(&Tail {
            project_id: self.project_id.as_deref(),
            domain_id: &self.domain_id,
            created_at: self.created_at,
            updated_at: self.updated_at,
            finished_at: self.finished_at,
        });
        Pieces {
            head,
            collector_info: self.collector_info.as_ref().map(canonical),
            tail: format!(",{}", &tail["{".len()..]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_make_the_document() {
        let without = r#"{"created_at":"2022-06-17T17:00:00+09:00","domain_id":"d","job_id":"j"}"#;
        for (text, has_info) in [(super::super::document::FULL, true), (without, false)] {
            let job = Job::from_json(text.as_bytes()).unwrap();
            let pieces = job.to_pieces();
            assert_eq!(pieces.collector_info.is_some(), has_info);
            let length = pieces.len();
            let info = pieces
                .collector_info
                .map(|info| format!("{BEFORE_COLLECTOR_INFO}{info}"));
            let whole = format!("{}{}{}", pieces.head, info.unwrap_or_default(), pieces.tail);
            assert_eq!(whole, job.to_document());
            assert_eq!(whole.len(), length);
        }
    }
}
