//! `jobdeck check`: verifies that all tables of the database agree with the documents.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, params};

use crate::columns::{Row, encode};
use crate::job::Job;
use crate::store::columns::blocks;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::interrupt::Interrupt;
use crate::store::job_row::{self, JobRow, NewJob};
use crate::store::schema::{SCHEMA_VERSION, read_version};
use crate::store::trigrams::{self, Postings};
use crate::time::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// The most problems that a report lists.
const MAX_PROBLEMS: usize = 100;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many jobs were checked.
    pub jobs: u64,
    /// One sentence each, at most a hundred; empty for a sound database.
    pub problems: Vec<String>,
    /// Whether only the pages of the file were checked, since the schema is an older one.
    pub is_of_pages_alone: bool,
}

impl Store {
    /// Checks every page, every document, every derived column and every derived table; with an older schema only the pages.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't even be read.
    pub fn check(&self) -> Result<Report, StoreError> {
        let no_deadline = Arc::new(Interrupt::after(Duration::MAX));
        let mut reader = self.reader(&no_deadline)?;
        let transaction = reader.begin()?;
        let connection = transaction.connection();
        let mut report = Report {
            jobs: 0,
            problems: Vec::new(),
            is_of_pages_alone: read_version(connection)? < SCHEMA_VERSION,
        };
        check_pages(connection, &mut report)?;
        if !report.problems.is_empty() {
            return Ok(report);
        }
        if report.is_of_pages_alone {
            let jobs: i64 =
                connection.query_row("SELECT count(*) FROM jobs", [], |row| row.get(0))?;
            report.jobs = u64::try_from(jobs).unwrap_or(0);
        } else {
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

fn check_pages(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let result = each_line(connection, "PRAGMA integrity_check", |lines| {
        // The first problem has a heading.
        let problems = lines.lines().filter(|line| !line.starts_with("***"));
        for problem in problems.filter(|line| *line != "ok") {
            report.add(format!("SQLite: {problem}"));
        }
    });
    match result {
        // The problems before the error are not lost.
        Err(error) if is_of_damage(&error) => report.add(format!("SQLite: {error}")),
        result => result?,
    }
    if report.problems.is_empty() {
        each_line(connection, "PRAGMA foreign_key_check", |table| {
            report.add(format!(
                "table {table}: a row refers to a domain that is not there"
            ));
        })?;
    }
    Ok(())
}

/// Calls `each` with the first column of each row.
fn each_line(
    connection: &Connection,
    pragma: &str,
    mut each: impl FnMut(&str),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(pragma)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(row.get_ref(0)?.as_str()?);
    }
    Ok(())
}

fn is_of_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

fn check_documents(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let mut statement = connection.prepare(&format!(
        "SELECT {}, document, (SELECT domain_id FROM domains AS d WHERE d.id = domain) AS domain_id, \
         collector_info IS NOT NULL AND NOT EXISTS (SELECT 1 FROM collector_infos AS i \
         WHERE i.id = collector_info AND i.domain = documents.domain) AS lacks_collector \
         FROM documents ORDER BY id",
        job_row::ALL_COLUMNS
    ))?;
    let mut rows = statement.query([])?;
    let mut postings = Postings::default();
    let mut block_check = BlockCheck::default();
    while let Some(row) = rows.next()? {
        report.jobs += 1;
        let stored = JobRow::from_row(row)?;
        let document: String = row.get("document")?;
        let domain_id: String = row.get("domain_id")?;
        let name = format!("job {} of domain {domain_id}", stored.job_id);
        match Job::from_json(document.as_bytes()) {
            _ if row.get("lacks_collector")? => {
                report.add(format!(
                    "{name}: its collector is not there, or of another domain"
                ));
            }
            Err(error) => report.add(format!("{name}: its document is not valid: {error}")),
            Ok(job) if job.to_document() != document => {
                report.add(format!("{name}: its document is not in canonical form"));
            }
            Ok(job) => {
                let derived = NewJob::new(&job);
                if derived.domain_id == domain_id && derived.row.with_keys_of(&stored) == stored {
                    check_errors(connection, &stored, &name, report)?;
                } else {
                    report.add(format!(
                        "{name}: its columns do not agree with its document"
                    ));
                }
            }
        }
        if !postings.has_room_for(stored.id) {
            check_trigrams(connection, &mut postings, report)?;
        }
        postings.push(stored.id, &stored.job_id);
        block_check.push(connection, &stored, report)?;
    }
    check_trigrams(connection, &mut postings, report)?;
    block_check.end(connection, report)
}

/// The check that `job_columns` has the columns of the jobs: each block is made anew, and compared.
#[derive(Default)]
struct BlockCheck {
    /// The block of the last job, of which each domain has one of its own.
    block: i64,
    domains: BTreeMap<i64, Vec<Row>>,
    /// How many blocks were compared.
    count: i64,
}

impl BlockCheck {
    /// Adds a job; they come in ascending order of their ids.
    fn push(
        &mut self,
        connection: &Connection,
        row: &JobRow,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        if blocks::block_of(row.id) != self.block {
            self.compare(connection, report)?;
            self.block = blocks::block_of(row.id);
        }
        let rows = self.domains.entry(row.domain).or_default();
        rows.push(blocks::columns_of(row));
        Ok(())
    }

    fn compare(&mut self, connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
        let block = self.block;
        for (domain, rows) in std::mem::take(&mut self.domains) {
            self.count += 1;
            if blocks::stored(connection, (domain, block))? != Some(encode(&rows)) {
                report.add(format!(
                    "job_columns: block {block} of domain {domain} does not agree with its jobs"
                ));
            }
        }
        Ok(())
    }

    fn end(&mut self, connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
        self.compare(connection, report)?;
        let stored: i64 =
            connection.query_row("SELECT count(*) FROM job_columns", [], |row| row.get(0))?;
        if stored != self.count {
            report.add(format!(
                "job_columns: there are {stored} blocks; the jobs make {}",
                self.count
            ));
        }
        Ok(())
    }
}

/// Checks that `job_errors` has the job under each code of its errors. (Rows that no job has show in their number.)
fn check_errors(
    connection: &Connection,
    row: &JobRow,
    name: &str,
    report: &mut Report,
) -> Result<(), StoreError> {
    for code in row.codes() {
        let exists: bool = connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM job_errors WHERE domain = ? AND error_code = ? AND created_at = ? \
                 AND job_id = ? AND job = ?)",
            )?
            .query_row(
                params![row.domain, code, row.created_at, row.job_id, row.id],
                |row| row.get(0),
            )?;
        if !exists {
            report.add(format!("{name}: job_errors lacks its error {code}"));
        }
    }
    Ok(())
}

