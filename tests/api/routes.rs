//! What all routes have in common: methods, hosts, media types, limits, headers, ids.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{App, job};

#[track_caller]
fn check_error(got: &str, expected: &str) {
    assert!(got.starts_with(expected), "\n got: {got}\nwant: {expected}");
}

#[test]
fn unknown_routes_and_methods_are_errors_in_spaceones_shape() {
    let app = App::with_jobs("");
    check_error(
        &app.get("/inventory/v1/job").error(),
        "404 ERROR_NOT_FOUND: there is no /inventory/v1/job here",
    );
    for (method, path, allow) in [
        ("GET", "/inventory/v1/jobs/search", "POST"),
        ("DELETE", "/inventory/v1/jobs", "GET, HEAD"),
        ("PUT", "/inventory/v1/jobs/stat", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/check", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ] {
        let answer = app.send(method, path, &[], None);
        check_error(&answer.error(), "405 ERROR_METHOD_NOT_ALLOWED: ");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
}

#[test]
fn every_answer_has_an_id_and_security_headers() {
    let app = App::with_jobs("");
    for path in ["/", "/healthz", "/nowhere", "/inventory/v1/jobs"] {
        let answer = app.get(path);
        assert!(!answer.header("x-request-id").unwrap().is_empty());
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
    }
    let with_id = |id: &str| app.send("GET", "/healthz", &[("x-request-id", id)], None);
    assert_eq!(
        with_id("caller-1.x").header("x-request-id"),
        Some("caller-1.x")
    );
    let insane = "x".repeat(65);
    assert_ne!(
        with_id(&insane).header("x-request-id"),
        Some(insane.as_str())
    );
    assert_ne!(with_id("a b").header("x-request-id"), Some("a b"));
}

#[test]
fn an_unknown_host_is_refused_on_every_route() {
    let app = App::with_jobs("");
    for path in [
        "/",
        "/healthz",
        "/inventory/v1/jobs?domain_id=d",
        "/nowhere",
    ] {
        let answer = app.send("GET", path, &[("host", "evil.example")], None);
        check_error(
            &answer.error(),
            "421 ERROR_INVALID_HOST: this server is not known as `evil.example`",
        );
    }
    assert_eq!(
        app.send("GET", "/healthz", &[("host", "jobs.example:80")], None)
            .status,
        200
    );
}

#[test]
fn bodies_must_be_json_and_of_bounded_size() {
    let app = App::with_jobs("");
    let path = "/inventory/v1/jobs/search";
    let send =
        |headers: &[(&str, &str)], body: &[u8]| app.send("POST", path, headers, Some(body)).error();
    check_error(&send(&[], b"{}"), "415 ERROR_UNSUPPORTED_MEDIA_TYPE: ");
    check_error(
        &send(&[("content-type", "text/plain")], b"{}"),
        "415 ERROR_UNSUPPORTED_MEDIA_TYPE: ",
    );
    let gzip = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    check_error(&send(&gzip, b"{}"), "400 ERROR_INVALID_PARAMETER: ");
    let json = [("content-type", "Application/JSON; charset=utf-8")];
    check_error(
        &send(&json, b"{}"),
        "400 ERROR_REQUIRED_PARAMETER: Required parameter. (key = domain_id)",
    );
    check_error(
        &send(&json, &vec![b' '; (1 << 20) + 1]),
        "413 ERROR_REQUEST_TOO_LARGE: ",
    );
    check_error(&send(&json, b"\xff"), "400 ERROR_JSON_FORMAT: ");
    check_error(&send(&json, "[".repeat(100_000).as_bytes()), "400 ERROR_");
    let long = format!("/inventory/v1/jobs?domain_id={}", "d".repeat(33 << 10));
    check_error(&app.get(&long).error(), "413 ERROR_REQUEST_TOO_LARGE: ");
}

#[test]
fn health_fails_when_the_file_is_gone() {
    let app = App::with_jobs(job("j", "d", ""));
    let healthy = app.get("/healthz");
    assert_eq!(healthy.status, 200);
    assert_eq!(healthy.json()["status"], "ok");
    assert_eq!(healthy.json()["jobs"], 1);
    assert_eq!(healthy.json()["version"], env!("CARGO_PKG_VERSION"));
    let bytes = |path: &Path| json!(path.metadata().unwrap().len());
    let (database, wal) = (app.database(), app.database().with_extension("db-wal"));
    assert_eq!(healthy.json()["database_bytes"], bytes(&database));
    assert_eq!(healthy.json()["wal_bytes"], bytes(&wal));
    let check = app.get("/check");
    assert_eq!(
        (check.status, check.text.as_str()),
        (200, r#"{"status":"SERVING"}"#)
    );
    for path in ["/healthz", "/check"] {
        let head = app.send("HEAD", path, &[], None);
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("cache-control"), Some("no-store"), "{path}");
    }
    std::fs::remove_file(app.database()).unwrap();
    assert_eq!(app.get("/healthz").status, 503);
    let check = app.get("/check");
    assert_eq!(
        (check.status, check.text.as_str()),
        (503, r#"{"status":"NOT_SERVING"}"#)
    );
    // What is open still answers, and what must be opened anew is refused: never an empty list.
    for _ in 0..20 {
        let answer = app.search(&json!({"domain_id": "d"}));
        assert!(
            answer.status == 503 || answer.json()["total_count"] == 1,
            "{}",
            answer.text
        );
    }
}

#[test]
fn health_fails_when_another_file_has_replaced_it() {
    let app = App::with_jobs(job("j", "d", ""));
    assert_eq!(app.get("/healthz").status, 200);
    let copy = app.database().with_extension("copy");
    std::fs::copy(app.database(), &copy).unwrap();
    std::fs::rename(&copy, app.database()).unwrap();
    let answer = app.get("/healthz");
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.json()["problem"],
        "the database file was deleted or replaced"
    );
    assert_eq!(app.get("/check").status, 503);
}

#[test]
fn domains_are_listed_with_their_number_of_jobs() {
    let app =
        App::with_jobs(job("a", "beta", "") + &job("b", "al\\\"pha", "") + &job("c", "beta", ""));
    let expected =
        json!({"results": [{"domain_id": "al\"pha", "jobs": 1}, {"domain_id": "beta", "jobs": 2}]});
    assert_eq!(app.get("/jobdeck/domains").json(), expected);
}

#[test]
fn documents_are_answered_without_members_that_have_no_value() {
    let app = App::with_jobs(job(
        "j",
        "d",
        "\"finished_at\":null,\"filter\":{\"a\":null}",
    ));
    let expected = json!({
        "results": [{
            "job_id": "j", "status": "CREATED", "filter": {"a": null}, "total_tasks": 0, "remained_tasks": 0,
            "errors": [], "domain_id": "d", "created_at": "2022-06-17T08:00:00.000Z",
            "updated_at": "2022-06-17T08:00:00.000Z"
        }],
        "total_count": 1
    });
    assert_eq!(app.search(&json!({"domain_id": "d"})).json(), expected);
    let empty = app.search(&json!({"domain_id": "none"})).json();
    assert_eq!(empty, json!({"results": [], "total_count": 0}));
}

#[test]
fn the_query_may_be_json_in_a_query_string() {
    let app = App::with_jobs(job("a", "d", "\"status\":\"ERROR\"") + &job("b", "d", ""));
    let query = r#"{"filter":[{"k":"status","v":"ERROR","o":"eq"}],"only":["job_id"]}"#;
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let answer = app.get(&format!("/inventory/v1/jobs?domain_id=d&query={query}"));
    assert_eq!(
        answer.json(),
        json!({"results": [{"job_id": "a"}], "total_count": 1})
    );
    check_error(
        &app.get("/inventory/v1/jobs?domain_id=d&query.filter.k=status")
            .error(),
        "400 ERROR_INVALID_PARAMETER: query.filter.k: has no form with dots",
    );
}

#[test]
fn sort_may_be_an_array() {
    let app =
        App::with_jobs(job("a", "d", "\"total_tasks\":1") + &job("b", "d", "\"total_tasks\":2"));
    let ids = |sort: Value| -> Vec<String> {
        let answer = app
            .search(&json!({"domain_id": "d", "query": {"sort": sort}}))
            .json();
        answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|job| job["job_id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        ids(json!([{"key": "total_tasks", "desc": true}])),
        ["b", "a"]
    );
    assert_eq!(
        ids(json!([{"key": "total_tasks"}, {"key": "job_id"}])),
        ["a", "b"]
    );
}

#[test]
fn a_pattern_that_takes_too_many_steps_is_a_client_error() {
    let app = App::with_jobs(job(
        "j",
        "d",
        &format!("\"filter\":{{\"x\":\"{}b\"}}", "a".repeat(500)),
    ));
    let condition = json!({"k": "filter.x", "v": "^(a|a)*\\1$", "o": "regex"});
    let answer = app.search(&json!({"domain_id": "d", "query": {"filter": [condition]}}));
    check_error(
        &answer.error(),
        "400 ERROR_DB_QUERY: the regular expression",
    );
}

#[test]
fn a_pattern_that_takes_long_ends_with_the_time_of_the_query() {
    // From each of the 16,000 positions both lookaheads run to the end of the text.
    let jobs = job(
        "j",
        "d",
        &format!("\"filter\":{{\"x\":\"{}\"}}", "a".repeat(16_000)),
    );
    let app = App::start(jobs, Duration::from_millis(200));
    let condition = json!({"k": "filter.x", "v": "(?=.*a)(?=.*b)", "o": "regex"});
    let answer = app.search(&json!({"domain_id": "d", "query": {"filter": [condition]}}));
    check_error(&answer.error(), "504 ERROR_REQUEST_TIMEOUT");
}

#[test]
fn odd_requests_within_the_limits_are_answered() {
    let app = App::with_jobs(job("j", "d", "\"filter\":{\"x\":1}"));
    let words: Vec<_> = (0..500).map(|number| format!("w{number}")).collect();
    let keyword = words.join(" ");
    let many = vec![json!({"k": "filter.x", "v": 1, "o": "eq"}); 500];
    let requirement = json!({"k": "filter", "o": "gt", "v": 1});
    let field = |number: usize| json!({"name": format!("f{number}"), "operator": "count", "conditions": vec![requirement.clone(); 18]});
    let fields: Vec<_> = (0..100).map(field).collect();
    for query in [
        json!({"filter": [{"k": "job_id", "v": words, "o": "not_contain_in"}]}),
        json!({"filter": [{"k": "filter.x", "v": words, "o": "contain_in"}]}),
        json!({"keyword": keyword, "filter_or": many}),
        json!({"filter": many}),
        json!({"filter": [{"k": "job_id", "v": vec!["^j"; 50], "o": "regex_in"}]}),
    ] {
        let answer = app.search(&json!({"domain_id": "d", "query": query}));
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let answer = app
        .stat(&json!({"domain_id": "d", "query": {"aggregate": [{"group": {"fields": fields}}]}}));
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[test]
fn requests_past_the_limits_are_client_errors() {
    let app = App::with_jobs(job("j", "d", ""));
    let words = |count: usize| {
        (0..count)
            .map(|number| json!(format!("w{number}")))
            .collect::<Vec<_>>()
    };
    for (query, expected) in [
        (
            json!({"filter": [{"k": "job_id", "v": words(501), "o": "contain_in"}]}),
            "query.filter[0].v: 501 words",
        ),
        (
            json!({"filter": [{"k": "job_id", "v": words(51), "o": "regex_in"}]}),
            "query.filter[0].v: at most 50 regular expressions",
        ),
        (
            json!({"filter": [{"k": "job_id", "v": words(10_001), "o": "in"}]}),
            "query.filter[0].v: 10001 values",
        ),
        (
            json!({"only": vec!["status"; 101]}),
            "query.only: has 101 items",
        ),
        (
            json!({"sort": vec![json!({"key": "status"}); 33]}),
            "query.sort: has 33 keys",
        ),
    ] {
        check_error(
            &app.search(&json!({"domain_id": "d", "query": query}))
                .error(),
            &format!("400 ERROR_INVALID_PARAMETER: {expected}"),
        );
    }
}

#[test]
fn a_parameter_of_a_route_with_a_body_is_refused() {
    let app = App::with_jobs(job("j", "d", ""));
    for route in ["search", "stat"] {
        let path = format!("/inventory/v1/jobs/{route}?domain_id=e");
        check_error(
            &app.post(
                &path,
                &json!({"domain_id": "d", "query": {"distinct": "status"}}),
            )
            .error(),
            "400 ERROR_INVALID_PARAMETER: domain_id: this route takes no parameters; put it into the body",
        );
    }
}

/// A column named twice a stage, fifty stages on: written out it would be more than any memory holds.
#[test]
fn calculations_of_calculations_stay_small() {
    let app = App::with_jobs(job("j", "d", "\"total_tasks\":1"));
    let double = |operator: &str| json!({"project": {"fields": [{"name": "x", "operator": operator, "fields": ["x", "x"]}]}});
    let mut stages = vec![json!({"project": {"fields": [{"name": "x", "key": "total_tasks"}]}})];
    stages.extend(vec![double("add"); 48]);
    let answer = app.stat(&json!({"domain_id": "d", "query": {"aggregate": stages}}));
    assert_eq!(answer.json(), json!({"results": [{"x": 1_u64 << 48}]}));
}

#[test]
fn a_pattern_that_is_slow_to_compile_blocks_no_other_request() {
    // However busy the machine is, the deadline is not what this is about.
    let app = App::start(job("j", "d", ""), Duration::from_mins(10));
    let patterns: Vec<_> = (0..50)
        .map(|number| format!("\\w{{20}}a{number}"))
        .collect();
    let slow = json!({"domain_id": "d", "query": {"filter": [{"k": "job_id", "v": patterns, "o": "regex_in"}]}});
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| app.search(&slow).status))
            .collect();
        assert_eq!(app.get("/").status, 200);
        for status in asked {
            assert_eq!(status.join().unwrap(), 200);
        }
    });
}

#[test]
fn quick_answers_find_a_reader_while_heavy_ones_run() {
    use std::io::Write;
    // More than the sockets on both sides hold: the streams stand still.
    let filler = format!("\"filter\":{{\"x\":\"{}\"}}", "x".repeat(16 << 10));
    let jobs: String = (0..2_000)
        .map(|number| job(&format!("j{number}"), "d", &filler))
        .collect();
    let app = App::with_jobs(jobs);
    let body = "{\"domain_id\":\"d\"}";
    // Clients that ask for everything and read nothing.
    let stalled: Vec<_> = (0..12)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(&app.address).unwrap();
            let length = body.len();
            write!(stream, "POST /inventory/v1/jobs/search HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(app.get("/healthz").status, 200);
        let page = app.search(&json!({"domain_id": "d", "query": {"page": {"limit": 1}}}));
        assert_eq!(page.status, 200, "{}", page.text);
    }
    drop(stalled);
}
