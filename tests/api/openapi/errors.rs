//! The statuses of errors are described on the operations that answer them.

use super::answers::check_content;
use super::document::Document;
use crate::app::{App, job};

const JSON: &str = "application/json";
const JOB: &str = r#"{"job_id":"j","domain_id":"d"}"#;

/// An operation, the request to it (target, media type, body), and the status of the answer.
const ERRORS: [(&str, &str, &str, &str, u16); 22] = [
    (
        "PUT /jobdeck/jobs/{job_id}",
        "/jobdeck/jobs/j",
        JSON,
        "{}",
        400,
    ),
    (
        "PUT /jobdeck/jobs/{job_id}",
        "/jobdeck/jobs/j?domain_id=d",
        "text/plain",
        "{}",
        415,
    ),
    (
        "PATCH /jobdeck/jobs/{job_id}",
        "/jobdeck/jobs/x?domain_id=d",
        JSON,
        "{}",
        404,
    ),
    (
        "PATCH /jobdeck/jobs/{job_id}",
        "/jobdeck/jobs/j?domain_id=d",
        "text/plain",
        "{}",
        415,
    ),
    (
        "DELETE /jobdeck/jobs/{job_id}",
        "/jobdeck/jobs/x?domain_id=d",
        "",
        "",
        404,
    ),
    (
        "DELETE /jobdeck/jobs/{job_id}",
        "/jobdeck/jobs/j",
        "",
        "",
        400,
    ),
    ("DELETE /jobdeck/jobs", "/jobdeck/jobs", "", "", 400),
    (
        "POST /jobdeck/jobs",
        "/jobdeck/jobs?on_conflict=fail",
        JSON,
        JOB,
        409,
    ),
    (
        "POST /jobdeck/jobs",
        "/jobdeck/jobs?on_conflict=no",
        JSON,
        JOB,
        400,
    ),
    (
        "POST /jobdeck/jobs",
        "/jobdeck/jobs",
        "text/plain",
        JOB,
        415,
    ),
    (
        "POST /jobdeck/reset",
        "/jobdeck/reset?domain=d",
        "",
        "",
        400,
    ),
    (
        "GET /jobdeck/snapshots",
        "/jobdeck/snapshots?domain_id=",
        "",
        "",
        400,
    ),
    (
        "PUT /jobdeck/snapshots/{name}",
        "/jobdeck/snapshots/a%20b",
        "",
        "",
        400,
    ),
    (
        "DELETE /jobdeck/snapshots/{name}",
        "/jobdeck/snapshots/a",
        "",
        "",
        404,
    ),
    (
        "POST /jobdeck/snapshots/{name}/restore",
        "/jobdeck/snapshots/a/restore",
        "",
        "",
        404,
    ),
    ("PUT /jobdeck/clock", "/jobdeck/clock", "", "{}", 415),
    (
        "POST /jobdeck/clock/advance",
        "/jobdeck/clock/advance",
        JSON,
        "{",
        400,
    ),
    (
        "DELETE /jobdeck/faults/{id}",
        "/jobdeck/faults/fault-1",
        "",
        "",
        404,
    ),
    (
        "POST /jobdeck/faults/{id}/release",
        "/jobdeck/faults/fault-1/release",
        "",
        "",
        404,
    ),
    (
        "GET /jobdeck/journal",
        "/jobdeck/journal?wait_for=999&timeout=0.01",
        "",
        "",
        408,
    ),
    (
        "GET /jobdeck/journal",
        "/jobdeck/journal?timeout=1",
        "",
        "",
        400,
    ),
    ("GET /jobdeck/about", "/jobdeck/about?a=b", "", "", 400),
];

/// The status of every error is described on its operation.
#[test]
fn errors_are_described_on_the_operations_that_answer_them() {
    let app = App::mock(job("j", "d", ""));
    let document = Document::of(&app);
    for (operation, target, media_type, body, status) in ERRORS {
        let (method, path) = operation.split_once(' ').unwrap();
        let described = &document.0["paths"][path][method.to_ascii_lowercase()];
        let place = format!("{method} {target:.80}");
        let headers = [("content-type", media_type)];
        let headers = if media_type.is_empty() {
            &[]
        } else {
            &headers[..]
        };
        let body = (!body.is_empty()).then_some(body.as_bytes());
        let answer = app.send(method, target, headers, body);
        assert_eq!(answer.status, status, "{place}: {}", answer.text);
        assert!(
            !described["responses"][status.to_string()].is_null(),
            "{place}"
        );
        check_content(&document, described, &place, &answer);
    }
    let long = format!("/jobdeck/reset?domain_id={}", "x".repeat(40_000));
    assert_eq!(app.bare("POST", &long).status, 413);
    let elsewhere = [("origin", "http://elsewhere.example")];
    let refused = app.send("DELETE", "/jobdeck/journal", &elsewhere, None);
    assert_eq!(refused.status, 403);
    for (path, method, operation) in document.operations() {
        let is_refused = !operation["responses"]["403"].is_null();
        let target = path.replace(['{', '}'], "");
        let answer = app.send(&method.to_ascii_uppercase(), &target, &elsewhere, None);
        assert_eq!(answer.status == 403, is_refused, "{method} {path}");
    }
}
