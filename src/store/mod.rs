//! The database: opening it, its readers and its one writer.
//!
//! The only user of `rusqlite` and `r2d2`. Readers are pooled, opened read-only, and never wait for the writer (WAL);
//! whatever changes the database goes through the one [`Writer`]. Opening is one function for all, and what it refuses
//! was not written to.

mod check;
mod copy;
mod derived;
mod documents;
mod error;
mod functions;
mod interrupt;
mod kept;
mod prune;
mod read;
mod reader;
mod repair;
mod schema;
mod standing;
mod states;
mod trigrams;
mod version;
mod waits;
mod write;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

pub use check::Report;
pub use error::{OpenError, StoreError, remedy};
pub use interrupt::{CancelOnDrop, Interrupt};
pub use prune::Expired;
pub use read::{Document, ReadTransaction};
pub use reader::Reader;
use reader::Readers;
use schema::{Found, SCHEMA_VERSION, inspect, migrate};
pub use states::StateId;
pub use version::Version;
pub use waits::ReadersNow;
pub use write::{OnConflict, ReadyJob, WriteTransaction, Written};

/// How long a connection waits for another program's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How many statements a connection keeps prepared.
const CACHED_STATEMENTS: usize = 64;
/// The largest value or row, in bytes: a document, or what a pipeline makes.
const MAX_VALUE_BYTES: usize = 16 << 20;
/// The longest statement, in bytes; the longest that the language's limits allow is far shorter.
const MAX_SQL_BYTES: i32 = 2_000_000;
/// How much of the database the writer holds in memory, in KiB.
const WRITER_CACHE_KIB: i64 = 16 << 10;
/// Above this size an idle WAL is truncated, in bytes.
const LARGE_WAL_BYTES: u64 = 64 << 20;

/// How a database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Must exist; is not written to.
    ReadOnly,
    /// As `ReadOnly`, but may have an older schema: to be copied and checked, as it is.
    AsItIs,
    /// Must exist; an older schema is brought up to date.
    ReadWrite,
    /// Is made where there is none.
    Create,
    /// As `Create`, and may be lost when the machine stops: for databases that are thrown away.
    Scratch,
}

/// An open database.
#[derive(Debug)]
pub struct Store {
    standing: standing::Standing,
    readers: r2d2::Pool<Readers>,
    /// Those that answer at once, on the thread that read the request: about as many as such threads, however many ask, and
    /// one more for each that could not be opened in time. Only they hold documents, and more pages than usual, so that the
    /// memory does not grow with the pool.
    at_once: r2d2::Pool<Readers>,
    /// Opens connections as the pool has them.
    manager: Readers,
    watch: version::Watch,
    waits: waits::Waits,
    writer: Option<Mutex<Connection>>,
}

/// The writer, held alone.
#[derive(Debug)]
pub struct Writer<'s> {
    connection: MutexGuard<'s, Connection>,
    place: &'s Place,
    /// While it is held, what is in the log can be moved into the database.
    _made_way: standing::MadeWay<'s>,
}

