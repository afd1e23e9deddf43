//! Strict readers of job members: ids, task counts, times.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

use super::error::JobError;
use crate::json::ObjectOnly;
use crate::time::Timestamp;

/// The longest id or other short text of a job, such as `job_id` or `resource_group`, in bytes.
pub const MAX_ID_BYTES: usize = 256;
/// The largest number of tasks: SpaceONE's JobInfo carries it as int32.
pub const MAX_TASKS: i64 = i32::MAX as i64;

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

/// Reads an id that may be left out, but may not be null.
pub(super) fn id_not_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    id(deserializer).map(Some)
}

/// Reads an id that may be left out or null.
pub(super) fn id_or_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Id(#[serde(deserialize_with = "id")] String);
    Ok(Option::<Id>::deserialize(deserializer)?.map(|id| id.0))
}

/// Reads a time that may be left out, but may not be null.
pub(super) fn time_not_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    Timestamp::deserialize(deserializer).map(Some)
}

/// Reads an integer from 0 to [`MAX_TASKS`].
pub(super) fn task_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    deserializer.deserialize_i64(Int32 { min: 0 })
}

/// Reads an integer from 0 to [`MAX_TASKS`] that may be left out or null.
pub(super) fn task_count_or_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    struct TaskCount(#[serde(deserialize_with = "task_count")] i64);
    Ok(Option::<TaskCount>::deserialize(deserializer)?.map(|count| count.0))
}

/// Reads an int32 that may be left out, but may not be null.
pub(super) fn int32_not_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    let min = i64::from(i32::MIN);
    deserializer.deserialize_i64(Int32 { min }).map(Some)
}

/// Reads an integer from `min` to [`MAX_TASKS`].
struct Int32 {
    min: i64,
}

impl Visitor<'_> for Int32 {
    type Value = i64;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an integer from {} to {MAX_TASKS}", self.min)
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        let allowed = (self.min..=MAX_TASKS).contains(&number);
        allowed
            .then_some(number)
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// Reads errors, each from an object only.
pub(super) fn errors<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<JobError>, D::Error> {
    let errors = Vec::<ObjectOnly<JobError>>::deserialize(deserializer)?;
    Ok(errors.into_iter().map(|error| error.0).collect())
}
