//! Measures jobdeck beside floors: the best hand-written statement for the same question, in the same run.
//!
//! ```text
//! cargo bench --bench speed                     all sizes: 10,000, 100,000 and 1,000,000 jobs (some minutes)
//! cargo bench --bench speed -- 10000 100000     these sizes
//! ```
//!
//! Queries are measured inside the process, from the bytes of a request to the bytes of its answer; a floor is prepared
//! statements on a connection of its own that read the same rows and the same total. Both take turns, and the median of
//! each is shown, so a busy machine slows both. Import, memory and start are measured on the binary itself.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a harness that ends at the first surprise"
)]

mod common;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jobdeck::demo::{Timeline, World};
use jobdeck::job::Job;
use jobdeck::query::request::{JobStatQuery, JobsQuery};
use jobdeck::query::{compile_list, compile_stat};
use jobdeck::store::{Document, Interrupt, Mode, Store};
use jobdeck::time::Timestamp;
use rusqlite::types::ToSql;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use common::{BINARY, NOW, Server, median, memory};

/// How long one question is measured.
const BUDGET: Duration = Duration::from_millis(1_500);
const LEAST_ROUNDS: usize = 5;

fn main() {
    let given: Vec<u64> = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let sizes = if given.is_empty() {
        vec![10_000, 100_000, 1_000_000]
    } else {
        given
    };
    println!("| jobs | what | floor | jobdeck | ratio |\n| --- | --- | --- | --- | --- |");
    for size in sizes {
        let folder = tempfile::tempdir().unwrap();
        let lines = folder.path().join("jobs.ndjson");
        let database = folder.path().join("jobs.db");
        common::generate(size, &lines);
        measure_import(size, &lines, &database);
        measure_queries(size, &database);
        measure_process(size, &database);
    }
}

fn row(jobs: u64, what: &str, floor: Duration, measured: Duration) {
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
    println!(
        "| {jobs} | {what} | {:.1} µs | {:.1} µs | {:.2} |",
        micros(floor),
        micros(measured),
        measured.as_secs_f64() / floor.as_secs_f64()
    );
}

/// `jobdeck import` beside a bare loop.
fn measure_import(size: u64, lines: &Path, database: &Path) {
    let import = common::import(lines, database);
    row(size, "import, all rows", import.bare, import.jobdeck);
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let per_job = |bytes: u64| bytes as f64 / size as f64;
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let rate = size as f64 / import.jobdeck.as_secs_f64();
    let peak = import.peak;
    println!("| {size} | import: {rate:.0} rows/s, peak memory {peak} kB | | | |");
    let bytes = |path: &Path| std::fs::metadata(path).unwrap().len();
    println!(
        "| {size} | bytes a job: NDJSON {:.0}, database {:.0} | | | |",
        per_job(bytes(lines)),
        per_job(bytes(database))
    );
}

