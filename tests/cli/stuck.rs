//! `serve --stuck-after`: which jobs end, and that a program may still report on them.

use std::time::{Duration, Instant};

use crate::{Server, check_line, fails, folder, ok};

fn patch(server: &Server, path: &str, body: &str) -> String {
    let request = ureq::patch(format!("{}{path}", server.url));
    let request = request.header("content-type", "application/json");
    let mut answer = request.send(body).unwrap();
    answer.body_mut().read_to_string().unwrap()
}

#[test]
fn a_server_ends_jobs_that_nobody_reports_on() {
    let folder = folder();
    let here = folder.path();
    let job = |id: &str, status: &str, year: u32| {
        format!(
            "{{\"job_id\":\"{id}\",\"domain_id\":\"d\",\"status\":\"{status}\",\"created_at\":\"{year}-06-17T08:00:00Z\"}}\n"
        )
    };
    let jobs = [
        job("stuck", "IN_PROGRESS", 2020),
        job("waits", "CREATED", 2020),
        job("runs", "IN_PROGRESS", 9999),
    ];
    std::fs::write(here.join("jobs.ndjson"), jobs.concat()).unwrap();
    ok(here, &["import", "jobs.ndjson"]);
    let serve = [
        "serve",
        "--writable",
        "--listen",
        "127.0.0.1:0",
        "--stuck-after",
        "12h",
    ];
    let server = Server::start(here, &serve);
    let list = |status: &str| {
        let path = format!("/inventory/v1/jobs?domain_id=d&status={status}&query.only=job_id");
        server.get(&path)
    };
    let start = Instant::now();
    while !list("TIMEOUT").contains("\"total_count\":1") {
        assert!(start.elapsed() < Duration::from_mins(1), "it never ends");
        std::thread::yield_now();
    }
    assert!(list("TIMEOUT").contains("\"stuck\""));
    assert!(list("CREATED").contains("\"waits\""));
    assert!(list("IN_PROGRESS").contains("\"runs\""));
    let path = "/jobdeck/jobs/stuck?domain_id=d";
    let resumed = patch(&server, path, r#"{"status":"IN_PROGRESS"}"#);
    assert!(!resumed.contains("finished_at"), "{resumed}");
    let ended = patch(&server, path, r#"{"status":"SUCCESS"}"#);
    assert!(
        ended.contains("\"finished_at\"") && ended.contains("ERROR_JOB_TIMEOUT"),
        "{ended}"
    );
    assert_eq!(server.stop("-TERM").0, Some(0));
    ok(here, &["check"]);
    check_line(
        &fails(here, &["serve", "--mock", "--stuck-after", "1d"], 1),
        "jobdeck: --stuck-after is not for a mock",
    );
    fails(here, &["serve", "--stuck-after", "30m"], 2);
}
