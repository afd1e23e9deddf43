//! `GET /jobdeck/events`: an event at each change of the data, and none without one.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use jobdeck::clock::Clock;
use jobdeck::mock::MockConfig;
use jobdeck::tokens::NewToken;
use serde_json::json;

use crate::app::{App, Setup, job};

const EVENTS: &str = "/jobdeck/events";
/// How many streams may be open at a time.
const MAX_STREAMS: usize = 256;

/// An open stream, which is read line by line.
struct Stream(BufReader<TcpStream>);

impl Stream {
    /// Opens a stream, and reads its head and its greeting.
    #[track_caller]
    fn open(app: &App, query: &str, headers: &str) -> Self {
        let stream = app.raw("GET", &format!("{EVENTS}{query}"), headers, "");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let mut stream = Self(BufReader::new(stream));
        let head = stream.until("\r\n");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let head = head.to_ascii_lowercase();
        for line in [
            "content-type: text/event-stream\r\n",
            "cache-control: no-store\r\n",
            "x-accel-buffering: no\r\n",
        ] {
            assert!(head.contains(line), "{line} in {head}");
        }
        stream.until("retry: 3000\n");
        stream
    }

    /// Opens a stream of a client that has a version.
    #[track_caller]
    fn resume(app: &App, id: &str) -> Self {
        Self::open(app, "", &format!("last-event-id: {id}\r\n"))
    }

    /// Reads to a line, and returns all up to it.
    #[track_caller]
    fn until(&mut self, expected: &str) -> String {
        let mut text = String::new();
        loop {
            let before = text.len();
            let read = self.0.read_line(&mut text).unwrap();
            assert_ne!(read, 0, "the stream has ended after {text:?}");
            if &text[before..] == expected {
                return text;
            }
        }
    }

    /// Waits for the next event, and returns its id.
    #[track_caller]
    fn event(&mut self) -> String {
        let text = self.until("event: change\n");
        let line = text.lines().find_map(|line| line.strip_prefix("id: "));
        let id = line.unwrap().to_owned();
        let mut data = String::new();
        self.0.read_line(&mut data).unwrap();
        assert_eq!(data, format!("data: {}\n", json!({"version": id})));
        id
    }

    /// Reads the rest of a stream that has ended, or ends.
    fn end(mut self) -> String {
        let mut rest = String::new();
        while self.0.read_line(&mut rest).unwrap() > 0 {}
        rest
    }
}

/// The version of all data, as the list of domains has it.
fn version(app: &App) -> String {
    let answer = app.get("/jobdeck/domains");
    answer.header("etag").unwrap().to_owned()
}

fn put(app: &App, id: &str, body: &serde_json::Value) {
    let answer = app.json("PUT", &format!("/jobdeck/jobs/{id}?domain_id=d"), body);
    assert!(answer.status < 300, "{}", answer.text);
}

fn writable() -> App {
    App::serve(Setup {
        jobs: job("a", "d", ""),
        is_writable: true,
        ..Setup::default()
    })
}

#[test]
fn a_write_is_an_event_with_the_version_that_follows() {
    let app = writable();
    let mut streams = ["", "?domain_id=d", "?domain_id=none"].map(|query| {
        let mut stream = Stream::open(&app, query, "accept-encoding: gzip\r\n");
        assert_eq!(stream.event(), version(&app), "the present one");
        stream
    });
    for id in ["b", "c"] {
        put(&app, id, &json!({}));
        for stream in &mut streams {
            assert_eq!(stream.event(), version(&app));
        }
    }
}

#[test]
fn a_client_resumes_where_it_was() {
    let app = writable();
    let known = version(&app);
    // No event comes before the one of the write.
    let mut current = Stream::resume(&app, &known);
    put(&app, "b", &json!({}));
    let next = version(&app);
    assert_ne!(next, known);
    assert_eq!(current.event(), next);
    for behind in [known.as_str(), "of another server", "\"\""] {
        assert_eq!(Stream::resume(&app, behind).event(), next, "{behind}");
    }
    let mut current = Stream::resume(&app, &next);
    put(&app, "c", &json!({}));
    assert_eq!(current.event(), version(&app));
}

#[test]
fn what_another_program_writes_is_noticed() {
    let app = App::with_jobs(job("a", "d", ""));
    let mut stream = Stream::resume(&app, &version(&app));
    app.import(job("b", "d", ""));
    assert_eq!(stream.event(), version(&app));
}

#[test]
fn the_clock_of_a_mock_and_the_lives_of_its_jobs_are_noticed() {
    let app = App::serve(Setup {
        clock: Clock::SYSTEM,
        mock: Some(MockConfig::default()),
        ..Setup::default()
    });
    let mut stream = Stream::resume(&app, &version(&app));
    let life = json!({"life": [{"after": 0.2, "status": "SUCCESS"}]});
    put(&app, "a", &life);
    let put = stream.event();
    // Nobody asks for the job, and it goes on.
    let lived = stream.event();
    assert_ne!(lived, put);
    assert_eq!(lived, version(&app));
    let advance = json!({"seconds": 86_400});
    let answer = app.json("POST", "/jobdeck/clock/advance", &advance);
    assert!(answer.status < 300, "{}", answer.text);
    assert_eq!(stream.event(), version(&app));
}

