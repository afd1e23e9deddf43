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
    /// When the job ended; left out while it runs.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// The future of the job after it is put; only a mock plays it.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Step>>, min_items = 1, max_items = 100)]
    pub life: Option<Script>,
}

/// The problem of a draft with a script where no mock plays it.
pub const LIFE_NEEDS_MOCK: &str =
    "`life`: only a mock plays lives; start one with `jobdeck serve --mock`";
