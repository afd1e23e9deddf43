//! A naive evaluation of the query language: slow and plain, over whole values in memory, without SQL.
//!
//! It shares nothing with the compiler. It follows tests/conformance and MongoDB's documentation, not src/.

mod distinct;
mod filter;
mod order;
mod pipeline;
mod value;

pub(crate) use distinct::distinct;
pub(crate) use filter::select;
pub(crate) use pipeline::Pipeline;
pub(crate) use value::{Row, job, to_json, value_to_json};

/// The reason why the naive evaluation has no answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    /// The query is an error.
    Error,
    /// The language does not determine the rows: rows at the edge of a limit or skip are equal, or MongoDB does not
    /// sort such documents.
    Open,
}
