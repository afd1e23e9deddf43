//! Requests made from the examples of an operation: its path, its parameters, its bodies.

use serde_json::{Value, json};

use super::document::{Document, assert_valid, examples};
use crate::app::App;

/// The example bodies of an operation with their media types; `None` once for an operation without a body.
pub(super) fn bodies<'d>(
    document: &'d Document,
    operation: &'d Value,
) -> Vec<(&'d str, Option<&'d Value>)> {
    let Some(content) = operation["requestBody"]["content"].as_object() else {
        return vec![("", None)];
    };
    let mut bodies = Vec::new();
    for (media_type, of) in content {
        let validator = document.validator(&of["schema"]);
        let examples = examples(of);
        assert!(!examples.is_empty(), "{operation}: no {media_type}");
        for example in examples {
            assert_valid(&validator, example, media_type);
            bodies.push((media_type.as_str(), Some(example)));
        }
    }
    bodies
}

/// Fills the examples of its parameters into a path, and makes what they name.
pub(super) fn fill(app: &App, document: &Document, path: &str, operation: &Value) -> String {
    let in_path = |parameter: &&Value| parameter["in"] == "path";
    let parameters = document.parameters(operation).filter(in_path);
    parameters.fold(path.to_owned(), |path, parameter| {
        let name = parameter["name"].as_str().unwrap();
        let example = examples(parameter)[0].as_str().unwrap().to_owned();
        let example = match name {
            "job_id" => {
                let job = json!({"project_id": "p", "filter": {"region_code": "r"}});
                let put = format!("/jobdeck/jobs/{example}?domain_id={DOMAIN}");
                assert!([200, 201].contains(&app.json("PUT", &put, &job).status));
                example
            }
            "name" => {
                for scope in ["", &format!("?domain_id={DOMAIN}")] {
                    app.bare("PUT", &format!("/jobdeck/snapshots/{example}{scope}"));
                }
                example
            }
            // A mock never uses the number of a fault again.
            "id" => {
                let set = app.post("/jobdeck/faults", &json!({"hold": true})).json();
                let id = set["id"].as_str().unwrap();
                assert!(id.starts_with("fault-") && example == "fault-1", "{id}");
                id.to_owned()
            }
            other => panic!("{other} is not known"),
        };
        path.replace(&format!("{{{name}}}"), &example)
    })
}

/// The domain of the examples, which is the first domain of the demo.
pub(super) const DOMAIN: &str = "domain-67094cea8ca4";

/// Query strings: the required parameters alone, and with each optional one, in all example values.
pub(super) fn queries(document: &Document, operation: &Value) -> Vec<String> {
    let values = |parameter: &Value| -> Vec<Value> {
        let schema = document.resolve(&parameter["schema"]);
        match schema["enum"].as_array() {
            Some(values) => values.clone(),
            None => examples(parameter)
                .into_iter()
                .chain(examples(&parameter["content"]["application/json"]))
                .cloned()
                .collect(),
        }
    };
    let in_query = |parameter: &&Value| parameter["in"] == "query";
    let all: Vec<_> = document.parameters(operation).filter(in_query).collect();
    let mut required = vec![Vec::new()];
    for parameter in all.iter().filter(|parameter| parameter["required"] == true) {
        let values = values(parameter);
        assert!(!values.is_empty(), "{parameter} has no example");
        let with_each = |pairs: Vec<(String, Value)>| {
            let name = parameter["name"].as_str().unwrap();
            let more = values
                .iter()
                .map(move |value| (name.to_owned(), value.clone()));
            more.map(move |pair| [pairs.clone(), vec![pair]].concat())
                .collect::<Vec<_>>()
        };
        required = required.into_iter().flat_map(with_each).collect();
    }
    let mut queries = required.clone();
    for parameter in all.iter().filter(|parameter| parameter["required"] != true) {
        let values = values(parameter);
        assert!(!values.is_empty(), "{parameter} has no example");
        for value in values {
            let name = parameter["name"].as_str().unwrap();
            // The only parameter that requires another one.
            let with = (name == "timeout").then(|| ("wait_for".to_owned(), json!(0)));
            for pairs in &required {
                let pair = (name.to_owned(), value.clone());
                let more = with.iter().cloned().chain([pair]).collect();
                queries.push([pairs.clone(), more].concat());
            }
        }
    }
    queries.iter().map(|pairs| query_string(pairs)).collect()
}

fn query_string(pairs: &[(String, Value)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        match value {
            Value::Array(items) => items.iter().for_each(|item| {
                query.append_pair(name, item.as_str().unwrap());
            }),
            Value::String(text) => {
                query.append_pair(name, text);
            }
            other => {
                query.append_pair(name, &other.to_string());
            }
        }
    }
    let query = query.finish();
    if query.is_empty() {
        query
    } else {
        format!("?{query}")
    }
}
