//! Shared by the benches: generated jobs, the import with its floor, hand-written statements, a server in a process.

mod bare_import;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSql, ValueRef};
use rusqlite::{Connection, params_from_iter};

use self::bare_import::bare_import;

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
    /// The time of the bare loop.
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
