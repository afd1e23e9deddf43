//! The version of the data: it changes with every commit, of this process or another.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::open::ReaderManager;
use crate::store::error::StoreError;

/// A version of the data, as an opaque text: where two are equal, the data was the same.
///
/// Versions have no order, and those of two processes differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataVersion {
    process: u64,
    commits: i64,
}

impl fmt::Display for DataVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:x}", self.process, self.commits)
    }
}

/// A connection that only watches others commit.
///
/// Rule: SQLite, `PRAGMA data_version`: within one connection the number changes when another one, of this process or
/// not, has committed; numbers of two connections can't be compared, so all versions come from this one.
#[derive(Debug)]
pub(in crate::store) struct DataVersionWatch {
    /// Distinguishes the versions of one process from those of the next.
    process: u64,
    /// Opened for the first version.
    connection: Mutex<Option<Connection>>,
}

impl DataVersionWatch {
    pub(in crate::store) fn new() -> Self {
        Self {
            process: RandomState::new().hash_one(()),
            connection: Mutex::new(None),
        }
    }

    /// Returns the version of the data now.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub(in crate::store) fn version(
        &self,
        manager: &ReaderManager,
    ) -> Result<DataVersion, StoreError> {
        let mut guard = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *guard {
            Some(connection) => connection,
            none => none.insert(r2d2::ManageConnection::connect(manager)?.connection),
        };
        let commits = connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        Ok(DataVersion {
            process: self.process,
            commits,
        })
    }
}
