//! The query language: requests in, SQL with bound values out.
//!
//! The phases, in order; a module imports only from modules before it, and [`compile_list`] and [`compile_stat`] call
//! them:
//!
//! | phase | module | from | to |
//! | --- | --- | --- | --- |
//! | 1 | [`request`] | bytes | shapes: every member has its type |
//! | 2 | [`check`] | shapes | checked types, in which nothing can be wrong |
//! | 3 | `where_clause`, `order_by`, [`counters`], [`scan`] | a checked filter, an order | its SQL; what counters and scans answer |
//! | 4 | [`list`], [`stat`], [`overview`] | what is checked | a plan: how the request is answered, SQL included |
//!
//! [`eval`] is what SQLite calls back where it can't decide by itself: MongoDB's types, paths through arrays, regular
//! expressions. All phases use [`sql`], [`tenant`], [`limits`] and [`error`]; `index_hints` says which index a scan takes.
//!
//! What is absent: a database driver, a web framework, a clock, any I/O.

pub mod check;
mod compile;
pub mod counters;
pub mod error;
pub mod eval;
mod index_hints;
pub mod limits;
pub mod list;
mod order_by;
pub mod overview;
pub mod request;
pub mod scan;
pub mod sql;
pub mod stat;
pub mod tenant;
mod where_clause;

pub use compile::{compile_list, compile_matches, compile_stat};
pub use error::QueryError;
pub use eval::arithmetic::Calculation;
pub use list::plan::ListPlan;
pub use stat::output::Statement;
pub use stat::plan::StatPlan;
