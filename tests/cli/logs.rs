//! The lines of the log, their formats, and errors of standard error, which do not stop the server.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Server, folder, jobdeck, text, with_one_job};

const LISTEN: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// Starts a server with these arguments; its log is the file `log` in the folder.
fn serve(folder: &Path, arguments: &[&str], filter: Option<&str>) -> Server {
    let mut command = jobdeck(folder);
    command.args(arguments).args(LISTEN).env_remove("RUST_LOG");
    if let Some(filter) = filter {
        command.env("RUST_LOG", filter);
    }
    Server::spawn_with(command, File::create(folder.join("log")).unwrap())
}

/// Sends raw bytes, and reads the whole answer.
fn raw(server: &Server, request: &str) -> String {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(server: &Server, path: &str, headers: &str) -> String {
    raw(
        server,
        &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"),
    )
}

fn post(server: &Server, path: &str, body: &str) -> String {
    let length = body.len();
    raw(
        server,
        &format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    )
}

/// The whole log of a server that has ended.
fn log_of(folder: &Path, server: Server) -> String {
    assert_eq!(server.stop("-TERM").0, Some(0));
    std::fs::read_to_string(folder.join("log")).unwrap()
}

fn access_lines(log: &str) -> Vec<&str> {
    log.lines()
        .filter(|line| line.contains("jobdeck::access"))
        .collect()
}

#[test]
fn every_request_is_logged_except_those_of_monitors() {
    let folder = with_one_job();
    let server = serve(folder.path(), &["serve"], None);
    get(
        &server,
        "/inventory/v1/jobs?domain_id=d",
        "x-request-id: ours\r\nauthorization: Bearer secret\r\n",
    );
    get(&server, "/jobdeck/export?format=csv&domain_id=d", "");
    get(&server, "/nowhere/%1b[31m?secret=1", "");
    for path in ["/healthz", "/check", "/metrics"] {
        assert!(
            get(&server, path, "").starts_with("HTTP/1.1 200 "),
            "{path}"
        );
    }
    let log = log_of(folder.path(), server);
    let lines = access_lines(&log);
    let starts = [
        "answered request_id=ours method=GET route=/inventory/v1/jobs status=200 rows=1 ms=",
        " method=GET route=/jobdeck/export status=200 rows=1 ms=",
        " method=GET route=none path=/nowhere/%1b[31m status=404 ms=",
    ];
    assert_eq!(lines.len(), starts.len(), "{log}");
    for (line, expected) in lines.iter().zip(starts) {
        assert!(line.contains(expected), "{line}");
        assert!(line.contains(" INFO  jobdeck::access] answered "), "{line}");
    }
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn debug_logs_monitors_too_and_off_logs_nothing() {
    for (filter, expected) in [("debug", 2), ("off", 0), ("jobdeck::access=off", 0)] {
        let folder = with_one_job();
        let server = serve(folder.path(), &["serve"], Some(filter));
        server.get("/healthz");
        server.get("/jobdeck/about");
        let log = log_of(folder.path(), server);
        assert_eq!(access_lines(&log).len(), expected, "{filter}: {log}");
    }
}

#[test]
fn json_lines_have_the_same_members() {
    let folder = with_one_job();
    let server = serve(folder.path(), &["serve", "--log-format", "json"], None);
    get(
        &server,
        "/inventory/v1/jobs?domain_id=d",
        "x-request-id: ours\r\n",
    );
    let log = log_of(folder.path(), server);
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line = lines
        .iter()
        .find(|line| line["target"] == "jobdeck::access")
        .unwrap();
    let names: Vec<_> = line.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "time",
            "level",
            "target",
            "message",
            "request_id",
            "method",
            "route",
            "status",
            "rows",
            "ms"
        ]
    );
    jobdeck::time::Timestamp::parse_rfc3339(line["time"].as_str().unwrap()).unwrap();
    for (member, expected) in [
        ("level", "INFO".into()),
        ("message", "answered".into()),
        ("request_id", "ours".into()),
        ("method", "GET".into()),
        ("route", "/inventory/v1/jobs".into()),
        ("status", 200.into()),
        ("rows", Value::from(1)),
    ] {
        assert_eq!(line[member], expected, "{member}");
    }
    assert!(line["ms"].as_f64().unwrap() > 0.0);
    let stopping = &lines[lines.len() - 1];
    assert_eq!(stopping["target"], "jobdeck::server::signals");
}

