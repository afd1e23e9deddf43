//! `serve --stuck-after`: ends jobs in progress that nobody reports on any more, in short transactions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::params;

use crate::job::{Job, JobError, JobStatus};
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::interrupt::Interrupt;
use crate::store::write::{OnConflict, WriteTransaction};
use crate::time::Timestamp;

/// How many jobs a transaction ends: that takes some tens of milliseconds, for which other writers wait.
const JOBS_PER_TRANSACTION: usize = 200;
/// The longest pause between two transactions.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Which jobs of a domain nobody reports on any more, and how they end.
#[derive(Debug, Clone)]
pub struct Unreported {
    /// Jobs in progress that were last written before this time.
    pub before: Timestamp,
    /// The time at which they end.
    pub now: Timestamp,
    /// Why they end.
    pub error: JobError,
}

impl Store {
    /// Ends the jobs of a domain that nobody reports on any more as `TIMEOUT`, in short transactions. Ends early when the
    /// interrupt is due. Returns how many were ended.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read or written to; what was ended before stays so.
    pub fn end_unreported(
        &self,
        domain_id: &str,
        unreported: &Unreported,
        interrupt: &Interrupt,
    ) -> Result<u64, StoreError> {
        let mut ended = 0;
        while !interrupt.is_due() {
            let start = Instant::now();
            // Without the lock of a writer: mostly there are none.
            let found = self.find_unreported(domain_id, unreported.before)?;
            if found.is_empty() {
                break;
            }
            let mut writer = self.writer()?;
            let mut transaction = writer.begin(OnConflict::Replace)?;
            let mut of_transaction = 0;
            for job_id in &found {
                of_transaction += u64::from(transaction.end_job(domain_id, job_id, unreported)?);
            }
            transaction.commit()?;
            drop(writer);
            ended += of_transaction;
            if found.len() < JOBS_PER_TRANSACTION || of_transaction == 0 {
                break;
            }
            // With pauses as long as the transactions, other writers soon succeed.
            std::thread::sleep(start.elapsed().min(MAX_PAUSE));
        }
        Ok(ended)
    }

    /// Returns the ids of such jobs, the oldest first.
    fn find_unreported(
        &self,
        domain_id: &str,
        before: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let mut reader = self.reader(&Arc::new(Interrupt::after(Duration::MAX)))?;
        let transaction = reader.begin()?;
        let mut statement = transaction.connection().prepare_cached(UNREPORTED)?;
        let limit = i64::try_from(JOBS_PER_TRANSACTION).unwrap_or(i64::MAX);
        let status = JobStatus::InProgress.name();
        let rows = statement
            .query_map(params![domain_id, status, before.millis(), limit], |row| {
                row.get(0)
            })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

const UNREPORTED: &str = "SELECT job_id FROM jobs WHERE domain = (SELECT id FROM domains WHERE domain_id = ?1) \
     AND status = ?2 AND updated_at < ?3 ORDER BY created_at, job_id DESC LIMIT ?4";

impl WriteTransaction<'_> {
    /// Ends a job, unless it was reported on in the meantime. Returns whether it did.
    fn end_job(
        &mut self,
        domain_id: &str,
        job_id: &str,
        unreported: &Unreported,
    ) -> Result<bool, StoreError> {
        let Some(document) = self.find(domain_id, job_id)? else {
            return Ok(false);
        };
        let mut job = Job::from_json(document.as_bytes()).map_err(|error| {
            StoreError::Damaged(format!("the document of job {job_id}: {error}"))
        })?;
        if job.status != JobStatus::InProgress || job.updated_at >= unreported.before {
            return Ok(false);
        }
        job.status = JobStatus::Timeout;
        job.updated_at = unreported.now;
        job.finished_at = Some(unreported.now);
        job.errors.push(unreported.error.clone());
        self.put(&job)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Mode;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn put(store: &Store, jobs: &[(String, &str, &str)]) {
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        for (job_id, status, updated_at) in jobs {
            let text = format!(
                r#"{{"job_id":"{job_id}","domain_id":"d","status":"{status}","created_at":"2022-06-01T00:00:00Z","updated_at":"{updated_at}"}}"#
            );
            transaction
                .put(&Job::from_json(text.as_bytes()).unwrap())
                .unwrap();
        }
        transaction.commit().unwrap();
    }

    fn unreported() -> Unreported {
        Unreported {
            before: time("2022-06-20T10:00:00Z"),
            now: time("2022-06-20T12:00:00Z"),
            error: JobError {
                error_code: Some("E".to_owned()),
                ..JobError::default()
            },
        }
    }

    fn setting() -> (Store, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 2).unwrap();
        (store, folder)
    }

    const OLD: &str = "2022-06-20T09:59:59.999Z";

    #[test]
    fn only_jobs_in_progress_that_nobody_reports_on_end() {
        let (store, _folder) = setting();
        let jobs = [
            ("old", "IN_PROGRESS", OLD),
            ("as-old", "IN_PROGRESS", "2022-06-20T10:00:00Z"),
            ("waits", "CREATED", OLD),
            ("ended", "ERROR", OLD),
        ];
        put(
            &store,
            &jobs.map(|(id, status, at)| (id.to_owned(), status, at)),
        );
        let forever = Interrupt::after(Duration::MAX);
        let end = |domain| {
            store
                .end_unreported(domain, &unreported(), &forever)
                .unwrap()
        };
        assert_eq!([end("e"), end("d"), end("d")], [0, 1, 0]);
        let mut writer = store.writer().unwrap();
        let transaction = writer.begin(OnConflict::Fail).unwrap();
        let find = |id| transaction.find("d", id).unwrap().unwrap();
        assert_eq!(
            find("old"),
            r#"{"job_id":"old","status":"TIMEOUT","filter":{},"total_tasks":0,"remained_tasks":0,"errors":[{"error_code":"E"}],"domain_id":"d","created_at":"2022-06-01T00:00:00.000Z","updated_at":"2022-06-20T12:00:00.000Z","finished_at":"2022-06-20T12:00:00.000Z"}"#
        );
        for (id, status, _) in &jobs[1..] {
            assert!(
                find(id).contains(&format!(r#""status":"{status}""#)),
                "{id}"
            );
        }
        drop(transaction);
        drop(writer);
        assert_eq!(store.check().unwrap().problems, Vec::<String>::new());
    }

    #[test]
    fn many_jobs_end_in_several_transactions_from_an_index() {
        let (store, _folder) = setting();
        let jobs: Vec<_> = (0..=JOBS_PER_TRANSACTION * 2)
            .map(|number| (number.to_string(), "IN_PROGRESS", "2022-06-02T00:00:00Z"))
            .collect();
        put(&store, &jobs);
        let interrupt = Interrupt::after(Duration::MAX);
        interrupt.cancel();
        let end = |interrupt: &Interrupt| store.end_unreported("d", &unreported(), interrupt);
        assert_eq!(end(&interrupt).unwrap(), 0);
        let forever = Interrupt::after(Duration::MAX);
        assert_eq!(end(&forever).unwrap(), jobs.len() as u64);
        assert_eq!(store.check().unwrap().problems, Vec::<String>::new());
        let writer = store.writer().unwrap();
        let explain = format!("EXPLAIN QUERY PLAN {UNREPORTED}");
        let mut statement = writer.connection.prepare(&explain).unwrap();
        let steps = statement.raw_query().mapped(|row| row.get("detail"));
        let plan: Vec<String> = steps.map(Result::unwrap).collect();
        let plan = plan.join("; ");
        assert!(plan.contains("INDEX jobs_by_status ("), "{plan}");
    }
}
