//! Load: many slow clients and heavy queries. Quick queries are answered meanwhile, and all resources are freed.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    MAX_WAIT, Server, error_code, finish, jobdeck, jobs, promised, rounds, thoroughly, wait_until,
    with_jobs,
};

const JOBS: usize = 6_000;
const QUICK: &str = "/inventory/v1/jobs?domain_id=d&query.page.limit=5";
const ALL: &str = "/jobdeck/export?format=ndjson&domain_id=d";

/// Returns jobs that together are larger than the socket buffers of a client that does not read.
fn large() -> TempDir {
    let padding = format!(
        "\"filter\":{{\"x\":[1,2,3],\"padding\":\"{}\",",
        "x".repeat(2_000)
    );
    with_jobs(&jobs(JOBS as u64).replace("\"filter\":{", &padding))
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// Status and body.
    Whole(u16, String),
    /// The connection was refused or closed without an answer.
    Refused,
    /// The answer is incomplete.
    Incomplete(String),
}

fn connect(server: &Server) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(&server.address)?;
    stream.set_read_timeout(Some(MAX_WAIT))?;
    Ok(stream)
}

fn request(method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads an answer that has a Content-Length.
fn read(stream: &mut TcpStream) -> Outcome {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16 << 10]);
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if length == Some(body.len()) {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                return Outcome::Whole(status, body.to_owned());
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) if bytes.is_empty() => return Outcome::Refused,
            Ok(0) | Err(_) => return Outcome::Incomplete(text.into_owned()),
            Ok(count) => bytes.extend(&buffer[..count]),
        }
    }
}

/// Returns a statistics query that never finishes: each stage has three times as many rows as the one before.
fn endless() -> String {
    let project = |fields: Value| json!({"project": {"fields": fields}});
    let mut stages = vec![project(json!([{"name": "x", "key": "filter.x"}]))];
    for _ in 0..23 {
        stages.push(project(
            json!([{"name": "x", "key": "x"}, {"name": "y", "key": "x"}]),
        ));
        stages.push(json!({"unwind": {"path": "y"}}));
    }
    stages.push(json!({"count": {"name": "n"}}));
    json!({"domain_id": "d", "query": {"aggregate": stages}}).to_string()
}

/// Clients that send nothing, or send very slowly.
struct Slow(Mutex<Vec<(TcpStream, Vec<u8>)>>);

impl Slow {
    fn new(server: &Server, idle: usize, heads: usize, bodies: usize) -> Self {
        let head = request("GET", QUICK, "").into_bytes();
        let body = request("POST", "/inventory/v1/jobs/search", &" ".repeat(5_000)).into_bytes();
        let with = |rest: &[u8], begun: usize| {
            let mut stream = connect(server).unwrap();
            stream.write_all(&rest[..begun]).unwrap();
            (stream, rest[begun..].to_vec())
        };
        let idle = (0..idle).map(|_| with(&[], 0));
        let heads = (0..heads).map(|_| with(&head, 5));
        let bodies = (0..bodies).map(|_| with(&body, 200));
        Self(Mutex::new(idle.chain(heads).chain(bodies).collect()))
    }

    /// Sends one more byte of each; connections that the server has closed are dropped.
    fn drip(&self) {
        self.0.lock().unwrap().retain_mut(|(stream, rest)| {
            let Some(byte) = rest.first().copied() else {
                return true;
            };
            rest.remove(0);
            stream.write_all(&[byte]).is_ok()
        });
    }
}

/// Returns the CPU time of a server, in hundredths of a second.
fn processor_time(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.child.id())).unwrap();
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Sends queries that keep the server busy; returns when it is.
fn send_heavy(server: &Server, count: usize) -> Vec<TcpStream> {
    let before = processor_time(server);
    let body = request("POST", "/inventory/v1/jobs/stat", &endless());
    let asked = (0..count)
        .map(|_| {
            let mut stream = connect(server).unwrap();
            stream.write_all(body.as_bytes()).unwrap();
            stream
        })
        .collect();
    wait_until("a heavy query runs", || {
        processor_time(server) > before + 20
    });
    asked
}

#[test]
fn quick_queries_are_answered_while_slow_ones_run() {
    const CLIENTS: u32 = 64;
    let folder = large();
    let here = folder.path();
    let server = Server::start(here, &["--query-timeout", "3"]);
    let expected = server.get(QUICK);
    assert_eq!(expected.0, 200);
    let at_first = server.descriptors();
    let more = jobs(1_500).replace("\"domain_id\":\"d\"", "\"domain_id\":\"e\"");
    std::fs::write(here.join("more.ndjson"), more).unwrap();
    let mut most = 0;
    let mut took = Vec::new();
    for round in 0..2 {
        let slow = Slow::new(&server, 300, 100, 50);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    slow.drip();
                    thread::sleep(Duration::from_millis(50));
                }
            });
            // Streams of which only the beginning is read, and statistics that never end.
            let mut open = Vec::new();
            for _ in 0..6 {
                let mut stream = connect(&server).unwrap();
                stream
                    .write_all(request("GET", ALL, "").as_bytes())
                    .unwrap();
                open.push(stream);
            }
            open.extend(send_heavy(&server, 6));
            let import = scope.spawn(|| finish(jobdeck(here).args(["import", "more.ndjson"])));
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut stream = connect(&server).unwrap();
                        let asked = request("GET", QUICK, "");
                        let mut took = Vec::new();
                        for _ in 0..rounds(20) {
                            let start = Instant::now();
                            stream.write_all(asked.as_bytes()).unwrap();
                            let outcome = read(&mut stream);
                            took.push(start.elapsed());
                            assert_eq!(outcome, Outcome::Whole(expected.0, expected.1.clone()));
                        }
                        took
                    })
                })
                .collect();
            for client in clients {
                took.extend(client.join().unwrap());
            }
            most = most.max(server.descriptors());
            let imported = import.join().unwrap();
            assert!(imported.status.success(), "{imported:?}");
            done.store(true, Ordering::Relaxed);
        });
        drop(slow);
        // The readers stay open, each with the file and its log.
        wait_until(&format!("descriptors are given back, {round}"), || {
            server.descriptors() <= at_first + 8 * 3
        });
    }
    assert!(most > at_first + 400, "only {most} descriptors were open");
    took.sort();
    println!(
        "{} quick answers, half of them within {:?}",
        took.len(),
        took[took.len() / 2]
    );
    promised(
        "99 of 100 within",
        took[took.len() * 99 / 100],
        Duration::from_secs(1),
    );
    assert_eq!(server.good("/jobdeck/domains")["results"][1]["jobs"], 1_500);
    server.stop();
}

