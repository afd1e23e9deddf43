//! `jobdeck check`: is the database what it should be?

use std::sync::Arc;
use std::time::Duration;

use super::{Interrupt, Store, StoreError};
use crate::job::Job;

/// The most problems that a report lists.
const MAX_PROBLEMS: usize = 100;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many jobs were looked at.
    pub jobs: u64,
    /// One sentence each, at most a hundred; none is well.
    pub problems: Vec<String>,
}

/// A row of `jobs` but for its document, as it is derived from one.
#[derive(Debug, PartialEq)]
struct Derived {
    domain_id: String,
    job_id: String,
    status: String,
    total_tasks: i64,
    remained_tasks: i64,
    collector_id: Option<String>,
    project_id: Option<String>,
    created_at: i64,
    updated_at: i64,
    finished_at: Option<i64>,
}

impl Derived {
    fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            domain_id: row.get("domain_id")?,
            job_id: row.get("job_id")?,
            status: row.get("status")?,
            total_tasks: row.get("total_tasks")?,
            remained_tasks: row.get("remained_tasks")?,
            collector_id: row.get("collector_id")?,
            project_id: row.get("project_id")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            finished_at: row.get("finished_at")?,
        })
    }

    fn from_job(job: &Job) -> Self {
        Self {
            domain_id: job.domain_id.clone(),
            job_id: job.job_id.clone(),
            status: job.status.name().to_owned(),
            total_tasks: job.total_tasks,
            remained_tasks: job.remained_tasks,
            collector_id: job.collector_id().map(str::to_owned),
            project_id: job.project_id.clone(),
            created_at: job.created_at.millis(),
            updated_at: job.updated_at.millis(),
            finished_at: job.finished_at.map(crate::time::Timestamp::millis),
        }
    }
}

impl Store {
    /// Looks at every page, every document, every derived value and every kept count.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't even be read.
    pub fn check(&self) -> Result<Report, StoreError> {
        let no_deadline = Arc::new(Interrupt::after(Duration::MAX));
        let mut reader = self.reader(&no_deadline)?;
        let snapshot = reader.snapshot()?;
        let connection = snapshot.connection();
        let mut report = Report {
            jobs: 0,
            problems: Vec::new(),
        };
        check_pages(connection, &mut report)?;
        if report.problems.is_empty() {
            check_documents(connection, &mut report)?;
            check_counts(connection, &mut report)?;
        }
        Ok(report)
    }
}