impl Store {
    /// Opens a database with at most `readers` reading connections.
    ///
    /// # Errors
    /// [`OpenError`], in one line; a file that is refused was not written to.
    pub fn open(path: &Path, mode: Mode, readers: u32) -> Result<Self, OpenError> {
        let found = inspect(path)?;
        if matches!(
            (&found, mode),
            (Found::Nothing, Mode::Create | Mode::Scratch)
        ) {
            refuse_log_of_another(path)?;
        }
        match (&found, mode) {
            (Found::Nothing, Mode::ReadOnly | Mode::AsItIs | Mode::ReadWrite) => {
                return Err(OpenError::NotFound(path.to_owned()));
            }
            (Found::Version(version), Mode::ReadOnly) if *version < SCHEMA_VERSION => {
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
            Mode::ReadOnly | Mode::AsItIs => None,
            Mode::ReadWrite | Mode::Create | Mode::Scratch => {
                let mut connection =
                    open_writer(path, mode).map_err(|source| OpenError::sqlite(path, source))?;
                migrate(&mut connection).map_err(|source| match source {
                    StoreError::Sqlite(source) | StoreError::Unavailable { source } => {
                        OpenError::sqlite(path, source)
                    }
                    source => OpenError::Upgrade {
                        path: path.to_owned(),
                        source,
                    },
                })?;
                finish_writer(&connection, mode)
                    .map_err(|source| OpenError::sqlite(path, source))?;
                Some(Mutex::new(connection))
            }
        };
        let place = Place::of(path).map_err(|source| OpenError::Io {
            path: path.to_owned(),
            source,
        })?;
        let manager = Readers {
            place,
            answer_at_once: false,
        };
        let at_once = Readers {
            answer_at_once: true,
            ..manager.clone()
        };
        // One connection is opened here, so that its fault is seen and named.
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
            standing: standing::Standing::new(manager.clone()),
            readers: pool(manager.clone()),
            at_once: pool(at_once),
            manager,
            watch: version::Watch::new(),
            waits: waits::Waits::default(),
            writer,
        })
    }

    /// A reader, whose work ends when the interrupt is due.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when none is free in time.
    pub fn reader(&self, interrupt: &Arc<Interrupt>) -> Result<Reader, StoreError> {
        self.standing.reader_begins();
        Reader::new(&self.readers, &self.waits, interrupt)
    }

    /// A reader for an answer at once: nobody waits for it. `None` where none is idle, nor can be opened soon.
    #[must_use]
    pub fn reader_at_once(&self, interrupt: &Arc<Interrupt>) -> Option<Reader> {
        self.standing.reader_begins();
        Reader::at_once(&self.at_once, interrupt)
    }

    /// The version of the data as it is now. Whoever reads it before a snapshot has the version of that snapshot or of
    /// one before it, so what is answered under it is never older than it says.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn version(&self) -> Result<Version, StoreError> {
        self.watch.version(&self.manager)
    }

    /// The file, as it was named when it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.manager.place.path
    }

    /// The writer; waits until it is free.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] when the database was opened so.
    pub fn writer(&self) -> Result<Writer<'_>, StoreError> {
        match &self.writer {
            // A panic while writing rolled its transaction back; the connection is whole.
            Some(writer) => Ok(Writer {
                connection: writer.lock().unwrap_or_else(PoisonError::into_inner),
                place: &self.manager.place,
                _made_way: self.standing.make_way(),
            }),
            None => Err(StoreError::ReadOnly),
        }
    }

    /// Whether the file that was opened still stands at its path.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.manager.place.has_its_file()
    }

    /// Whether jobs can be written: the database was opened so, and the system lets us.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.writer()
            .is_ok_and(|writer| matches!(writer.connection.is_readonly("main"), Ok(false)))
    }

    /// The readers as they are now, and how often one was waited for.
    #[must_use]
    pub fn readers_now(&self) -> ReadersNow {
        self.waits.with(&self.readers.state())
    }

    /// The size of the database file, in bytes; without what is still in the write-ahead log alone.
    #[must_use]
    pub fn database_bytes(&self) -> u64 {
        std::fs::metadata(self.path()).map_or(0, |metadata| metadata.len())
    }

    /// The size of the write-ahead log, in bytes.
    #[must_use]
    pub fn wal_bytes(&self) -> u64 {
        std::fs::metadata(log_of(self.path())).map_or(0, |metadata| metadata.len())
    }

    /// Moves what is in the write-ahead log into the database, as far as readers let it; truncates a large log.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let is_large = self.wal_bytes() > LARGE_WAL_BYTES;
        self.writer()?
            .checkpoint(if is_large { "TRUNCATE" } else { "PASSIVE" })
    }
}

impl Writer<'_> {
    fn checkpoint(&self, how: &'static str) -> Result<(), StoreError> {
        // A busy checkpoint is no fault: the next one goes on.
        Ok(self
            .connection
            .pragma(None, "wal_checkpoint", how, |_| Ok(()))?)
    }
}

/// Refuses a place where a database would find the write-ahead log of one that is gone: SQLite would throw it away, or take
/// it for the new one's, and somebody may still want to put it beside the database that it belongs to.
///
/// # Errors
/// [`OpenError::LeftBehind`] where there is one.
pub fn refuse_log_of_another(path: &Path) -> Result<(), OpenError> {
    // The journal of a database that was being made when its process was killed lies beside what there is of it.
    let endings: &[_] = if path.exists() {
        &["-wal"]
    } else {
        &["-wal", "-journal"]
    };
    for ending in endings {
        let log = beside(path, ending);
        if std::fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0) {
            return Err(OpenError::LeftBehind(log));
        }
    }
    Ok(())
}

/// Where the write-ahead log of a database is, if it has one.
#[must_use]
pub fn log_of(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(ending);
    name.into()
}

/// Opens the writer; the schema may be missing or old.
fn open_writer(path: &Path, mode: Mode) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if mode != Mode::ReadWrite {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    // Of the schema's own triggers; what is derived is kept right by whoever writes (src/store/derived.rs).
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    Ok(connection)
}

