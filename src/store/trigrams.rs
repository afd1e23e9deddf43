//! The trigram index of job ids: for every three characters, the jobs whose ids have them.
//!
//! Measured against FTS5 (`tokenize='trigram', detail=none`, external content) with 1,000,000 jobs, in CPU time: an import
//! takes 0.6 s for this index, and 1.3 to 1.8 s for that one; finding the candidates of a word 156 and 558 µs; a single put
//! 152 and 35 µs, with 65 and 16 kB of log; a single delete 0 and 35 µs. In the file it takes 31 MB, and that one 23.
//!
//! There is a bitmap of jobs for each trigram and block of 65,536 jobs: writing a job changes a few small values, and the
//! bitmaps of a million jobs cost little more than their bytes (Roaring). They return candidates: every job whose id has
//! the word, and some that don't, so the ids of the candidates are compared, too. A deleted job therefore stays in its
//! bitmaps until no job of its block is left; where its number is given to another job, that one is a candidate which
//! does not match.
//!
//! A database of few jobs has no index: reading their ids is as fast, and a mock's start with a thousand fixtures spent
//! more than half of its time here.
//!
//! Words match in any case, and outside ASCII that is more than a change of single letters (`K`, the sign of Kelvin, is a
//! `k`). So ids with other characters are under the empty trigram, and always candidates; and a word with other
//! characters, or of less than three, is not looked up.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};

/// Up to this `jobs.id` there is no index.
pub(super) const MAX_ID_WITHOUT_INDEX: i64 = 4_000;
/// The number of jobs in a block.
const BLOCK: i64 = 1 << POSITION_BITS;
/// The number of bits of a position within a block.
const POSITION_BITS: u32 = u16::BITS;
/// The most entries in memory: a block of ids of the usual length. Beyond them they are written.
const MAX_ENTRIES: usize = 1 << 20;

/// Calls `each` with every trigram of an id.
fn for_each_trigram_of_id(id: &str, each: &mut impl FnMut(&str)) {
    if id.is_ascii() {
        for_each_trigram(id, each);
    } else {
        each("");
    }
}

/// Calls `each` with every trigram of an ASCII text.
fn for_each_trigram(text: &str, each: &mut impl FnMut(&str)) {
    let lower = text.to_ascii_lowercase();
    for start in 0..lower.len().saturating_sub(2) {
        each(&lower[start..start + 3]);
    }
}

/// Index entries that are not yet written, all of one block.
#[derive(Debug, Default)]
pub(super) struct Postings {
    block: i64,
    /// A trigram and a position in the block each, in one number: sorting these costs less than looking up a bitmap for
    /// each, which was an eighth of an import.
    entries: Vec<u64>,
    /// Whether the written entries are in `pending_trigrams`, to be sorted at the end.
    is_deferred: bool,
}

