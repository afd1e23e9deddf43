//! Measures jobdeck against floors: the best hand-written SQL for the same question, in the same run.
//!
//! ```text
//! cargo bench --bench speed                                   10,000, 100,000 and 1,000,000 jobs (some minutes)
//! cargo bench --bench speed -- 100000 --only project,stat     questions with one of these words in their names
//! ```
//!
//! The questions (`lists.rs`, `statistics.rs`) are the most common ones of an inventory's users. jobdeck is measured in
//! this process, from the bytes of a request to the bytes of its answer. A floor is prepared statements on a connection
//! of its own, which reads the same rows and the same total with every index and counter table there is; it does not map
//! the file, since jobdeck's readers don't. Where jobdeck answers from memory, or from what SQL can't read (the bitmaps of
//! `job_id_trigrams`), its ratio is below 1. The two take turns and medians are shown, so a busy machine slows both.
//! First the two answers are compared: the documents of a list in their order and its total, the values of each row of
//! statistics.
//!
//! Import, memory and start are measured with the binary itself; `--only` leaves memory and start out.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a harness that ends at the first surprise"
)]

mod columns;
#[path = "../common/mod.rs"]
mod common;
mod import;
mod lists;
mod questions;
mod statistics;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use jobdeck::demo::World;
use jobdeck::query::request::{JobStatQuery, JobsQuery};
use jobdeck::query::{compile_list, compile_stat};
use jobdeck::store::{Document, Interrupt, Mode, Store};
use jobdeck::time::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::types::ToSql;
use rusqlite::types::{Value as SqlValue, ValueRef};
use rusqlite::{Connection, OpenFlags, params_from_iter};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use common::{BINARY, NOW, Server, median, memory};
use questions::{ByHand, Data, Question, Route};

/// How long one question is measured.
const BUDGET: Duration = Duration::from_secs(1);
/// The fewest rounds of a slow question.
const MIN_ROUNDS: usize = 5;

/// Measures jobdeck against hand-written SQL
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of jobs
    #[arg(value_name = "SIZE", default_values_t = [10_000, 100_000, 1_000_000], value_parser = clap::value_parser!(u64).range(1_000..))]
    sizes: Vec<u64>,
    /// Only questions with one of these words in their names; leaves out memory and start
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    only: Vec<String>,
    /// Passed by cargo to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments = Arguments::parse();
    for size in &arguments.sizes {
        println!("\n## {size} jobs\n");
        let folder = tempfile::tempdir().unwrap();
        let lines = folder.path().join("jobs.ndjson");
        let database = folder.path().join("jobs.db");
        common::generate(*size, &lines);
        import::measure(*size, &lines, &database);
        measure_questions(*size, &database, &arguments.only);
        if arguments.only.is_empty() {
            measure_cold(*size, &database);
            measure_process(&database);
        }
    }
}

/// Returns every question, for a database of `size` generated jobs.
fn all_questions(size: u64, database: &Connection) -> Vec<Question> {
    let data = &Data::new(size, database);
    let mut questions = lists::all(data);
    questions.extend(statistics::all(data));
    questions.extend(columns::all(data));
    questions
}

fn measure_questions(size: u64, database: &Path, only: &[String]) {
    let store = Store::open(database, Mode::ReadOnly, 2).unwrap();
    let by_hand = open_by_hand(database);
    let narrow = columns::make_narrow(database);
    by_hand
        .execute("ATTACH ? AS narrow", [narrow.to_str()])
        .unwrap();
    let mut questions = all_questions(size, &by_hand);
    questions.retain(|question| {
        only.is_empty()
            || only
                .iter()
                .any(|word| question.name.contains(word.as_str()))
    });
    assert!(!questions.is_empty(), "no question is called {only:?}");
    println!("| question | by hand | jobdeck | ratio |\n| --- | ---: | ---: | ---: |");
    for question in &questions {
        let body = question.body.to_string();
        let expected = answer_by_hand(&by_hand, question);
        let got = our_answer(&store, question.route, body.as_bytes());
        assert_eq!(got, expected, "{}: {body}", question.name);
        if expected.is_empty(question) {
            println!("| {} | no such jobs | | |", question.name);
            continue;
        }
        let statements = question.by_hand.statements();
        let (mut floor, mut ours) = (Vec::new(), Vec::new());
        let start = Instant::now();
        while start.elapsed() < BUDGET || ours.len() < MIN_ROUNDS {
            let round = Instant::now();
            let mut out = String::new();
            read_together(&by_hand, &statements, &question.values, &mut out);
            floor.push(round.elapsed());
            let round = Instant::now();
            ask(&store, question.route, body.as_bytes());
            ours.push(round.elapsed());
        }
        let (floor, ours) = (median(floor).as_secs_f64(), median(ours).as_secs_f64());
        println!(
            "| {} | {:.1} µs | {:.1} µs | {:.2} |",
            question.name,
            floor * 1e6,
            ours * 1e6,
            ours / floor
        );
    }
    println!();
}

