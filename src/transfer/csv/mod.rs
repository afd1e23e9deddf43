//! Jobs as CSV for spreadsheets (RFC 4180): a line for each, with the columns that the first line names.

mod columns;
mod escape;
mod write;

pub(super) use self::columns::{COLUMNS, Column, Kind};
pub(super) use self::escape::{split, unescape_formula};
pub use self::write::{write_head, write_job};
