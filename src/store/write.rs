//! `WriteTransaction`: puts, finds, counts and deletes jobs.

use std::collections::HashMap;

use rusqlite::types::ToSqlOutput;
use rusqlite::{
    OptionalExtension, Params, Transaction, TransactionBehavior, params, params_from_iter,
};

use super::bulk::deferred::Deferred;
use super::connection::writer::Writer;
use super::derived::Changes;
use super::error::StoreError;
use super::file::DatabaseFile;
use super::job_row::{self, JobRow, NewJob};
use super::saved_states::former_jobs;
use crate::job::{CollectorText, Job};

/// What happens to a job that is in the database already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConflict {
    /// It is replaced.
    #[default]
    Replace,
    /// It stays as it is.
    Skip,
    /// The whole transaction fails.
    Fail,
}

/// What happened to a job that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Added,
    Replaced,
    Skipped,
}

/// A transaction that writes; nothing is visible before [`WriteTransaction::commit`].
#[derive(Debug)]
pub struct WriteTransaction<'w> {
    pub(super) transaction: Transaction<'w>,
    pub(super) on_conflict: OnConflict,
    /// The file that must still be at its path after the commit; `None` for an upgrade of the schema.
    file: Option<&'w DatabaseFile>,
    /// The keys of the domains so far.
    domains: HashMap<String, i64>,
    /// The keys of the recent collectors, by domain and number.
    collectors: HashMap<(i64, u64), i64>,
    /// The same by domain and text: a collector is not always known by its number.
    collector_infos: HashMap<i64, HashMap<String, i64>>,
    /// The bytes of those texts.
    collector_info_bytes: usize,
    pub(super) changes: Changes,
    pub(super) deferred: Deferred,
    /// Under which the former rows of jobs are noted (`saved_states/`).
    pub(super) epoch: Option<i64>,
}

/// The most collectors that a transaction caches by their numbers.
const MAX_COLLECTORS: usize = 10_000;
/// The most that a transaction caches of collectors, in bytes of text.
const MAX_INFO_BYTES: usize = 4 << 20;

impl Writer<'_> {
    /// Begins a transaction; other writers wait from here on.
    ///
    /// # Errors
    /// [`StoreError`] when another program holds the database, or it can't be written to.
    pub fn begin(&mut self, on_conflict: OnConflict) -> Result<WriteTransaction<'_>, StoreError> {
        let file = self.opened.file();
        file.check()?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut transaction = WriteTransaction::continue_in(transaction, on_conflict);
        transaction.file = Some(file);
        transaction.epoch = former_jobs::present_epoch(&transaction.transaction)?;
        Ok(transaction)
    }
}

impl<'w> WriteTransaction<'w> {
    /// Continues a transaction that was begun elsewhere.
    pub(super) fn continue_in(transaction: Transaction<'w>, on_conflict: OnConflict) -> Self {
        Self {
            transaction,
            on_conflict,
            file: None,
            domains: HashMap::new(),
            collectors: HashMap::new(),
            collector_infos: HashMap::new(),
            collector_info_bytes: 0,
            changes: Changes::default(),
            deferred: Deferred::default(),
            epoch: None,
        }
    }

    /// Writes a job.
    ///
    /// # Errors
    /// As [`WriteTransaction::put_new`].
    pub fn put(&mut self, job: &Job) -> Result<Written, StoreError> {
        self.put_new(&mut NewJob::new(job))
    }

    /// Writes a job whose row was made before.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a job that is present already under [`OnConflict::Fail`]; otherwise when the disk
    /// fails or is full.
    pub fn put_new(&mut self, job: &mut NewJob) -> Result<Written, StoreError> {
        self.look_up_keys(job)?;
        let NewJob { domain_id, row, .. } = job;
        let mut insert = self
            .transaction
            .prepare_cached(if self.deferred.has_id_index {
                job_row::INSERT_NEW
            } else {
                job_row::INSERT
            })?;
        let inserted = insert.execute(params_from_iter(row.values()))?;
        drop(insert);
        if inserted > 0 {
            row.id = self.transaction.last_insert_rowid();
            self.changes.add(&self.transaction, row)?;
            self.note_added(row)?;
            return Ok(Written::Added);
        }
        match self.on_conflict {
            OnConflict::Skip => Ok(Written::Skipped),
            OnConflict::Fail => Err(StoreError::Conflict {
                domain_id: domain_id.clone(),
                job_id: row.job_id.clone(),
            }),
            OnConflict::Replace => {
                self.replace(row)?;
                Ok(Written::Replaced)
            }
        }
    }

