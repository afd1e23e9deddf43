//! `checked_copy`: makes a copy of a database that is checked, and on the disk.

use std::fs::{File, Permissions};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::store::connection::Mode;
use crate::store::database::Store;
use crate::store::error::{OpenError, StoreError};

/// A copy that was made and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedCopy {
    pub jobs: u64,
    /// The size of the file.
    pub bytes: u64,
    /// Whether only the pages of the file were checked, since the schema is an older one.
    pub is_of_pages_alone: bool,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupStep {
    Copied {
        pages: u64,
        of: u64,
    },
    /// All is copied, and the copy is being checked.
    Checking,
}

/// Why there is no copy. The sentence names the files, the problem and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{path}: {source}; check the path and its permissions")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{dest}: can't copy {database} to it: {source}")]
    Copy {
        database: PathBuf,
        dest: PathBuf,
        source: StoreError,
    },
    #[error(
        "{database}: {problem}; the copy was removed; see what `jobdeck check` says about the database"
    )]
    Damaged { database: PathBuf, problem: String },
}

/// Copies the database of a store, as it is now, to the path `made`, where there is no file, and checks the copy. Errors
/// name `dest`, where the copy will be. `each_step` may end it early.
///
/// Only users who may read the database may read the copy; a stricter umask is respected.
///
/// # Errors
/// [`BackupError`]; what is at `made` then is of no use.
pub fn checked_copy(
    store: &Store,
    made: &Path,
    dest: &Path,
    each_step: &mut impl FnMut(BackupStep) -> ControlFlow<()>,
) -> Result<CheckedCopy, BackupError> {
    let database = store.path();
    let io = |source| BackupError::Io {
        path: dest.to_owned(),
        source,
    };
    let failure = |source| BackupError::Copy {
        database: database.to_owned(),
        dest: dest.to_owned(),
        source,
    };
    store
        .copy_to(made, &mut |pages, of| {
            each_step(BackupStep::Copied { pages, of })
        })
        .map_err(failure)?;
    if each_step(BackupStep::Checking).is_break() {
        return Err(failure(StoreError::Cancelled));
    }
    let report = Store::open(made, Mode::ReadOnlyAnySchema, 1)?
        .check()
        .map_err(failure)?;
    if let Some(problem) = report.problems.first() {
        return Err(BackupError::Damaged {
            database: database.to_owned(),
            problem: problem.clone(),
        });
    }
    let file = File::open(made).map_err(io)?;
    let of_database = std::fs::metadata(database).map_err(io)?.permissions();
    let of_new_files = file.metadata().map_err(io)?.permissions();
    let mode = of_database.mode() & of_new_files.mode();
    file.set_permissions(Permissions::from_mode(mode))
        .map_err(io)?;
    file.sync_all().map_err(io)?;
    Ok(CheckedCopy {
        jobs: report.jobs,
        bytes: file.metadata().map_err(io)?.len(),
        is_of_pages_alone: report.is_of_pages_alone,
    })
}