impl Postings {
    /// Adds a job; entries of another block are written first.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        id: i64,
        job_id: &str,
    ) -> rusqlite::Result<()> {
        if !self.has_room_for(id) {
            if self.is_deferred {
                self.write_pending(connection)?;
            } else {
                self.write(connection)?;
            }
        }
        self.push(id, job_id);
        Ok(())
    }

    /// Whether a job can be added before a write: it is in the same block, and there are not too many entries.
    pub(super) fn has_room_for(&self, id: i64) -> bool {
        self.entries.is_empty() || self.block == block_of(id) && self.entries.len() < MAX_ENTRIES
    }

    /// Adds a job for which there is room.
    pub(super) fn push(&mut self, id: i64, job_id: &str) {
        self.block = block_of(id);
        let position = u64::from(position(id));
        for_each_trigram_of_id(job_id, &mut |trigram| {
            self.entries
                .push(packed(trigram) << POSITION_BITS | position);
        });
    }

    /// Returns a trigram whose bitmap in the table lacks a job that was added, if there is one.
    pub(super) fn missing(&mut self, connection: &Connection) -> rusqlite::Result<Option<String>> {
        let block = self.block;
        for (trigram, jobs) in self.sorted() {
            let trigram = unpacked(trigram);
            let stored = stored(connection, &trigram, block)?;
            if !stored.is_some_and(|stored| jobs.is_subset(&stored)) {
                return Ok(Some(trigram));
            }
        }
        Ok(None)
    }

    /// Leaves the table, which is empty, for the end. Its order is by trigram, and jobs come block by block: writing each
    /// block would change every page, which is most of the time with 10,000,000 jobs.
    pub(super) fn defer(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(
            "CREATE TEMP TABLE pending_trigrams (trigram INTEGER, block INTEGER, jobs BLOB)",
        )?;
        self.is_deferred = true;
        Ok(())
    }

    /// Writes all entries; and those of all jobs, where there were too few for an index until now.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.is_deferred {
            self.write_pending(connection)?;
            self.is_deferred = false;
            write_sorted(connection)?;
            return connection.execute_batch("DROP TABLE pending_trigrams");
        }
        if self.entries.is_empty() || exists(connection)? {
            return self.write_entries(connection);
        }
        self.clear();
        let mut statement = connection.prepare_cached(
            "SELECT id, job_id FROM jobs WHERE (SELECT max(id) FROM jobs) > ? ORDER BY id",
        )?;
        let mut rows = statement.query([MAX_ID_WITHOUT_INDEX])?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            if !self.has_room_for(id) {
                self.write_entries(connection)?;
            }
            self.push(id, row.get_ref(1)?.as_str()?);
        }
        self.write_entries(connection)
    }

    /// Removes every entry.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    fn write_entries(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let block = self.block;
        for (trigram, mut jobs) in self.sorted() {
            let trigram = unpacked(trigram);
            if let Some(stored) = stored(connection, &trigram, block)? {
                jobs |= stored;
            }
            connection
                .prepare_cached("INSERT OR REPLACE INTO job_id_trigrams (trigram, block, jobs) VALUES (?, ?, ?)")?
                .execute(params![trigram, block, serialized(jobs)])?;
        }
        self.clear();
        Ok(())
    }

    fn write_pending(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let block = self.block;
        let mut insert =
            connection.prepare_cached("INSERT INTO pending_trigrams VALUES (?, ?, ?)")?;
        for (trigram, jobs) in self.sorted() {
            insert.execute(params![trigram, block, serialized(jobs)])?;
        }
        self.clear();
        Ok(())
    }

    /// Returns the trigrams of the entries, packed, with their jobs, in order.
    fn sorted(&mut self) -> impl Iterator<Item = (i64, RoaringBitmap)> {
        sort(&mut self.entries);
        // An id may have a trigram twice.
        self.entries.dedup();
        let same = |one: &u64, other: &u64| one >> POSITION_BITS == other >> POSITION_BITS;
        self.entries.chunk_by(same).map(|entries| {
            let positions = entries.iter().map(|entry| u32::from(position_of(*entry)));
            let mut jobs = RoaringBitmap::new();
            // They are sorted, so all are appended.
            let _ = jobs.append(positions);
            (packed_trigram(entries[0]), jobs)
        })
    }
}

/// Writes what is pending in the order of the table, unless there are too few jobs for an index.
fn write_sorted(connection: &Connection) -> rusqlite::Result<()> {
    let last: Option<i64> =
        connection.query_row("SELECT max(id) FROM jobs", [], |row| row.get(0))?;
    if last.is_none_or(|last| last <= MAX_ID_WITHOUT_INDEX) {
        return Ok(());
    }
    let mut pending = connection
        .prepare("SELECT trigram, block, jobs FROM pending_trigrams ORDER BY trigram, block")?;
    let mut insert = connection
        .prepare("INSERT INTO job_id_trigrams (trigram, block, jobs) VALUES (?, ?, ?)")?;
    let mut write = |(trigram, block): (i64, i64), jobs: RoaringBitmap| {
        insert.execute(params![unpacked(trigram), block, serialized(jobs)])
    };
    let mut rows = pending.query([])?;
    let mut last: Option<((i64, i64), RoaringBitmap)> = None;
    while let Some(row) = rows.next()? {
        let key = (row.get(0)?, row.get(1)?);
        let jobs = bitmap(row.get_ref(2)?.as_blob()?)?;
        last = match last {
            // A block with very many trigrams was written in parts.
            Some((before, all)) if before == key => Some((key, all | jobs)),
            other => {
                if let Some((key, jobs)) = other {
                    write(key, jobs)?;
                }
                Some((key, jobs))
            }
        };
    }
    if let Some((key, jobs)) = last {
        write(key, jobs)?;
    }
    Ok(())
}

