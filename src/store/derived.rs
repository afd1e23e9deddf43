//! The derived tables (counters, errors, trigrams of job ids, jobs by column), and how a transaction updates them.
//!
//! A transaction notes every row that comes or goes, and writes the sums once, at its end. Triggers would do it too, but a
//! statement with triggers that might fail has SQLite copy every page it touches, which took more than half of an import.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::columns::blocks::BlockChanges;
use super::job_row::JobRow;
use super::saved_states::former_jobs;
use super::trigrams::{self, Postings};
use crate::job::{JobStatus, PerStatus};
use crate::time::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// The most sums in memory: beyond them, they are written before the transaction ends.
const MAX_SUMS: usize = 100_000;

/// Every derived table. (Columns of `jobs` are derived, too: `job_row.rs`.)
pub(super) const TABLES: [&str; 10] = [
    "status_counts",
    "collector_counts",
    "collector_info_counts",
    "project_counts",
    "day_counts",
    "hour_counts",
    "error_counts",
    "job_errors",
    "job_id_trigrams",
    "job_columns",
];

/// The changes of a transaction that are not yet written.
#[derive(Debug, Default)]
pub(super) struct Changes {
    domains: HashMap<i64, Sums>,
    sums: usize,
    postings: Postings,
    columns: BlockChanges,
    /// Collectors to delete if no job has them at the end.
    collector_infos: BTreeSet<i64>,
    /// The blocks of trigrams from which jobs have gone.
    blocks: BTreeSet<i64>,
    /// Whether the rows of `job_errors` are in `pending_job_errors`, to be sorted at the end.
    is_deferred: bool,
}

/// By how much the counters of a domain change, by value and status.
#[derive(Debug, Default)]
struct Sums {
    collectors: HashMap<Option<String>, PerStatus<i64>>,
    collector_infos: HashMap<Option<i64>, PerStatus<i64>>,
    projects: HashMap<Option<String>, PerStatus<i64>>,
    /// By hour since the beginning of the year 0000.
    hours: HashMap<i64, PerStatus<i64>>,
    /// By code: how many jobs, and how many errors.
    errors: HashMap<Option<String>, (i64, i64)>,
}

impl Changes {
    /// Leaves the large tables for the end, when their rows are sorted: nothing is removed before it.
    pub(super) fn defer(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(
            "CREATE TEMP TABLE pending_job_errors (domain INTEGER, error_code TEXT, created_at INTEGER, job_id TEXT, job INTEGER)",
        )?;
        self.is_deferred = true;
        self.postings.defer(connection)
    }

    /// Notes a new job.
    pub(super) fn add(&mut self, connection: &Connection, row: &JobRow) -> rusqlite::Result<()> {
        self.postings.add(connection, row.id, &row.job_id)?;
        self.add_again(connection, row)
    }

    /// Notes the new row of a job whose former one was removed.
    pub(super) fn add_again(
        &mut self,
        connection: &Connection,
        row: &JobRow,
    ) -> rusqlite::Result<()> {
        for code in row.codes() {
            let mut insert = connection.prepare_cached(if self.is_deferred {
                "INSERT INTO pending_job_errors VALUES (?, ?, ?, ?, ?)"
            } else {
                "INSERT INTO job_errors (domain, error_code, created_at, job_id, job) VALUES (?, ?, ?, ?, ?)"
            })?;
            insert.execute(params![
                row.domain,
                code,
                row.created_at,
                row.job_id,
                row.id
            ])?;
        }
        self.columns.add(connection, row)?;
        self.sum(connection, row, 1)
    }

    /// Notes a row that is deleted, or about to change.
    pub(super) fn remove(&mut self, connection: &Connection, row: &JobRow) -> rusqlite::Result<()> {
        for code in row.codes() {
            let mut delete = connection.prepare_cached(
                "DELETE FROM job_errors WHERE domain = ? AND error_code = ? AND created_at = ? AND job_id = ?",
            )?;
            delete.execute(params![row.domain, code, row.created_at, row.job_id])?;
        }
        self.columns.remove(connection, row)?;
        self.collector_infos.extend(row.collector_info);
        self.blocks.insert(trigrams::block_of(row.id));
        self.sum(connection, row, -1)
    }

    /// Notes a row that is deleted before the deferred tables are written, but not the errors of it.
    pub(super) fn remove_deferred(
        &mut self,
        connection: &Connection,
        row: &JobRow,
    ) -> rusqlite::Result<()> {
        self.columns.remove(connection, row)?;
        self.collector_infos.extend(row.collector_info);
        self.sum(connection, row, -1)
    }

