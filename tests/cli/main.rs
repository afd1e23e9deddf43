//! The binary as a person or a script runs it: its output, its errors, and its exit codes.
#![cfg(test)]

mod backup;
mod demo;
mod docs;
mod environment;
mod filtered_import;
mod inputs;
mod list;
mod logs;
mod manual;
mod mock;
mod mongodb;
mod notify;
mod prune;
mod reach;
mod receiver;
mod replica;
mod report;
mod restore;
mod run;
mod show;
mod stat;
mod stuck;
mod supervisor;
mod tokens;
mod versions;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::{Duration, Instant};

use jobdeck::clock::Clock;
use jobdeck::job::Job;
use tempfile::TempDir;

fn jobdeck(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobdeck"));
    command
        .current_dir(folder)
        .env_clear()
        .env("RUST_LOG", "info");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    jobdeck(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Standard output of a run that must succeed.
#[track_caller]
fn ok(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout).to_owned()
}

/// The one line on standard error of a run that must fail with `code`.
#[track_caller]
fn fails(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(folder, arguments);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stderr).to_owned()
}

#[track_caller]
fn check_line(got: &str, expected: &str) {
    assert!(got.starts_with(expected), "\n got: {got}want: {expected}");
    assert_eq!(got.lines().count(), 1, "one line: {got}");
}

