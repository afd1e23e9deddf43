//! Writing jobs: one transaction for all that must come together.

use std::collections::HashMap;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{
    OptionalExtension, Params, Transaction, TransactionBehavior, params, params_from_iter,
};

use super::derived::{Changes, Entry, owned};
use super::{Place, StoreError, WRITER_CACHE_KIB, Writer};
use crate::job::{Job, Pieces, error_codes};
use crate::time::Timestamp;

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
    /// Where the file must still be when all is done; `None` while it is being opened.
    place: Option<&'w Place>,
    /// The keys of the domains seen so far.
    domains: HashMap<String, i64>,
    /// The keys of the collectors seen last, by domain.
    collector_infos: HashMap<i64, HashMap<String, i64>>,
    /// How many bytes of text those are.
    collector_info_bytes: usize,
    pub(super) changes: Changes,
    /// What makes the indexes that were taken away for the time of the transaction.
    indexes: Vec<String>,
}

/// How much of the database a large import holds in memory, in KiB: the index of the ids is written to all over.
const BULK_CACHE_KIB: i64 = 64 << 10;
/// The most that a transaction remembers of collectors, in bytes of text.
const MAX_INFO_BYTES: usize = 4 << 20;

impl Writer<'_> {
    /// Begins to write; other writers wait from here.
    ///
    /// # Errors
    /// [`StoreError`] when another program holds the database, or it can't be written to.
    pub fn begin(&mut self, on_conflict: OnConflict) -> Result<WriteTransaction<'_>, StoreError> {
        self.place.check()?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut writing = WriteTransaction::within(transaction, on_conflict);
        writing.place = Some(self.place);
        Ok(writing)
    }

    /// Has the writer hold more of the database in memory from now on, for an import of very many jobs, and sort in files
    /// what is larger.
    ///
    /// # Errors
    /// [`StoreError`] when the connection is broken.
    pub fn expect_many(&mut self) -> Result<(), StoreError> {
        self.connection
            .pragma_update(None, "cache_size", -BULK_CACHE_KIB)?;
        Ok(self.connection.pragma_update(None, "temp_store", "FILE")?)
    }

    /// Moves the whole write-ahead log into the database and empties it.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn checkpoint_all(&self) -> Result<(), StoreError> {
        self.checkpoint("TRUNCATE")
    }
}

impl<'w> WriteTransaction<'w> {
    /// A transaction that somebody else has begun.
    pub(super) fn within(transaction: Transaction<'w>, on_conflict: OnConflict) -> Self {
        Self {
            transaction,
            on_conflict,
            place: None,
            domains: HashMap::new(),
            collector_infos: HashMap::new(),
            collector_info_bytes: 0,
            changes: Changes::default(),
            indexes: Vec::new(),
        }
    }

    /// Where there are no jobs yet, takes the indexes of `jobs` away until the transaction ends: made of all its jobs at
    /// once they are packed, and of very many they cost less. The one that finds a job that is present already stays.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn defer_indexes(&mut self) -> Result<(), StoreError> {
        let has_jobs: bool =
            self.transaction
                .query_row("SELECT EXISTS (SELECT 1 FROM jobs)", [], |row| row.get(0))?;
        if has_jobs {
            return Ok(());
        }
        let (drops, creates): (Vec<String>, Vec<String>) = self
            .transaction
            .prepare(
                "SELECT format('DROP INDEX \"%w\"', name), sql FROM sqlite_schema \
                 WHERE type = 'index' AND tbl_name = 'jobs' AND sql IS NOT NULL ORDER BY rowid",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        self.transaction.execute_batch(&drops.join(";"))?;
        self.indexes = creates;
        Ok(())
    }

    /// Writes a job.
    ///
    /// # Errors
    /// As [`WriteTransaction::put_ready`].
    pub fn put(&mut self, job: &Job) -> Result<Written, StoreError> {
        self.put_ready(&mut ReadyJob::new(job))
    }

