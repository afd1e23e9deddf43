//! What each token may read and write: `serve --tokens`.

use std::fmt::Write as _;

use jobdeck::api::Origin;
use jobdeck::mock::MockConfig;
use jobdeck::tokens::NewToken;
use serde_json::{Value, json};

use crate::app::{Answer, App, Setup, job};

/// The domain of the document's examples.
const OWN: &str = "domain-67094cea8ca4";
const OTHER: &str = "domain-other";
const JSON: (&str, &str) = ("content-type", "application/json");
const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");

/// A server of two domains, and who may ask it.
struct Guarded {
    app: App,
    is_mock: bool,
    /// Of every domain.
    all: String,
    own: String,
    own_read: String,
    other: String,
}

fn jobs() -> String {
    job("mine", OWN, "") + &job("secret-job", OTHER, "\"project_id\":\"secret-project\"")
}

fn guarded() -> Guarded {
    guarded_with(Setup {
        mock: Some(MockConfig::default()),
        ..Setup::default()
    })
}

/// A mock looks at what a request says before its route does, so it would hide a route that does not look.
fn without_mock() -> Guarded {
    guarded_with(Setup {
        is_writable: true,
        ..Setup::default()
    })
}

fn guarded_with(setup: Setup) -> Guarded {
    let mut file = String::new();
    let [all, own, own_read, other] =
        [("*", true), (OWN, true), (OWN, false), (OTHER, true)].map(|(domain, may_write)| {
            let NewToken { token, entry } = NewToken::generate(domain, may_write, None).unwrap();
            writeln!(file, "{entry}").unwrap();
            token
        });
    let is_mock = setup.mock.is_some();
    let app = App::serve(Setup {
        jobs: jobs(),
        tokens: Some(file),
        ..setup
    });
    Guarded {
        app,
        is_mock,
        all,
        own,
        own_read,
        other,
    }
}

impl Guarded {
    fn send(
        &self,
        token: &str,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        let body = (!body.is_empty()).then_some(body.as_bytes());
        self.app.send(method, path, &all, body)
    }

    fn get(&self, token: &str, path: &str) -> Answer {
        self.send(token, ("GET", path), &[], "")
    }

    /// All that the other domain has, and what a mock keeps beside its jobs.
    fn others(&self) -> Vec<String> {
        const OF_A_MOCK: [&str; 4] = ["journal", "faults", "snapshots", "clock"];
        let of_a_mock = OF_A_MOCK.iter().filter(|_| self.is_mock);
        let targets = of_a_mock
            .map(|name| format!("/jobdeck/{name}?domain_id={OTHER}"))
            .chain([format!("/jobdeck/export?format=ndjson&domain_id={OTHER}")]);
        let read = |target: String| {
            let headers = [("x-jobdeck-page", "1")];
            let answer = self.send(&self.other, ("GET", &target), &headers, "");
            assert_eq!(answer.status, 200, "{}", answer.text);
            answer.text
        };
        targets.map(read).collect()
    }
}

#[track_caller]
fn check_error(answer: &Answer, expected: &str) {
    let got = answer.error();
    assert!(got.starts_with(expected), "\n got: {got}\nwant: {expected}");
}

/// An operation of the document, with the values that stand there as examples.
struct Operation {
    method: String,
    /// As the document has it.
    path: String,
    /// As it is asked for.
    filled: String,
    query: Vec<String>,
    /// Whether the query has a domain.
    can_be_scoped: bool,
    media_type: String,
    body: String,
}

impl Operation {
    fn target(&self, is_scoped: bool) -> String {
        let scope = (self.can_be_scoped && is_scoped).then(|| format!("domain_id={OWN}"));
        let query: Vec<_> = self.query.iter().cloned().chain(scope).collect();
        format!("{}?{}", self.filled, query.join("&"))
    }

    /// Whether something says which domain it is about, as far as the examples go.
    fn is_of_a_domain(&self) -> bool {
        self.can_be_scoped || self.body.contains("\"domain_id\"")
    }

    fn reads(&self) -> bool {
        ["GET", "HEAD"].contains(&self.method.as_str())
            || self.path.starts_with("/inventory/") && !self.path.ends_with("/delete")
            || self.path == "/add-ons/autocomplete/distinct"
            || self.path == "/jobdeck/stat"
    }