fn job(id: usize, members: &str) -> String {
    format!(
        "{{\"job_id\":\"j{id}\",\"domain_id\":\"d\",\"created_at\":\"2022-06-17T08:00:00Z\"{members}}}\n"
    )
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A folder with `jobdeck.db` and the `jobs.ndjson` that it was imported from.
fn with_one_job() -> TempDir {
    let folder = folder();
    std::fs::write(folder.path().join("jobs.ndjson"), job(1, "")).unwrap();
    ok(folder.path(), &["import", "jobs.ndjson"]);
    folder
}

#[test]
fn export_and_import_give_the_same_database_back() {
    let folder = folder();
    let here = folder.path();
    ok(
        here,
        &["generate", "--jobs", "500", "--output", "made.ndjson"],
    );
    assert_eq!(
        ok(here, &["import", "made.ndjson"]),
        "read 500 jobs, jobdeck.db: 500 added, 0 replaced, 0 skipped\n"
    );
    let exported = ok(here, &["export"]);
    assert_eq!(
        exported,
        std::fs::read_to_string(here.join("made.ndjson")).unwrap()
    );
    ok(here, &["export", "--output", "out.ndjson"]);
    ok(here, &["import", "--db", "again.db", "out.ndjson"]);
    assert_eq!(ok(here, &["export", "--db", "again.db"]), exported);
    assert_eq!(
        ok(here, &["check", "--db", "again.db"]),
        "again.db: 500 jobs, nothing is wrong\n"
    );
    assert_eq!(
        ok(here, &["import", "--on-conflict", "skip", "made.ndjson"]),
        "read 500 jobs, jobdeck.db: 0 added, 0 replaced, 500 skipped\n"
    );
    let said = fails(here, &["import", "--on-conflict", "fail", "made.ndjson"], 1);
    assert!(
        said.starts_with("jobdeck: made.ndjson: line 1: job job-"),
        "{said}"
    );
    assert!(
        said.ends_with("\n500 mistakes, in 500 of 500 jobs; nothing was changed\n"),
        "{said}"
    );
}

#[test]
fn an_output_never_replaces_a_database_or_a_pipe() {
    let folder = with_one_job();
    let here = folder.path();
    for arguments in [
        &["export", "--output", "jobdeck.db"][..],
        &["generate", "--output", "jobdeck.db"],
    ] {
        check_line(
            &fails(here, arguments, 1),
            "jobdeck: jobdeck.db: is a SQLite database or belongs to one",
        );
    }
    assert_eq!(
        ok(here, &["check"]),
        "jobdeck.db: 1 job, nothing is wrong\n"
    );
    std::os::unix::fs::symlink("target.ndjson", here.join("link")).unwrap();
    std::fs::write(here.join("target.ndjson"), "old").unwrap();
    check_line(
        &fails(here, &["export", "--output", "link"], 1),
        "jobdeck: link: exists already; name another file, or add `--force` to replace it",
    );
    ok(here, &["export", "--output", "link", "--force"]);
    assert!(here.join("link").is_symlink());
    assert_eq!(
        std::fs::read_to_string(here.join("target.ndjson"))
            .unwrap()
            .lines()
            .count(),
        1
    );
}

#[test]
fn an_output_replaces_a_file_only_when_it_is_forced_to() {
    let folder = with_one_job();
    let here = folder.path();
    for (name, arguments) in [
        ("o", &["export", "--output", "o"][..]),
        ("made", &["generate", "--jobs", "1", "--output", "made"]),
    ] {
        ok(here, arguments);
        std::fs::write(here.join(name), "mine").unwrap();
        check_line(
            &fails(here, arguments, 1),
            &format!(
                "jobdeck: {name}: exists already; name another file, or add `--force` to replace it"
            ),
        );
        assert_eq!(std::fs::read_to_string(here.join(name)).unwrap(), "mine");
        ok(here, &[arguments, &["--force"]].concat());
        let written = std::fs::read_to_string(here.join(name)).unwrap();
        assert!(written.starts_with("{\"job_id\":"), "{written}");
    }
}

#[test]
fn generate_makes_the_same_bytes_for_the_same_seed_and_time() {
    let folder = folder();
    let make = |seed: &str, now: &str| {
        let arguments = [
            "generate", "--jobs", "300", "--seed", seed, "--now", now, "--days", "30",
        ];
        ok(folder.path(), &arguments)
    };
    let now = "2026-01-01T00:00:00Z";
    assert_eq!(make("7", now), make("7", now));
    assert_ne!(make("7", now), make("8", now));
    assert_ne!(make("7", now), make("7", "2026-01-02T00:00:00Z"));
    assert_eq!(make("7", now).lines().count(), 300);
}

#[test]
fn made_up_jobs_end_now() {
    let before = Clock::SYSTEM.now();
    let made = ok(
        folder().path(),
        &["generate", "--jobs", "500", "--days", "1"],
    );
    let after = Clock::SYSTEM.now();
    let created_at = |line: &str| Job::from_json(line.as_bytes()).unwrap().created_at;
    let times: Vec<_> = made.lines().map(created_at).collect();
    let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    // Jobs are made up around regular times, the first some seconds before its time.
    let minute = 60_000;
    assert!(
        *first >= before.plus_millis(-86_400_000 - minute),
        "{first}"
    );
    let hour_ago = before.plus_millis(-3_600_000);
    assert!((hour_ago..=after).contains(last), "{last}");
}

#[test]
fn a_mistake_in_a_late_line_leaves_the_database_unchanged() {
    const BROKEN: usize = 70_001;
    let folder = folder();
    let here = folder.path();
    std::fs::write(here.join("first.ndjson"), job(0, "")).unwrap();
    ok(here, &["import", "first.ndjson"]);
    let mut lines = String::new();
    for number in 1..=BROKEN + 5 {
        let members = if number == BROKEN {
            ",\"errors\":[{\"error_code\":7}]"
        } else {
            ""
        };
        lines.write_str(&job(number, members)).unwrap();
    }
    std::fs::write(here.join("second.ndjson"), lines).unwrap();
    assert_eq!(
        fails(here, &["import", "first.ndjson", "second.ndjson"], 1),
        "jobdeck: second.ndjson: line 70001, column 96, job j70001, field errors[0].error_code: invalid type: integer `7`, \
         expected a string\n1 mistake, in 1 of 70007 jobs; nothing was changed\n",
    );
    assert_eq!(ok(here, &["export"]).lines().count(), 1);
    assert_eq!(
        ok(here, &["check"]),
        "jobdeck.db: 1 job, nothing is wrong\n"
    );
}

/// An import into a new database that has begun, and waits for more on its standard input.
fn begun_import(folder: &Path) -> (Child, ChildStdin) {
    let mut child = jobdeck(folder)
        .args(["import", "--on-conflict", "fail", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(job(1, "").as_bytes()).unwrap();
    // The import has begun when the scratch folder has a database.
    let has_begun = || {
        let mut entries = std::fs::read_dir(folder).unwrap();
        entries.any(|entry| entry.unwrap().path().join("jobs.db").exists())
    };
    let start = Instant::now();
    while !has_begun() {
        assert!(start.elapsed() < Duration::from_mins(1), "it never begins");
        assert_eq!(child.try_wait().unwrap(), None, "it waits for its input");
        std::thread::yield_now();
    }
    (child, input)
}

#[test]
fn a_failed_import_does_not_disturb_another_import() {
    let folder = folder();
    let here = folder.path();
    let (mut waiting, mut input) = begun_import(here);
    std::fs::write(here.join("good.ndjson"), job(2, "")).unwrap();
    ok(here, &["import", "good.ndjson"]);
    input.write_all(b"bad").unwrap();
    drop(input);
    assert_eq!(waiting.wait().unwrap().code(), Some(1));
    assert_eq!(
        ok(here, &["check"]),
        "jobdeck.db: 1 job, nothing is wrong\n"
    );
    let mut left: Vec<_> = std::fs::read_dir(here)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.retain(|name| !name.to_string_lossy().starts_with("jobdeck.db"));
    assert_eq!(left, ["good.ndjson"], "nothing is left of the other");
}

#[test]
fn an_import_lists_every_mistake_of_every_file() {
    let folder = folder();
    let here = folder.path();
    std::fs::write(here.join("a.ndjson"), job(1, "") + "bad\n" + &job(2, "")).unwrap();
    std::fs::write(
        here.join("b.json"),
        format!("[{},{}]", job(3, ",\"x\":1"), job(1, "")),
    )
    .unwrap();
    let many = (0..150).map(|number| job(number, ",\"x\":1"));
    std::fs::write(here.join("c.ndjson"), many.collect::<String>()).unwrap();
    let import = ["import", "--on-conflict", "fail", "a.ndjson", "b.json"];
    let said = fails(here, &import, 1);
    let lines: Vec<_> = said.lines().collect();
    let expected = [
        "jobdeck: a.ndjson: line 2, column 1: no job begins here; expected NDJSON",
        "b.json: line 1, column 69, job j3, field x: unknown field `x`",
        "b.json: line 2: job j1 of domain d is present already",
        "3 mistakes, in 2 of 4 jobs; nothing was changed",
    ];
    assert_eq!(lines.len(), expected.len(), "{said}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(
            line.starts_with(expected),
            "\n got: {line}\nwant: {expected}"
        );
    }
    let said = fails(here, &["import", "a.ndjson", "c.ndjson"], 1);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 102, "{said}");
    assert_eq!(lines[100], "and 51 more");
    assert_eq!(
        lines[101],
        "151 mistakes, in 150 of 152 jobs; nothing was changed"
    );
    assert!(!here.join("jobdeck.db").exists());
}

#[test]
fn an_import_stopped_by_a_signal_leaves_no_file() {
    let folder = folder();
    let entries = || std::fs::read_dir(folder.path()).unwrap().count();
    let (mut child, input) = begun_import(folder.path());
    let id = child.id().to_string();
    while child.try_wait().unwrap().is_none() {
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
        std::thread::yield_now();
    }
    drop(input);
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    check_line(&said, "jobdeck: stopped; nothing was imported");
    assert_eq!(entries(), 0);
}

#[test]
fn import_reads_standard_input_and_every_format() {
    let folder = folder();
    let here = folder.path();
    let import = |input: &str| {
        let mut child = jobdeck(here)
            .args(["import", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        text(&child.wait_with_output().unwrap().stdout).to_owned()
    };
    let added = |count: usize| {
        let jobs = if count == 1 { "job" } else { "jobs" };
        format!(
            "read {count} {jobs}, jobdeck.db: {count} added, 0 replaced, 0 skipped
"
        )
    };
    assert_eq!(import(&(job(1, "") + &job(2, ""))), added(2));
    assert_eq!(
        import(&format!("[{},{}]", job(3, ""), job(4, ""))),
        added(2)
    );
    assert_eq!(
        import(&format!(
            "{{\"results\":[{}],\"total_count\":1}}",
            job(5, "")
        )),
        added(1)
    );
}

#[test]
fn a_failure_is_one_line_with_the_file_and_the_remedy() {
    let folder = folder();
    let here = folder.path();
    std::fs::write(here.join("text.db"), "not a database").unwrap();
    for (arguments, expected) in [
        (
            &["serve", "--db", "none.db"][..],
            "jobdeck: none.db: there is no such file; `jobdeck import` makes a database",
        ),
        (
            &["export", "--db", "none.db"],
            "jobdeck: none.db: there is no such file",
        ),
        (
            &["serve", "--db", "text.db"],
            "jobdeck: text.db: is not a SQLite database; it was left as it is",
        ),
        (&["serve", "--db", "."], "jobdeck: .: is not a file"),
        (
            &["import", "none.ndjson"],
            "jobdeck: none.ndjson: No such file or directory",
        ),
        (
            &["import", "--db", "none/x.db", "-"],
            "jobdeck: none/x.db: there is no folder none; make it, or name another file",
        ),
        (
            &["generate", "--jobs", "1", "--output", "none/x"],
            "jobdeck: none/x: there is no folder none; make it, or name another file",
        ),
        (
            &["healthcheck", "--url", "http://127.0.0.1:1"],
            "jobdeck: http://127.0.0.1:1/healthz: no server listens there",
        ),
        (
            &["serve", "--listen", "0.0.0.0:0", "--create"],
            "jobdeck: 0.0.0.0:0: other machines can reach this address",
        ),
        (
            &["export", "--output", "none/x"],
            "jobdeck: jobdeck.db: there is no such file",
        ),
    ] {
        check_line(&fails(here, arguments, 1), expected);
    }
    assert!(
        !here.join("none.db").exists(),
        "a misspelt path makes no database"
    );
    assert_eq!(
        std::fs::read(here.join("text.db")).unwrap(),
        b"not a database"
    );
}

/// SQLite repeats the part of a schema that it can't read, which has several lines.
#[test]
fn a_damaged_schema_is_reported_in_one_line() {
    let folder = with_one_job();
    let path = folder.path().join("jobdeck.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let column = b"error_count          INTEGER";
    // One of them is on a page that is not used any more.
    let places: Vec<_> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(column))
        .collect();
    for at in places {
        bytes[at] = b'`';
    }
    std::fs::write(&path, bytes).unwrap();
    check_line(
        &fails(folder.path(), &["export"], 1),
        "jobdeck: jobdeck.db: malformed database schema (jobs) - unrecognized token",
    );
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = folder();
    for arguments in [
        &["sevre"][..],
        &["serve", "--no-such"],
        &["serve", "--now", "soon"],
        &["serve", "--query-timeout", "0"],
        &["import"],
        &["import", "--on-conflict", "maybe", "x"],
        &[],
    ] {
        fails(folder.path(), arguments, 2);
    }
    let refusal = fails(folder.path(), &["demo", "--port", "8081"], 2);
    assert!(refusal.contains("'--listen'"), "{refusal}");
    let refusal = fails(folder.path(), &["export", "--port", "8081"], 2);
    assert!(!refusal.contains("--listen"), "{refusal}");
    let help = ok(folder.path(), &["serve", "--help"]);
    for said in [
        "JOBDECK_LISTEN",
        "Example: jobdeck serve",
        "[default: 127.0.0.1:8080]",
    ] {
        assert!(help.contains(said), "{help}");
    }
}

/// A server that is killed when the test ends, however it ends.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = jobdeck(folder);
        command.args(arguments);
        Self::spawn(command)
    }

    fn spawn(command: Command) -> Self {
        Self::spawn_with(command, Stdio::piped())
    }

    fn spawn_with(mut command: Command, stderr: impl Into<Stdio>) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .strip_prefix("jobdeck listening on ")
            .unwrap_or_else(|| panic!("{line:?}"))
            .trim()
            .to_owned();
        Self { child, url }
    }

    fn get(&self, path: &str) -> String {
        ureq::get(format!("{}{path}", self.url))
            .call()
            .unwrap()
            .body_mut()
            .read_to_string()
            .unwrap()
    }

    /// Sends a signal; returns the exit code and the rest of standard output.
    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let code = self.child.wait().unwrap().code();
        let mut rest = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut rest)
            .unwrap();
        (code, rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serve_prints_its_address_and_ends_with_0() {
    for signal in ["-TERM", "-INT", "-HUP"] {
        let folder = folder();
        let server = Server::start(
            folder.path(),
            &["serve", "--create", "--listen", "127.0.0.1:0"],
        );
        assert!(!server.url.ends_with(":0"), "{}", server.url);
        assert_eq!(
            server.get("/inventory/v1/jobs?domain_id=d"),
            r#"{"results":[],"total_count":0}"#
        );
        assert_eq!(server.stop(signal), (Some(0), String::new()), "{signal}");
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["jobdeck.db"], "no log is left behind");
    }
}

