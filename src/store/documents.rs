//! The documents that a connection for answers at once has read of late, by `jobs.id`.
//!
//! A job lies where it was inserted, so the jobs of a page are on as many pages of the file, and each is found by a way
//! down the tree of the table. SQLite holds pages of the file, of which one has ten jobs: of jobs that lie scattered it
//! holds a tenth of what is held here in as much memory. A list that is polled, or looked at by many, is had from here.

use quick_cache::unsync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, Weighter};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ffi};

/// The most that is held, in bytes: as much as such a connection's SQLite holds of pages.
const MAX_BYTES: u64 = 3 << 20;
/// What it takes to hold a document, beside its text, in bytes.
const BYTES_BESIDE_TEXT: u64 = 128;
/// Of how many that have gone it is remembered that they were here: those are held longer when they come again.
const MAX_REMEMBERED: usize = 8_192;

/// The pieces of a row of `jobs` of which its document is made.
#[derive(Debug)]
pub(super) struct Pieces {
    /// `jobs.head`, then `jobs.tail`.
    text: Box<str>,
    head_bytes: usize,
    /// `jobs.collector_info`.
    pub(super) collector_info: Option<i64>,
}

/// Reads the pieces of a job of a domain, by their keys.
pub(super) struct Rows<'c>(CachedStatement<'c>);

impl<'c> Rows<'c> {
    pub(super) fn of(connection: &'c Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT head, collector_info, tail FROM jobs WHERE domain = ? AND id = ?";
        connection.prepare_cached(sql).map(Self)
    }

    fn read(&mut self, key: Key) -> rusqlite::Result<Pieces> {
        let read = self.0.query_row(key, Pieces::read).optional()?;
        // An index told of it.
        read.ok_or_else(corrupt)
    }
}

impl Pieces {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let [head, tail] = [row.get_ref(0)?.as_str()?, row.get_ref(2)?.as_str()?];
        Ok(Self {
            text: [head, tail].concat().into(),
            head_bytes: head.len(),
            collector_info: row.get(1)?,
        })
    }

    pub(super) fn head(&self) -> &str {
        &self.text[..self.head_bytes]
    }

    pub(super) fn tail(&self) -> &str {
        &self.text[self.head_bytes..]
    }
}

/// As SQLite tells it where it finds out itself.
fn corrupt() -> rusqlite::Error {
    let code = ffi::Error::new(ffi::SQLITE_CORRUPT_INDEX);
    rusqlite::Error::SqliteFailure(code, None)
}

/// Whose job it is, by the key of the domain, and which.
type Key = (i64, i64);

#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<Key, Pieces> for Bytes {
    fn weight(&self, _: &Key, pieces: &Pieces) -> u64 {
        pieces.text.len() as u64 + BYTES_BESIDE_TEXT
    }
}

#[derive(Debug)]
pub(super) struct Documents(Cache<Key, Pieces, Bytes>);

/// Holds nothing.
impl Default for Documents {
    fn default() -> Self {
        Self::of_at_most(0)
    }
}

impl Documents {
    /// Holds as much as may be.
    pub(super) fn holding() -> Self {
        Self::of_at_most(MAX_BYTES)
    }

    fn of_at_most(bytes: u64) -> Self {
        let hasher = DefaultHashBuilder::default();
        let lifecycle = DefaultLifecycle::default();
        Self(Cache::with(MAX_REMEMBERED, bytes, Bytes, hasher, lifecycle))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets what is held.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Does something with the pieces of a document of a domain, held or read.
    pub(super) fn with<T>(
        &mut self,
        key: Key,
        rows: &mut Rows<'_>,
        act: impl FnOnce(&Pieces) -> T,
    ) -> rusqlite::Result<T> {
        if let Some(pieces) = self.0.get(&key) {
            return Ok(act(pieces));
        }
        let pieces = rows.read(key)?;
        let done = act(&pieces);
        self.0.insert(key, pieces);
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE jobs (id INTEGER PRIMARY KEY, domain INTEGER, head TEXT, collector_info INTEGER, tail TEXT);
                 INSERT INTO jobs VALUES (1, 7, '{\"é\":1', 5, ',\"b\":2}'), (2, 7, '{}', NULL, '');",
            )
            .unwrap();
        connection
    }

    fn pieces(documents: &mut Documents, connection: &Connection, key: Key) -> String {
        let shown = |pieces: &Pieces| {
            format!(
                "{} {:?} {}",
                pieces.head(),
                pieces.collector_info,
                pieces.tail()
            )
        };
        documents
            .with(key, &mut Rows::of(connection).unwrap(), shown)
            .unwrap()
    }

    #[test]
    fn what_was_read_is_held() {
        let (mut documents, connection) = (Documents::holding(), connection());
        for _ in 0..2 {
            assert_eq!(
                pieces(&mut documents, &connection, (7, 1)),
                r#"{"é":1 Some(5) ,"b":2}"#
            );
            assert_eq!(pieces(&mut documents, &connection, (7, 2)), "{} None ");
            // From here on it could not be read again.
            connection.execute_batch("DELETE FROM jobs").unwrap();
        }
    }

    #[test]
    fn nothing_is_held_where_nothing_shall_be() {
        let (mut documents, connection) = (Documents::default(), connection());
        pieces(&mut documents, &connection, (7, 1));
        assert!(documents.0.is_empty());
        let mut documents = Documents::holding();
        pieces(&mut documents, &connection, (7, 1));
        assert!(!documents.0.is_empty());
        documents.forget();
        assert!(documents.0.is_empty());
    }

    #[test]
    fn no_other_domain_has_it() {
        let (mut documents, connection) = (Documents::holding(), connection());
        pieces(&mut documents, &connection, (7, 1));
        for domain in [6, 8] {
            let mut rows = Rows::of(&connection).unwrap();
            let error = documents.with((domain, 1), &mut rows, |_| ()).unwrap_err();
            let code = error.sqlite_error_code();
            assert_eq!(code, Some(rusqlite::ErrorCode::DatabaseCorrupt));
        }
    }

    #[test]
    fn little_is_held() {
        let (mut documents, connection) = (Documents::holding(), connection());
        let long = "x".repeat(1_000);
        let mut insert = connection
            .prepare("INSERT INTO jobs VALUES (?, 7, ?, NULL, '')")
            .unwrap();
        for job in 3..5_000 {
            insert.execute((job, &long)).unwrap();
            pieces(&mut documents, &connection, (7, job));
        }
        let longest = "x".repeat(4 << 20);
        insert.execute((5_000, &longest)).unwrap();
        pieces(&mut documents, &connection, (7, 5_000));
        let held = documents.0.weight();
        assert!((MAX_BYTES / 2..=MAX_BYTES).contains(&held), "{held}");
    }
}