    fn ask(&self, app: &Guarded, token: Option<&str>, is_scoped: bool) -> Answer {
        let headers = [("content-type", self.media_type.as_str())];
        let headers = if self.body.is_empty() {
            &[]
        } else {
            &headers[..]
        };
        let target = self.target(is_scoped);
        if let Some(token) = token {
            return app.send(token, (&self.method, &target), headers, &self.body);
        }
        let body = (!self.body.is_empty()).then_some(self.body.as_bytes());
        app.app.send(&self.method, &target, headers, body)
    }
}

fn example(of: &Value) -> Option<&Value> {
    let first = of["examples"]
        .as_object()
        .and_then(|all| all.values().next());
    of.get("example").or(first.map(|first| &first["value"]))
}

/// Every operation that the server has.
fn operations(app: &Guarded) -> Vec<Operation> {
    let document = app.get(&app.all, "/openapi.json").json();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let contents = operation["requestBody"]["content"].as_object();
            let content = contents.and_then(|contents| contents.iter().next());
            let mut made = Operation {
                method: method.to_ascii_uppercase(),
                path: path.clone(),
                filled: path.clone(),
                query: Vec::new(),
                can_be_scoped: false,
                media_type: content.map(|(name, _)| name.clone()).unwrap_or_default(),
                body: content
                    .map(|(_, of)| example(of).unwrap().to_string())
                    .unwrap_or_default(),
            };
            for parameter in operation["parameters"].as_array().unwrap() {
                let name = parameter["name"].as_str().unwrap_or_default();
                let value = || example(parameter).unwrap().as_str().unwrap();
                match parameter["in"].as_str() {
                    Some("path") => {
                        made.filled = made.filled.replace(&format!("{{{name}}}"), value());
                    }
                    Some("query") if name == "domain_id" => made.can_be_scoped = true,
                    Some("query") if parameter["required"] == true => {
                        made.query.push(format!("{name}={}", value()));
                    }
                    _ => {}
                }
            }
            operations.push(made);
        }
    }
    let least = if app.is_mock { 30 } else { 15 };
    assert!(operations.len() >= least, "only {}", operations.len());
    operations
}

/// What needs no token at all.
const OPEN: [&str; 4] = [
    "/healthz",
    "/check",
    "/console-api/api/reflection",
    "/api/reflection",
];
/// The routes whose answer is about all domains together.
const OF_ALL_DOMAINS: &str = "/metrics";
/// Routes without a `domain_id`: with the token of a domain they answer with nothing of another domain.
const OF_NO_DOMAIN: [(&str, u16); 6] = [
    (OF_ALL_DOMAINS, 403),
    ("/jobdeck/domains", 200),
    ("/jobdeck/notifications", 200),
    ("/openapi.json", 200),
    // A fault has a domain, but its address does not say which: there is none of this id for another.
    ("/jobdeck/faults/{id}", 404),
    ("/jobdeck/faults/{id}/release", 404),
];

/// Routes that are about the domain of the token where none is named.
const OF_THE_TOKENS_DOMAIN: [&str; 3] = ["/jobdeck/about", "/jobdeck/events", "/jobdeck/overview"];

/// A route that is new fails here until its handler asks whether the domain that it is about may be reached.
#[test]
fn every_route_checks_the_token() {
    for app in [guarded(), without_mock()] {
        check_every_route(&app);
    }
}

