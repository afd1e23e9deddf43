//! Whether all tables of a database agree with the documents, and how they are made to.

mod check;
mod repair;

pub use self::check::Report;
