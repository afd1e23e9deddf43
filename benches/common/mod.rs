//! Shared by the benches: generated jobs, the import with its floor, hand-written statements, a server in a process.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jobdeck::time::Timestamp;
use rusqlite::types::{ToSql, ValueRef};
use rusqlite::{Connection, params, params_from_iter};
use serde_json::Value;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_jobdeck");
/// The time at which the jobs are generated, which is also the clock of the server.
pub(crate) const NOW: &str = "2026-01-01T00:00:00Z";

/// Writes generated jobs as NDJSON; 70 % are in the first domain of the world of seed 1.
pub(crate) fn generate(jobs: u64, path: &Path) {
    let status = Command::new(BINARY)
        .args([
            "generate",
            "--jobs",
            &jobs.to_string(),
            "--now",
            NOW,
            "--output",
        ])
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success());
}

/// The figures of an import.
pub(crate) struct Import {
    /// The time of a loop that parses each line and inserts it under the same indexes, without triggers.
    pub(crate) bare: Duration,
    /// The time of `jobdeck import`.
    pub(crate) jobdeck: Duration,
    /// The peak memory of `jobdeck import`, in kB.
    pub(crate) peak: u64,
}

/// Makes a database from a file of jobs, and another by the bare loop, which is deleted.
pub(crate) fn import(lines: &Path, database: &Path) -> Import {
    let folder = tempfile::tempdir_in(database.parent().unwrap()).unwrap();
    let start = Instant::now();
    bare_import(lines, &folder.path().join("bare.db"));
    let bare = start.elapsed();
    drop(folder);
    let start = Instant::now();
    let mut child = Command::new(BINARY)
        .arg("import")
        .arg("--db")
        .arg(database)
        .arg(lines)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        peak = peak.max(memory(child.id(), "VmHWM:").unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success());
    Import {
        bare,
        jobdeck: start.elapsed(),
        peak,
    }
}

fn bare_import(lines: &Path, database: &Path) {
    let connection = Connection::open(database).unwrap();
    let schema = include_str!("../../schema.sql");
    let without_triggers = &schema[..schema.find("CREATE TRIGGER").unwrap()];
    connection.execute_batch(without_triggers).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; BEGIN")
        .unwrap();
    let mut domains: Vec<(String, i64)> = Vec::new();
    let mut collectors: HashMap<String, i64> = HashMap::new();
    let mut insert = connection
        .prepare(
            "INSERT INTO jobs (domain, job_id, status, total_tasks, remained_tasks, collector_id, project_id, created_at, \
             updated_at, finished_at, error_count, collector_info, head, tail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .unwrap();
    for line in BufReader::new(std::fs::File::open(lines).unwrap()).lines() {
        let line = line.unwrap();
        let job: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| job[name].as_str();
        let time =
            |name: &str| text(name).map(|time| Timestamp::parse_rfc3339(time).unwrap().millis());
        let name = text("domain_id").unwrap();
        let existing = domains
            .iter()
            .find(|(domain, _)| domain == name)
            .map(|(_, key)| *key);
        let domain = existing.unwrap_or_else(|| {
            connection
                .execute("INSERT INTO domains (domain_id) VALUES (?)", [name])
                .unwrap();
            domains.push((name.to_owned(), connection.last_insert_rowid()));
            connection.last_insert_rowid()
        });
        // The lines are canonical, so the text of the collector is the same as when it is serialized.
        let info = job["collector_info"].to_string();
        let (head, rest) = line.split_once(",\"collector_info\":").unwrap();
        let collector = *collectors
            .entry(format!("{domain} {info}"))
            .or_insert_with(|| {
                let values = params![domain, info];
                connection
                    .execute(
                        "INSERT INTO collector_infos (domain, info) VALUES (?, ?)",
                        values,
                    )
                    .unwrap();
                connection.last_insert_rowid()
            });
        insert
            .execute(params![
                domain,
                text("job_id"),
                text("status"),
                job["total_tasks"].as_i64(),
                job["remained_tasks"].as_i64(),
                job["collector_info"]["collector_id"].as_str(),
                text("project_id"),
                time("created_at"),
                time("updated_at"),
                time("finished_at"),
                i64::try_from(job["errors"].as_array().unwrap().len()).unwrap(),
                collector,
                head,
                &rest[info.len()..]
            ])
            .unwrap();
    }
    drop(insert);
    connection
        .execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
}

/// Appends every cell that a statement returns; it takes as many of the values as it has parameters.
pub(crate) fn read_all(
    connection: &Connection,
    sql: &str,
    values: &[impl ToSql],
    out: &mut String,
) {
    let mut statement = connection.prepare_cached(sql).unwrap();
    let used = statement.parameter_count();
    let mut rows = statement.query(params_from_iter(&values[..used])).unwrap();
    let width = rows.as_ref().unwrap().column_count();
    while let Some(row) = rows.next().unwrap() {
        for column in 0..width {
            match row.get_ref(column).unwrap() {
                ValueRef::Text(text) => out.push_str(std::str::from_utf8(text).unwrap()),
                ValueRef::Integer(integer) => write!(out, "{integer}").unwrap(),
                _ => out.push('-'),
            }
        }
    }
}

/// A server in a process of its own, which is killed when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts a server, and waits for the line that has its address.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let (_, address) = line.trim().split_once(" listening on http://").unwrap();
        Self {
            address: address.parse().unwrap(),
            child,
        }
    }

    /// Returns the id of the process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a line of `/proc/PID/status`, in kB.
pub(crate) fn memory(process: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

pub(crate) fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}
