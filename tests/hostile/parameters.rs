//! Hostile query strings, paths and methods.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use crate::damage::TEXTS;
use crate::server::{Server, request};

/// Percent encodings that no text results in.
const ENCODED: [&str; 10] = [
    "%",
    "%zz",
    "%ff%fe",
    "%c0%ae%c0%ae",
    "%00",
    "%u0041",
    "+",
    "%0d%0aset-cookie:x",
    "%25%32%65",
    "a=b=c",
];

/// Every parameter of the routes that only read. (`wait_for` is left out: it would wait.)
const PARAMETERS: [(&str, &[&str]); 9] = [
    (
        "/inventory/v1/jobs?domain_id=d&query.page.limit=3",
        &[
            "domain_id",
            "job_id",
            "status",
            "collector_id",
            "project_id",
            "query",
            "query.keyword",
            "query.only",
            "query.minimal",
            "query.count_only",
            "query.page",
            "query.page.start",
            "query.page.limit",
            "query.sort",
            "query.sort.key",
            "query.sort.desc",
            "query.filter",
            "query.filter.0.k",
            "query.",
            ".query",
            "..",
        ],
    ),
    (
        "/jobdeck/export?domain_id=d&query.page.limit=3",
        &["format", "query", "domain_id"],
    ),
    (
        "/jobdeck/overview?domain_id=d",
        &[
            "from",
            "to",
            "bucket",
            "query",
            "query.keyword",
            "domain_id",
        ],
    ),
    ("/jobdeck/about?", &["domain_id"]),
    ("/jobdeck/domains?", &["domain_id"]),
    ("/jobdeck/notifications?", &["domain_id"]),
    ("/jobdeck/clock?", &["domain_id"]),
    ("/jobdeck/faults?", &["domain_id"]),
    (
        "/jobdeck/journal?",
        &[
            "domain_id",
            "job_id",
            "route",
            "method",
            "path",
            "status",
            "contains",
            "after",
            "limit",
            "timeout",
        ],
    ),
];

fn values() -> impl Iterator<Item = String> {
    let numbers = [
        "0",
        "-1",
        "1e400",
        "9223372036854775808",
        "18446744073709551616",
        "0x10",
        "١",
        "1.5",
    ];
    let json = [
        "{}",
        "[]",
        "null",
        "{\"filter\":1}",
        "{\"page\":{\"limit\":1e400}}",
        "{\"filter\":[{\"k\":\"job_id\",\"v\":\"(\",\"o\":\"regex\"}]}",
    ];
    let texts = TEXTS.into_iter().chain(numbers).chain(json);
    let deep = [
        "[".repeat(20_000),
        "{\"a\":".repeat(4_000),
        "a.".repeat(10_000),
    ];
    let texts = texts.map(str::to_owned).chain(deep);
    texts
        .map(|text| percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string())
        .chain(ENCODED.map(str::to_owned))
}

#[test]
fn any_parameter_may_have_hostile_values() {
    let server = Server::start();
    let mut client = server.client();
    for (target, names) in PARAMETERS {
        for value in values() {
            for name in names {
                let target = format!("{target}&{name}={value}");
                let answer = client.ask(&request("GET", &target, "", b""));
                answer.check(|| target.clone());
            }
            // A name may be anything, too.
            let target = format!("{target}&{value}=1");
            let answer = client.ask(&request("GET", &target, "", b""));
            answer.check(|| target.clone());
        }
        server.check_is_well();
    }
    assert!(client.requests() > 2_000, "{}", client.requests());
}

#[test]
fn no_path_leads_to_a_file_or_another_route() {
    let server = Server::start();
    let mut client = server.client();
    let ups = [
        "../",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "%252e%252e%252f",
        "..\\",
        "..%5c",
        "..%c0%af",
        "....//",
        "%00/",
    ];
    for up in ups {
        for start in [
            "/",
            "/js/",
            "/inventory/v1/jobs/",
            "/jobdeck/jobs/",
            "/jobdeck/snapshots/",
        ] {
            for file in [
                "etc/passwd",
                "Cargo.toml",
                "log",
                "jobs.ndjson",
                "index.html%00.js",
            ] {
                let target = format!("{start}{}{file}", up.repeat(8));
                let answer = client.ask(&request("GET", &target, "", b""));
                answer.check(|| target.clone());
                assert!(
                    [400, 404, 405].contains(&answer.status),
                    "{target}: {answer:?}"
                );
            }
        }
    }
    let paths = [
        "//",
        "//inventory//v1//jobs",
        "/inventory/v1/jobs/",
        "/inventory/v1/JOBS",
        "/%69nventory/v1/jobs?domain_id=d",
        "/inventory/v1/jobs/search/../stat",
        "/inventory/v1/jobs;x=1",
        "/?",
        "/#",
        "/%",
        "/%zz",
        "/\u{e9}",
        "*",
        "http://evil.example/inventory/v1/jobs?domain_id=d",
        "http://localhost:1/healthz",
        "localhost:80",
    ];
    for path in paths {
        for method in ["GET", "POST", "OPTIONS", "CONNECT"] {
            let mut connection = server.connect();
            connection.send(&request(method, path, "", b""));
            if let Some(answer) = connection.answer(false) {
                answer.check(|| format!("{method} {path}"));
            }
        }
    }
    let long = format!("/{}", "a/".repeat(20_000));
    client
        .ask(&request("GET", &long, "", b""))
        .check(|| "a long path".to_owned());
    server.check_is_well();
}

#[test]
fn a_path_may_have_hostile_ids() {
    let server = Server::start();
    let mut client = server.client();
    for value in values().filter(|value| value.len() < 20_000) {
        let targets = [
            ("DELETE", format!("/jobdeck/jobs/{value}?domain_id=d")),
            ("PUT", format!("/jobdeck/snapshots/{value}")),
            ("POST", format!("/jobdeck/snapshots/{value}/restore")),
            ("DELETE", format!("/jobdeck/snapshots/{value}")),
            ("DELETE", format!("/jobdeck/faults/{value}")),
            ("POST", format!("/jobdeck/faults/{value}/release")),
            ("DELETE", format!("/jobdeck/jobs?domain_id={value}")),
        ];
        for (method, target) in targets {
            let answer = client.ask(&request(method, &target, "", b""));
            answer.check(|| format!("{method} {target}"));
        }
    }
    server.reset();
    server.check_is_well();
}

#[test]
fn every_method_is_answered() {
    let server = Server::start();
    let mut client = server.client();
    let methods = [
        "HEAD",
        "OPTIONS",
        "TRACE",
        "PATCH",
        "PUT",
        "DELETE",
        "PROPFIND",
        "PRI",
        "get",
        "G",
        "GET!",
        "X-Y_Z.~",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ];
    for path in [
        "/",
        "/healthz",
        "/openapi.json",
        "/inventory/v1/jobs",
        "/inventory/v1/jobs/search",
        "/jobdeck/clock",
        "/nowhere",
    ] {
        for method in methods {
            let answer = client.ask(&request(method, path, "", b""));
            if method != "HEAD" {
                answer.check(|| format!("{method} {path}"));
            }
            if answer.status == 405 {
                assert!(
                    answer.header("allow").is_some(),
                    "{method} {path}: {answer:?}"
                );
            }
        }
    }
    server.reset();
    server.check_is_well();
}
