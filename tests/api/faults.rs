//! Faults of a mock: by route, header, domain and job; and the release of held answers.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jobdeck::mock::MockConfig;
use serde_json::{Value, json};

use crate::app::{Answer, App, Setup, job};

const SEARCH: &str = "/inventory/v1/jobs/search";
/// Longer than anything here takes, and shorter than a delay that must be cut short.
const SOON: Duration = Duration::from_secs(20);

#[track_caller]
fn set(app: &App, fault: &Value) -> String {
    let answer = app.post("/jobdeck/faults", fault);
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn search(app: &App, domain: &str) -> Answer {
    app.search(&json!({"domain_id": domain}))
}

fn asked(domain: &str) -> String {
    json!({"domain_id": domain}).to_string()
}

/// Waits until the faults hold this number of answers in all.
#[track_caller]
fn wait_until_held(app: &App, count: u64) {
    let end = Instant::now() + SOON;
    loop {
        let faults = app.get("/jobdeck/faults").json();
        let results = faults["results"].as_array().unwrap();
        let held: u64 = results
            .iter()
            .map(|fault| fault["holding"].as_u64().unwrap())
            .sum();
        if held == count {
            return;
        }
        assert!(Instant::now() < end, "{held} are held, not {count}");
        std::thread::yield_now();
    }
}

/// Everything until the connection ends.
fn read(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut text = String::new();
    match stream.read_to_string(&mut text) {
        // A server that stops does not read a request that has just come.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        read => drop(read.unwrap()),
    }
    text
}

/// The head of an answer on a connection that stays open.
fn read_head(mut stream: &TcpStream) -> String {
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

/// The status line of an answer on a connection that stays open.
fn status_line(mut stream: &TcpStream) -> String {
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        stream.read_exact(&mut byte).unwrap();
        line.extend(byte);
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

#[test]
fn without_a_mock_there_are_no_faults() {
    let app = App::with_jobs("");
    for path in ["/jobdeck/faults", "/jobdeck/faults/x", "/jobdeck/journal"] {
        assert_eq!(
            app.get(path).error(),
            format!("404 ERROR_NOT_FOUND: there is no {path} here; `jobdeck serve --mock` has it")
        );
    }
    let answer = app.send("GET", "/jobdeck/about", &[("prefer", "code=503")], None);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("preference-applied"), None);
}

#[test]
fn faults_are_added_listed_used_and_cleared() {
    let app = App::mock(job("j", "d", ""));
    let added = app.post(
        "/jobdeck/faults",
        &json!({"route": "search", "domain_id": "d", "code": "ERROR_UNAVAILABLE", "message": "not now", "times": 2}),
    );
    assert_eq!(added.status, 201);
    assert_eq!(
        added.json(),
        json!({"id": "fault-1", "route": "search", "domain_id": "d", "times": 2, "code": "ERROR_UNAVAILABLE", "message": "not now", "used": 0, "holding": 0})
    );
    set(&app, &json!({"route": "/healthz", "code": 500}));

    // Another domain, another route: nothing.
    assert_eq!(search(&app, "e").status, 200);
    assert_eq!(app.get("/inventory/v1/jobs?domain_id=d").status, 200);
    for _ in 0..2 {
        let answer = search(&app, "d");
        assert_eq!(answer.error(), "503 ERROR_UNAVAILABLE: not now");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(answer.header("x-request-id").is_some());
    }
    assert_eq!(search(&app, "d").status, 200);
    assert_eq!(
        app.get("/healthz").error(),
        "500 ERROR_UNKNOWN: injected by fault-2"
    );

    let list = app.get("/jobdeck/faults").json();
    assert_eq!(list["total_count"], 2);
    assert_eq!(list["results"][0]["used"], 2);
    assert_eq!(list["results"][1]["used"], 1);
    let list = app.get("/jobdeck/faults?domain_id=d").json();
    assert_eq!(list["total_count"], 1);

    let cleared = app.send("DELETE", "/jobdeck/faults?domain_id=d", &[], None);
    assert_eq!(cleared.json(), json!({"deleted": 1}));
    let removed = app.send("DELETE", "/jobdeck/faults/fault-2", &[], None);
    assert_eq!(removed.json(), json!({"deleted": 1}));
    assert_eq!(app.get("/healthz").status, 200);
    assert_eq!(
        app.send("DELETE", "/jobdeck/faults/fault-2", &[], None)
            .error(),
        "404 ERROR_NOT_FOUND: there is no fault `fault-2`; GET /jobdeck/faults lists the faults"
    );
    assert_eq!(
        app.send("POST", "/jobdeck/faults/fault-2/release", &[], None)
            .status,
        404
    );
}

#[test]
fn wrong_faults_are_refused_and_change_nothing() {
    let app = App::mock("");
    for (body, expected) in [
        (
            r#"{"code": "ERROR_UNKNOWM"}"#,
            "400 ERROR_INVALID_PARAMETER: code: unknown error code `ERROR_UNKNOWM`; did you mean `ERROR_UNKNOWN`?",
        ),
        (
            r#"{"code": 200}"#,
            "400 ERROR_INVALID_PARAMETER: code: expected a status from 400 to 599, found 200",
        ),
        (
            r#"{"code": 503, "route": "/jobdeck/reset"}"#,
            "400 ERROR_INVALID_PARAMETER: route: this path belongs to the controls of the mock, where no faults are injected",
        ),
        (
            r#"{"kode": 503}"#,
            "400 ERROR_INVALID_PARAMETER: kode: unknown member `kode`",
        ),
        ("{}", "400 ERROR_INVALID_PARAMETER: fault: does nothing"),
        (
            "[]",
            "400 ERROR_INVALID_PARAMETER: fault: expected an object, found an array",
        ),
        ("{", "400 ERROR_JSON_FORMAT: the body is not JSON"),
    ] {
        let got = app.post_text("/jobdeck/faults", body).error();
        assert!(got.starts_with(expected), "\n got: {got}\nwant: {expected}");
    }
    let answer = app.send("POST", "/jobdeck/faults", &[], Some(b"{\"code\":503}"));
    assert_eq!(answer.status, 415);
    for (method, path, expected) in [
        (
            "GET",
            "/jobdeck/faults?domain=d",
            "400 ERROR_INVALID_PARAMETER: domain: unknown parameter `domain`; did you mean `domain_id`?",
        ),
        (
            "DELETE",
            "/jobdeck/faults?domain_id=a&domain_id=b",
            "400 ERROR_INVALID_PARAMETER: domain_id: given twice",
        ),
        (
            "DELETE",
            "/jobdeck/faults?domain_id=",
            "400 ERROR_INVALID_PARAMETER: domain_id: must not be empty; leave it out instead",
        ),
        (
            "PUT",
            "/jobdeck/faults",
            "405 ERROR_METHOD_NOT_ALLOWED: PUT is not allowed here; allowed are GET, HEAD, POST, DELETE",
        ),
        (
            "GET",
            "/jobdeck/faults/fault-1",
            "405 ERROR_METHOD_NOT_ALLOWED: GET is not allowed here; allowed are DELETE",
        ),
    ] {
        assert_eq!(app.send(method, path, &[], None).error(), expected);
    }
    assert_eq!(app.get("/jobdeck/faults").json()["total_count"], 0);
}

#[test]
fn a_fault_for_every_route_spares_the_page_the_controls_and_health_checks() {
    let app = App::mock("");
    set(&app, &json!({"code": 500, "times": 2}));
    assert_eq!(app.get("/inventory/v1/jobs?domain_id=d").status, 500);
    assert_eq!(app.get("/nowhere").status, 500);
    assert_eq!(app.get("/jobdeck/faults").json()["results"][0]["used"], 2);
    app.send("DELETE", "/jobdeck/faults", &[], None);
    set(&app, &json!({"code": 500, "times": 1}));
    set(&app, &json!({"route": "domains", "drop": true}));
    let from_page = [("x-jobdeck-page", "1")];
    let answer = app.send("GET", "/jobdeck/domains", &from_page, None);
    assert_eq!(answer.status, 200, "the page's own requests are spared");
    for probe in ["/healthz", "/check"] {
        assert_eq!(app.get(probe).status, 200, "{probe}");
    }
    let faults = app.get("/jobdeck/faults").json();
    assert_eq!(faults["results"][0]["used"], 0, "and use up nothing");
    assert_eq!(faults["results"][1]["used"], 0, "and use up nothing");
    let page = app.get("/");
    assert_eq!(page.status, 200);
    let (_, style) = page.text.split_once("href=\"./assets/").unwrap();
    let style = style.split('"').next().unwrap();
    assert_eq!(app.get(&format!("/assets/{style}")).status, 200);
    assert_eq!(app.get("/jobdeck/journal").status, 200);
    assert_eq!(app.send("DELETE", "/jobdeck/faults", &[], None).status, 200);
    assert_eq!(app.get("/jobdeck/domains").status, 200);
    set(&app, &json!({"route": "check", "code": 503}));
    assert_eq!(app.get("/check").status, 503, "asked for by name");
    assert_eq!(app.get("/healthz").status, 200);
}

#[test]
fn a_fault_with_status_405_has_an_allow_header() {
    let app = App::mock("");
    set(&app, &json!({"code": 405}));
    let answer = search(&app, "d");
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
}

#[test]
fn the_prefer_header_injects_a_fault_into_one_answer() {
    let app = App::mock("");
    let about = |headers: &[(&str, &str)]| app.send("GET", "/jobdeck/about", headers, None);
    let answer = about(&[("prefer", "code=503")]);
    assert_eq!(
        answer.error(),
        "503 ERROR_UNAVAILABLE: injected by the header Prefer"
    );
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("preference-applied"), Some("code=503"));
    let start = Instant::now();
    let answer = about(&[
        ("prefer", "respond-async, delay=0.05"),
        ("prefer", "CODE=ERROR_PERMISSION_DENIED"),
    ]);
    assert_eq!(answer.status, 403);
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert_eq!(
        answer.header("preference-applied"),
        Some("delay=0.05, code=ERROR_PERMISSION_DENIED")
    );
    let answer = about(&[("prefer", "return=minimal")]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("preference-applied"), None);
    let answer = about(&[("prefer", "delay=0")]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("preference-applied"), Some("delay=0"));
    assert_eq!(
        about(&[("prefer", "code=fine")]).error().split(';').next(),
        Some("400 ERROR_INVALID_PARAMETER: header Prefer: code: unknown error code `fine`")
    );
    assert_eq!(
        about(&[("prefer", "delay=soon")]).error(),
        "400 ERROR_INVALID_PARAMETER: header Prefer: delay: expected seconds from 0 to 600, found `soon`"
    );
    assert_eq!(app.get("/jobdeck/about").status, 200, "only that one");
}

#[test]
fn a_delay_lasts_at_least_as_long_as_it_says() {
    let app = App::mock(job("j", "d", ""));
    set(
        &app,
        &json!({"route": "search", "delay": [0.05, 0.06], "seed": 3, "times": 1}),
    );
    let start = Instant::now();
    assert_eq!(search(&app, "d").json()["total_count"], 1);
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[test]
fn a_dropped_connection_ends_without_a_byte() {
    let app = App::mock(job("j", "d", ""));
    set(
        &app,
        &json!({"route": "search", "domain_id": "d", "drop": true}),
    );
    for _ in 0..3 {
        assert_eq!(read(app.raw("POST", SEARCH, "", &asked("d"))), "");
    }
    assert_eq!(search(&app, "e").status, 200);
    // A second request on one connection: the first answer is whole, and of the second not a byte comes.
    let mut stream = app.raw("HEAD", "/inventory/v1/jobs?domain_id=d", "", "");
    let head = read_head(&stream);
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let body = asked("d");
    write!(
        stream,
        "POST {SEARCH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    assert_eq!(read(stream), "");
    app.send("DELETE", "/jobdeck/faults", &[], None);
    assert_eq!(search(&app, "d").status, 200);
}

/// The head's length and the body that came.
fn length_and_body(answer: &str) -> (usize, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("transfer-encoding"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    (length.parse().unwrap(), body)
}

#[test]
fn a_truncated_body_ends_early_under_the_length_of_the_whole() {
    let app = App::mock(job("j", "d", ""));
    let whole = search(&app, "d").text;
    for bytes in [0, 1, 10, whole.len() - 1] {
        let fault = set(&app, &json!({"truncate": bytes}));
        for headers in ["", "accept-encoding: gzip\r\n"] {
            let answer = read(app.raw("POST", SEARCH, headers, &asked("d")));
            assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
            assert_eq!(length_and_body(&answer), (whole.len(), &whole[..bytes]));
        }
        let list = "/inventory/v1/jobs?domain_id=d";
        let head = read(app.raw("HEAD", list, "connection: close\r\n", ""));
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        app.send("DELETE", &format!("/jobdeck/faults/{fault}"), &[], None);
    }
    set(&app, &json!({"truncate": whole.len()}));
    assert_eq!(search(&app, "d").text, whole, "there is nothing to cut");
}

#[test]
fn a_truncated_stream_ends_early_too() {
    const CUT: usize = 1_500_000;
    let filler = format!("\"filter\":{{\"x\":\"{}\"}}", "x".repeat(1_000));
    let jobs: String = (0..3_000)
        .map(|number| job(&format!("j{number}"), "d", &filler))
        .collect();
    let app = App::mock(jobs);
    let whole = search(&app, "d");
    assert_eq!(whole.header("content-length"), None, "it is streamed");
    set(&app, &json!({"truncate": CUT}));
    let answer = read(app.raw("POST", SEARCH, "", &asked("d")));
    let (length, body) = length_and_body(&answer);
    assert_eq!((length, body.len()), (whole.text.len(), CUT));
    assert!(whole.text.starts_with(body));
}

#[test]
fn a_hold_lasts_until_it_is_released() {
    let app = App::mock(job("j", "d", ""));
    let gate = set(
        &app,
        &json!({"route": "search", "domain_id": "d", "hold": true}),
    );
    let held: Vec<_> = (0..2)
        .map(|_| app.raw("POST", SEARCH, "", &asked("d")))
        .collect();
    wait_until_held(&app, 2);
    assert_eq!(
        search(&app, "e").status,
        200,
        "another domain's are not held"
    );
    let released = app.send(
        "POST",
        &format!("/jobdeck/faults/{gate}/release"),
        &[],
        None,
    );
    assert_eq!(released.json(), json!({"released": 2}));
    for stream in &held {
        assert_eq!(status_line(stream), "HTTP/1.1 200 OK");
    }
    assert_eq!(app.get("/jobdeck/faults").json()["total_count"], 0);
    assert_eq!(search(&app, "d").status, 200);
}

#[test]
fn removing_a_fault_in_any_way_releases_the_answers_that_it_held() {
    let app = App::mock(job("j", "d", ""));
    for fault in [
        json!({"route": "search", "domain_id": "d", "hold": true, "code": 503}),
        json!({"route": "search", "domain_id": "d", "delay": 600, "code": 503}),
    ] {
        for clear in ["", "?domain_id=d", "/ID"] {
            let id = set(&app, &fault);
            let held = app.raw("POST", SEARCH, "", &asked("d"));
            wait_until_held(&app, 1);
            assert_eq!(
                app.send("DELETE", "/jobdeck/faults?domain_id=e", &[], None)
                    .json(),
                json!({"deleted": 0})
            );
            let path = format!("/jobdeck/faults{}", clear.replace("ID", &id));
            assert_eq!(app.send("DELETE", &path, &[], None).status, 200);
            assert_eq!(status_line(&held), "HTTP/1.1 503 Service Unavailable");
        }
    }
}

#[test]
fn a_write_that_is_held_until_a_reset_is_not_done() {
    let app = App::mock(job("j", "d", ""));
    let late = json!({"domain_id": "d"}).to_string();
    for (fault, more) in [
        (json!({"route": "put", "hold": true}), ""),
        (json!({"route": "put", "domain_id": "d", "hold": true}), ""),
        (json!({"route": "put", "domain_id": "d", "delay": 600}), ""),
        (
            json!({"route": "put", "domain_id": "d", "hold": true, "truncate": 5}),
            "",
        ),
        (
            json!({"route": "/nowhere", "code": 404}),
            "prefer: delay=600\r\n",
        ),
    ] {
        for reset in ["/jobdeck/reset", "/jobdeck/reset?domain_id=d"] {
            if reset.ends_with('d') && fault.get("domain_id").is_none() && more.is_empty() {
                continue; // A gate for all outlives the reset of one domain.
            }
            set(&app, &fault);
            let more = format!("{more}connection: close\r\n");
            let held = app.raw("PUT", "/jobdeck/jobs/late", &more, &late);
            if fault["route"] == "put" {
                wait_until_held(&app, 1);
            }
            let elsewhere = app.bare("POST", "/jobdeck/reset?domain_id=e");
            assert_eq!(elsewhere.status, 200);
            let answer = if fault["route"] == "put" {
                assert_eq!(app.bare("POST", reset).json(), json!({"jobs": 1}));
                read(held)
            } else {
                // No list has what a header requested.
                let read = std::thread::spawn(move || read(held));
                while !read.is_finished() {
                    assert_eq!(app.bare("POST", reset).status, 200);
                }
                read.join().unwrap()
            };
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
            assert!(
                answer
                    .contains("\"the mock was reset while this write was held; it was not done\""),
                "{answer}"
            );
            assert_eq!(search(&app, "d").json()["total_count"], 1, "{fault}");
            app.bare("DELETE", "/jobdeck/faults");
        }
    }

    // What is let go otherwise is done, and reads are answered after a reset, too.
    for release in [
        "/jobdeck/faults",
        "/jobdeck/faults/ID",
        "/jobdeck/faults/ID/release",
    ] {
        let id = set(
            &app,
            &json!({"route": "put", "domain_id": "d", "hold": true}),
        );
        let held = app.raw("PUT", "/jobdeck/jobs/late", "", &late);
        wait_until_held(&app, 1);
        let method = if release.ends_with("release") {
            "POST"
        } else {
            "DELETE"
        };
        assert_eq!(app.bare(method, &release.replace("ID", &id)).status, 200);
        assert_eq!(status_line(&held), "HTTP/1.1 201 Created", "{release}");
        app.bare("POST", "/jobdeck/reset");
    }
    set(&app, &json!({"route": "search", "hold": true}));
    let held = app.raw("POST", SEARCH, "", &late);
    wait_until_held(&app, 1);
    app.bare("POST", "/jobdeck/reset");
    assert_eq!(status_line(&held), "HTTP/1.1 200 OK");
}

#[test]
fn a_client_that_leaves_is_no_longer_held() {
    let app = App::mock(job("j", "d", ""));
    set(&app, &json!({"route": "search", "hold": true}));
    set(&app, &json!({"route": "stat", "delay": 600}));
    let held = app.raw("POST", SEARCH, "", &asked("d"));
    let delayed = app.raw("POST", "/inventory/v1/jobs/stat", "", &asked("d"));
    wait_until_held(&app, 2);
    drop(held);
    wait_until_held(&app, 1);
    drop(delayed);
    wait_until_held(&app, 0);
    let journal = app
        .get("/jobdeck/journal?status=null&wait_for=2&timeout=20")
        .json();
    assert_eq!(journal["total_count"], 2);
}

#[test]
fn a_stop_releases_held_answers() {
    let app = App::mock(job("j", "d", ""));
    set(&app, &json!({"route": "search", "hold": true}));
    set(&app, &json!({"route": "stat", "delay": 600, "code": 500}));
    let held = app.raw("POST", SEARCH, "", &asked("d"));
    let delayed = app.raw("POST", "/inventory/v1/jobs/stat", "", &asked("d"));
    let waiting = app.raw("GET", "/jobdeck/journal?wait_for=900&timeout=60", "", "");
    wait_until_held(&app, 2);
    let start = Instant::now();
    app.stop();
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "nothing had to be waited for"
    );
    assert!(read(held).starts_with("HTTP/1.1 200 OK"));
    assert!(read(delayed).starts_with("HTTP/1.1 500 Internal Server Error"));
    let waiting = read(waiting);
    assert!(
        waiting.is_empty()
            || waiting.starts_with("HTTP/1.1 408")
                && waiting.contains("of 900 requests had come when the server stopped"),
        "{waiting}"
    );
}

#[test]
fn a_fault_matches_the_job_that_a_path_or_a_body_names() {
    let app = App::mock(job("j", "d", ""));
    set(&app, &json!({"domain_id": "d", "job_id": "j", "code": 404}));
    assert_eq!(search(&app, "d").status, 200);
    let body = json!({"domain_id": "d", "job_id": "j"});
    assert_eq!(app.search(&body).status, 404);
    assert_eq!(
        app.get("/inventory/v1/jobs?domain_id=d&job_id=j").status,
        404
    );
    assert_eq!(
        app.get("/jobdeck/export?format=csv&domain_id=d&jobId=j")
            .status,
        404
    );
    assert_eq!(
        app.get("/inventory/v1/jobs?domain_id=d&job_id=i").status,
        200
    );
}

#[test]
fn a_mock_refuses_wrong_bodies_as_any_server_does() {
    let plain = App::with_jobs("");
    let mock = App::mock("");
    let large = vec![b' '; (1 << 20) + 1];
    for (headers, body) in [
        (&[("content-type", "application/json")][..], &large[..]),
        (&[("content-type", "application/json")], b"{"),
        (&[("content-type", "text/plain")], b"{}"),
        (&[], b""),
        (
            &[
                ("content-type", "application/json"),
                ("transfer-encoding", "chunked"),
            ],
            &large,
        ),
    ] {
        let answer = |app: &App| app.send("POST", SEARCH, headers, Some(body)).error();
        assert_eq!(answer(&mock), answer(&plain));
    }
}

/// What was logged by any server of this binary.
static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Capture;

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        struct Pairs(String);
        impl<'k> log::kv::VisitSource<'k> for Pairs {
            fn visit_pair(
                &mut self,
                key: log::kv::Key<'k>,
                value: log::kv::Value<'k>,
            ) -> Result<(), log::kv::Error> {
                Ok(write!(self.0, " {key}={value}")?)
            }
        }
        let mut pairs = Pairs(String::new());
        record.key_values().visit(&mut pairs).unwrap();
        let line = format!("{} {}{}", record.level(), record.args(), pairs.0);
        LOGGED.lock().unwrap().push(line);
    }
    fn flush(&self) {}
}

#[test]
fn an_injected_error_is_not_logged_as_a_failure() {
    log::set_logger(&Capture).unwrap();
    log::set_max_level(log::LevelFilter::Error);
    let app = App::serve(Setup {
        mock: Some(MockConfig::default()),
        ..Setup::default()
    });
    let headers = "x-request-id: asked-for\r\nprefer: code=503\r\naccept-encoding: gzip\r\nconnection: close\r\n";
    let mut answer = Vec::new();
    let mut stream = app.raw("GET", "/healthz", headers, "");
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    // Its database gone, it is in trouble of its own.
    std::fs::remove_file(app.database()).unwrap();
    let ours = app.send("GET", "/healthz", &[("x-request-id", "our-own")], None);
    assert_eq!(ours.status, 503);
    let logged = LOGGED.lock().unwrap().clone();
    let tells_of = |id: &str| logged.iter().any(|line| line.contains(id));
    assert!(tells_of(" failed request_id=our-own "), "{logged:?}");
    assert!(!tells_of("asked-for"), "{logged:?}");
}

#[test]
fn a_preflight_uses_up_no_fault() {
    let app = App::mock("");
    set(&app, &json!({"code": 503, "times": 1}));
    let preflight = [
        ("origin", "http://localhost:1"),
        ("access-control-request-method", "GET"),
    ];
    let answer = app.send("OPTIONS", "/jobdeck/about", &preflight, None);
    assert_ne!(answer.status, 503);
    assert_eq!(app.get("/jobdeck/about").status, 503);
    assert_eq!(app.get("/jobdeck/journal").json()["total_count"], 1);
}

#[test]
fn the_address_may_name_the_domain_of_a_fault() {
    let app = App::mock("");
    let path = "/jobdeck/faults?domain_id=d";
    let added = app.post(path, &json!({"route": "search", "code": 503}));
    assert_eq!(
        (added.status, &added.json()["domain_id"]),
        (201, &json!("d"))
    );
    assert_eq!(app.search(&json!({"domain_id": "e"})).status, 200);
    assert_eq!(app.search(&json!({"domain_id": "d"})).status, 503);
    assert_eq!(
        app.post(path, &json!({"code": 503, "domain_id": "e"}))
            .error(),
        "400 ERROR_INVALID_PARAMETER: domain_id: is `e` in the body and `d` in the address; they must agree"
    );
}