#[test]
fn a_query_ends_when_its_client_has_gone() {
    let folder = large();
    let timeout = MAX_WAIT * 10;
    let seconds = timeout.as_secs().to_string();
    let server = Server::start(
        folder.path(),
        &["--workers", "2", "--query-timeout", &seconds],
    );
    // They take every permit for statistics.
    let heavy = send_heavy(&server, 2);
    let start = Instant::now();
    for stream in &heavy {
        stream.shutdown(Shutdown::Both).unwrap();
    }
    drop(heavy);
    let stat = r#"{"domain_id":"d","query":{"aggregate":[{"unwind":{"path":"errors"}},{"count":{"name":"n"}}]}}"#;
    let (status, text) = server.send("POST", "/inventory/v1/jobs/stat", stat);
    assert_eq!(
        (status, text),
        (200, format!("{{\"results\":[{{\"n\":{JOBS}}}]}}"))
    );
    // This includes the time of the answer itself.
    promised(
        "a permit is free again, and the query answered",
        start.elapsed(),
        Duration::from_millis(500),
    );
    server.stop();
}

#[test]
fn a_server_stopped_under_load_answers_the_requests_it_has() {
    const CLIENTS: usize = 64;
    let folder = large();
    let server = Server::start(folder.path(), &["--workers", "2"]);
    let expected = Outcome::Whole(200, server.get(QUICK).1);
    let slow = Slow::new(&server, 200, 50, 20);
    let mut heavy = send_heavy(&server, 2);
    // Streams whose first bytes have been read.
    let mut streams: Vec<_> = (0..2)
        .map(|_| {
            let mut stream = connect(&server).unwrap();
            stream
                .write_all(request("GET", ALL, "").as_bytes())
                .unwrap();
            stream.read_exact(&mut [0; 64]).unwrap();
            stream
        })
        .collect();
    let stopped_at: Mutex<Option<Instant>> = Mutex::new(None);
    let counts = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let asked = request("GET", QUICK, "");
                    let (mut answered, mut late) = (0, 0);
                    let mut stream = connect(&server).unwrap();
                    loop {
                        let start = Instant::now();
                        let sent = stream.write_all(asked.as_bytes());
                        let outcome = sent.map_or(Outcome::Refused, |()| read(&mut stream));
                        if outcome == expected {
                            answered += 1;
                            continue;
                        }
                        assert_eq!(
                            outcome,
                            Outcome::Refused,
                            "an answer is whole, or there is none"
                        );
                        let stopped_at = stopped_at.lock().unwrap().expect("not before the stop");
                        late += usize::from(start < stopped_at);
                        return (answered, late);
                    }
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(300));
        *stopped_at.lock().unwrap() = Some(Instant::now());
        server.signal("-TERM");
        let streams: Vec<_> = streams
            .iter_mut()
            .map(|stream| {
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest).unwrap();
                String::from_utf8(rest).unwrap()
            })
            .collect();
        for rest in streams {
            assert!(rest.ends_with("0\r\n\r\n"), "the stream is whole");
            assert_eq!(rest.matches("\"job_id\"").count(), JOBS);
        }
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    });
    let (answered, late) = counts;
    println!("stopped under load: {answered} answers, {late} earlier requests had none");
    // On a busy machine a request may stay unread for longer than the server waits.
    let most = if thoroughly().is_none() {
        CLIENTS / 2
    } else {
        0
    };
    assert!(
        late <= most,
        "{late} requests were sent before the stop and not answered"
    );
    for stream in &mut heavy {
        let outcome = read(stream);
        let Outcome::Whole(status, text) = &outcome else {
            panic!("{outcome:?}");
        };
        let answer = (*status, text.clone());
        let is_usual = error_code(&answer) == "503 ERROR_UNAVAILABLE";
        assert!(is_usual && text.contains("is stopping"), "{text}");
    }
    let start = stopped_at.into_inner().unwrap().unwrap();
    let log = server.log();
    assert_eq!(server.ended().code(), Some(0), "{log}");
    promised(
        "stopped under load",
        start.elapsed(),
        Duration::from_secs(10),
    );
    drop(slow);
}
