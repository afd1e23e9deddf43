//! `/openapi.json`: a valid document, complete, and true of the server that serves it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jobdeck::api::Description;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::app::{Answer, App, Setup, job};
use crate::conformance::{read, send};
use crate::readme::demo_jobs;

/// The document, and validators for its schemas, which take a while to make.
struct Document(Value, RefCell<BTreeMap<String, Rc<Validator>>>);

impl Document {
    fn of(app: &App) -> Self {
        let answer = app.get("/openapi.json");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        Self(answer.json(), RefCell::default())
    }

    /// Every operation: path, method, and what is said of it.
    fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let paths = self.0["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods
                .iter()
                .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
    }

    /// The thing itself, where there is a reference to it.
    fn resolve<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            None => value,
            Some(reference) => self.0.pointer(&reference[1..]).expect(reference),
        }
    }

    fn validator(&self, schema: &Value) -> Rc<Validator> {
        let mut made = self.1.borrow_mut();
        let validator = made
            .entry(schema.to_string())
            .or_insert_with(|| Rc::new(self.make_validator(schema)));
        Rc::clone(validator)
    }

    fn make_validator(&self, schema: &Value) -> Validator {
        let mut root = schema.clone();
        root["components"] = self.0["components"].clone();
        let built = jsonschema::options()
            .should_validate_formats(true)
            .build(&root);
        built.unwrap_or_else(|error| panic!("{schema}: {error}"))
    }

    fn named(&self, name: &str) -> Rc<Validator> {
        self.validator(&json!({"$ref": format!("#/components/schemas/{name}")}))
    }

    fn parameters<'d>(&'d self, operation: &'d Value) -> impl Iterator<Item = &'d Value> {
        let parameters = operation["parameters"].as_array().unwrap();
        parameters.iter().map(|parameter| self.resolve(parameter))
    }
}

#[track_caller]
fn assert_valid(validator: &Validator, value: &Value, what: &str) {
    let faults: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        faults.is_empty(),
        "{what}: {value:.2000}\n{}",
        faults.join("\n")
    );
}

/// The examples of a media type, a parameter or a header.
fn examples(of: &Value) -> Vec<&Value> {
    let several = of["examples"].as_object().into_iter().flat_map(Map::values);
    let several = several.map(|example| &example["value"]);
    of.get("example").into_iter().chain(several).collect()
}

/// What every switch adds, too.
fn everything() -> Document {
    described(true, true)
}

/// Of a server with these switches.
fn described(is_writable: bool, is_mock: bool) -> Document {
    let description = Description::new(is_writable, is_mock, false);
    let document = serde_json::from_slice(description.json()).unwrap();
    Document(document, RefCell::default())
}

#[test]
fn the_document_is_openapi_3_1() {
    let document = everything();
    let text = include_str!("../openapi/schema-3.1.json");
    let schema = serde_json::from_str(text).unwrap();
    let openapi = jsonschema::validator_for(&schema).unwrap();
    assert_valid(&openapi, &document.0, "the document");
    assert_eq!(document.0["openapi"], "3.1.0");
    assert_eq!(document.0["info"]["version"], env!("CARGO_PKG_VERSION"));
    // The schema of documents leaves out what is in schemas: each must be one, and its references lead somewhere.
    for name in document.0["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        document.named(name);
    }
    let ids: Vec<_> = document
        .operations()
        .map(|(.., operation)| operation["operationId"].as_str().unwrap())
        .collect();
    let unique: BTreeSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
    for (path, method, operation) in document.operations() {
        for member in ["summary", "tags"] {
            assert!(
                !operation[member].is_null(),
                "{method} {path} has no {member}"
            );
        }
        for parameter in document.parameters(operation) {
            let content = &parameter["content"]["application/json"];
            for of in [parameter, content]
                .into_iter()
                .filter(|of| !of["schema"].is_null())
            {
                let validator = document.validator(&of["schema"]);
                for example in examples(of) {
                    assert_valid(&validator, example, &parameter["name"].to_string());
                }
            }
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = document.resolve(response);
            let place = format!("{method} {path} {status}");
            assert!(!response["headers"]["x-request-id"].is_null(), "{place}");
            for (media_type, content) in response["content"].as_object().into_iter().flatten() {
                let validator = document.validator(&content["schema"]);
                for example in examples(content) {
                    assert_valid(&validator, example, &format!("{place} {media_type}"));
                }
            }
        }
    }
}