    /// Writes a job that was made ready before.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a job that is present already under [`OnConflict::Fail`]; otherwise when the disk
    /// fails or is full.
    pub fn put_ready(&mut self, job: &mut ReadyJob) -> Result<Written, StoreError> {
        const INSERT: &str = "INSERT INTO jobs (domain, job_id, status, total_tasks, remained_tasks, collector_id, \
             project_id, created_at, updated_at, finished_at, error_count, collector_info, head, tail) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (domain, job_id) DO NOTHING";
        const UPDATE: &str = "UPDATE jobs SET status = ?3, total_tasks = ?4, remained_tasks = ?5, collector_id = ?6, \
             project_id = ?7, created_at = ?8, updated_at = ?9, finished_at = ?10, error_count = ?11, \
             collector_info = ?12, head = ?13, tail = ?14 WHERE domain = ?1 AND job_id = ?2";
        self.find_keys(job)?;
        let mut insert = self.transaction.prepare_cached(INSERT)?;
        if insert.execute(params_from_iter(job.values()))? > 0 {
            drop(insert);
            job.entry.id = self.transaction.last_insert_rowid();
            self.changes.add(&self.transaction, &job.entry)?;
            return Ok(Written::Added);
        }
        drop(insert);
        match self.on_conflict {
            OnConflict::Skip => Ok(Written::Skipped),
            OnConflict::Fail => Err(StoreError::Conflict {
                domain_id: job.domain_id.clone(),
                job_id: job.entry.job_id.clone(),
            }),
            OnConflict::Replace => {
                let former = self
                    .transaction
                    .prepare_cached(&format!(
                        "SELECT {} FROM jobs WHERE domain = ? AND job_id = ? \
                         AND (head <> ? OR tail <> ? OR collector_info IS NOT ?)",
                        Entry::COLUMNS
                    ))?
                    .query_row(
                        params![
                            job.entry.domain,
                            job.entry.job_id,
                            job.pieces.head,
                            job.pieces.tail,
                            job.entry.collector_info
                        ],
                        Entry::from_row,
                    )
                    .optional()?;
                // One that is there and the same is left alone.
                if let Some(former) = former {
                    self.changes.remove(&self.transaction, &former)?;
                    self.transaction
                        .prepare_cached(UPDATE)?
                        .execute(params_from_iter(job.values()))?;
                    job.entry.id = former.id;
                    self.changes.add_again(&self.transaction, &job.entry)?;
                }
                Ok(Written::Replaced)
            }
        }
    }

    /// Makes a row what is derived from its document, but where that would make two of one job.
    pub(super) fn rewrite(&mut self, id: i64, job: &Job) -> Result<(), StoreError> {
        let mut job = ReadyJob::new(job);
        self.find_keys(&mut job)?;
        let values = job.values().into_iter().chain([ToSqlOutput::from(id)]);
        self.transaction
            .prepare_cached(
                "UPDATE OR IGNORE jobs SET domain = ?1, job_id = ?2, status = ?3, total_tasks = ?4, remained_tasks = ?5, \
                 collector_id = ?6, project_id = ?7, created_at = ?8, updated_at = ?9, finished_at = ?10, \
                 error_count = ?11, collector_info = ?12, head = ?13, tail = ?14 WHERE id = ?15",
            )?
            .execute(params_from_iter(values))?;
        Ok(())
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
            .prepare_cached("SELECT document FROM documents WHERE domain = ? AND job_id = ?")?
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
        let deleted = self.delete_where("domain = ? AND job_id = ?", params![domain, job_id])?;
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
        self.delete_where("domain = ?", [domain])
    }

