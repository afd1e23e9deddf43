//! The journal of a mock: requests, answers, and waiting for requests.

use std::io::Read;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::{App, job};

fn journal(app: &App, query: &str) -> Value {
    let answer = app.get(&format!("/jobdeck/journal{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

fn ids(journal: &Value) -> Vec<u64> {
    let results = journal["results"].as_array().unwrap();
    results
        .iter()
        .map(|entry| entry["id"].as_u64().unwrap())
        .collect()
}

#[test]
fn an_entry_has_the_request_and_its_answer() {
    let app = App::mock(job("j", "d", ""));
    let body = r#"{"domain_id": "d", "job_id": "j", "query": {"count_only": true}}"#;
    let headers = "x-request-id: mine\r\naccept-encoding: gzip\r\nconnection: close\r\n";
    let mut answer = Vec::new();
    app.raw("POST", "/inventory/v1/jobs/search?x=1", headers, body)
        .read_to_end(&mut answer)
        .unwrap();
    let head = String::from_utf8_lossy(&answer);
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    let entries = journal(&app, "");
    let mut entry = entries["results"][0].clone();
    assert_eq!(entries["total_count"], 1);
    assert!(entry["milliseconds"].as_f64().unwrap() > 0.0);
    let at = entry["at"].as_str().unwrap().to_owned();
    assert!(at.starts_with("20") && at.ends_with('Z'), "{at}");
    let members = entry.as_object_mut().unwrap();
    members.remove("milliseconds");
    members.remove("at");
    let headers = members.remove("headers").unwrap();
    assert_eq!(headers["x-request-id"], "mine");
    let problem = "x: this route takes no parameters; put it into the body";
    assert_eq!(
        entry,
        json!({
            "id": 1, "request_id": "mine", "method": "POST", "path": "/inventory/v1/jobs/search", "query": "x=1",
            "route": "search", "domain_id": "d", "job_id": "j",
            "body": {"domain_id": "d", "job_id": "j", "query": {"count_only": true}}, "is_body_cut": false,
            "status": 400, "answer": {"detail": {"code": "ERROR_INVALID_PARAMETER", "message": problem}},
            "is_answer_cut": false, "faults": []
        })
    );
}

#[test]
fn an_answer_is_recorded_before_compression() {
    let app = App::mock(job("j", "d", ""));
    let headers = "accept-encoding: gzip\r\nconnection: close\r\n";
    let mut answer = Vec::new();
    app.raw(
        "POST",
        "/inventory/v1/jobs/search",
        headers,
        r#"{"domain_id": "d", "query": {"count_only": true}}"#,
    )
    .read_to_end(&mut answer)
    .unwrap();
    let head = String::from_utf8_lossy(&answer);
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let entry = journal(&app, "")["results"][0].clone();
    assert_eq!(entry["status"], 200);
    assert_eq!(entry["answer"], json!({"results": [], "total_count": 1}));
}

#[test]
fn only_requests_to_the_api_are_recorded() {
    let app = App::mock("");
    let own = [("x-jobdeck-page", "1")];
    for (path, headers) in [
        ("/", &[][..]),
        ("/favicon.ico", &[]),
        ("/jobdeck/faults", &[]),
        ("/jobdeck/journal", &[]),
        ("/jobdeck/domains", &own),
        ("/healthz", &[]),
        ("/check", &[]),
    ] {
        app.send("GET", path, headers, None);
    }
    assert_eq!(journal(&app, "")["total_count"], 0);
    app.get("/jobdeck/about");
    app.get("/openapi.json");
    app.send(
        "POST",
        "/inventory/v2/jobs",
        &[],
        Some(b"no JSON, and no such route"),
    );
    app.send("HEAD", "/inventory/v1/jobs?domain_id=d", &[], None);
    let entries = journal(&app, "");
    let seen: Vec<_> = entries["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (&entry["route"], &entry["status"], &entry["body"]))
        .collect();
    let no_json = json!("no JSON, and no such route");
    assert_eq!(
        seen,
        [
            (&json!("about"), &json!(200), &Value::Null),
            (&json!("openapi"), &json!(200), &Value::Null),
            (&Value::Null, &json!(404), &no_json),
            (&json!("list"), &json!(200), &Value::Null),
        ]
    );
    assert_eq!(entries["results"][3]["answer"], Value::Null);
}

#[test]
fn an_entry_names_the_faults_and_their_effect() {
    let app = App::mock(job("j", "d", ""));
    let whole = app.get("/inventory/v1/jobs?domain_id=d").text;
    for fault in [
        json!({"domain_id": "d", "delay": 0}),
        json!({"domain_id": "d", "drop": true, "times": 1}),
        json!({"domain_id": "d", "truncate": 7, "times": 1}),
        json!({"domain_id": "d", "code": 401, "times": 1}),
    ] {
        assert_eq!(app.post("/jobdeck/faults", &fault).status, 201);
    }
    for _ in 0..3 {
        let mut ended = String::new();
        let mut stream = app.raw(
            "GET",
            "/inventory/v1/jobs?domain_id=d",
            "connection: close\r\n",
            "",
        );
        stream.read_to_string(&mut ended).unwrap();
    }
    app.send(
        "GET",
        "/inventory/v1/jobs?domain_id=d",
        &[("prefer", "code=502")],
        None,
    );
    app.send(
        "GET",
        "/inventory/v1/jobs?domain_id=d",
        &[("prefer", "code=1")],
        None,
    );
    let entries = journal(&app, "?after=1");
    let recorded: Vec<_> = entries["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["status"].clone(), entry["faults"].clone()))
        .collect();
    assert_eq!(
        recorded,
        [
            (Value::Null, json!(["fault-1", "fault-2"])),
            (json!(200), json!(["fault-1", "fault-3"])),
            (json!(401), json!(["fault-1", "fault-4"])),
            (json!(502), json!(["prefer", "fault-1"])),
            (json!(400), json!([])),
        ]
    );
    assert_eq!(entries["results"][0]["answer"], Value::Null);
    assert_eq!(entries["results"][1]["answer"], whole[..7]);
    let cut: Vec<_> = entries["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["is_answer_cut"])
        .collect();
    assert_eq!(cut, [false, true, false, false, false]);
    let code = &entries["results"][2]["answer"]["detail"]["code"];
    assert_eq!(code, "ERROR_AUTHENTICATE_FAILURE");
}

#[test]
fn parameters_select_entries() {
    let app = App::mock(job("j", "d", "") + &job("k", "e", ""));
    app.search(&json!({"domain_id": "d", "query": {"keyword": "needle"}}));
    app.get("/inventory/v1/jobs?domain_id=e&keyword=a");
    app.get("/inventory/v1/jobs?domain_id=d&job_id=j");
    app.search(&json!({"domain_id": "e"}));
    for (query, expected) in [
        ("", &[1, 2, 3, 4][..]),
        ("?domain_id=d", &[1, 3]),
        ("?domain_id=d&route=list", &[3]),
        ("?route=search", &[1, 4]),
        ("?method=get", &[2, 3]),
        ("?path=/inventory/v1/jobs", &[2, 3]),
        ("?status=400", &[2]),
        ("?status=null", &[]),
        ("?job_id=j", &[3]),
        ("?contains=needle", &[1]),
        ("?after=2", &[3, 4]),
    ] {
        let entries = journal(&app, query);
        assert_eq!(ids(&entries), expected, "{query}");
        assert_eq!(entries["total_count"], expected.len(), "{query}");
    }
    // The newest stay in the journal, and all are counted.
    let entries = journal(&app, "?limit=2");
    assert_eq!(
        (ids(&entries), &entries["total_count"]),
        (vec![3, 4], &json!(4))
    );
    let entries = journal(&app, "?limit=0&domain_id=e");
    assert_eq!(entries, json!({"results": [], "total_count": 2}));

    // A client that has the current version gets 304 until an entry comes or goes, also one that waits for entries that exist.
    let version = app.get("/jobdeck/journal");
    let version = version.header("etag").unwrap();
    let look = |query: &str| {
        let path = format!("/jobdeck/journal{query}");
        app.send("GET", &path, &[("if-none-match", version)], None)
            .status
    };
    assert_eq!(look("?contains=needle"), 304);
    assert_eq!(look("?wait_for=1&timeout=0"), 304);
    let cleared = app.send("DELETE", "/jobdeck/journal?domain_id=d", &[], None);
    assert_eq!(cleared.json(), json!({"deleted": 2}));
    assert_eq!(look(""), 200);
    assert_eq!(ids(&journal(&app, "")), [2, 4]);
    let cleared = app.send("DELETE", "/jobdeck/journal", &[], None);
    assert_eq!(cleared.json(), json!({"deleted": 2}));
    assert_eq!(journal(&app, "")["total_count"], 0);
}

#[test]
fn wrong_parameters_are_refused_by_name() {
    let app = App::mock("");
    for (query, expected) in [
        (
            "rout=list",
            "rout: unknown parameter `rout`; did you mean `route`?",
        ),
        (
            "route=lst",
            "route: unknown route `lst`; did you mean `list`?",
        ),
        (
            "status=ok",
            "status: expected a status from 100 to 599, or `null` for requests without an answer, found `ok`",
        ),
        (
            "after=-1",
            "after: expected an integer of 0 or more, found `-1`",
        ),
        (
            "limit=x",
            "limit: expected an integer of 0 or more, found `x`",
        ),
        (
            "domain_id=",
            "domain_id: must not be empty; leave it out instead",
        ),
        ("limit=1&limit=2", "limit: given twice"),
        (
            "wait_for=1001",
            "wait_for: expected a number from 0 to 1000, the size of the journal, found 1001",
        ),
        (
            "wait_for=1&timeout=61",
            "timeout: expected seconds from 0 to 60, found 61",
        ),
        (
            "wait_for=1&timeout=NaN",
            "timeout: expected a number, found `NaN`",
        ),
        (
            "timeout=1",
            "timeout: is how long `wait_for` waits, so give that",
        ),
    ] {
        let answer = app.get(&format!("/jobdeck/journal?{query}"));
        assert_eq!(
            answer.error(),
            format!("400 ERROR_INVALID_PARAMETER: {expected}")
        );
    }
}

#[test]
fn a_client_can_wait_for_requests_to_come() {
    let app = App::mock("");
    let start = Instant::now();
    std::thread::scope(|scope| {
        let waited = scope.spawn(|| journal(&app, "?domain_id=d&wait_for=2&timeout=60"));
        for domain in ["d", "e", "d"] {
            app.search(&json!({"domain_id": domain}));
        }
        let waited = waited.join().unwrap();
        assert_eq!(ids(&waited), [1, 3]);
    });
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "not by the timeout"
    );
    assert_eq!(
        app.get("/jobdeck/journal?domain_id=d&wait_for=3&timeout=0.05")
            .error(),
        "408 ERROR_REQUEST_TIMEOUT: 2 of 3 requests came within 0.05 seconds"
    );
    assert_eq!(
        journal(&app, "?wait_for=0&domain_id=none")["total_count"],
        0
    );
}

#[test]
fn long_bodies_and_answers_are_recorded_in_part() {
    let filler = format!("\"filter\":{{\"x\":\"{}\"}}", "x".repeat(1_000));
    let jobs: String = (0..1_000)
        .map(|number| job(&format!("j{number}"), "d", &filler))
        .collect();
    let app = App::mock(jobs);
    let keywords = vec!["a"; 50_000];
    let condition = json!({"k": "job_id", "v": keywords, "o": "in"});
    app.search(&json!({"domain_id": "d", "query": {"filter": [condition]}}));
    let answer = app.search(&json!({"domain_id": "d"}));
    assert_eq!(answer.header("content-length"), None, "it is streamed");
    // It is there although the stream has only just ended.
    let entries = journal(&app, "");
    let first = &entries["results"][0];
    assert_eq!(first["is_body_cut"], true);
    assert_eq!(first["body"].as_str().unwrap().len(), 64 << 10);
    assert_eq!(first["domain_id"], "d", "the whole body was looked at");
    let second = &entries["results"][1];
    assert_eq!(second["is_answer_cut"], true);
    assert_eq!(second["answer"], answer.text[..64 << 10]);
}

#[test]
fn an_answer_that_is_not_read_to_its_end_is_recorded_as_cut() {
    let filler = format!("\"filter\":{{\"x\":\"{}\"}}", "x".repeat(16 << 10));
    let jobs: String = (0..2_000)
        .map(|number| job(&format!("j{number}"), "d", &filler))
        .collect();
    let app = App::mock(jobs);
    let body = json!({"domain_id": "d"}).to_string();
    let mut stream = app.raw("POST", "/inventory/v1/jobs/search", "", &body);
    stream.read_exact(&mut [0; 64]).unwrap();
    drop(stream);
    let entries = journal(&app, "?wait_for=1&timeout=60");
    assert_eq!(entries["results"][0]["status"], 200);
    assert_eq!(entries["results"][0]["is_answer_cut"], true);
}

#[test]
fn the_headers_of_a_request_are_recorded() {
    let app = App::mock("");
    let headers = [
        ("Authorization", "Bearer abc"),
        ("x-own", "one"),
        ("x-own", "two"),
    ];
    app.send("GET", "/inventory/v1/jobs?domain_id=d", &headers, None);
    let seen = journal(&app, "")["results"][0]["headers"].clone();
    assert_eq!(seen["authorization"], "Bearer abc");
    assert_eq!(seen["x-own"], "one, two");
}
