//! A scratch folder for a database that is not whole yet, or that is thrown away in the end. It is removed with the process
//! that made it: after a kill, by the next process that makes one.

use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = ".jobdeck-new-";

/// A folder that no other process uses; it is removed when this is dropped.
#[derive(Debug)]
pub struct ScratchFolder {
    folder: TempDir,
    /// Its lock tells other processes that the folder is in use; it ends with the process, however that ends.
    _lock: Option<File>,
}

impl ScratchFolder {
    /// Makes a scratch folder in `parent`, and removes those of processes that have ended.
    ///
    /// # Errors
    /// Where none can be made.
    pub fn make(parent: &Path) -> Result<Self> {
        const TRIES: usize = 100;
        remove_abandoned(parent);
        for _ in 0..TRIES {
            let made = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent);
            // The error of tempfile would name the temporary folder.
            let folder = made.map_err(|error| Error::from(error.kind()))?;
            match lock(folder.path()) {
                Lock::Ours(file) if folder.path().exists() => {
                    return Ok(Self {
                        folder,
                        _lock: Some(file),
                    });
                }
                // Another process took the folder for an abandoned one before it was locked.
                Lock::Ours(_) | Lock::Others => {}
                Lock::Unsupported => {
                    return Ok(Self {
                        folder,
                        _lock: None,
                    });
                }
            }
        }
        Err(ErrorKind::ResourceBusy.into())
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The result of an attempt to lock a folder.
enum Lock {
    Ours(File),
    Others,
    /// On a file system without locks, no folder of another process is ever removed.
    Unsupported,
}

fn lock(folder: &Path) -> Lock {
    let Ok(file) = File::open(folder) else {
        return Lock::Others;
    };
    match file.try_lock() {
        Ok(()) => Lock::Ours(file),
        Err(TryLockError::WouldBlock) => Lock::Others,
        Err(TryLockError::Error(_)) => Lock::Unsupported,
    }
}

/// Removes the scratch folders of processes that were killed. A folder that can't be removed does no harm.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let is_scratch = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_scratch && let Lock::Ours(_lock) = lock(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