fn check_trigrams(
    connection: &Connection,
    postings: &mut Postings,
    report: &mut Report,
) -> Result<(), StoreError> {
    if trigrams::exists(connection)?
        && let Some(trigram) = postings.missing(connection)?
    {
        report.add(format!(
            "job_id_trigrams: a job whose id has `{trigram}` is not there"
        ));
    }
    postings.clear();
    Ok(())
}

/// A derived table, and what it should be according to the jobs: each a SELECT of a domain, a value and its count.
struct DerivedTable {
    table: &'static str,
    stored: &'static str,
    counted: &'static str,
}

/// The errors of all documents as rows `domain`, `job`, `code`; a document that can't be read has none.
const ERRORS: &str = "WITH errors AS (SELECT domain, jobs.id AS job, \
     iif(e.type = 'object', e.value ->> 'error_code', NULL) AS code \
     FROM jobs, json_each(iif(json_valid(head || '}'), head || '}', '{}'), '$.errors') AS e WHERE error_count > 0)";

const DERIVED: [DerivedTable; 9] = [
    DerivedTable {
        table: "status_counts",
        stored: "SELECT domain, status, jobs FROM status_counts",
        counted: "SELECT domain, status, count(*) FROM jobs GROUP BY 1, 2",
    },
    DerivedTable {
        table: "collector_counts",
        stored: "SELECT domain, ifnull(collector_id || ' ', '') || status, jobs FROM collector_counts",
        counted: "SELECT domain, ifnull(collector_id || ' ', '') || status, count(*) FROM jobs GROUP BY 1, 2",
    },
    DerivedTable {
        table: "collector_info_counts",
        stored: "SELECT domain, ifnull(collector_info || ' ', '') || status, jobs FROM collector_info_counts",
        counted: "SELECT domain, ifnull(collector_info || ' ', '') || status, count(*) FROM jobs GROUP BY 1, 2",
    },
    DerivedTable {
        table: "project_counts",
        stored: "SELECT domain, ifnull(project_id || ' ', '') || status, jobs FROM project_counts",
        counted: "SELECT domain, ifnull(project_id || ' ', '') || status, count(*) FROM jobs GROUP BY 1, 2",
    },
    DerivedTable {
        table: "day_counts",
        stored: "SELECT domain, status || ' ' || day, jobs FROM day_counts",
        counted: "SELECT domain, status || ' ' || day, count(*) FROM times GROUP BY 1, 2",
    },
    DerivedTable {
        table: "hour_counts",
        stored: "SELECT domain, status || ' ' || hour, jobs FROM hour_counts",
        counted: "SELECT domain, status || ' ' || hour, count(*) FROM times GROUP BY 1, 2",
    },
    DerivedTable {
        table: "job_errors",
        stored: "SELECT domain, error_code, 1 FROM job_errors",
        counted: "SELECT domain, code, count(DISTINCT job) FROM errors WHERE typeof(code) = 'text' GROUP BY 1, 2",
    },
    DerivedTable {
        table: "error_counts, jobs",
        stored: "SELECT domain, ifnull(error_code, ''), jobs FROM error_counts",
        counted: "SELECT domain, ifnull(code || '', ''), count(DISTINCT job) FROM errors GROUP BY 1, 2",
    },
    DerivedTable {
        table: "error_counts, errors",
        stored: "SELECT domain, ifnull(error_code, ''), errors FROM error_counts",
        counted: "SELECT domain, ifnull(code || '', ''), count(*) FROM errors GROUP BY 1, 2",
    },
];

