//! Measures a serving jobdeck over a socket, against two floors in the same run.
//!
//! ```text
//! cargo bench --bench load                                  10,000, 100,000 and 1,000,000 jobs (half an hour)
//! cargo bench --bench load -- 100000 --only W1,W5 --connections 16 --seconds 5
//! ```
//!
//! Nine workloads (`workloads.rs`) of two hundred different requests each are sent on 1, 16 and 64 connections. Each line
//! shows the CPU time of the server's process per request, as Linux accounts it, and the requests per second. The first
//! figure is more reliable: the client takes its share of the machine, and so may others. And 16 connections are more
//! reliable than one, with which a server sleeps between two requests and waking it costs more on an idle machine.
//!
//! - The first floor is the cost of HTTP: an actix-web server with as many workers reads the same requests and answers
//!   with a fixed body of the workload's median size.
//! - The second floor is the cost of the questions: a program answers these nine and no other (`nine.rs`), from a
//!   database of its own.
//!
//! All take turns, so a busy machine slows all. First every answer is compared with a count of the jobs one by one, and
//! with the answer of the second floor. A workload is checked for three seconds, and measured with the requests that
//! were checked by then. One that takes more than 100 ms a request is measured with the fewest connections only, since
//! with more of them queries would reach their deadline.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a harness that ends at the first surprise"
)]

mod client;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/cpu.rs"]
mod cpu;
mod nine;
mod workloads;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use actix_web::http::header::ContentType;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};
use clap::Parser;
use rusqlite::{Connection, OpenFlags};

use client::{Client, Requester, Requests};
use common::{BINARY, NOW, Server, median};
use cpu::cpu_time;
use workloads::{TotalIn, Workload};

/// How long the answers to a workload are checked.
const CHECK_BUDGET: Duration = Duration::from_secs(3);
/// The fewest requests of a slow workload.
const MIN_REQUESTS: usize = 5;
/// Slower requests are sent on the fewest connections only.
const SLOW: Duration = Duration::from_millis(100);
/// How many turns each server has.
const TURNS: usize = 4;
/// Lets a connection read the file without copying it.
const MAPPED: &str = "PRAGMA mmap_size = 0x7fff0000";
/// How long all quick workloads are sent together, to measure memory.
const MIXED_TIME: Duration = Duration::from_secs(1);
const STARTS: usize = 5;

/// Measures a serving jobdeck against floors
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of jobs
    #[arg(value_name = "SIZE", default_values_t = [10_000, 100_000, 1_000_000], value_parser = clap::value_parser!(u64).range(1_000..))]
    sizes: Vec<u64>,
    /// Only these workloads
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = workloads::NAMES)]
    only: Vec<String>,
    /// How long each of the three servers is measured, for each workload and number of connections
    #[arg(long, value_name = "S", default_value = "2")]
    seconds: f64,
    /// The number of connections
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 16, 64])]
    connections: Vec<u16>,
    /// Passed by cargo to every bench
    #[arg(long, hide = true)]
    bench: bool,
    /// Runs the first floor: a server that answers with so many bytes
    #[arg(long, hide = true)]
    fixed_body: Option<usize>,
    /// Runs the second floor: its database, and the one of jobdeck that has the domains
    #[arg(long, hide = true, num_args = 2)]
    nine: Option<Vec<PathBuf>>,
}

fn main() {
    let arguments = Arguments::parse();
    if let Some(bytes) = arguments.fixed_body {
        return serve_fixed_body(bytes);
    }
    if let Some([database, theirs]) = arguments.nine.as_deref() {
        return nine::serve(database, theirs, workers());
    }
    for size in &arguments.sizes {
        measure(*size, &arguments);
    }
}

/// Returns the default number of jobdeck's workers.
fn workers() -> usize {
    thread::available_parallelism().unwrap().get()
}

