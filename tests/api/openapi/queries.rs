//! The schemas of the queries for lists and statistics accept what the server accepts, and refuse what it refuses.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::{Document, assert_valid};
use crate::app::App;
use crate::conformance::{read, send};

const LIST: &str = "/inventory/v1/jobs/search";
const STAT: &str = "/inventory/v1/jobs/stat";

type Body = (&'static str, Value);

fn list(query: &Value) -> Body {
    (LIST, json!({"domain_id": "d", "query": query}))
}

fn stage(stage: &Value) -> Body {
    (
        STAT,
        json!({"domain_id": "d", "query": {"aggregate": [stage]}}),
    )
}

fn condition(condition: &Value) -> Body {
    list(&json!({"filter": [condition]}))
}

fn group_field(field: &Value) -> Body {
    stage(&json!({"group": {"fields": [field]}}))
}

fn project_field(field: &Value) -> Body {
    stage(&json!({"project": {"fields": [field]}}))
}

/// Checks that server and schema both accept each of these queries, or both refuse it.
fn check_bodies<const N: usize>(expected: bool, bodies: [Body; N]) {
    let app = App::with_jobs(read("jobs.ndjson"));
    let document = Document::of(&app);
    let (jobs, stats) = (document.named("JobsQuery"), document.named("JobStatQuery"));
    for (path, body) in bodies {
        let answer = app.post(path, &body);
        assert_eq!(answer.status == 200, expected, "{body}: {}", answer.text);
        let schema = if path == LIST { &jobs } else { &stats };
        assert_eq!(schema.is_valid(&body), expected, "{body}");
    }
}

#[test]
fn the_schemas_accept_every_spelling_that_the_server_accepts() {
    check_bodies(
        true,
        [
            (
                LIST,
                json!({"domainId": "d", "jobId": "j", "status": 5, "query": null}),
            ),
            (
                LIST,
                json!({"domain_id": "d", "status": "JOB_STATE_NONE", "job_id": ""}),
            ),
            list(
                &json!({"filterOr": [{"key": "status", "v": null, "o": "eq"}], "countOnly": true}),
            ),
            list(
                &json!({"page": {"start": "2", "limit": ""}, "only": ["filters.a", "errors.0.message"]}),
            ),
            list(&json!({"sort": {"k": "job_id", "desc": true}})),
            list(&json!({"sort": {"keys": [{"key": "job_id"}]}})),
            list(&json!({"sort": [{"k": "job_id"}]})),
            list(&json!({"sort": {}})),
            condition(&json!({"k": "created_at", "operator": "timediff_lt", "v": "now/d"})),
            condition(&json!({"k": "created_at", "operator": "timediff_lt", "v": "now/w -2d"})),
            stage(&json!({"limit": "3", "skip": null})),
            stage(
                &json!({"group": {"keys": [{"k": "created_at", "n": "a", "dateFormat": "year"}]}}),
            ),
            group_field(
                &json!({"n": "a", "o": "count", "k": "status", "fields": [], "conditions": null}),
            ),
            group_field(&json!({
                "name": "a", "operator": "sum", "key": "total_tasks", "conditions": [{"k": "status", "o": "eq", "v": 1}]
            })),
            project_field(&json!({"name": "a", "operator": "", "key": "status"})),
            project_field(&json!({
                "name": "a",
                "operator": "add",
                "fields": [1, "total_tasks", {"o": "sum", "fields": ["total_tasks", 2.5], "name": "x"}]
            })),
        ],
    );
}

#[test]
fn the_schemas_refuse_what_the_server_refuses() {
    check_bodies(
        false,
        [
            (LIST, json!({})),
            (LIST, json!([])),
            (LIST, json!({"domain_id": ""})),
            (LIST, json!({"domain_id": "d", "domainId": "d"})),
            (LIST, json!({"domain_id": "d", "status": "DONE"})),
            (LIST, json!({"domain_id": "d", "status": 7})),
            (LIST, json!({"domain_id": "d", "stauts": 1})),
            list(&json!({"page": {"limit": -1}})),
            list(&json!({"page": {"size": 1}})),
            list(&json!({"sort": [{"desc": true}]})),
            list(&json!({"only": "job_id"})),
            condition(&json!({"k": "status", "v": "ERROR"})),
            condition(&json!({"k": "status", "v": "ERROR", "o": "equals"})),
            condition(&json!({"k": "stauts", "v": "ERROR", "o": "eq"})),
            condition(&json!({"k": "status", "key": "status", "v": 1, "o": "eq"})),
            condition(&json!({"k": "status", "v": "ERROR", "o": "in"})),
            condition(&json!({"k": "status", "v": ["ERROR"], "o": "eq"})),
            condition(&json!({"k": "status", "value": 1, "operator": "exists"})),
            condition(&json!({"k": "errors", "v": "a", "o": "match"})),
            condition(&json!({"k": "created_at", "v": "yesterday", "o": "timediff_gt"})),
            (STAT, json!({"domain_id": "d"})),
            (STAT, json!({"domain_id": "d", "query": {}})),
            (STAT, json!({"domain_id": "d", "query": {"aggregate": []}})),
            stage(&json!({"match": {}})),
            stage(&json!({"limit": 0})),
            stage(&json!({"limit": 1, "skip": 1})),
            stage(&json!({"unwind": "errors"})),
            stage(&json!({"group": {}})),
            group_field(&json!({"name": "a.b", "operator": "count"})),
            group_field(&json!({"name": "a", "operator": "sum"})),
            group_field(&json!({"name": "a", "operator": "push"})),
            group_field(&json!({
                "name": "a", "operator": "max", "key": "status", "conditions": [{"key": "status", "operator": "eq", "value": 1}]
            })),
            group_field(&json!({
                "name": "a", "operator": "count", "conditions": [{"key": "status", "operator": "eq", "value": null}]
            })),
            project_field(&json!({"name": "a", "operator": "divide", "fields": ["total_tasks"]})),
            project_field(&json!({"name": "a", "operator": "size"})),
        ],
    );
}

fn cases(file: &str) -> Vec<Value> {
    let text = read(file);
    let cases = text.lines().map(|line| serde_json::from_str(line).unwrap());
    cases.collect()
}

fn body_schema(request: &Value) -> &'static str {
    if request["path"] == "/inventory/v1/jobs/stat" {
        "JobStatQuery"
    } else {
        "JobsQuery"
    }
}

