//! What is kept beside the documents, and what keeps it right: counts, the jobs by error code, the trigrams of job ids.
//!
//! Whoever writes a job notes here what came and what went; the sums are written once, at the end of the transaction.
//! Triggers would do it too, but a statement with triggers that might fail has SQLite copy every page it touches, which
//! took more than half of an import.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde::Deserialize;

use super::kept::status;
use super::states::has_states;
use super::trigrams::{self, Postings};
use crate::job::{JobError, JobStatus, error_codes};
use crate::time::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// From so many sums on they are written before the transaction ends, so that memory stays flat.
const MAX_SUMS: usize = 100_000;

/// Every derived table but the columns of `jobs`, which each job brings along.
pub(super) const TABLES: [&str; 9] = [
    "status_counts",
    "collector_counts",
    "collector_info_counts",
    "project_counts",
    "day_counts",
    "hour_counts",
    "error_counts",
    "job_errors",
    "job_id_trigrams",
];

/// What of a job the derived tables are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// `jobs.id`
    pub(super) id: i64,
    /// `domains.id`
    pub(super) domain: i64,
    pub(super) job_id: String,
    pub(super) status: JobStatus,
    pub(super) collector_id: Option<String>,
    pub(super) collector_info: Option<i64>,
    pub(super) project_id: Option<String>,
    /// ms
    pub(super) created_at: i64,
    /// As [`crate::job::error_codes`].
    pub(super) error_codes: Vec<(Option<String>, i64)>,
}

impl Entry {
    /// What [`Entry::from_row`] takes, of a row of `jobs`.
    pub(super) const COLUMNS: &str = "id, domain, job_id, status, collector_id, collector_info, project_id, created_at, \
         iif(error_count > 0, head, NULL)";

    /// The codes under which the job stands in `job_errors`.
    fn codes(&self) -> impl Iterator<Item = &str> {
        let codes = self.error_codes.iter();
        codes.filter_map(|(code, _)| code.as_deref())
    }

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            domain: row.get(1)?,
            job_id: row.get(2)?,
            status: status(row, 3)?,
            collector_id: row.get(4)?,
            collector_info: row.get(5)?,
            project_id: row.get(6)?,
            created_at: row.get(7)?,
            error_codes: match row.get_ref(8)?.as_str_or_null()? {
                // A head that is none has none: what is damaged can still be replaced, deleted and repaired.
                Some(head) => codes_of(head).unwrap_or_default(),
                None => Vec::new(),
            },
        })
    }
}

/// The error codes of a document of which this is the head.
fn codes_of(head: &str) -> Result<Vec<(Option<String>, i64)>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<JobError>,
    }
    let Errors { errors } = serde_json::from_str(&format!("{head}}}"))?;
    Ok(owned(&error_codes(&errors)))
}

/// Codes with their numbers, to be kept.
pub(super) fn owned(codes: &[(Option<&str>, i64)]) -> Vec<(Option<String>, i64)> {
    let codes = codes.iter();
    codes
        .map(|(code, errors)| (code.map(str::to_owned), *errors))
        .collect()
}

/// What a transaction has changed so far and not yet written.
#[derive(Debug, Default)]
pub(super) struct Changes {
    domains: HashMap<i64, Sums>,
    sums: usize,
    postings: Postings,
    /// Those that go where no job has them in the end.
    collector_infos: BTreeSet<i64>,
    /// The blocks of trigrams that jobs have left.
    blocks: BTreeSet<i64>,
}

/// By how much the counts of a domain change; of a status, at its place in [`JobStatus::ALL`].
#[derive(Debug, Default)]
struct Sums {
    collectors: HashMap<Option<String>, [i64; 6]>,
    collector_infos: HashMap<Option<i64>, [i64; 6]>,
    projects: HashMap<Option<String>, [i64; 6]>,
    /// By hours since the first moment of the year 0000.
    hours: HashMap<i64, [i64; 6]>,
    /// By code: jobs and errors.
    errors: HashMap<Option<String>, (i64, i64)>,
}

impl Changes {
    /// Notes a job that is new.
    pub(super) fn add(&mut self, connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
        self.postings.add(connection, entry.id, &entry.job_id)?;
        self.add_again(connection, entry)
    }

    /// Notes what has become of a job whose former state was removed.
    pub(super) fn add_again(
        &mut self,
        connection: &Connection,
        entry: &Entry,
    ) -> rusqlite::Result<()> {
        for code in entry.codes() {
            let mut insert = connection.prepare_cached(
                "INSERT INTO job_errors (domain, error_code, created_at, job_id, job) VALUES (?, ?, ?, ?, ?)",
            )?;
            insert.execute(params![
                entry.domain,
                code,
                entry.created_at,
                entry.job_id,
                entry.id
            ])?;
        }
        self.sum(connection, entry, 1)
    }

    /// Notes a job that goes, or is about to change.
    pub(super) fn remove(
        &mut self,
        connection: &Connection,
        entry: &Entry,
    ) -> rusqlite::Result<()> {
        for code in entry.codes() {
            let mut delete = connection.prepare_cached(
                "DELETE FROM job_errors WHERE domain = ? AND error_code = ? AND created_at = ? AND job_id = ?",
            )?;
            delete.execute(params![entry.domain, code, entry.created_at, entry.job_id])?;
        }
        self.collector_infos.extend(entry.collector_info);
        self.blocks.insert(trigrams::block_of(entry.id));
        self.sum(connection, entry, -1)
    }

