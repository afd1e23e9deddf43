//! Which jobs may have a part in their id: for every three characters, the jobs in whose ids they stand.
//!
//! The lists are Roaring bitmaps in blocks of 65,536 jobs, so a job that is written changes a few small values, and a
//! million of them cost little more than their bytes. They are a sieve: every job whose id has the part is in them, and
//! whoever reads them looks at the ids themselves. A job that goes is therefore left in them, until its whole block has
//! gone; its number may be given to another, who is then looked at and found not to match.
//!
//! A database of few jobs has no lists: reading the ids is as quick, and a start of a mock with its fixtures would spend
//! most of its time here.
//!
//! Patterns know no difference of case, and outside ASCII that is more than a change of single letters (`K`, the sign of
//! Kelvin, is a `k`). So ids that have other characters stand under the empty trigram and are always looked at, and a
//! part that has others, or is shorter than three, is not looked up at all.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};

/// Up to this `jobs.id` there are no lists.
pub(super) const FEW: i64 = 4_000;
/// How many jobs a block has.
const BLOCK: i64 = 1 << PLACE_BITS;
/// How many bits a place in a block has.
const PLACE_BITS: u32 = u16::BITS;
/// From so many on what is noted is written, so that memory stays flat: a block of ids of the usual length.
const MAX_NOTED: usize = 1 << 20;

/// Calls `each` with every trigram under which an id stands.
fn each_of_id(id: &str, each: &mut impl FnMut(&str)) {
    if id.is_ascii() {
        each_of_part(id, each);
    } else {
        each("");
    }
}

/// Calls `each` with every trigram of a part that is of ASCII.
fn each_of_part(part: &str, each: &mut impl FnMut(&str)) {
    let lower = part.to_ascii_lowercase();
    for start in 0..lower.len().saturating_sub(2) {
        each(&lower[start..start + 3]);
    }
}

/// Jobs whose trigrams are not yet written.
#[derive(Debug, Default)]
pub(super) struct Postings {
    block: i64,
    /// A trigram and a place in the block each, in one number: sorting them costs less than to look up a list for each.
    noted: Vec<u64>,
}

impl Postings {
    /// Notes a job; what was noted of another block is written first.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        id: i64,
        job_id: &str,
    ) -> rusqlite::Result<()> {
        if !self.takes(id) {
            self.write(connection)?;
        }
        self.note(id, job_id);
        Ok(())
    }

    /// Whether a job may be noted beside those that are: it is of their block, and they are not too many.
    pub(super) fn takes(&self, id: i64) -> bool {
        self.noted.is_empty() || self.block == block_of(id) && self.noted.len() < MAX_NOTED
    }

    /// Notes a job that is taken.
    pub(super) fn note(&mut self, id: i64, job_id: &str) {
        self.block = block_of(id);
        let place = u64::from(place(id));
        each_of_id(job_id, &mut |trigram| {
            self.noted.push(packed(trigram) << PLACE_BITS | place);
        });
    }

    /// One of the trigrams under which a job that is noted does not stand in the table.
    pub(super) fn missing(&mut self, connection: &Connection) -> rusqlite::Result<Option<String>> {
        let block = self.block;
        for (trigram, jobs) in self.sorted() {
            let known = stored(connection, &trigram, block)?;
            if !known.is_some_and(|known| jobs.is_subset(&known)) {
                return Ok(Some(trigram));
            }
        }
        Ok(None)
    }

    /// Writes what is noted, and with it all that was not when there were few.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.noted.is_empty() || are_kept(connection)? {
            return self.write_noted(connection);
        }
        self.clear();
        let mut statement = connection.prepare_cached(
            "SELECT id, job_id FROM jobs WHERE (SELECT max(id) FROM jobs) > ? ORDER BY id",
        )?;
        let mut rows = statement.query([FEW])?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            if !self.takes(id) {
                self.write_noted(connection)?;
            }
            self.note(id, row.get_ref(1)?.as_str()?);
        }
        self.write_noted(connection)
    }

    /// Forgets what is noted.
    pub(super) fn clear(&mut self) {
        self.noted.clear();
    }

    fn write_noted(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let block = self.block;
        for (trigram, mut jobs) in self.sorted() {
            if let Some(known) = stored(connection, &trigram, block)? {
                jobs |= known;
            }
            jobs.optimize();
            let mut bytes = Vec::with_capacity(jobs.serialized_size());
            // Writing to memory can't fail.
            let _ = jobs.serialize_into(&mut bytes);
            connection
                .prepare_cached("INSERT OR REPLACE INTO job_id_trigrams (trigram, block, jobs) VALUES (?, ?, ?)")?
                .execute(params![trigram, block, bytes])?;
        }
        self.clear();
        Ok(())
    }

    /// Every trigram that is noted with the places of its jobs, in order.
    fn sorted(&mut self) -> impl Iterator<Item = (String, RoaringBitmap)> {
        self.noted.sort_unstable();
        // A trigram may stand in an id twice.
        self.noted.dedup();
        let same = |one: &u64, other: &u64| one >> PLACE_BITS == other >> PLACE_BITS;
        self.noted.chunk_by(same).map(|noted| {
            let places = noted.iter().map(|noted| {
                let [.., high, low] = noted.to_be_bytes();
                u32::from(u16::from_be_bytes([high, low]))
            });
            let mut jobs = RoaringBitmap::new();
            // They are in order, so all are taken.
            let _ = jobs.append(places);
            (unpacked(noted[0] >> PLACE_BITS), jobs)
        })
    }
}

