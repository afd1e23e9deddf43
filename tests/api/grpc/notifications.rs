//! Notifications while gRPC deletes jobs: it is the only write that SpaceONE's Job service has.

use std::time::Instant;

use serde_json::{Value, json};

use super::client::Client;
use super::receiver::{PATIENCE, Receiver};
use crate::app::{App, Setup};

/// Calls until it holds.
#[track_caller]
fn until(holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "it never holds");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// A server with one rule, which sends to the receiver.
fn serve(receiver: &Receiver) -> App {
    let rule = format!(
        "[[notify]]\nname = \"ci\"\ndomain_id = \"d\"\non = [\"failed\", \"recovered\", \"missing\"]\n\
         missing_after = \"26h\"\nallow_private = true\nurl = \"http://localhost:{}/hook\"\n",
        receiver.port
    );
    let app = App::serve(Setup {
        is_writable: true,
        has_grpc: true,
        notify: Some(rule),
        ..Setup::default()
    });
    // What the rule finds first is noted and not sent.
    let database = rusqlite::Connection::open(app.database()).unwrap();
    let is_noted = "SELECT EXISTS (SELECT 1 FROM notification_rules)";
    until(|| database.query_row(is_noted, [], |row| row.get(0)).unwrap());
    app
}

/// Puts a job that was created some hours before the time at which the server's clock is frozen.
fn put(app: &App, id: &str, collector: &str, status: &str, hours_ago: i64) {
    let now = jobdeck::time::Timestamp::parse_rfc3339("2022-06-20T12:00:00Z").unwrap();
    let created_at = now.plus_millis(-3_600_000 * hours_ago).to_string();
    let job = json!({
        "status": status,
        "created_at": created_at,
        "finished_at": created_at,
        "collector_info": {"collector_id": collector},
    });
    let path = format!("/jobdeck/jobs/{id}?domain_id=d");
    assert_eq!(app.json("PUT", &path, &job).status, 201);
}

fn delete(client: &Client, id: &str) {
    let deleted = client.call("delete", &json!({"domain_id": "d", "job_id": id}));
    assert_eq!(deleted.unwrap(), json!({}));
}

fn rule_of(app: &App) -> Value {
    app.get("/jobdeck/notifications").json()["rules"][0].clone()
}

#[test]
fn a_success_that_grpc_deletes_is_missing() {
    let receiver = Receiver::start();
    let app = serve(&receiver);
    let client = Client::connect(&app);
    put(&app, "newer", "a", "SUCCESS", 1);
    put(&app, "older", "a", "SUCCESS", 48);
    put(&app, "failed", "b", "ERROR", 1);
    assert_eq!(receiver.events(), ["failed failed"]);
    let start = Instant::now();
    delete(&client, "newer");
    assert_eq!(receiver.events(), ["missing a"]);
    // The write was noticed, and not only what time brings each minute.
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    assert_eq!(
        app.search(&json!({"domain_id": "d"})).json()["total_count"],
        2
    );
}

#[test]
fn a_failure_that_grpc_deletes_before_it_is_sent_disturbs_nothing() {
    let receiver = Receiver::start();
    let app = serve(&receiver);
    let client = Client::connect(&app);
    put(&app, "first", "a", "ERROR", 3);
    assert_eq!(receiver.events(), ["failed first"]);
    // It waits until the hour of its collector is over, and is gone before.
    put(&app, "held", "a", "ERROR", 2);
    put(&app, "other", "b", "ERROR", 2);
    assert_eq!(receiver.events(), ["failed other"]);
    delete(&client, "held");
    delete(&client, "first");
    // This one is deleted while its event waits for the receiver, which gets the event all the same.
    receiver.answer("HTTP/1.1 500 Oops");
    put(&app, "waiting", "c", "TIMEOUT", 1);
    assert_eq!(receiver.events(), ["failed waiting"]);
    delete(&client, "waiting");
    receiver.answer("HTTP/1.1 200 OK");
    until(|| rule_of(&app)["pending"] == 0);
    put(&app, "after", "e", "ERROR", 1);
    until(|| receiver.events() == ["failed after"]);
    until(|| rule_of(&app)["delivered"] == 4);
    assert!(rule_of(&app)["failed"].as_u64() >= Some(1));
    receiver.has_none();
    app.stop();
}
