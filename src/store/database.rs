//! `Store`: opens the database, lends its readers and its writer, and checkpoints the write-ahead log.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::connection::data_version::{DataVersion, DataVersionWatch};
use super::connection::open::{Mode, ReaderManager, finish_writer, open_writer};
use super::connection::reader::Reader;
use super::connection::reader_waits::{ReaderUsage, ReaderWaits};
use super::connection::wal_lock::WalLockHolder;
use super::connection::writer::{WriteListener, WriteNotice, Writer};
use super::error::{OpenError, StoreError};
use super::file::{DatabaseFile, log_of, refuse_log_of_another};
use super::interrupt::Interrupt;
use super::schema::{ExistingSchema, SCHEMA_VERSION, inspect, migrate};

/// Above this size an idle WAL is truncated, in bytes.
const LARGE_WAL_BYTES: u64 = 64 << 20;

/// An open database.
#[derive(Debug)]
pub struct Store {
    pub(super) wal_lock: WalLockHolder,
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
    waits: ReaderWaits,
    writer: Option<Mutex<Connection>>,
    listener: WriteListener,
}

impl Store {
    /// Opens a database with at most `readers` reading connections.
    ///
    /// # Errors
    /// [`OpenError`]; a file that is refused was not written to.
    pub fn open(path: &Path, mode: Mode, readers: u32) -> Result<Self, OpenError> {
        Self::open_with(path, mode, readers, &mut |_done, _all| {})
    }