fn check_every_route(app: &Guarded) {
    for mut operation in operations(app) {
        let (method, path) = (operation.method.clone(), operation.path.clone());
        let place = format!("{method} {path}");
        let (is_head, is_open) = (method == "HEAD", OPEN.contains(&path.as_str()));
        let of_no_domain = OF_NO_DOMAIN.iter().find(|(known, _)| *known == path);
        for token in [None, Some("jobdeck_wrong"), Some("")] {
            let answer = operation.ask(app, token, true);
            assert_eq!(answer.status == 401, !is_open, "{place}: {}", answer.text);
            if !is_open {
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{place}");
            }
            if !is_open && !is_head {
                check_error(&answer, "401 ERROR_AUTHENTICATE_FAILURE: ");
            }
        }
        if is_open {
            continue;
        }
        create_its_subject(app, &mut operation);
        let others = app.others();
        let answer = operation.ask(app, Some(&app.other), true);
        let expected = of_no_domain.map_or(403, |(_, status)| *status);
        assert_eq!(answer.status, expected, "{place}: {}", answer.text);
        assert_eq!(
            operation.is_of_a_domain(),
            of_no_domain.is_none(),
            "{place}"
        );
        if expected == 403 && !is_head {
            check_error(&answer, "403 ERROR_PERMISSION_DENIED: token `token-");
            assert!(
                answer.text.contains("is of domain `domain-other` alone"),
                "{place}"
            );
        }
        assert_eq!(app.others(), others, "{place}");
        if path == OF_ALL_DOMAINS {
            for (token, expected) in [(&app.own, 403), (&app.all, 200)] {
                let answer = operation.ask(app, Some(token), true);
                assert_eq!(answer.status, expected, "{place}: {}", answer.text);
            }
            continue;
        }

        // Without a domain it is about the whole server, or about none, which is an error; or about that of the token.
        if operation.can_be_scoped && !OF_THE_TOKENS_DOMAIN.contains(&path.as_str()) {
            let answer = operation.ask(app, Some(&app.own), false);
            let is_refused = [400, 403].contains(&answer.status);
            assert!(
                is_refused || operation.body.contains(OWN),
                "{place}: {}",
                answer.text
            );
        }
        let answer = operation.ask(app, Some(&app.own_read), true);
        assert_eq!(
            answer.status == 403,
            !operation.reads(),
            "{place}: {}",
            answer.text
        );
        // The request itself is a good one.
        let answer = operation.ask(app, Some(&app.own), true);
        assert!(answer.status < 300, "{place}: {}", answer.text);
        let answer = operation.ask(app, Some(&app.all), true);
        assert!(
            answer.status < 300 || answer.status == 404,
            "{place}: {}",
            answer.text
        );
    }
}