    /// Notes that a row gets another number before the deferred tables are written.
    pub(super) fn renumber_deferred(
        &mut self,
        connection: &Connection,
        mut row: JobRow,
        id: i64,
    ) -> rusqlite::Result<()> {
        self.columns.remove(connection, &row)?;
        row.id = id;
        self.columns.add(connection, &row)
    }

    fn sum(&mut self, connection: &Connection, row: &JobRow, jobs: i64) -> rusqlite::Result<()> {
        let sums = self.domains.entry(row.domain).or_default();
        let status = row.status;
        self.sums += usize::from(count(&mut sums.collectors, &row.collector_id, status, jobs))
            + usize::from(count(
                &mut sums.collector_infos,
                &row.collector_info,
                status,
                jobs,
            ))
            + usize::from(count(&mut sums.projects, &row.project_id, status, jobs));
        let hour = hour_of(row.created_at);
        self.sums += usize::from(count(&mut sums.hours, &hour, status, jobs));
        for (code, errors) in &row.errors.codes {
            let (of_jobs, of_errors) = sums.errors.entry(code.clone()).or_insert_with(|| {
                self.sums += 1;
                (0, 0)
            });
            *of_jobs += jobs;
            *of_errors += jobs * errors;
        }
        if self.sums >= MAX_SUMS {
            self.write_sums(connection)?;
        }
        Ok(())
    }

    /// Notes a collector to delete if no job has it at the end.
    pub(super) fn check_collector_info(&mut self, id: i64) {
        self.collector_infos.insert(id);
    }

    /// Writes the changes.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.write_sums(connection)?;
        if std::mem::take(&mut self.is_deferred) {
            connection.execute_batch(
                "INSERT INTO job_errors (domain, error_code, created_at, job_id, job) SELECT * FROM pending_job_errors \
                 ORDER BY domain, error_code, created_at DESC, job_id; \
                 DROP TABLE pending_job_errors",
            )?;
        }
        self.postings.write(connection)?;
        self.columns.write(connection)?;
        for block in std::mem::take(&mut self.blocks) {
            trigrams::delete_block_if_empty(connection, block)?;
        }
        self.delete_collector_infos(connection)
    }

    /// Deletes the noted collectors that no job has any more.
    fn delete_collector_infos(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let noted = std::mem::take(&mut self.collector_infos);
        if former_jobs::has_tables(connection)? {
            // A saved state may bring back jobs that have them.
            return Ok(());
        }
        for id in noted {
            let mut delete = connection.prepare_cached(
                "DELETE FROM collector_infos WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM collector_info_counts AS c \
                 WHERE c.domain = collector_infos.domain AND c.collector_info = ?1 AND c.jobs > 0) RETURNING domain",
            )?;
            if let Some(domain) = delete
                .query_row([id], |row| row.get::<_, i64>(0))
                .optional()?
            {
                connection
                    .prepare_cached(
                        "DELETE FROM collector_info_counts WHERE domain = ? AND collector_info = ?",
                    )?
                    .execute([domain, id])?;
            }
        }
        Ok(())
    }

    /// Writes the counters.
    pub(super) fn write_sums(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.sums = 0;
        // Sorted, so that neighbouring rows of a table are written one after the other.
        for (domain, sums) in sorted(std::mem::take(&mut self.domains)) {
            let mut statuses = PerStatus::<i64>::default();
            for counts in sums.collectors.values() {
                statuses += *counts;
            }
            COLLECTORS.add(connection, domain, sums.collectors)?;
            for (status, jobs) in changed(statuses) {
                let sql = [
                    "UPDATE status_counts SET jobs = jobs + ?1 WHERE domain = ?2 AND status = ?3",
                    "INSERT INTO status_counts (jobs, domain, status) VALUES (?, ?, ?)",
                ];
                update_or_insert(connection, sql, params![jobs, domain, status.name()])?;
            }
            COLLECTOR_INFOS.add(connection, domain, sums.collector_infos)?;
            PROJECTS.add(connection, domain, sums.projects)?;
            let mut days: HashMap<i64, PerStatus<i64>> = HashMap::new();
            for (hour, counts) in &sums.hours {
                *days.entry(hour / (DAY_MILLIS / HOUR_MILLIS)).or_default() += *counts;
            }
            HOURS.add(connection, domain, sums.hours)?;
            DAYS.add(connection, domain, days)?;
            for (code, (jobs, errors)) in sorted(sums.errors) {
                let sql = [
                    "UPDATE error_counts SET jobs = jobs + ?1, errors = errors + ?2 WHERE domain = ?3 AND error_code IS ?4",
                    "INSERT INTO error_counts (jobs, errors, domain, error_code) VALUES (?, ?, ?, ?)",
                ];
                if (jobs, errors) != (0, 0) {
                    update_or_insert(connection, sql, params![jobs, errors, domain, code])?;
                }
            }
        }
        Ok(())
    }
}

