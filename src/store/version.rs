//! The version of the data: another one after every commit, whoever made it.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::{Readers, StoreError};

/// What the data was like at a moment, as an opaque text: two that are equal saw the same data.
///
/// It says nothing of which came first, and it ends with the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    process: u64,
    commits: i64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:x}", self.process, self.commits)
    }
}

/// A connection that only watches others commit.
///
/// Rule: SQLite, `PRAGMA data_version`: within one connection the number changes when another one, of this process or
/// not, has committed; numbers of two connections can't be compared, so there is one for all who ask.
#[derive(Debug)]
pub(super) struct Watch {
    /// Tells the versions of one process from those of the next.
    process: u64,
    /// Opened when somebody first asks.
    connection: Mutex<Option<Connection>>,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self {
            process: RandomState::new().hash_one(()),
            connection: Mutex::new(None),
        }
    }

    pub(super) fn version(&self, manager: &Readers) -> Result<Version, StoreError> {
        let mut held = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *held {
            Some(connection) => connection,
            nothing => nothing.insert(r2d2::ManageConnection::connect(manager)?.connection),
        };
        let commits = connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        Ok(Version {
            process: self.process,
            commits,
        })
    }
}
