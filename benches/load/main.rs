//! Measures a jobdeck that serves, asked over a socket, beside two floors in the same run.
//!
//! ```text
//! cargo bench --bench load                                  10,000, 100,000 and 1,000,000 jobs (half an hour)
//! cargo bench --bench load -- 100000 --only W1,W5 --connections 16 --seconds 5
//! ```
//!
//! Nine workloads (`workloads.rs`), each of two hundred different requests, are asked by 1, 16 and 64 connections at
//! once. What is shown of each is the CPU that the server's process takes a request, as Linux accounts it, and the
//! requests a second. Trust the first more: the client needs its share of the machine, and others may use it, too. And
//! trust 16 connections more than one: there a server sleeps between two requests, and what waking it costs hangs on who
//! else keeps the machine awake.
//!
//! - The first floor is what HTTP costs: an actix-web server, a process with as many workers, that reads the same
//!   requests and answers a fixed body of the workload's median size. The two are asked in turns, so a busy machine
//!   slows both.
//! - The second floor is what the data costs: the best statements by hand over the same database, prepared, on one
//!   connection within this process.
//!
//! Before it is measured, every answer is compared with a count of the jobs one by one. Answers that take long are few:
//! a workload is checked for three seconds, and measured with the requests that were checked by then; where one takes
//! more than 100 ms, by the fewest connections only, since a crowd would wait for longer than a query may take.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a harness that ends at the first surprise"
)]

mod client;
#[path = "../common/mod.rs"]
mod common;
mod workloads;

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use actix_web::http::header::ContentType;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};
use clap::Parser;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use client::{Client, Requests};
use common::{BINARY, NOW, Server, median};
use workloads::{Told, Workload};

/// How long jobdeck answers for the check of a workload.
const CHECK_BUDGET: Duration = Duration::from_secs(3);
const LEAST_REQUESTS: usize = 5;
/// A request that takes longer is asked by the fewest connections only.
const SLOW: Duration = Duration::from_millis(100);
/// How often the two servers take turns.
const TURNS: usize = 4;
/// How long a workload's statements are measured; each of its questions is asked once at least.
const SQL_BUDGET: Duration = Duration::from_millis(500);
/// Has the statements by hand read the file without copying it.
const MAPPED: &str = "PRAGMA mmap_size = 0x7fff0000";
/// How long all kinds of quick requests are asked at once, to see how much memory that takes.
const MIXED_TIME: Duration = Duration::from_secs(1);
const STARTS: usize = 5;

/// Measures a jobdeck that serves, beside floors
#[derive(Debug, Parser)]
struct Arguments {
    /// How many jobs there are
    #[arg(value_name = "SIZE", default_values_t = [10_000, 100_000, 1_000_000], value_parser = clap::value_parser!(u64).range(1_000..))]
    sizes: Vec<u64>,
    /// These workloads only
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = workloads::NAMES)]
    only: Vec<String>,
    /// How long each of the two servers is asked, for each workload and number of connections
    #[arg(long, value_name = "S", default_value = "2")]
    seconds: f64,
    /// How many connections ask at once
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 16, 64])]
    connections: Vec<u16>,
    /// What cargo says to every bench
    #[arg(long, hide = true)]
    bench: bool,
    /// Be the first floor: a server of so many bytes
    #[arg(long, hide = true)]
    fixed_body: Option<usize>,
}

fn main() {
    let arguments = Arguments::parse();
    if let Some(bytes) = arguments.fixed_body {
        return serve_fixed_body(bytes);
    }
    for size in &arguments.sizes {
        measure(*size, &arguments);
    }
}

/// As many as jobdeck takes when it is not told.
fn workers() -> usize {
    thread::available_parallelism().unwrap().get()
}

fn serve_fixed_body(bytes: usize) {
    let body = Bytes::from(vec![b'x'; bytes]);
    let answer = move |_asked: Bytes| {
        let answer = HttpResponse::Ok()
            .content_type(ContentType::json())
            .body(body.clone());
        async move { answer }
    };
    let server = HttpServer::new(move || App::new().default_service(web::to(answer.clone())))
        .workers(workers())
        .tcp_nodelay(true)
        .bind("127.0.0.1:0")
        .unwrap();
    println!("floor listening on http://{}", server.addrs()[0]);
    actix_web::rt::System::new().block_on(server.run()).unwrap();
}

fn start_fixed_body(bytes: usize) -> Server {
    let mut command = Command::new(std::env::current_exe().unwrap());
    Server::start(command.args(["--fixed-body", &bytes.to_string()]))
}

fn start_jobdeck(database: &Path) -> Server {
    let mut command = Command::new(BINARY);
    let workers = workers().to_string();
    command.args(["serve", "--listen", "127.0.0.1:0", "--now", NOW]);
    command.args(["--workers", &workers, "--db"]).arg(database);
    Server::start(&mut command)
}

