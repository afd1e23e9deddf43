//! Robustness: the binary is killed, its disk is full, its clients misbehave, and it keeps its promises.
//!
//! `cargo test` does a little of it. `ENDURE=10 cargo test --release --test endure -- --nocapture` kills ten times as often,
//! and checks the promises about time, which are only printed otherwise, since the machine may be busy.
#![cfg(test)]
#![expect(
    clippy::print_stdout,
    reason = "`--nocapture` shows what happened, and how often"
)]

mod crash;
mod faults;
mod load;
mod replication;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_jobdeck");
/// The longest time that these tests wait for anything.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// Returns how many times as much is done as usual; `None` is as usual.
fn thoroughly() -> Option<u32> {
    let times = std::env::var("ENDURE").ok()?;
    Some(times.parse().expect("ENDURE is a number"))
}

fn rounds(usual: u32) -> u32 {
    usual * thoroughly().unwrap_or(1)
}

/// Prints how long something took, and with `ENDURE` checks that it is within the promise.
#[track_caller]
fn promised(what: &str, took: Duration, limit: Duration) {
    println!("{what}: {took:?}, promised are {limit:?}");
    assert!(thoroughly().is_none() || took <= limit, "{what}: {took:?}");
}

/// Prints that a test is skipped.
fn skip(why: &str) {
    println!("SKIPPED: {why}");
}

/// Returns a folder, in memory where there is such a file system: usual runs have no time to wait for a disk.
fn folder() -> TempDir {
    let in_memory = Path::new("/dev/shm");
    if thoroughly().is_none() && in_memory.is_dir() {
        return tempfile::tempdir_in(in_memory).unwrap();
    }
    tempfile::tempdir().unwrap()
}

fn jobdeck(folder: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(folder).env_clear();
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    finish(jobdeck(folder).args(arguments))
}

/// Runs a command to its end.
#[track_caller]
fn finish(command: &mut Command) -> Output {
    let (mut stdout, mut stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let mut child = command
        .stdout(stdout.try_clone().unwrap())
        .stderr(stderr.try_clone().unwrap())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if start.elapsed() > MAX_WAIT => {
                child.kill().unwrap();
                panic!("it does not end: {command:?}");
            }
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let read = |file: &mut std::fs::File| {
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    };
    let (stdout, stderr) = (read(&mut stdout), read(&mut stderr));
    Output {
        status,
        stdout,
        stderr,
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Runs a command that must succeed, and returns its standard output.
#[track_caller]
fn ok(folder: &Path, arguments: &[&str]) -> String {
    succeeded(&run(folder, arguments))
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

/// Returns the one line on standard error of a command that must fail.
#[track_caller]
fn failed(output: &Output) -> String {
    let line = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert!(line.starts_with("jobdeck: "), "{line}");
    assert_eq!(line.lines().count(), 1, "one line: {line}");
    line.to_owned()
}

/// Checks that a database has no problem, and returns all its jobs as NDJSON.
#[track_caller]
fn sound(folder: &Path) -> String {
    let report = ok(folder, &["check"]);
    assert!(report.ends_with(", nothing is wrong\n"), "{report}");
    ok(folder, &["export"])
}

/// Generates jobs, the same for the same seed, as NDJSON.
fn generated(jobs: u32, seed: u32) -> String {
    let (jobs, seed) = (jobs.to_string(), seed.to_string());
    let now = "2026-01-01T00:00:00Z";
    let arguments = ["generate", "--jobs", &jobs, "--seed", &seed, "--now", now];
    ok(Path::new("."), &arguments)
}

fn job(id: &str, number: u64) -> String {
    format!(
        "{{\"job_id\":\"{id}\",\"domain_id\":\"d\",\"created_at\":\"2022-06-17T08:00:00Z\",\"filter\":{{\"n\":{number}}},\
         \"errors\":[{{\"error_code\":\"E{}\"}}]}}\n",
        number % 7
    )
}

/// Returns jobs of domain `d`, as NDJSON.
fn jobs(count: u64) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        write!(text, "{}", job(&format!("job-{number:06}"), number)).unwrap();
        text
    })
}

/// Returns a folder with a `jobdeck.db` of these jobs.
fn with_jobs(jobs: &str) -> TempDir {
    let folder = folder();
    std::fs::write(folder.path().join("jobs.ndjson"), jobs).unwrap();
    ok(folder.path(), &["import", "jobs.ndjson"]);
    folder
}

/// Waits until a condition holds.
#[track_caller]
fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < MAX_WAIT, "{what}");
        std::thread::yield_now();
    }
}

/// A server in a process of its own, which is killed when this is dropped.
struct Server {
    child: Child,
    address: String,
    agent: ureq::Agent,
    log: PathBuf,
}

/// Status and body.
type Answer = (u16, String);

impl Server {
    /// Serves `jobdeck.db` of this folder, and logs to `log` there.
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = jobdeck(folder);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.args(arguments);
        Self::spawn(command, folder)
    }

    #[track_caller]
    fn spawn(mut command: Command, folder: &Path) -> Self {
        let server = Self::try_spawn(&mut command, folder);
        server.unwrap_or_else(|output| panic!("{}", text(&output.stderr)))
    }

    /// Starts a server; returns the output of one that ends instead.
    fn try_spawn(command: &mut Command, folder: &Path) -> Result<Self, Output> {
        let log = folder.join("log");
        command.stderr(std::fs::File::create(&log).unwrap());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("jobdeck listening on http://");
        let Some(address) = address.map(str::to_owned) else {
            let mut output = child.wait_with_output().unwrap();
            output.stderr = std::fs::read(&log).unwrap();
            return Err(output);
        };
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(MAX_WAIT))
            .build()
            .into();
        Ok(Self {
            child,
            address,
            agent,
            log,
        })
    }

    /// Sends a request and returns the answer, or the error of the connection.
    fn try_send(&self, method: &str, path: &str, body: &str) -> Result<Answer, ureq::Error> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        let mut answer = if body.is_empty() {
            self.agent.run(request.body(())?)?
        } else {
            let content_type = match (method, path.starts_with("/jobdeck/jobs?")) {
                ("POST", true) => "application/x-ndjson",
                ("PATCH", _) => "application/merge-patch+json",
                _ => "application/json",
            };
            let request = request.header("content-type", content_type);
            self.agent.run(request.body(body)?)?
        };
        let text = answer
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_to_string()?;
        Ok((answer.status().as_u16(), text))
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        self.try_send(method, path, body).unwrap()
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "")
    }

    /// Returns the body of an answer that must be a 200.
    #[track_caller]
    fn good(&self, path: &str) -> Value {
        let (status, text) = self.get(path);
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until the process ends.
    fn ended(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Stops the server with SIGTERM, and checks that it ended well.
    #[track_caller]
    fn stop(self) {
        self.signal("-TERM");
        let path = self.log.clone();
        let status = self.ended();
        let log = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!log.contains("panicked"), "{log}");
    }

    /// Waits until a text is logged: lines are written a little after what they are about.
    #[track_caller]
    fn has_logged(&self, text: &str) {
        let start = Instant::now();
        while !self.log().contains(text) {
            let log = self.log();
            assert!(start.elapsed() < Duration::from_mins(1), "{text}: {log}");
            std::thread::yield_now();
        }
    }

    /// Returns the log so far.
    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Returns how many descriptors the process has open.
    fn descriptors(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        open.unwrap().count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the status and the code of an error, which must have the usual shape.
#[track_caller]
fn error_code((status, text): &Answer) -> String {
    let body: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{status}: {text}"));
    let code = body["detail"]["code"].as_str().unwrap_or_default();
    format!("{status} {code}")
}
