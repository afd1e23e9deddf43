//! Writing jobs: one transaction for all that must come together.

use std::collections::HashMap;

use rusqlite::config::DbConfig;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::{StoreError, Writer};
use crate::job::Job;

/// What to do with a job that is present already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConflict {
    /// The new one takes its place.
    #[default]
    Replace,
    /// The old one stays.
    Skip,
    /// The whole transaction fails.
    Fail,
}

/// What became of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Added,
    Replaced,
    Skipped,
}

/// Jobs being written; none is there until [`WriteTransaction::commit`].
#[derive(Debug)]
pub struct WriteTransaction<'w> {
    pub(super) transaction: Transaction<'w>,
    on_conflict: OnConflict,
    /// The keys of the domains seen so far.
    domains: HashMap<String, i64>,
    /// Whether the triggers sleep and the counts are made anew at the end.
    is_bulk: bool,
}

/// Makes every kept count anew from the jobs; the same tables that the triggers of schema.sql keep.
pub(super) const RECOUNT: &str = "
    DELETE FROM status_counts;
    INSERT INTO status_counts SELECT domain, status, count(*) FROM jobs GROUP BY domain, status;
    DELETE FROM collector_counts;
    INSERT INTO collector_counts SELECT domain, collector_id, status, count(*) FROM jobs
        WHERE collector_id IS NOT NULL GROUP BY domain, collector_id, status;
    DELETE FROM day_counts;
    INSERT INTO day_counts SELECT domain, status, (created_at + 62167219200000) / 86400000 AS day, count(*) FROM jobs
        GROUP BY domain, status, day;";
/// How much of the database a bulk write holds in memory, in KiB: its indexes are written to all over.
const BULK_CACHE_KIB: i64 = 64 << 10;

impl Writer<'_> {
    /// Begins to write; other writers wait from here.
    ///
    /// # Errors
    /// [`StoreError`] when another program holds the database, or it can't be written to.
    pub fn begin(&mut self, on_conflict: OnConflict) -> Result<WriteTransaction<'_>, StoreError> {
        self.begin_with(on_conflict, false)
    }

    /// Begins to write many jobs: the counts are made once at the end, not by triggers row by row.
    ///
    /// A statement whose triggers might fail must be able to take back its own rows, for which SQLite copies every page
    /// that it touches: measured at more than half of an import's time.
    ///
    /// # Errors
    /// As [`Writer::begin`].
    pub fn begin_bulk(
        &mut self,
        on_conflict: OnConflict,
    ) -> Result<WriteTransaction<'_>, StoreError> {
        self.0.pragma_update(None, "cache_size", -BULK_CACHE_KIB)?;
        self.begin_with(on_conflict, true)
    }

    fn begin_with(
        &mut self,
        on_conflict: OnConflict,
        is_bulk: bool,
    ) -> Result<WriteTransaction<'_>, StoreError> {
        // Set anew each time, whatever a transaction before left.
        self.0
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, !is_bulk)?;
        let transaction = self
            .0
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(WriteTransaction {
            transaction,
            on_conflict,
            domains: HashMap::new(),
            is_bulk,
        })
    }

    /// Moves the whole write-ahead log into the database and empties it.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn checkpoint_all(&self) -> Result<(), StoreError> {
        self.checkpoint("TRUNCATE")
    }
}

