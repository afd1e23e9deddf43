//! `serve --replica`, and a server that never writes to jobs: they serve the file that is there now.

use std::path::Path;

use serde_json::Value;

use crate::{Server, check_line, fails, folder, job, ok};

/// A folder with a database of so many jobs at a path.
fn database(folder: &Path, name: &str, jobs: usize) {
    let lines: String = (0..jobs).map(|id| job(id, "")).collect();
    std::fs::write(folder.join("jobs.ndjson"), lines).unwrap();
    ok(folder, &["import", "--db", name, "jobs.ndjson"]);
    std::fs::remove_file(folder.join("jobs.ndjson")).unwrap();
}

/// The health of a server: its status, and what it answers.
fn health(server: &Server) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let url = format!("{}/healthz", server.url);
    let mut answer = agent.get(url).call().unwrap();
    let body = answer.body_mut().read_to_string().unwrap();
    (
        answer.status().as_u16(),
        serde_json::from_str(&body).unwrap(),
    )
}

#[track_caller]
fn check_replaced(arguments: &[&str]) {
    let folder = folder();
    let here = folder.path();
    database(here, "jobdeck.db", 1);
    database(here, "next.db", 2);
    let server = Server::start(here, arguments);
    assert_eq!(health(&server).1["jobs"], 1);
    std::fs::rename(here.join("next.db"), here.join("jobdeck.db")).unwrap();
    assert_eq!(health(&server).1["jobs"], 2);
    std::fs::rename(here.join("jobdeck.db"), here.join("away.db")).unwrap();
    let (status, body) = health(&server);
    assert_eq!(status, 503);
    assert_eq!(body["problem"], "the database file was deleted or replaced");
    std::fs::rename(here.join("away.db"), here.join("jobdeck.db")).unwrap();
    assert_eq!(health(&server).1["jobs"], 2);
}

#[test]
fn a_server_that_never_writes_to_jobs_serves_the_file_that_has_replaced_its_own() {
    check_replaced(&["serve", "--listen", "127.0.0.1:0"]);
    check_replaced(&["serve", "--listen", "127.0.0.1:0", "--create"]);
}

#[test]
fn a_replica_serves_the_file_that_has_replaced_its_own() {
    check_replaced(&["serve", "--listen", "127.0.0.1:0", "--replica"]);
}

#[test]
fn a_replica_writes_no_file_and_says_how_old_its_data_are() {
    let folder = folder();
    let here = folder.path();
    database(here, "jobdeck.db", 1);
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    let file = std::fs::File::options()
        .write(true)
        .open(here.join("jobdeck.db"));
    file.unwrap().set_modified(long_ago).unwrap();
    let server = Server::start(here, &["serve", "--listen", "127.0.0.1:0", "--replica"]);
    let address = &server.url;
    assert_eq!(
        health(&server).1["data_changed_at"],
        "2023-11-14T22:13:20.000Z"
    );
    let url = format!("{address}/inventory/v1/jobs?domain_id=d");
    let answer = ureq::get(url).call().unwrap();
    assert_eq!(
        answer.headers()["last-modified"],
        "Tue, 14 Nov 2023 22:13:20 GMT"
    );
    let mut about = ureq::get(format!("{address}/jobdeck/about"))
        .call()
        .unwrap();
    let about: Value = about.body_mut().read_json().unwrap();
    assert_eq!(about["data_changed_at"], "2023-11-14T22:13:20.000Z");
    let mut metrics = ureq::get(format!("{address}/metrics")).call().unwrap();
    let metrics = metrics.body_mut().read_to_string().unwrap();
    assert!(
        metrics.contains("\njobdeck_data_changed_timestamp_seconds 1700000000\n"),
        "{metrics}"
    );
    let files = std::fs::read_dir(here).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["jobdeck.db"]);
}

#[test]
fn a_replica_refuses_what_would_write() {
    let folder = folder();
    let here = folder.path();
    for option in ["--writable", "--create", "--mock"] {
        let said = fails(here, &["serve", "--replica", option], 2);
        assert!(said.contains("--replica"), "{said}");
    }
    let said = fails(here, &["serve", "--replica"], 1);
    assert!(said.contains("jobdeck.db: there is no such file"), "{said}");
}

#[test]
fn a_database_that_another_server_has_open_is_no_replica() {
    let folder = folder();
    let here = folder.path();
    database(here, "jobdeck.db", 1);
    let primary = Server::start(here, &["serve", "--listen", "127.0.0.1:0", "--writable"]);
    let said = fails(here, &["serve", "--listen", "127.0.0.1:0", "--replica"], 1);
    check_line(&said, "jobdeck: jobdeck.db: another program has it open");
    drop(primary);
    let replica = Server::start(here, &["serve", "--listen", "127.0.0.1:0", "--replica"]);
    assert_eq!(health(&replica).1["jobs"], 1);
    // Commands that read it leave the server as it is.
    assert_eq!(ok(here, &["export"]).lines().count(), 1);
    assert_eq!(health(&replica).1["jobs"], 1);
}