/// Measures questions whose database is not in memory: the pages of its file are dropped before each.
fn measure_cold(size: u64, database: &Path) {
    let questions = all_questions(size, &open_by_hand(database));
    let words = ["sort: ", "mean: ", "word: ", "by updated_at", "stat: sum"];
    println!("| question, of a cold file | jobdeck |\n| --- | ---: |");
    for question in questions {
        if !words.iter().any(|word| question.name.starts_with(word)) {
            continue;
        }
        let store = Store::open(database, Mode::ReadOnly, 1).unwrap();
        let file = std::fs::File::open(database).unwrap();
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        let start = Instant::now();
        ask(&store, question.route, question.body.to_string().as_bytes());
        println!(
            "| {} | {:.1} ms |",
            question.name,
            start.elapsed().as_secs_f64() * 1e3
        );
    }
    println!();
}

fn open_by_hand(database: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags).unwrap();
    // Without it SQLite may prepare a statement again when its values change.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .unwrap();
    connection
}

/// An answer, for comparison.
#[derive(Debug, PartialEq)]
struct Answer {
    /// Documents in their order; of statistics the cells of each row, with the rows sorted.
    rows: Vec<Vec<String>>,
    total: usize,
}

impl Answer {
    /// Whether there is nothing to measure, as on a page after the last.
    fn is_empty(&self, question: &Question) -> bool {
        let is_count = matches!(question.by_hand, ByHand::Total(_));
        self.total == 0 || (self.rows.is_empty() && !is_count)
    }
}

/// Appends the results of the statements of one question, within one transaction, as jobdeck reads them.
fn read_together(
    connection: &Connection,
    statements: &[&str],
    values: &[impl ToSql],
    out: &mut String,
) {
    let run = |sql| {
        let mut statement = connection.prepare_cached(sql).unwrap();
        statement.raw_execute().unwrap();
    };
    run("BEGIN");
    for sql in statements {
        common::read_all(connection, sql, values, out);
    }
    run("COMMIT");
}

fn answer_by_hand(connection: &Connection, question: &Question) -> Answer {
    let read = |sql: &str| read_cells(connection, sql, &question.values);
    let number = |cell: &str| cell.parse::<usize>().unwrap();
    let total = |sql: &str| number(&read(sql)[0][0]);
    let (mut rows, total) = match &question.by_hand {
        ByHand::Page(rows, count) => (read(rows), total(count)),
        ByHand::Counted(rows) => {
            let mut rows = read(rows);
            let totals: Vec<_> = rows.iter_mut().filter_map(Vec::pop).collect();
            (rows, totals.first().map_or(0, |total| number(total)))
        }
        ByHand::Whole(rows) => {
            let rows = read(rows);
            let total = rows.len();
            (rows, total)
        }
        ByHand::Total(count) => (Vec::new(), total(count)),
    };
    if question.route == Route::Stat {
        rows.sort();
    } else {
        // A document may come in several columns.
        rows = rows.into_iter().map(|cells| vec![cells.concat()]).collect();
    }
    Answer { rows, total }
}