fn measure(size: u64, arguments: &Arguments) {
    println!("\n## {size} jobs\n");
    print_load("before");
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("jobs.db");
    make_database(size, folder.path(), &database);
    let by_hand = Connection::open_with_flags(
        &database,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .unwrap();
    by_hand.execute_batch(MAPPED).unwrap();
    // Else a statement would be planned anew for other values.
    by_hand
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .unwrap();
    let mut workloads = workloads::all(size, &by_hand);
    workloads
        .retain(|one| arguments.only.is_empty() || arguments.only.iter().any(|n| n == one.name));
    let client = Client::new();
    measure_start(&client, &database, &workloads[0]);

    let jobdeck = start_jobdeck(&database);
    let fewest = *arguments.connections.iter().min().unwrap();
    let mut counts = Counts::new(&by_hand);
    let mut statements = Vec::new();
    let mut quick = Vec::new();
    let mut memory = 0;
    let (mut asked, mut asking) = (0, Duration::ZERO);
    println!(
        "\n| workload | connections | floor, µs CPU | jobdeck, µs CPU | ratio | floor, requests/s | jobdeck, requests/s | ratio |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for workload in &workloads {
        let checked = check(&client, &jobdeck, workload, &mut counts);
        let floor = start_fixed_body(checked.bytes);
        for connections in &arguments.connections {
            if checked.time <= SLOW || *connections == fewest {
                let [floor, ours] = take_turns(
                    [&floor, &jobdeck],
                    arguments.seconds,
                    |server, turn, time| {
                        // Each turn goes on elsewhere: where answers take long, it comes to a few only.
                        let first = turn * checked.requests.len() / TURNS;
                        let all = (&checked.requests, first);
                        client.load(server.address, all, *connections, time)
                    },
                );
                asked += floor.requests;
                asking += floor.client_cpu;
                println!(
                    "| {} | {connections} | {} |",
                    workload.name,
                    ours.beside(&floor)
                );
            }
        }
        memory = memory.max(private_memory(jobdeck.process()));
        if checked.time <= SLOW {
            quick.extend(checked.requests.iter().cloned());
        }
        statements.push((
            workload,
            measure_by_hand(&by_hand, workload, &checked),
            checked,
        ));
    }
    println!(
        "\nTo ask the floor took the client {:.1} µs CPU a request.",
        asking.as_secs_f64() * 1e6 / f64::from(asked)
    );
    println!(
        "\n| workload | | its SQL alone, µs | answer, bytes | requests |\n| --- | --- | ---: | ---: | ---: |"
    );
    for (workload, time, checked) in statements {
        println!(
            "| {} | {} | {:.1} | {} | {} |",
            workload.name,
            workload.what,
            time.as_secs_f64() * 1e6,
            checked.bytes,
            checked.requests.len()
        );
    }
    let most = *arguments.connections.iter().max().unwrap();
    memory = memory.max(memory_under_load(&client, &jobdeck, &quick.into(), most));
    println!(
        "\nPrivate memory at the most: {:.1} MB\n",
        megabytes(memory)
    );
    print_load("after");
}

fn print_load(when: &str) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    let minute = load.split(' ').next().unwrap();
    println!("Load of the machine's {} cores {when}: {minute}", workers());
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn make_database(size: u64, folder: &Path, database: &Path) {
    let lines = folder.join("jobs.ndjson");
    common::generate(size, &lines);
    let import = common::import(&lines, database);
    let rate = |time: Duration| size as f64 / time.as_secs_f64();
    println!(
        "Import: {:.0} rows/s, a bare loop {:.0} rows/s, ratio {:.2}; at most {:.0} MB of memory",
        rate(import.jobdeck),
        rate(import.bare),
        rate(import.jobdeck) / rate(import.bare),
        megabytes(import.peak)
    );
    let bytes = |path: &Path| std::fs::metadata(path).unwrap().len() as f64 / size as f64;
    println!(
        "Bytes a job: {:.0} in the database, {:.0} as NDJSON",
        bytes(database),
        bytes(&lines)
    );
    std::fs::remove_file(&lines).unwrap();
}

fn measure_start(client: &Client, database: &Path, workload: &Workload) {
    let starts = (0..STARTS).map(|_| {
        let start = Instant::now();
        let server = start_jobdeck(database);
        client
            .connect(server.address)
            .ask(&workload.requests[0].http);
        start.elapsed()
    });
    println!(
        "Start to first answer ({}): {:.1} ms",
        workload.name,
        median(starts.collect()).as_secs_f64() * 1e3
    );
}

/// Requests whose answers were compared.
struct Checked {
    requests: Requests,
    /// How large the median answer is.
    bytes: usize,
    /// How long an answer took on an average.
    time: Duration,
}

fn check(
    client: &Client,
    jobdeck: &Server,
    workload: &Workload,
    counts: &mut Counts<'_>,
) -> Checked {
    let mut connection = client.connect(jobdeck.address);
    let (mut requests, mut sizes, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for request in &workload.requests {
        let start = Instant::now();
        let body = connection.ask(&request.http);
        times.push(start.elapsed());
        sizes.push(body.len());
        assert_eq!(
            told(body, workload.told),
            counts.count(workload.count, &request.values),
            "{}",
            String::from_utf8_lossy(&request.http)
        );
        requests.push(request.http.clone());
        if times.iter().sum::<Duration>() > CHECK_BUDGET && times.len() >= LEAST_REQUESTS {
            break;
        }
    }
    Checked {
        requests: requests.into(),
        bytes: median(sizes),
        time: times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap(),
    }
}

/// How many jobs an answer says it is about.
fn told(body: &[u8], told: Told) -> i64 {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
    match told {
        Told::Total => answer["total_count"].as_i64().unwrap(),
        Told::Sum => {
            let rows = answer["results"].as_array().unwrap().iter();
            rows.flat_map(|row| row.as_object().unwrap().values())
                .filter_map(serde_json::Value::as_i64)
                .sum()
        }
    }
}

/// Counts that were made before, since some take a second.
struct Counts<'c> {
    database: &'c Connection,
    known: HashMap<String, i64>,
}

impl<'c> Counts<'c> {
    fn new(database: &'c Connection) -> Self {
        let known = HashMap::new();
        Self { database, known }
    }

    fn count(&mut self, sql: &str, values: &[rusqlite::types::Value]) -> i64 {
        let used = self.database.prepare_cached(sql).unwrap().parameter_count();
        let key = format!("{sql} {:?}", &values[..used]);
        *self.known.entry(key).or_insert_with(|| {
            let mut count = String::new();
            common::read_all(self.database, sql, values, &mut count);
            count.parse().unwrap()
        })
    }
}

/// What a server did while it was asked.
#[derive(Default)]
struct Work {
    requests: u32,
    time: Duration,
    cpu: Duration,
    /// What it took us to ask.
    client_cpu: Duration,
}

impl Work {
    /// The cells of a table: CPU a request, then requests a second, each of the floor and of this, and their ratio.
    fn beside(&self, floor: &Self) -> String {
        let cpu = |work: &Self| work.cpu.as_secs_f64() * 1e6 / f64::from(work.requests);
        let rate = |work: &Self| f64::from(work.requests) / work.time.as_secs_f64();
        format!(
            "{:.1} | {:.1} | {:.2} | {:.0} | {:.0} | {:.3}",
            cpu(floor),
            cpu(self),
            cpu(self) / cpu(floor),
            rate(floor),
            rate(self),
            rate(self) / rate(floor)
        )
    }
}

/// Has each of two servers asked for so long, in turns.
fn take_turns(
    servers: [&Server; 2],
    seconds: f64,
    ask: impl Fn(&Server, usize, Duration) -> u32,
) -> [Work; 2] {
    let time = Duration::from_secs_f64(seconds) / u32::try_from(TURNS).unwrap();
    let mut work = [Work::default(), Work::default()];
    for turn in 0..TURNS {
        for (server, work) in servers.into_iter().zip(&mut work) {
            let cpus = || (cpu_time(server.process()), cpu_time(std::process::id()));
            let ((cpu, client_cpu), start) = (cpus(), Instant::now());
            work.requests += ask(server, turn, time);
            work.time += start.elapsed();
            let (cpu_then, client_cpu_then) = cpus();
            work.cpu += cpu_then.saturating_sub(cpu);
            work.client_cpu += client_cpu_then.saturating_sub(client_cpu);
        }
    }
    work
}

/// How long all threads of a process have run, those that have ended, too: `utime` and `stime` of /proc/PID/stat.
fn cpu_time(process: u32) -> Duration {
    // What Linux shows times in, whatever it counts in itself.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name, in brackets, may hold anything; the state, the third field, comes after it.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(14 - 3).take(2);
    TICK * ticks.map(|ticks| ticks.parse::<u32>().unwrap()).sum()
}

/// What no other process could share, in kB.
fn private_memory(process: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap();
    let mut lines = rollup.lines();
    let line = lines.find_map(|line| line.strip_prefix("Private_Dirty:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// The most that is seen while all kinds of quick requests are asked at once.
fn memory_under_load(client: &Client, jobdeck: &Server, requests: &Requests, most: u16) -> u64 {
    let mut memory = 0;
    thread::scope(|scope| {
        let load = scope.spawn(|| match requests.len() {
            0 => 0,
            _ => client.load(jobdeck.address, (requests, 0), most, MIXED_TIME),
        });
        while !load.is_finished() {
            memory = memory.max(private_memory(jobdeck.process()));
            thread::sleep(Duration::from_millis(20));
        }
    });
    memory
}

/// How long the statements of a question take, on an average of the requests that were checked.
fn measure_by_hand(database: &Connection, workload: &Workload, checked: &Checked) -> Duration {
    let questions = &workload.requests[..checked.requests.len()];
    let mut rounds = Vec::new();
    let mut answer = String::new();
    let start = Instant::now();
    while start.elapsed() < SQL_BUDGET {
        let round = Instant::now();
        for question in questions {
            answer.clear();
            common::read_together(database, workload.by_hand, &question.values, &mut answer);
        }
        rounds.push(round.elapsed() / u32::try_from(questions.len()).unwrap());
    }
    median(rounds)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}
