//! A bulk import: what a transaction that fills an empty database leaves for its end, to write it sorted.
//!
//! Indexes made of all jobs together are dense and written once, from the first page to the last. In the order of the
//! input each job changes a page anywhere in each of them, and what the page cache does not hold is read and written
//! again: with 10,000,000 jobs, the index of ids alone is 290 MB.
//!
//! Without that index nothing notices that a job is given twice, until the index is made: then all but one of them are
//! deleted.

use rusqlite::{Connection, ErrorCode, ffi};

use crate::store::connection::open::WRITER_CACHE_KIB;
use crate::store::error::StoreError;
use crate::store::job_row::{ALL_COLUMNS, JobRow};
use crate::store::write::{OnConflict, WriteTransaction};

/// The index of `jobs` that finds a job by its id.
const ID_INDEX: &str = "jobs_by_id";

/// The page cache while indexes are made, in KiB, and what each thread sorts in memory. SQLite merges 16 sorted parts at
/// once, so that an index of 10,000,000 jobs is merged in one go.
const SORT_CACHE_KIB: i64 = 24 << 10;

/// Whether the index of ids is dropped, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdIndex {
    /// It stays, so that each put reports what happened to its job.
    Maintained,
    /// Each put reports a new job. A job that is given twice is noticed at the end.
    Deferred,
}

impl WriteTransaction<'_> {
    /// Drops the indexes of `jobs` until the transaction ends, if there are no jobs yet.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn defer_indexes(&mut self, id_index: IdIndex) -> Result<(), StoreError> {
        let has_jobs: bool =
            self.transaction
                .query_row("SELECT EXISTS (SELECT 1 FROM jobs)", [], |row| row.get(0))?;
        if has_jobs {
            return Ok(());
        }
        let dropped: Vec<(String, String, String)> = self
            .transaction
            .prepare(
                "SELECT name, format('DROP INDEX \"%w\"', name), sql FROM sqlite_schema \
                 WHERE type = 'index' AND tbl_name = 'jobs' AND sql IS NOT NULL AND (?1 OR name <> ?2) \
                 ORDER BY name <> ?2, rowid",
            )?
            .query_map((id_index == IdIndex::Deferred, ID_INDEX), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        for (_, drop, _) in &dropped {
            self.transaction.execute_batch(drop)?;
        }
        // An older database has no such index: there, the table has the constraint.
        self.deferred.has_id_index = dropped.first().is_some_and(|(name, ..)| name == ID_INDEX);
        self.deferred.indexes = dropped.into_iter().map(|(.., create)| create).collect();
        if self.deferred.has_id_index {
            self.changes.defer(&self.transaction)?;
            // All is appended until the end: a larger cache would hold what nobody reads.
            self.transaction
                .pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        }
        Ok(())
    }

    /// Writes what was left for the end. Returns how often a job was given that was given before.
    pub(in crate::store) fn write_deferred(&mut self) -> Result<u64, StoreError> {
        let indexes = std::mem::take(&mut self.deferred.indexes);
        if !indexes.is_empty() {
            // A second thread sorts what the first one reads. Each takes as much memory as the page cache may.
            self.transaction
                .pragma_update(None, "cache_size", -SORT_CACHE_KIB)?;
            self.transaction.pragma_update(None, "threads", 1)?;
        }
        let mut repeated = 0;
        for (number, create) in indexes.iter().enumerate() {
            match self.transaction.execute_batch(create) {
                Err(error) if number == 0 && self.deferred.has_id_index && is_repeated(&error) => {
                    repeated = self.remove_repeated()?;
                    self.transaction.execute_batch(create)?;
                }
                result => result?,
            }
        }
        if !indexes.is_empty() {
            self.transaction
                .pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        }
        Ok(repeated)
    }

    /// Deletes all but one row of each job: the first one or, under [`OnConflict::Replace`], the last one, which takes the
    /// number of the first. Returns how many were deleted.
    fn remove_repeated(&mut self) -> Result<u64, StoreError> {
        let connection: &Connection = &self.transaction;
        connection.execute_batch(
            "CREATE TEMP TABLE repeated (id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL); \
             INSERT INTO repeated SELECT * FROM (SELECT id, min(id) OVER job AS first, max(id) OVER job AS last \
             FROM jobs WINDOW job AS (PARTITION BY domain, job_id)) WHERE first <> last",
        )?;
        let remaining = match self.on_conflict {
            OnConflict::Replace => "last",
            OnConflict::Skip => "first",
            OnConflict::Fail => return Err(self.first_repeated()?),
        };
        let delete = format!(
            "DELETE FROM jobs WHERE id IN (SELECT id FROM repeated WHERE id <> {remaining}) RETURNING {ALL_COLUMNS}"
        );
        let mut deleted = 0;
        {
            let mut statement = connection.prepare(&delete)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                self.changes
                    .remove_deferred(connection, &JobRow::from_row(row)?)?;
                deleted += 1;
            }
        }
        {
            let mut statement = connection.prepare(&format!(
                "SELECT {ALL_COLUMNS}, first FROM jobs JOIN repeated USING (id) WHERE id <> first"
            ))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let first = row.get("first")?;
                self.changes
                    .renumber_deferred(connection, JobRow::from_row(row)?, first)?;
            }
        }
        connection.execute_batch(&format!(
            "DELETE FROM pending_job_errors WHERE job IN (SELECT id FROM repeated WHERE id <> {remaining}); \
             UPDATE pending_job_errors SET job = (SELECT first FROM repeated WHERE id = job) \
             WHERE job IN (SELECT id FROM repeated); \
             UPDATE jobs SET id = (SELECT first FROM repeated AS r WHERE r.id = jobs.id) \
             WHERE id IN (SELECT id FROM repeated); \
             DROP TABLE repeated"
        ))?;
        Ok(deleted)
    }

    /// Returns the error that names the first job which is given twice.
    fn first_repeated(&self) -> Result<StoreError, StoreError> {
        Ok(self.transaction.query_row(
            "SELECT domain_id, job_id FROM jobs JOIN domains ON domains.id = domain \
             WHERE jobs.id = (SELECT min(id) FROM repeated WHERE id <> first)",
            [],
            |row| {
                Ok(StoreError::Conflict {
                    domain_id: row.get(0)?,
                    job_id: row.get(1)?,
                })
            },
        )?)
    }
}