/// The table of routes: each path with its methods.
fn routes() -> BTreeMap<String, BTreeSet<String>> {
    let source = include_str!("../../src/api/mod.rs");
    let routes = source.split("only(").skip(1).filter_map(|call| {
        let mut texts = call.split('"').skip(1).step_by(2);
        let path = texts.next().filter(|path| path.starts_with('/'))?;
        Some((path.to_owned(), methods(texts.next()?)))
    });
    routes.collect()
}

fn methods(allow: &str) -> BTreeSet<String> {
    allow.split(", ").map(str::to_ascii_lowercase).collect()
}

#[test]
fn every_route_is_in_the_document() {
    let document = everything();
    let mut described: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, method, _) in document.operations() {
        let methods = described.entry(path.to_owned()).or_default();
        methods.insert(method.to_owned());
    }
    let routes = routes();
    assert!(routes.len() >= 8, "{routes:?}");
    assert_eq!(described, routes);
}

#[test]
fn every_example_is_answered_as_described() {
    let app = App::with_jobs(demo_jobs(500));
    let sent = check_examples(&app, |_| {});
    assert!(sent > 40, "only {sent}");
}

#[test]
fn every_example_is_answered_by_a_writable_server_as_described() {
    let app = App::serve(Setup {
        is_writable: true,
        ..Setup::default()
    });
    let empty = |app: &App| {
        let path = format!("/jobdeck/jobs?domain_id={DOMAIN}");
        assert_eq!(app.bare("DELETE", &path).status, 200);
    };
    let sent = check_operations(&app, empty, |path| path.starts_with("/jobdeck/jobs"));
    assert!(sent >= 18, "only {sent}");
}

#[test]
fn every_example_is_answered_by_a_mock_as_described() {
    let app = App::mock(demo_jobs(500));
    let reset = |app: &App| assert_eq!(app.bare("POST", "/jobdeck/reset").status, 200);
    let sent = check_examples(&app, reset);
    assert!(sent > 110, "only {sent}");
    check_preferences(&app);
}

fn check_examples(app: &App, before: impl Fn(&App)) -> usize {
    check_operations(app, before, |_| true)
}

/// Sends what the document gives as examples, and holds the answers against what it says of them.
fn check_operations(app: &App, before: impl Fn(&App), is_wanted: impl Fn(&str) -> bool) -> usize {
    let document = Document::of(app);
    let mut sent = 0;
    let operations = document.operations();
    for (path, method, operation) in operations.filter(|(path, ..)| is_wanted(path)) {
        let method = method.to_ascii_uppercase();
        for query in queries(&document, operation) {
            for (media_type, body) in bodies(&document, operation) {
                before(app);
                let target = format!("{}{query}", fill(app, &document, path, operation));
                let headers = [("content-type", media_type)];
                let headers = if body.is_some() { &headers[..] } else { &[] };
                let text = body.map(|body| match body {
                    Value::String(lines) => lines.clone(),
                    body => body.to_string(),
                });
                let answer = app.send(
                    &method,
                    &target,
                    headers,
                    text.as_deref().map(str::as_bytes),
                );
                let place = format!("{method} {target} {}", text.unwrap_or_default());
                check_answer(&document, operation, &method, &place, &answer);
                check_not_modified(app, operation, &method, &target, &answer);
                if let Some(body) = body.filter(|_| [LIST, STAT].contains(&path)) {
                    let finds = !answer.json()["results"].as_array().unwrap().is_empty();
                    assert!(finds || body["query"]["count_only"] == true, "{place}");
                }
                sent += 1;
            }
        }
        check_method_not_allowed(app, &document, path, operation);
    }
    sent
}

const JSON: &str = "application/json";
const JOB: &str = r#"{"job_id":"j","domain_id":"d"}"#;

/// The operation, what is sent to it (target, media type, body), and the status that comes.
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
    ("POST /jobdeck/jobs", "/jobdeck/jobs", "text/csv", JOB, 415),
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

