//! `Job`: the members of a job, their defaults and checks, and the canonical text.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::collector::CollectorInfo;
use super::draft::{Draft, LIFE_NEEDS_MOCK};
use super::error::JobError;
use super::from_json::{JobTextError, from_json};
use super::status::JobStatus;
use crate::json::StrictObject;
use crate::time::Timestamp;

/// One run of a collector.
///
/// Rule: the table "The job document" of the contract. A job is read as a [`Draft`], which fills in defaults and
/// refuses an unknown member, so that a misspelt fixture does not pass in silence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Draft")]
#[schema(
    description = "One run of a collector, whole. A field without a value is left out. Times are in UTC with milliseconds."
)]
pub struct Job {
    /// Unique within the domain; at most 256 bytes.
    #[schema(min_length = 1, max_length = 256)]
    pub job_id: String,
    pub status: JobStatus,
    /// What the collection was limited to; free-form.
    #[schema(value_type = Object)]
    pub filter: StrictObject,
    /// How many tasks the job has in all.
    #[schema(value_type = i32, minimum = 0)]
    pub total_tasks: i64,
    /// Tasks not yet done, within int32. SpaceONE's own data has -1 in canceled jobs, so it may be negative.
    #[schema(value_type = i32)]
    pub remained_tasks: i64,
    /// Tasks that have succeeded, where SpaceONE counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, minimum = 0, nullable = false)]
    pub success_tasks: Option<i64>,
    /// Tasks that have failed, where SpaceONE counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, minimum = 0, nullable = false)]
    pub failure_tasks: Option<i64>,
    /// What went wrong; a job with any other status may have errors, too.
    pub errors: Vec<JobError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub collector_info: Option<CollectorInfo>,
    /// The secret with which the collector signs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256, nullable = false)]
    pub secret_id: Option<String>,
    /// The one secret to which the request limits the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256, nullable = false)]
    pub request_secret_id: Option<String>,
    /// The one workspace to which the request limits the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256, nullable = false)]
    pub request_workspace_id: Option<String>,
    /// What the collector belongs to, such as `DOMAIN` or `WORKSPACE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256, nullable = false)]
    pub resource_group: Option<String>,
    /// The project that the job collects for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256, nullable = false)]
    pub project_id: Option<String>,
    /// The workspace that the job collects for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256, nullable = false)]
    pub workspace_id: Option<String>,
    /// The tenant; at most 256 bytes.
    #[schema(min_length = 1, max_length = 256)]
    pub domain_id: String,
    /// When the job began.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last written.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Left out while the job runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub finished_at: Option<Timestamp>,
}

impl TryFrom<Draft> for Job {
    type Error = String;

    /// Fills in the defaults that do not depend on a clock.
    fn try_from(draft: Draft) -> Result<Self, String> {
        let missing = |name: &str| format!("missing field `{name}`");
        if draft.life.is_some() {
            return Err(LIFE_NEEDS_MOCK.to_owned());
        }
        let created_at = draft.created_at.ok_or_else(|| missing("created_at"));
        Ok(Self {
            job_id: draft.job_id.ok_or_else(|| missing("job_id"))?,
            status: draft.status,
            filter: draft.filter,
            total_tasks: draft.total_tasks,
            remained_tasks: draft.remained_tasks.unwrap_or_default(),
            success_tasks: draft.success_tasks,
            failure_tasks: draft.failure_tasks,
            errors: draft.errors,
            collector_info: draft.collector_info,
            secret_id: draft.secret_id,
            request_secret_id: draft.request_secret_id,
            request_workspace_id: draft.request_workspace_id,
            resource_group: draft.resource_group,
            project_id: draft.project_id,
            workspace_id: draft.workspace_id,
            domain_id: draft.domain_id.ok_or_else(|| missing("domain_id"))?,
            updated_at: draft.updated_at.map_or_else(|| created_at.clone(), Ok)?,
            created_at: created_at?,
            finished_at: draft.finished_at,
        })
    }
}

impl Job {
    /// Reads one job from JSON text and fills in the defaults.
    ///
    /// # Errors
    /// As [`from_json`].
    pub fn from_json(text: &[u8]) -> Result<Self, JobTextError> {
        from_json(text)
    }

    /// Returns the canonical text: the document as it is served.
    #[must_use]
    pub fn to_document(&self) -> String {
        canonical(self)
    }

    /// Returns the id of the job's collector, if it has one.
    #[must_use]
    pub fn collector_id(&self) -> Option<&str> {
        self.collector_info
            .as_ref()
            .and_then(CollectorInfo::collector_id)
    }
}

/// Writes a part of a job as JSON.
pub(super) fn canonical(part: &impl Serialize) -> String {
    // A Job holds only strings, finite numbers and maps with string keys, which can always be written.
    serde_json::to_string(part).unwrap_or_default()
}

