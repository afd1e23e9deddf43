//! `Opened`: a file that is open, with its readers in two pools and its writer.

use std::path::Path;
use std::sync::{Arc, Weak};

use parking_lot::{ArcMutexGuard, Mutex, RawMutex};
use rusqlite::Connection;

use super::data_version::{DataVersion, DataVersionWatch};
use super::open::{ReadAccess, ReaderManager};
use super::reader::Reader;
use super::reader_waits::ReaderWaits;
use super::shared_lock::SharedLock;
use super::wal_lock::{Released, WalLockHolder};
use crate::store::error::{OpenError, StoreError};
use crate::store::file::DatabaseFile;
use crate::store::interrupt::Interrupt;

/// The connections to one file.
#[derive(Debug)]
pub(in crate::store) struct Opened {
    pub(in crate::store) wal_lock: WalLockHolder,
    readers: r2d2::Pool<ReaderManager>,
    /// Readers for answers computed on the worker's own thread, which took a page from 83 to 38 µs of CPU: a hop to a
    /// blocking thread and back costs more than the query. Only these readers cache documents and have a larger page
    /// cache. A pool of their own bounds that memory, which was 45 MB under load with documents in all readers, since a
    /// long query leaves its reader to the next quick one. There are about as many as workers, and one more for each
    /// that could not be opened in time.
    inline_readers: r2d2::Pool<ReaderManager>,
    /// Opens the connections that no pool lends.
    manager: ReaderManager,
    version_watch: DataVersionWatch,
    /// Closed last, since it takes the log away.
    writer: Option<Arc<Mutex<Connection>>>,
    /// Where the connections take no locks, and there are no turns.
    _lock: Option<SharedLock>,
    /// Dropped last of all: see [`Opened::while_open`].
    open: Arc<()>,
}

impl Opened {
    /// Opens at most `readers` reading connections to a file, beside the writer that is open already.
    ///
    /// # Errors
    /// [`OpenError`] where the file can't be read.
    pub(in crate::store) fn new(
        path: &Path,
        readers: u32,
        access: ReadAccess,
        writer: Option<Connection>,
    ) -> Result<Self, OpenError> {
        let file = DatabaseFile::from_path(path).map_err(|source| OpenError::Io {
            path: path.to_owned(),
            source,
        })?;
        let manager = ReaderManager {
            file,
            is_inline: false,
            access,
        };
        let inline = ReaderManager {
            is_inline: true,
            ..manager.clone()
        };
        // One connection is opened here, so that a problem with it is reported now.
        r2d2::ManageConnection::connect(&manager)
            .map_err(|source| OpenError::sqlite(path, source))?;
        let pool = |manager| {
            r2d2::Pool::builder()
                .max_size(readers)
                .min_idle(Some(0))
                .idle_timeout(None)
                .max_lifetime(None)
                .test_on_check_out(false)
                .error_handler(Box::new(r2d2::LoggingErrorHandler))
                .build_unchecked(manager)
        };
        Ok(Self {
            wal_lock: WalLockHolder::new(manager.clone()),
            readers: pool(manager.clone()),
            inline_readers: pool(inline),
            manager,
            version_watch: DataVersionWatch::new(),
            writer: writer.map(|writer| Arc::new(Mutex::new(writer))),
            _lock: None,
            open: Arc::default(),
        })
    }

    /// Holds a lock on the file for as long as it is open.
    pub(in crate::store) fn locked_by(self, lock: SharedLock) -> Self {
        Self {
            _lock: Some(lock),
            ..self
        }
    }

    /// Returns a reader, whose work ends when the interrupt is due.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when none is free in time.
    pub(in crate::store) fn reader(
        self: &Arc<Self>,
        waits: &ReaderWaits,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Reader, StoreError> {
        self.note_reader();
        Reader::from_pool(Arc::clone(self) as _, &self.readers, waits, interrupt)
    }

    /// Returns an inline reader; `None` where none is idle or soon opened.
    pub(in crate::store) fn inline_reader(
        self: &Arc<Self>,
        interrupt: &Arc<Interrupt>,
    ) -> Option<Reader> {
        self.note_reader();
        Reader::inline_from_pool(Arc::clone(self) as _, &self.inline_readers, interrupt)
    }

    fn note_reader(&self) {
        // Immutable connections take no lock.
        if self.manager.access == ReadAccess::Locking {
            self.wal_lock.note_reader();
        }
    }

    pub(in crate::store) fn version(&self) -> Result<DataVersion, StoreError> {
        self.version_watch.version(&self.manager)
    }

    /// Waits until the writer is free, and returns it with what releases the WAL lock; `None` where there is no writer.
    pub(in crate::store) fn writer(
        &self,
    ) -> Option<(ArcMutexGuard<RawMutex, Connection>, Released)> {
        // A panic while writing rolled its transaction back, so the connection is usable.
        let connection = self.writer.as_ref()?.lock_arc();
        Some((connection, self.wal_lock.release()))
    }

    /// Returns what is there until every connection is closed.
    pub(in crate::store) fn while_open(&self) -> Weak<()> {
        Arc::downgrade(&self.open)
    }

    pub(in crate::store) fn file(&self) -> &DatabaseFile {
        &self.manager.file
    }

    pub(in crate::store) fn reader_state(&self) -> r2d2::State {
        self.readers.state()
    }
}
