//! Opens a file: checks what it is, makes the schema or brings it up to date, and opens the connections of its mode.

use std::path::Path;

use rusqlite::Connection;

use super::open::{Mode, ReadAccess, finish_writer, open_writer};
use super::opened::Opened;
use super::shared_lock::SharedLock;
use crate::store::error::{OpenError, StoreError};
use crate::store::file::{DatabaseFile, refuse_log, refuse_log_of_another};
use crate::store::schema::{
    ExistingSchema, FIRST_WITH_THESE_JOBS, SCHEMA_VERSION, inspect, migrate,
};

/// Opens a file with at most `readers` reading connections of each kind; while an older schema is brought up to date, `progress` is
/// called with the number of jobs that are done and the number of all.
///
/// # Errors
/// [`OpenError`]; a file that is refused was not written to.
pub(in crate::store) fn open_file(
    path: &Path,
    mode: Mode,
    readers: u32,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Opened, OpenError> {
    let found = DatabaseFile::from_path(path).ok();
    let existing = inspect(path)?;
    let opened = match mode {
        Mode::ReadOnly | Mode::ReadOnlyAnySchema | Mode::Replica => {
            check_readable(path, &existing, mode)?;
            open_to_read(path, mode, readers)
        }
        Mode::ReadWrite | Mode::Follow { .. } | Mode::Create | Mode::Scratch | Mode::Build => {
            match existing {
                ExistingSchema::Nothing if mode.makes() => refuse_log_of_another(path)?,
                ExistingSchema::Nothing => return Err(OpenError::NotFound(path.to_owned())),
                ExistingSchema::Version(_) => {}
            }
            let is_older =
                matches!(existing, ExistingSchema::Version(version) if version < SCHEMA_VERSION);
            if matches!(existing, ExistingSchema::Version(version) if version < FIRST_WITH_THESE_JOBS)
            {
                check_free_space(path)?;
            }
            let writer = open_up_to_date(path, mode, is_older, progress)?;
            Opened::new(path, readers, ReadAccess::Locking, Some(writer))
        }
    }?;
    // The connections of a file that was replaced meanwhile are of the former one.
    if found.is_some_and(|found| !found.is_in_place()) {
        return Err(OpenError::Replaced(path.to_owned()));
    }
    Ok(opened)
}

/// Refuses a file that is not there, or whose schema has to be brought up to date.
fn check_readable(path: &Path, existing: &ExistingSchema, mode: Mode) -> Result<(), OpenError> {
    match existing {
        ExistingSchema::Nothing => Err(OpenError::NotFound(path.to_owned())),
        ExistingSchema::Version(version)
            if *version < SCHEMA_VERSION && mode != Mode::ReadOnlyAnySchema =>
        {
            Err(OpenError::Older {
                path: path.to_owned(),
                found: *version,
                known: SCHEMA_VERSION,
            })
        }
        ExistingSchema::Version(_) => Ok(()),
    }
}

/// Opens a file to be read only. Where the files beside it that SQLite's locks need can't be made, as on read-only media, this process
/// holds a lock on the file instead.
fn open_to_read(path: &Path, mode: Mode, readers: u32) -> Result<Opened, OpenError> {
    if mode != Mode::Replica {
        match Opened::new(path, readers, ReadAccess::Locking, None) {
            Err(OpenError::Sqlite { source, .. }) if can_not_lock(&source) => {}
            opened => return opened,
        }
    }
    refuse_log(path)?;
    let opened = Opened::new(path, readers, ReadAccess::Immutable, None)?;
    if mode == Mode::Replica {
        // Each turn has a lock of its own.
        return Ok(opened);
    }
    match SharedLock::take(path) {
        Ok(Some(lock)) => Ok(opened.locked_by(lock)),
        Ok(None) => Err(OpenError::Busy(path.to_owned())),
        Err(source) => Err(OpenError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Whether SQLite could not make the files that its locks need.
fn can_not_lock(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
    matches!(error.sqlite_error_code(), Some(CannotOpen | ReadOnly))
}

/// Refuses to bring a database up to date where the disk has no room for it.
///
/// The old tables stay until the new ones are whole, and these are written twice: to the write-ahead log, then to the file.
fn check_free_space(path: &Path) -> Result<(), OpenError> {
    let io = |source| OpenError::Io {
        path: path.to_owned(),
        source,
    };
    let size = std::fs::metadata(path).map_err(io)?.len();
    let disk = rustix::fs::statvfs(path).map_err(|errno| io(errno.into()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    refuse_without_room(path, size, free)
}

/// The most that an upgrade writes, in parts of the size of the file: a new file of up to six fifths of it, twice.
const UPGRADE_FIFTHS: u64 = 12;

fn refuse_without_room(path: &Path, size: u64, free: u64) -> Result<(), OpenError> {
    let needed = size.saturating_mul(UPGRADE_FIFTHS) / 5;
    if free >= needed {
        return Ok(());
    }
    Err(OpenError::NoSpace {
        path: path.to_owned(),
        needed,
        free,
    })
}

/// Opens the writer, and makes the schema or brings it up to date.
fn open_up_to_date(
    path: &Path,
    mode: Mode,
    is_older: bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Connection, OpenError> {
    let sqlite = |source| OpenError::sqlite(path, source);
    let mut connection = open_writer(path, mode).map_err(sqlite)?;
    migrate(&mut connection, progress).map_err(|source| match source {
        StoreError::Sqlite(source) | StoreError::Unavailable { source } => sqlite(source),
        source => OpenError::Upgrade {
            path: path.to_owned(),
            source,
        },
    })?;
    finish_writer(&connection, mode).map_err(sqlite)?;
    if is_older {
        // The next to open the file reads its version from the header, where it is only after a checkpoint.
        connection
            .pragma(None, "wal_checkpoint", "PASSIVE", |_| Ok(()))
            .map_err(sqlite)?;
    }
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upgrade_is_refused_where_the_disk_has_no_room_for_it() {
        let path = Path::new("x.db");
        assert!(refuse_without_room(path, 1_000, 2_400).is_ok());
        let refusal = refuse_without_room(path, 1_000, 2_399).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "x.db: bringing it up to date takes up to 2400 bytes more on the disk, of which 2399 are free; it was left as it \
             is: free some space, or move it to another disk"
        );
    }
}