#[test]
fn slow_requests_are_logged_with_their_query_in_one_bounded_line() {
    const SEARCH: &str = "/inventory/v1/jobs/search";
    for format in ["text", "json"] {
        let folder = with_one_job();
        let arguments = ["serve", "--slow-query", "0", "--log-format", format];
        let server = serve(folder.path(), &arguments, None);
        let headers = "authorization: Bearer secret\r\n";
        get(&server, "/inventory/v1/jobs?domain_id=d", headers);
        post(&server, SEARCH, "{\"domain_id\":\n\t\"d\u{1b}[2J\"}");
        let long = format!("{{\"domain_id\":\"{}\"}}", "é".repeat(9_000));
        post(&server, SEARCH, &long);
        // Jobs in a body are not logged as a query.
        let log = log_of(folder.path(), server);
        let lines = access_lines(&log);
        assert_eq!(lines.len(), 3, "{log}");
        for line in &lines {
            assert!(line.contains("WARN") && line.contains("slow"), "{line}");
        }
        assert!(lines[0].contains("domain_id=d"), "{log}");
        let escaped = if format == "json" {
            r#""query":"{\"domain_id\":\n\t\"d\u001b[2J\"}""#
        } else {
            r#"query="{\"domain_id\":\n\t\"d\u{1b}[2J\"}""#
        };
        assert!(lines[1].contains(escaped), "{log}");
        assert!(lines[2].contains("éé") && lines[2].len() < 3_000, "{log}");
        assert!(!log.contains("secret"), "{log}");
    }
}

#[test]
fn fast_requests_are_logged_without_their_query() {
    let folder = with_one_job();
    let arguments = ["serve", "--slow-query", "60000"];
    let server = serve(folder.path(), &arguments, None);
    get(&server, "/inventory/v1/jobs?domain_id=secret", "");
    let log = log_of(folder.path(), server);
    assert_eq!(access_lines(&log).len(), 1, "{log}");
    assert!(!log.contains("secret") && !log.contains("WARN"), "{log}");
}

#[test]
fn demos_and_mocks_do_not_log_requests() {
    for arguments in [&["demo"][..], &["serve", "--mock"]] {
        let folder = folder();
        let server = serve(folder.path(), arguments, None);
        server.get("/jobdeck/domains");
        let log = log_of(folder.path(), server);
        assert_eq!(access_lines(&log), [""; 0], "{arguments:?}");
    }
}

#[test]
fn a_client_that_disconnects_is_logged() {
    let folder = folder();
    let mock = ["serve", "--mock", "--fault", "hold=true"];
    let server = serve(folder.path(), &mock, Some("info"));
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = "GET /inventory/v1/jobs?domain_id=d HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let start = Instant::now();
    while !server.get("/jobdeck/faults").contains("\"holding\":1") {
        assert!(start.elapsed() < Duration::from_mins(1), "it never waits");
        std::thread::yield_now();
    }
    drop(stream);
    let log = folder.path().join("log");
    while !std::fs::read_to_string(&log).unwrap().contains("] left ") {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "it is never logged"
        );
        std::thread::yield_now();
    }
    let log = log_of(folder.path(), server);
    assert!(
        log.contains(" method=GET path=/inventory/v1/jobs ms="),
        "{log}"
    );
}

/// Every way in which standard error accepts nothing. The log here is larger than the buffer of a pipe.
#[test]
fn no_error_of_standard_error_stops_the_server() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (reader, closed) = std::io::pipe().unwrap();
    drop(reader);
    let (unread, stuck) = std::io::pipe().unwrap();
    for (name, stderr) in [
        ("full", Stdio::from(full)),
        ("closed", Stdio::from(closed)),
        ("stuck", Stdio::from(stuck)),
    ] {
        let folder = with_one_job();
        let mut command = jobdeck(folder.path());
        command.args(["serve"]).args(LISTEN);
        let server = Server::spawn_with(command, stderr);
        let long = "x".repeat(400);
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .new_agent();
        for _ in 0..400 {
            let answer = agent.get(format!("{}/{long}", server.url)).call().unwrap();
            assert_eq!(answer.status(), 404, "{name}");
        }
        assert!(server.get("/healthz").contains("\"ok\""), "{name}");
        assert_eq!(server.stop("-TERM").0, Some(0), "{name}");
    }
    drop(unread);
}

#[test]
fn lost_log_lines_are_counted_when_standard_error_is_read_again() {
    let folder = with_one_job();
    let (mut log, stderr) = std::io::pipe().unwrap();
    let mut command = jobdeck(folder.path());
    command.args(["serve"]).args(LISTEN);
    let server = Server::spawn_with(command, stderr);
    // More than the 64 KiB of the pipe and the 1 MiB of pending lines.
    let long = "x".repeat(450);
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .new_agent();
    for _ in 0..3_000 {
        agent.get(format!("{}/{long}", server.url)).call().unwrap();
    }
    let reading = std::thread::spawn(move || {
        let mut all = Vec::new();
        log.read_to_end(&mut all).unwrap();
        all
    });
    assert_eq!(server.stop("-TERM").0, Some(0));
    let all = reading.join().unwrap();
    let all = text(&all);
    let lines = access_lines(all).len();
    let (before, _) = all.split_once(" lines of the log were lost").unwrap();
    let lost: usize = before.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(lost > 0 && lines > 0, "{lines} {lost}");
    assert!(all.lines().all(|line| line.starts_with('[')), "whole lines");
    assert!(lines + lost >= 3_000, "{lines} lines and {lost} lost");
}