/// A question, and the statements that answer it best by hand: the rows, then the total.
struct Question {
    what: &'static str,
    body: Value,
    is_stat: bool,
    rows: &'static str,
    total: Option<&'static str>,
    values: Vec<Box<dyn ToSql>>,
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn questions(domain_id: &str, domain: i64, collector: &str, since: i64) -> Vec<Question> {
    fn values<const N: usize>(values: [&dyn ToSql; N]) -> Vec<Box<dyn ToSql>> {
        let owned = values.map(|value| match value.to_sql().unwrap() {
            rusqlite::types::ToSqlOutput::Borrowed(value) => {
                rusqlite::types::Value::try_from(value).unwrap()
            }
            rusqlite::types::ToSqlOutput::Owned(value) => value,
            _ => unreachable!("a plain value"),
        });
        owned
            .into_iter()
            .map(|value| Box::new(value) as Box<dyn ToSql>)
            .collect()
    }
    let list = |query: Value, plain: Value| {
        let mut body = json!({"domain_id": domain_id, "query": query});
        body.as_object_mut()
            .unwrap()
            .extend(plain.as_object().unwrap().clone());
        body
    };
    let stat = |query: Value| json!({"domain_id": domain_id, "query": query});
    let count = json!([{"name": "count", "operator": "count"}]);
    let week = json!([{"k": "created_at", "v": since_text(since), "o": "datetime_gte"}]);
    vec![
        Question {
            what: "first page",
            body: list(json!({"page": {"limit": 30}}), json!({})),
            is_stat: false,
            rows: "SELECT document FROM jobs WHERE domain = ?1 ORDER BY created_at DESC, job_id LIMIT 30",
            total: Some("SELECT sum(jobs) FROM status_counts WHERE domain = ?1"),
            values: values([&domain]),
        },
        Question {
            what: "first page of a status",
            body: list(json!({"page": {"limit": 30}}), json!({"status": "ERROR"})),
            is_stat: false,
            rows: "SELECT document FROM jobs WHERE domain = ?1 AND status = ?2 ORDER BY created_at DESC, job_id LIMIT 30",
            total: Some("SELECT sum(jobs) FROM status_counts WHERE domain = ?1 AND status = ?2"),
            values: values([&domain, &"ERROR"]),
        },
        Question {
            what: "first page of a collector and a status",
            body: list(
                json!({"page": {"limit": 30}}),
                json!({"status": "SUCCESS", "collector_id": collector}),
            ),
            is_stat: false,
            rows: "SELECT document FROM jobs WHERE domain = ?1 AND status = ?2 AND collector_id = ?3 ORDER BY created_at DESC, job_id LIMIT 30",
            total: Some(
                "SELECT sum(jobs) FROM collector_counts WHERE domain = ?1 AND status = ?2 AND collector_id = ?3",
            ),
            values: values([&domain, &"SUCCESS", &collector]),
        },
        Question {
            what: "page at 50,000",
            body: list(json!({"page": {"start": 50_001, "limit": 30}}), json!({})),
            is_stat: false,
            rows: "SELECT document FROM jobs WHERE domain = ?1 ORDER BY created_at DESC, job_id LIMIT 30 OFFSET 50000",
            total: Some("SELECT sum(jobs) FROM status_counts WHERE domain = ?1"),
            values: values([&domain]),
        },
        Question {
            what: "stat: successes a day",
            body: stat(
                json!({"filter": [{"k": "status", "v": "SUCCESS", "o": "eq"}], "aggregate": [{"group": {
                "keys": [{"key": "created_at", "name": "date", "date_format": "%Y-%m-%d"}], "fields": count}}]}),
            ),
            is_stat: true,
            rows: "SELECT date(day * 86400, 'unixepoch'), n FROM (SELECT created_at / 86400000 AS day, count(*) AS n FROM jobs WHERE domain = ?1 AND status = ?2 GROUP BY day) ORDER BY day",
            total: None,
            values: values([&domain, &"SUCCESS"]),
        },
        Question {
            what: "stat: jobs by collector and status",
            body: stat(
                json!({"aggregate": [{"group": {"keys": [{"key": "collector_id", "name": "c"}, {"key": "status", "name": "s"}], "fields": count}}]}),
            ),
            is_stat: true,
            rows: "SELECT collector_id, status, count(*) FROM jobs WHERE domain = ?1 GROUP BY collector_id, status ORDER BY collector_id, status",
            total: None,
            values: values([&domain]),
        },
        Question {
            what: "stat: distinct collectors",
            body: stat(json!({"distinct": "collector_id"})),
            is_stat: true,
            rows: "SELECT DISTINCT collector_id FROM jobs WHERE domain = ?1 AND collector_id IS NOT NULL ORDER BY collector_id",
            total: None,
            values: values([&domain]),
        },
        Question {
            what: "stat: error codes of a week by unwind",
            body: stat(
                json!({"filter": week, "aggregate": [{"unwind": {"path": "errors"}}, {"group": {
                "keys": [{"key": "errors.error_code", "name": "code"}], "fields": count}},
                {"sort": {"key": "count", "desc": true}}, {"limit": 10}]}),
            ),
            is_stat: true,
            rows: "SELECT e.value ->> 'error_code' AS code, count(*) AS n FROM jobs, json_each(document, '$.errors') AS e WHERE domain = ?1 AND created_at >= ?2 GROUP BY code ORDER BY n DESC, code LIMIT 10",
            total: None,
            values: values([&domain, &since]),
        },
        Question {
            what: "stat: error codes of all by unwind",
            body: stat(
                json!({"aggregate": [{"unwind": {"path": "errors"}}, {"group": {
                "keys": [{"key": "errors.error_code", "name": "code"}], "fields": count}},
                {"sort": {"key": "count", "desc": true}}, {"limit": 10}]}),
            ),
            is_stat: true,
            rows: "SELECT e.value ->> 'error_code' AS code, count(*) AS n FROM jobs, json_each(document, '$.errors') AS e WHERE domain = ?1 GROUP BY code ORDER BY n DESC, code LIMIT 10",
            total: None,
            values: values([&domain]),
        },
    ]
}

fn since_text(millis: i64) -> String {
    Timestamp::from_millis(millis).unwrap().to_string()
}

fn measure_queries(size: u64, database: &Path) {
    let store = Store::open(database, Mode::ReadOnly, 2).unwrap();
    let floor = Connection::open_with_flags(
        database,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .unwrap();
    let domain_id = World::new(1, 4).domains()[0].clone();
    let domain: i64 = floor
        .query_row(
            "SELECT id FROM domains WHERE domain_id = ?",
            [&domain_id],
            |row| row.get(0),
        )
        .unwrap();
    let collector = some_collector();
    let since = Timestamp::parse_rfc3339(NOW)
        .unwrap()
        .plus_millis(-7 * 86_400_000)
        .millis();
    for question in questions(&domain_id, domain, &collector, since) {
        if question.what.contains("50,000") && size < 100_000 {
            continue;
        }
        let body = question.body.to_string();
        let (mut by_hand, mut by_us) = (Vec::new(), Vec::new());
        let start = Instant::now();
        while start.elapsed() < BUDGET || by_us.len() < LEAST_ROUNDS {
            let round = Instant::now();
            let expected = ask_by_hand(&floor, &question);
            by_hand.push(round.elapsed());
            let round = Instant::now();
            let got = ask_us(&store, &question, body.as_bytes());
            by_us.push(round.elapsed());
            assert!(
                got >= expected / 2,
                "the answers hold about as much: {got} and {expected} bytes"
            );
        }
        row(size, question.what, median(by_hand), median(by_us));
    }
}

/// The collector of the first job.
fn some_collector() -> String {
    let now = Timestamp::parse_rfc3339(NOW).unwrap();
    let job: Job = World::new(1, 4)
        .life(&Timeline::before(now, 365, 10_000), 0)
        .at(now);
    job.collector_id().unwrap().to_owned()
}

/// Reads the rows and the total; returns how many bytes they hold.
fn ask_by_hand(connection: &Connection, question: &Question) -> usize {
    let mut out = String::new();
    for sql in [Some(question.rows), question.total].into_iter().flatten() {
        common::read_all(connection, sql, &question.values, &mut out);
    }
    out.len()
}

/// What a handler does between the socket and the socket; returns how many bytes the answer holds.
fn ask_us(store: &Store, question: &Question, body: &[u8]) -> usize {
    let now = Timestamp::parse_rfc3339(NOW).unwrap();
    let interrupt = Arc::new(Interrupt::after(Duration::from_mins(10)));
    let mut out = Vec::new();
    if question.is_stat {
        let stat = compile_stat(&JobStatQuery::from_json(body).unwrap(), now).unwrap();
        let mut reader = store.reader(&interrupt).unwrap();
        reader.snapshot().unwrap().stat(&stat, &mut out).unwrap();
    } else {
        let list = compile_list(&JobsQuery::from_json(body).unwrap(), now).unwrap();
        let mut reader = store.reader(&interrupt).unwrap();
        let snapshot = reader.snapshot().unwrap();
        let mut each = |document: Document<'_>| {
            document.write_to(&mut out);
            Ok(())
        };
        snapshot.rows(&list, &mut each).unwrap();
        write!(out, "{}", snapshot.count(&list).unwrap()).unwrap();
    }
    out.len()
}

fn serve(database: &Path) -> Server {
    let mut command = Command::new(BINARY);
    Server::start(
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--db"])
            .arg(database),
    )
}

/// Posts a search and reads the answer to its end; returns how many bytes came.
fn search(server: &Server, body: &Value) -> u64 {
    let mut answer = ureq::post(format!(
        "http://{}/inventory/v1/jobs/search",
        server.address
    ))
    .send_json(body)
    .unwrap();
    let mut reader = answer.body_mut().as_reader();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match reader.read(&mut buffer).unwrap() {
            0 => return bytes,
            count => bytes += u64::try_from(count).unwrap(),
        }
    }
}

