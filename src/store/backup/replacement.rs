//! `jobdeck restore`: puts a whole database in the place of another one, which no program may have open.
//!
//! Between any two steps the path has either the former database, whole without its log, or the new one. So the log of the
//! former database is moved into it first: SQLite would apply a log to whatever database lies next to it.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::{FlockOperation, fcntl_lock};

use super::folder::time_in_name;
use super::placement::{OnExisting, place_copy, sync_folder_of};
use crate::store::error::OpenError;
use crate::store::file::{log_of, refuse_log_of_another};
use crate::time::Timestamp;

/// Why a database was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    #[error(
        "{0}: a program has this database open; stop the server, and what else uses it, then restore again"
    )]
    InUse(PathBuf),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{path}: {source}; check the path and its permissions")]
    Io { path: PathBuf, source: Error },
    #[error(
        "{path}: can't be kept as {former}: {source}; make room for it, or add `--force` to replace it for good"
    )]
    NotKept {
        path: PathBuf,
        former: PathBuf,
        source: Error,
    },
}

/// Checks that no program has the database at a path open; a path without a file is no error.
///
/// # Errors
/// [`ReplaceError`].
pub fn refuse_database_in_use(path: &Path) -> Result<(), ReplaceError> {
    let lock = lock(path)?;
    if lock.is_none() {
        refuse_log_of_another(path)?;
    }
    Ok(())
}

/// Returns the path that a database gets when another one replaces it at a time.
#[must_use]
pub fn former_path(path: &Path, now: Timestamp) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(format!(".before-restore-{}", time_in_name(now)));
    name.into()
}

/// Puts the whole database `made`, of the same file system, in the place of the one at `path`. The former one becomes the
/// file `former`, where that is given. The new one gets its permissions and its owner.
///
/// Returns whether there was a database.
///
/// # Errors
/// [`ReplaceError`]; `path` has the former database then.
pub fn replace_database(
    made: &Path,
    path: &Path,
    former: Option<&Path>,
) -> Result<bool, ReplaceError> {
    let io = |source| ReplaceError::Io {
        path: path.to_owned(),
        source,
    };
    if !path.exists() {
        refuse_log_of_another(path)?;
        place_copy(made, path, OnExisting::Fail).map_err(io)?;
        return Ok(false);
    }
    let log = log_of(path);
    let has_log = || std::fs::metadata(&log).is_ok_and(|log| log.len() > 0);
    let not_kept = |former: &Path, source| ReplaceError::NotKept {
        path: path.to_owned(),
        former: former.to_owned(),
        source,
    };
    let former_log = former.filter(|_| has_log()).map(log_of);
    if let (Some(former), Some(former_log)) = (former, &former_log) {
        // SQLite may delete the log of a database that is damaged.
        std::fs::hard_link(&log, former_log).map_err(|source| not_kept(former, source))?;
    }
    let is_log_moved = move_log(path);
    if let (Some(former_log), Err(_) | Ok(true)) = (&former_log, &is_log_moved) {
        std::fs::remove_file(former_log).map_err(io)?;
    }
    let is_log_moved = is_log_moved?;
    let Some(_lock) = lock(path)? else {
        return Err(io(ErrorKind::NotFound.into()));
    };
    if has_log() && is_log_moved {
        // A program has written since the log was moved.
        return Err(ReplaceError::InUse(path.to_owned()));
    }
    take_over_owner(made, path).map_err(io)?;
    if let Some(former) = former {
        std::fs::hard_link(path, former).map_err(|source| not_kept(former, source))?;
        sync_folder_of(path).map_err(io)?;
    }
    for left in [&log, &index_of(path)] {
        match std::fs::remove_file(left) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
    }
    place_copy(made, path, OnExisting::Replace).map_err(io)?;
    Ok(true)
}

/// Returns the path of the index of a write-ahead log.
fn index_of(path: &Path) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push("-shm");
    name.into()
}

/// Moves the write-ahead log into its database and removes it, which no other program may have open. Returns false for a
/// file that is damaged, or no database at all: its log stays as it is.
fn move_log(path: &Path) -> Result<bool, ReplaceError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // A change of the mode takes an exclusive lock, and moves the log first.
    let moved = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |row| {
            row.get::<_, String>(0)
        })
    });
    match moved {
        Ok(mode) => Ok(mode == "delete"),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Err(ReplaceError::InUse(path.to_owned()))
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Ok(false),
            _ => Err(OpenError::sqlite(path, error).into()),
        },
    }
}

