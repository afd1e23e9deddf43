//! Conditions as they arrive: a key, an operator, a value.

use serde::Deserialize;
use serde::de::Deserializer;
use utoipa::ToSchema;

use crate::json::Strict;
use crate::json::message::Located;
use crate::query::error::QueryError;
use crate::query::limits::MAX_CONDITIONS;
use crate::query::request::Operator;
use crate::query::request::job_path::JobPath;
use crate::query::request::read::list;

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
        location: "query.filter".to_owned(),
        problem: format!("{count} conditions in all, at most {MAX_CONDITIONS} are allowed"),
    })
}
