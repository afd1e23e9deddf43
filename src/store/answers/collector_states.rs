//! The state of each collector, for the metrics: its last runs from an index, and what the overview says of its jobs.

use std::collections::HashMap;
use std::ops::Range;

use rusqlite::{OptionalExtension, params};

use crate::job::{JobStatus, PerStatus};
use crate::query::overview::{EndedJobs, Failures, OverviewPlan, is_stuck};
use crate::query::sql::Sql;
use crate::store::error::StoreError;
use crate::store::read::ReadTransaction;
use crate::time::Timestamp;

/// The most failures of a status that are counted in a row.
const MAX_FAILURES: i64 = 10_000;

/// The last runs of a collector.
#[derive(Debug, Clone)]
pub struct CollectorState {
    pub domain_id: String,
    pub collector_id: String,
    /// When the newest success ended.
    pub last_success: Option<Timestamp>,
    /// When the newest failure ended.
    pub last_failure: Option<Timestamp>,
    /// The failures that began after the newest success began, at most 10,000.
    pub failures_in_a_row: u64,
}

/// The jobs of the collectors of a domain.
#[derive(Debug, Default)]
pub struct CollectorJobs {
    /// By collector, where there are any.
    pub running: HashMap<String, RunningCount>,
    /// The jobs of the last two days that have ended.
    pub ended: Vec<EndedJobs>,
}

/// How many jobs of a collector run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunningCount {
    pub jobs: u64,
    /// Those of them that are stuck, by the rule of the overview.
    pub stuck: u64,
}