fn serialized(mut jobs: RoaringBitmap) -> Vec<u8> {
    jobs.optimize();
    let mut bytes = Vec::with_capacity(jobs.serialized_size());
    // Writing to a vector can't fail.
    let _ = jobs.serialize_into(&mut bytes);
    bytes
}

/// Returns the trigram of an entry, packed.
fn packed_trigram(entry: u64) -> i64 {
    // It has three bytes.
    i64::try_from(entry >> POSITION_BITS).unwrap_or_default()
}

/// Sorts the entries of a block.
///
/// They were added by position, so that many are sorted by two passes over the trigrams alone, which takes a fifth of the
/// time of a sort by comparison.
fn sort(entries: &mut Vec<u64>) {
    const PASS_BITS: u32 = 12;
    const PASSES: u32 = 24 / PASS_BITS;
    if entries.len() < 1 << PASS_BITS || !entries.is_sorted_by_key(|entry| position_of(*entry)) {
        entries.sort_unstable();
        return;
    }
    let mut sorted = vec![0; entries.len()];
    for pass in 0..PASSES {
        let digit = |entry: u64| {
            let digit = entry >> (POSITION_BITS + pass * PASS_BITS) & ((1 << PASS_BITS) - 1);
            usize::try_from(digit).unwrap_or_default()
        };
        // Where the next entry with a digit belongs.
        let mut next = vec![0; 1 << PASS_BITS];
        for entry in &*entries {
            next[digit(*entry)] += 1;
        }
        let mut before = 0;
        for count in &mut next {
            before += std::mem::replace(count, before);
        }
        for entry in &*entries {
            let index = &mut next[digit(*entry)];
            sorted[*index] = *entry;
            *index += 1;
        }
        std::mem::swap(entries, &mut sorted);
    }
}

/// Returns the position of an entry.
fn position_of(entry: u64) -> u16 {
    let [.., high, low] = entry.to_be_bytes();
    u16::from_be_bytes([high, low])
}

/// Returns a trigram as a number, in the same order. The empty one is 0. (So are three NULs, which makes their job always a
/// candidate.)
fn packed(trigram: &str) -> u64 {
    let bytes = trigram.bytes();
    bytes.fold(0, |number, byte| number << 8 | u64::from(byte))
}

fn unpacked(number: i64) -> String {
    if number == 0 {
        return String::new();
    }
    let [.., first, second, third] = number.to_be_bytes();
    String::from_utf8_lossy(&[first, second, third]).into_owned()
}

/// Whether there is an index.
pub(super) fn exists(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM job_id_trigrams)")?
        .query_row([], |row| row.get(0))
}

/// Returns the block of a job.
pub(super) fn block_of(id: i64) -> i64 {
    id.div_euclid(BLOCK)
}

/// Deletes the bitmaps of a block that has no job any more. (They would pile up where old jobs go and new ones come.)
pub(super) fn delete_block_if_empty(connection: &Connection, block: i64) -> rusqlite::Result<()> {
    let has_jobs: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM jobs WHERE id >= ? AND id < ?)")?
        .query_row([block * BLOCK, (block + 1) * BLOCK], |row| row.get(0))?;
    if !has_jobs {
        connection
            .prepare_cached("DELETE FROM job_id_trigrams WHERE block = ?")?
            .execute([block])?;
    }
    Ok(())
}

