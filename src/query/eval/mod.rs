//! Evaluators: functions over MongoDB's values, which the store registers as SQL functions.

pub mod arithmetic;
pub mod cells;
pub mod date_format;
pub mod encoding;
pub mod functions;
pub mod path;
pub mod pattern;
pub mod percentile;
pub mod predicate;
pub mod projection;
pub mod sort_key;
pub mod value;