    /// Opens a database as [`Store::open`] does; while an older schema is brought up to date, `progress` is called with the
    /// number of jobs that are done and the number of all.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(
        path: &Path,
        mode: Mode,
        readers: u32,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, OpenError> {
        let found = DatabaseFile::from_path(path).ok();
        let existing = inspect(path)?;
        if matches!(
            (&existing, mode),
            (
                ExistingSchema::Nothing,
                Mode::Create | Mode::Scratch | Mode::Build
            )
        ) {
            refuse_log_of_another(path)?;
        }
        match (&existing, mode) {
            (
                ExistingSchema::Nothing,
                Mode::ReadOnly | Mode::ReadOnlyAnySchema | Mode::ReadWrite,
            ) => {
                return Err(OpenError::NotFound(path.to_owned()));
            }
            (ExistingSchema::Version(version), Mode::ReadOnly) if *version < SCHEMA_VERSION => {
                let path = path.to_owned();
                return Err(OpenError::Older {
                    path,
                    found: *version,
                    known: SCHEMA_VERSION,
                });
            }
            _ => {}
        }
        let writer = match mode {
            Mode::ReadOnly | Mode::ReadOnlyAnySchema => None,
            Mode::ReadWrite | Mode::Create | Mode::Scratch | Mode::Build => {
                let is_older = matches!(existing, ExistingSchema::Version(version) if version < SCHEMA_VERSION);
                if is_older {
                    check_free_space(path)?;
                }
                Some(Mutex::new(open_up_to_date(path, mode, is_older, progress)?))
            }
        };
        let file = DatabaseFile::from_path(path).map_err(|source| OpenError::Io {
            path: path.to_owned(),
            source,
        })?;
        let manager = ReaderManager {
            file,
            is_inline: false,
        };
        let inline = ReaderManager {
            is_inline: true,
            ..manager.clone()
        };
        // One connection is opened here, so that a problem with it is reported now.
        r2d2::ManageConnection::connect(&manager)
            .map_err(|source| OpenError::sqlite(path, source))?;
        // The connections of a file that was replaced meanwhile are of the former one.
        if found.is_some_and(|found| !found.is_in_place()) {
            return Err(OpenError::Replaced(path.to_owned()));
        }
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
            waits: ReaderWaits::default(),
            writer,
            listener: WriteListener::default(),
        })
    }

    /// Returns a reader, whose work ends when the interrupt is due.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when none is free in time.
    pub fn reader(&self, interrupt: &Arc<Interrupt>) -> Result<Reader, StoreError> {
        self.wal_lock.note_reader();
        Reader::from_pool(&self.readers, &self.waits, interrupt)
    }

    /// Returns a reader for an answer computed on the worker's own thread; `None` where none is idle or soon opened.
    #[must_use]
    pub fn inline_reader(&self, interrupt: &Arc<Interrupt>) -> Option<Reader> {
        self.wal_lock.note_reader();
        Reader::inline_from_pool(&self.inline_readers, interrupt)
    }

    /// Returns the version of the data now. Read before a transaction begins, it is that of the transaction or an earlier
    /// one, so an answer is never older than the version it is sent with.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn version(&self) -> Result<DataVersion, StoreError> {
        self.version_watch.version(&self.manager)
    }

    /// Returns the path that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.manager.file.path
    }

    /// Returns the writer, and waits until it is free.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] when the database was opened to be read only.
    pub fn writer(&self) -> Result<Writer<'_>, StoreError> {
        match &self.writer {
            // A panic while writing rolled its transaction back, so the connection is usable.
            Some(writer) => Ok(Writer {
                connection: writer.lock().unwrap_or_else(PoisonError::into_inner),
                file: &self.manager.file,
                _released: self.wal_lock.release(),
                _notice: WriteNotice(&self.listener),
            }),
            None => Err(StoreError::ReadOnly),
        }
    }

    /// Calls `listener`, which must be quick, whenever a writer of this store is done, whatever it did. The first listener
    /// stays. Of another program that writes to the file it learns nothing.
    pub fn on_write(&self, listener: impl Fn() + Send + Sync + 'static) {
        self.listener.set(listener);
    }

    /// Whether the file that was opened is still at its path.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.manager.file.is_in_place()
    }

    /// Whether jobs can be written: the mode and the permissions of the file allow it.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.writer()
            .is_ok_and(|writer| matches!(writer.connection.is_readonly("main"), Ok(false)))
    }

    /// Returns the readers as they are now, and the waits for them so far.
    #[must_use]
    pub fn reader_usage(&self) -> ReaderUsage {
        self.waits.usage(&self.readers.state())
    }

    /// Returns the size of the database file, in bytes, without its write-ahead log.
    #[must_use]
    pub fn database_bytes(&self) -> u64 {
        std::fs::metadata(self.path()).map_or(0, |metadata| metadata.len())
    }

    /// Returns the size of the write-ahead log, in bytes.
    #[must_use]
    pub fn wal_bytes(&self) -> u64 {
        std::fs::metadata(log_of(self.path())).map_or(0, |metadata| metadata.len())
    }

    /// Moves the write-ahead log into the database, as far as readers allow; truncates a large log.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let is_large = self.wal_bytes() > LARGE_WAL_BYTES;
        self.writer()?
            .checkpoint(if is_large { "TRUNCATE" } else { "PASSIVE" })
    }
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
    use std::time::Duration;

    use super::super::error::remedy;
    use super::super::schema::APPLICATION_ID;
    use super::super::write::OnConflict;
    use super::*;

    fn refusal(path: &Path, mode: Mode) -> String {
        Store::open(path, mode, 1).unwrap_err().to_string()
    }

    #[test]
    fn a_file_that_is_no_database_of_jobdeck_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        assert!(refusal(&path, Mode::ReadWrite).contains("there is no such file"));
        assert!(refusal(folder.path(), Mode::Create).contains("is not a file"));

        let check = |content: &[u8], problem: &str| {
            std::fs::write(&path, content).unwrap();
            for mode in [
                Mode::ReadOnly,
                Mode::ReadOnlyAnySchema,
                Mode::ReadWrite,
                Mode::Create,
            ] {
                assert!(
                    refusal(&path, mode).contains(problem),
                    "{}",
                    refusal(&path, mode)
                );
            }
            assert_eq!(std::fs::read(&path).unwrap(), content);
            assert_eq!(
                std::fs::read_dir(folder.path()).unwrap().count(),
                1,
                "no file next to it"
            );
        };
        check(b"some text", "is not a SQLite database");
        let foreign = folder.path().join("foreign.db");
        Connection::open(&foreign)
            .unwrap()
            .execute_batch("CREATE TABLE t (a)")
            .unwrap();
        let content = std::fs::read(&foreign).unwrap();
        std::fs::remove_file(&foreign).unwrap();
        check(&content, "is a database of another program");

        std::fs::remove_file(&path).unwrap();
        drop(Store::open(&path, Mode::Create, 1).unwrap());
        let mut newer = std::fs::read(&path).unwrap();
        newer[60..64].copy_from_slice(&99_i32.to_be_bytes());
        check(
            &newer,
            "was made by a newer jobdeck (schema 99, this one knows 5)",
        );
    }

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

    #[test]
    fn a_damaged_database_is_reported_as_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        drop(Store::open(&path, Mode::Create, 1).unwrap());
        let content = std::fs::read(&path).unwrap();
        std::fs::write(&path, &content[..2_000]).unwrap();
        let refusal = refusal(&path, Mode::ReadOnly);
        assert!(refusal.contains("the file is damaged"), "{refusal}");
    }

    #[test]
    fn the_error_of_a_database_that_another_program_writes_to_has_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let store = Store::open(&path, Mode::Create, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let _held = writer.begin(OnConflict::Replace).unwrap();
        let second = Connection::open(&path).unwrap();
        second.busy_timeout(Duration::ZERO).unwrap();
        let error = second.execute_batch("BEGIN IMMEDIATE").unwrap_err();
        assert_eq!(
            remedy(&error),
            "another program is writing to it; wait until it is done"
        );
    }

    #[test]
    fn a_read_only_store_does_not_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        drop(Store::open(&path, Mode::Create, 1).unwrap());
        let store = Store::open(&path, Mode::ReadOnly, 1).unwrap();
        assert!(store.writer().is_err());
    }

    #[test]
    fn an_older_database_with_an_invalid_document_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let older = Connection::open(&path).unwrap();
        older
            .execute_batch(
                "CREATE TABLE domains (id INTEGER PRIMARY KEY, domain_id TEXT);
                 CREATE TABLE jobs (id INTEGER PRIMARY KEY, document TEXT);
                 INSERT INTO jobs (document) VALUES ('{}');",
            )
            .unwrap();
        older
            .pragma_update(None, "application_id", APPLICATION_ID)
            .unwrap();
        older.pragma_update(None, "user_version", 2).unwrap();
        let refusal = refusal(&path, Mode::ReadWrite);
        assert!(refusal.contains("missing field `job_id`"), "{refusal}");
        let documents: i64 = older
            .query_row(
                "SELECT count(*) FROM jobs WHERE document = '{}'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(documents, 1);
    }

    #[test]
    fn other_programs_may_read_jobs_but_not_write_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let store = Store::open(&path, Mode::Create, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        let job = br#"{"job_id":"j","domain_id":"d","created_at":"2022-06-17T08:00:00Z","collector_info":{}}"#;
        transaction
            .put(&crate::job::Job::from_json(job).unwrap())
            .unwrap();
        transaction.commit().unwrap();
        let other = Connection::open(&path).unwrap();
        for sql in [
            "DELETE FROM jobs",
            "UPDATE jobs SET total_tasks = 2",
            "INSERT INTO jobs SELECT 2, domain, 'k', status, 0, 0, NULL, NULL, 0, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, head, tail FROM jobs",
            "DELETE FROM collector_infos",
            "UPDATE collector_infos SET info = '{}'",
            "INSERT INTO collector_infos (domain, info) VALUES (1, '[]')",
        ] {
            let error = other.execute(sql, []).unwrap_err().to_string();
            assert!(error.contains("write through jobdeck"), "{sql}: {error}");
        }
    }
}