fn check_counts(connection: &Connection, report: &mut Report) -> Result<(), StoreError> {
    let first = Timestamp::MIN.millis();
    for DerivedTable {
        table,
        stored,
        counted,
    } in DERIVED
    {
        let mut statement = connection.prepare(&format!(
            "{ERRORS}, times AS (SELECT domain, status, (created_at - {first}) / {DAY_MILLIS} AS day, \
                 (created_at - {first}) / {HOUR_MILLIS} AS hour FROM jobs), \
             stored (domain, what, jobs) AS ({stored}), counted (domain, what, jobs) AS ({counted}) \
             SELECT domain, what, sum(stored), sum(counted) FROM (
                 SELECT domain, what, jobs AS stored, 0 AS counted FROM stored
                 UNION ALL SELECT domain, what, 0, jobs FROM counted)
             GROUP BY domain, what HAVING sum(stored) <> sum(counted)"
        ))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (domain, what): (i64, String) = (row.get(0)?, row.get(1)?);
            let (stored, counted): (i64, i64) = (row.get(2)?, row.get(3)?);
            report.add(format!(
                "{table}: domain {domain}, {what}: {stored} stored, {counted} counted"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Mode, OnConflict};

    /// Checks the problems after a change, and how many are left after a repair.
    #[track_caller]
    fn check(change: &str, expected: &[&str], left_after_repair: usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let store = Store::open(&path, Mode::Create, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        let job = br#"{"job_id":"job","domain_id":"d","created_at":"2022-06-17T08:00:00Z","collector_info":{"collector_id":"c"},"errors":[{"error_code":"E"}]}"#;
        transaction.put(&Job::from_json(job).unwrap()).unwrap();
        transaction.commit().unwrap();
        // The writer's connection has no triggers.
        writer.connection.execute_batch(change).unwrap();
        drop(writer);
        let report = store.check().unwrap();
        assert_eq!(report.jobs, 1);
        assert_eq!(report.problems, expected, "{change}");
        store.repair().unwrap();
        let left = store.check().unwrap().problems;
        assert_eq!(left.len(), left_after_repair, "{change}: {left:?}");
    }

    #[test]
    fn every_kind_of_damage_is_reported_and_derived_data_is_repaired() {
        check("", &[], 0);
        check(
            "UPDATE jobs SET head = replace(head, '\"errors\":[', '\"errors\": [')",
            &["job job of domain d: its document is not in canonical form"],
            0,
        );
        check(
            "UPDATE jobs SET head = '{\"errors\":[]', tail = '}', error_count = 0; DELETE FROM job_errors; DELETE FROM error_counts",
            &[
                "job job of domain d: its document is not valid: column 51: missing field `job_id`",
                "job_columns: block 0 of domain 1 does not agree with its jobs",
            ],
            1,
        );
        check(
            "UPDATE jobs SET head = 'none'",
            &[
                "job job of domain d: its document is not valid: column 2: expected ident",
                "job_columns: block 0 of domain 1 does not agree with its jobs",
                "job_errors: domain 1, E: 1 stored, 0 counted",
                "error_counts, jobs: domain 1, E: 1 stored, 0 counted",
                "error_counts, errors: domain 1, E: 1 stored, 0 counted",
            ],
            1,
        );
        check(
            "UPDATE jobs SET head = replace(head, '{\"error_code\":\"E\"}', '5,{\"error_code\":5}')",
            &[
                "job job of domain d: its document is not valid: column 93, field errors[0]: invalid type: integer `5`, expected an object",
                "job_columns: block 0 of domain 1 does not agree with its jobs",
                "job_errors: domain 1, E: 1 stored, 0 counted",
                "error_counts, jobs: domain 1, : 0 stored, 1 counted",
                "error_counts, jobs: domain 1, 5: 0 stored, 1 counted",
                "error_counts, jobs: domain 1, E: 1 stored, 0 counted",
                "error_counts, errors: domain 1, : 0 stored, 1 counted",
                "error_counts, errors: domain 1, 5: 0 stored, 1 counted",
                "error_counts, errors: domain 1, E: 1 stored, 0 counted",
            ],
            5,
        );
        check(
            "INSERT INTO domains (domain_id) VALUES ('e'); UPDATE collector_infos SET domain = 2",
            &["job job of domain d: its collector is not there, or of another domain"],
            0,
        );
        check(
            "UPDATE status_counts SET jobs = 7",
            &["status_counts: domain 1, CREATED: 7 stored, 1 counted"],
            0,
        );
        check(
            "DELETE FROM collector_counts",
            &["collector_counts: domain 1, c CREATED: 0 stored, 1 counted"],
            0,
        );
        check(
            "UPDATE collector_info_counts SET collector_info = NULL",
            &[
                "collector_info_counts: domain 1, 1 CREATED: 0 stored, 1 counted",
                "collector_info_counts: domain 1, CREATED: 1 stored, 0 counted",
            ],
            0,
        );
        check(
            "UPDATE project_counts SET jobs = 3",
            &["project_counts: domain 1, CREATED: 3 stored, 1 counted"],
            0,
        );
        check(
            "UPDATE day_counts SET day = day + 1",
            &[
                "day_counts: domain 1, CREATED 738688: 0 stored, 1 counted",
                "day_counts: domain 1, CREATED 738689: 1 stored, 0 counted",
            ],
            0,
        );
        check(
            "DELETE FROM hour_counts",
            &["hour_counts: domain 1, CREATED 17728520: 0 stored, 1 counted"],
            0,
        );
    }

    #[test]
    fn damage_of_columns_and_errors_is_reported_and_repaired() {
        check(
            "UPDATE job_errors SET error_code = 'F'",
            &[
                "job job of domain d: job_errors lacks its error E",
                "job_errors: domain 1, E: 0 stored, 1 counted",
                "job_errors: domain 1, F: 1 stored, 0 counted",
            ],
            0,
        );
        for change in [
            "UPDATE job_columns SET columns = x'00'",
            "UPDATE job_columns SET errors = x''",
            "UPDATE job_columns SET job_ids = x''",
            "UPDATE job_columns SET first = first - 1",
        ] {
            check(
                change,
                &["job_columns: block 0 of domain 1 does not agree with its jobs"],
                0,
            );
        }
        check(
            "INSERT INTO job_columns SELECT domain, block + 1, first, last, columns, errors, job_ids FROM job_columns",
            &["job_columns: there are 2 blocks; the jobs make 1"],
            0,
        );
        check(
            "UPDATE error_counts SET jobs = 0",
            &["error_counts, jobs: domain 1, E: 0 stored, 1 counted"],
            0,
        );
        check(
            "UPDATE error_counts SET errors = 2",
            &["error_counts, errors: domain 1, E: 2 stored, 1 counted"],
            0,
        );
    }

    #[test]
    fn a_wrong_column_is_reported_and_repaired() {
        for change in ["total_tasks = 5", "failure_tasks = 0", "workspace_id = 'w'"] {
            check(
                &format!("UPDATE jobs SET {change}"),
                &[
                    "job job of domain d: its columns do not agree with its document",
                    "job_columns: block 0 of domain 1 does not agree with its jobs",
                ],
                0,
            );
        }
    }

    #[test]
    fn a_job_whose_collector_is_lost_is_not_repaired_into_a_job_without_collector() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        let job = br#"{"job_id":"j","domain_id":"d","created_at":"2022-06-17T08:00:00Z","collector_info":{"collector_id":"c"}}"#;
        transaction.put(&Job::from_json(job).unwrap()).unwrap();
        transaction.commit().unwrap();
        writer
            .connection
            .execute_batch("DELETE FROM collector_infos")
            .unwrap();
        drop(writer);
        let lost = ["job j of domain d: its collector is not there, or of another domain"];
        assert_eq!(store.check().unwrap().problems, lost);
        store.repair().unwrap();
        assert_eq!(store.check().unwrap().problems, lost);
    }

    #[test]
    fn a_job_missing_from_the_trigram_index_is_reported_and_repaired() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        // Enough for a trigram index.
        for number in 0..4_100 {
            let job = format!(
                r#"{{"job_id":"job-{number}","domain_id":"d","created_at":"2022-06-17T08:00:00Z"}}"#
            );
            transaction
                .put(&Job::from_json(job.as_bytes()).unwrap())
                .unwrap();
        }
        transaction.commit().unwrap();
        drop(writer);
        let problems = || store.check().unwrap().problems;
        assert_eq!(problems(), Vec::<String>::new());
        let damage = "DELETE FROM job_id_trigrams WHERE trigram = 'b-7'";
        store
            .writer()
            .unwrap()
            .connection
            .execute_batch(damage)
            .unwrap();
        assert_eq!(
            problems(),
            ["job_id_trigrams: a job whose id has `b-7` is not there"]
        );
        store.repair().unwrap();
        assert_eq!(problems(), Vec::<String>::new());
    }
}