#[test]
fn so_many_streams_are_open_and_no_more() {
    let app = writable();
    let mut streams: Vec<_> = (0..MAX_STREAMS)
        .map(|_| Stream::open(&app, "", ""))
        .collect();
    let refused = app.get(EVENTS);
    assert_eq!(
        refused.error(),
        "503 ERROR_UNAVAILABLE: as many streams of events are open as there may be; try again later, or ask for changes at intervals"
    );
    assert_eq!(refused.header("retry-after"), Some("30"));
    // They take nothing that other requests need.
    assert_eq!(app.search(&json!({"domain_id": "d"})).status, 200);
    let metrics = app.get("/metrics").text;
    assert!(
        metrics.contains(&format!("\njobdeck_event_streams {MAX_STREAMS}\n")),
        "{metrics}"
    );
    for stream in &mut streams {
        stream.event();
    }
    put(&app, "b", &json!({}));
    let next = version(&app);
    for stream in &mut streams {
        assert_eq!(stream.event(), next);
    }
    // A place is free again soon after its client has left.
    streams.pop();
    let start = Instant::now();
    while app.get(EVENTS).status != 200 {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn a_stop_ends_the_streams_quickly() {
    let app = writable();
    let streams: Vec<_> = (0..5).map(|_| Stream::open(&app, "", "")).collect();
    let start = Instant::now();
    app.stop();
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "after {:?}",
        start.elapsed()
    );
    for stream in streams {
        let rest = stream.end();
        assert!(rest.ends_with("0\r\n\r\n"), "the stream is whole: {rest}");
    }
}

#[test]
fn a_token_gets_the_versions_of_what_it_reaches() {
    let mut file = String::new();
    let [all, own] = ["*", "d"].map(|domain| {
        let NewToken { token, entry } = NewToken::generate(domain, false, None).unwrap();
        file.push_str(&entry);
        file.push('\n');
        token
    });
    let app = App::serve(Setup {
        jobs: job("a", "d", ""),
        tokens: Some(file),
        ..Setup::default()
    });
    assert!(
        app.get(EVENTS)
            .error()
            .starts_with("401 ERROR_AUTHENTICATE_FAILURE")
    );
    let mut ids = Vec::new();
    for (token, query) in [(&all, ""), (&all, "?domain_id=d"), (&own, "")] {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let domains = app.send("GET", "/jobdeck/domains", &headers, None);
        let id = Stream::open(&app, query, &format!("authorization: {bearer}\r\n")).event();
        assert_eq!(domains.header("etag"), Some(id.as_str()));
        ids.push(id);
    }
    assert_ne!(ids[0], ids[2], "the token of a domain has another answer");
    let bearer = format!("Bearer {own}");
    let headers = [("authorization", bearer.as_str())];
    let other = app.send("GET", "/jobdeck/events?domain_id=other", &headers, None);
    assert!(
        other.error().starts_with("403 ERROR_PERMISSION_DENIED"),
        "{}",
        other.error()
    );
}

#[test]
fn a_token_that_is_revoked_gets_no_further_event() {
    let [reader, writer] =
        [false, true].map(|may_write| NewToken::generate("d", may_write, None).unwrap());
    let app = App::serve(Setup {
        jobs: job("a", "d", ""),
        is_writable: true,
        tokens: Some(format!("{}\n{}", reader.entry, writer.entry)),
        ..Setup::default()
    });
    let headers = format!("authorization: Bearer {}\r\n", reader.token);
    let mut stream = Stream::open(&app, "", &headers);
    stream.event();
    app.set_tokens(&writer.entry);
    let bearer = format!("Bearer {}", writer.token);
    let body = json!({"job_id": "b", "domain_id": "d", "created_at": "2026-01-01T00:00:00Z"});
    let written = app.send(
        "PUT",
        "/jobdeck/jobs/b?domain_id=d",
        &[
            ("authorization", &bearer),
            ("content-type", "application/json"),
        ],
        Some(body.to_string().as_bytes()),
    );
    assert_eq!(written.status, 201, "{}", written.text);
    // The last chunk of HTTP.
    let rest = stream.until("0\r\n");
    assert!(!rest.contains("event:"), "{rest}");
}

#[test]
fn other_methods_and_parameters_are_refused() {
    let app = App::with_jobs("");
    let head = app.bare("HEAD", EVENTS);
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert!(
        app.get("/metrics")
            .text
            .contains("\njobdeck_event_streams 0\n")
    );
    let post = app.bare("POST", EVENTS);
    assert_eq!(
        (post.status, post.header("allow")),
        (405, Some("GET, HEAD"))
    );
    assert!(
        app.get("/jobdeck/events?domain=d")
            .error()
            .starts_with("400 ERROR_INVALID_PARAMETER")
    );
}

#[test]
fn a_fault_that_truncates_answers_lets_a_stream_be() {
    let app = App::mock(job("a", "d", ""));
    let fault = json!({"route": "events", "truncate": 3});
    let answer = app.post("/jobdeck/faults", &fault);
    assert!(answer.status < 300, "{}", answer.text);
    let mut stream = Stream::open(&app, "", "");
    assert_eq!(stream.event(), version(&app));
}
