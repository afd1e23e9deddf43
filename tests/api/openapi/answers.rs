//! Checks that an answer is what the document says of its operation.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{Document, assert_valid};
use crate::app::{Answer, App};

#[track_caller]
pub(super) fn check_answer(
    document: &Document,
    operation: &Value,
    method: &str,
    place: &str,
    answer: &Answer,
) {
    let is_success = (200..300).contains(&answer.status);
    let response = operation["responses"].get(answer.status.to_string());
    let response = response.filter(|_| is_success);
    let response = response.unwrap_or_else(|| panic!("{place}: {} {}", answer.status, answer.text));
    let response = document.resolve(response);
    let headers = response["headers"].as_object().unwrap().iter();
    for (name, header) in headers.filter(|(name, _)| *name != "preference-applied") {
        let header = document.resolve(header);
        let value = answer.header(name);
        let value = value.unwrap_or_else(|| panic!("{place}: no {name}"));
        let validator = document.validator(&header["schema"]);
        assert_valid(&validator, &value.into(), &format!("{place} {name}"));
    }
    if method == "HEAD" || answer.status == 204 {
        assert!(
            response["content"].is_null() && answer.text.is_empty(),
            "{place}"
        );
    } else {
        check_content(document, operation, place, answer);
    }
}

/// Checks that status, media type and shape of an answer are described.
#[track_caller]
pub(super) fn check_content(document: &Document, operation: &Value, place: &str, answer: &Answer) {
    let responses = &operation["responses"];
    let response = responses.get(answer.status.to_string());
    let response = document.resolve(response.unwrap_or(&responses["default"]));
    let media_type = answer.header("content-type").unwrap();
    let essence = media_type.split(';').next().unwrap();
    let content = &response["content"][essence];
    assert!(
        !content.is_null(),
        "{place}: {} {media_type}",
        answer.status
    );
    let body = if essence == "application/json" {
        answer.json()
    } else {
        Value::String(answer.text.clone())
    };
    assert_valid(&document.validator(&content["schema"]), &body, place);
}

/// Checks that the operations with a described 304, and no others, answer with a tag, and with 304 to that tag.
#[track_caller]
pub(super) fn check_not_modified(
    app: &App,
    operation: &Value,
    method: &str,
    path: &str,
    answer: &Answer,
) {
    let is_described = !operation["responses"]["304"].is_null();
    let tag = answer.header("etag");
    assert_eq!(tag.is_some(), is_described, "{path}");
    if let Some(tag) = tag {
        let again = app.send(method, path, &[("if-none-match", tag)], None);
        assert_eq!(again.status, 304, "{path}");
    }
}

/// Checks that a method which the path does not have is answered with a described 405.
pub(super) fn check_method_not_allowed(
    app: &App,
    document: &Document,
    path: &str,
    operation: &Value,
) {
    let filled = path.replace("{name}", "a").replace("{job_id}", "a");
    let answer = app.send("OPTIONS", &filled.replace("{id}", "a"), &[], None);
    assert_eq!(answer.status, 405, "{path}");
    check_content(document, operation, path, &answer);
    let described = document.0["paths"][path].as_object().unwrap().keys();
    let allowed = methods(answer.header("allow").unwrap());
    assert_eq!(allowed, described.cloned().collect(), "{path}");
}

fn methods(allow: &str) -> BTreeSet<String> {
    allow.split(", ").map(str::to_ascii_lowercase).collect()
}
