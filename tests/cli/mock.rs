//! The options of a mock: its temporary database, fixtures and faults, and the switches that others need.

use std::path::Path;

use crate::{Server, fails, folder, job, jobdeck, ok, text, with_one_job};

const LISTEN: [&str; 2] = ["--listen", "127.0.0.1:0"];

fn serve(folder: &Path, arguments: &[&str]) -> Server {
    Server::start(folder, &[&["serve"], arguments, &LISTEN].concat())
}

/// Puts a job; returns the status.
fn put(server: &Server, job_id: &str) -> u16 {
    let url = format!("{}/jobdeck/jobs/{job_id}?domain_id=d", server.url);
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .new_agent();
    let answer = agent
        .put(url)
        .header("content-type", "application/json")
        .send("{}");
    answer.unwrap().status().as_u16()
}

#[test]
fn a_mock_without_a_database_leaves_no_file() {
    let folder = folder();
    let scratch = folder.path().join("tmp");
    std::fs::create_dir(&scratch).unwrap();
    let mut command = jobdeck(folder.path());
    command
        .args(["serve", "--mock"])
        .args(LISTEN)
        .env("TMPDIR", &scratch);
    let server = Server::spawn(command);
    assert_eq!(put(&server, "a"), 201);
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 1);
    assert_eq!(server.stop("-TERM").0, Some(0));
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0);
    assert!(!folder.path().join("jobdeck.db").exists());
}

#[test]
fn the_files_of_a_killed_mock_are_removed_by_the_next() {
    let folder = folder();
    let scratch = folder.path().join("tmp");
    std::fs::create_dir(&scratch).unwrap();
    let start = || {
        let mut command = jobdeck(folder.path());
        command
            .args(["serve", "--mock"])
            .args(LISTEN)
            .env("TMPDIR", &scratch);
        Server::spawn(command)
    };
    let left = || std::fs::read_dir(&scratch).unwrap().count();
    // Killed with SIGKILL.
    drop(start());
    assert_eq!(left(), 1);
    let (first, second) = (start(), start());
    assert_eq!(left(), 2, "of those that live");
    assert_eq!(put(&first, "a"), 201);
    for server in [first, second] {
        assert_eq!(server.stop("-TERM").0, Some(0));
    }
    assert_eq!(left(), 0);
}

#[test]
fn jobs_written_by_clients_stay_in_the_database() {
    for switch in ["--writable", "--mock"] {
        let folder = with_one_job();
        let server = serve(folder.path(), &[switch, "--db", "jobdeck.db"]);
        assert_eq!(put(&server, "a"), 201);
        assert_eq!(server.stop("-TERM").0, Some(0));
        assert_eq!(
            ok(folder.path(), &["export"]).lines().count(),
            2,
            "{switch}"
        );
        ok(folder.path(), &["check"]);
        // Without the switch clients can't write.
        assert_eq!(put(&serve(folder.path(), &[]), "b"), 404);
    }
}