#[test]
fn the_demo_keeps_changing_and_leaves_no_file() {
    let folder = folder();
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = jobdeck(folder.path());
    command
        .args(["demo", "--listen", "127.0.0.1:0"])
        .env("TMPDIR", &temporary);
    let server = Server::spawn(command);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 1);
    assert!(server.get("/jobdeck/domains").contains("\"jobs\":"));
    assert_eq!(server.stop("-TERM").0, Some(0));
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn a_port_in_use_is_named_in_the_failure() {
    let folder = folder();
    let server = Server::start(
        folder.path(),
        &["serve", "--create", "--listen", "127.0.0.1:0"],
    );
    let address = server.url.strip_prefix("http://").unwrap();
    check_line(
        &fails(folder.path(), &["serve", "--listen", address], 1),
        &format!("jobdeck: {address}: can't listen there: Address already in use"),
    );
}

#[test]
fn options_can_be_set_in_the_environment() {
    let folder = folder();
    std::fs::write(folder.path().join("jobs.ndjson"), job(1, "")).unwrap();
    let output = jobdeck(folder.path())
        .args(["import", "jobs.ndjson"])
        .env("JOBDECK_DB", "env.db")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(folder.path().join("env.db").exists());
}

#[test]
fn check_reports_damaged_pages() {
    let folder = folder();
    let here = folder.path();
    ok(here, &["generate", "--jobs", "300", "--output", "x"]);
    ok(here, &["import", "x"]);
    let database = here.join("jobdeck.db");
    let mut content = std::fs::read(&database).unwrap();
    content[40 * 8_192..43 * 8_192].fill(0xff);
    std::fs::write(&database, content).unwrap();
    let output = run(here, &["check"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.lines().count() >= 3, "{said}");
    for line in said.lines() {
        assert!(line.starts_with("jobdeck.db: SQLite: "), "{line}");
        assert!(!line.contains("***"), "{line}");
    }
}

#[test]
fn check_reports_problems_and_repair_mends_them() {
    let folder = with_one_job();
    let here = folder.path();
    let connection = rusqlite::Connection::open(here.join("jobdeck.db")).unwrap();
    connection
        .execute_batch("DROP TRIGGER jobs_are_updated_by_jobdeck; UPDATE jobs SET total_tasks = 3")
        .unwrap();
    drop(connection);
    let output = run(here, &["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "jobdeck.db: job j1 of domain d: its columns do not agree with its document\n\
         jobdeck.db: job_columns: block 0 of domain 1 does not agree with its jobs\n"
    );
    check_line(
        text(&output.stderr),
        "jobdeck: jobdeck.db: 2 problems found; `jobdeck check --repair` rebuilds what is derived",
    );
    let output = run(here, &["check", "--repair"]);
    assert_eq!(
        text(&output.stdout),
        "jobdeck.db: 1 job, nothing is wrong\n"
    );
}

#[test]
fn a_locked_database_is_named_in_the_failure() {
    let folder = with_one_job();
    let here = folder.path();
    let connection = rusqlite::Connection::open(here.join("jobdeck.db")).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    check_line(
        &fails(here, &["import", "jobs.ndjson"], 1),
        "jobdeck: jobdeck.db: database is locked; another program is writing to it; wait until it is done",
    );
}

#[test]
fn a_closed_output_is_no_failure() {
    let folder = folder();
    let mut child = jobdeck(folder.path())
        .args(["generate", "--jobs", "100000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}