/// What is set once the schema stands: a new database is put into WAL mode only then.
fn finish_writer(connection: &Connection, mode: Mode) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // A commit is on the disk before it is acknowledged, but where all is thrown away in the end.
    connection.pragma_update(
        None,
        "synchronous",
        if mode == Mode::Scratch { "OFF" } else { "FULL" },
    )?;
    // What a statement needs to take itself back is small, and on the disk it is slow.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Only a connection that has read takes the WAL away when it is the last to close; readers may not.
    connection.query_row("SELECT count(*) FROM domains", [], |row| {
        row.get::<_, i64>(0)
    })?;
    Ok(())
}

/// What holds of every connection.
fn configure(connection: &Connection) -> rusqlite::Result<Arc<functions::Limits>> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // The plan of a statement must not hang on the values that are bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_SQL_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.set_limit(
        Limit::SQLITE_LIMIT_LENGTH,
        i32::try_from(MAX_VALUE_BYTES).unwrap_or(i32::MAX),
    )?;
    let limits = Arc::default();
    functions::register(connection, &limits)?;
    Ok(limits)
}

/// Which file it is, whatever its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }
}

/// A path, and the file that stood there when it was opened.
#[derive(Debug, Clone)]
struct Place {
    path: PathBuf,
    identity: Identity,
}

impl Place {
    fn of(path: &Path) -> std::io::Result<Self> {
        let (path, identity) = (path.to_owned(), Identity::of(path)?);
        Ok(Self { path, identity })
    }

    fn has_its_file(&self) -> bool {
        Identity::of(&self.path).is_ok_and(|identity| identity == self.identity)
    }

    /// What is written to a file that was deleted or replaced is lost with it.
    fn check(&self) -> Result<(), StoreError> {
        if self.has_its_file() {
            Ok(())
        } else {
            Err(StoreError::Displaced(self.path.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::schema::APPLICATION_ID;
    use super::*;

    fn refusal(path: &Path, mode: Mode) -> String {
        Store::open(path, mode, 1).unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_jobdecks_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        assert!(refusal(&path, Mode::ReadWrite).contains("there is no such file"));
        assert!(refusal(folder.path(), Mode::Create).contains("is not a file"));

        let check = |content: &[u8], problem: &str| {
            std::fs::write(&path, content).unwrap();
            for mode in [Mode::ReadOnly, Mode::AsItIs, Mode::ReadWrite, Mode::Create] {
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
                "no file beside it"
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
            "was made by a newer jobdeck (schema 99, this one knows 3)",
        );
    }

    #[test]
    fn a_damaged_database_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        drop(Store::open(&path, Mode::Create, 1).unwrap());
        let content = std::fs::read(&path).unwrap();
        std::fs::write(&path, &content[..2_000]).unwrap();
        let refusal = refusal(&path, Mode::ReadOnly);
        assert!(refusal.contains("the file is damaged"), "{refusal}");
    }

    #[test]
    fn a_database_that_another_program_writes_to_is_named() {
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
    fn an_older_database_with_a_document_that_is_none_stays_as_it_is() {
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
    fn others_may_read_but_not_write_jobs() {
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
            "INSERT INTO jobs SELECT 2, domain, 'k', status, 0, 0, NULL, NULL, 0, 0, NULL, 0, NULL, head, tail FROM jobs",
            "DELETE FROM collector_infos",
            "UPDATE collector_infos SET info = '{}'",
            "INSERT INTO collector_infos (domain, info) VALUES (1, '[]')",
        ] {
            let error = other.execute(sql, []).unwrap_err().to_string();
            assert!(error.contains("write through jobdeck"), "{sql}: {error}");
        }
    }

    #[test]
    fn the_columns_of_jobs_are_those_of_the_language() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        drop(Store::open(&path, Mode::Create, 1).unwrap());
        let connection = Connection::open(&path).unwrap();
        let mut statement = connection
            .prepare("SELECT name FROM pragma_table_info('jobs')")
            .unwrap();
        let mut columns: Vec<String> = statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let of_ours = ["id", "error_count", "collector_info", "head", "tail"];
        columns.retain(|name| !of_ours.contains(&name.as_str()));
        columns.sort();
        let mut known: Vec<_> = crate::query::check::field::Column::ALL
            .into_iter()
            .map(|column| column.name().replace("domain_id", "domain"))
            .collect();
        known.sort();
        assert_eq!(columns, known);
    }
}