/// A trigram as a number, in the same order: 0 is the empty one. (So are three NULs, which puts their job among those that
/// are always looked at.)
fn packed(trigram: &str) -> u64 {
    let bytes = trigram.bytes();
    bytes.fold(0, |number, byte| number << 8 | u64::from(byte))
}

fn unpacked(number: u64) -> String {
    if number == 0 {
        return String::new();
    }
    let [.., first, second, third] = number.to_be_bytes();
    String::from_utf8_lossy(&[first, second, third]).into_owned()
}

/// Whether there are lists.
pub(super) fn are_kept(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM job_id_trigrams)")?
        .query_row([], |row| row.get(0))
}

/// The block of a job.
pub(super) fn block_of(id: i64) -> i64 {
    id.div_euclid(BLOCK)
}

/// Deletes the lists of a block that has no job any more. (There would be ever more of them where old jobs go and new ones
/// come.)
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

/// Where a job stands in its block.
fn place(id: i64) -> u32 {
    u32::try_from(id.rem_euclid(BLOCK)).unwrap_or(0)
}

/// The jobs of a block that stand under a trigram.
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

/// The jobs whose ids may have one of these words, in ascending order; `None` where that is not known, or they are more
/// than `most`.
pub(super) fn candidates(
    connection: &Connection,
    words: &[String],
    most: usize,
) -> rusqlite::Result<Option<Vec<i64>>> {
    let is_known = |word: &String| word.is_ascii() && word.len() >= 3;
    if !words.iter().all(is_known) || !are_kept(connection)? {
        return Ok(None);
    }
    let mut found = blocks(connection, "")?;
    for word in words {
        for (block, jobs) in with_word(connection, word)? {
            *found.entry(block).or_default() |= jobs;
        }
    }
    let count: u64 = found.values().map(RoaringBitmap::len).sum();
    if usize::try_from(count).map_or(true, |count| count > most) {
        return Ok(None);
    }
    let ids = found.into_iter().flat_map(|(block, jobs)| {
        let places = jobs.into_iter();
        places.map(move |place| block * BLOCK + i64::from(place))
    });
    Ok(Some(ids.collect()))
}

/// The jobs that stand under all the trigrams of a word, by block.
fn with_word(
    connection: &Connection,
    word: &str,
) -> rusqlite::Result<BTreeMap<i64, RoaringBitmap>> {
    let mut trigrams = BTreeSet::new();
    each_of_part(word, &mut |trigram| {
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

    fn find(connection: &Connection, words: &[&str], most: usize) -> Option<Vec<i64>> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        candidates(connection, &words, most).unwrap()
    }

    #[test]
    fn every_job_that_has_a_word_is_a_candidate() {
        let connection = tables();
        add(&connection, 1, "job-AbCd");
        add(&connection, 2, "job-xbcd");
        assert_eq!(find(&connection, &["bcd"], 9), None, "they are few");
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
        postings.note(2, "JOB-XBCD");
        assert_eq!(postings.missing(&connection).unwrap(), None);
        postings.note(3, "abcd");
        assert_eq!(
            postings.missing(&connection).unwrap().as_deref(),
            Some("abc")
        );
        let find = |words: &[&str], most| find(&connection, words, most);
        assert_eq!(find(&["BCD"], 9), Some(vec![1, 2, 65_536, 70_004, 200_000]));
        assert_eq!(find(&["abcd"], 9), Some(vec![1, 65_536, 70_004, 200_000]));
        assert_eq!(
            find(&["abcd", "xbc"], 9),
            Some(vec![1, 2, 65_536, 70_004, 200_000])
        );
        assert_eq!(find(&["zzz"], 9), Some(vec![70_004, 200_000]));
        assert_eq!(find(&["abc", "bc"], 9), None, "one is too short");
        assert_eq!(
            find(&["yyy"], 9),
            Some(vec![70_003, 70_004, 70_009, 200_000])
        );
        assert_eq!(find(&["bcd"], 3), None, "they are more");
        assert_eq!(find(&["\u{212a}elvin"], 9), None, "not of ASCII");
    }

    #[test]
    fn a_block_goes_with_its_last_job() {
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