/// A table that counts jobs by domain, status and the value of a column.
struct Counter {
    table: &'static str,
    column: &'static str,
    has_nulls: bool,
}

const COLLECTORS: Counter = Counter {
    table: "collector_counts",
    column: "collector_id",
    has_nulls: true,
};
const COLLECTOR_INFOS: Counter = Counter {
    table: "collector_info_counts",
    column: "collector_info",
    has_nulls: true,
};
const PROJECTS: Counter = Counter {
    table: "project_counts",
    column: "project_id",
    has_nulls: true,
};
const DAYS: Counter = Counter {
    table: "day_counts",
    column: "day",
    has_nulls: false,
};
const HOURS: Counter = Counter {
    table: "hour_counts",
    column: "hour",
    has_nulls: false,
};

impl Counter {
    /// Adds to the counters of values, which may be NULL.
    fn add<T: ToSql + Ord>(
        &self,
        connection: &Connection,
        domain: i64,
        sums: HashMap<T, PerStatus<i64>>,
    ) -> rusqlite::Result<()> {
        let Self {
            table,
            column,
            has_nulls,
        } = self;
        let mut update = connection.prepare_cached(&format!(
            "UPDATE {table} SET jobs = jobs + ?1 WHERE domain = ?2 AND status = ?3 AND {column} IS ?4"
        ))?;
        // An upsert would take a key of NULL for a new one.
        let on_conflict = if *has_nulls {
            String::new()
        } else {
            format!(
                " ON CONFLICT (domain, {column}, status) DO UPDATE SET jobs = jobs + excluded.jobs"
            )
        };
        let mut insert = connection.prepare_cached(&format!(
            "INSERT INTO {table} (jobs, domain, status, {column}) VALUES (?, ?, ?, ?){on_conflict}"
        ))?;
        for (value, counts) in sorted(sums) {
            for (status, jobs) in changed(counts) {
                let values = params![jobs, domain, status.name(), value];
                // It would check a negative change as a count below 0, too.
                let must_update = *has_nulls || jobs < 0;
                if !must_update || update.execute(values)? == 0 {
                    insert.execute(values)?;
                }
            }
        }
        Ok(())
    }
}

/// Updates a row, or inserts it where there is none.
fn update_or_insert(
    connection: &Connection,
    [update, insert]: [&str; 2],
    values: &[&dyn ToSql],
) -> rusqlite::Result<()> {
    if connection.prepare_cached(update)?.execute(values)? == 0 {
        connection.prepare_cached(insert)?.execute(values)?;
    }
    Ok(())
}

/// Adds to the counter of a key; returns whether the key is new. Only a new key is cloned.
fn count<K: Clone + Eq + Hash>(
    counts: &mut HashMap<K, PerStatus<i64>>,
    key: &K,
    status: JobStatus,
    jobs: i64,
) -> bool {
    if let Some(existing) = counts.get_mut(key) {
        existing[status] += jobs;
        return false;
    }
    counts.entry(key.clone()).or_default()[status] += jobs;
    true
}

/// Returns the hour of a time: hours since the beginning of the year 0000, before which there is no job.
fn hour_of(millis: i64) -> i64 {
    (millis - Timestamp::MIN.millis()) / HOUR_MILLIS
}

fn sorted<K: Ord, V>(map: HashMap<K, V>) -> Vec<(K, V)> {
    let mut entries: Vec<_> = map.into_iter().collect();
    entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    entries
}

/// Returns the statuses whose counters change, and by how much.
fn changed(counts: PerStatus<i64>) -> impl Iterator<Item = (JobStatus, i64)> {
    let counts = JobStatus::ALL.map(|status| (status, counts[status]));
    counts.into_iter().filter(|(_, jobs)| *jobs != 0)
}