/// A document with every member.
#[cfg(test)]
pub(super) const FULL: &str = r#"{"job_id":"job-1","status":"ERROR","filter":{"a":[1,{"b":null}]},"total_tasks":3,"remained_tasks":1,"success_tasks":0,"failure_tasks":2,"errors":[{"error_code":"E","message":"m","additional":{"x":true}}],"collector_info":{"collector_id":"c","plugin_info":{"version":"1","options":{}},"project_id":null,"zone":[1]},"secret_id":"s","request_secret_id":"rs","request_workspace_id":"rw","resource_group":"DOMAIN","project_id":"p","workspace_id":"w","domain_id":"d","created_at":"2022-06-17T08:00:01.225Z","updated_at":"2022-06-17T08:00:02.000Z","finished_at":"2022-06-17T08:00:03.000Z"}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let got = match Job::from_json(text.as_bytes()) {
            Ok(job) => job.to_document(),
            Err(error) => format!("line {} {error}", error.line),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn the_canonical_text_is_a_fixed_point() {
        check(FULL, FULL);
    }

    #[test]
    fn defaults_are_filled_in_and_nulls_are_left_out() {
        check(
            r#"{"created_at":"2022-06-17T17:00:00+09:00","domain_id":"d","job_id":"j","finished_at":null,"project_id":null,"collector_info":{"collector_id":null},"workspace_id":null,"resource_group":null,"secret_id":null,"request_secret_id":null,"request_workspace_id":null,"success_tasks":null,"failure_tasks":null}"#,
            r#"{"job_id":"j","status":"CREATED","filter":{},"total_tasks":0,"remained_tasks":0,"errors":[],"collector_info":{},"domain_id":"d","created_at":"2022-06-17T08:00:00.000Z","updated_at":"2022-06-17T08:00:00.000Z"}"#,
        );
    }

    #[test]
    fn the_members_of_a_collector_that_have_no_type_are_free() {
        let text = r#"{"job_id":"j","status":"CREATED","filter":{},"total_tasks":0,"remained_tasks":0,"errors":[],"collector_info":{"collector_id":"c","Collector_id":1,"collectorID":2,"collectorid":3,"Name":4,"plugin_info":{"collectorId":5,"plugin_Id":6}},"domain_id":"d","created_at":"2022-06-17T08:00:00.000Z","updated_at":"2022-06-17T08:00:00.000Z"}"#;
        check(text, text);
    }

    #[test]
    fn errors_name_line_column_and_field() {
        let base = |extra: &str| {
            format!(
                r#"{{"job_id":"j","domain_id":"d","created_at":"2022-06-17T08:00:00Z"{extra}}}"#
            )
        };
        for (text, expected) in [
            (
                base(r#","stauts":"ERROR""#),
                "line 1 column 74, field stauts: unknown field `stauts`",
            ),
            (
                base(r#","status":"DONE""#),
                "line 1 column 81, field status: unknown variant `DONE`",
            ),
            (
                base(r#","total_tasks":-1"#),
                "line 1 column 82, field total_tasks: invalid value: integer `-1`, expected an integer from 0 to 2147483647",
            ),
            (
                base(r#","total_tasks":"3""#),
                "line 1 column 83, field total_tasks: invalid type: string \"3\", expected an integer",
            ),
            (
                base(r#","errors":[{"error_code":"E"},{"code":1}]"#),
                "line 1 column 102, field errors[1].code: unknown field `code`",
            ),
            (
                base(r#","collector_info":{"plugin_info":{"version":1}}"#),
                "line 1 column 110, field collector_info.plugin_info.version: invalid type: integer `1`",
            ),
            (
                base(r#","filter":{"a":{"b":1,"b":2}}"#),
                "line 1 column 93, field filter.a: duplicate field `b`",
            ),
            (
                base(r#","finished_at":"soon""#),
                "line 1 column 86, field finished_at: `soon` is not an RFC 3339 time",
            ),
            (
                base(r#","project_id":"""#),
                "line 1 column 82, field project_id: must not be empty",
            ),
            (
                base(r#","collector_info":{"collector_id":""}"#),
                "line 1 column 102, field collector_info.collector_id: must not be empty",
            ),
            (
                base(r#","collector_info":{"zone":1,"collectorId":"c"}"#),
                "line 1 column 106, field collector_info.collectorId: unknown field `collectorId`; did you mean `collector_id`?",
            ),
            (
                base(r#","collector_info":{"isPublic":true}"#),
                "line 1 column 94, field collector_info.isPublic: unknown field `isPublic`; did you mean `is_public`?",
            ),
            (
                base(r#","collector_info":{"plugin_info":{"pluginId":"p"}}"#),
                "line 1 column 109, field collector_info.plugin_info.pluginId: unknown field `pluginId`; did you mean `plugin_id`?",
            ),
            (
                base(r#","workspace_id":"""#),
                "line 1 column 84, field workspace_id: must not be empty",
            ),
            (
                base(r#","failure_tasks":-1"#),
                "line 1 column 84, field failure_tasks: invalid value: integer `-1`, expected an integer from 0 to 2147483647",
            ),
            (
                base(r#","success_tasks":2.5"#),
                "line 1 column 85, field success_tasks: invalid type: floating point `2.5`, expected an integer from 0 to 2147483647",
            ),
            (
                base(r#","job_id":"k""#),
                "line 1 column 74: duplicate field `job_id`",
            ),
            (base(","), "line 1 column 67: trailing comma"),
            (
                r#"{"job_id":"j","domain_id":"d"}"#.to_owned(),
                "line 1 column 30: missing field `created_at`",
            ),
            (
                "[1]".to_owned(),
                "line 1 column 1: invalid type: sequence, expected an object",
            ),
            ("{}x".to_owned(), "line 1 column 2: missing field `job_id`"),
        ] {
            let got = Job::from_json(text.as_bytes()).map_or_else(
                |error| format!("line {} {error}", error.line),
                |job| job.to_document(),
            );
            assert!(
                got.starts_with(expected),
                "{text}\n got: {got}\nwant: {expected}"
            );
        }
    }
}