#[test]
fn fixtures_and_faults_are_loaded_at_the_start() {
    let folder = folder();
    std::fs::write(folder.path().join("a.ndjson"), job(1, "")).unwrap();
    std::fs::write(folder.path().join("b.json"), format!("[{}]", job(2, ""))).unwrap();
    let server = serve(
        folder.path(),
        &[
            "--mock",
            "--fixtures",
            "a.ndjson",
            "b.json",
            "--fault",
            "route=stat,code=503; drop,job_id=x\n route=list,code=504;",
            "--fault",
            "route=about,delay=0.001",
        ],
    );
    let domains = r#"{"results":[{"domain_id":"d","jobs":2}]}"#;
    assert_eq!(server.get("/jobdeck/domains"), domains);
    let faults = server.get("/jobdeck/faults");
    assert!(faults.contains(r#""total_count":4"#), "{faults}");
    assert!(
        faults.contains(r#""id":"fault-2","job_id":"x","drop":true"#),
        "{faults}"
    );
    // A reset restores the faults of the start, too.
    ureq::delete(format!("{}/jobdeck/faults", server.url))
        .call()
        .unwrap();
    ureq::post(format!("{}/jobdeck/reset", server.url))
        .send_empty()
        .unwrap();
    assert!(server.get("/jobdeck/faults").contains(r#""total_count":4"#));
}

#[test]
fn wrong_options_and_fixtures_are_refused_in_one_line() {
    let folder = folder();
    let here = folder.path();
    std::fs::write(
        here.join("bad.ndjson"),
        job(1, "") + &job(2, ",\"stauts\":\"ERROR\""),
    )
    .unwrap();
    std::fs::write(
        here.join("back.ndjson"),
        job(
            1,
            ",\"life\":[{\"after\":1,\"status\":\"ERROR\"},{\"after\":2,\"status\":\"SUCCESS\"}]",
        ),
    )
    .unwrap();
    std::fs::create_dir(here.join("empty")).unwrap();
    for (arguments, expected) in [
        (
            &["serve", "--fixtures", "bad.ndjson"][..],
            "jobdeck: --fixtures is for a mock; add `--mock`",
        ),
        (
            &["serve", "--fault", "code=503"],
            "jobdeck: --fault is for a mock; add `--mock`",
        ),
        (
            &["serve", "--mock", "--fixtures", "bad.ndjson"],
            "jobdeck: bad.ndjson: line 2, column 68, job j2, field stauts: unknown field `stauts`",
        ),
        (
            &["serve", "--mock", "--fixtures", "back.ndjson"],
            "jobdeck: back.ndjson: line 1, job j1: life[1].status: the job already ended with ERROR",
        ),
        (
            &["serve", "--mock", "--fixtures", "none.ndjson"],
            "jobdeck: none.ndjson: No such file or directory",
        ),
        (
            &["serve", "--mock", "--fixtures", "empty"],
            "jobdeck: empty: the folder has no file that ends with .json, .jsonl, .ndjson, .csv",
        ),
        (
            &["import", "back.ndjson"],
            "jobdeck: back.ndjson: line 1, column 1, job j1: `life`: only a mock plays lives; start one with `jobdeck serve --mock`",
        ),
    ] {
        let said = fails(here, arguments, 1);
        assert!(said.starts_with(expected), "\n got: {said}want: {expected}");
    }
    let usage = fails(
        here,
        &["serve", "--mock", "--fault", "code=ERROR_UNAVAILABEL"],
        2,
    );
    assert!(
        usage.contains("code: unknown") && usage.contains("did you mean `ERROR_UNAVAILABLE`?"),
        "{usage}"
    );
    for text in ["", " ;", "code=503; nothing"] {
        let usage = fails(here, &["serve", "--mock", "--fault", text], 2);
        assert!(usage.contains("expected NAME=VALUE"), "{usage}");
    }
}

#[test]
fn a_signal_releases_held_answers() {
    let folder = folder();
    let server = serve(folder.path(), &["--mock", "--fault", "route=domains,hold"]);
    let url = format!("{}/jobdeck/domains", server.url);
    let held =
        std::thread::spawn(move || ureq::get(url).call().map(|answer| answer.status().as_u16()));
    while !server.get("/jobdeck/faults").contains(r#""holding":1"#) {
        std::thread::yield_now();
    }
    assert_eq!(server.stop("-TERM").0, Some(0));
    assert_eq!(held.join().unwrap().unwrap(), 200);
}

#[test]
fn the_demo_is_a_mock() {
    let folder = folder();
    let server = Server::start(folder.path(), &[&["demo"][..], &LISTEN].concat());
    assert!(server.get("/jobdeck/about").contains(r#""is_mock":true"#));
    assert!(
        server
            .get("/jobdeck/clock")
            .contains(r#""is_frozen":false"#)
    );
    let help = ok(folder.path(), &["serve", "--help"]);
    for option in [
        "--mock",
        "--writable",
        "--fixtures",
        "--fault",
        "--cors",
        "--ready-file",
    ] {
        assert!(help.contains(option), "{option}");
    }
    assert!(text(help.as_bytes()).contains("JOBDECK_FIXTURES"));
}