    fn sum(&mut self, connection: &Connection, entry: &Entry, jobs: i64) -> rusqlite::Result<()> {
        let sums = self.domains.entry(entry.domain).or_default();
        let status = entry.status as usize;
        self.sums += usize::from(count(
            &mut sums.collectors,
            &entry.collector_id,
            status,
            jobs,
        )) + usize::from(count(
            &mut sums.collector_infos,
            &entry.collector_info,
            status,
            jobs,
        )) + usize::from(count(&mut sums.projects, &entry.project_id, status, jobs));
        let hour = hour_of(entry.created_at);
        self.sums += usize::from(count(&mut sums.hours, &hour, status, jobs));
        for (code, errors) in &entry.error_codes {
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

    /// Notes a collector that goes where no job has it in the end.
    pub(super) fn look_at_collector_info(&mut self, id: i64) {
        self.collector_infos.insert(id);
    }

    /// Writes what is not yet written.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.write_sums(connection)?;
        self.postings.write(connection)?;
        for block in std::mem::take(&mut self.blocks) {
            trigrams::forget_if_empty(connection, block)?;
        }
        self.delete_collector_infos(connection)
    }

    /// Deletes the collectors that no job has any more.
    fn delete_collector_infos(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let noted = std::mem::take(&mut self.collector_infos);
        if has_states(connection)? {
            // Jobs may come back that have them.
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

    fn write_sums(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.sums = 0;
        // In the order of the keys, so that neighbours in a table are written one after the other.
        for (domain, sums) in sorted(std::mem::take(&mut self.domains)) {
            let mut statuses = [0; 6];
            for (collector, counts) in sorted(sums.collectors) {
                add(&mut statuses, counts);
                COLLECTORS.add(connection, domain, &collector, counts)?;
            }
            for (status, jobs) in changed(statuses) {
                let sql = [
                    "UPDATE status_counts SET jobs = jobs + ?1 WHERE domain = ?2 AND status = ?3",
                    "INSERT INTO status_counts (jobs, domain, status) VALUES (?, ?, ?)",
                ];
                update_or_insert(connection, sql, params![jobs, domain, status.name()])?;
            }
            for (info, counts) in sorted(sums.collector_infos) {
                COLLECTOR_INFOS.add(connection, domain, &info, counts)?;
            }
            for (project, counts) in sorted(sums.projects) {
                PROJECTS.add(connection, domain, &project, counts)?;
            }
            let mut days: HashMap<i64, [i64; 6]> = HashMap::new();
            for (hour, counts) in sorted(sums.hours) {
                add(
                    days.entry(hour / (DAY_MILLIS / HOUR_MILLIS)).or_default(),
                    counts,
                );
                HOURS.add(connection, domain, &hour, counts)?;
            }
            for (day, counts) in sorted(days) {
                DAYS.add(connection, domain, &day, counts)?;
            }
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

/// A table of how many jobs there are of each domain, status and value of a column.
struct Counter {
    table: &'static str,
    column: &'static str,
}

const COLLECTORS: Counter = Counter {
    table: "collector_counts",
    column: "collector_id",
};
const COLLECTOR_INFOS: Counter = Counter {
    table: "collector_info_counts",
    column: "collector_info",
};
const PROJECTS: Counter = Counter {
    table: "project_counts",
    column: "project_id",
};
const DAYS: Counter = Counter {
    table: "day_counts",
    column: "day",
};
const HOURS: Counter = Counter {
    table: "hour_counts",
    column: "hour",
};

impl Counter {
    /// Adds to the counts of a value, which may be NULL.
    fn add(
        &self,
        connection: &Connection,
        domain: i64,
        value: &impl ToSql,
        counts: [i64; 6],
    ) -> rusqlite::Result<()> {
        let Self { table, column } = self;
        let update = format!(
            "UPDATE {table} SET jobs = jobs + ?1 WHERE domain = ?2 AND status = ?3 AND {column} IS ?4"
        );
        let insert =
            format!("INSERT INTO {table} (jobs, domain, status, {column}) VALUES (?, ?, ?, ?)");
        for (status, jobs) in changed(counts) {
            let values = params![jobs, domain, status.name(), value];
            update_or_insert(connection, [&update, &insert], values)?;
        }
        Ok(())
    }
}

/// Updates a row, or inserts it where there is none. (An upsert would hold what is taken off for a count below 0, and a key
/// of NULL for a new one.)
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

/// Adds to the count of a key, and tells whether the key is new. A key that is there is not copied.
fn count<K: Clone + Eq + Hash>(
    counts: &mut HashMap<K, [i64; 6]>,
    key: &K,
    status: usize,
    jobs: i64,
) -> bool {
    if let Some(known) = counts.get_mut(key) {
        known[status] += jobs;
        return false;
    }
    counts.entry(key.clone()).or_default()[status] += jobs;
    true
}

/// The hour of a moment: hours since the first moment of the year 0000, which no job is before.
fn hour_of(millis: i64) -> i64 {
    (millis - Timestamp::MIN.millis()) / HOUR_MILLIS
}

fn sorted<K: Ord, V>(map: HashMap<K, V>) -> Vec<(K, V)> {
    let mut entries: Vec<_> = map.into_iter().collect();
    entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    entries
}

fn add(sums: &mut [i64; 6], counts: [i64; 6]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

/// The statuses whose counts change, with by how much.
fn changed(counts: [i64; 6]) -> impl Iterator<Item = (JobStatus, i64)> {
    JobStatus::ALL
        .into_iter()
        .zip(counts)
        .filter(|(_, jobs)| *jobs != 0)
}
