//! `SharedLock`: SQLite's shared lock on a file, held by the process itself and not by a connection.
//!
//! Rule: SQLite, os.h and `unixLock` of `os_unix.c`. A reader locks the pending byte to read, then the shared range to read, and
//! then unlocks the pending byte. A writer locks the pending byte to write, so that no new reader begins, and waits for the shared
//! range. Programs that are no SQLite, such as Litestream's follower, obey the same.
//!
//! The lock belongs to the open file, and not to the process: a lock of the process would be lost with the first connection that
//! closes the same file.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::store::file::log_index_of;

/// The byte that a waiting writer locks.
const PENDING_BYTE: i64 = 0x4000_0000;
/// The bytes that readers lock.
const SHARED_RANGE: (i64, i64) = (PENDING_BYTE + 2, 510);

/// The byte of the index of a log that each connection to a database in WAL mode locks to read.
const DEADMAN_BYTE: i64 = 128;

/// Whether a program has a database open in WAL mode.
///
/// Rule: SQLite, `unixLockSharedMemory` of `os_unix.c`.
///
/// # Errors
/// Where the index of the log can't be opened.
pub(super) fn is_open_elsewhere(path: &Path) -> io::Result<bool> {
    match File::open(log_index_of(path)) {
        Ok(index) => system::is_locked(&index, (DEADMAN_BYTE, 1)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Keeps other programs from writing to a file for as long as this lives.
#[derive(Debug)]
pub(in crate::store) struct SharedLock(File);

impl SharedLock {
    /// Locks the file at a path; `None` where another program writes to it, or waits to.
    ///
    /// # Errors
    /// Where the file can't be opened, or its file system has no locks.
    pub(in crate::store) fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        if !system::lock(&file, (PENDING_BYTE, 1))? {
            return Ok(None);
        }
        let is_locked = system::lock(&file, SHARED_RANGE)?;
        system::unlock(&file, (PENDING_BYTE, 1))?;
        Ok(is_locked.then_some(Self(file)))
    }

    /// Whether a writer waits for the end of this lock.
    ///
    /// # Errors
    /// Where the system can't tell.
    pub(super) fn is_awaited(&self) -> io::Result<bool> {
        system::is_write_locked(&self.0, (PENDING_BYTE, 1))
    }

    /// Returns the file.
    pub(super) fn file(&self) -> &File {
        &self.0
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::File;
    use std::io;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc::{self, flock};

    /// A lock of some bytes, `(start, length)`.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the constants of libc are of a wider type than its own members"
    )]
    fn range(kind: i32, (start, length): (i64, i64)) -> flock {
        flock {
            l_type: kind as i16,
            l_whence: libc::SEEK_SET as i16,
            l_start: start,
            l_len: length,
            l_pid: 0,
        }
    }

    /// Locks bytes to read; returns whether nobody else has locked them to write.
    pub(super) fn lock(file: &File, bytes: (i64, i64)) -> io::Result<bool> {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&range(libc::F_RDLCK, bytes))) {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn unlock(file: &File, bytes: (i64, i64)) -> io::Result<()> {
        fcntl(file, FcntlArg::F_OFD_SETLK(&range(libc::F_UNLCK, bytes)))?;
        Ok(())
    }

    /// Waits until nobody else has locked bytes, and locks them to write; not for ever, so that a test ends where that never is.
    #[cfg(test)]
    pub(super) fn wait_for_write_lock(file: &File, bytes: (i64, i64)) {
        let start = std::time::Instant::now();
        while fcntl(file, FcntlArg::F_OFD_SETLK(&range(libc::F_WRLCK, bytes))).is_err() {
            assert!(start.elapsed() < super::MAX_WAIT, "bytes stay locked");
            std::thread::yield_now();
        }
    }

    /// Whether anybody else has locked bytes to write.
    pub(super) fn is_write_locked(file: &File, bytes: (i64, i64)) -> io::Result<bool> {
        conflicts(file, range(libc::F_RDLCK, bytes))
    }

    /// Whether anybody else has locked bytes.
    pub(super) fn is_locked(file: &File, bytes: (i64, i64)) -> io::Result<bool> {
        conflicts(file, range(libc::F_WRLCK, bytes))
    }

    fn conflicts(file: &File, mut found: flock) -> io::Result<bool> {
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut found))?;
        Ok(i32::from(found.l_type) != libc::F_UNLCK)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::File;
    use std::io;

    pub(super) fn lock(_: &File, _: (i64, i64)) -> io::Result<bool> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "only Linux has locks of open files, which this needs",
        ))
    }

    pub(super) fn unlock(_: &File, _: (i64, i64)) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn is_write_locked(_: &File, _: (i64, i64)) -> io::Result<bool> {
        Ok(false)
    }

    pub(super) fn is_locked(_: &File, _: (i64, i64)) -> io::Result<bool> {
        Ok(false)
    }
}

/// How long a test waits for a lock.
#[cfg(test)]
pub(super) const MAX_WAIT: std::time::Duration = std::time::Duration::from_secs(20);

/// Replaces the content of a file as another program does it that obeys SQLite's locks, such as Litestream's follower.
///
/// The locks are those of an open file here, too: a lock of the process would be lost with each file that is closed meanwhile.
#[cfg(test)]
#[cfg(target_os = "linux")]
pub(super) fn overwrite(path: &Path, content: &[u8]) {
    use std::os::unix::fs::FileExt;

    let file = File::options().read(true).write(true).open(path).unwrap();
    for bytes in [(PENDING_BYTE, 1), SHARED_RANGE] {
        system::wait_for_write_lock(&file, bytes);
    }
    file.write_all_at(content, 0).unwrap();
    file.set_len(content.len() as u64).unwrap();
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::sync::mpsc;

    use rusqlite::Connection;

    use super::*;

    #[test]
    fn a_writer_and_the_lock_exclude_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        std::fs::write(&path, "before").unwrap();
        let lock = SharedLock::take(&path).unwrap().unwrap();
        assert!(!lock.is_awaited().unwrap());
        let (sender, written) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                overwrite(&path, b"after");
                sender.send(()).unwrap();
            });
            let start = std::time::Instant::now();
            while !lock.is_awaited().unwrap() {
                assert!(start.elapsed() < MAX_WAIT, "nobody waits");
                std::thread::yield_now();
            }
            assert!(SharedLock::take(&path).unwrap().is_none());
            assert!(written.try_recv().is_err());
            assert_eq!(std::fs::read(&path).unwrap(), b"before");
            drop(lock);
        });
        assert!(SharedLock::take(&path).unwrap().is_some());
        assert_eq!(std::fs::read(&path).unwrap(), b"after");
    }

    #[test]
    fn sqlite_obeys_the_lock_also_when_connections_are_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA busy_timeout = 0; CREATE TABLE t (a)")
            .unwrap();
        let lock = SharedLock::take(&path).unwrap().unwrap();
        drop(File::open(&path).unwrap());
        drop(Connection::open(&path).unwrap());
        assert!(writer.execute_batch("INSERT INTO t VALUES (1)").is_err());
        drop(lock);
        writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
    }
}