/// Whether an index could not be made because it is unique, and the rows are not.
fn is_repeated(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
        && matches!(error, rusqlite::Error::SqliteFailure(ffi::Error { extended_code, .. }, _)
            if *extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::job::Job;
    use crate::store::{Mode, Store, Writer, Written};

    fn job(id: &str, code: &str) -> Job {
        let text = format!(
            r#"{{"job_id":"{id}","domain_id":"d","created_at":"2022-06-17T08:00:00Z","errors":[{{"error_code":"{code}"}}],"collector_info":{{"collector_id":"of {code}"}}}}"#
        );
        Job::from_json(text.as_bytes()).unwrap()
    }

    fn column(writer: &Writer<'_>, sql: &str) -> Vec<String> {
        let mut statement = writer.connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    const INDEXES: &str = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'jobs' AND sql IS NOT NULL ORDER BY rowid";

    #[test]
    fn indexes_are_made_at_the_end_and_come_back_after_a_rollback() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let mut writer = store.writer().unwrap();
        writer
            .connection
            .execute_batch("CREATE INDEX \"somebody's \"\"own\"\"\" ON jobs (updated_at)")
            .unwrap();
        let before = column(&writer, INDEXES);
        assert_eq!(before.len(), 7);
        for (id_index, is_committed, deferred) in [
            (IdIndex::Maintained, false, 6),
            (IdIndex::Deferred, false, 7),
            (IdIndex::Maintained, true, 6),
        ] {
            let mut transaction = writer.begin(OnConflict::Replace).unwrap();
            transaction.defer_indexes(id_index).unwrap();
            assert_eq!(transaction.deferred.indexes.len(), deferred);
            let mut put = |id, code| transaction.put(&job(id, code)).unwrap();
            assert_eq!(put("j", "E"), Written::Added);
            assert_eq!(put("k", "E"), Written::Added);
            let again = put("j", "F");
            assert_eq!(again == Written::Added, id_index == IdIndex::Deferred);
            if is_committed {
                assert_eq!(transaction.commit_import().unwrap(), 0);
            } else {
                drop(transaction);
            }
            let mut after = column(&writer, INDEXES);
            after.sort();
            let mut expected = before.clone();
            expected.sort();
            assert_eq!(after, expected);
        }
        let mut transaction = writer.begin(OnConflict::Replace).unwrap();
        transaction.defer_indexes(IdIndex::Deferred).unwrap();
        assert_eq!(transaction.deferred.indexes.len(), 0, "there are jobs");
        drop(transaction);
        drop(writer);
        let report = store.check().unwrap();
        assert_eq!((report.jobs, report.problems), (2, Vec::new()));
    }

    /// Puts jobs of which some are given twice, and checks which are left, in the order of their numbers.
    #[track_caller]
    fn check(on_conflict: OnConflict, expected: &[&str], expected_repeated: u64) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(on_conflict).unwrap();
        transaction.defer_indexes(IdIndex::Deferred).unwrap();
        for (id, code) in [
            ("b", "1"),
            ("a", "2"),
            ("b", "3"),
            ("c", "4"),
            ("b", "5"),
            ("c", "4"),
        ] {
            transaction.put(&job(id, code)).unwrap();
        }
        let repeated = transaction.commit_import().unwrap();
        let left = "SELECT id || ' ' || job_id || ' ' || error_code FROM jobs JOIN job_errors USING (job_id) \
             WHERE job = id ORDER BY id";
        assert_eq!(column(&writer, left), expected);
        assert_eq!(repeated, expected_repeated);
        let left = column(&writer, "SELECT info FROM collector_infos ORDER BY info");
        assert_eq!(left.len(), expected.len(), "{left:?}");
        drop(writer);
        let report = store.check().unwrap();
        assert_eq!((report.jobs, report.problems), (3, Vec::new()));
    }

    #[test]
    fn of_a_job_that_is_given_twice_one_is_left() {
        check(OnConflict::Replace, &["1 b 5", "2 a 2", "4 c 4"], 3);
        check(OnConflict::Skip, &["1 b 1", "2 a 2", "4 c 4"], 3);
    }

    #[test]
    fn a_job_that_is_given_twice_may_be_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let store = Store::open(&path, Mode::Scratch, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        transaction.defer_indexes(IdIndex::Deferred).unwrap();
        for id in ["a", "b", "a"] {
            transaction.put(&job(id, "E")).unwrap();
        }
        let error = transaction.commit_import().unwrap_err();
        assert_eq!(error.to_string(), "job a of domain d is present already");
        drop(writer);
        assert_eq!(store.check().unwrap().jobs, 0);
    }

    #[test]
    fn trigrams_of_a_bulk_import_are_those_of_single_puts() {
        let trigrams = |id_index: Option<IdIndex>| -> Vec<(String, i64, Vec<u8>)> {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.db");
            let store = Store::open(&path, Mode::Scratch, 1).unwrap();
            let mut writer = store.writer().unwrap();
            let mut transaction = writer.begin(OnConflict::Replace).unwrap();
            if let Some(id_index) = id_index {
                transaction.defer_indexes(id_index).unwrap();
            }
            // More entries than are held in memory, so that a trigram of the block is written in parts.
            for number in 0..4_600 {
                let id = format!("{}{number}", "abcdefghij".repeat(24));
                transaction.put(&job(&id, "E")).unwrap();
            }
            transaction.commit().unwrap();
            let connection: &Connection = &writer.connection;
            let mut statement = connection
                .prepare("SELECT trigram, block, jobs FROM job_id_trigrams ORDER BY 1, 2")
                .unwrap();
            let rows = statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .unwrap();
            rows.map(Result::unwrap).collect()
        };
        let single = trigrams(None);
        assert!(single.len() > 1_000, "{}", single.len());
        assert!(trigrams(Some(IdIndex::Deferred)) == single);
    }
}
