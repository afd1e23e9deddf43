//! The floor of an import: a bare loop that reads lines into a struct and inserts them, and can do nothing else.
//!
//! It takes what jobdeck may not: that every line is a canonical document, that no job comes twice, and that nothing is
//! derived. Everything else is as fast as it is known how to: texts are borrowed, a collector is parsed once, there is one
//! prepared insert, no log, and the indexes are made at the end.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use jobdeck::time::Timestamp;
use rusqlite::{Connection, Statement, params};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// The members of a document that have a column.
#[derive(Deserialize)]
struct Line<'t> {
    job_id: &'t str,
    status: &'t str,
    total_tasks: i64,
    remained_tasks: i64,
    #[serde(borrow)]
    errors: &'t RawValue,
    #[serde(borrow)]
    collector_info: &'t RawValue,
    project_id: Option<&'t str>,
    domain_id: &'t str,
    created_at: &'t str,
    updated_at: &'t str,
    finished_at: Option<&'t str>,
}

#[derive(Deserialize)]
struct Collector<'t> {
    collector_id: &'t str,
}

/// The keys of what is stored once for many jobs.
#[derive(Default)]
struct Keys {
    domains: HashMap<String, i64>,
    /// By domain and text, with the id of the collector.
    collectors: HashMap<i64, HashMap<String, (i64, String)>>,
}

/// Makes a database of a file of canonical documents.
pub(super) fn bare_import(lines: &Path, database: &Path) {
    let connection = Connection::open(database).unwrap();
    let schema = include_str!("../../schema.sql");
    let without_triggers = &schema[..schema.find("CREATE TRIGGER").unwrap()];
    connection
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; BEGIN")
        .unwrap();
    connection.execute_batch(without_triggers).unwrap();
    let indexes: Vec<(String, String)> = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'jobs' AND sql IS NOT NULL")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (name, _) in &indexes {
        connection
            .execute_batch(&format!("DROP INDEX {name}"))
            .unwrap();
    }
    let mut insert = connection
        .prepare(
            "INSERT INTO jobs (domain, job_id, status, total_tasks, remained_tasks, collector_id, project_id, created_at, \
             updated_at, finished_at, error_count, collector_info, head, tail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .unwrap();
    let mut keys = Keys::default();
    let mut source = BufReader::with_capacity(1 << 18, File::open(lines).unwrap());
    let mut line = String::new();
    while source.read_line(&mut line).unwrap() > 0 {
        insert_line(&connection, &mut insert, &mut keys, line.trim_end());
        line.clear();
    }
    drop(insert);
    for (_, create) in &indexes {
        connection.execute_batch(create).unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
    File::open(database).unwrap().sync_all().unwrap();
}

fn insert_line(connection: &Connection, insert: &mut Statement<'_>, keys: &mut Keys, line: &str) {
    let job: Line<'_> = serde_json::from_str(line).unwrap();
    if !keys.domains.contains_key(job.domain_id) {
        let sql = "INSERT INTO domains (domain_id) VALUES (?)";
        connection.execute(sql, [job.domain_id]).unwrap();
        let key = connection.last_insert_rowid();
        keys.domains.insert(job.domain_id.to_owned(), key);
    }
    let domain = keys.domains[job.domain_id];
    let info = job.collector_info.get();
    let of_domain = keys.collectors.entry(domain).or_default();
    if !of_domain.contains_key(info) {
        let sql = "INSERT INTO collector_infos (domain, info) VALUES (?, ?)";
        connection.execute(sql, params![domain, info]).unwrap();
        let Collector { collector_id } = serde_json::from_str(info).unwrap();
        let key = connection.last_insert_rowid();
        of_domain.insert(info.to_owned(), (key, collector_id.to_owned()));
    }
    let (collector, collector_id) = &of_domain[info];
    let time = |text: &str| Timestamp::parse_rfc3339(text).unwrap().millis();
    let errors = match job.errors.get() {
        "[]" => 0,
        errors => serde_json::from_str::<Vec<IgnoredAny>>(errors)
            .unwrap()
            .len(),
    };
    // The texts are parts of the line, so their addresses say where they lie in it.
    let info_at = info.as_ptr().addr() - line.as_ptr().addr();
    let head = &line[..info_at - ",\"collector_info\":".len()];
    let tail = &line[info_at + info.len()..];
    insert
        .execute(params![
            domain,
            job.job_id,
            job.status,
            job.total_tasks,
            job.remained_tasks,
            collector_id,
            job.project_id,
            time(job.created_at),
            time(job.updated_at),
            job.finished_at.map(time),
            i64::try_from(errors).unwrap(),
            collector,
            head,
            tail
        ])
        .unwrap();
}
