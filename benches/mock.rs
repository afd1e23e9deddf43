//! Measures what a test suite waits for: a reset, a put, and the start of a mock; against bare SQLite.
//!
//! ```text
//! cargo bench --bench mock                the large mock has 1,000,000 jobs (a minute)
//! cargo bench --bench mock -- 100000      or as many as you say
//! ```
//!
//! jobdeck is measured over HTTP, with one client on one connection, so its figures include the request. The floor is
//! hand-written SQL in this process, on a connection of its own, with the same schema and the same settings. The two take
//! turns, and medians are shown.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a harness that ends at the first surprise"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use jobdeck::job::Job;
use rusqlite::{Connection, params};

/// Measures a mock
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of jobs of the large mock
    #[arg(value_name = "JOBS", default_value_t = 1_000_000)]
    jobs: u64,
    /// Passed by cargo to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

const BINARY: &str = env!("CARGO_BIN_EXE_jobdeck");
const SCHEMA: &str = include_str!("../schema.sql");
const ROUNDS: usize = 100;
const STARTS: usize = 20;

fn main() {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir().unwrap();
    let (many, few) = (
        folder.path().join("10000.ndjson"),
        folder.path().join("1000.ndjson"),
    );
    let jobs = generate(10_000, &many);
    generate(1_000, &few);
    println!("| what | bare SQLite | jobdeck | ratio |\n| --- | --- | --- | --- |");
    let mock = Mock::start(&many);
    let bare = bare(&folder.path().join("bare.db"), &jobs);
    let domain = &jobs[0].domain_id;
    let of_domain: Vec<_> = jobs.iter().filter(|job| job.domain_id == *domain).collect();

    let mut put = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS * 5 {
        let job = of_domain[round % of_domain.len()];
        put[0].push(timed(|| put_by_hand(&bare, job, round)));
        put[1].push(timed(|| put_ours(&mock, job, round)));
    }
    row("put one of 10,000 jobs", put);

    for (what, changed) in [
        ("after 10 changes", 10),
        ("after 1,000 changes", 1_000),
        ("after 5,000 changes", 5_000),
    ] {
        let mut reset = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS.min(40_000 / changed) {
            for job in of_domain.iter().take(changed) {
                put_by_hand(&bare, job, round);
            }
            // In one request: a reset costs the same however the jobs were changed.
            let lines: String = of_domain
                .iter()
                .take(changed)
                .map(|job| changed_job(job, round).to_document() + "\n")
                .collect();
            mock.ask("POST", "/jobdeck/jobs", "application/x-ndjson", &lines);
            reset[0].push(timed(|| reset_by_hand(&bare)));
            reset[1].push(timed(|| mock.ask("POST", "/jobdeck/reset", "", "")));
        }
        row(&format!("reset 10,000 jobs {what}"), reset);
    }
    drop(mock);

    // Jobs without created_at have other times after each reset, so every one must be written again.
    let undated = folder.path().join("undated.ndjson");
    write_undated(&jobs, &undated);
    let mock = Mock::start(&undated);
    let mut reset = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS / 4 {
        reset[0].push(timed(|| reset_by_hand(&bare)));
        reset[1].push(timed(|| mock.ask("POST", "/jobdeck/reset", "", "")));
    }
    row("reset 10,000 jobs that have no created_at", reset);
    drop(mock);

    let mut start = [Vec::new(), Vec::new()];
    for _ in 0..STARTS {
        start[0].push(timed(|| {
            let status = Command::new(BINARY)
                .arg("--version")
                .stdout(Stdio::null())
                .status();
            assert!(status.unwrap().success());
        }));
        let begin = Instant::now();
        let mock = Mock::start(&few);
        start[1].push(begin.elapsed());
        drop(mock);
    }
    row(
        "start to ready with 1,000 fixture jobs (floor: `jobdeck --version`)",
        start,
    );
    measure_large(arguments.jobs, folder.path());
}

/// Measures a mock over a database of many jobs: its start, puts, a reset, and the memory of its own.
fn measure_large(jobs: u64, folder: &Path) {
    let (lines, database) = (folder.join("large.ndjson"), folder.join("large.db"));
    write_generated(jobs, &lines);
    let status = Command::new(BINARY)
        .args(["import", "--db"])
        .args([&database, &lines])
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    let text = std::fs::File::open(&lines).unwrap();
    let some: Vec<_> = BufReader::new(text)
        .lines()
        .take(1_000)
        .map(|line| Job::from_json(line.unwrap().as_bytes()).unwrap())
        .collect();
    let (mut starts, mut resets) = (Vec::new(), Vec::new());
    let mut memory = (0, 0);
    for round in 0..STARTS / 4 {
        let begin = Instant::now();
        let mock = Mock::start_with("--db", &database);
        starts.push(begin.elapsed());
        memory.0 = private_memory(mock.process.id());
        for job in some.iter().take(10) {
            put_ours(&mock, job, round);
        }
        resets.push(timed(|| mock.ask("POST", "/jobdeck/reset", "", "")));
        for job in &some {
            put_ours(&mock, job, round);
        }
        memory.1 = private_memory(mock.process.id());
        mock.ask("POST", "/jobdeck/reset", "", "");
    }
    println!(
        "\nA mock over {jobs} jobs: start to ready {:.1} ms, reset after 10 changes {:.1} ms, private memory {} kB, after \
         1,000 changes {} kB",
        median(starts).as_secs_f64() * 1e3,
        median(resets).as_secs_f64() * 1e3,
        memory.0,
        memory.1
    );
}