fn serve_fixed_body(bytes: usize) {
    let body = Bytes::from(vec![b'x'; bytes]);
    let answer = move |_request: Bytes| {
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

fn start_nine(database: &Path, theirs: &Path) -> Server {
    let mut command = Command::new(std::env::current_exe().unwrap());
    Server::start(command.arg("--nine").args([database, theirs]))
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
    let counting = Connection::open_with_flags(
        &database,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .unwrap();
    counting.execute_batch(MAPPED).unwrap();
    let mut workloads = workloads::all(size, &counting);
    workloads
        .retain(|one| arguments.only.is_empty() || arguments.only.iter().any(|n| n == one.name));
    let client = Client::new();
    measure_start(&client, &database, &workloads[0]);

    let theirs = folder.path().join("nine.db");
    nine::make_database(&database, &theirs);
    let nine = start_nine(&theirs, &database);
    let jobdeck = start_jobdeck(&database);
    let fewest = *arguments.connections.iter().min().unwrap();
    let mut counts = Counts::new(&counting);
    let (mut sizes, mut quick) = (Vec::new(), Vec::new());
    let mut memory = 0;
    let (mut sent, mut client_cpu) = (0, Duration::ZERO);
    println!(
        "\n| workload | connections | fixed body, µs CPU | nine, µs CPU | jobdeck, µs CPU | / fixed | / nine \
         | fixed body, requests/s | nine | jobdeck | / fixed | / nine |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for workload in &workloads {
        let checked = check(
            [&jobdeck, &nine].map(|server| client.connect(server.address)),
            workload,
            &mut counts,
        );
        let fixed = start_fixed_body(checked.bytes);
        for connections in &arguments.connections {
            if checked.time <= SLOW || *connections == fewest {
                let work = take_turns(
                    [&fixed, &nine, &jobdeck],
                    arguments.seconds,
                    |server, turn, time| {
                        // Each turn begins elsewhere: with slow answers it reaches only a few requests.
                        let first = turn * checked.requests.len() / TURNS;
                        let all = (&checked.requests, first);
                        client.load(server.address, all, *connections, time)
                    },
                );
                sent += work[0].requests;
                client_cpu += work[0].client_cpu;
                println!("| {} | {connections} | {} |", workload.name, cells(&work));
            }
        }
        memory = memory.max(private_memory(jobdeck.process()));
        if checked.time <= SLOW {
            quick.extend(checked.requests.iter().cloned());
        }
        sizes.push((workload, checked.bytes, checked.requests.len()));
    }
    println!(
        "\nThe client took {:.1} µs CPU a request to the fixed body.",
        client_cpu.as_secs_f64() * 1e6 / f64::from(sent)
    );
    println!("\n| workload | | answer, bytes | requests |\n| --- | --- | ---: | ---: |");
    for (workload, bytes, requests) in sizes {
        println!(
            "| {} | {} | {bytes} | {requests} |",
            workload.name, workload.description
        );
    }
    let max = *arguments.connections.iter().max().unwrap();
    memory = memory.max(memory_under_load(&client, &jobdeck, &quick.into(), max));
    println!("\nPeak of private memory: {:.1} MB\n", megabytes(memory));
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
            .send(&workload.requests[0].http);
        start.elapsed()
    });
    println!(
        "Start to first answer ({}): {:.1} ms",
        workload.name,
        median(starts.collect()).as_secs_f64() * 1e3
    );
}

/// Requests whose answers were checked.
struct Checked {
    requests: Requests,
    /// The median size of an answer.
    bytes: usize,
    /// The average time of an answer.
    time: Duration,
}

/// Compares the answers of jobdeck and the second floor with each other and with counts.
fn check(
    [mut jobdeck, mut nine]: [Requester<'_>; 2],
    workload: &Workload,
    counts: &mut Counts<'_>,
) -> Checked {
    let (mut requests, mut sizes, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for request in &workload.requests {
        let start = Instant::now();
        let body = jobdeck.send(&request.http);
        times.push(start.elapsed());
        sizes.push(body.len());
        let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
        let text = String::from_utf8_lossy(&request.http);
        assert_eq!(
            total(&answer, workload.total_in),
            counts.count(workload.count, &request.values),
            "{text}"
        );
        let theirs: serde_json::Value = serde_json::from_slice(nine.send(&request.http)).unwrap();
        assert_eq!(answer, theirs, "{text}");
        requests.push(request.http.clone());
        if times.iter().sum::<Duration>() > CHECK_BUDGET && times.len() >= MIN_REQUESTS {
            break;
        }
    }
    Checked {
        requests: requests.into(),
        bytes: median(sizes),
        time: times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap(),
    }
}

/// Returns the number of jobs that an answer is about.
fn total(answer: &serde_json::Value, total_in: TotalIn) -> i64 {
    match total_in {
        TotalIn::Count => answer["total_count"].as_i64().unwrap(),
        TotalIn::Sum => {
            let rows = answer["results"].as_array().unwrap().iter();
            rows.flat_map(|row| row.as_object().unwrap().values())
                .filter_map(serde_json::Value::as_i64)
                .sum()
        }
    }
}

/// Counts of jobs, each made once, since some take a second.
struct Counts<'c> {
    database: &'c Connection,
    cache: HashMap<String, i64>,
}

impl<'c> Counts<'c> {
    fn new(database: &'c Connection) -> Self {
        let cache = HashMap::new();
        Self { database, cache }
    }

    fn count(&mut self, sql: &str, values: &[rusqlite::types::Value]) -> i64 {
        let used = self.database.prepare_cached(sql).unwrap().parameter_count();
        let key = format!("{sql} {:?}", &values[..used]);
        *self.cache.entry(key).or_insert_with(|| {
            let mut count = String::new();
            common::read_all(self.database, sql, values, &mut count);
            count.parse().unwrap()
        })
    }
}

/// What a server did in its turns.
#[derive(Default)]
struct Work {
    requests: u32,
    time: Duration,
    cpu: Duration,
    /// The CPU time of the client.
    client_cpu: Duration,
}

impl Work {
    /// Returns the CPU time per request, in µs.
    fn cpu_a_request(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / f64::from(self.requests)
    }

    fn requests_a_second(&self) -> f64 {
        f64::from(self.requests) / self.time.as_secs_f64()
    }
}

/// Formats the cells of a table: CPU per request, then requests per second, each of both floors and of jobdeck, and
/// jobdeck's ratio to each floor.
fn cells(work: &[Work; 3]) -> String {
    let [fixed, nine, ours] = work.each_ref().map(Work::cpu_a_request);
    let cpu = format!(
        "{fixed:.1} | {nine:.1} | {ours:.1} | {:.2} | {:.2}",
        ours / fixed,
        ours / nine
    );
    let [fixed, nine, ours] = work.each_ref().map(Work::requests_a_second);
    format!(
        "{cpu} | {fixed:.0} | {nine:.0} | {ours:.0} | {:.3} | {:.3}",
        ours / fixed,
        ours / nine
    )
}

/// Measures each of the servers for so long, in turns.
fn take_turns<const N: usize>(
    servers: [&Server; N],
    seconds: f64,
    send: impl Fn(&Server, usize, Duration) -> u32,
) -> [Work; N] {
    let time = Duration::from_secs_f64(seconds) / u32::try_from(TURNS).unwrap();
    let mut work = std::array::from_fn(|_| Work::default());
    for turn in 0..TURNS {
        for (server, work) in servers.into_iter().zip(&mut work) {
            let cpus = || (cpu_time(server.process()), cpu_time(std::process::id()));
            let ((cpu, client_cpu), start) = (cpus(), Instant::now());
            work.requests += send(server, turn, time);
            work.time += start.elapsed();
            let (cpu_then, client_cpu_then) = cpus();
            work.cpu += cpu_then.saturating_sub(cpu);
            work.client_cpu += client_cpu_then.saturating_sub(client_cpu);
        }
    }
    work
}

/// Returns the private memory of a process, in kB.
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

/// Returns the peak of private memory while all quick workloads are sent together.
fn memory_under_load(
    client: &Client,
    jobdeck: &Server,
    requests: &Requests,
    connections: u16,
) -> u64 {
    let mut memory = 0;
    thread::scope(|scope| {
        let load = scope.spawn(|| match requests.len() {
            0 => 0,
            _ => client.load(jobdeck.address, (requests, 0), connections, MIXED_TIME),
        });
        while !load.is_finished() {
            memory = memory.max(private_memory(jobdeck.process()));
            thread::sleep(Duration::from_millis(20));
        }
    });
    memory
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}
