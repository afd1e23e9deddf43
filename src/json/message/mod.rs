//! Reads a message from parsed JSON: any type that derives `Deserialize`.
//!
//! It adds to serde's own deserializers: an error has the location of the value in the request, spelt as the client
//! spelt it; the error for a misspelt name suggests the nearest known one; and one [`Dialect`] defines how names,
//! nulls, empty strings and numbers are read in all members. An unknown member is always an error, and so is a member
//! given twice.
//!
//! ```
//! use jobdeck::json::message::{Dialect, from_value};
//!
//! #[derive(Debug, serde::Deserialize)]
//! struct List {
//!     page_limit: Option<u64>,
//! }
//! let wrong = serde_json::json!({"page_limt": 5});
//! let error = from_value::<List>(wrong, Dialect::PLAIN).unwrap_err();
//! assert_eq!(error.to_string(), "page_limt: unknown member `page_limt`; did you mean `page_limit`?");
//! ```
//!
//! The value is consumed: strings move into the message and are not copied. Members are read in the order of the
//! struct's fields, so the first error of a request does not depend on the order of its members. A location is written
//! out only for an error or a [`Located`] field.
//!
//! Types that are read here must not have `#[serde(flatten)]`, `alias` or `untagged`: serde would buffer their values,
//! and lose the location and the dialect.

mod dialect;
mod error;
mod located;
mod read;
mod reader;
#[cfg(test)]
mod tests;

pub use dialect::{Dialect, Syntax, camel_case, parse_boolean};
pub use error::{Problem, ReadError, Step};
pub use located::Located;
pub use read::{from_pairs, from_tree, from_value};
pub use reader::OBJECT_OR_OTHER;
