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
//!   requests and answers a fixed body of the workload's median size. All are asked in turns, so a busy machine
//!   slows all.
//! - The second floor is what the questions cost: a program that answers these nine and no other (`nine.rs`), from a
//!   database of its own.
//!
//! Before it is measured, every answer is compared with a count of the jobs one by one, and with the answer of the second
//! floor. Answers that take long are few:
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

use client::{Asking, Client, Requests};
use common::{BINARY, NOW, Server, median};
use workloads::{Told, Workload};

/// How long jobdeck answers for the check of a workload.
const CHECK_BUDGET: Duration = Duration::from_secs(3);
const LEAST_REQUESTS: usize = 5;
/// A request that takes longer is asked by the fewest connections only.
const SLOW: Duration = Duration::from_millis(100);
/// How often the two servers take turns.
const TURNS: usize = 4;
/// Has a connection read the file without copying it.
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
    /// How long each of the three servers is asked, for each workload and number of connections
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
    /// Be the second floor: answer from its database, with the domains of one of jobdeck
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
    let (mut asked, mut asking) = (0, Duration::ZERO);
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
                        // Each turn goes on elsewhere: where answers take long, it comes to a few only.
                        let first = turn * checked.requests.len() / TURNS;
                        let all = (&checked.requests, first);
                        client.load(server.address, all, *connections, time)
                    },
                );
                asked += work[0].requests;
                asking += work[0].client_cpu;
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
        "\nTo ask the fixed body took the client {:.1} µs CPU a request.",
        asking.as_secs_f64() * 1e6 / f64::from(asked)
    );
    println!("\n| workload | | answer, bytes | requests |\n| --- | --- | ---: | ---: |");
    for (workload, bytes, requests) in sizes {
        println!(
            "| {} | {} | {bytes} | {requests} |",
            workload.name, workload.what
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

/// Asks jobdeck and the second floor.
fn check(
    [mut jobdeck, mut nine]: [Asking<'_>; 2],
    workload: &Workload,
    counts: &mut Counts<'_>,
) -> Checked {
    let (mut requests, mut sizes, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for request in &workload.requests {
        let start = Instant::now();
        let body = jobdeck.ask(&request.http);
        times.push(start.elapsed());
        sizes.push(body.len());
        let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
        let asked = String::from_utf8_lossy(&request.http);
        assert_eq!(
            told(&answer, workload.told),
            counts.count(workload.count, &request.values),
            "{asked}"
        );
        let theirs: serde_json::Value = serde_json::from_slice(nine.ask(&request.http)).unwrap();
        assert_eq!(answer, theirs, "{asked}");
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
fn told(answer: &serde_json::Value, told: Told) -> i64 {
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
    /// In µs.
    fn cpu_a_request(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / f64::from(self.requests)
    }

    fn requests_a_second(&self) -> f64 {
        f64::from(self.requests) / self.time.as_secs_f64()
    }
}

/// The cells of a table: CPU a request, then requests a second, each of both floors and of jobdeck, and what jobdeck's is
/// of the floors'.
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

/// Has each of the servers asked for so long, in turns.
fn take_turns<const N: usize>(
    servers: [&Server; N],
    seconds: f64,
    ask: impl Fn(&Server, usize, Duration) -> u32,
) -> [Work; N] {
    let time = Duration::from_secs_f64(seconds) / u32::try_from(TURNS).unwrap();
    let mut work = std::array::from_fn(|_| Work::default());
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

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}
