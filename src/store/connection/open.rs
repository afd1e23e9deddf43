//! Opens and configures connections: modes, page caches, timeouts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::cache::ConnectionCache;
use super::sql_functions::{self, MAX_VALUE_BYTES};
use crate::store::file::DatabaseFile;

/// How long a connection waits for another program's lock.
pub(in crate::store) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How many prepared statements a connection caches.
const CACHED_STATEMENTS: usize = 64;
/// The longest statement, in bytes; the longest that the limits of the query language allow is far shorter.
const MAX_SQL_BYTES: i32 = 2_000_000;
/// The page cache of the writer, in KiB.
pub(in crate::store) const WRITER_CACHE_KIB: i64 = 16 << 10;
/// The page cache of an inline reader, in KiB: the upper levels of the trees of a million jobs are 2.2 MB, which SQLite's
/// default of 2,000 KiB does not hold.
const INLINE_CACHE_KIB: i64 = 3 << 10;
/// The page cache of another reader, in KiB. There are at least eight of them, which after a while have all filled it, and
/// a query that takes long enough to come to them reads more pages than any cache holds.
const POOLED_CACHE_KIB: i64 = 1 << 10;
/// The bytes of a page of a new database. A scan reads pages one by one, so with twice SQLite's default it takes a quarter
/// less CPU, and rows of some hundred bytes leave less of a page empty: 6 bytes a job.
const PAGE_BYTES: i64 = 8 << 10;
/// How many steps of SQLite's virtual machine a reader takes between two checks of its deadline: some tens of microseconds.
pub(in crate::store) const STEPS_PER_DEADLINE_CHECK: i32 = 1_000;

/// How a database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The file must exist, and is not written to.
    ReadOnly,
    /// As `ReadOnly`, but the schema may be an older one: for copies and checks.
    ReadOnlyAnySchema,
    /// The file must exist; an older schema is brought up to date.
    ReadWrite,
    /// As `ReadWrite`, or with `makes` as `Create`, but jobs are only read: a file that replaces the one that was opened is opened
    /// in its place.
    Follow { makes: bool },
    /// The file must exist, and is not written to. Another program may write to it, by SQLite's locks alone.
    Replica,
    /// As `ReadWrite`, but a missing file is made.
    Create,
    /// As `Create`, but without waiting for the disk: for databases that are thrown away.
    Scratch,
    /// As `Scratch`, and without a write-ahead log: for a file that no other program knows yet. What is written is durable
    /// after [`Writer::complete`](super::writer::Writer::complete).
    Build,
}

impl Mode {
    /// Whether a missing file is made.
    pub(in crate::store) fn makes(self) -> bool {
        match self {
            Self::ReadOnly | Self::ReadOnlyAnySchema | Self::Replica | Self::ReadWrite => false,
            Self::Follow { makes } => makes,
            Self::Create | Self::Scratch | Self::Build => true,
        }
    }
}

/// Opens the writer; the schema may be missing or old.
pub(in crate::store) fn open_writer(path: &Path, mode: Mode) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if mode.makes() {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    // An existing file has the size that it was made with.
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    if matches!(mode, Mode::Scratch | Mode::Build) {
        // Making the schema would wait for the disk, too.
        set_journal(&connection, "MEMORY", "OFF")?;
    }
    // The schema's triggers refuse the writes of other programs; this one updates the derived tables itself (derived.rs).
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    Ok(connection)
}

/// Configures the writer once the schema is there: a new database is put into WAL mode only then.
pub(in crate::store) fn finish_writer(connection: &Connection, mode: Mode) -> rusqlite::Result<()> {
    match mode {
        // Writing every page to a log, and copying it from there, took a fifth of an import.
        Mode::Build => set_journal(connection, "MEMORY", "OFF")?,
        Mode::Scratch => set_journal(connection, "WAL", "OFF")?,
        // A commit is on the disk before it is acknowledged.
        _ => set_journal(connection, "WAL", "FULL")?,
    }
    // What a statement needs to undo itself is small, and slow on the disk.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // The last connection to close deletes the WAL only if it has read; readers may not delete it.
    connection.query_row("SELECT count(*) FROM domains", [], |row| {
        row.get::<_, i64>(0)
    })?;
    Ok(())
}