/// Returns the position of a job in its block.
fn position(id: i64) -> u32 {
    u32::try_from(id.rem_euclid(BLOCK)).unwrap_or(0)
}

/// Reads the jobs of a block that have a trigram.
fn stored(
    connection: &Connection,
    trigram: &str,
    block: i64,
) -> rusqlite::Result<Option<RoaringBitmap>> {
    connection
        .prepare_cached("SELECT jobs FROM job_id_trigrams WHERE trigram = ? AND block = ?")?
        .query_row(params![trigram, block], |row| {
            bitmap(row.get_ref(0)?.as_blob()?)
        })
        .optional()
}

fn bitmap(bytes: &[u8]) -> rusqlite::Result<RoaringBitmap> {
    RoaringBitmap::deserialize_from(bytes)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, error.into()))
}

/// Returns the jobs whose ids may have one of these words, in ascending order; `None` where the index can't tell, or there
/// are more than `limit`.
pub(super) fn candidates(
    connection: &Connection,
    words: &[String],
    limit: usize,
) -> rusqlite::Result<Option<Vec<i64>>> {
    let is_indexed = |word: &String| word.is_ascii() && word.len() >= 3;
    if !words.iter().all(is_indexed) || !exists(connection)? {
        return Ok(None);
    }
    let mut found = blocks(connection, "")?;
    for word in words {
        for (block, jobs) in with_word(connection, word)? {
            *found.entry(block).or_default() |= jobs;
        }
    }
    let count: u64 = found.values().map(RoaringBitmap::len).sum();
    if usize::try_from(count).map_or(true, |count| count > limit) {
        return Ok(None);
    }
    let ids = found.into_iter().flat_map(|(block, jobs)| {
        let positions = jobs.into_iter();
        positions.map(move |position| block * BLOCK + i64::from(position))
    });
    Ok(Some(ids.collect()))
}

/// Returns the jobs that have all trigrams of a word, by block.
fn with_word(
    connection: &Connection,
    word: &str,
) -> rusqlite::Result<BTreeMap<i64, RoaringBitmap>> {
    let mut trigrams = BTreeSet::new();
    for_each_trigram(word, &mut |trigram| {
        trigrams.insert(trigram.to_owned());
    });
    let mut found: Option<BTreeMap<i64, RoaringBitmap>> = None;
    for trigram in trigrams {
        let mut here = blocks(connection, &trigram)?;
        if let Some(found) = found {
            here.retain(|block, jobs| {
                found.get(block).is_some_and(|before| {
                    *jobs &= before;
                    !jobs.is_empty()
                })
            });
        }
        found = Some(here);
    }
    Ok(found.unwrap_or_default())
}

