//! `jobdeck prune` and `serve --retain`: deletes old jobs in short transactions, while others read and write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::job::JobStatus;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::interrupt::Interrupt;
use crate::store::write::{OnConflict, WriteTransaction};
use crate::time::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// How many jobs a transaction deletes: that takes some tens of milliseconds, for which other writers wait.
const JOBS_PER_TRANSACTION: i64 = 1_000;
/// The longest pause between two transactions.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The jobs that are too old.
#[derive(Debug, Clone)]
pub struct Expired {
    /// Jobs created before this time.
    pub before: Timestamp,
    /// Only of this domain; `None`: of all.
    pub domain_id: Option<String>,
    /// Only in one of these statuses; empty: in any, even if they have not ended.
    pub statuses: Vec<JobStatus>,
}

impl Expired {
    /// Returns each status to look for; once `None` for any status.
    fn each_status(&self) -> Vec<Option<JobStatus>> {
        if self.statuses.is_empty() {
            return vec![None];
        }
        // A status that is given twice is returned once.
        let all = JobStatus::ALL.into_iter();
        all.filter(|status| self.statuses.contains(status))
            .map(Some)
            .collect()
    }
}

impl Store {
    /// Counts the jobs that are too old, in each domain that has any.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn count_expired(&self, expired: &Expired) -> Result<Vec<(String, u64)>, StoreError> {
        let mut reader = self.reader(&Arc::new(Interrupt::after(Duration::MAX)))?;
        let transaction = reader.begin()?;
        let mut counts = Vec::new();
        for domain_id in transaction.domains()?.into_iter().map(|(name, _)| name) {
            if expired
                .domain_id
                .as_ref()
                .is_some_and(|of| *of != domain_id)
            {
                continue;
            }
            let mut jobs = 0;
            for status in expired.each_status() {
                jobs += count(transaction.connection(), &domain_id, expired.before, status)?;
            }
            if jobs > 0 {
                counts.push((domain_id, jobs));
            }
        }
        Ok(counts)
    }

    /// Deletes the jobs that are too old, the oldest of a domain first, in short transactions; calls `each` with the number
    /// that each of these deleted. Ends early when the interrupt is due. Returns how many were deleted in each domain.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be written to; what `each` was called with is deleted.
    pub fn delete_expired(
        &self,
        expired: &Expired,
        interrupt: &Interrupt,
        each: &mut impl FnMut(u64),
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let mut deleted = Vec::new();
        for (domain_id, _) in self.count_expired(expired)? {
            let mut of_domain = 0;
            for status in expired.each_status() {
                loop {
                    if interrupt.is_due() {
                        break;
                    }
                    let start = Instant::now();
                    let jobs = self.write(|transaction| {
                        transaction.delete_oldest(&domain_id, expired.before, status)
                    })?;
                    each(jobs);
                    of_domain += jobs;
                    if jobs < JOBS_PER_TRANSACTION.unsigned_abs() {
                        break;
                    }
                    // SQLite has no queue of waiting writers: they try again and again. With pauses as long as the
                    // transactions, they soon succeed.
                    std::thread::sleep(start.elapsed().min(MAX_PAUSE));
                }
            }
            self.write(|transaction| transaction.delete_empty_counts(&domain_id, expired.before))?;
            deleted.push((domain_id, of_domain));
        }
        Ok(deleted)
    }

    /// Returns how many bytes of the file are free: they are used again before it grows.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        let mut reader = self.reader(&Arc::new(Interrupt::after(Duration::MAX)))?;
        let transaction = reader.begin()?;
        let pragma = |name| {
            let connection = transaction.connection();
            connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
        };
        let bytes = pragma("freelist_count")? * pragma("page_size")?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    fn write<T>(
        &self,
        act: impl FnOnce(&mut WriteTransaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut writer = self.writer()?;
        let mut transaction = writer.begin(OnConflict::Fail)?;
        let result = act(&mut transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

fn count(
    connection: &Connection,
    domain_id: &str,
    before: Timestamp,
    status: Option<JobStatus>,
) -> rusqlite::Result<u64> {
    // SQLite would not use the index of the status for a condition such as `?3 IS NULL OR status = ?3`.
    let of_status = if status.is_some() {
        "AND status = ?3"
    } else {
        "AND ?3 IS NULL"
    };
    let jobs: i64 = connection
        .prepare_cached(&format!(
            "SELECT count(*) FROM jobs WHERE domain = (SELECT id FROM domains WHERE domain_id = ?1) \
             AND created_at < ?2 {of_status}"
        ))?
        .query_row(
            params![domain_id, before.millis(), status.map(JobStatus::name)],
            |row| row.get(0),
        )?;
    Ok(u64::try_from(jobs).unwrap_or(0))
}

/// The oldest jobs of a domain (`?1`) before a time (`?2`), at most `?3` of them: read from the end of the index of lists.
const OLDEST: &str = "id IN (SELECT id FROM jobs WHERE domain = ?1 AND created_at < ?2 \
     ORDER BY created_at, job_id DESC LIMIT ?3)";
/// The same for one status (`?4`).
const OLDEST_OF_STATUS: &str = "id IN (SELECT id FROM jobs WHERE domain = ?1 AND status = ?4 AND created_at < ?2 \
     ORDER BY created_at, job_id DESC LIMIT ?3)";

impl WriteTransaction<'_> {
    fn delete_oldest(
        &mut self,
        domain_id: &str,
        before: Timestamp,
        status: Option<JobStatus>,
    ) -> Result<u64, StoreError> {
        let Some(domain) = self.find_domain(domain_id)? else {
            return Ok(0);
        };
        let (before, limit) = (before.millis(), JOBS_PER_TRANSACTION);
        match status {
            None => self.delete_where(OLDEST, params![domain, before, limit]),
            Some(status) => self.delete_where(
                OLDEST_OF_STATUS,
                params![domain, before, limit, status.name()],
            ),
        }
    }

    /// Deletes the counters of days and hours before a time that are 0: they would pile up.
    fn delete_empty_counts(
        &mut self,
        domain_id: &str,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(domain) = self.find_domain(domain_id)? else {
            return Ok(());
        };
        let since = before.millis() - Timestamp::MIN.millis();
        for (sql, unit_millis) in [
            (
                "DELETE FROM hour_counts WHERE domain = ? AND hour <= ? AND jobs = 0",
                HOUR_MILLIS,
            ),
            (
                "DELETE FROM day_counts WHERE domain = ? AND day <= ? AND jobs = 0",
                DAY_MILLIS,
            ),
        ] {
            self.transaction
                .execute(sql, params![domain, since / unit_millis])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use crate::store::Mode;

    fn store() -> (Store, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 2).unwrap();
        (store, folder)
    }

    /// Puts jobs of a domain, one a minute from 2022 on, every fifth in status ERROR.
    fn fill(store: &Store, domain: &str, jobs: i64) {
        let start = Timestamp::parse_rfc3339("2022-01-01T00:00:00Z").unwrap();
        let put = |transaction: &mut WriteTransaction<'_>| {
            for number in 0..jobs {
                let created_at = start.plus_millis(number * 60_000);
                let rest = if number % 5 == 0 {
                    r#","status":"ERROR","errors":[{"error_code":"E"}]"#
                } else {
                    ""
                };
                let text = format!(
                    r#"{{"job_id":"job-{number}","domain_id":"{domain}","created_at":"{created_at}"{rest}}}"#
                );
                transaction.put(&Job::from_json(text.as_bytes()).unwrap())?;
            }
            Ok(())
        };
        store.write(put).unwrap();
    }

    fn before(text: &str) -> Expired {
        Expired {
            before: Timestamp::parse_rfc3339(text).unwrap(),
            domain_id: None,
            statuses: Vec::new(),
        }
    }

    #[test]
    fn many_jobs_are_deleted_in_several_transactions_with_all_that_is_derived() {
        let (store, _folder) = store();
        // Enough for a trigram index.
        fill(&store, "d", 4_300);
        fill(&store, "e", 100);
        let forever = Interrupt::after(Duration::MAX);
        let expired = before("2022-01-03T00:00:00Z");
        let mut transactions = Vec::new();
        let deleted = store
            .delete_expired(&expired, &forever, &mut |jobs| transactions.push(jobs))
            .unwrap();
        let of = |domain: &str, jobs| (domain.to_owned(), jobs);
        assert_eq!(deleted, [of("d", 2_880), of("e", 100)]);
        assert_eq!(transactions, [1_000, 1_000, 880, 100]);
        assert_eq!(store.count_expired(&expired).unwrap(), []);
        assert!(store.free_bytes().unwrap() > 0);
        let report = store.check().unwrap();
        assert_eq!((report.jobs, report.problems), (1_420, Vec::new()));
        let rows = |of: &str| -> i64 {
            let writer = store.writer().unwrap();
            let sql = format!("SELECT count(*) FROM {of}");
            writer
                .connection
                .query_row(&sql, [], |row| row.get(0))
                .unwrap()
        };
        assert_eq!(rows("hour_counts WHERE jobs = 0"), 0);
        assert_eq!(rows("day_counts WHERE jobs = 0"), 0);
        assert!(rows("job_id_trigrams") > 0);
        store
            .delete_expired(&before("2023-01-01T00:00:00Z"), &forever, &mut |_| ())
            .unwrap();
        assert_eq!(rows("job_id_trigrams"), 0);
        assert_eq!(store.check().unwrap().problems, Vec::<String>::new());
    }

    #[test]
    fn the_oldest_jobs_are_deleted_first_and_an_interrupted_prune_is_consistent() {
        let (store, _folder) = store();
        fill(&store, "d", 1_500);
        let interrupt = Interrupt::after(Duration::MAX);
        let expired = before("2023-01-01T00:00:00Z");
        let deleted = store
            .delete_expired(&expired, &interrupt, &mut |_| interrupt.cancel())
            .unwrap();
        assert_eq!(deleted, [("d".to_owned(), 1_000)]);
        let first_minutes = before("2022-01-01T16:40:00Z");
        assert_eq!(store.count_expired(&first_minutes).unwrap(), []);
        let report = store.check().unwrap();
        assert_eq!((report.jobs, report.problems), (500, Vec::new()));
    }

    #[test]
    fn old_jobs_are_read_from_an_index_in_its_order() {
        let (store, _folder) = store();
        for (condition, index) in [
            (OLDEST, "jobs_by_time"),
            (OLDEST_OF_STATUS, "jobs_by_status"),
        ] {
            let writer = store.writer().unwrap();
            let mut statement = writer
                .connection
                .prepare(&format!(
                    "EXPLAIN QUERY PLAN DELETE FROM jobs WHERE {condition}"
                ))
                .unwrap();
            let steps: Vec<String> = statement
                .raw_query()
                .mapped(|row| row.get("detail"))
                .map(Result::unwrap)
                .collect();
            let plan = steps.join("; ");
            assert!(
                plan.contains(&format!("COVERING INDEX {index} (")),
                "{plan}"
            );
            assert!(
                !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
                "{plan}"
            );
        }
    }
}
