//! The query language: requests in, SQL with bound values out.
//!
//! The way through this room is one direction: [`request`] reads JSON (and `pairs` query strings) into shapes,
//! [`condition`] and [`stage`] check them into types that can only be right, [`list`], [`filter`] and [`stat`] lower
//! those to [`sql::Sql`], which cannot fail; [`plan`] and [`counted`] know quicker ways to some of the answers. What
//! SQLite can't decide exactly (MongoDB's types, paths through arrays, regular expressions) is decided by small functions
//! here ([`predicate`], [`evaluate`], [`calculate`], [`date_format`]), which the store registers under SQL names.
//!
//! What is absent: a database driver, a web framework, a clock, any I/O.

pub mod calculate;
pub mod condition;
pub mod counted;
pub(crate) mod counts;
pub mod date_format;
pub mod encoding;
pub mod error;
pub mod evaluate;
pub mod field;
pub mod filter;
pub mod list;
mod members;
pub mod only;
pub mod output;
mod pairs;
pub mod path;
pub mod pattern;
pub mod plan;
pub mod predicate;
pub mod request;
pub mod scope;
pub mod sql;
pub mod stage;
pub mod stat;
pub mod value;

pub use error::QueryError;
pub use list::{List, compile as compile_list};
pub(crate) use members::camel_case;
pub use stage::Calculation;
pub use stat::{Stat, Statement, compile as compile_stat};
