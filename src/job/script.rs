//! `Script`: the future steps of a job, as a draft lists them.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use utoipa::ToSchema;

use super::error::JobError;
use super::member::{errors, int32_not_null};
use super::status::JobStatus;
use crate::json::ObjectOnly;

/// The largest number of steps of a script.
pub const MAX_STEPS: usize = 100;
/// The latest time of a step, in seconds: ten years.
const MAX_SECONDS: f64 = 315_360_000.0;

/// The future of a job as it is written: an array of 1 to [`MAX_STEPS`] steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Script(pub(super) Vec<Step>);

/// One step of a job's life. Steps are in the order of time, and none comes after an end.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Seconds after the job was put; fractions down to milliseconds.
    #[schema(minimum = 0, maximum = 315_360_000)]
    pub(super) after: f64,
    pub(super) status: JobStatus,
    /// If left out: 0 with SUCCESS, else unchanged. While a job is in progress they go down one by one to the number of
    /// the next step.
    #[serde(default, deserialize_with = "int32_not_null")]
    #[schema(value_type = Option<i32>, minimum = -2_147_483_648, maximum = 2_147_483_647, nullable = false)]
    pub(super) remained_tasks: Option<i64>,
    /// Added to the errors that the job has.
    #[serde(default, deserialize_with = "errors")]
    pub(super) errors: Vec<JobError>,
}

impl<'de> Deserialize<'de> for Script {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let steps = Vec::<ObjectOnly<Step>>::deserialize(deserializer)?;
        if steps.is_empty() || steps.len() > MAX_STEPS {
            return Err(D::Error::custom(format_args!(
                "has {} steps; a life has 1 to {MAX_STEPS}",
                steps.len()
            )));
        }
        for (index, ObjectOnly(step)) in steps.iter().enumerate() {
            if !(0.0..=MAX_SECONDS).contains(&step.after) {
                return Err(D::Error::custom(format_args!(
                    "[{index}].after: {} is not a number of seconds from 0 to {MAX_SECONDS}",
                    step.after
                )));
            }
        }
        Ok(Self(steps.into_iter().map(|step| step.0).collect()))
    }
}
