//! Runs the cases of tests/conformance; its README says how answers are compared.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Map, Value};

use crate::app::{Answer, App};

pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/conformance")
            .join(name),
    )
    .unwrap()
}

fn run(file: &str, least: usize) {
    let app = App::with_jobs(read("jobs.ndjson"));
    let text = read(file);
    let cases: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(cases.len() >= least, "only {} cases in {file}", cases.len());
    let mut failures = String::new();
    for case in &cases {
        if let Err(difference) = check(case, &send(&app, &case["request"])) {
            let (id, title) = (
                case["id"].as_str().unwrap(),
                case["title"].as_str().unwrap(),
            );
            writeln!(failures, "{id} {title}: {difference}").unwrap();
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[test]
fn lists() {
    run("list.jsonl", 909);
}

#[test]
fn statistics() {
    run("stat.jsonl", 245);
}

#[test]
fn errors() {
    run("errors.jsonl", 251);
}

pub(crate) fn send(app: &App, request: &Value) -> Answer {
    let mut path = request["path"].as_str().unwrap().to_owned();
    if let Some(params) = request["params"].as_object() {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in params {
            match value {
                Value::Array(items) => items.iter().for_each(|item| {
                    query.append_pair(name, item.as_str().unwrap());
                }),
                one => {
                    query.append_pair(name, one.as_str().unwrap());
                }
            }
        }
        write!(path, "?{}", query.finish()).unwrap();
    }
    let body = match (&request["raw"], &request["body"]) {
        (Value::String(raw), _) => Some(raw.clone()),
        (_, Value::Null) => None,
        (_, body) => Some(body.to_string()),
    };
    let media_type = request["headers"]["Content-Type"]
        .as_str()
        .unwrap_or("application/json");
    let method = request["method"].as_str().unwrap();
    app.send(
        method,
        &path,
        &[("content-type", media_type)],
        body.as_deref().map(str::as_bytes),
    )
}

fn check(case: &Value, answer: &Answer) -> Result<(), String> {
    let expected = &case["expect"];
    let body = answer.json();
    if expected["status"] != answer.status {
        return Err(format!(
            "status {} instead of {}: {body}",
            answer.status, expected["status"]
        ));
    }
    let wanted = &expected["body"];
    if answer.status != 200 {
        let code = &body["detail"]["code"];
        let allowed = &wanted["detail"]["code"];
        let is_right =
            allowed == code || allowed.as_array().is_some_and(|codes| codes.contains(code));
        let has_message = body["detail"]["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty());
        return if is_right && has_message {
            Ok(())
        } else {
            Err(format!("{body} instead of {allowed}"))
        };
    }
    let is_list = case["tags"].as_array().unwrap().contains(&"list".into());
    let (mut rows, mut got) = (rows(wanted), rows(&body));
    if is_list {
        rows.iter_mut().chain(&mut got).for_each(prune_job);
        if !same(
            &body["total_count"],
            wanted.get("total_count").unwrap_or(&0.into()),
        ) {
            return Err(format!(
                "total_count {} instead of {}",
                body["total_count"], wanted["total_count"]
            ));
        }
    } else {
        if body.get("total_count") != wanted.get("total_count") {
            return Err(format!(
                "total_count {:?} instead of {:?}",
                body.get("total_count"),
                wanted.get("total_count")
            ));
        }
        for path in case["set_paths"].as_array().into_iter().flatten() {
            let sort = |row: &mut Value| {
                if let Some(items) = row
                    .get_mut(path.as_str().unwrap())
                    .and_then(Value::as_array_mut)
                {
                    items.sort_by_key(canonical);
                }
            };
            rows.iter_mut().chain(&mut got).for_each(sort);
        }
    }
    compare(case, &rows, &got)
}

fn rows(body: &Value) -> Vec<Value> {
    body["results"].as_array().cloned().unwrap_or_default()
}

fn compare(case: &Value, wanted: &[Value], got: &[Value]) -> Result<(), String> {
    if wanted.len() != got.len() {
        return Err(format!("{} rows instead of {}", got.len(), wanted.len()));
    }
    match case["order"].as_str().unwrap_or("exact") {
        "any" => compare_as_multiset(wanted, got),
        "ties" => {
            let mut start = 0;
            for size in case["ties"].as_array().unwrap() {
                let end = start + usize::try_from(size.as_u64().unwrap()).unwrap();
                compare_as_multiset(&wanted[start..end], &got[start..end])?;
                start = end;
            }
            Ok(())
        }
        _ => match wanted
            .iter()
            .zip(got)
            .position(|(wanted, got)| !same(wanted, got))
        {
            None => Ok(()),
            Some(at) => Err(format!("row {at} is {} instead of {}", got[at], wanted[at])),
        },
    }
}

fn compare_as_multiset(wanted: &[Value], got: &[Value]) -> Result<(), String> {
    let mut rest: Vec<_> = got.iter().collect();
    for row in wanted {
        match rest.iter().position(|other| same(row, other)) {
            Some(at) => drop(rest.swap_remove(at)),
            None => return Err(format!("{row} is missing; there are {rest:?}")),
        }
    }
    Ok(())
}

/// Equality where 1 is 1.0 and floats may differ by 1e-9 of their size.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.as_f64().unwrap(), y.as_f64().unwrap());
            a == b || (x - y).abs() <= 1e-9 * x.abs().max(y.abs())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

/// A text that is equal for equal values, to sort by.
fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("{:.9e}", number.as_f64().unwrap()),
        Value::Object(members) => {
            let mut sorted: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{name:?}:{}", canonical(value)))
                .collect();
            sorted.sort();
            format!("{{{}}}", sorted.join(","))
        }
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(canonical).collect::<Vec<_>>().join(",")
        ),
        other => other.to_string(),
    }
}

/// Drops the members that proto3 JSON leaves out, within the members of a job that are messages.
fn prune_job(job: &mut Value) {
    let Value::Object(job) = job else { return };
    for error in job
        .get_mut("errors")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        error.as_object_mut().map(prune);
    }
    if let Some(Value::Object(collector)) = job.get_mut("collector_info") {
        collector
            .get_mut("plugin_info")
            .and_then(Value::as_object_mut)
            .map(prune);
        prune(collector);
    }
    prune(job);
}

fn prune(message: &mut Map<String, Value>) {
    message.retain(|_, value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(true) => true,
    });
}
