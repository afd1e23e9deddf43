//! The database, the only user of `rusqlite` and `r2d2`: [`Store`] opens a file and lends pooled readers, which never wait
//! for the one [`Writer`] (WAL); `read` and `write` are what they do within a transaction.

mod bulk;
mod check;
mod columns;
mod connection;
mod copy;
mod database;
mod derived;
mod document;
mod error;
mod file;
mod interrupt;
mod job_row;
pub mod notifications;
mod opening;
mod overview;
mod presence;
mod prune;
mod read;
mod repair;
mod saved_states;
mod schema;
mod sql_functions;
mod trigrams;
mod write;

pub use bulk::IdIndex;
pub use check::Report;
pub use connection::{DataVersion, Mode, Reader, ReaderUsage, Writer};
pub use database::Store;
pub use document::Document;
pub use error::{OpenError, StoreError, remedy};
pub use file::{log_of, refuse_log_of_another};
pub use interrupt::{CancelOnDrop, Interrupt};
pub use job_row::NewJob;
pub use prune::Expired;
pub use read::ReadTransaction;
pub use saved_states::StateId;
pub use write::{OnConflict, WriteTransaction, Written};