impl ReadTransaction<'_> {
    /// Returns the number of jobs of each status of each domain that has jobs, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn status_counts(&self) -> Result<Vec<(String, PerStatus<u64>)>, StoreError> {
        let sql = Sql::new(
            "SELECT d.domain_id, c.status, c.jobs FROM domains AS d JOIN status_counts AS c ON c.domain = d.id \
             WHERE c.jobs > 0 ORDER BY d.domain_id",
        );
        let mut domains: Vec<(String, PerStatus<u64>)> = Vec::new();
        self.each_row(&sql, &mut |row| {
            let domain_id = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            let status = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            if domains.last().is_none_or(|(last, _)| last != domain_id) {
                domains.push((domain_id.to_owned(), PerStatus::default()));
            }
            if let (Some((_, counts)), Some(status)) =
                (domains.last_mut(), JobStatus::from_name(status))
            {
                counts[status] += u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
            }
            Ok(())
        })?;
        Ok(domains)
    }

    /// Returns the state of the collectors with the most jobs, at most `max` of them, and how many more there are.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read, or not in time.
    pub fn collector_states(&self, max: usize) -> Result<(Vec<CollectorState>, u64), StoreError> {
        let sql = Sql::new(
            "SELECT d.domain_id, c.domain, c.collector_id FROM collector_counts AS c JOIN domains AS d ON d.id = c.domain \
             WHERE c.collector_id IS NOT NULL GROUP BY c.domain, c.collector_id HAVING sum(c.jobs) > 0 \
             ORDER BY sum(c.jobs) DESC, c.domain, c.collector_id",
        );
        let mut collectors: Vec<(String, i64, String)> = Vec::new();
        let mut more = 0;
        self.each_row(&sql, &mut |row| {
            if collectors.len() < max {
                collectors.push((row.get(0)?, row.get(1)?, row.get(2)?));
            } else {
                more += 1;
            }
            Ok(())
        })?;
        let mut states = Vec::with_capacity(collectors.len());
        for (domain_id, domain, collector_id) in collectors {
            if self.is_due() {
                return Err(StoreError::Timeout);
            }
            let state = self.collector_state(domain_id, domain, collector_id);
            states.push(self.map_interrupt(state)?);
        }
        Ok((states, more))
    }

    /// Returns the failures of a collector that began between two times, neither included: of each status the newest 10,000.
    pub(super) fn failures(
        &self,
        domain: i64,
        collector_id: &str,
        between: Range<i64>,
    ) -> Result<Failures, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT count(*), min(created_at) FROM (SELECT created_at FROM jobs \
             WHERE domain = ? AND collector_id = ? AND status = ? AND created_at > ? AND created_at < ? \
             ORDER BY created_at DESC, job_id LIMIT ?)",
        )?;
        let mut failures = Failures::default();
        for status in [JobStatus::Error, JobStatus::Timeout] {
            let of_status = params![
                domain,
                collector_id,
                status.name(),
                between.start,
                between.end,
                MAX_FAILURES
            ];
            let (count, since): (u32, Option<i64>) =
                statement.query_row(of_status, |row| Ok((row.get(0)?, row.get(1)?)))?;
            failures.count += u64::from(count);
            failures.since = failures.since.into_iter().chain(since).min();
        }
        Ok(failures)
    }

    fn collector_state(
        &self,
        domain_id: String,
        domain: i64,
        collector_id: String,
    ) -> Result<CollectorState, StoreError> {
        // When the newest job of a status began, and when it ended.
        let newest = |status: JobStatus| -> rusqlite::Result<Option<(i64, i64)>> {
            self.connection()
                .prepare_cached(
                    "SELECT created_at, ifnull(finished_at, created_at) FROM jobs \
                     WHERE domain = ? AND collector_id = ? AND status = ? ORDER BY created_at DESC, job_id LIMIT 1",
                )?
                .query_row(params![domain, collector_id, status.name()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        };
        let success = newest(JobStatus::Success)?;
        let since = success.map_or(Timestamp::MIN.millis(), |(began, _)| began);
        let failure = newest(JobStatus::Error)?.max(newest(JobStatus::Timeout)?);
        let failures = self.failures(domain, &collector_id, since..i64::MAX)?;
        let ended = |job: Option<(i64, i64)>| Timestamp::from_millis(job?.1);
        Ok(CollectorState {
            domain_id,
            collector_id,
            last_success: ended(success),
            last_failure: ended(failure),
            failures_in_a_row: failures.count.min(MAX_FAILURES.unsigned_abs()),
        })
    }

    /// Returns which jobs of the collectors of a domain run, and which have ended, for an overview of the last day.
    ///
    /// # Errors
    /// As [`ReadTransaction::overview`].
    pub fn collector_jobs(&self, plan: &OverviewPlan) -> Result<CollectorJobs, StoreError> {
        let counted = self.counted(plan, &|| plan.scan().with_ended_jobs())?;
        let mut running: HashMap<String, RunningCount> = HashMap::new();
        self.each_running_job(plan, &counted.collectors, &mut |job, usual| {
            let Some(collector_id) = job.collector_id else {
                return;
            };
            let count = running.entry(collector_id.to_owned()).or_default();
            count.jobs += 1;
            count.stuck += u64::from(is_stuck(plan.minute(), job.created_at, usual));
        })?;
        Ok(CollectorJobs {
            running,
            ended: counted.ended,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::job::Job;
    use crate::store::{Interrupt, Mode, OnConflict, Store};

    #[test]
    fn the_last_runs_of_a_collector_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        let mut number = 0;
        let mut put = |collector: &str, status: &str, hour: u32, end: &str| {
            number += 1;
            let text = format!(
                r#"{{"job_id":"{number}","domain_id":"d","status":"{status}","created_at":"2022-06-20T{hour:02}:00:00Z"{end},"collector_info":{{"collector_id":"{collector}"}}}}"#
            );
            let job = Job::from_json(text.as_bytes()).unwrap();
            transaction.put(&job).unwrap();
        };
        let end = r#","finished_at":"2022-06-20T23:00:00Z""#;
        for (status, hour, end) in [
            ("ERROR", 1, ""),
            ("SUCCESS", 2, ""),
            ("SUCCESS", 3, end),
            ("ERROR", 3, ""),
            ("TIMEOUT", 5, end),
            ("ERROR", 4, ""),
            ("CANCELED", 6, ""),
        ] {
            put("a", status, hour, end);
        }
        put("b", "IN_PROGRESS", 1, "");
        put("b", "TIMEOUT", 1, "");
        put("c", "CREATED", 1, "");
        transaction.commit().unwrap();
        drop(writer);
        let interrupt = Arc::new(Interrupt::after(Duration::MAX));
        let mut reader = store.reader(&interrupt).unwrap();
        let transaction = reader.begin().unwrap();
        let written = |max| {
            let (states, more) = transaction.collector_states(max).unwrap();
            let lines = states.iter().map(|state| {
                let hour = |time: Option<Timestamp>| {
                    time.map_or_else(String::new, |time| time.to_string()[11..13].to_owned())
                };
                format!(
                    "{}/{} {} {} {}",
                    state.domain_id,
                    state.collector_id,
                    hour(state.last_success),
                    hour(state.last_failure),
                    state.failures_in_a_row
                )
            });
            (lines.collect::<Vec<_>>(), more)
        };
        let all = ["d/a 23 23 2", "d/b  01 1", "d/c   0"].map(str::to_owned);
        assert_eq!(written(9), (all.to_vec(), 0));
        assert_eq!(written(1), (all[..1].to_vec(), 2));
        let counts = transaction.status_counts().unwrap();
        assert_eq!(counts.len(), 1);
        assert_eq!(counts[0].1.values(), [1, 1, 1, 2, 3, 2]);
    }
}
