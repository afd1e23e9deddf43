//! Conditions of a filter, and the paths that they name.

use std::fmt;

use serde::de::Deserializer;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::json::Strict;
use crate::json::message::Located;
use crate::query::error::QueryError;
use crate::query::request::read::list;

/// The most conditions in `filter` and `filter_or` together.
pub const MAX_CONDITIONS: usize = 500;

/// A condition. Its members have a short and a long name; what the value must be depends on the operator.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    #[schema(value_type = JobPath)]
    pub key: String,
    pub operator: Operator,
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    pub value: Located<Strict>,
}

/// How a path is compared with the value: `eq`, `not`, `in`, `not_in` by type and value; `lt` to `gte` within one type;
/// `contain` and its like as parts of a text, without regard to case; `regex` in Perl's syntax, unanchored, without regard
/// to case; `exists` with true or false; `match` with an object, all of whose members an element of the array must have;
/// `datetime_…` with an ISO 8601 time; `timediff_…` with `now`, `now/d`, `now/w` or `now/m`, and perhaps ` - 5d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename = "operator", rename_all = "snake_case")]
pub enum Operator {
    Eq,
    Not,
    Lt,
    Lte,
    Gt,
    Gte,
    In,
    NotIn,
    Contain,
    NotContain,
    ContainIn,
    NotContainIn,
    Regex,
    RegexIn,
    Exists,
    Match,
    DatetimeLt,
    DatetimeLte,
    DatetimeGt,
    DatetimeGte,
    TimediffLt,
    TimediffLte,
    TimediffGt,
    TimediffGte,
}

/// Writes the name of the operator.
impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Reads a list of conditions.
pub(super) fn conditions<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Located<Condition>>, D::Error> {
    list(deserializer, MAX_CONDITIONS, "items")
}

/// Checks the number of conditions of both lists together.
pub(super) fn limit_conditions(
    filter: &[Located<Condition>],
    filter_or: &[Located<Condition>],
) -> Result<(), QueryError> {
    let count = filter.len() + filter_or.len();
    if count <= MAX_CONDITIONS {
        return Ok(());
    }
    Err(QueryError::Parameter {
        place: "query.filter".to_owned(),
        problem: format!("{count} conditions in all, at most {MAX_CONDITIONS} are allowed"),
    })
}

/// The schema of a path into a job. Paths are read as strings; `query::check::field` checks them.
pub(crate) struct JobPath;

/// The first segments that a path may have; `query::check::field` has the rule.
const ROOTS: &str = "job_id|status|filter|total_tasks|remained_tasks|errors|collector_info|project_id|domain_id|created_at|updated_at|finished_at|collector_id|collector|filters";

impl PartialSchema for JobPath {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "A dotted path into a job, such as `errors.error_code`. It goes into arrays, where any element will do and a number is an index. `collector_id`, `collector.…` and `filters.…` are short for `collector_info.collector_id`, `collector_info.…` and `filter.…`.",
            ))
            .pattern(Some(format!(r"^({ROOTS})(\.[^.]+){{0,9}}$")))
            .into()
    }
}

impl ToSchema for JobPath {}