fn blocks(
    connection: &Connection,
    trigram: &str,
) -> rusqlite::Result<BTreeMap<i64, RoaringBitmap>> {
    connection
        .prepare_cached("SELECT block, jobs FROM job_id_trigrams WHERE trigram = ?")?
        .query_map([trigram], |row| {
            Ok((row.get(0)?, bitmap(row.get_ref(1)?.as_blob()?)?))
        })?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigram_of_several_jobs_is_written_once_with_all_of_them() {
        let mut postings = Postings::default();
        postings.push(1, "abcd");
        postings.push(2, "abcd");
        postings.push(3, "bcd");
        let sorted: Vec<_> = postings.sorted().collect();
        let jobs = |trigram: &str| {
            let mut found = sorted.iter().filter(|(one, _)| unpacked(*one) == trigram);
            let jobs = found.next().map(|(_, jobs)| jobs.len());
            assert!(found.next().is_none(), "{trigram} comes twice");
            jobs
        };
        assert_eq!((jobs("abc"), jobs("bcd")), (Some(2), Some(3)));
    }

    #[test]
    fn many_entries_are_sorted_as_few_are() {
        let mut postings = Postings::default();
        for id in 0..2_000 {
            postings.push(id, &format!("{:x}-\u{1}\u{7f}", id * 7_919));
        }
        let mut expected = postings.entries.clone();
        expected.sort_unstable();
        sort(&mut postings.entries);
        assert!(expected.len() > 4_096 && postings.entries == expected);
        // Not in the order of their positions.
        let mut reversed: Vec<_> = expected.iter().rev().copied().collect();
        sort(&mut reversed);
        assert!(reversed == expected);
    }

    fn tables() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE job_id_trigrams (trigram, block, jobs, PRIMARY KEY (trigram, block));
                 CREATE TABLE jobs (id INTEGER PRIMARY KEY, job_id)",
            )
            .unwrap();
        connection
    }

    fn add(connection: &Connection, id: i64, job_id: &str) {
        connection
            .execute("INSERT INTO jobs VALUES (?, ?)", params![id, job_id])
            .unwrap();
        let mut postings = Postings::default();
        postings.add(connection, id, job_id).unwrap();
        postings.write(connection).unwrap();
    }

    fn find(connection: &Connection, words: &[&str], limit: usize) -> Option<Vec<i64>> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        candidates(connection, &words, limit).unwrap()
    }

    #[test]
    fn every_job_that_has_a_word_is_a_candidate() {
        let connection = tables();
        add(&connection, 1, "job-AbCd");
        add(&connection, 2, "job-xbcd");
        assert_eq!(
            find(&connection, &["bcd"], 9),
            None,
            "too few jobs for an index"
        );
        for (id, job_id) in [
            (65_536, "abcd"),
            (65_537, "ab"),
            (200_000, "gr\u{f6}\u{df}e"),
        ] {
            add(&connection, id, job_id);
        }
        let mut postings = Postings::default();
        for (id, job_id) in [(70_009, "yyyyy"), (70_003, "xyyy"), (70_004, "\0\0\0")] {
            postings.add(&connection, id, job_id).unwrap();
        }
        postings.write(&connection).unwrap();
        let mut postings = Postings::default();
        postings.push(2, "JOB-XBCD");
        assert_eq!(postings.missing(&connection).unwrap(), None);
        postings.push(3, "abcd");
        assert_eq!(
            postings.missing(&connection).unwrap().as_deref(),
            Some("abc")
        );
        let find = |words: &[&str], limit| find(&connection, words, limit);
        assert_eq!(find(&["BCD"], 9), Some(vec![1, 2, 65_536, 70_004, 200_000]));
        assert_eq!(find(&["abcd"], 9), Some(vec![1, 65_536, 70_004, 200_000]));
        assert_eq!(
            find(&["abcd", "xbc"], 9),
            Some(vec![1, 2, 65_536, 70_004, 200_000])
        );
        assert_eq!(find(&["zzz"], 9), Some(vec![70_004, 200_000]));
        assert_eq!(find(&["abc", "bc"], 9), None, "one word is too short");
        assert_eq!(
            find(&["yyy"], 9),
            Some(vec![70_003, 70_004, 70_009, 200_000])
        );
        assert_eq!(find(&["bcd"], 3), None, "more candidates than the limit");
        assert_eq!(find(&["\u{212a}elvin"], 9), None, "not ASCII");
    }

    #[test]
    fn the_bitmaps_of_a_block_are_deleted_with_its_last_job() {
        let connection = tables();
        for (id, job_id) in [(65_535, "abc"), (65_536, "abcd"), (131_072, "abc")] {
            add(&connection, id, job_id);
        }
        let blocks_of_abc = || -> Vec<i64> {
            let found = blocks(&connection, "abc").unwrap();
            found.into_keys().collect()
        };
        assert_eq!(blocks_of_abc(), [0, 1, 2]);
        connection
            .execute("DELETE FROM jobs WHERE id = 65536", [])
            .unwrap();
        for id in [65_535, 65_536, 131_072] {
            delete_block_if_empty(&connection, block_of(id)).unwrap();
        }
        assert_eq!(blocks_of_abc(), [0, 2]);
    }
}