    /// Replaces the row of the same job, if there is one and its document is another. Returns whether it did.
    pub(super) fn replace(&mut self, row: &mut JobRow) -> Result<bool, StoreError> {
        let former = self.find_if_changed(row)?;
        if let Some(former) = &former {
            self.changes.remove(&self.transaction, former)?;
            row.id = former.id;
            let values = row.values().into_iter();
            self.transaction
                .prepare_cached(row.update_of(former))?
                .execute(params_from_iter(values.chain([ToSqlOutput::from(row.id)])))?;
            self.changes.add_again(&self.transaction, row)?;
            self.note_former(former)?;
        }
        Ok(former.is_some())
    }

    /// Notes, for saved states, that a job was added.
    fn note_added(&self, row: &JobRow) -> rusqlite::Result<()> {
        match self.epoch {
            Some(epoch) => former_jobs::note_absent(&self.transaction, epoch, row),
            None => Ok(()),
        }
    }

    /// Notes, for saved states, the row of a job that was changed or deleted.
    fn note_former(&self, former: &JobRow) -> rusqlite::Result<()> {
        match self.epoch {
            Some(epoch) => former_jobs::note(&self.transaction, epoch, former),
            None => Ok(()),
        }
    }

    /// Returns the row of the same job as it is in the database, if its document is another.
    fn find_if_changed(&self, row: &JobRow) -> rusqlite::Result<Option<JobRow>> {
        self.transaction
            .prepare_cached(job_row::SELECT_IF_CHANGED)?
            .query_row(
                params![
                    row.domain,
                    row.job_id,
                    row.head,
                    row.tail,
                    row.collector_info
                ],
                JobRow::from_row,
            )
            .optional()
    }

    /// Writes the columns of a row anew from its document, unless another row is of the same job.
    pub(super) fn rewrite(&mut self, id: i64, job: &Job) -> Result<(), StoreError> {
        let mut job = NewJob::new(job);
        self.look_up_keys(&mut job)?;
        let values = job.row.values().into_iter().chain([ToSqlOutput::from(id)]);
        self.transaction
            .prepare_cached(job_row::UPDATE_BY_ID)?
            .execute(params_from_iter(values))?;
        Ok(())
    }

