//! `serve --notify`, `notify test` and `notify check`, with a receiver that answers as a test says.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jobdeck::clock::Clock;
use serde_json::{Value, json};

use crate::receiver::{PATIENCE, Receiver, events, respond};
use crate::{Server, check_line, fails, folder, ok};

/// Writes a file with one rule for domain `d`, which sends to a port of this machine.
fn rule(here: &Path, port: u16, on: &str, more: &str) {
    let text = format!(
        "[[notify]]\nname = \"ci\"\ndomain_id = \"d\"\non = {on}\nurl = \"http://localhost:{port}/hook\"\n{more}\n"
    );
    std::fs::write(here.join("notify.toml"), text).unwrap();
}

const ALLOW: &str = "allow_private = true";
const FAILED: &str = "\"failed\"";

fn serve(here: &Path) -> Server {
    let server = Server::start(
        here,
        &[
            "serve",
            "--create",
            "--writable",
            "--listen",
            "127.0.0.1:0",
            "--notify",
            "notify.toml",
        ],
    );
    // What the rule finds first is noted and not sent.
    until(|| (!rules_noted(here).is_empty()).then_some(()));
    server
}

/// Calls until there is something.
#[track_caller]
fn until<T>(mut get: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(got) = get() {
            return got;
        }
        assert!(start.elapsed() < PATIENCE, "it never comes");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn rules_noted(here: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(here.join("jobdeck.db")).unwrap();
    let mut statement = database
        .prepare("SELECT rule FROM notification_rules")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// A job of domain `d` that was created some seconds ago.
fn job(id: &str, collector: &str, status: &str, seconds_ago: i64) -> String {
    let created_at = Clock::SYSTEM.now().plus_millis(-1_000 * seconds_ago);
    json!({
        "job_id": id,
        "domain_id": "d",
        "status": status,
        "created_at": created_at.to_string(),
        "finished_at": (status != "IN_PROGRESS").then(|| created_at.plus_millis(500).to_string()),
        "collector_info": {"collector_id": collector, "name": format!("name of {collector}")},
        "errors": if status == "ERROR" { json!([{"error_code": "QUOTA", "message": "too much"}]) } else { json!([]) },
    })
    .to_string()
}

fn import(here: &Path, jobs: &[String]) {
    std::fs::write(here.join("jobs.ndjson"), jobs.join("\n")).unwrap();
    ok(here, &["import", "jobs.ndjson"]);
}

fn put(server: &Server, job: &str) {
    let job: Value = serde_json::from_str(job).unwrap();
    let url = format!(
        "{}/jobdeck/jobs/{}?domain_id=d",
        server.url,
        job["job_id"].as_str().unwrap()
    );
    let put = ureq::put(&url)
        .content_type("application/json")
        .send(job.to_string());
    assert!(put.unwrap().status().is_success());
}

fn notifications(server: &Server) -> Value {
    serde_json::from_str(&server.get("/jobdeck/notifications")).unwrap()
}

#[test]
fn failures_are_sent_once_however_they_come() {
    let folder = folder();
    let here = folder.path();
    let receiver = Receiver::start();
    rule(here, receiver.port, "[\"failed\", \"recovered\"]", ALLOW);
    import(here, &[job("before", "old", "ERROR", 60)]);
    let server = serve(here);
    import(
        here,
        &[
            job("imported", "a", "ERROR", 50),
            job("ancient", "z", "ERROR", 8 * 86_400),
        ],
    );
    let first = receiver.next();
    assert_eq!(events(&first), ["failed imported"]);
    assert_eq!(first["rule"], "ci");
    assert_eq!(first["domain_id"], "d");
    assert_eq!(
        first["text"],
        "name of a failed: QUOTA: too much · imported"
    );
    let event = &first["events"][0];
    for (member, expected) in [
        ("status", json!("ERROR")),
        ("collector_id", json!("a")),
        ("collector", json!("name of a")),
        ("error_code", json!("QUOTA")),
        ("error", json!("too much")),
        ("duration", json!(500)),
        ("failures_in_row", json!(1)),
        ("jobs", json!(1)),
    ] {
        assert_eq!(event[member], expected, "{member}");
    }
    put(&server, &job("put", "b", "TIMEOUT", 40));
    assert_eq!(receiver.events(), ["failed put"]);
    put(&server, &job("better", "a", "SUCCESS", 30));
    assert_eq!(receiver.events(), ["recovered better"]);
    assert_eq!(server.stop("-TERM").0, Some(0));
    // After a restart nothing is sent again, and a failure that came meanwhile is.
    import(here, &[job("meanwhile", "c", "ERROR", 20)]);
    let server = serve(here);
    assert_eq!(receiver.events(), ["failed meanwhile"]);
    // The failing collector is sent once an hour; another one is not held back by it.
    put(&server, &job("again", "c", "ERROR", 10));
    put(&server, &job("other", "e", "ERROR", 5));
    assert_eq!(receiver.events(), ["failed other"]);
    receiver.has_none();
    assert_eq!(server.stop("-TERM").0, Some(0));
    assert_eq!(
        ok(here, &["check"]),
        "jobdeck.db: 8 jobs, nothing is wrong\n"
    );
}

#[test]
fn stuck_and_missing_jobs_are_sent() {
    let folder = folder();
    let here = folder.path();
    let receiver = Receiver::start();
    let more = format!("missing_after = \"26h\"\nstuck_after = \"2h\"\n{ALLOW}");
    rule(here, receiver.port, "[\"stuck\", \"missing\"]", &more);
    let server = serve(here);
    put(&server, &job("quick", "a", "IN_PROGRESS", 3_600));
    put(&server, &job("long", "a", "IN_PROGRESS", 3 * 3_600));
    assert_eq!(receiver.events(), ["stuck long"]);
    put(&server, &job("yesterday", "b", "SUCCESS", 25 * 3_600));
    put(&server, &job("two-days", "c", "SUCCESS", 48 * 3_600));
    put(&server, &job("newer", "d", "SUCCESS", 3_600));
    put(&server, &job("older", "d", "SUCCESS", 48 * 3_600));
    assert_eq!(receiver.events(), ["missing c"]);
    // By what is usual: five jobs of half a second.
    rule(here, receiver.port, "\"stuck\"", ALLOW);
    assert_eq!(server.stop("-TERM").0, Some(0));
    let server = serve(here);
    until(|| {
        let database = rusqlite::Connection::open(here.join("jobdeck.db")).unwrap();
        let watches: String = database
            .query_row("SELECT watches FROM notification_rules", [], |row| {
                row.get(0)
            })
            .unwrap();
        (!watches.contains("missing\"")).then_some(())
    });
    let usual: Vec<_> = (1..=5)
        .map(|n| job(&format!("u{n}"), "u", "SUCCESS", n))
        .collect();
    import(here, &usual);
    put(&server, &job("unknown", "v", "IN_PROGRESS", 7_200));
    put(&server, &job("slow", "u", "IN_PROGRESS", 2));
    assert_eq!(receiver.events(), ["stuck slow"]);
    receiver.has_none();
}

#[test]
fn what_a_receiver_does_not_take_is_sent_again_in_one_post_and_in_order() {
    let folder = folder();
    let here = folder.path();
    let receiver = Receiver::start();
    rule(here, receiver.port, FAILED, ALLOW);
    receiver.answer("HTTP/1.1 500 Oops");
    let server = serve(here);
    put(&server, &job("j1", "a", "ERROR", 50));
    assert_eq!(receiver.events(), ["failed j1"]);
    put(&server, &job("j2", "b", "ERROR", 40));
    until(|| (receiver.events() == ["failed j1", "failed j2"]).then_some(()));
    let seen = notifications(&server);
    assert_eq!(seen["rules"][0]["host"], "localhost");
    let delivery = until(|| {
        let delivery = notifications(&server)["deliveries"].get(0).cloned()?;
        (delivery["events"] == 2).then_some(delivery)
    });
    assert_eq!(delivery["status"], 500);
    assert_eq!(delivery["answer"], "seen");
    assert!(delivery["attempts"].as_u64() >= Some(2), "{delivery}");
    assert!(delivery["next_at"].is_string(), "{delivery}");
    assert_eq!(notifications(&server)["rules"][0]["pending"], 2);
    let metrics = server.get("/metrics");
    assert!(
        metrics.contains("jobdeck_notifications_pending{rule=\"ci\"} 2"),
        "{metrics}"
    );
    // Killed and started again, with the receiver up.
    server.stop("-KILL");
    while receiver.requests.try_recv().is_ok() {}
    import(here, &[job("j3", "c", "ERROR", 30)]);
    receiver.answer("HTTP/1.1 204 Fine");
    let server = serve(here);
    // The attempt that is due at the start may precede the first look.
    let mut sent = receiver.events();
    if sent.len() < 3 {
        sent.extend(receiver.events());
    }
    assert_eq!(sent, ["failed j1", "failed j2", "failed j3"]);
    let done = until(|| {
        let seen = notifications(&server);
        (seen["rules"][0]["pending"] == 0).then_some(seen)
    });
    assert_eq!(done["deliveries"][0]["next_at"], Value::Null, "{done}");
    let metrics = server.get("/metrics");
    assert!(
        metrics.contains("jobdeck_notifications_delivered_total{rule=\"ci\"} 3"),
        "{metrics}"
    );
    receiver.has_none();
}

#[test]
fn a_redirect_is_not_followed() {
    let folder = folder();
    let here = folder.path();
    let (receiver, other) = (Receiver::start(), Receiver::start());
    rule(here, receiver.port, FAILED, ALLOW);
    for status in ["302 Found", "307 Temporary", "308 Permanent"] {
        receiver.answer(&format!(
            "HTTP/1.1 {status}\r\nlocation: http://localhost:{}/",
            other.port
        ));
        let said = fails(
            here,
            &["notify", "test", "ci", "--notify", "notify.toml"],
            1,
        );
        let code = status.split(' ').next().unwrap();
        check_line(
            &said,
            &format!("jobdeck: rule `ci`: localhost: {code} seen; the receiver did not take"),
        );
        receiver.next();
    }
    other.has_none();
    let server = serve(here);
    put(&server, &job("j", "a", "ERROR", 50));
    receiver.next();
    let delivery = until(|| notifications(&server)["deliveries"].get(0).cloned());
    assert_eq!(delivery["status"], 308, "{delivery}");
    other.has_none();
    // The rule is mended while the server runs: what was refused is sent at once.
    rule(here, other.port, FAILED, ALLOW);
    assert_eq!(other.events(), ["failed j"]);
}

#[test]
fn a_private_address_is_refused_by_its_number_and_by_its_name() {
    let folder = folder();
    let here = folder.path();
    let receiver = Receiver::start();
    for host in [
        "localhost",
        "127.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ] {
        rule(here, receiver.port, FAILED, "");
        let text = std::fs::read_to_string(here.join("notify.toml")).unwrap();
        std::fs::write(here.join("notify.toml"), text.replace("localhost", host)).unwrap();
        let said = fails(
            here,
            &["notify", "test", "ci", "--notify", "notify.toml"],
            1,
        );
        assert!(
            said.contains("is not an address of the public internet; `allow_private = true`"),
            "{host}: {said}"
        );
    }
    rule(here, receiver.port, FAILED, "");
    let server = serve(here);
    put(&server, &job("j", "a", "ERROR", 50));
    let delivery = until(|| notifications(&server)["deliveries"].get(0).cloned());
    assert_eq!(delivery["status"], Value::Null, "{delivery}");
    receiver.has_none();
}

/// Serves one connection after another with TLS; the certificate is that of `localhost`, from an authority of its own.
fn with_tls() -> u16 {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/localhost.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/localhost.key"));
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.unwrap()], key.unwrap());
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let stream = rustls::StreamOwned::new(connection, stream.unwrap());
            // A client that does not trust the certificate leaves.
            respond(stream, || "HTTP/1.1 200 OK".to_owned());
        }
    });
    port
}

