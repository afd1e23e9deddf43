//! Long answers, deadlines, and clients that leave.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::app::{App, job};

fn jobs(count: usize, filler: &str) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        write!(text, "{}", job(&format!("job-{number:06}"), "d", filler)).unwrap();
        text
    })
}

#[test]
fn an_answer_without_a_limit_holds_every_match() {
    const COUNT: usize = 5_000;
    let app = App::with_jobs(jobs(COUNT, ""));
    let answer = app.search(&json!({"domain_id": "d", "query": {"sort": {"key": "job_id"}}}));
    assert_eq!(answer.header("content-length"), None, "it is streamed");
    let body = answer.json();
    assert_eq!(body["total_count"], COUNT);
    let ids: Vec<_> = body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["job_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), COUNT);
    assert!(ids.is_sorted());
    let page = app.search(&json!({"domain_id": "d", "query": {"page": {"limit": 3}}}));
    assert!(
        page.header("content-length").is_some(),
        "a page is answered whole"
    );
}

/// A stored document that can't be read is an error of the server, not of the client, and only the log has its cause.
#[test]
fn a_damaged_document_is_a_server_error() {
    let app = App::with_jobs(job("j", "d", "\"filter\":{\"a\":\"b\"}"));
    rusqlite::Connection::open(app.database())
        .unwrap()
        .execute_batch(
            "DROP TRIGGER jobs_are_updated_by_jobdeck;
             UPDATE jobs SET head = replace(head, '\"a\":', '\"a\";'), tail = replace(tail, '\"a\":', '\"a\";')",
        )
        .unwrap();
    let condition = |o: &str, v: &str| json!({"filter": [{"k": "filter.a", "o": o, "v": v}]});
    let group = json!([{"group": {"keys": [{"key": "filter.a", "name": "a"}], "fields": [{"name": "n", "operator": "count"}]}}]);
    for query in [
        condition("eq", "b"),
        condition("regex", "b"),
        condition("contain", "b"),
        json!({"only": ["filter.a"]}),
        json!({"sort": {"key": "filter.a"}}),
    ] {
        let answer = app.search(&json!({"domain_id": "d", "query": query}));
        assert_eq!(answer.status, 503, "{query}: {}", answer.text);
        assert!(!answer.text.contains("column"), "{}", answer.text);
    }
    for query in [
        json!({"aggregate": group}),
        json!({"distinct": "filter.a"}),
        json!({"aggregate": [{"unwind": {"path": "filter.a"}}]}),
    ] {
        let answer = app.stat(&json!({"domain_id": "d", "query": query}));
        assert_eq!(answer.status, 503, "{query}: {}", answer.text);
    }
    let answer = app.get("/jobdeck/export?format=csv&domain_id=d");
    assert_eq!(answer.status, 503, "{}", answer.text);
}

#[test]
fn a_query_past_its_deadline_is_stopped() {
    let app = App::start(
        jobs(3_000, "\"filter\":{\"x\":[1,2,3]}"),
        Duration::from_millis(500),
    );
    // Three groups of 3,000 rows, each with every other: 27 million rows to count.
    let all = |name: &str| json!({"name": name, "operator": "push", "fields": [{"key": "filter.x", "name": "x"}]});
    let stages = json!([
        {"unwind": {"path": "filter.x"}},
        {"group": {"keys": [{"key": "filter.x", "name": "x"}], "fields": [all("a"), all("b")]}},
        {"unwind": {"path": "a"}},
        {"unwind": {"path": "b"}},
        {"count": {"name": "n"}}
    ]);
    let start = Instant::now();
    let answer = app.stat(&json!({"domain_id": "d", "query": {"aggregate": stages}}));
    assert_eq!(
        answer.error(),
        "504 ERROR_REQUEST_TIMEOUT: the query ran past its deadline and was stopped"
    );
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "long before it would have ended"
    );
    // The thread and its connection are free again.
    for _ in 0..20 {
        assert_eq!(
            app.search(&json!({"domain_id": "d", "query": {"count_only": true}}))
                .status,
            200
        );
    }
}

#[test]
fn clients_that_leave_free_their_readers() {
    let app = App::with_jobs(jobs(
        20_000,
        "\"filter\":{\"x\":\"a job of some size, so that the answer is long\"}",
    ));
    let body = "{\"domain_id\":\"d\"}";
    // More than there are readers: if one of them were not returned, the last requests would find none.
    for _ in 0..23 {
        let mut stream = TcpStream::connect(&app.address).unwrap();
        write!(
            stream,
            "POST /inventory/v1/jobs/search HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut start = [0; 64];
        stream.read_exact(&mut start).unwrap();
        assert!(start.starts_with(b"HTTP/1.1 200 OK"));
    }
    let answer = app.search(&json!({"domain_id": "d", "query": {"page": {"limit": 1}}}));
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// An aggregate that no machine finishes: each round triples the rows.
pub(crate) fn endless() -> serde_json::Value {
    let mut stages = vec![json!({"project": {"fields": [{"name": "x", "key": "filter.x"}]}})];
    for _ in 0..23 {
        stages.push(
            json!({"project": {"fields": [{"name": "x", "key": "x"}, {"name": "y", "key": "x"}]}}),
        );
        stages.push(json!({"unwind": {"path": "y"}}));
    }
    stages.push(json!({"count": {"name": "n"}}));
    json!({"domain_id": "d", "query": {"aggregate": stages}})
}

#[test]
fn clients_that_leave_end_their_queries() {
    const TIMEOUT: Duration = Duration::from_mins(2);
    let app = App::start(jobs(1_000, "\"filter\":{\"x\":[1,2,3]}"), TIMEOUT);
    let body = endless().to_string();
    // As many as there are readers.
    let streams: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = TcpStream::connect(&app.address).unwrap();
            write!(
                stream,
                "POST /inventory/v1/jobs/stat HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
            stream
        })
        .collect();
    // None of them has an answer, and none will.
    streams[0]
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    (&streams[0]).read_exact(&mut [0]).unwrap_err();
    drop(streams);
    let start = Instant::now();
    let answer = app.search(&json!({"domain_id": "d", "query": {"count_only": true}}));
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        start.elapsed() < TIMEOUT / 10,
        "the readers are free long before their deadline"
    );
}
