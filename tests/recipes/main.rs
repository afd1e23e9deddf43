//! Runs the recipes of tests/recipes and the files of static/docs/deploy as they are, each in a folder of its own, with
//! `jobdeck` on the path.
//!
//! `cargo test` ignores those that need Python or Node; `tests/run` installs what they need and runs them.
#![cfg(test)]

mod deploy;
mod node;
mod python;
mod shell;

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const JOBDECK: &str = env!("CARGO_BIN_EXE_jobdeck");
/// The folders whose files users copy.
const RECIPES: &str = "tests/recipes";
const DEPLOY: &str = "static/docs/deploy";
/// The jobs that several recipes share.
const FIXTURE: &str = "tests/recipes/fixtures/jobs.ndjson";

/// The text of a file of the repository.
#[track_caller]
fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// The paths below a folder of the repository, in order, without installed packages.
fn files_below(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        if !entry.file_type().unwrap().is_dir() {
            found.push(path);
        } else if name != "node_modules" {
            found.extend(files_below(&path));
        }
    }
    found.sort();
    found
}

/// A folder with copies of files, as a user has them; its `tmp` is the folder of temporary files.
fn folder(paths: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["tmp", "fixtures"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    for path in paths {
        let (_, name) = path.rsplit_once('/').unwrap();
        let to = if *path == FIXTURE {
            folder.path().join("fixtures").join(name)
        } else {
            folder.path().join(name)
        };
        std::fs::copy(Path::new(ROOT).join(path), to).unwrap();
    }
    folder
}

/// A program with `jobdeck` on its path, in a folder.
fn program(folder: &Path, program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    let binaries = Path::new(JOBDECK).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([binaries].into_iter().chain(std::env::split_paths(&path)));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("JOBDECK_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(folder)
        .env("PATH", path.unwrap())
        .env("TMPDIR", folder.join("tmp"))
        // Nobody listens there, so a client that used this proxy would get no answer.
        .env("http_proxy", "http://127.0.0.1:1")
        .env("NO_COLOR", "1")
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .stdin(Stdio::null());
    command
}

/// Runs a program to its end. One that does not end is killed with all that it has started, and fails the test.
#[track_caller]
fn run(command: &mut Command) -> Output {
    let child = command
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let group = format!("-{}", child.id());
    let (done, is_done) = mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        let is_late =
            is_done.recv_timeout(Duration::from_mins(2)) == Err(RecvTimeoutError::Timeout);
        if is_late {
            let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
            assert!(killed.unwrap().success());
        }
        is_late
    });
    let output = child.wait_with_output().unwrap();
    drop(done);
    assert!(!guard.join().unwrap(), "it does not end: {}", said(&output));
    output
}

/// Standard output and standard error.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Checks that the servers that were started here have ended and removed their databases.
#[track_caller]
fn nothing_is_left(folder: &Path) {
    let left: Vec<_> = std::fs::read_dir(folder.join("tmp"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // The tools of Node leave caches.
        .filter(|name| name.starts_with("jobdeck") || name.starts_with("tmp."))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

/// A program that prints its URL in a line; it is killed when the test ends, however it ends.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Waits for the line with a URL; programs that end instead fail the test.
    #[track_caller]
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut heard = String::new();
        for line in lines {
            let line = line.unwrap();
            if let Some((_, url)) = line.split_once("http://") {
                let url = format!("http://{}", url.trim().trim_end_matches('/'));
                return Self { child, url };
            }
            heard += &line;
        }
        let status = child.wait().unwrap();
        panic!("{command:?} ended, {status}: {heard}");
    }

    fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// Requests a path with a `Host`; returns the status and the body.
    fn get(&self, path: &str, host: &str) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        let url = format!("http://127.0.0.1:{}{path}", self.port());
        let mut answer = agent.get(url).header("host", host).call().unwrap();
        let body = answer.body_mut().read_json().unwrap();
        (answer.status().as_u16(), body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files that users copy. Those of tests/recipes itself are the tests, and what they install.
fn copied_files() -> Vec<String> {
    let mut files = files_below(RECIPES);
    files.retain(|path| path[RECIPES.len() + 1..].contains('/'));
    files.extend(files_below(DEPLOY));
    files
}

#[test]
fn every_file_has_a_test() {
    let sources = files_below("tests");
    let sources = sources
        .iter()
        .filter(|path| Path::new(path).extension().is_some_and(|name| name == "rs"));
    let tests: String = sources.map(|path| text(path)).collect();
    for path in copied_files() {
        // The tests in other folders name the files to deploy without their folder.
        let name = path.strip_prefix("static/docs/deploy/").unwrap_or(&path);
        assert!(tests.contains(&format!("{name}\"")), "{path}");
    }
}
