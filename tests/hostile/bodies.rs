//! Bodies of every route that takes one, damaged at every location.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::damage::{RAW, TEXTS, locations, some, values, with, with_a_member_renamed};
use crate::rounds;
use crate::server::{Client, Server, request};

/// A route that takes a body, with a valid one.
struct Sample {
    method: String,
    target: String,
    media_type: String,
    body: Value,
}

impl Sample {
    fn with(&self, body: &[u8]) -> Vec<u8> {
        let headers = format!("content-type: {}\r\n", self.media_type);
        request(&self.method, &self.target, &headers, body)
    }

    fn about(&self, body: &[u8]) -> String {
        let start = &body[..body.len().min(2_000)];
        format!(
            "{} {} {}",
            self.method,
            self.target,
            String::from_utf8_lossy(start)
        )
    }
}

/// Returns the examples of the OpenAPI document, and queries that have every member of the language.
fn samples(client: &mut Client<'_>) -> Vec<Sample> {
    let description = client.ask(&request("GET", "/openapi.json", "", b""));
    let description: Value = serde_json::from_slice(&description.body).unwrap();
    let mut samples = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let Some(content) = operation["requestBody"]["content"].as_object() else {
                continue;
            };
            for (media_type, described) in content {
                let several = described["examples"].as_object();
                let several = several.into_iter().flat_map(|several| several.values());
                let examples = several
                    .map(|one| &one["value"])
                    .chain(described.get("example"));
                for example in examples {
                    samples.push(Sample {
                        method: method.to_uppercase(),
                        target: path.replace("{job_id}", "job-1"),
                        media_type: media_type.clone(),
                        body: example.clone(),
                    });
                }
            }
        }
    }
    let routes: std::collections::BTreeSet<_> = samples.iter().map(|one| &one.target).collect();
    assert!(routes.len() >= 7, "routes with bodies: {routes:?}");
    let ours = [("search", search()), ("stat", group()), ("stat", project())];
    samples.extend(ours.map(|(route, body)| Sample {
        method: "POST".to_owned(),
        target: format!("/inventory/v1/jobs/{route}"),
        media_type: "application/json".to_owned(),
        body,
    }));
    samples
}

fn search() -> Value {
    json!({
        "domain_id": "d", "job_id": "job-001", "status": "ERROR", "collector_id": "c1", "project_id": "project-1",
        "query": {
            "filter": [
                {"k": "errors.error_code", "v": ["E1"], "o": "in"},
                {"key": "filter.a.0", "value": "^x", "operator": "regex"},
                {"k": "created_at", "v": "now - 7d", "o": "timediff_gte"},
                {"k": "errors", "v": {"error_code": "E1"}, "o": "match"},
                {"k": "created_at", "v": "2022-06-17T08:00:00Z", "o": "datetime_gte"},
            ],
            "filter_or": [{"k": "collector_info.name", "v": ["x"], "o": "contain_in"}, {"k": "filter", "v": true, "o": "exists"}],
            "keyword": "job 001", "sort": {"keys": [{"key": "filter.a", "desc": true}, {"key": "job_id"}]},
            "page": {"start": 1, "limit": 3}, "minimal": false, "count_only": false, "only": ["job_id", "errors.message"]
        }
    })
}

fn group() -> Value {
    json!({"domain_id": "d", "query": {
        "filter": [{"k": "total_tasks", "v": 1, "o": "gte"}],
        "aggregate": [
            {"unwind": {"path": "errors"}},
            {"group": {
                "keys": [{"key": "created_at", "name": "day", "date_format": "%Y-%m-%d"}],
                "fields": [
                    {"name": "n", "operator": "count", "conditions": [{"key": "status", "operator": "eq", "value": "ERROR"}]},
                    {"name": "tasks", "operator": "sum", "key": "total_tasks"},
                    {"name": "big", "operator": "average", "key": "errors.additional.big"},
                    {"name": "jobs", "operator": "push", "fields": [{"key": "job_id", "name": "id"}]},
                    {"name": "codes", "operator": "add_to_set", "key": "errors.error_code"}
                ]
            }},
            {"sort": {"key": "n", "desc": true}}, {"skip": 0}, {"limit": 3}
        ],
        "page": {"start": 1, "limit": 3}
    }})
}

fn project() -> Value {
    json!({"domain_id": "d", "query": {"aggregate": [
        {"project": {"exclude_keys": true, "fields": [
            {"name": "sum", "operator": "add", "fields": ["total_tasks", 2, {"operator": "divide", "fields": ["remained_tasks", 0]}]},
            {"name": "size", "operator": "size", "key": "errors"},
            {"name": "pairs", "operator": "object_to_array", "key": "collector_info"},
            {"name": "id", "key": "job_id"}
        ]}},
        {"count": {"name": "n"}}
    ]}})
}

