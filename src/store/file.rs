//! The database file at its path: whether it is still the one that was opened, and the write-ahead log next to it.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::{OpenError, StoreError};
use crate::time::Timestamp;

/// The identity of a file, whatever its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn new(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    fn from_path(path: &Path) -> std::io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::new(&metadata))
    }
}

/// A path, and the identity of the file that was there when the database was opened.
#[derive(Debug, Clone)]
pub(super) struct DatabaseFile {
    pub(super) path: PathBuf,
    id: FileId,
}

impl DatabaseFile {
    pub(super) fn from_path(path: &Path) -> std::io::Result<Self> {
        let (path, id) = (path.to_owned(), FileId::from_path(path)?);
        Ok(Self { path, id })
    }

    /// Whether the file that was opened is still at its path.
    pub(super) fn is_in_place(&self) -> bool {
        FileId::from_path(&self.path).is_ok_and(|id| id == self.id)
    }

    /// Whether it is this open file.
    pub(super) fn is_the(&self, file: &File) -> bool {
        file.metadata()
            .is_ok_and(|metadata| FileId::new(&metadata) == self.id)
    }

    /// Checks that the file is still at its path: what is written to a deleted or replaced file is lost with it.
    ///
    /// # Errors
    /// [`StoreError::Displaced`] where it is not.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.is_in_place() {
            Ok(())
        } else {
            Err(StoreError::Displaced(self.path.clone()))
        }
    }
}

/// Refuses a path for a new database where the write-ahead log of a lost database lies. SQLite would delete that log, or
/// apply it to the new database; but its owner may still want to bring the two together again.
///
/// # Errors
/// [`OpenError::LeftBehind`] where there is such a log.
pub fn refuse_log_of_another(path: &Path) -> Result<(), OpenError> {
    // A rollback journal belongs to a database that was being made when its process was killed, if there is one.
    let endings: &[_] = if path.exists() {
        &["-wal"]
    } else {
        &["-wal", "-journal"]
    };
    for ending in endings {
        let log = with_ending(path, ending);
        if std::fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0) {
            return Err(OpenError::LeftBehind(log));
        }
    }
    Ok(())
}

/// Returns when a file was last written to.
pub(super) fn changed_at(metadata: &Metadata) -> Option<Timestamp> {
    Timestamp::from_millis(metadata.mtime() * 1_000 + metadata.mtime_nsec() / 1_000_000)
}

/// Returns the path of the index of a database's write-ahead log.
pub(super) fn log_index_of(path: &Path) -> PathBuf {
    with_ending(path, "-shm")
}

/// Whether a database has a write-ahead log with changes.
pub(super) fn has_log(path: &Path) -> bool {
    std::fs::metadata(log_of(path)).is_ok_and(|metadata| metadata.len() > 0)
}

/// Refuses to read a database without its write-ahead log, where that has changes.
///
/// # Errors
/// [`OpenError::LogBeside`].
pub(super) fn refuse_log(path: &Path) -> Result<(), OpenError> {
    if !has_log(path) {
        return Ok(());
    }
    Err(OpenError::LogBeside {
        path: path.to_owned(),
        log: log_of(path),
    })
}

/// Returns the path of a database's write-ahead log, which need not exist.
#[must_use]
pub fn log_of(path: &Path) -> PathBuf {
    with_ending(path, "-wal")
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(ending);
    name.into()
}
