//! A folder for a database that is being made, or thrown away in the end, which goes with whoever has made it: even after
//! a kill, with the next.

use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = ".jobdeck-new-";

/// A folder of one's own, held as long as this lives; removed then.
#[derive(Debug)]
pub(super) struct Aside {
    folder: TempDir,
    /// Its lock ends with the process, however that ends, and tells others that the folder is in use.
    _held: Option<File>,
}

impl Aside {
    /// Makes one in `parent`, and removes those that nobody holds any more.
    ///
    /// # Errors
    /// Where none can be made.
    pub(super) fn make(parent: &Path) -> Result<Self> {
        const TRIES: usize = 100;
        remove_left_behind(parent);
        for _ in 0..TRIES {
            let made = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent);
            // Its own text names the temporary folder.
            let folder = made.map_err(|error| Error::from(error.kind()))?;
            match hold(folder.path()) {
                Held::ByUs(file) if folder.path().exists() => {
                    return Ok(Self {
                        folder,
                        _held: Some(file),
                    });
                }
                // Somebody who removes what is left behind came before us.
                Held::ByUs(_) | Held::ByOthers => {}
                Held::Unknown => {
                    return Ok(Self {
                        folder,
                        _held: None,
                    });
                }
            }
        }
        Err(ErrorKind::ResourceBusy.into())
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

enum Held {
    ByUs(File),
    ByOthers,
    /// Where the file system has no locks, no folder of somebody else is ever removed.
    Unknown,
}

fn hold(folder: &Path) -> Held {
    let Ok(file) = File::open(folder) else {
        return Held::ByOthers;
    };
    match file.try_lock() {
        Ok(()) => Held::ByUs(file),
        Err(TryLockError::WouldBlock) => Held::ByOthers,
        Err(TryLockError::Error(_)) => Held::Unknown,
    }
}

/// Removes the folders of those that were killed. What can't be removed is in nobody's way.
fn remove_left_behind(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let is_one = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_one && let Held::ByUs(_held) = hold(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
