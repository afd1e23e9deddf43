//! `Draft`: a job as a client writes it, before defaults are filled in.

use serde::Deserialize;
use utoipa::ToSchema;

use super::collector::CollectorInfo;
use super::error::JobError;
use super::member::{
    errors, id_not_null, id_or_null, int32_not_null, task_count, task_count_or_null, time_not_null,
};
use super::script::{Script, Step};
use super::status::JobStatus;
use crate::json::StrictObject;
use crate::time::Timestamp;

/// The members of a job as they are written, and perhaps the script of its life.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(
    as = JobDraft,
    description = "A job as it is written: a field that is left out gets a default. An unknown field is an error."
)]
pub struct Draft {
    /// May be left out where the address names it.
    #[serde(default, deserialize_with = "id_not_null")]
    #[schema(min_length = 1, max_length = 256, nullable = false)]
    pub job_id: Option<String>,
    /// `CREATED` if left out.
    #[serde(default)]
    pub status: JobStatus,
    /// The limits of the collection; free-form.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub filter: StrictObject,
    /// 0 if left out.
    #[serde(default, deserialize_with = "task_count")]
    #[schema(value_type = i32, minimum = 0, maximum = 2_147_483_647)]
    pub total_tasks: i64,
    /// If left out: 0, or `total_tasks` in a job with a life.
    #[serde(default, deserialize_with = "int32_not_null")]
    #[schema(value_type = Option<i32>, minimum = -2_147_483_648, maximum = 2_147_483_647, nullable = false)]
    pub remained_tasks: Option<i64>,
    /// Tasks that have succeeded, where SpaceONE counts them.
    #[serde(default, deserialize_with = "task_count_or_null")]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 2_147_483_647)]
    pub success_tasks: Option<i64>,
    /// Tasks that have failed, where SpaceONE counts them.
    #[serde(default, deserialize_with = "task_count_or_null")]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 2_147_483_647)]
    pub failure_tasks: Option<i64>,
    /// What went wrong.
    #[serde(default, deserialize_with = "errors")]
    pub errors: Vec<JobError>,
    #[serde(default)]
    pub collector_info: Option<CollectorInfo>,
    /// The secret with which the collector signs in.
    #[serde(default, deserialize_with = "id_or_null")]
    #[schema(min_length = 1, max_length = 256)]
    pub secret_id: Option<String>,
    /// The one secret to which the request limits the job.
    #[serde(default, deserialize_with = "id_or_null")]
    #[schema(min_length = 1, max_length = 256)]
    pub request_secret_id: Option<String>,
    /// The one workspace to which the request limits the job.
    #[serde(default, deserialize_with = "id_or_null")]
    #[schema(min_length = 1, max_length = 256)]
    pub request_workspace_id: Option<String>,
    /// What the collector belongs to, such as `DOMAIN` or `WORKSPACE`.
    #[serde(default, deserialize_with = "id_or_null")]
    #[schema(min_length = 1, max_length = 256)]
    pub resource_group: Option<String>,
    /// The project that the job collects for.
    #[serde(default, deserialize_with = "id_or_null")]
    #[schema(min_length = 1, max_length = 256)]
    pub project_id: Option<String>,
    /// The workspace that the job collects for.
    #[serde(default, deserialize_with = "id_or_null")]
    #[schema(min_length = 1, max_length = 256)]
    pub workspace_id: Option<String>,
    /// The tenant. May be left out where the address names it.
    #[serde(default, deserialize_with = "id_not_null")]
    #[schema(min_length = 1, max_length = 256, nullable = false)]
    pub domain_id: Option<String>,
    /// The present time if left out.
    #[serde(default, deserialize_with = "time_not_null")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub created_at: Option<Timestamp>,
    /// `created_at` if left out or null.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
    /// When the job ended. `PUT` fills in the present time, or `created_at` if that is later, for a status that ends the job.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// The future of the job after it is put; only a mock plays it.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Step>>, min_items = 1, max_items = 100)]
    pub life: Option<Script>,
}

impl Draft {
    /// Gives a job that has ended a `finished_at`: `now`, or `created_at` if that is later.
    ///
    /// # Errors
    /// A sentence for a job that has one and has not ended.
    pub fn settle_end(&mut self, now: Timestamp) -> Result<(), String> {
        match (self.status.is_final(), self.finished_at) {
            (true, None) => {
                let earliest = self.created_at.unwrap_or(now);
                self.finished_at = Some(now.max(earliest));
                Ok(())
            }
            (false, Some(_)) => Err(format!(
                "`finished_at`: a job with the status {} has not ended; leave it out, or give the status with which the job \
                 ended, such as SUCCESS",
                self.status.name()
            )),
            (true, Some(_)) | (false, None) => Ok(()),
        }
    }