/// Sends a body; where it set a fault or a clock, resets the server, so that good requests are not affected.
#[track_caller]
fn send(server: &Server, client: &mut Client<'_>, sample: &Sample, body: &[u8]) {
    let answer = client.ask(&sample.with(body));
    answer.check(|| sample.about(body));
    let is_control = ["/jobdeck/faults", "/jobdeck/clock"]
        .iter()
        .any(|route| sample.target.starts_with(route));
    if answer.status < 400 && is_control {
        server.reset();
    }
}

#[test]
fn any_value_may_be_at_any_location() {
    let server = Server::start();
    let mut client = server.client();
    for sample in &samples(&mut client) {
        let mut body =
            |damaged: &Value| send(&server, &mut client, sample, damaged.to_string().as_bytes());
        for (number, location) in locations(&sample.body).iter().enumerate() {
            for value in some(values(), number) {
                body(&with(&sample.body, location, value));
            }
        }
        for name in ["", "domain_id", "x' OR '1'='1", "a.b", "\0", "$"] {
            with_a_member_renamed(&sample.body, name, &mut body);
        }
        server.check_is_well();
    }
    assert!(client.requests() > 1_000, "{}", client.requests());
}

#[test]
fn hostile_texts_may_be_at_any_location() {
    let server = Server::start();
    let mut client = server.client();
    let samples = samples(&mut client);
    for sample in &samples {
        for (number, location) in locations(&sample.body).into_iter().enumerate() {
            if !sample.body.pointer(&location).unwrap().is_string() {
                continue;
            }
            for text in some(TEXTS, number) {
                let damaged = with(&sample.body, &location, json!(text));
                send(&server, &mut client, sample, damaged.to_string().as_bytes());
            }
        }
        server.check_is_well();
    }
    assert!(client.requests() > 1_000, "{}", client.requests());
}

#[test]
fn invalid_json_may_be_at_any_location() {
    const MARK: &str = "__here__";
    let server = Server::start();
    let mut client = server.client();
    let samples = samples(&mut client);
    for sample in &samples {
        for (number, location) in locations(&sample.body).iter().enumerate() {
            let text = with(&sample.body, location, json!(MARK)).to_string();
            for raw in some(RAW, number) {
                let text = text.replace(&format!("\"{MARK}\""), raw);
                send(&server, &mut client, sample, text.as_bytes());
            }
        }
        let text = sample.body.to_string();
        let deep = 100_000;
        let whole: [Vec<u8>; 14] = [
            b"".to_vec(),
            b"\0".to_vec(),
            b"\xff\xfe{\0}\0".to_vec(),
            b"{\"domain_id\":\"\xff\xc0\xaf\"}".to_vec(),
            format!("\u{feff}{text}").into_bytes(),
            format!("{text}{text}").into_bytes(),
            format!("{text}\n}}").into_bytes(),
            text.replace('"', "'").into_bytes(),
            text.replacen('{', "{\"domain_id\":\"a\",\"domain_id\":\"b\",", 1)
                .into_bytes(),
            "[".repeat(deep).into_bytes(),
            "{\"a\":".repeat(deep).into_bytes(),
            ("[".repeat(deep) + &"]".repeat(deep)).into_bytes(),
            format!(
                "{{\"domain_id\":\"d\",\"query\":{}1{}}}",
                "[".repeat(deep),
                "]".repeat(deep)
            )
            .into_bytes(),
            format!("{{\"domain_id\":\"{}", "\\".repeat(deep)).into_bytes(),
        ];
        for body in whole {
            send(&server, &mut client, sample, &body);
        }
        server.check_is_well();
    }
    assert!(client.requests() > 1_000, "{}", client.requests());
}

/// Changes, removes, inserts or repeats some bytes of a text.
fn scramble(text: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=bytes.len());
        let upto = (at + random.random_range(0..12)).min(bytes.len());
        match random.random_range(0..4) {
            0 => {
                bytes.drain(at..upto);
            }
            1 => {
                let piece = bytes[at..upto].to_vec();
                let there = random.random_range(0..=bytes.len());
                bytes.splice(there..there, piece);
            }
            2 => {
                let mut piece = [0; 4];
                random.fill_bytes(&mut piece);
                bytes.splice(at..at, piece);
            }
            _ => {
                const SIGNS: &[u8] = b"\"\\{}[],:.0-eE$' \0\xff";
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = SIGNS[random.random_range(0..SIGNS.len())];
                }
            }
        }
    }
    bytes
}

#[test]
fn any_bytes_may_be_damaged() {
    const BODIES_A_ROUND: u64 = 60;
    let server = Server::start();
    let mut client = server.client();
    let samples = samples(&mut client);
    for round in 0..rounds() {
        let mut random = ChaCha8Rng::seed_from_u64(round);
        for sample in &samples {
            let text = sample.body.to_string();
            for _ in 0..BODIES_A_ROUND {
                let body = scramble(text.as_bytes(), &mut random);
                send(&server, &mut client, sample, &body);
            }
        }
        server.check_is_well();
    }
}