/// Locks the file of a database; `None` where there is none.
///
/// A program that has a database in WAL mode open holds a shared lock on a part of the file, for as long as it has read
/// once. A lock on the whole file contradicts it, also where the database is damaged and SQLite could not open it.
fn lock(path: &Path) -> Result<Option<File>, ReplaceError> {
    let io = |source| ReplaceError::Io {
        path: path.to_owned(),
        source,
    };
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
            Err(ReplaceError::InUse(path.to_owned()))
        }
        Err(errno) => Err(io(errno.into())),
    }
}

/// Gives a new file the permissions and the owner of the one that it replaces: a service may not be able to open it
/// otherwise.
fn take_over_owner(made: &Path, path: &Path) -> std::io::Result<()> {
    let former = std::fs::metadata(path)?;
    let file = File::open(made)?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (former.uid(), former.gid()) {
        fchown(&file, Some(former.uid()), Some(former.gid()))?;
    }
    file.set_permissions(Permissions::from_mode(former.mode()))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use crate::store::{Mode, OnConflict, Store};

    /// Makes a database with one job, and leaves it open.
    fn open(path: &Path, job_id: &str) -> Store {
        let store = Store::open(path, Mode::Create, 1).unwrap();
        let text = format!(
            r#"{{"job_id":"{job_id}","domain_id":"d","created_at":"2022-06-17T08:00:00Z"}}"#
        );
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        transaction
            .put(&Job::from_json(text.as_bytes()).unwrap())
            .unwrap();
        transaction.commit().unwrap();
        drop(writer);
        store
    }

    fn has(path: &Path, job_id: &str) -> bool {
        let store = Store::open(path, Mode::ReadWrite, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let transaction = writer.begin(OnConflict::Fail).unwrap();
        transaction.find("d", job_id).unwrap().is_some()
    }

    #[test]
    fn a_database_is_replaced_with_its_log_and_the_former_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let [path, made, former] =
            ["x.db", "made.db", "former.db"].map(|name| folder.path().join(name));
        drop(open(&path, "old"));
        // A log that its process has left.
        let copy = folder.path().join("log");
        {
            let store = open(&path, "newest");
            std::fs::copy(log_of(&path), &copy).unwrap();
            drop(store);
        }
        std::fs::rename(&copy, log_of(&path)).unwrap();
        let source = folder.path().join("source.db");
        drop(open(&source, "new"));
        std::fs::rename(&source, &made).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        refuse_database_in_use(&path).unwrap();
        assert!(replace_database(&made, &path, Some(&former)).unwrap());
        assert!(!log_of(&path).exists() && !index_of(&path).exists());
        let mode = std::fs::metadata(&path).unwrap().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(has(&path, "new") && !has(&path, "old"));
        assert!(has(&former, "old") && has(&former, "newest"));
    }

    #[test]
    fn a_damaged_database_is_replaced_and_stays_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let [path, made, former] =
            ["x.db", "made.db", "former.db"].map(|name| folder.path().join(name));
        drop(open(&made, "new"));
        std::fs::write(&path, "damaged").unwrap();
        std::fs::write(log_of(&path), "log").unwrap();
        assert!(replace_database(&made, &path, Some(&former)).unwrap());
        assert!(has(&path, "new"));
        assert_eq!(std::fs::read(&former).unwrap(), b"damaged");
        assert_eq!(std::fs::read(log_of(&former)).unwrap(), b"log");
    }

    #[test]
    fn without_a_database_there_is_no_former_one_but_a_log_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [path, made] = ["x.db", "made.db"].map(|name| folder.path().join(name));
        drop(open(&made, "new"));
        std::fs::write(log_of(&path), "log").unwrap();
        for refused in [
            refuse_database_in_use(&path),
            replace_database(&made, &path, None).map(|_| ()),
        ] {
            assert!(matches!(
                refused,
                Err(ReplaceError::Open(OpenError::LeftBehind(_)))
            ));
        }
        std::fs::remove_file(log_of(&path)).unwrap();
        assert!(!replace_database(&made, &path, None).unwrap());
        assert!(has(&path, "new"));
    }
}
