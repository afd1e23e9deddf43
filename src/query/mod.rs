//! The query language: requests in, SQL with bound values out.
//!
//! The phases, in order; a module imports only from modules before it:
//!
//! | phase | module | from | to |
//! | --- | --- | --- | --- |
//! | 1 | [`request`] | bytes | shapes: every member has its type |
//! | 2 | [`check`] | shapes | checked types, which can only be right |
//! | 3 | [`where_clause`], [`counters`] | a checked filter | its SQL; what the counter tables can answer |
//! | 4 | [`list`], [`stat`] | checked types | a plan: the SQL, and how its rows become the answer |
//!
//! [`eval`] is what SQLite calls back where it can't decide by itself: MongoDB's types, paths through arrays, regular
//! expressions. The store registers these functions under SQL names. All phases use [`sql`], [`tenant`] and [`error`].
//!
//! What is absent: a database driver, a web framework, a clock, any I/O.

pub mod check;
pub mod counters;
pub mod error;
pub mod eval;
pub mod list;
mod order_by;
pub mod request;
pub mod sql;
pub mod stat;
pub mod tenant;
mod where_clause;

pub use error::QueryError;
pub use eval::arithmetic::Calculation;
pub use list::plan::ListPlan;
pub use stat::output::Statement;
pub use stat::plan::StatPlan;

use crate::time::Timestamp;

/// Compiles a list: checks the request and plans how it is answered.
///
/// # Errors
/// [`QueryError`] for the first problem of the request.
pub fn compile_list(request: &request::JobsQuery, now: Timestamp) -> Result<ListPlan, QueryError> {
    Ok(list::plan::plan(&check::list::check(request, now)?))
}

/// Compiles statistics: checks the request and plans how it is answered.
///
/// # Errors
/// [`QueryError`] for the first problem of the request.
pub fn compile_stat(
    request: &request::JobStatQuery,
    now: Timestamp,
) -> Result<StatPlan, QueryError> {
    Ok(stat::plan::plan(check::stat::check(request, now)?))
}