impl Report {
    fn add(&mut self, problem: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

fn check_pages(connection: &rusqlite::Connection, report: &mut Report) -> Result<(), StoreError> {
    for pragma in ["PRAGMA integrity_check", "PRAGMA foreign_key_check"] {
        let mut statement = connection.prepare(pragma)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            match row.get::<_, String>(0)? {
                line if line == "ok" => {}
                line if pragma.ends_with("foreign_key_check") => {
                    report.add(format!(
                        "table {line}: a row refers to a domain that is not there"
                    ));
                }
                line => report.add(format!("SQLite: {line}")),
            }
        }
    }
    Ok(())
}

fn check_documents(
    connection: &rusqlite::Connection,
    report: &mut Report,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(
        "SELECT jobs.id AS id, domain_id, job_id, status, total_tasks, remained_tasks, collector_id, project_id, \
         created_at, updated_at, finished_at, document FROM jobs JOIN domains ON domains.id = domain ORDER BY jobs.id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        report.jobs += 1;
        let stored = Derived::from_row(row)?;
        let document: String = row.get("document")?;
        let name = format!("job {} of domain {}", stored.job_id, stored.domain_id);
        match Job::from_json(document.as_bytes()) {
            Err(error) => report.add(format!("{name}: its document is not valid: {error}")),
            Ok(job) if job.to_document() != document => {
                report.add(format!("{name}: its document is not in canonical form"));
            }
            Ok(job) if Derived::from_job(&job) != stored => {
                report.add(format!(
                    "{name}: its columns do not agree with its document"
                ));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

fn check_counts(connection: &rusqlite::Connection, report: &mut Report) -> Result<(), StoreError> {
    const QUERIES: [(&str, &str); 3] = [
        (
            "status_counts",
            "SELECT d, s, sum(kept), sum(counted) FROM (
                 SELECT domain AS d, status AS s, jobs AS kept, 0 AS counted FROM status_counts
                 UNION ALL SELECT domain, status, 0, count(*) FROM jobs GROUP BY domain, status)
             GROUP BY d, s HAVING sum(kept) <> sum(counted)",
        ),
        (
            "collector_counts",
            "SELECT d, s, sum(kept), sum(counted) FROM (
                 SELECT domain AS d, collector_id || ' ' || status AS s, jobs AS kept, 0 AS counted FROM collector_counts
                 UNION ALL SELECT domain, collector_id || ' ' || status, 0, count(*) FROM jobs
                     WHERE collector_id IS NOT NULL GROUP BY domain, collector_id, status)
             GROUP BY d, s HAVING sum(kept) <> sum(counted)",
        ),
        (
            "day_counts",
            "SELECT d, s, sum(kept), sum(counted) FROM (
                 SELECT domain AS d, status || ' ' || day AS s, jobs AS kept, 0 AS counted FROM day_counts
                 UNION ALL SELECT domain, status || ' ' || ((created_at + 62167219200000) / 86400000) AS s, 0, count(*)
                     FROM jobs GROUP BY domain, s)
             GROUP BY d, s HAVING sum(kept) <> sum(counted)",
        ),
    ];
    for (table, query) in QUERIES {
        let mut statement = connection.prepare(query)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (domain, what): (i64, String) = (row.get(0)?, row.get(1)?);
            let (kept, counted): (i64, i64) = (row.get(2)?, row.get(3)?);
            report.add(format!(
                "{table}: domain {domain}, {what}: {kept} kept, {counted} counted"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Mode, OnConflict};

    fn problems_after(change: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let store = Store::open(&path, Mode::Create, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        let job = br#"{"job_id":"j","domain_id":"d","created_at":"2022-06-17T08:00:00Z","collector_info":{"collector_id":"c"}}"#;
        transaction.put(&Job::from_json(job).unwrap()).unwrap();
        transaction.commit().unwrap();
        drop(writer);
        rusqlite::Connection::open(&path)
            .unwrap()
            .execute_batch(change)
            .unwrap();
        let report = store.check().unwrap();
        assert_eq!(report.jobs, 1);
        report.problems
    }

    #[test]
    fn every_kind_of_damage_is_found() {
        assert_eq!(problems_after(""), Vec::<String>::new());
        assert_eq!(
            problems_after("UPDATE jobs SET total_tasks = 5"),
            ["job j of domain d: its columns do not agree with its document"]
        );
        assert_eq!(
            problems_after(
                "UPDATE jobs SET document = replace(document, '\"errors\":[]', '\"errors\": []')"
            ),
            ["job j of domain d: its document is not in canonical form"]
        );
        assert_eq!(
            problems_after("UPDATE jobs SET document = '{}'"),
            ["job j of domain d: its document is not valid: column 2: missing field `job_id`"]
        );
        assert_eq!(
            problems_after("UPDATE status_counts SET jobs = 7"),
            ["status_counts: domain 1, CREATED: 7 kept, 1 counted"]
        );
        assert_eq!(
            problems_after("DELETE FROM collector_counts"),
            ["collector_counts: domain 1, c CREATED: 0 kept, 1 counted"]
        );
        assert_eq!(
            problems_after("UPDATE day_counts SET day = day + 1"),
            [
                "day_counts: domain 1, CREATED 738688: 0 kept, 1 counted",
                "day_counts: domain 1, CREATED 738689: 1 kept, 0 counted"
            ]
        );
    }
}