    /// Settles the end of a job whose former status and `finished_at` a patch has changed, or left as they were.
    ///
    /// A status that stays the same leaves the time of the end, so that a patch can be sent again. Another status that the
    /// job ends with gets `now`, and one that it runs with removes it.
    ///
    /// # Errors
    /// As [`Draft::settle_end`], for a `finished_at` that the patch itself gives.
    pub fn settle_patched_end(
        &mut self,
        patched: PatchedEnd,
        now: Timestamp,
    ) -> Result<(), String> {
        if patched.has_finished_at && self.finished_at.is_some() {
            return self.settle_end(now);
        }
        if !patched.has_status {
            return Ok(());
        }
        if self.status != patched.former || !self.status.is_final() {
            self.finished_at = None;
        }
        self.settle_end(now)
    }
}

/// What a patch says of the end of a job.
#[derive(Debug, Clone, Copy)]
pub struct PatchedEnd {
    /// The status before the patch.
    pub former: JobStatus,
    pub has_status: bool,
    pub has_finished_at: bool,
}

/// The problem of a draft with a script where no mock plays it.
pub const LIFE_NEEDS_MOCK: &str =
    "`life`: only a mock plays lives; start one with `jobdeck serve --mock`";

#[cfg(test)]
mod tests {
    use super::super::from_json::from_json;
    use super::*;

    fn draft(members: &str) -> Draft {
        let text = format!(r#"{{"job_id":"j","domain_id":"d"{members}}}"#);
        from_json(text.as_bytes()).unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339("2022-06-20T12:00:00Z").unwrap()
    }

    fn settled(draft: &Draft, result: Result<(), String>) -> String {
        match result {
            Ok(()) => draft
                .finished_at
                .map_or_else(|| "none".to_owned(), |time| time.to_string()),
            Err(problem) => problem.split(';').next().unwrap().to_owned(),
        }
    }

    const NOW: &str = "2022-06-20T12:00:00.000Z";
    const OWN: &str = r#","finished_at":"2022-06-19T00:00:00Z""#;
    const ITS_OWN: &str = "2022-06-19T00:00:00.000Z";

    #[test]
    fn a_job_that_has_ended_gets_its_end() {
        #[track_caller]
        fn check(members: &str, expected: &str) {
            let mut draft = draft(members);
            let result = draft.settle_end(now());
            assert_eq!(settled(&draft, result), expected, "{members}");
        }
        for status in JobStatus::ALL {
            let name = status.name();
            let status_member = format!(r#","status":"{name}""#);
            let with_time = format!("{status_member}{OWN}");
            if status.is_final() {
                check(&status_member, NOW);
                check(&with_time, ITS_OWN);
            } else {
                check(&status_member, "none");
                check(
                    &with_time,
                    &format!("`finished_at`: a job with the status {name} has not ended"),
                );
            }
        }
        check("", "none");
        check(
            r#","status":"ERROR","created_at":"2022-06-20T12:00:01Z""#,
            "2022-06-20T12:00:01.000Z",
        );
        check(
            r#","status":"ERROR","created_at":"2022-06-01T00:00:00Z""#,
            NOW,
        );
    }

    #[test]
    fn a_patch_settles_the_end_that_it_changes() {
        use JobStatus::{Created, Error, InProgress, Success};
        #[track_caller]
        fn check(
            former: JobStatus,
            has_status: bool,
            gives_end: bool,
            members: &str,
            expected: &str,
        ) {
            let mut draft = draft(members);
            let patched = PatchedEnd {
                former,
                has_status,
                has_finished_at: gives_end,
            };
            let result = draft.settle_patched_end(patched, now());
            assert_eq!(settled(&draft, result), expected, "{former:?} {members}");
        }
        let success = r#","status":"SUCCESS""#;
        let success_ended = format!("{success}{OWN}");
        let runs = r#","status":"IN_PROGRESS""#;
        let runs_ended = format!("{runs}{OWN}");
        check(InProgress, true, false, success, NOW);
        // It ended otherwise before, and now ends anew.
        check(Error, true, false, &success_ended, NOW);
        // The same patch, sent again.
        check(Success, true, false, &success_ended, ITS_OWN);
        check(Success, true, false, success, NOW);
        check(Created, true, true, &success_ended, ITS_OWN);
        check(Success, true, false, &runs_ended, "none");
        check(InProgress, true, false, &runs_ended, "none");
        // Null in the patch has removed it.
        check(Success, false, true, success, "none");
        check(Error, true, true, success, NOW);
        // A patch of other members leaves what an import has written.
        check(InProgress, false, false, &runs_ended, ITS_OWN);
        check(Success, false, false, success, "none");
        let problem = "`finished_at`: a job with the status IN_PROGRESS has not ended";
        check(Success, true, true, &runs_ended, problem);
        check(InProgress, false, true, &runs_ended, problem);
    }
}
