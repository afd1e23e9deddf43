//! Phase 1: requests as they arrive, JSON or a query string, read into shapes in which every member has its type.
//!
//! A shape is both what serde reads and what the OpenAPI document describes. What the language means by a request is
//! decided in [`crate::query::check`].

mod condition;
mod list;
mod page;
mod query_string;
mod read;
pub(crate) mod schema;
mod sort;
pub mod stages;
mod stat;

pub use condition::{Condition, MAX_CONDITIONS, Operator};
pub use list::{JobsQuery, MAX_PATHS, Query};
pub use page::Page;
pub(crate) use query_string::{ListParams, QueryParams};
pub use read::MAX_VALUES;
pub(crate) use read::parse;
pub use sort::{MAX_SORT_KEYS, Sort, SortKey};
pub(crate) use stat::Question;
pub use stat::{JobStatQuery, MAX_STAGES, StatisticsQuery};
