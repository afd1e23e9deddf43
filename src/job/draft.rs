//! A job as it is written by hand, or by a client: what may be left out is not there yet.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use utoipa::ToSchema;

use super::life::{Life, Script, Step};
use super::{CollectorInfo, CollectorMembers, Job, JobError, JobStatus, MAX_ID_BYTES, MAX_TASKS};
use crate::json::{ObjectOnly, StrictObject};
use crate::time::Timestamp;

/// The members of a job as they were given, and perhaps the script of its life.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(
    as = JobDraft,
    description = "A job as it is written: what is left out gets a default. A name that is not known is an error."
)]
pub struct Draft {
    /// May be left out where the address has it.
    #[serde(default, deserialize_with = "given_id")]
    #[schema(min_length = 1, max_length = 256, nullable = false)]
    pub job_id: Option<String>,
    /// `CREATED` where left out.
    #[serde(default)]
    pub status: JobStatus,
    /// What the collection was limited to; free-form.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub filter: StrictObject,
    /// 0 where left out.
    #[serde(default, deserialize_with = "tasks")]
    #[schema(value_type = i32, minimum = 0, maximum = 2_147_483_647)]
    pub total_tasks: i64,
    /// 0 where left out; in a job with a life as many as `total_tasks`.
    #[serde(default, deserialize_with = "int32")]
    #[schema(value_type = Option<i32>, minimum = -2_147_483_648, maximum = 2_147_483_647, nullable = false)]
    pub remained_tasks: Option<i64>,
    #[serde(default, deserialize_with = "errors")]
    pub errors: Vec<JobError>,
    #[serde(default)]
    #[schema(value_type = Option<CollectorMembers>)]
    pub collector_info: Option<CollectorInfo>,
    #[serde(default, deserialize_with = "optional_id")]
    #[schema(min_length = 1, max_length = 256)]
    pub project_id: Option<String>,
    /// The tenant. May be left out where the address has it.
    #[serde(default, deserialize_with = "given_id")]
    #[schema(min_length = 1, max_length = 256, nullable = false)]
    pub domain_id: Option<String>,
    /// Now where left out.
    #[serde(default, deserialize_with = "given_time")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub created_at: Option<Timestamp>,
    /// As `created_at` where left out.
    // Null is as good as nothing.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// How the job goes on after it was put; only a mock plays it.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Step>>, min_items = 1, max_items = 100)]
    pub life: Option<Script>,
}

impl Draft {
    /// The job that lives from `now` on; `now` is also when it was made where the draft does not say. A draft without a
    /// script is a life that stands still.
    ///
    /// # Errors
    /// A sentence that names the member: an id is missing, or the script does not fit the job.
    pub fn into_life(mut self, now: Timestamp) -> Result<Life, String> {
        let script = self.life.take();
        self.created_at.get_or_insert(now);
        if script.is_some() && self.remained_tasks.is_none() {
            self.remained_tasks = Some(self.total_tasks);
        }
        let start = Job::try_from(self)?;
        match script {
            Some(script) => script.begin(start, now),
            None => Ok(Life::still(start)),
        }
    }
}

impl TryFrom<Draft> for Job {
    type Error = String;

    /// Puts in the defaults that are the same everywhere.
    fn try_from(draft: Draft) -> Result<Self, String> {
        let missing = |name: &str| format!("missing field `{name}`");
        if draft.life.is_some() {
            return Err(
                "`life`: only a mock plays lives; `jobdeck serve --mock` is one".to_owned(),
            );
        }
        let created_at = draft.created_at.ok_or_else(|| missing("created_at"));
        Ok(Self {
            job_id: draft.job_id.ok_or_else(|| missing("job_id"))?,
            status: draft.status,
            filter: draft.filter,
            total_tasks: draft.total_tasks,
            remained_tasks: draft.remained_tasks.unwrap_or_default(),
            errors: draft.errors,
            collector_info: draft.collector_info,
            project_id: draft.project_id,
            domain_id: draft.domain_id.ok_or_else(|| missing("domain_id"))?,
            updated_at: draft.updated_at.map_or_else(|| created_at.clone(), Ok)?,
            created_at: created_at?,
            finished_at: draft.finished_at,
        })
    }
}

fn given_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    id(deserializer).map(Some)
}

fn given_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Timestamp::deserialize(deserializer).map(Some)
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    match id.len() {
        0 => Err(D::Error::custom("must not be empty")),
        1..=MAX_ID_BYTES => Ok(id),
        length => Err(D::Error::custom(format_args!(
            "is {length} bytes long, at most {MAX_ID_BYTES} are allowed"
        ))),
    }
}

fn optional_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Id(#[serde(deserialize_with = "id")] String);
    Ok(Option::<Id>::deserialize(deserializer)?.map(|id| id.0))
}

fn tasks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    deserializer.deserialize_i64(Int32 { least: 0 })
}

pub(super) fn int32<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let least = i64::from(i32::MIN);
    deserializer.deserialize_i64(Int32 { least }).map(Some)
}

/// An integer from `least` to [`MAX_TASKS`].
struct Int32 {
    least: i64,
}

impl Visitor<'_> for Int32 {
    type Value = i64;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an integer from {} to {MAX_TASKS}", self.least)
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        let allowed = (self.least..=MAX_TASKS).contains(&number);
        allowed
            .then_some(number)
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

pub(super) fn errors<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<JobError>, D::Error> {
    let errors = Vec::<ObjectOnly<JobError>>::deserialize(deserializer)?;
    Ok(errors.into_iter().map(|error| error.0).collect())
}