fn measure_process(size: u64, database: &Path) {
    let domain_id = World::new(1, 4).domains()[0].clone();
    let page = json!({"domain_id": domain_id, "query": {"page": {"limit": 30}}});
    let starts = (0..5).map(|_| {
        let start = Instant::now();
        let server = serve(database);
        search(&server, &page);
        start.elapsed()
    });
    println!(
        "| {size} | start to first answer: {:.1} ms | | | |",
        median(starts.collect()).as_secs_f64() * 1e3
    );

    let server = serve(database);
    search(&server, &page);
    let idle = memory(server.process(), "VmRSS:").unwrap();
    let start = Instant::now();
    let bytes = search(&server, &json!({"domain_id": domain_id}));
    let seconds = start.elapsed().as_secs_f64();
    let peak = memory(server.process(), "VmHWM:").unwrap();
    println!(
        "| {size} | list without a limit: {} MB in {seconds:.1} s, {} kB above idle ({idle} kB) | | | |",
        bytes / 1_000_000,
        peak - idle
    );
    drop(server);

    let mut child = Command::new(BINARY)
        .args(["export", "--db"])
        .arg(database)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut buffer = vec![0; 1 << 16];
    let (mut at_first, mut peak) = (0, 0);
    let start = Instant::now();
    while out.read(&mut buffer).unwrap() > 0 {
        // Nothing, once the process has ended and its output is still being read.
        let now = memory(child.id(), "VmHWM:").unwrap_or(peak);
        at_first = if at_first == 0 { now } else { at_first };
        peak = now.max(peak);
    }
    child.wait().unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "| {size} | export: {seconds:.1} s, {} kB above its first byte ({at_first} kB) | | | |",
        peak - at_first
    );
}
