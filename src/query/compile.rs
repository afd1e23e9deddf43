//! Compiles requests: from a request to the plan of its answer.

use crate::query::check;
use crate::query::error::QueryError;
use crate::query::list::plan::{self as list_plan, ListPlan};
use crate::query::request::{JobStatQuery, JobsQuery};
use crate::query::stat::plan::{self as stat_plan, StatPlan};
use crate::time::Timestamp;

/// Checks a request for a list and plans how it is answered.
///
/// # Errors
/// [`QueryError`] for the first problem of the request.
pub fn compile_list(request: &JobsQuery, now: Timestamp) -> Result<ListPlan, QueryError> {
    Ok(list_plan::plan(&check::list::check(request, now)?))
}

/// Checks a request for statistics and plans how it is answered.
///
/// # Errors
/// [`QueryError`] for the first problem of the request.
pub fn compile_stat(request: &JobStatQuery, now: Timestamp) -> Result<StatPlan, QueryError> {
    Ok(stat_plan::plan(check::stat::check(request, now)?))
}