fn read_cells(connection: &Connection, sql: &str, values: &[SqlValue]) -> Vec<Vec<String>> {
    let mut statement = connection.prepare_cached(sql).unwrap();
    let (used, width) = (statement.parameter_count(), statement.column_count());
    let mut rows = statement.query(params_from_iter(&values[..used])).unwrap();
    let mut cells = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cell = |column| match row.get_ref(column).unwrap() {
            ValueRef::Real(real) => rounded(real),
            ValueRef::Integer(integer) => integer.to_string(),
            ValueRef::Null => "null".to_owned(),
            other => other.as_str().unwrap().to_owned(),
        };
        cells.push((0..width).map(cell).collect());
    }
    cells
}

/// Rounds a number that may have been added up in another order, and writes a whole one as an integer.
fn rounded(real: f64) -> String {
    let text = format!("{real:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn our_answer(store: &Store, route: Route, body: &[u8]) -> Answer {
    #[derive(serde::Deserialize)]
    struct Results<'a> {
        #[serde(borrow)]
        results: Vec<&'a RawValue>,
        total_count: Option<usize>,
    }
    let answer = ask(store, route, body);
    let answer: Results<'_> = serde_json::from_slice(&answer).unwrap();
    let total = answer.total_count.unwrap_or(answer.results.len());
    let results = answer.results.into_iter().map(RawValue::get);
    let mut rows: Vec<_> = match route {
        Route::Search => results.map(|document| vec![document.to_owned()]).collect(),
        Route::Stat => results.map(cells).collect(),
    };
    if route == Route::Stat {
        rows.sort();
    }
    Answer { rows, total }
}

/// Returns the values of a row of statistics, which may be a single value.
fn cells(row: &str) -> Vec<String> {
    let cell = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => rounded(number.as_f64().unwrap()),
        other => other.to_string(),
    };
    match serde_json::from_str(row).unwrap() {
        Value::Object(members) => members.values().map(cell).collect(),
        single => vec![cell(&single)],
    }
}

/// Does what a handler does, from the body of a request to the body of its answer.
fn ask(store: &Store, route: Route, body: &[u8]) -> Vec<u8> {
    let now = Timestamp::parse_rfc3339(NOW).unwrap();
    let interrupt = Arc::new(Interrupt::after(Duration::from_mins(10)));
    let mut out = b"{\"results\":[".to_vec();
    match route {
        Route::Stat => {
            let stat = compile_stat(&JobStatQuery::from_json(body).unwrap(), now).unwrap();
            let mut reader = store.reader(&interrupt).unwrap();
            reader.begin().unwrap().stat(&stat, &mut out).unwrap();
            out.extend(b"]}");
        }
        Route::Search => {
            let plan = compile_list(&JobsQuery::from_json(body).unwrap(), now).unwrap();
            let mut reader = store.reader(&interrupt).unwrap();
            let mut is_first = true;
            let mut each = |document: Document<'_>| {
                if !is_first {
                    out.push(b',');
                }
                is_first = false;
                document.write_to(&mut out);
                Ok(())
            };
            let total = reader.begin().unwrap().list(&plan, &mut each).unwrap();
            write!(out, "],\"total_count\":{total}}}").unwrap();
        }
    }
    out
}

fn serve(database: &Path) -> Server {
    let mut command = Command::new(BINARY);
    Server::start(
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--db"])
            .arg(database),
    )
}

/// Posts a search and reads the answer; returns its length in bytes.
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

fn measure_process(database: &Path) {
    let domain_id = World::new(1, 4).domains()[0].clone();
    let page = json!({"domain_id": domain_id, "query": {"page": {"limit": 30}}});
    let starts = (0..5).map(|_| {
        let start = Instant::now();
        let server = serve(database);
        search(&server, &page);
        start.elapsed()
    });
    println!(
        "Start to first answer: {:.1} ms",
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
        "List without a limit: {} MB in {seconds:.1} s, {} kB above idle ({idle} kB)",
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
        // A process that has ended, whose output is still being read, has no figure.
        let now = memory(child.id(), "VmHWM:").unwrap_or(peak);
        at_first = if at_first == 0 { now } else { at_first };
        peak = now.max(peak);
    }
    child.wait().unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "Export: {seconds:.1} s, {} kB above its first byte ({at_first} kB)",
        peak - at_first
    );
}