impl WriteTransaction<'_> {
    /// Writes a job.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a job that is present already under [`OnConflict::Fail`]; otherwise when the disk
    /// fails or is full.
    pub fn put(&mut self, job: &Job) -> Result<Written, StoreError> {
        const COLUMNS: &str = "INSERT INTO jobs (domain, job_id, status, total_tasks, remained_tasks, collector_id, \
             project_id, created_at, updated_at, finished_at, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        const ADD: &str = "ON CONFLICT (domain, job_id) DO NOTHING";
        let domain = self.domain_key(&job.domain_id)?;
        let document = job.to_document();
        let values = params![
            domain,
            job.job_id,
            job.status.name(),
            job.total_tasks,
            job.remained_tasks,
            job.collector_id(),
            job.project_id,
            job.created_at.millis(),
            job.updated_at.millis(),
            job.finished_at.map(crate::time::Timestamp::millis),
            document,
        ];
        let mut insert = self
            .transaction
            .prepare_cached(&format!("{COLUMNS} {ADD}"))?;
        if insert.execute(values)? > 0 {
            return Ok(Written::Added);
        }
        match self.on_conflict {
            OnConflict::Skip => Ok(Written::Skipped),
            OnConflict::Fail => Err(StoreError::Conflict {
                domain_id: job.domain_id.clone(),
                job_id: job.job_id.clone(),
            }),
            OnConflict::Replace => {
                let mut update = self.transaction.prepare_cached(
                    "UPDATE jobs SET status = ?3, total_tasks = ?4, remained_tasks = ?5, collector_id = ?6, \
                     project_id = ?7, created_at = ?8, updated_at = ?9, finished_at = ?10, document = ?11 \
                     WHERE domain = ?1 AND job_id = ?2 AND document <> ?11",
                )?;
                update.execute(values)?;
                Ok(Written::Replaced)
            }
        }
    }

    /// The document of a job, as it is within this transaction.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn find(&self, domain_id: &str, job_id: &str) -> Result<Option<String>, StoreError> {
        let Some(domain) = self.known_domain(domain_id)? else {
            return Ok(None);
        };
        Ok(self
            .transaction
            .prepare_cached("SELECT document FROM jobs WHERE domain = ? AND job_id = ?")?
            .query_row(params![domain, job_id], |row| row.get(0))
            .optional()?)
    }

    /// Deletes a job; tells whether there was one.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full.
    pub fn delete(&mut self, domain_id: &str, job_id: &str) -> Result<bool, StoreError> {
        let Some(domain) = self.known_domain(domain_id)? else {
            return Ok(false);
        };
        let deleted = self
            .transaction
            .prepare_cached("DELETE FROM jobs WHERE domain = ? AND job_id = ?")?
            .execute(params![domain, job_id])?;
        Ok(deleted > 0)
    }

    /// Deletes every job of a domain; returns how many there were.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full.
    pub fn delete_domain(&mut self, domain_id: &str) -> Result<u64, StoreError> {
        let Some(domain) = self.known_domain(domain_id)? else {
            return Ok(0);
        };
        let deleted = self
            .transaction
            .execute("DELETE FROM jobs WHERE domain = ?", [domain])?;
        Ok(deleted as u64)
    }

    /// How many jobs a domain has, or all domains have together.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn count(&self, domain_id: Option<&str>) -> Result<u64, StoreError> {
        let key = self.scope_key(domain_id)?;
        let jobs: i64 = self.transaction.query_row(
            "SELECT count(*) FROM jobs WHERE ?1 IS NULL OR domain = ?1",
            [key],
            |row| row.get(0),
        )?;
        Ok(u64::try_from(jobs).unwrap_or(0))
    }

    /// Makes all that was written visible and, but in a scratch database, durable.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full; nothing was written then.
    pub fn commit(self) -> Result<(), StoreError> {
        if self.is_bulk {
            self.transaction.execute_batch(RECOUNT)?;
        }
        Ok(self.transaction.commit()?)
    }

    fn domain_key(&mut self, domain_id: &str) -> Result<i64, StoreError> {
        if let Some(key) = self.domains.get(domain_id) {
            return Ok(*key);
        }
        let known = self.known_domain(domain_id)?;
        let key = match known {
            Some(key) => key,
            None => self.transaction.query_row(
                "INSERT INTO domains (domain_id) VALUES (?) RETURNING id",
                [domain_id],
                |row| row.get(0),
            )?,
        };
        self.domains.insert(domain_id.to_owned(), key);
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Mode, Store};

    fn job(id: &str, status: &str, collector: &str) -> Job {
        let text = format!(
            r#"{{"job_id":"{id}","domain_id":"d","status":"{status}","created_at":"2022-06-17T08:00:00Z","collector_info":{{"collector_id":{collector}}}}}"#
        );
        Job::from_json(text.as_bytes()).unwrap()
    }

    fn write(
        store: &Store,
        on_conflict: OnConflict,
        jobs: &[Job],
    ) -> Result<Vec<Written>, StoreError> {
        let mut writer = store.writer()?;
        let mut transaction = writer.begin(on_conflict)?;
        let written = jobs
            .iter()
            .map(|job| transaction.put(job))
            .collect::<Result<Vec<_>, _>>()?;
        transaction.commit()?;
        Ok(written)
    }

    #[test]
    fn a_job_that_is_present_is_replaced_skipped_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let old = job("j", "CREATED", "\"c\"");
        let new = job("j", "SUCCESS", "null");
        assert_eq!(
            write(&store, OnConflict::Fail, std::slice::from_ref(&old)).unwrap(),
            [Written::Added]
        );
        assert_eq!(
            write(&store, OnConflict::Skip, std::slice::from_ref(&new)).unwrap(),
            [Written::Skipped]
        );
        let error = write(
            &store,
            OnConflict::Fail,
            &[job("k", "ERROR", "\"c\""), new.clone()],
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "job j of domain d is present already");
        assert_eq!(store.check().unwrap().problems, Vec::<String>::new());
        assert_eq!(
            store.check().unwrap().jobs,
            1,
            "the whole transaction failed"
        );
        assert_eq!(
            write(&store, OnConflict::Replace, &[new]).unwrap(),
            [Written::Replaced]
        );
        assert_eq!(store.check().unwrap().problems, Vec::<String>::new());
    }

    #[test]
    fn a_database_that_may_not_be_written_to_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        store
            .writer()
            .unwrap()
            .0
            .pragma_update(None, "query_only", true)
            .unwrap();
        let error = write(&store, OnConflict::Fail, &[job("j", "ERROR", "null")]).unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains("make the file and its folder writable"),
            "{error}"
        );
    }

    #[test]
    fn a_full_disk_is_named_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        write(&store, OnConflict::Fail, &[job("first", "ERROR", "\"c\"")]).unwrap();
        store
            .writer()
            .unwrap()
            .0
            .pragma_update(None, "max_page_count", 30)
            .unwrap();
        let many: Vec<_> = (0..1_000)
            .map(|number| job(&format!("j{number}"), "ERROR", "\"c\""))
            .collect();
        let error = write(&store, OnConflict::Fail, &many).unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert!(
            error.to_string().contains("free some space on the disk"),
            "{error}"
        );
        assert_eq!(store.check().unwrap().jobs, 1);
    }
}
