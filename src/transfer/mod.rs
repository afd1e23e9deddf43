//! Import and export: jobs as text, one JSON object a line; [`csv`] for spreadsheets.
//!
//! Import also reads a JSON array and a saved API answer (`{"results": […]}`). All of it is read as a stream, so memory
//! stays flat, and written in one transaction: the first error stops it, and then nothing is imported.

pub mod csv;
mod error;
mod export;
mod import;
mod job_stream;
mod source;

pub use self::error::{Refusal, TransferError};
pub use self::export::export;
pub use self::import::{Imported, import};
pub use self::job_stream::read_jobs;
pub use self::source::Source;