/// Returns the memory that a process shares with no file, in kB.
fn private_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let mut words = line.unwrap().split_whitespace();
    words.nth(1).unwrap().parse().unwrap()
}

fn row(what: &str, [floor, ours]: [Vec<Duration>; 2]) {
    let [floor, ours] = [median(floor), median(ours)];
    println!(
        "| {what} | {:.2} ms | {:.2} ms | {:.1} |",
        floor.as_secs_f64() * 1e3,
        ours.as_secs_f64() * 1e3,
        ours.as_secs_f64() / floor.as_secs_f64()
    );
}

fn timed<T>(act: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    act();
    start.elapsed()
}

fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort();
    durations[durations.len() / 2]
}

fn write_generated(jobs: u64, path: &Path) {
    let status = Command::new(BINARY)
        .args(["generate", "--jobs", &jobs.to_string(), "--output"])
        .arg(path)
        .status();
    assert!(status.unwrap().success());
}

fn generate(jobs: u64, path: &Path) -> Vec<Job> {
    write_generated(jobs, path);
    let text = std::fs::read_to_string(path).unwrap();
    let jobs = text
        .lines()
        .map(|line| Job::from_json(line.as_bytes()).unwrap());
    jobs.collect()
}

/// Writes the jobs without their times.
fn write_undated(jobs: &[Job], path: &Path) {
    let lines = jobs.iter().map(|job| {
        let mut document: serde_json::Value = serde_json::from_str(&job.to_document()).unwrap();
        for name in ["created_at", "updated_at", "finished_at"] {
            document.as_object_mut().unwrap().remove(name);
        }
        format!("{document}\n")
    });
    std::fs::write(path, lines.collect::<String>()).unwrap();
}

/// Returns the job with other content.
fn changed_job(job: &Job, round: usize) -> Job {
    let mut job = job.clone();
    job.total_tasks = 1_000 + i64::try_from(round).unwrap();
    job
}

/// A mock server in a process of its own, with a temporary database.
struct Mock {
    process: Child,
    address: String,
    agent: ureq::Agent,
}

impl Mock {
    fn start(fixtures: &Path) -> Self {
        Self::start_with("--fixtures", fixtures)
    }

    fn start_with(option: &str, path: &Path) -> Self {
        let mut process = Command::new(BINARY)
            .args(["serve", "--mock", "--listen", "127.0.0.1:0", option])
            .arg(path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        let mock = Self {
            process,
            address,
            agent: ureq::Agent::new_with_defaults(),
        };
        mock.ask("GET", "/healthz", "", "");
        mock
    }

    fn ask(&self, method: &str, path: &str, media_type: &str, body: &str) {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address))
            .header("content-type", media_type);
        let mut answer = self.agent.run(request.body(body).unwrap()).unwrap();
        answer.body_mut().read_to_vec().unwrap();
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn put_ours(mock: &Mock, job: &Job, round: usize) {
    let job = changed_job(job, round);
    let path = format!("/jobdeck/jobs/{}?domain_id={}", job.job_id, job.domain_id);
    mock.ask("PUT", &path, "application/json", &job.to_document());
}

/// Makes a database of the same jobs, and a copy of them to go back to.
fn bare(path: &Path, jobs: &[Job]) -> Connection {
    let connection = Connection::open(path).unwrap();
    let without_triggers = &SCHEMA[..SCHEMA.find("CREATE TRIGGER").unwrap()];
    connection.execute_batch(without_triggers).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; BEGIN")
        .unwrap();
    for job in jobs {
        connection
            .execute(
                "INSERT INTO domains (domain_id) VALUES (?) ON CONFLICT DO NOTHING",
                [&job.domain_id],
            )
            .unwrap();
        upsert(&connection, job);
    }
    connection
        .execute_batch("COMMIT; CREATE TEMP TABLE saved AS SELECT * FROM jobs")
        .unwrap();
    connection
}

fn put_by_hand(connection: &Connection, job: &Job, round: usize) {
    upsert(connection, &changed_job(job, round));
}

fn upsert(connection: &Connection, job: &Job) {
    let mut statement = connection
        .prepare_cached(
            "INSERT INTO jobs (domain, job_id, status, total_tasks, remained_tasks, collector_id, project_id, created_at, \
             updated_at, finished_at, error_count, head, tail) VALUES ((SELECT id FROM domains WHERE domain_id = ?1), ?2, ?3, \
             ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, '') ON CONFLICT (domain, job_id) DO UPDATE SET status = ?3, \
             total_tasks = ?4, remained_tasks = ?5, collector_id = ?6, project_id = ?7, created_at = ?8, updated_at = ?9, \
             finished_at = ?10, error_count = ?11, head = ?12",
        )
        .unwrap();
    let values = params![
        job.domain_id,
        job.job_id,
        job.status.name(),
        job.total_tasks,
        job.remained_tasks,
        job.collector_id(),
        job.project_id,
        job.created_at.millis(),
        job.updated_at.millis(),
        job.finished_at.map(jobdeck::time::Timestamp::millis),
        i64::try_from(job.errors.len()).unwrap(),
        job.to_document(),
    ];
    statement.execute(values).unwrap();
}

/// Deletes all jobs and inserts the copy: the simplest way to reset.
fn reset_by_hand(connection: &Connection) {
    connection
        .execute_batch("BEGIN; DELETE FROM jobs; INSERT INTO jobs SELECT * FROM saved; COMMIT")
        .unwrap();
}