/// What goes wrong is answered with a status that the route is said to have.
#[test]
fn errors_are_described_where_they_come() {
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

/// Where a preference is described it is heeded, and nowhere else.
fn check_preferences(app: &App) {
    let document = Document::of(app);
    let mut described = 0;
    for (path, method, operation) in document.operations() {
        let names = document.parameters(operation);
        let prefer = names
            .filter(|parameter| parameter["name"] == "prefer")
            .flat_map(examples)
            .next();
        assert_eq!(
            prefer.is_some(),
            !operation["responses"]["default"].is_null()
        );
        let asked = prefer.map_or("code=418", |example| example.as_str().unwrap());
        let place = format!("{method} {path}");
        let target = path.replace("{name}", "a").replace("{job_id}", "a");
        let method = method.to_ascii_uppercase();
        let answer = app.send(&method, &target, &[("prefer", asked)], None);
        let applied = answer.header("preference-applied");
        assert_eq!(applied, prefer.map(|_| asked), "{place}");
        assert_ne!(answer.status, 418, "{place}");
        if prefer.is_some() {
            described += 1;
            let refused = app.send(&method, &target, &[("prefer", "code=418")], None);
            assert_eq!(refused.status, 418, "{place}");
            assert!(refused.header("preference-applied").is_some(), "{place}");
            if method != "HEAD" {
                check_content(&document, operation, &place, &refused);
            }
        }
    }
    assert!(described >= 16, "only {described}");
}

/// The bodies that are given as examples, with their media types; one that is none where none is asked for.
fn bodies<'d>(document: &'d Document, operation: &'d Value) -> Vec<(&'d str, Option<&'d Value>)> {
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

/// The path with the examples of its parameters; what they name is there.
fn fill(app: &App, document: &Document, path: &str, operation: &Value) -> String {
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
            // Numbers are not used twice.
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

/// The domain of the examples, which is the first of the demo.
const DOMAIN: &str = "domain-67094cea8ca4";

/// A method that the path does not have is answered as described, too.
fn check_method_not_allowed(app: &App, document: &Document, path: &str, operation: &Value) {
    let filled = path.replace("{name}", "a").replace("{job_id}", "a");
    let answer = app.send("OPTIONS", &filled.replace("{id}", "a"), &[], None);
    assert_eq!(answer.status, 405, "{path}");
    check_content(document, operation, path, &answer);
    let described = document.0["paths"][path].as_object().unwrap().keys();
    let allowed = methods(answer.header("allow").unwrap());
    assert_eq!(allowed, described.cloned().collect(), "{path}");
}

/// The required parameters, and with them each other one alone, in all the values that are given for it.
fn queries(document: &Document, operation: &Value) -> Vec<String> {
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
            // The one parameter that goes with another.
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

#[track_caller]
fn check_answer(
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

/// The answer is of a described status, media type and shape.
#[track_caller]
fn check_content(document: &Document, operation: &Value, place: &str, answer: &Answer) {
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

/// Where 304 is described, the tag of an answer is answered so, and nowhere else is a tag.
#[track_caller]
fn check_not_modified(app: &App, operation: &Value, method: &str, path: &str, answer: &Answer) {
    let is_described = !operation["responses"]["304"].is_null();
    let tag = answer.header("etag");
    assert_eq!(tag.is_some(), is_described, "{path}");
    if let Some(tag) = tag {
        let again = app.send(method, path, &[("if-none-match", tag)], None);
        assert_eq!(again.status, 304, "{path}");
    }
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

/// The schemas refuse nothing that is answered, and the answers are as described.
#[test]
fn every_conformance_case_is_within_the_schemas() {
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
            // Of many, these do: they take a moment each.
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

/// Server and schema agree on whether each of these may be asked.
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
fn the_schemas_have_every_spelling() {
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
fn the_schemas_refuse_what_is_no_request() {
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

/// Server and schema agree on whether each of these may be sent by this method to this path.
fn check_mock_bodies(expected: bool, method: &str, path: &str, schema: &str, bodies: &[Value]) {
    let app = App::mock(job("j", "d", ""));
    let document = Document::of(&app);
    let schema = document.named(schema);
    for body in bodies {
        let answer = app.json(method, path, body);
        let is_accepted = [200, 201].contains(&answer.status);
        assert_eq!(is_accepted, expected, "{body}: {}", answer.text);
        assert!(
            is_accepted || answer.status == 400,
            "{body}: {}",
            answer.text
        );
        assert_eq!(schema.is_valid(body), expected, "{body}");
    }
}

#[test]
fn the_schema_of_a_job_written_is_what_is_read() {
    const PUT: (&str, &str, &str) = ("PUT", "/jobdeck/jobs/j?domain_id=d", "JobDraft");
    let (method, path, schema) = PUT;
    let life = |steps: Value| json!({"total_tasks": 3, "life": steps});
    let step = |members: Value| life(json!([members]));
    check_mock_bodies(
        true,
        method,
        path,
        schema,
        &[
            json!({}),
            json!({"job_id": "j", "domain_id": "d"}),
            json!({"updated_at": null, "finished_at": null, "project_id": null, "collector_info": null, "life": null}),
            json!({"status": "CANCELED", "remained_tasks": -1, "created_at": "2022-06-17T10:00:00+02:00"}),
            json!({"filter": {"a": [1, null]}, "errors": [{}, {"error_code": "E", "message": null, "additional": {"a": 1}}]}),
            json!({"collector_info": {"collector_id": "c", "state": null, "plugin_info": {"options": {}}, "other": 5}}),
            step(json!({"after": 0, "status": "SUCCESS"})),
            life(
                json!([{"after": 0.5, "status": "IN_PROGRESS", "remained_tasks": 2}, {"after": 5, "status": "ERROR", "errors": [{}]}]),
            ),
        ],
    );
    check_mock_bodies(
        false,
        method,
        path,
        schema,
        &[
            json!([]),
            json!({"job_id": ""}),
            json!({"job_id": null}),
            json!({"domain_id": 5}),
            json!({"status": "DONE"}),
            json!({"status": null}),
            json!({"total_tasks": -1}),
            json!({"total_tasks": 2_147_483_648_i64}),
            json!({"total_tasks": "3"}),
            json!({"remained_tasks": null}),
            json!({"created_at": null}),
            json!({"created_at": "yesterday"}),
            json!({"finished_at": "2022-06-17"}),
            json!({"filter": null}),
            json!({"filter": []}),
            json!({"errors": null}),
            json!({"errors": [{"code": "E"}]}),
            json!({"collector_info": {"collector_id": 5}}),
            json!({"collector_info": {"plugin_info": {"version": 1}}}),
            json!({"stauts": "ERROR"}),
            life(json!([])),
            life(json!({})),
            step(json!({"after": -1, "status": "SUCCESS"})),
            step(json!({"after": 315_360_001, "status": "SUCCESS"})),
            step(json!({"status": "SUCCESS"})),
            step(json!({"after": 1, "status": "SUCCESS", "remained_tasks": null})),
            step(json!({"after": 1, "state": "SUCCESS"})),
        ],
    );
}

#[test]
fn the_schema_of_a_patch_is_what_is_read() {
    const PATCH: (&str, &str, &str) = ("PATCH", "/jobdeck/jobs/j?domain_id=d", "JobPatch");
    let (method, path, schema) = PATCH;
    check_mock_bodies(
        true,
        method,
        path,
        schema,
        &[
            json!({}),
            json!({"job_id": "j", "domain_id": "d"}),
            json!({
                "status": null, "filter": null, "total_tasks": null, "remained_tasks": null, "errors": null, "created_at": null,
                "updated_at": null, "finished_at": null, "project_id": null, "collector_info": null, "life": null
            }),
            json!({"total_tasks": 3, "remained_tasks": 3, "life": [{"after": 1, "status": "SUCCESS"}]}),
        ],
    );
    check_mock_bodies(
        false,
        method,
        path,
        schema,
        &[
            json!([]),
            json!({"job_id": null}),
            json!({"domain_id": null}),
            json!({"status": "DONE"}),
            json!({"errors": [null]}),
            json!({"filter": 5}),
            json!({"stauts": "ERROR"}),
        ],
    );
}

#[test]
fn the_schema_of_many_jobs_is_what_is_read() {
    let (method, path, schema) = ("POST", "/jobdeck/jobs?domain_id=d", "JobsBody");
    check_mock_bodies(
        true,
        method,
        path,
        schema,
        &[
            json!([]),
            json!([{"job_id": "a"}, {"job_id": "b", "domain_id": "d"}]),
            json!({"results": [{"job_id": "a"}], "total_count": 7}),
            json!({"results": []}),
            json!({"job_id": "a"}),
        ],
    );
    check_mock_bodies(
        false,
        method,
        path,
        schema,
        &[
            json!("a"),
            json!({}),
            json!([{}]),
            json!([[{"job_id": "a"}]]),
            json!([{"job_id": "a"}, null]),
            json!({"results": [{"status": "ERROR"}]}),
            json!({"results": {"job_id": "a"}}),
        ],
    );
}

#[test]
fn the_schema_of_a_fault_is_what_is_read() {
    let (method, path, schema) = ("POST", "/jobdeck/faults", "Fault");
    check_mock_bodies(
        true,
        method,
        path,
        schema,
        &[
            json!({"code": 503}),
            json!({"code": "503", "times": null, "drop": false}),
            json!({"route": "/a/b", "domain_id": "d", "job_id": "j", "times": 1, "code": "ERROR_DB_QUERY", "message": "m"}),
            json!({"route": "put", "drop": true}),
            json!({"truncate": 0, "hold": true}),
            json!({"delay": 0.5}),
            json!({"delay": [0, 600], "seed": 0}),
        ],
    );
    check_mock_bodies(
        false,
        method,
        path,
        schema,
        &[
            json!([]),
            json!({}),
            json!({"hold": false}),
            json!({"drop": null, "hold": true}),
            json!({"code": null}),
            json!({"code": 399}),
            json!({"code": 600}),
            json!({"code": "ERROR_UNAVAILABEL"}),
            json!({"code": true}),
            json!({"code": 503, "route": "serch"}),
            json!({"code": 503, "route": "/a?b=c"}),
            json!({"code": 503, "domain_id": ""}),
            json!({"code": 503, "times": 0}),
            json!({"code": 503, "drop": true}),
            json!({"code": 503, "truncate": 0}),
            json!({"truncate": 5, "drop": true}),
            json!({"truncate": -1}),
            json!({"delay": 601}),
            json!({"delay": [1]}),
            json!({"delay": [1, 2, 3]}),
            json!({"delay": 1, "seed": 7}),
            json!({"delay": 1, "message": "m"}),
            json!({"code": 503, "mesage": "m"}),
        ],
    );
}

#[test]
fn the_schemas_of_the_clock_are_what_is_read() {
    let (method, path, schema) = ("PUT", "/jobdeck/clock", "ClockSetting");
    check_mock_bodies(
        true,
        method,
        path,
        schema,
        &[
            json!({"now": "2022-06-17T08:00:00Z"}),
            json!({"now": null, "is_frozen": false}),
            json!({"now": "2022-06-17T08:00:00.5+01:00", "is_frozen": true}),
        ],
    );
    check_mock_bodies(
        false,
        method,
        path,
        schema,
        &[
            json!([]),
            json!({}),
            json!({"now": null, "is_frozen": null}),
            json!({"now": "nonsense"}),
            json!({"now": 5}),
            json!({"is_frozen": "yes"}),
            json!({"is_frozen": true, "speed": 2}),
        ],
    );
    let (method, path, schema) = ("POST", "/jobdeck/clock/advance", "ClockAdvance");
    check_mock_bodies(
        true,
        method,
        path,
        schema,
        &[json!({"seconds": 0}), json!({"seconds": 1.5})],
    );
    check_mock_bodies(
        false,
        method,
        path,
        schema,
        &[
            json!({}),
            json!({"seconds": null}),
            json!({"seconds": -1}),
            json!({"seconds": 3_155_760_001_i64}),
            json!({"seconds": "5"}),
            json!({"seconds": 1, "minutes": 1}),
        ],
    );
}

/// A server that writes, but plays nothing, says so of lives.
#[test]
fn a_writable_server_takes_no_life() {
    let app = App::serve(Setup {
        is_writable: true,
        ..Setup::default()
    });
    let body = json!({"life": [{"after": 1, "status": "SUCCESS"}]});
    let answer = app.json("PUT", "/jobdeck/jobs/j?domain_id=d", &body);
    assert_eq!(answer.status, 400, "{}", answer.text);
    let document = Document::of(&app);
    assert!(!document.named("JobDraft").is_valid(&body));
    assert!(document.named("JobDraft").is_valid(&json!({})));
}

/// Every schema of the document, with its place: those within others, too.
fn all_schemas(document: &Document) -> Vec<(String, &Value)> {
    fn collect<'d>(place: String, value: &'d Value, all: &mut Vec<(String, &'d Value)>) {
        let items = value.as_array().into_iter().flatten().enumerate();
        let items = items.map(|(index, item)| (index.to_string(), item));
        let members = value.as_object().into_iter().flatten();
        let members = members.filter(|(name, _)| !["example", "examples"].contains(&name.as_str()));
        for (name, part) in members
            .map(|(name, part)| (name.clone(), part))
            .chain(items)
        {
            collect(format!("{place}/{name}"), part, all);
        }
        all.push((place, value));
    }
    let mut all = Vec::new();
    collect(String::new(), &document.0["paths"], &mut all);
    collect(
        String::new(),
        &document.0["components"]["schemas"],
        &mut all,
    );
    all
}

/// What openapi-typescript 7 made of these shapes refused good requests, such as the README's own. The shapes that it
/// reads are looked at, since it is no part of these tests.
#[test]
fn makers_of_clients_are_not_misled() {
    let document = everything();
    let is_typed = |schema: &Value| schema.as_object().is_some_and(|schema| !schema.is_empty());
    let (mut free, mut required) = (0, 0);
    for (place, schema) in all_schemas(&document) {
        let Some(object) = schema.as_object() else {
            continue;
        };
        // They would hold for the members that have a name, too.
        assert!(!object.contains_key("patternProperties"), "{place}");
        let others = &schema["additionalProperties"];
        let has_members = schema["properties"].is_object();
        assert!(!has_members || !is_typed(others), "{place}: {others}");
        let is_object = match &schema["type"] {
            Value::Array(types) => types.contains(&json!("object")),
            one => one == "object",
        };
        if is_object && !has_members {
            // Else it could have no members.
            assert!(*others == true || is_typed(others), "{place}: {others}");
            free += 1;
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            // It would be required, and in a request it is not.
            assert!(property.get("default").is_none(), "{place}: {name}");
        }
        // A name alone says nothing to them.
        let names = schema["required"].as_array().into_iter().flatten();
        for name in names.filter_map(Value::as_str) {
            assert!(schema["properties"].get(name).is_some(), "{place}: {name}");
            required += 1;
        }
    }
    assert!(free >= 6 && required > 100, "only {free}, {required}");
    let schemas = &document.0["components"]["schemas"];
    for name in ["CollectorInfo", "PluginInfo"] {
        assert_eq!(schemas[name]["additionalProperties"], json!({}), "{name}");
    }
    // Other spellings are no members of their own, but for those of conditions, which the README has.
    for (name, members) in [
        ("SortKey", &["key", "desc"][..]),
        ("GroupKey", &["key", "name", "date_format"]),
        ("Condition", &["k", "v", "o", "key", "value", "operator"]),
    ] {
        let properties = schemas[name]["properties"].as_object().unwrap();
        assert!(properties.keys().eq(members), "{name}: {properties:?}");
    }
    // Where nothing is said of it, linters take it for forgotten.
    assert_eq!(document.0["security"], json!([]));
    // A job that is written is answered whole.
    for (method, status) in [("put", "200"), ("put", "201"), ("patch", "200")] {
        let operation = &document.0["paths"]["/jobdeck/jobs/{job_id}"][method];
        let content = &operation["responses"][status]["content"]["application/json"];
        assert_eq!(content["schema"]["$ref"], "#/components/schemas/Job");
    }
    assert!(
        schemas["Job"]["required"]
            .as_array()
            .unwrap()
            .contains(&json!("job_id"))
    );
    assert_eq!(schemas["JobInfo"]["required"], Value::Null);
}

/// The numbers that stand in the document are those of the code.
#[test]
fn the_limits_are_the_codes() {
    use jobdeck::mock::{MAX_ENTRIES, MAX_TEXT_BYTES};
    use jobdeck::query::check::stages;
    use jobdeck::query::eval::projection;
    use jobdeck::query::request;
    use jobdeck::query::stat::plan;
    let schemas = &everything().0["components"]["schemas"];
    let number = |pointer: &str| {
        let found = schemas.pointer(pointer).and_then(Value::as_u64);
        usize::try_from(found.expect(pointer)).unwrap()
    };
    for (pointer, limit) in [
        ("/Query/properties/filter/maxItems", request::MAX_CONDITIONS),
        (
            "/Query/properties/filter_or/maxItems",
            request::MAX_CONDITIONS,
        ),
        ("/Query/properties/only/maxItems", projection::MAX_PATHS),
        (
            "/Sort/oneOf/0/properties/keys/maxItems",
            request::MAX_SORT_KEYS,
        ),
        ("/Sort/oneOf/1/maxItems", request::MAX_SORT_KEYS),
        (
            "/StatisticsQuery/properties/aggregate/maxItems",
            plan::MAX_STAGES,
        ),
        ("/Group/properties/keys/maxItems", stages::MAX_FIELDS),
        ("/Group/properties/fields/maxItems", stages::MAX_FIELDS),
        ("/GroupField/properties/fields/maxItems", stages::MAX_FIELDS),
        ("/Project/properties/fields/maxItems", stages::MAX_FIELDS),
        ("/Name/maxLength", stages::MAX_NAME_BYTES),
        (
            "/JobInfo/properties/job_id/maxLength",
            jobdeck::job::MAX_ID_BYTES,
        ),
        (
            "/JobInfo/properties/domain_id/maxLength",
            jobdeck::job::MAX_ID_BYTES,
        ),
        (
            "/JobInfo/properties/project_id/maxLength",
            jobdeck::job::MAX_ID_BYTES,
        ),
        (
            "/JobDraft/properties/job_id/maxLength",
            jobdeck::job::MAX_ID_BYTES,
        ),
        (
            "/JobDraft/properties/life/maxItems",
            jobdeck::job::MAX_STEPS,
        ),
        ("/Fault/properties/domain_id/maxLength", MAX_TEXT_BYTES),
        ("/Fault/properties/message/maxLength", MAX_TEXT_BYTES),
    ] {
        assert_eq!(number(pointer), limit, "{pointer}");
    }
    let document = everything();
    let journal = &document.0["paths"]["/jobdeck/journal"]["get"];
    let mut parameters = document.parameters(journal);
    let wait_for = parameters.find(|parameter| parameter["name"] == "wait_for");
    assert_eq!(wait_for.unwrap()["schema"]["maximum"], MAX_ENTRIES);
}

#[test]
fn every_field_of_a_job_is_a_path() {
    let document = everything();
    let path = document.named("JobPath");
    let fields = document.0["components"]["schemas"]["JobInfo"]["properties"].as_object();
    for field in fields.unwrap().keys() {
        assert!(path.is_valid(&json!(field)), "{field}");
        assert!(
            jobdeck::query::check::field::resolve(field, "").is_ok(),
            "{field}"
        );
    }
    assert!(!path.is_valid(&json!("stauts")) && !path.is_valid(&json!("filter..a")));
}

/// A server without a switch says nothing of what it does not have.
#[test]
fn a_server_describes_what_it_has() {
    let app = App::with_jobs("");
    let served = app.get("/openapi.json");
    let plain = Description::new(false, false, false);
    assert_eq!(served.text.as_bytes(), plain.json());
    assert_eq!(served.header("cache-control"), Some("no-cache"));
    assert!(served.header("etag").is_some());

    let switches = [(false, false), (true, false), (true, true)];
    let documents = switches.map(|(is_writable, is_mock)| described(is_writable, is_mock));
    let paths = documents.each_ref().map(|document| {
        let paths = document.0["paths"].as_object().unwrap();
        paths.keys().cloned().collect::<BTreeSet<_>>()
    });
    let is_own = |path: &String, own: &[&str]| own.iter().any(|one| path.starts_with(one));
    let [plain, writable, mock] = &paths;
    assert!(plain.is_subset(writable) && writable.is_subset(mock));
    let writing = ["/jobdeck/jobs"];
    let controls = ["clock", "faults", "journal", "reset", "snapshots"];
    let controls = controls.map(|name| format!("/jobdeck/{name}"));
    let controls = controls.each_ref().map(String::as_str);
    assert!(
        !plain
            .iter()
            .any(|path| is_own(path, &writing) || is_own(path, &controls))
    );
    assert!(
        writable
            .difference(plain)
            .all(|path| is_own(path, &writing))
    );
    assert!(
        mock.difference(writable)
            .all(|path| is_own(path, &controls))
    );
    let lives = documents.each_ref().map(|document| {
        let text = document.0.to_string();
        (text.contains("\"life\""), text.contains("\"Step\""))
    });
    assert_eq!(lives, [(false, false), (false, false), (true, true)]);
    for document in &documents {
        let text = document.0.to_string();
        let references = text.split("\"$ref\":\"#").skip(1);
        for reference in references.map(|rest| rest.split('"').next().unwrap()) {
            assert!(document.0.pointer(reference).is_some(), "{reference}");
        }
    }
}