/// Sets how the writer can undo a transaction, and whether it waits for the disk.
pub(super) fn set_journal(
    connection: &Connection,
    journal_mode: &'static str,
    synchronous: &'static str,
) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update_and_check(None, "journal_mode", journal_mode, |_| Ok(()))
}

/// Configures any connection.
fn configure(connection: &Connection) -> rusqlite::Result<Arc<sql_functions::Limits>> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // The plan of a statement must not depend on the values that are bound to it.
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
    sql_functions::register(connection, &limits)?;
    Ok(limits)
}

/// A connection that reads, with the limits of its SQL functions and its cache.
#[derive(Debug)]
pub(in crate::store) struct ReadConnection {
    pub(in crate::store) connection: Connection,
    pub(in crate::store) limits: Arc<sql_functions::Limits>,
    pub(in crate::store) cache: ConnectionCache,
}

/// How reading connections share a file with other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum ReadAccess {
    /// By SQLite's locks, for which files are made beside a database in WAL mode.
    Locking,
    /// Not at all: this process sees to it that the file does not change meanwhile.
    Immutable,
}

/// Opens reading connections, but not to a file that has replaced the one that was opened: it holds other jobs.
#[derive(Debug, Clone)]
pub(in crate::store) struct ReaderManager {
    pub(in crate::store) file: DatabaseFile,
    /// Whether the connections are for inline readers.
    pub(in crate::store) is_inline: bool,
    pub(in crate::store) access: ReadAccess,
}

impl ReaderManager {
    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let path = &self.file.path;
        match self.access {
            ReadAccess::Locking => Connection::open_with_flags(path, flags),
            ReadAccess::Immutable => {
                let path = percent_encode(path.as_os_str().as_encoded_bytes(), NOT_IN_A_PATH);
                let address = format!("file:{path}?immutable=1");
                Connection::open_with_flags(address, flags | OpenFlags::SQLITE_OPEN_URI)
            }
        }
    }
}

/// What has another meaning in an address, or is not ASCII.
const NOT_IN_A_PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');

impl r2d2::ManageConnection for ReaderManager {
    type Connection = ReadConnection;
    type Error = rusqlite::Error;

    fn connect(&self) -> rusqlite::Result<ReadConnection> {
        if let Err(problem) = self.file.check() {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
            return Err(rusqlite::Error::SqliteFailure(
                code,
                Some(problem.to_string()),
            ));
        }
        let mut connection = self.open()?;
        let limits = configure(&connection)?;
        let checked = Arc::clone(&limits);
        connection.progress_handler(STEPS_PER_DEADLINE_CHECK, Some(move || checked.is_due()))?;
        connection.pragma_update(None, "query_only", true)?;
        let cache_kib = if self.is_inline {
            INLINE_CACHE_KIB
        } else {
            POOLED_CACHE_KIB
        };
        connection.pragma_update(None, "cache_size", -cache_kib)?;
        let cache = if self.is_inline {
            // The thread of a server's worker must not wait for another program's lock.
            connection.busy_timeout(Duration::ZERO)?;
            ConnectionCache::with_documents()
        } else {
            ConnectionCache::default()
        };
        // Reads the header and the schema, so that a damaged file is noticed here.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
            row.get::<_, i64>(0)
        })?;
        Ok(ReadConnection {
            connection,
            limits,
            cache,
        })
    }
    fn is_valid(&self, _: &mut ReadConnection) -> rusqlite::Result<()> {
        Ok(())
    }
    fn has_broken(&self, _: &mut ReadConnection) -> bool {
        false
    }
}
