//! The writer: the one connection that changes the database.

use std::fmt;
use std::sync::{Arc, OnceLock};

use parking_lot::{ArcMutexGuard, RawMutex};
use rusqlite::Connection;

use super::open::set_journal;
use super::opened::Opened;
use super::wal_lock::Released;
use crate::store::error::StoreError;

/// The page cache during a large import, in KiB: the index of the ids is written to all over.
const BULK_CACHE_KIB: i64 = 64 << 10;

/// The writer, held alone.
#[expect(
    missing_debug_implementations,
    reason = "the guard of its connection has none"
)]
pub struct Writer<'s> {
    pub(in crate::store) connection: ArcMutexGuard<RawMutex, Connection>,
    pub(in crate::store) opened: Arc<Opened>,
    /// Nothing keeps a checkpoint from moving the whole log into the database meanwhile.
    pub(in crate::store) _released: Released,
    pub(in crate::store) _notice: WriteNotice<'s>,
}

/// Who is called when a writer is done.
#[derive(Default)]
pub(in crate::store) struct WriteListener(OnceLock<Box<dyn Fn() + Send + Sync>>);

impl WriteListener {
    pub(in crate::store) fn set(&self, listener: impl Fn() + Send + Sync + 'static) {
        // The first one stays.
        let _ = self.0.set(Box::new(listener));
    }
}

impl fmt::Debug for WriteListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteListener")
    }
}

/// Calls the listener when its writer is done.
#[derive(Debug)]
pub(in crate::store) struct WriteNotice<'s>(pub(in crate::store) &'s WriteListener);

impl Drop for WriteNotice<'_> {
    fn drop(&mut self) {
        if let Some(listener) = self.0.0.get() {
            listener();
        }
    }
}

impl Writer<'_> {
    /// Prepares the writer for an import of very many jobs: a larger page cache, and sorting in files.
    ///
    /// # Errors
    /// [`StoreError`] when the connection is broken.
    pub fn prepare_bulk_import(&mut self) -> Result<(), StoreError> {
        self.connection
            .pragma_update(None, "cache_size", -BULK_CACHE_KIB)?;
        Ok(self.connection.pragma_update(None, "temp_store", "FILE")?)
    }

    /// Completes a database that was opened with [`Mode::Build`](super::Mode): it is on the disk then, and in WAL mode.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn complete(&self) -> Result<(), StoreError> {
        // The change of the mode is a commit, and the first one that waits for the disk: for all of the file.
        Ok(set_journal(&self.connection, "WAL", "FULL")?)
    }

    /// Moves the whole write-ahead log into the database and empties it.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn checkpoint_all(&self) -> Result<(), StoreError> {
        self.checkpoint("TRUNCATE")
    }

    pub(in crate::store) fn checkpoint(&self, mode: &'static str) -> Result<(), StoreError> {
        // A checkpoint that readers block is no error: the next one continues it.
        Ok(self
            .connection
            .pragma(None, "wal_checkpoint", mode, |_| Ok(()))?)
    }
}
