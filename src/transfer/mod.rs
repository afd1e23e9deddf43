//! Import and export: jobs as text, one JSON object a line; [`csv`] for spreadsheets.
//!
//! Import reads every form that the documentation lists, as a stream, so memory stays flat. It lists all mistakes, and writes
//! in one transaction: where there is a mistake, nothing is imported.

pub mod csv;
mod decode;
mod dry_run;
mod error;
mod export;
mod files;
mod filter;
mod import;
mod mistakes;
mod mongodb;
mod notes;
mod reading;

pub use self::dry_run::dry_run;
pub use self::error::{Refusal, TransferError};
pub use self::export::{Compression, Compressor, ExportFormat, JobWriter, Selection, export};
pub use self::files::{LazyFile, files_of};
pub use self::filter::ImportFilter;
pub use self::import::{ImportRules, Imported, import};
pub use self::mistakes::{JobLocation, MAX_LISTED, Mistakes};
pub use self::notes::{DoubtfulJobs, Notes, job_count};
pub use self::reading::{LocatedJob, Source, read_jobs};
