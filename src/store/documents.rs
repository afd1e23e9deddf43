//! The documents that a connection has read of late, by `jobs.id`.
//!
//! A job lies where it was inserted, so the jobs of a page are on as many pages of the file, and each is found by a way
//! down the tree of the table. SQLite holds pages of the file, of which one has ten jobs: of jobs that lie scattered it
//! holds a tenth of what is held here in as much memory. A list that is polled, or looked at by many, is had from here.

use quick_cache::unsync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, Weighter};
use rusqlite::{Connection, OptionalExtension, ffi};

/// The most that is held, in bytes: as much as SQLite holds of pages.
const MOST_BYTES: u64 = 2 << 20;
/// What it takes to hold a document, beside its text, in bytes.
const BYTES_BESIDE_TEXT: u64 = 128;
/// Of how many that have gone it is remembered that they were here: those are held longer when they come again.
const MOST_REMEMBERED: usize = 4_096;

/// The pieces of a row of `jobs` of which its document is made.
#[derive(Debug)]
pub(super) struct Pieces {
    /// `jobs.head`, then `jobs.tail`.
    text: Box<str>,
    head_bytes: usize,
    /// `jobs.collector_info`.
    pub(super) collector_info: Option<i64>,
}

impl Pieces {
    fn read(connection: &Connection, domain: i64, job: i64) -> rusqlite::Result<Self> {
        connection
            .prepare_cached(
                "SELECT head, collector_info, tail FROM jobs WHERE domain = ? AND id = ?",
            )?
            .query_row([domain, job], |row| {
                let [head, tail] = [row.get_ref(0)?.as_str()?, row.get_ref(2)?.as_str()?];
                Ok(Self {
                    text: [head, tail].concat().into(),
                    head_bytes: head.len(),
                    collector_info: row.get(1)?,
                })
            })
            .optional()?
            // An index told of it.
            .ok_or_else(corrupt)
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

impl Default for Documents {
    fn default() -> Self {
        let hasher = DefaultHashBuilder::default();
        let lifecycle = DefaultLifecycle::default();
        Self(Cache::with(
            MOST_REMEMBERED,
            MOST_BYTES,
            Bytes,
            hasher,
            lifecycle,
        ))
    }
}

impl Documents {
    /// Does something with the pieces of a document of a domain, held or read.
    pub(super) fn with<T>(
        &mut self,
        connection: &Connection,
        (domain, job): (i64, i64),
        act: impl FnOnce(&Pieces) -> T,
    ) -> rusqlite::Result<T> {
        if let Some(pieces) = self.0.get(&(domain, job)) {
            return Ok(act(pieces));
        }
        let pieces = Pieces::read(connection, domain, job)?;
        let done = act(&pieces);
        self.0.insert((domain, job), pieces);
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
        documents.with(connection, key, shown).unwrap()
    }

    #[test]
    fn what_was_read_is_held() {
        let (mut documents, connection) = (Documents::default(), connection());
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
    fn no_other_domain_has_it() {
        let (mut documents, connection) = (Documents::default(), connection());
        pieces(&mut documents, &connection, (7, 1));
        for domain in [6, 8] {
            let error = documents
                .with(&connection, (domain, 1), |_| ())
                .unwrap_err();
            let code = error.sqlite_error_code();
            assert_eq!(code, Some(rusqlite::ErrorCode::DatabaseCorrupt));
        }
    }

    #[test]
    fn little_is_held() {
        let (mut documents, connection) = (Documents::default(), connection());
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
        assert!((MOST_BYTES / 2..=MOST_BYTES).contains(&held), "{held}");
    }
}
