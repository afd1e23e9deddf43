//! The pieces in which the text of a job is stored: `collector_info`, what precedes it and what follows it.
//!
//! They are written by hand: an import writes each document once, and what serde derives took twice the time.

use std::fmt::Write;

use super::document::{Job, canonical};
use crate::time::Timestamp;

/// The text between the head of a document and its `collector_info`.
pub const BEFORE_COLLECTOR_INFO: &str = ",\"collector_info\":";

/// The bytes of a piece without its texts of any length; most pieces are shorter.
const USUAL_BYTES: usize = 192;

impl Job {
    /// Returns the canonical text up to `errors`, without a comma at its end.
    #[must_use]
    pub fn head(&self) -> String {
        let mut head = String::with_capacity(USUAL_BYTES);
        head.push_str("{\"job_id\":");
        push_text(&mut head, &self.job_id);
        head.push_str(",\"status\":");
        head.push_str(self.status.json());
        head.push_str(",\"filter\":");
        if self.filter.0.is_empty() {
            head.push_str("{}");
        } else {
            head.push_str(&canonical(&self.filter));
        }
        push_number(&mut head, ",\"total_tasks\":", Some(self.total_tasks));
        push_number(&mut head, ",\"remained_tasks\":", Some(self.remained_tasks));
        push_number(&mut head, ",\"success_tasks\":", self.success_tasks);
        push_number(&mut head, ",\"failure_tasks\":", self.failure_tasks);
        head.push_str(",\"errors\":");
        if self.errors.is_empty() {
            head.push_str("[]");
        } else {
            head.push_str(&canonical(&self.errors));
        }
        head
    }

    /// Returns the canonical text from the comma after `collector_info` on.
    #[must_use]
    pub fn tail(&self) -> String {
        let mut tail = String::with_capacity(USUAL_BYTES);
        for (name, id) in [
            (",\"secret_id\":", &self.secret_id),
            (",\"request_secret_id\":", &self.request_secret_id),
            (",\"request_workspace_id\":", &self.request_workspace_id),
            (",\"resource_group\":", &self.resource_group),
            (",\"project_id\":", &self.project_id),
            (",\"workspace_id\":", &self.workspace_id),
        ] {
            if let Some(id) = id {
                tail.push_str(name);
                push_text(&mut tail, id);
            }
        }
        tail.push_str(",\"domain_id\":");
        push_text(&mut tail, &self.domain_id);
        push_time(&mut tail, ",\"created_at\":\"", self.created_at);
        push_time(&mut tail, ",\"updated_at\":\"", self.updated_at);
        if let Some(finished_at) = self.finished_at {
            push_time(&mut tail, ",\"finished_at\":\"", finished_at);
        }
        tail.push('}');
        tail
    }
}

/// Appends a JSON string.
fn push_text(piece: &mut String, text: &str) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        piece.push('"');
        piece.push_str(text);
        piece.push('"');
    } else {
        piece.push_str(&canonical(&text));
    }
}

fn push_number(piece: &mut String, name: &str, number: Option<i64>) {
    if let Some(number) = number {
        // Writing to a string can't fail.
        let _ = write!(piece, "{name}{number}");
    }
}

fn push_time(piece: &mut String, name: &str, time: Timestamp) {
    let _ = write!(piece, "{name}{time}\"");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_make_the_document() {
        for text in [
            super::super::document::FULL,
            r#"{"created_at":"2022-06-17T17:00:00+09:00","domain_id":"d","job_id":"j"}"#,
            r#"{"created_at":"0000-01-01T00:00:00.007Z","domain_id":"\u00e4\"\\","job_id":"\n\u001f\u007f/","project_id":"\t","remained_tasks":-1}"#,
        ] {
            let job = Job::from_json(text.as_bytes()).unwrap();
            let info = job
                .collector_info
                .as_ref()
                .map(|info| format!("{BEFORE_COLLECTOR_INFO}{}", canonical(info)));
            let whole = format!("{}{}{}", job.head(), info.unwrap_or_default(), job.tail());
            assert_eq!(whole, job.to_document());
        }
    }
}