    /// Deletes the jobs of which a condition holds; returns how many there were.
    pub(super) fn delete_where(
        &mut self,
        condition: &'static str,
        params: impl Params,
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "DELETE FROM jobs WHERE {condition} RETURNING {}",
            Entry::COLUMNS
        );
        let mut statement = self.transaction.prepare_cached(&sql)?;
        let mut rows = statement.query(params)?;
        let mut deleted = 0;
        while let Some(row) = rows.next()? {
            self.changes
                .remove(&self.transaction, &Entry::from_row(row)?)?;
            deleted += 1;
        }
        Ok(deleted)
    }

    /// Runs an `INSERT INTO jobs` that a place for `RETURNING` ends.
    pub(super) fn insert_all(
        &mut self,
        insert: &str,
        params: impl Params,
    ) -> Result<(), StoreError> {
        let sql = format!("{insert} RETURNING {}", Entry::COLUMNS);
        let mut statement = self.transaction.prepare_cached(&sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            self.changes
                .add(&self.transaction, &Entry::from_row(row)?)?;
        }
        Ok(())
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
    /// [`StoreError`] when the disk fails or is full, and nothing was written then; or when the file was deleted or replaced.
    pub fn commit(self) -> Result<(), StoreError> {
        let place = self.place;
        self.finish()?.commit()?;
        place.map_or(Ok(()), Place::check)
    }

    /// Writes every document of `former_jobs`, in their order.
    pub(super) fn copy_former_jobs(&mut self) -> Result<(), StoreError> {
        let mut last = i64::MIN;
        loop {
            let next = self
                .transaction
                .prepare_cached(
                    "SELECT id, document FROM former_jobs WHERE id > ? ORDER BY id LIMIT 1",
                )?
                .query_row([last], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
                .optional()?;
            let Some((id, document)) = next else {
                return Ok(());
            };
            let job =
                Job::from_json(document.as_bytes()).map_err(|error| StoreError::Unreadable {
                    row: id,
                    problem: error.to_string(),
                })?;
            self.put(&job)?;
            last = id;
        }
    }

    /// Writes what is derived of what was written, and hands the transaction back.
    pub(super) fn finish(mut self) -> Result<Transaction<'w>, StoreError> {
        self.changes.write(&self.transaction)?;
        if !self.indexes.is_empty() {
            // Sorting takes as much memory as the pages may, beside them.
            self.transaction
                .pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
            self.transaction.execute_batch(&self.indexes.join(";"))?;
        }
        Ok(self.transaction)
    }

    /// Tells a job the keys of its domain and its collector.
    fn find_keys(&mut self, job: &mut ReadyJob) -> Result<(), StoreError> {
        let domain = self.domain_key(&job.domain_id)?;
        job.entry.domain = domain;
        job.entry.collector_info = match &job.pieces.collector_info {
            Some(info) => Some(self.collector_info_key(domain, info)?),
            None => None,
        };
        Ok(())
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

    fn collector_info_key(&mut self, domain: i64, info: &str) -> Result<i64, StoreError> {
        let seen = self.collector_infos.get(&domain);
        if let Some(key) = seen.and_then(|seen| seen.get(info)) {
            return Ok(*key);
        }
        let known = self
            .transaction
            .prepare_cached("SELECT id FROM collector_infos WHERE domain = ? AND info = ?")?
            .query_row(params![domain, info], |row| row.get(0))
            .optional()?;
        let key = if let Some(key) = known {
            key
        } else {
            let key = self
                .transaction
                .prepare_cached(
                    "INSERT INTO collector_infos (domain, info) VALUES (?, ?) RETURNING id",
                )?
                .query_row(params![domain, info], |row| row.get(0))?;
            self.changes.look_at_collector_info(key);
            key
        };
        self.collector_info_bytes += info.len();
        if self.collector_info_bytes > MAX_INFO_BYTES {
            self.collector_infos.clear();
            self.collector_info_bytes = info.len();
        }
        let seen = self.collector_infos.entry(domain).or_default();
        seen.insert(info.to_owned(), key);
        Ok(key)
    }
}

/// What of a job is written. It is made of the job alone, so whoever reads jobs can make it while others are written.
#[derive(Debug)]
pub struct ReadyJob {
    domain_id: String,
    /// The keys in it are only known while it is written.
    entry: Entry,
    total_tasks: i64,
    remained_tasks: i64,
    /// ms
    updated_at: i64,
    /// ms
    finished_at: Option<i64>,
    error_count: i64,
    pieces: Pieces,
}

impl ReadyJob {
    #[must_use]
    pub fn new(job: &Job) -> Self {
        Self {
            domain_id: job.domain_id.clone(),
            entry: Entry {
                id: 0,
                domain: 0,
                job_id: job.job_id.clone(),
                status: job.status,
                collector_id: job.collector_id().map(str::to_owned),
                collector_info: None,
                project_id: job.project_id.clone(),
                created_at: job.created_at.millis(),
                error_codes: owned(&error_codes(&job.errors)),
            },
            total_tasks: job.total_tasks,
            remained_tasks: job.remained_tasks,
            updated_at: job.updated_at.millis(),
            finished_at: job.finished_at.map(Timestamp::millis),
            error_count: i64::try_from(job.errors.len()).unwrap_or(i64::MAX),
            pieces: job.to_pieces(),
        }
    }

    /// How long its document is, in bytes.
    #[must_use]
    pub fn document_bytes(&self) -> usize {
        self.pieces.len()
    }

    /// In the order of the columns of schema.sql.
    fn values(&self) -> [ToSqlOutput<'_>; 14] {
        fn text(text: &str) -> ToSqlOutput<'_> {
            ToSqlOutput::from(text)
        }
        fn nullable<'v>(value: Option<impl Into<ToSqlOutput<'v>>>) -> ToSqlOutput<'v> {
            value.map_or(ToSqlOutput::Borrowed(ValueRef::Null), Into::into)
        }
        let Self { entry, pieces, .. } = self;
        [
            entry.domain.into(),
            text(&entry.job_id),
            text(entry.status.name()),
            self.total_tasks.into(),
            self.remained_tasks.into(),
            nullable(entry.collector_id.as_deref()),
            nullable(entry.project_id.as_deref()),
            entry.created_at.into(),
            self.updated_at.into(),
            nullable(self.finished_at),
            self.error_count.into(),
            nullable(entry.collector_info),
            text(&pieces.head),
            text(&pieces.tail),
        ]
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
    fn a_collector_goes_with_the_last_job_that_has_it() {
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
        assert_eq!(collectors(), ["b"], "what is skipped leaves nothing");
        let change = |act: &dyn Fn(&mut WriteTransaction<'_>)| {
            let mut writer = store.writer().unwrap();
            let mut transaction = writer.begin(OnConflict::Replace).unwrap();
            act(&mut transaction);
            transaction.commit().unwrap();
        };
        change(&|transaction| assert_eq!(transaction.delete_domain("d").unwrap(), 2));
        assert_eq!(collectors(), Vec::<String>::new());
        // But one that a state has may be asked for again.
        replace(&[job("j", "CREATED", "\"a\"")]);
        change(&|transaction| assert_eq!(transaction.save_state(1, None).unwrap(), 1));
        change(&|transaction| assert_eq!(transaction.delete_domain("d").unwrap(), 1));
        assert_eq!(collectors(), ["a"]);
        change(&|transaction| transaction.restore_state(1, None).unwrap());
        assert_eq!(store.check().unwrap().problems, Vec::<String>::new());
    }

    #[test]
    fn indexes_that_were_deferred_are_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let mut writer = store.writer().unwrap();
        writer
            .connection
            .execute_batch("CREATE INDEX \"somebody's \"\"own\"\"\" ON jobs (updated_at)")
            .unwrap();
        let indexes = |writer: &Writer<'_>| -> Vec<String> {
            let mut statement = writer
                .connection
                .prepare("SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid")
                .unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let before = indexes(&writer);
        assert_eq!(before.len(), 6);
        for is_committed in [false, true] {
            let mut transaction = writer.begin(OnConflict::Replace).unwrap();
            transaction.defer_indexes().unwrap();
            let mut put = |id, status| transaction.put(&job(id, status, "\"c\"")).unwrap();
            assert_eq!(put("j", "CREATED"), Written::Added);
            assert_eq!(put("k", "CREATED"), Written::Added);
            assert_eq!(put("j", "ERROR"), Written::Replaced);
            assert_eq!(transaction.indexes.len(), 6);
            if is_committed {
                transaction.commit().unwrap();
            } else {
                drop(transaction);
            }
            assert_eq!(indexes(&writer), before);
        }
        let mut transaction = writer.begin(OnConflict::Replace).unwrap();
        transaction.defer_indexes().unwrap();
        assert_eq!(transaction.indexes, Vec::<String>::new(), "there are jobs");
        drop(transaction);
        drop(writer);
        let report = store.check().unwrap();
        assert_eq!((report.jobs, report.problems), (2, Vec::new()));
    }

    #[test]
    fn a_database_that_may_not_be_written_to_is_named() {
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
    fn a_full_disk_is_named_and_changes_nothing() {
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
