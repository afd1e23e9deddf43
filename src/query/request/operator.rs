//! The operators of conditions, by name. `check::conditions` has the rule of each.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a path is compared with the value: `eq`, `not`, `in`, `not_in` by type and value; `lt` to `gte` within one type;
/// `contain` and its like as parts of a text, without regard to case; `regex` in Perl's syntax, unanchored, without
/// regard to case; `exists` with true or false; `match` with an object, all of whose members an element of the array
/// must have; `datetime_…` with an ISO 8601 time; `timediff_…` with `now`, `now/d`, `now/w` or `now/m`, and perhaps ` -
/// 5d`.
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