/// A job, a snapshot and a fault of the domain, of which each may be gone.
fn create_its_subject(app: &Guarded, operation: &mut Operation) {
    let put = |path: &str, headers: &[(&str, &str)], body: &str| {
        let target = format!("/jobdeck/{path}?domain_id={OWN}");
        let answer = app.send(&app.own, ("PUT", &target), headers, body);
        assert!(answer.status < 300, "{}", answer.text);
    };
    put("jobs/job-1", &[JSON], "{}");
    if app.is_mock {
        put("snapshots/before-import", &[], "");
        let fault = format!(r#"{{"domain_id":"{OWN}","job_id":"none","code":503}}"#);
        let fault = app.send(&app.own, ("POST", "/jobdeck/faults"), &[JSON], &fault);
        let id = fault.json()["id"].as_str().unwrap().to_owned();
        operation.filled = operation.filled.replace("fault-1", &id);
    }
}

#[test]
fn a_path_without_a_route_needs_a_token_too() {
    let app = guarded();
    for path in [
        "/nowhere",
        "/inventory/v1/job",
        "/healthz/all",
        "/%68ealthz",
        "/%6aobdeck/domains",
        "/inventory/v1/jobs?domain_id=healthz",
        "/assets",
    ] {
        let answer = app.app.get(path);
        check_error(&answer, "401 ERROR_AUTHENTICATE_FAILURE: ");
    }
    assert_eq!(app.get(&app.own, "/nowhere").status, 404);
    // What the router reads as a route is guarded as that route.
    let answer = app.send(
        &app.own_read,
        ("DELETE", &format!("/%6aobdeck/jobs?domain_id={OWN}")),
        &[],
        "",
    );
    check_error(&answer, "403 ERROR_PERMISSION_DENIED: token `");
}

#[test]
fn the_page_and_health_checks_need_no_token_and_reveal_nothing() {
    let app = guarded();
    let page = app.app.get("/");
    assert_eq!(page.status, 200);
    let script = page
        .text
        .split('"')
        .find(|text| text.ends_with("/js/main.js"))
        .unwrap();
    assert_eq!(app.app.get(&script[1..]).status, 200, "{script}");
    assert_eq!(app.app.get("/check").text, r#"{"status":"SERVING"}"#);
    let version = env!("CARGO_PKG_VERSION");
    let short = json!({"status": "ok", "version": version});
    assert_eq!(app.app.get("/healthz").json(), short);
    assert_eq!(app.get(&app.own, "/healthz").json(), short);
    assert_eq!(app.get("jobdeck_wrong", "/healthz").json(), short);
    assert_eq!(app.get(&app.all, "/healthz").json()["jobs"], 2);
}

#[test]
fn a_token_is_read_from_one_header_only() {
    let app = guarded();
    let token = app.own.as_str();
    let path = format!("/inventory/v1/jobs?domain_id={OWN}");
    let with = |headers: &[(&str, &str)]| app.app.send("GET", &path, headers, None);
    for (headers, status) in [
        (vec![("authorization", format!("Bearer {token}"))], 200),
        (vec![("authorization", format!("bearer  {token}"))], 200),
        (vec![("authorization", token.to_owned())], 401),
        (vec![("authorization", format!("Basic {token}"))], 401),
        (vec![("authorization", format!("Bearer {token}x"))], 401),
        (
            vec![("authorization", format!("Bearer {}", &token[1..]))],
            401,
        ),
        (
            vec![("authorization", format!("Bearer {}", token.to_uppercase()))],
            401,
        ),
        (
            vec![
                ("authorization", format!("Bearer {token}")),
                ("authorization", "Bearer x".to_owned()),
            ],
            401,
        ),
        (vec![("cookie", format!("token={token}"))], 401),
        (
            vec![("x-token", token.to_owned()), ("token", token.to_owned())],
            401,
        ),
    ] {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = with(&headers);
        assert_eq!(answer.status, status, "{headers:?}");
        assert!(!answer.text.contains(token), "{}", answer.text);
    }
    for name in ["token", "access_token", "authorization"] {
        let answer = app.app.get(&format!("{path}&{name}={token}"));
        check_error(&answer, "401 ERROR_AUTHENTICATE_FAILURE: ");
        assert!(!answer.text.contains(token));
    }
}

#[test]
fn routes_without_a_domain_are_limited_to_that_of_the_token() {
    let app = guarded();
    let domains = |token: &str| {
        let answer = app.get(token, "/jobdeck/domains");
        (
            answer.json()["results"].clone(),
            answer.header("etag").unwrap().to_owned(),
        )
    };
    let [all, own, other] = [&app.all, &app.own, &app.other].map(|token| domains(token));
    assert_eq!(own.0, json!([{"domain_id": OWN, "jobs": 1}]));
    assert_eq!(other.0, json!([{"domain_id": OTHER, "jobs": 1}]));
    assert_eq!(all.0.as_array().unwrap().len(), 2);
    assert_eq!(domains(&app.own_read), own);
    // Who holds another token has not what the first was answered.
    for tag in [&all.1, &other.1] {
        let answer = app.send(
            &app.own,
            ("GET", "/jobdeck/domains"),
            &[("if-none-match", tag)],
            "",
        );
        assert_eq!(answer.status, 200);
        assert!(answer.header("vary").unwrap().contains("authorization"));
    }
    let answer = app.send(
        &app.own,
        ("GET", "/jobdeck/domains"),
        &[("if-none-match", &own.1)],
        "",
    );
    assert_eq!(answer.status, 304);

    let clock = r#"{"now":"2030-01-01T00:00:00Z"}"#;
    let path = format!("/jobdeck/clock?domain_id={OWN}");
    assert_eq!(
        app.send(&app.own, ("PUT", &path), &[JSON], clock).status,
        200
    );
    let about = |token: &str| app.get(token, "/jobdeck/about").json();
    assert_eq!(about(&app.own)["now"], "2030-01-01T00:00:00.000Z");
    assert_eq!(about(&app.other)["now"], "2022-06-20T12:00:00.000Z");
    assert_eq!(about(&app.all)["now"], "2022-06-20T12:00:00.000Z");
    assert_eq!(about(&app.own)["is_writable"], true);
    assert_eq!(about(&app.own_read)["is_writable"], false);
}

/// What the holder of a token of `OWN` asks for, its body, and the status that comes.
const TRICKS: [(&str, &str, u16); 23] = [
    ("GET /inventory/v1/jobs?domain_id=OTHER", "", 403),
    ("GET /inventory/v1/jobs?domainId=OTHER", "", 403),
    (
        "GET /inventory/v1/jobs?domain_id=OWN&domain_id=OTHER",
        "",
        400,
    ),
    (
        "GET /inventory/v1/jobs?domain_id=OWN&domainId=OTHER",
        "",
        400,
    ),
    (
        "GET /inventory/v1/jobs?domain_id=OWN&query={%22filter%22:[{%22k%22:%22domain_id%22,%22v%22:%22OTHER%22,%22o%22:%22eq%22}]}",
        "",
        200,
    ),
    (
        "POST /inventory/v1/jobs/search",
        r#"{"domain_id":"OTHER"}"#,
        403,
    ),
    (
        "POST /inventory/v1/jobs/search?domain_id=OWN",
        r#"{"domain_id":"OTHER"}"#,
        400,
    ),
    (
        "POST /inventory/v1/jobs/search",
        r#"{"domain_id":"OWN","domainId":"OTHER"}"#,
        400,
    ),
    (
        "POST /inventory/v1/jobs/search",
        r#"{"domain_id":"OWN","query":{"filter_or":[{"k":"domain_id","v":"OTHER","o":"eq"},{"k":"job_id","v":".*","o":"regex"}]}}"#,
        200,
    ),
    // These three are read in different places: on the worker's thread, and on others.
    (
        "POST /inventory/v1/jobs/stat",
        r#"{"domain_id":"OTHER","query":{"distinct":"job_id"}}"#,
        403,
    ),
    (
        "POST /inventory/v1/jobs/stat",
        r#"{"domain_id":"OTHER","query":{"filter":[{"k":"job_id","v":".*","o":"regex"}],"distinct":"job_id"}}"#,
        403,
    ),
    (
        "POST /inventory/v1/jobs/stat",
        r#"{"domain_id":"OTHER","query":{"filter":[{"k":"job_id","v":"LONG","o":"not"}],"distinct":"job_id"}}"#,
        403,
    ),
    ("GET /jobdeck/export?format=csv&domain_id=OTHER", "", 403),
    ("PUT /jobdeck/jobs/secret-job?domain_id=OTHER", "{}", 403),
    (
        "PUT /jobdeck/jobs/secret-job",
        r#"{"domain_id":"OTHER"}"#,
        403,
    ),
    (
        "PUT /jobdeck/jobs/secret-job?domain_id=OWN",
        r#"{"domain_id":"OTHER"}"#,
        400,
    ),
    (
        "PATCH /jobdeck/jobs/mine?domain_id=OWN",
        r#"{"domain_id":"OTHER"}"#,
        400,
    ),
    ("DELETE /jobdeck/jobs/secret-job?domain_id=OTHER", "", 403),
    ("DELETE /jobdeck/jobs/secret-job?domain_id=OWN", "", 404),
    (
        "POST /jobdeck/jobs",
        "{\"domain_id\":\"OWN\",\"job_id\":\"new\"}\n{\"domain_id\":\"OTHER\",\"job_id\":\"new\"}",
        403,
    ),
    (
        "POST /jobdeck/jobs?domain_id=OWN",
        r#"{"domain_id":"OTHER","job_id":"new"}"#,
        400,
    ),
    ("POST /jobdeck/jobs", r#"{"job_id":"new"}"#, 400),
    ("DELETE /jobdeck/jobs?domain_id=OTHER", "", 403),
];

/// The same of what only a mock has, or looks at.
const TRICKS_ON_A_MOCK: [(&str, &str, u16); 8] = [
    (
        "POST /inventory/v1/jobs/search?domain_id=OTHER",
        r#"{"domain_id":"OWN"}"#,
        403,
    ),
    (
        "POST /jobdeck/snapshots/before/restore?domain_id=OWN",
        "",
        404,
    ),
    (
        "POST /jobdeck/snapshots/whole/restore?domain_id=OWN",
        "",
        404,
    ),
    ("POST /jobdeck/snapshots/whole/restore", "", 403),
    (
        "POST /jobdeck/faults",
        r#"{"route":"search","code":500}"#,
        403,
    ),
    ("DELETE /jobdeck/faults/FAULT", "", 404),
    ("GET /jobdeck/journal?contains=secret", "", 403),
    (
        "GET /jobdeck/journal?domain_id=OWN&contains=secret-project",
        "",
        200,
    ),
];

/// Whatever a request says in any of its places, it is refused or about its own domain.
#[test]
fn no_request_reaches_another_domain_than_that_of_the_token() {
    let app = without_mock();
    check_tricks(&app, &TRICKS, "");

    let app = guarded();
    let by_other = |request, body: &str| {
        let headers = if body.is_empty() { &[][..] } else { &[JSON] };
        app.send(&app.other, request, headers, body)
    };
    let fault = format!(r#"{{"domain_id":"{OTHER}","route":"search","times":1,"code":503}}"#);
    let fault = by_other(("POST", "/jobdeck/faults"), &fault).json();
    let snapshot = format!("/jobdeck/snapshots/before?domain_id={OTHER}");
    assert_eq!(by_other(("PUT", &snapshot), "").status, 201);
    let whole = app.send(&app.all, ("PUT", "/jobdeck/snapshots/whole"), &[], "");
    assert_eq!(whole.status, 201);
    let asked = format!(r#"{{"domain_id":"{OTHER}","job_id":"secret-job"}}"#);
    by_other(("POST", "/inventory/v1/jobs/stat"), &asked);
    let journal = &app.others()[0];
    assert!(journal.contains("secret-job"), "{journal}");
    let fault = fault["id"].as_str().unwrap();
    check_tricks(&app, &TRICKS, fault);
    check_tricks(&app, &TRICKS_ON_A_MOCK, fault);

    // Not even by who holds no token, at what asks for none.
    let fault = format!(r#"{{"domain_id":"{OTHER}","route":"healthz","times":1,"code":503}}"#);
    assert_eq!(by_other(("POST", "/jobdeck/faults"), &fault).status, 201);
    let probe = format!("/healthz?domain_id={OTHER}");
    assert_eq!(app.app.get(&probe).status, 401);
    assert_eq!(app.get(&app.own, &probe).status, 403);
    assert_eq!(app.get(&app.other, &probe).status, 503);
}

fn check_tricks(app: &Guarded, tricks: &[(&str, &str, u16)], fault: &str) {
    let long = "x".repeat(5_000);
    let named = |text: &str| {
        let text = text.replace("OWN", OWN).replace("OTHER", OTHER);
        text.replace("FAULT", fault).replace("LONG", &long)
    };
    let before = app.others();
    for (request, body, status) in tricks {
        let (request, body) = (named(request), named(body));
        let (method, path) = request.split_once(' ').unwrap();
        let is_many = path.starts_with("/jobdeck/jobs") && method == "POST";
        let content_type = if is_many { NDJSON } else { JSON };
        for headers in [&[content_type][..], &[content_type, ("prefer", "delay=0")]] {
            let answer = app.send(&app.own, (method, path), headers, &body);
            let place = format!("{request:.200} {body:.200}");
            assert_eq!(answer.status, *status, "{place}: {}", answer.text);
            let is_told = answer.text.contains("secret-p");
            assert!(!is_told, "{place}: {}", answer.text);
            assert_eq!(app.others(), before, "{place}");
        }
    }
}

#[test]
fn the_journal_reveals_no_token() {
    let app = guarded();
    for token in [&app.all, &app.own] {
        let path = format!("/inventory/v1/jobs?domain_id={OWN}");
        assert_eq!(app.get(token, &path).status, 200);
    }
    let journal = app.get(&app.own_read, &format!("/jobdeck/journal?domain_id={OWN}"));
    assert_eq!(journal.json()["total_count"], 2);
    for token in [&app.all, &app.own] {
        assert!(!journal.text.contains(token.as_str()), "{}", journal.text);
    }
    let headers = &journal.json()["results"][0]["headers"];
    assert_eq!(headers["authorization"], "Bearer (hidden)");
}

/// An answer about all domains, which takes a token of `*`, is in the journal of no domain, though its request may name one.
#[test]
fn the_journal_of_a_domain_has_no_answer_about_other_domains() {
    let app = guarded();
    for path in [
        "/jobdeck/domains",
        "/jobdeck/about",
        // The router reads it as the first of these.
        "/jobdeck/%64omains",
    ] {
        let path = format!("{path}?domain_id={OWN}");
        assert_eq!(app.get(&app.all, &path).status, 200, "{path}");
    }
    let of_own = format!("/inventory/v1/jobs?domain_id={OWN}");
    assert_eq!(app.get(&app.all, &of_own).status, 200);
    let about = format!("/jobdeck/about?domain_id={OWN}");
    assert_eq!(app.get(&app.own, &about).status, 200);
    let journal = app.get(&app.own_read, &format!("/jobdeck/journal?domain_id={OWN}"));
    assert_eq!(journal.json()["total_count"], 2, "{}", journal.text);
    assert!(!journal.text.contains(OTHER), "{}", journal.text);
    let whole = app.get(&app.all, "/jobdeck/journal").json();
    assert_eq!(whole["total_count"], 5);
}

#[test]
fn a_page_of_a_named_origin_may_send_a_token() {
    const FRONT: &str = "http://localhost:3000";
    let app = guarded_with(Setup {
        cors: vec![Origin::parse(FRONT).unwrap()],
        ..Setup::default()
    });
    let path = format!("/inventory/v1/jobs?domain_id={OWN}");
    let preflight = [
        ("origin", FRONT),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = app.app.send("OPTIONS", &path, &preflight, None);
    assert_eq!(answer.status, 200);
    let allowed = answer.header("access-control-allow-headers").unwrap();
    assert!(allowed.contains("authorization"), "{allowed}");
    for (token, status) in [
        (app.own.as_str(), 200),
        ("jobdeck_wrong", 401),
        (&app.other, 403),
    ] {
        let answer = app.send(token, ("GET", &path), &[("origin", FRONT)], "");
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(FRONT));
        let vary = answer.header("vary").unwrap().to_ascii_lowercase();
        assert!(
            vary.contains("authorization") && vary.contains("origin"),
            "{vary}"
        );
    }
    // Of any other page it is no matter who it says it is.
    let headers = [
        ("origin", "http://evil.example"),
        ("sec-fetch-site", "cross-site"),
        JSON,
    ];
    let put = format!("/jobdeck/jobs/mine?domain_id={OWN}");
    let answer = app.send(&app.own, ("PUT", &put), &headers, "{}");
    check_error(&answer, "403 ERROR_PERMISSION_DENIED: a page of ");
}

#[test]
fn the_document_describes_the_token() {
    let app = guarded();
    let document = app.get(&app.own_read, "/openapi.json").json();
    let scheme = &document["components"]["securitySchemes"]["token"];
    assert_eq!(
        (&scheme["type"], &scheme["scheme"]),
        (&json!("http"), &json!("bearer"))
    );
    assert_eq!(document["security"], json!([{"token": []}]));
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let is_open = OPEN.contains(&path.as_str());
            assert_eq!(
                operation["security"] == json!([]),
                is_open,
                "{method} {path}"
            );
            for status in ["401", "403"] {
                let is_described = operation["responses"][status].is_object();
                assert_eq!(is_described, !is_open, "{method} {path} {status}");
            }
        }
    }
    let text = document.to_string();
    assert!(!text.contains("Nobody is asked for a token"));
    let schema = serde_json::from_str(include_str!("../openapi/schema-3.1.json")).unwrap();
    let openapi = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<_> = openapi
        .iter_errors(&document)
        .map(|fault| fault.to_string())
        .collect();
    assert_eq!(faults, [""; 0]);
    let free = App::with_jobs("").get("/openapi.json").json();
    assert_eq!(free["security"], json!([]));
    assert!(free["components"]["securitySchemes"].is_null());
    assert!(free["components"]["responses"]["Unauthorized"].is_null());
}
