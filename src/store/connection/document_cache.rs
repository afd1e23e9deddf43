//! The documents that an inline reader has read recently, by `jobs.id`.
//!
//! A list that is polled, or that many people look at, is served from here. With it and the ids of a page read from a
//! covering index, CPU per request at 1,000,000 jobs and 16 connections fell from 105 to 85 µs (W1), 277 to 188 (W3), 178
//! to 138 (W4) and 164 to 100 (W8). A job lies in the file where it was inserted, so thirty jobs of a collector are on
//! thirty pages of the file. SQLite caches pages, of about ten jobs each: of scattered jobs it holds a tenth of what is
//! held here in as much memory.

use std::hash::{BuildHasherDefault, Hasher};

use quick_cache::Weighter;
use quick_cache::unsync::{Cache, DefaultLifecycle};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ffi};

/// The most that is cached, in bytes: as much as the page cache of an inline reader.
const MAX_BYTES: u64 = 3 << 20;
/// The overhead of a cached document, in bytes.
const OVERHEAD_BYTES: u64 = 128;
/// How many evicted keys are remembered: their documents are kept longer when they are read again.
const MAX_EVICTED_KEYS: usize = 8_192;

/// The pieces of a document, as they are in a row of `jobs`.
#[derive(Debug)]
pub(super) struct CachedDocument {
    /// `jobs.head`, then `jobs.tail`.
    text: Box<str>,
    head_bytes: usize,
    /// `jobs.collector_info`.
    pub(super) collector_info: Option<i64>,
}

/// Reads a document by the keys of its domain and its job.
pub(super) struct DocumentReader<'c>(CachedStatement<'c>);

impl<'c> DocumentReader<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT head, collector_info, tail FROM jobs WHERE domain = ? AND id = ?";
        connection.prepare_cached(sql).map(Self)
    }

    fn read(&mut self, key: Key) -> rusqlite::Result<CachedDocument> {
        let document = self.0.query_row(key, CachedDocument::from_row).optional()?;
        // An index has it, so its row is missing.
        document.ok_or_else(corrupt)
    }
}

impl CachedDocument {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
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

/// The error that SQLite itself returns for a row that an index has and the table lacks.
fn corrupt() -> rusqlite::Error {
    let code = ffi::Error::new(ffi::SQLITE_CORRUPT_INDEX);
    rusqlite::Error::SqliteFailure(code, None)
}

/// `domains.id` and `jobs.id`: a document is never served to another domain.
type Key = (i64, i64);

/// Hashes keys of the database, which no client chooses: `SipHash` took 6,500 instructions for a page of thirty jobs.
#[derive(Debug, Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_i64((*byte).into());
        }
    }

    fn write_i64(&mut self, number: i64) {
        // Any odd number with bits everywhere, here those of the golden ratio; the high half has been mixed best.
        let mixed = (self.0 ^ number.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

type KeyHashes = BuildHasherDefault<KeyHasher>;

#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<Key, CachedDocument> for Bytes {
    fn weight(&self, _: &Key, document: &CachedDocument) -> u64 {
        document.text.len() as u64 + OVERHEAD_BYTES
    }
}

/// Documents by their keys; a default one holds none.
#[derive(Debug)]
pub(super) struct DocumentCache(Cache<Key, CachedDocument, Bytes, KeyHashes>);

impl Default for DocumentCache {
    fn default() -> Self {
        Self::with_limit(0)
    }
}

impl DocumentCache {
    pub(super) fn new() -> Self {
        Self::with_limit(MAX_BYTES)
    }

    fn with_limit(bytes: u64) -> Self {
        let hasher = KeyHashes::default();
        let lifecycle = DefaultLifecycle::default();
        Self(Cache::with(
            MAX_EVICTED_KEYS,
            bytes,
            Bytes,
            hasher,
            lifecycle,
        ))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Removes every document.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Calls `act` with a document, cached or read.
    pub(super) fn with<T>(
        &mut self,
        key: Key,
        reader: &mut DocumentReader<'_>,
        act: impl FnOnce(&CachedDocument) -> T,
    ) -> rusqlite::Result<T> {
        if let Some(document) = self.0.get(&key) {
            return Ok(act(document));
        }
        let document = reader.read(key)?;
        let result = act(&document);
        self.0.insert(key, document);
        Ok(result)
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

    fn read(documents: &mut DocumentCache, connection: &Connection, key: Key) -> String {
        let shown = |document: &CachedDocument| {
            format!(
                "{} {:?} {}",
                document.head(),
                document.collector_info,
                document.tail()
            )
        };
        documents
            .with(key, &mut DocumentReader::new(connection).unwrap(), shown)
            .unwrap()
    }

    #[test]
    fn a_document_is_read_from_the_database_once() {
        let (mut documents, connection) = (DocumentCache::new(), connection());
        for _ in 0..2 {
            assert_eq!(
                read(&mut documents, &connection, (7, 1)),
                r#"{"é":1 Some(5) ,"b":2}"#
            );
            assert_eq!(read(&mut documents, &connection, (7, 2)), "{} None ");
            // From here on only the cache has it.
            connection.execute_batch("DELETE FROM jobs").unwrap();
        }
    }

    #[test]
    fn a_default_or_cleared_cache_holds_nothing() {
        let (mut documents, connection) = (DocumentCache::default(), connection());
        read(&mut documents, &connection, (7, 1));
        assert!(documents.0.is_empty());
        let mut documents = DocumentCache::new();
        read(&mut documents, &connection, (7, 1));
        assert!(!documents.0.is_empty());
        documents.clear();
        assert!(documents.0.is_empty());
    }

    #[test]
    fn a_cached_document_is_not_served_to_another_domain() {
        let (mut documents, connection) = (DocumentCache::new(), connection());
        read(&mut documents, &connection, (7, 1));
        for domain in [6, 8] {
            let mut reader = DocumentReader::new(&connection).unwrap();
            let error = documents
                .with((domain, 1), &mut reader, |_| ())
                .unwrap_err();
            let code = error.sqlite_error_code();
            assert_eq!(code, Some(rusqlite::ErrorCode::DatabaseCorrupt));
        }
    }

    #[test]
    fn the_size_of_the_cache_is_bounded() {
        let (mut documents, connection) = (DocumentCache::new(), connection());
        let long = "x".repeat(1_000);
        let mut insert = connection
            .prepare("INSERT INTO jobs VALUES (?, 7, ?, NULL, '')")
            .unwrap();
        for job in 3..5_000 {
            insert.execute((job, &long)).unwrap();
            read(&mut documents, &connection, (7, job));
        }
        let longest = "x".repeat(4 << 20);
        insert.execute((5_000, &longest)).unwrap();
        read(&mut documents, &connection, (7, 5_000));
        let weight = documents.0.weight();
        assert!((MAX_BYTES / 2..=MAX_BYTES).contains(&weight), "{weight}");
    }
}
