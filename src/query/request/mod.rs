//! Phase 1: requests as they arrive. Reads JSON or a query string into shapes in which every member has its type.
//!
//! A shape is both what serde reads and what the OpenAPI document describes. What the language means by a request is
//! decided in [`crate::query::check`].

mod analyze;
mod bracketed;
mod condition;
pub(crate) mod job_path;
mod list;
mod operator;
mod page;
mod parameters;
mod query_string;
mod read;
pub(crate) mod schema;
mod sort;
mod spellings;
pub mod stages;
mod stat;
mod today;

pub use analyze::AnalyzeQuery;
pub use condition::Condition;
pub use list::{JobsQuery, Query};
pub use operator::Operator;
pub use page::Page;
pub(crate) use parameters::{FilterParams, ListParams, QueryParams};
pub(crate) use read::parse;
pub use sort::{Sort, SortKey};
pub(crate) use stat::Question;
pub use stat::{JobStatQuery, StatisticsQuery};
pub use today::{
    GetJobRequest, JobAnalyzeQuery, JobListQuery, JobRequest, JobStatisticsQuery, SuggestionQuery,
};
