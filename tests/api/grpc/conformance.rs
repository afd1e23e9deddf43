//! Every case of tests/conformance that a message can carry is answered as by REST.

use std::fmt::Write;

use serde_json::{Value, json};
use tonic::Code;

use super::client::{Client, text};
use crate::app::{Answer, App, Setup};
use crate::conformance::{read, send};

/// Runs the cases of a file; at least `least` of them must be such that a message can carry them.
fn run(file: &str, least: usize) {
    let app = App::serve(Setup {
        jobs: read("jobs.ndjson"),
        has_grpc: true,
        ..Setup::default()
    });
    let client = Client::connect(&app);
    let (mut carried, mut failures) = (0, String::new());
    for line in read(file).lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let request = &case["request"];
        let method = match request["path"].as_str().unwrap() {
            "/inventory/v1/jobs/search" => "list",
            "/inventory/v1/jobs/stat" => "stat",
            _ => continue,
        };
        let body = &as_clients_send(&request["body"]);
        let is_post = body.is_object() && request["method"] == "POST";
        if !is_post
            || has_members_in_order(&body["query"]["filter"])
            || client.request(method, body).is_err()
        {
            continue;
        }
        carried += 1;
        let rest = send(&app, request);
        let answered = client.call(method, body);
        let (expected, answered) = match &answered {
            Ok(answer) if rest.status == 200 => {
                (client.shown_of(method, &rest.json()), answer.clone())
            }
            answer => (
                json!(error(&rest)),
                answer
                    .as_ref()
                    .map_or_else(|status| json!(text(status)), Value::clone),
            ),
        };
        if expected != answered {
            let id = &case["id"];
            writeln!(failures, "{id} {body}: {answered} instead of {expected}").unwrap();
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {carried}:\n{failures}",
        failures.lines().count()
    );
    assert!(carried >= least, "only {carried} cases");
}

/// Whether conditions have an object of several members, which are compared in their order: this client loses it.
fn has_members_in_order(conditions: &Value) -> bool {
    let conditions = conditions.as_array().into_iter().flatten();
    let mut values = conditions.flat_map(|condition| [&condition["v"], &condition["value"]]);
    values.any(has_several_members)
}

fn has_several_members(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.len() > 1 || object.values().any(has_several_members),
        Value::Array(items) => items.iter().any(has_several_members),
        _ => false,
    }
}

/// The body of a request as clients make messages of it: `sort` is a list in the descriptor.
fn as_clients_send(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(sort) = body.pointer_mut("/query/sort")
        && sort.is_object()
    {
        *sort = json!([sort.take()]);
    }
    body
}

/// An answer by REST as the status that it is by gRPC.
fn error(rest: &Answer) -> String {
    let code = match rest.status {
        400 => Code::InvalidArgument,
        413 => Code::ResourceExhausted,
        status => return format!("HTTP {status}: {}", rest.text),
    };
    let detail = &rest.json()["detail"];
    format!(
        "{code:?} {}: {}",
        detail["code"].as_str().unwrap(),
        detail["message"].as_str().unwrap()
    )
}

#[test]
fn lists() {
    run("list.jsonl", 850);
}

#[test]
fn statistics() {
    run("stat.jsonl", 200);
}

#[test]
fn errors() {
    run("errors.jsonl", 50);
}