    /// Returns the document of a job, as this transaction sees it.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn find(&self, domain_id: &str, job_id: &str) -> Result<Option<String>, StoreError> {
        let Some(domain) = self.find_domain(domain_id)? else {
            return Ok(None);
        };
        Ok(self
            .transaction
            .prepare_cached("SELECT document FROM documents WHERE domain = ? AND job_id = ?")?
            .query_row(params![domain, job_id], |row| row.get(0))
            .optional()?)
    }

    /// Deletes a job; returns whether there was one.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full.
    pub fn delete(&mut self, domain_id: &str, job_id: &str) -> Result<bool, StoreError> {
        let Some(domain) = self.find_domain(domain_id)? else {
            return Ok(false);
        };
        let deleted = self.delete_where("domain = ? AND job_id = ?", params![domain, job_id])?;
        Ok(deleted > 0)
    }

    /// Deletes every job of a domain; returns how many there were.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full.
    pub fn delete_domain(&mut self, domain_id: &str) -> Result<u64, StoreError> {
        let Some(domain) = self.find_domain(domain_id)? else {
            return Ok(0);
        };
        self.delete_where("domain = ?", [domain])
    }

    /// Deletes the jobs that match a condition; returns how many there were.
    pub(super) fn delete_where(
        &mut self,
        condition: &'static str,
        params: impl Params,
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "DELETE FROM jobs WHERE {condition} RETURNING {}",
            job_row::ALL_COLUMNS
        );
        let mut statement = self.transaction.prepare_cached(&sql)?;
        let mut rows = statement.query(params)?;
        let mut deleted = 0;
        while let Some(row) = rows.next()? {
            let row = JobRow::from_row(row)?;
            self.changes.remove(&self.transaction, &row)?;
            self.note_former(&row)?;
            deleted += 1;
        }
        Ok(deleted)
    }

    /// Runs an `INSERT INTO jobs`, to which `RETURNING` can be appended.
    pub(super) fn insert_all(
        &mut self,
        insert: &str,
        params: impl Params,
    ) -> Result<(), StoreError> {
        let sql = format!("{insert} RETURNING {}", job_row::ALL_COLUMNS);
        let mut statement = self.transaction.prepare_cached(&sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            let row = JobRow::from_row(row)?;
            self.changes.add(&self.transaction, &row)?;
            self.note_added(&row)?;
        }
        Ok(())
    }

    /// Returns how many jobs a domain has; `None`: all domains together.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn count(&mut self, domain_id: Option<&str>) -> Result<u64, StoreError> {
        let key = self.domain_filter(domain_id)?;
        self.changes.write_sums(&self.transaction)?;
        let jobs: i64 = self
            .transaction
            .prepare_cached(
                "SELECT ifnull(sum(jobs), 0) FROM status_counts WHERE ?1 IS NULL OR domain = ?1",
            )?
            .query_row([key], |row| row.get(0))?;
        Ok(u64::try_from(jobs).unwrap_or(0))
    }

    /// Makes what was written visible and, except in a scratch database, durable.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full, so that nothing was written; or when the file was deleted or replaced.
    pub fn commit(self) -> Result<(), StoreError> {
        self.commit_import().map(|_| ())
    }

    /// As [`WriteTransaction::commit`]. Returns how many of the jobs that were reported as added had been put before
    /// ([`IdIndex::Deferred`](super::IdIndex)).
    ///
    /// # Errors
    /// As [`WriteTransaction::commit`]; also [`StoreError::Conflict`] for such a job under [`OnConflict::Fail`].
    pub fn commit_import(self) -> Result<u64, StoreError> {
        let file = self.file;
        let (transaction, repeated) = self.finish()?;
        transaction.commit()?;
        file.map_or(Ok(()), DatabaseFile::check)?;
        Ok(repeated)
    }

    /// Writes the derived tables and the deferred indexes, and returns the transaction, and how many jobs were given twice.
    pub(super) fn finish(mut self) -> Result<(Transaction<'w>, u64), StoreError> {
        let repeated = self.write_deferred()?;
        self.changes.write(&self.transaction)?;
        Ok((self.transaction, repeated))
    }

    /// Sets the keys of a job's domain and its collector, which are inserted where they are new.
    pub(super) fn look_up_keys(&mut self, job: &mut NewJob) -> Result<(), StoreError> {
        let domain = self.domain_key(&job.domain_id)?;
        job.row.domain = domain;
        job.row.collector_info = match &job.collector {
            Some(collector) => Some(self.collector_key(domain, collector)?),
            None => None,
        };
        Ok(())
    }

    /// Returns the key of a domain; the key of a domain that never had a job is -1, which no row has. `None` for all.
    pub(super) fn domain_filter(&self, domain_id: Option<&str>) -> Result<Option<i64>, StoreError> {
        let Some(domain_id) = domain_id else {
            return Ok(None);
        };
        Ok(Some(self.find_domain(domain_id)?.unwrap_or(-1)))
    }

    /// Returns the key of a domain that has jobs, or had some.
    pub(super) fn find_domain(&self, domain_id: &str) -> Result<Option<i64>, StoreError> {
        Ok(self
            .transaction
            .prepare_cached("SELECT id FROM domains WHERE domain_id = ?")?
            .query_row([domain_id], |row| row.get(0))
            .optional()?)
    }

    fn domain_key(&mut self, domain_id: &str) -> Result<i64, StoreError> {
        if let Some(key) = self.domains.get(domain_id) {
            return Ok(*key);
        }
        let key = match self.find_domain(domain_id)? {
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

    fn collector_key(&mut self, domain: i64, collector: &CollectorText) -> Result<i64, StoreError> {
        let by_number = (domain, collector.number());
        if let Some(key) = self.collectors.get(&by_number) {
            return Ok(*key);
        }
        let key = self.collector_info_key(domain, &collector.text)?;
        if self.collectors.len() == MAX_COLLECTORS {
            self.collectors.clear();
        }
        self.collectors.insert(by_number, key);
        Ok(key)
    }

    fn collector_info_key(&mut self, domain: i64, info: &str) -> Result<i64, StoreError> {
        let cached = self.collector_infos.get(&domain);
        if let Some(key) = cached.and_then(|cached| cached.get(info)) {
            return Ok(*key);
        }
        let existing = self
            .transaction
            .prepare_cached("SELECT id FROM collector_infos WHERE domain = ? AND info = ?")?
            .query_row(params![domain, info], |row| row.get(0))
            .optional()?;
        let key = if let Some(key) = existing {
            key
        } else {
            let key = self
                .transaction
                .prepare_cached(
                    "INSERT INTO collector_infos (domain, info) VALUES (?, ?) RETURNING id",
                )?
                .query_row(params![domain, info], |row| row.get(0))?;
            if !self.deferred.has_id_index {
                // Its job may be skipped.
                self.changes.check_collector_info(key);
            }
            key
        };
        self.collector_info_bytes += info.len();
        if self.collector_info_bytes > MAX_INFO_BYTES {
            self.collector_infos.clear();
            self.collector_info_bytes = info.len();
        }
        let cached = self.collector_infos.entry(domain).or_default();
        cached.insert(info.to_owned(), key);
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
    fn a_replaced_job_is_the_new_one_whatever_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let members = [
            r#""status":"CREATED""#,
            r#""status":"ERROR","total_tasks":5"#,
            r#""status":"ERROR","total_tasks":6,"updated_at":"2022-06-18T08:00:00Z""#,
            r#""status":"ERROR","errors":[{"error_code":"E"}]"#,
            r#""status":"ERROR","errors":[{"error_code":"F"}]"#,
            r#""status":"SUCCESS","errors":[{"error_code":"F"}],"finished_at":"2022-06-18T08:00:00Z""#,
            r#""project_id":"p""#,
            r#""collector_info":{"collector_id":"c"}"#,
            r#""collector_info":{"collector_id":"c","name":"n"},"workspace_id":"w""#,
        ];
        let times = ["2022-06-17T08:00:00Z", "2022-06-17T09:00:00Z"];
        for (former, next) in (0..members.len() * 2)
            .flat_map(|one| (0..members.len() * 2).map(move |other| (one, other)))
        {
            let read = |number: usize| {
                let (members, time) = (members[number / 2], times[number % 2]);
                let text =
                    format!(r#"{{"job_id":"j","domain_id":"d","created_at":"{time}",{members}}}"#);
                Job::from_json(text.as_bytes()).unwrap()
            };
            write(&store, OnConflict::Replace, &[read(former), read(next)]).unwrap();
            let report = store.check().unwrap();
            assert_eq!(
                (report.jobs, report.problems),
                (1, Vec::new()),
                "{former} {next}"
            );
            let mut writer = store.writer().unwrap();
            let transaction = writer.begin(OnConflict::Fail).unwrap();
            let document = transaction.find("d", "j").unwrap();
            assert_eq!(document, Some(read(next).to_document()));
        }
    }

    #[test]
    fn an_existing_job_is_replaced_skipped_or_refused() {
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
    fn a_collector_is_deleted_with_the_last_job_that_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let collectors = || -> Vec<String> {
            let writer = store.writer().unwrap();
            let mut statement = writer
                .connection
                .prepare("SELECT info ->> 'collector_id' FROM collector_infos ORDER BY id")
                .unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let replace = |jobs: &[Job]| write(&store, OnConflict::Replace, jobs).unwrap();
        replace(&[job("j", "CREATED", "\"a\""), job("k", "CREATED", "\"a\"")]);
        replace(&[job("j", "CREATED", "\"b\"")]);
        assert_eq!(collectors(), ["a", "b"]);
        replace(&[job("k", "CREATED", "\"b\"")]);
        assert_eq!(collectors(), ["b"]);
        write(&store, OnConflict::Skip, &[job("k", "CREATED", "\"c\"")]).unwrap();
        assert_eq!(collectors(), ["b"], "a skipped job leaves nothing");
        let change = |act: &dyn Fn(&mut WriteTransaction<'_>)| {
            let mut writer = store.writer().unwrap();
            let mut transaction = writer.begin(OnConflict::Replace).unwrap();
            act(&mut transaction);
            transaction.commit().unwrap();
        };
        change(&|transaction| assert_eq!(transaction.delete_domain("d").unwrap(), 2));
        assert_eq!(collectors(), Vec::<String>::new());
        // But the collector of a saved job may be needed again.
        replace(&[job("j", "CREATED", "\"a\"")]);
        change(&|transaction| assert_eq!(transaction.save_state(1, None).unwrap(), 1));
        change(&|transaction| assert_eq!(transaction.delete_domain("d").unwrap(), 1));
        assert_eq!(collectors(), ["a"]);
        change(&|transaction| transaction.restore_state(1, None).unwrap());
        assert_eq!(store.check().unwrap().problems, Vec::<String>::new());
    }

    #[test]
    fn the_error_of_a_database_without_write_permission_has_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        store
            .writer()
            .unwrap()
            .connection
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
    fn the_error_of_a_full_disk_has_a_remedy_and_nothing_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        write(&store, OnConflict::Fail, &[job("first", "ERROR", "\"c\"")]).unwrap();
        store
            .writer()
            .unwrap()
            .connection
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
