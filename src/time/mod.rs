//! Times: parsing, arithmetic and formatting. There is no clock here; `now` is always an argument.

mod age;
mod document;
mod error;
mod iso8601;
mod parse;
mod relative;
mod timestamp;
mod write;

pub use self::age::Age;
pub use self::document::{TimeForm, WrittenTime};
pub use self::error::TimeError;
pub use self::timestamp::{DAY_MILLIS, HOUR_MILLIS, Timestamp};
