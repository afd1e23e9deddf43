//! The binary as a child process, and a client that sends bytes.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The longest time of any answer.
pub(crate) const BOUND: Duration = Duration::from_secs(30);
/// The highest peak of memory that the process may have.
const MAX_MEMORY_KIB: u64 = 256 << 10;

/// A domain that no hostile request is about: its answers must never change.
const GOOD_DOMAIN: &str = "good";

/// A mock server, since it has every route. It is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("jobs.ndjson"), jobs()).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_jobdeck"))
            .current_dir(folder.path())
            .env_clear()
            .args([
                "serve",
                "--mock",
                "--fixtures",
                "jobs.ndjson",
                "--workers",
                "2",
            ])
            .args(["--now", "2022-06-20T12:00:00Z", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit('/').next().unwrap().to_owned();
        Self {
            child,
            address,
            folder,
        }
    }

    pub(crate) fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection {
            stream,
            read: Vec::new(),
        }
    }

    /// Returns a client that reuses its connection as long as the server does.
    pub(crate) fn client(&self) -> Client<'_> {
        Client {
            server: self,
            connection: None,
            requests: 0,
        }
    }

    /// Resets the mock: above all its faults, which would affect good requests.
    pub(crate) fn reset(&self) {
        let answer = self
            .client()
            .ask(&request("POST", "/jobdeck/reset", "", b""));
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Checks that good requests have the right answers, that no error was logged, and the memory.
    #[track_caller]
    pub(crate) fn check_is_well(&self) {
        let mut client = self.client();
        let asked = json!({"domain_id": GOOD_DOMAIN, "query": {"sort": {"key": "job_id"}, "only": ["job_id", "filter.n"]}});
        let found = client.ask(&post(
            "/inventory/v1/jobs/search",
            asked.to_string().as_bytes(),
        ));
        let expected = r#"{"results":[{"job_id":"job-0","filter":{"n":0}},{"job_id":"job-1","filter":{"n":1}},{"job_id":"job-2","filter":{"n":2}}],"total_count":3}"#;
        assert_eq!((found.status, found.text()), (200, expected.to_owned()));
        let counted = client.ask(&post(
            "/inventory/v1/jobs/stat",
            json!({"domain_id": GOOD_DOMAIN, "query": {"aggregate": [{"count": {"name": "n"}}]}})
                .to_string()
                .as_bytes(),
        ));
        assert_eq!(counted.text(), r#"{"results":[{"n":3}]}"#);
        let listed = client.ask(&request(
            "GET",
            "/inventory/v1/jobs?domain_id=good&query.count_only=true",
            "",
            b"",
        ));
        assert_eq!(listed.text(), r#"{"results":[],"total_count":3}"#);

        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        let fault = log
            .lines()
            .find(|line| line.contains(" ERROR ") || line.contains("panicked"));
        assert_eq!(fault, None, "the log has a fault");
        let memory = self.peak_memory_kib();
        assert!(memory < MAX_MEMORY_KIB, "it has needed {memory} KiB");
    }

    fn peak_memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.unwrap().split_whitespace().next().unwrap();
        number.parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Returns jobs of the good domain, and of one with long texts, deep documents and odd names for hostile queries.
fn jobs() -> String {
    let mut lines = String::new();
    for n in 0..3 {
        let job = json!({"job_id": format!("job-{n}"), "domain_id": GOOD_DOMAIN, "created_at": "2022-06-17T08:00:00Z", "filter": {"n": n}});
        writeln!(lines, "{job}").unwrap();
    }
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    for n in 0..40 {
        let job = json!({
            "job_id": format!("job-{n:03}"), "domain_id": "d", "created_at": "2022-06-17T08:00:00Z",
            "status": "ERROR", "total_tasks": i32::MAX, "project_id": "project-1",
            "errors": [{"error_code": "E1", "message": "a".repeat(2_000) + "b", "additional": {"big": 9_223_372_036_854_775_807_i64}}],
            "collector_info": {"collector_id": "c1", "name": "x' OR '1'='1", "a\"b.c'd": 1.5e300},
            "filter": {"$[0]": deep, "": {"": null}, "\\": "\u{1}", "a": [1, 2.5, "3", null, true, {"b": [[]]}]}
        });
        writeln!(lines, "{job}").unwrap();
    }
    lines
}

/// Makes a request of HTTP/1.1, with a length where there is a body.
pub(crate) fn request(method: &str, target: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n{headers}").into_bytes();
    if !body.is_empty() || method != "GET" {
        bytes.extend(format!("content-length: {}\r\n", body.len()).bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}

/// Makes a POST with the media type of JSON.
pub(crate) fn post(target: &str, body: &[u8]) -> Vec<u8> {
    request("POST", target, "content-type: application/json\r\n", body)
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(found, value)| (found == name).then_some(value))
    }

    /// Checks that the status is no 5xx, and that an error of the client has the usual shape.
    #[track_caller]
    pub(crate) fn check(&self, about: impl Fn() -> String) {
        assert!((200..500).contains(&self.status), "{}\n{self:?}", about());
        if self.status < 400 || self.header("x-request-id").is_none() {
            return;
        }
        let error: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let is_usual = error["detail"]["code"]
            .as_str()
            .is_some_and(|code| code.starts_with("ERROR_"))
            && error["detail"]["message"]
                .as_str()
                .is_some_and(|message| (1..8_000).contains(&message.len()));
        assert!(is_usual, "{}\n{self:?}", about());
    }
}

/// A connection, from which answers are read one after the other.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// Sends as much as the server takes: it may answer and close the connection before it has read everything. Returns
    /// whether all was sent.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.set_write_timeout(Some(BOUND)).unwrap();
        match self.stream.write_all(bytes) {
            Ok(()) => true,
            Err(error) => {
                let is_closed = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
                assert!(is_closed.contains(&error.kind()), "{error}");
                false
            }
        }
    }

    /// Closes the sending side.
    pub(crate) fn end(&mut self) {
        // It may have been closed by the other side.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Returns the next answer; `None` where the connection was closed instead.
    pub(crate) fn answer(&mut self, is_of_head: bool) -> Option<Answer> {
        let due = Instant::now() + BOUND;
        let end = loop {
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                break end;
            }
            if !self.more(due) {
                assert!(self.read.is_empty(), "half an answer");
                return None;
            }
        };
        let head = String::from_utf8_lossy(&self.read[..end]).to_lowercase();
        self.read.drain(..end + 4);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer {
            status,
            head,
            body: Vec::new(),
        };
        if is_of_head || status == 204 || status == 304 {
            return Some(answer);
        }
        if answer.header("transfer-encoding").is_some() {
            loop {
                let size = self.line(due);
                let size = usize::from_str_radix(size.trim(), 16).unwrap();
                answer.body.extend(self.take(size, due));
                self.take(2, due);
                if size == 0 {
                    return Some(answer);
                }
            }
        }
        let length = answer.header("content-length").unwrap_or("0");
        answer.body = self.take(length.parse().unwrap(), due);
        Some(answer)
    }

    fn line(&mut self, due: Instant) -> String {
        loop {
            if let Some(end) = find(&self.read, b"\r\n") {
                let line = self.read.drain(..end + 2).collect();
                return String::from_utf8(line).unwrap();
            }
            assert!(self.more(due), "half an answer");
        }
    }

    fn take(&mut self, length: usize, due: Instant) -> Vec<u8> {
        while self.read.len() < length {
            assert!(self.more(due), "half an answer");
        }
        self.read.drain(..length).collect()
    }

    /// Reads on; returns false at the end.
    fn more(&mut self, due: Instant) -> bool {
        let left = due.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "no answer within {BOUND:?}");
        self.stream.set_read_timeout(Some(left)).unwrap();
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(length) => {
                self.read.extend(&buffer[..length]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("no answer within {BOUND:?}: {error}"),
        }
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

/// Sends one request after the other.
pub(crate) struct Client<'s> {
    server: &'s Server,
    connection: Option<Connection>,
    requests: usize,
}

impl Client<'_> {
    /// Sends a well-framed request and returns the answer, which there must be.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: &[u8]) -> Answer {
        self.requests += 1;
        let is_of_head = request.starts_with(b"HEAD ");
        // The server may have closed a connection on which it has answered.
        if let Some(mut connection) = self.connection.take() {
            connection.send(request);
            if let Some(answer) = connection.answer(is_of_head) {
                return self.keep(connection, answer);
            }
        }
        let mut connection = self.server.connect();
        connection.send(request);
        let answer = connection.answer(is_of_head).unwrap_or_else(|| {
            let start = &request[..request.len().min(2_000)];
            panic!("no answer to {}", String::from_utf8_lossy(start))
        });
        self.keep(connection, answer)
    }

    fn keep(&mut self, connection: Connection, answer: Answer) -> Answer {
        if answer.header("connection") != Some("close") {
            self.connection = Some(connection);
        }
        answer
    }

    /// Returns how many requests were sent.
    pub(crate) fn requests(&self) -> usize {
        self.requests
    }
}
