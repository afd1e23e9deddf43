//! The database, the only user of `rusqlite` and `r2d2`: [`Store`] lends readers, and the one [`Writer`] (WAL).

mod aging;
mod answers;
mod backup;
mod bulk;
mod columns;
mod connection;
mod database;
mod derived;
mod document;
mod error;
mod file;
mod integrity;
mod interrupt;
mod job_row;
pub mod notifications;
mod read;
mod saved_states;
mod schema;
mod trigrams;
mod write;

pub use aging::{Expired, Unreported};
pub use answers::{CollectorJobs, CollectorState, RunningCount};
pub use backup::{
    BackupError, BackupFolder, BackupStep, CheckedCopy, OnExisting, ReplaceError, ScratchFolder,
    checked_copy, former_path, place_copy, refuse_database_in_use, replace_database,
};
pub use bulk::{IdIndex, Staging};
pub use connection::{DataVersion, Mode, Reader, ReaderUsage, Writer};
pub use database::Store;
pub use error::{OpenError, StoreError, remedy};
pub use file::{log_of, refuse_log_of_another};
pub use integrity::Report;
pub use interrupt::{CancelOnDrop, Interrupt};
pub use saved_states::StateId;
pub use write::{OnConflict, WriteTransaction, Written};
pub use {document::Document, job_row::NewJob, read::ReadTransaction};