#[test]
fn a_receiver_with_tls_needs_a_certificate_that_is_trusted_and_its_own() {
    let folder = folder();
    let here = folder.path();
    let authority = include_str!("tls/authority.pem");
    std::fs::write(here.join("authority.pem"), authority).unwrap();
    let port = with_tls();
    let test = ["notify", "test", "ci", "--notify", "notify.toml"];
    let with = |host: &str, more: &str| {
        rule(here, port, FAILED, more);
        let text = std::fs::read_to_string(here.join("notify.toml")).unwrap();
        let text = text.replace("http://localhost", &format!("https://{host}"));
        std::fs::write(here.join("notify.toml"), text).unwrap();
    };
    let trusted = format!("{ALLOW}\nca_file = \"authority.pem\"");
    with("localhost", &trusted);
    assert_eq!(ok(here, &test), "localhost: 200 seen\n");
    for (host, more) in [("localhost", ALLOW), ("127.0.0.1", &trusted)] {
        with(host, more);
        let said = fails(here, &test, 1);
        assert!(said.contains("certificate"), "{host}: {said}");
    }
}

#[test]
fn a_rule_can_be_tried() {
    let folder = folder();
    let here = folder.path();
    let receiver = Receiver::start();
    let headers =
        format!("{ALLOW}\nheaders = {{ x-key = \"secret\" }}\ntext = \"{{rule}} {{on}}\"");
    rule(
        here,
        receiver.port,
        "[\"missing\", \"recovered\"]",
        &format!("missing_after = \"1d\"\n{headers}"),
    );
    let test = ["notify", "test", "ci", "--notify", "notify.toml"];
    assert_eq!(ok(here, &test), "localhost: 200 seen\n");
    let (head, body) = receiver.requests.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("x-key: secret\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/json\r\n"),
        "{head}"
    );
    assert_eq!(body["text"], "ci recovered");
    receiver.answer("HTTP/1.1 404 Not Found");
    check_line(
        &fails(here, &test, 1),
        "jobdeck: rule `ci`: localhost: 404 seen; the receiver did not take the event",
    );
    check_line(
        &fails(
            here,
            &["notify", "test", "none", "--notify", "notify.toml"],
            1,
        ),
        "jobdeck: notify.toml: has no rule `none`; its rules are ci",
    );
    assert_eq!(
        ok(here, &["notify", "check", "--notify", "notify.toml"]),
        "ci: recovered, missing of d, to localhost\n"
    );
}

#[test]
fn a_file_that_is_wrong_is_refused_at_the_start() {
    let folder = folder();
    let here = folder.path();
    let serve = ["serve", "--create", "--notify", "notify.toml"];
    check_line(
        &fails(here, &serve, 1),
        "jobdeck: notify.toml: No such file or directory",
    );
    rule(here, 1, "\"fialed\"", "");
    let expected = "jobdeck: notify.toml: line 4: rule `ci`: on: unknown event `fialed`; did you mean `failed`?";
    check_line(&fails(here, &serve, 1), expected);
    check_line(
        &fails(here, &["notify", "check", "--notify", "notify.toml"], 1),
        expected,
    );
    assert!(!here.join("jobdeck.db").exists());
    rule(here, 1, FAILED, "");
    check_line(
        &fails(here, &["serve", "--mock", "--notify", "notify.toml"], 1),
        "jobdeck: --notify is not for a mock",
    );
}