/// The schemas accept every request that the server answers, and its answers match theirs.
#[test]
fn every_conformance_case_matches_the_schemas() {
    let app = App::with_jobs(read("jobs.ndjson"));
    let document = Document::of(&app);
    let names = [
        "JobsQuery",
        "JobStatQuery",
        "JobsInfo",
        "JobStats",
        "ErrorAnswer",
    ];
    let schemas: BTreeMap<_, _> = names.map(|name| (name, document.named(name))).into();
    let (mut valid, mut refused) = (0, 0);
    for case in ["list.jsonl", "stat.jsonl", "errors.jsonl"]
        .into_iter()
        .flat_map(cases)
    {
        let id = case["id"].as_str().unwrap();
        let request = &case["request"];
        let asked = body_schema(request);
        let answer = send(&app, request);
        let described = match (answer.status, asked) {
            (200, "JobsQuery") => "JobsInfo",
            (200, _) => "JobStats",
            _ => "ErrorAnswer",
        };
        let mut answered = answer.json();
        if let Some(results) = answered["results"].as_array_mut() {
            // Validation is slow, and this many results are enough.
            results.truncate(40);
        }
        assert_valid(&schemas[described], &answered, id);
        match (&request["body"], answer.status) {
            (Value::Null, _) => {}
            (body, 200) => {
                assert_valid(&schemas[asked], body, id);
                valid += 1;
            }
            (body, _) => refused += usize::from(!schemas[asked].is_valid(body)),
        }
    }
    assert!(valid > 350, "only {valid}");
    assert!(refused > 45, "only {refused}");
}
