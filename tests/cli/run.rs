//! `jobdeck run`: the command comes first, and no report of it is lost.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT};
use signal_hook::flag::register_conditional_default;

use crate::{Server, check_line, fails, folder, jobdeck, ok, text};

/// `jobdeck run` of a script, with a target.
fn run_script(here: &Path, target: &[&str], script: &str) -> Command {
    let mut command = jobdeck(here);
    command.args([
        "run",
        "--domain",
        "d",
        "--collector",
        "nightly",
        "--spool",
        "spool",
    ]);
    command.args(target).args(["--", "sh", "-c", script]);
    command
}

const DB: [&str; 2] = ["--db", "jobs.db"];

/// The jobs of a target, the newest first.
fn jobs(here: &Path, target: &[&str]) -> Vec<Value> {
    let listed = ok(
        here,
        &[&["list", "--domain", "d", "--format", "ndjson"], target].concat(),
    );
    listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The reports in the spool.
fn waiting(here: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(here.join("spool")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.contains(".json")).collect();
    names.sort();
    names
}

fn kill(child: &Child, signal: &str) {
    let status = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn a_command_is_reported_with_its_end() {
    let folder = folder();
    let here = folder.path();
    let server = Server::start(
        here,
        &[
            "serve",
            "--create",
            "--db",
            "s.db",
            "--writable",
            "--listen",
            "127.0.0.1:0",
        ],
    );
    for target in [DB, ["--url", server.url.as_str()]] {
        for (script, code, status, error) in [
            ("echo out; echo note >&2", 0, "SUCCESS", None),
            (
                "echo out; printf 'a\\nb\\n' >&2; exit 3",
                3,
                "ERROR",
                Some(("ERROR_EXIT_3", "a\nb")),
            ),
            (
                "echo out; exit 255",
                255,
                "ERROR",
                Some(("ERROR_EXIT_255", "the command ended with exit code 255")),
            ),
            (
                "echo out; kill -9 $$",
                137,
                "ERROR",
                Some(("ERROR_SIGNAL_9", "signal 9 ended the command")),
            ),
        ] {
            let output = run_script(here, &target, script).output().unwrap();
            assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
            assert_eq!(text(&output.stdout), "out\n");
            let job = &jobs(here, &target)[0];
            assert_eq!(job["status"], status, "{script}");
            assert_eq!(job["collector_info"]["name"], "nightly");
            assert!(job["finished_at"].as_str() >= job["created_at"].as_str());
            let found = job["errors"].get(0).map(|error| {
                (
                    error["error_code"].as_str().unwrap(),
                    error["message"].as_str().unwrap(),
                )
            });
            assert_eq!(found, error, "{script}");
        }
        assert_eq!(jobs(here, &target).len(), 4);
        assert_eq!(waiting(here), [""; 0]);
    }
}

#[test]
fn standard_error_passes_through_unchanged() {
    let folder = folder();
    let script = "printf 'one\\033[1m\\n' >&2; printf '\\377' >&2; exit 1";
    let output = run_script(folder.path(), &DB, script).output().unwrap();
    assert_eq!(output.stderr, b"one\x1b[1m\n\xff");
    // At once, while the command runs on.
    let mut child = run_script(folder.path(), &DB, "echo begun >&2; cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "begun\n");
    assert_eq!(child.try_wait().unwrap(), None);
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_job_is_in_progress_while_its_command_runs() {
    let folder = folder();
    let here = folder.path();
    run_script(here, &DB, "true").output().unwrap();
    let mut child = run_script(here, &DB, "cat")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while jobs(here, &DB).len() < 2 {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "it is never reported"
        );
        std::thread::yield_now();
    }
    assert_eq!(jobs(here, &DB)[0]["status"], "IN_PROGRESS");
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(jobs(here, &DB)[0]["status"], "SUCCESS");
}

/// Has the processes that a test starts obey signals, although the tests may ignore them: those that a shell has in the background
/// ignore interrupts, and those of `nohup` a lost terminal. What a process has a handler for is not ignored by those that it starts.
fn obey_signals() {
    for signal in [SIGINT, SIGHUP] {
        let ends = Arc::new(AtomicBool::new(true));
        register_conditional_default(signal, ends).unwrap();
    }
}

#[test]
fn signals_are_passed_on() {
    obey_signals();
    let folder = folder();
    let here = folder.path();
    for (signal, script, code, error) in [
        (
            "-TERM",
            "sleep 600 & p=$!; trap 'kill $p; exit 7' TERM; echo begun; wait $p",
            7,
            "ERROR_EXIT_7",
        ),
        ("-INT", "echo begun; exec cat", 130, "ERROR_SIGNAL_2"),
        ("-HUP", "echo begun; exec cat", 129, "ERROR_SIGNAL_1"),
        (
            "-USR1",
            "sleep 600 & p=$!; trap 'kill $p; exit 8' USR1; echo begun; wait $p",
            8,
            "ERROR_EXIT_8",
        ),
    ] {
        let mut child = run_script(here, &DB, script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        // `wait` closes standard input, whose end would end the command.
        let input = child.stdin.take();
        kill(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}");
        assert_eq!(
            jobs(here, &DB)[0]["errors"][0]["error_code"],
            error,
            "{signal}"
        );
        drop(input);
    }
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let folder = folder();
    let here = folder.path();
    let inner = format!(
        "trap '' HUP; exec {} run --domain d --collector c --spool spool --db jobs.db -- sh -c 'echo begun; cat'",
        env!("CARGO_BIN_EXE_jobdeck")
    );
    let mut child = Command::new("sh")
        .args(["-c", &inner])
        .current_dir(here)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    kill(&child, "-HUP");
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(jobs(here, &DB)[0]["status"], "SUCCESS");
}

#[test]
fn a_server_that_is_away_gets_the_reports_later() {
    let folder = folder();
    let here = folder.path();
    // A port of which nobody else is given.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}");
    let target = ["--url", url.as_str()];
    for script in ["exit 4", "true"] {
        let output = run_script(here, &target, script).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(if script == "true" { 0 } else { 4 })
        );
        let said = text(&output.stderr);
        check_line(
            said,
            &format!(
                "jobdeck: {url}: no server listens there; the next `jobdeck run` or `jobdeck report` sends the report of job job-"
            ),
        );
    }
    assert_eq!(waiting(here).len(), 2, "of each job its end");
    // Reports for another target stay.
    run_script(here, &DB, "true").output().unwrap();
    assert_eq!(waiting(here).len(), 2);
    check_line(
        &fails(here, &["report", "--url", &url, "--spool", "spool"], 1),
        &format!("jobdeck: {url}: no server listens there; 2 reports left in spool"),
    );
    let listen = format!("127.0.0.1:{port}");
    let _server = Server::start(
        here,
        &[
            "serve",
            "--create",
            "--db",
            "s.db",
            "--writable",
            "--listen",
            &listen,
        ],
    );
    let output = run_script(here, &target, "exit 5").output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(5), ""));
    assert_eq!(waiting(here), [""; 0]);
    let statuses: Vec<_> = jobs(here, &target)
        .iter()
        .map(|job| job["status"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(statuses, ["ERROR", "SUCCESS", "ERROR"]);
}

#[test]
fn a_server_that_does_not_answer_does_not_delay_the_command() {
    let folder = folder();
    let here = folder.path();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut child = run_script(
        here,
        &["--url", &url, "--report-timeout", "0.3"],
        "echo out; exit 6",
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut out = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut out)
        .unwrap();
    assert_eq!(out, "out\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    check_line(
        text(&output.stderr),
        &format!("jobdeck: {url}: no answer in time; the next `jobdeck run`"),
    );
    assert_eq!(waiting(here).len(), 1);
}

#[test]
fn a_server_that_refuses_does_not_stop_the_command() {
    let folder = folder();
    let here = folder.path();
    let server = Server::start(
        here,
        &[
            "serve",
            "--create",
            "--db",
            "s.db",
            "--listen",
            "127.0.0.1:0",
        ],
    );
    let output = run_script(here, &["--url", &server.url], "exit 2")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    check_line(
        text(&output.stderr),
        &format!(
            "jobdeck: {}: answered 404: there is no /jobdeck/jobs/",
            server.url
        ),
    );
    assert_eq!(
        waiting(here).len(),
        1,
        "the server may be given `--writable`"
    );
    // A report that no server will take is put aside, and stops no other.
    let long = "x".repeat(300);
    let writable = Server::start(
        here,
        &[
            "serve",
            "--create",
            "--db",
            "w.db",
            "--writable",
            "--listen",
            "127.0.0.1:0",
        ],
    );
    let output = jobdeck(here)
        .args([
            "run",
            "--domain",
            &long,
            "--collector",
            "c",
            "--spool",
            "spool",
            "--url",
            &writable.url,
            "--",
            "true",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stderr);
    assert!(
        said.contains("was refused, and put aside: answered 400: domain_id: "),
        "{said}"
    );
    let output = run_script(here, &["--url", &writable.url], "true")
        .output()
        .unwrap();
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_command_that_does_not_start_is_reported_too() {
    let folder = folder();
    let here = folder.path();
    std::fs::write(here.join("text"), "x").unwrap();
    for (command, code) in [("no-such-command", 127), ("./text", 126)] {
        let output = jobdeck(here)
            .args([
                "run",
                "--domain",
                "d",
                "--collector",
                "c",
                "--spool",
                "spool",
                "--db",
                "jobs.db",
                "--",
                command,
            ])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code));
        check_line(text(&output.stderr), &format!("jobdeck: {command}: "));
        assert_eq!(
            jobs(here, &DB)[0]["errors"][0]["error_code"],
            format!("ERROR_EXIT_{code}")
        );
    }
}

#[test]
fn a_command_runs_where_its_report_can_t_be_saved_or_sent() {
    let folder = folder();
    let here = folder.path();
    std::fs::write(here.join("file"), "x").unwrap();
    let with = |arguments: &[&str]| {
        let mut command = jobdeck(here);
        command
            .args(["run", "--domain", "d", "--collector", "c"])
            .args(arguments);
        let output = command
            .args(["--", "sh", "-c", "echo out; exit 9"])
            .output()
            .unwrap();
        assert_eq!(
            (output.status.code(), text(&output.stdout)),
            (Some(9), "out\n")
        );
        text(&output.stderr).to_owned()
    };
    // Without a folder the report is sent all the same.
    assert_eq!(with(&["--spool", "file/x", "--db", "jobs.db"]), "");
    assert_eq!(jobs(here, &DB).len(), 1);
    let said = with(&["--spool", "file/x", "--url", "http://127.0.0.1:1"]);
    assert!(
        said.contains("no server listens there; the report of job job-")
            && said.contains("is lost"),
        "{said}"
    );
    let said = with(&["--spool", "s", "--db", "file"]);
    assert!(said.contains("file: is not a SQLite database"), "{said}");
    let said = with(&[
        "--spool",
        "s",
        "--url",
        "http://127.0.0.1:1",
        "--token-file",
        "none",
    ]);
    assert!(said.contains("jobdeck: none: No such file"), "{said}");
}

#[test]
fn a_program_that_is_left_behind_does_not_keep_the_run() {
    let folder = folder();
    let mut left = run_script(folder.path(), &DB, "sleep 600 & echo $!; exit 1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut id = String::new();
    BufReader::new(left.stdout.as_mut().unwrap())
        .read_line(&mut id)
        .unwrap();
    assert_eq!(left.wait().unwrap().code(), Some(1));
    Command::new("kill").arg(id.trim()).status().unwrap();
    let mut rest = String::new();
    left.stdout
        .take()
        .unwrap()
        .read_to_string(&mut rest)
        .unwrap();
    assert_eq!(rest, "");
}

#[test]
fn wrong_usage_of_run_says_what_is_missing() {
    let folder = folder();
    for (arguments, expected) in [
        (
            &["--collector", "c", "--", "true"][..],
            "error: `run` needs `--domain`",
        ),
        (
            &["--domain", "d", "--", "true"],
            "error: the following required arguments were not provided:\n  --collector <NAME>",
        ),
        (
            &["--domain", "d", "--collector", "c"],
            "error: the following required arguments were not provided",
        ),
        (
            &["--domain", "d", "--collector", "", "--", "true"],
            "error: `--collector` needs a name",
        ),
    ] {
        let said = fails(folder.path(), &[&["run"], arguments].concat(), 2);
        assert!(said.starts_with(expected), "{said}");
    }
}
