//! Pages of other origins: what they may read and write.

use std::collections::BTreeSet;

use jobdeck::api::Origin;

use crate::app::{Answer, App, Setup, job};

const FRONT: &str = "http://localhost:3000";

fn with_cors(origins: &[&str]) -> App {
    let origins = origins.iter().map(|text| Origin::parse(text).unwrap());
    App::serve(Setup {
        jobs: job("j", "d", ""),
        cors: origins.collect(),
        is_writable: true,
        ..Setup::default()
    })
}

fn preflight(app: &App, path: &str, origin: &str, method: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        (
            "access-control-request-headers",
            "content-type,if-none-match,prefer,x-request-id",
        ),
    ];
    app.send("OPTIONS", path, &headers, None)
}

/// What a list in a header names, in no order.
fn names(answer: &Answer, header: &str) -> BTreeSet<String> {
    let text = answer.header(header).unwrap_or_default();
    text.split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .collect()
}

fn cors_headers(answer: &Answer) -> Vec<&str> {
    answer
        .headers
        .keys()
        .map(ureq::http::HeaderName::as_str)
        .filter(|name| name.starts_with("access-control-"))
        .collect()
}

#[track_caller]
fn check_error(answer: &Answer, expected: &str) {
    let got = answer.error();
    assert!(got.starts_with(expected), "\n got: {got}\nwant: {expected}");
}

#[test]
fn a_preflight_of_a_named_origin_is_granted_on_every_route() {
    let app = with_cors(&[FRONT, "https://jobs.example"]);
    for (path, method) in [
        ("/inventory/v1/jobs", "GET"),
        ("/inventory/v1/jobs", "HEAD"),
        ("/inventory/v1/jobs/search", "POST"),
        ("/jobdeck/jobs/j", "PUT"),
        ("/jobdeck/jobs/j", "PATCH"),
        ("/jobdeck/jobs/j", "DELETE"),
        ("/healthz", "GET"),
        ("/nowhere", "GET"),
    ] {
        for origin in [FRONT, "https://jobs.example"] {
            let answer = preflight(&app, path, origin, method);
            assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            assert!(
                names(&answer, "access-control-allow-methods").contains(&method.to_lowercase())
            );
            for name in ["content-type", "prefer", "x-request-id", "if-none-match"] {
                assert!(names(&answer, "access-control-allow-headers").contains(name));
            }
            assert_eq!(answer.header("access-control-max-age"), Some("3600"));
            let credentials = answer.header("access-control-allow-credentials");
            assert_eq!(credentials, Some("true"));
            for name in [
                "origin",
                "access-control-request-method",
                "access-control-request-headers",
            ] {
                assert!(names(&answer, "vary").contains(name));
            }
            assert!(answer.header("x-request-id").is_some());
        }
    }
}

#[test]
fn a_preflight_of_another_origin_is_refused_in_spaceones_shape() {
    let app = with_cors(&[FRONT]);
    for origin in [
        "http://localhost:3001",
        "https://localhost:3000",
        "http://localhost.evil.example:3000",
        "null",
    ] {
        let answer = preflight(&app, "/inventory/v1/jobs", origin, "GET");
        let expected = if origin == "null" {
            "403 ERROR_PERMISSION_DENIED: a page of another site that does not name its origin may not do this here; \
             `jobdeck serve --cors '*'` lets it in"
                .to_owned()
        } else {
            format!(
                "403 ERROR_PERMISSION_DENIED: a page of `{origin}` may not do this here; `jobdeck serve --cors {origin}` \
                 lets it in"
            )
        };
        assert_eq!(answer.error(), expected);
        assert_eq!(cors_headers(&answer), [""; 0], "{origin}");
    }
    let trace = preflight(&app, "/inventory/v1/jobs", FRONT, "TRACE");
    check_error(&trace, "403 ERROR_PERMISSION_DENIED: ");
}

#[test]
fn every_answer_to_a_named_origin_can_be_read() {
    let app = with_cors(&[FRONT]);
    let tag = app.get("/jobdeck/domains");
    let tag = tag.header("etag").unwrap();
    for (path, host, status) in [
        ("/jobdeck/about", "localhost", 200),
        ("/jobdeck/domains", "localhost", 304),
        ("/inventory/v1/jobs", "localhost", 400),
        ("/nowhere", "localhost", 404),
        ("/inventory/v1/jobs/search", "localhost", 405),
        ("/healthz", "evil.example", 421),
    ] {
        let headers = [("origin", FRONT), ("host", host), ("if-none-match", tag)];
        let answer = app.send("GET", path, &headers, None);
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some(FRONT),
            "{path}"
        );
        let credentials = answer.header("access-control-allow-credentials");
        assert_eq!(credentials, Some("true"), "{path}");
        let exposed: BTreeSet<_> = [
            "etag",
            "x-request-id",
            "preference-applied",
            "retry-after",
            "content-disposition",
        ]
        .map(str::to_owned)
        .into();
        assert_eq!(
            names(&answer, "access-control-expose-headers"),
            exposed,
            "{path}"
        );
        assert!(names(&answer, "vary").contains("origin"), "{path}");
    }
}

#[test]
fn no_answer_to_another_origin_can_be_read() {
    let app = with_cors(&[FRONT]);
    let path = "/inventory/v1/jobs?domain_id=d";
    for headers in [&[][..], &[("origin", "http://evil.example")]] {
        let answer = app.send("GET", path, headers, None);
        assert_eq!(answer.status, 200);
        assert_eq!(cors_headers(&answer), [""; 0]);
        assert!(names(&answer, "vary").contains("origin"));
    }
}

#[test]
fn pages_of_this_machine_read_and_change_with_credentials_where_they_are_let_in() {
    let app = App::serve(Setup {
        jobs: job("j", "d", ""),
        cors: vec![
            Origin::Loopback,
            Origin::parse("https://jobs.example").unwrap(),
        ],
        is_writable: true,
        ..Setup::default()
    });
    for (origin, is_let_in) in [
        ("http://localhost:5173", true),
        ("https://app.localhost", true),
        ("http://127.0.0.2:3000", true),
        ("http://[::1]:3000", true),
        ("https://jobs.example", true),
        ("http://jobs.example", false),
        ("http://localhost.evil.example", false),
        ("null", false),
    ] {
        let granted = preflight(&app, "/jobdeck/jobs/j", origin, "PUT");
        let headers = [
            ("origin", origin),
            ("sec-fetch-site", "cross-site"),
            ("content-type", "application/json"),
        ];
        let path = "/jobdeck/jobs/j?domain_id=d";
        let written = app.send("PATCH", path, &headers, Some(br#"{"status":"ERROR"}"#));
        for answer in [granted, written] {
            assert_eq!(answer.status, if is_let_in { 200 } else { 403 }, "{origin}");
            let allowed = answer.header("access-control-allow-origin");
            assert_eq!(allowed, is_let_in.then_some(origin));
            let credentials = answer.header("access-control-allow-credentials");
            assert_eq!(credentials, is_let_in.then_some("true"));
            assert!(names(&answer, "vary").contains("origin"));
        }
    }
}

#[test]
fn an_unknown_host_is_refused_before_its_preflight() {
    let app = with_cors(&["*"]);
    let headers = [
        ("host", "evil.example"),
        ("origin", FRONT),
        ("access-control-request-method", "GET"),
    ];
    let answer = app.send("OPTIONS", "/healthz", &headers, None);
    check_error(&answer, "421 ERROR_INVALID_HOST: ");
}

#[test]
fn a_star_allows_every_origin() {
    let app = with_cors(&["*", FRONT]);
    for origin in ["http://evil.example", "null"] {
        let answer = preflight(&app, "/inventory/v1/jobs", origin, "GET");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let answer = app.send("GET", "/healthz", &[("origin", origin)], None);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert!(names(&answer, "vary").contains("origin"));
    }
    // An origin that is named as well may send credentials.
    let named = app.send("GET", "/healthz", &[("origin", FRONT)], None);
    assert_eq!(named.header("access-control-allow-origin"), Some(FRONT));
    let credentials = named.header("access-control-allow-credentials");
    assert_eq!(credentials, Some("true"));

    let app = with_cors(&["*"]);
    for origin in [&[("origin", FRONT)][..], &[]] {
        let answer = app.send("GET", "/healthz", origin, None);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let vary = names(&answer, "vary");
        assert!(!vary.contains("origin"), "it is the same for all: {vary:?}");
    }
}

#[test]
fn without_the_option_there_are_no_cors_headers() {
    let app = with_cors(&[]);
    let answer = app.send("GET", "/healthz", &[("origin", FRONT)], None);
    assert_eq!((answer.status, cors_headers(&answer)), (200, vec![]));
    let answer = preflight(&app, "/healthz", FRONT, "GET");
    check_error(&answer, "403 ERROR_PERMISSION_DENIED: a page of ");
    assert!(answer.text.contains("--cors http://localhost:3000"));
    assert_eq!(cors_headers(&answer), [""; 0]);
    let no_preflight = app.send("OPTIONS", "/healthz", &[("origin", FRONT)], None);
    check_error(&no_preflight, "405 ERROR_METHOD_NOT_ALLOWED: ");
}

/// A route that takes no such method answers 405 once it is reached.
#[test]
fn a_page_elsewhere_can_not_write() {
    let app = with_cors(&[FRONT]);
    let own = format!("http://{}", app.address);
    let page = |site: &'static str, origin: &str| {
        vec![
            ("sec-fetch-site", site.to_owned()),
            ("origin", origin.to_owned()),
        ]
    };
    let old = |origin: &str| vec![("origin", origin.to_owned())];
    for (headers, status) in [
        (vec![], 405),
        (page("same-origin", &own), 405),
        // A form that was sent by hand, such as from a bookmark.
        (page("none", "null"), 405),
        (page("same-site", "http://localhost:3001"), 403),
        (page("cross-site", "http://evil.example"), 403),
        (page("cross-site", "null"), 403),
        (vec![("sec-fetch-site", "cross-site".to_owned())], 403),
        (page("same-site", FRONT), 405),
        (page("cross-site", FRONT), 405),
        (old(&own), 405),
        (old(FRONT), 405),
        (old("http://evil.example"), 403),
        (old("null"), 403),
    ] {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        for method in ["PUT", "PATCH", "DELETE", "POST"] {
            let answer = app.send(method, "/jobdeck/about", &headers, None);
            assert_eq!(answer.status, status, "{method} {headers:?}");
            if status == 403 {
                check_error(&answer, "403 ERROR_PERMISSION_DENIED: a page of ");
                assert!(answer.text.contains("--cors"), "{}", answer.text);
            }
        }
        assert_eq!(
            app.send("GET", "/jobdeck/about", &headers, None).status,
            200
        );
    }
}

/// A dev server's proxy may change the host, but not the origin.
#[test]
fn a_request_that_only_reads_is_left_to_the_preflight() {
    let app = with_cors(&[]);
    let headers = [
        ("origin", "http://localhost:5173"),
        ("content-type", "application/json"),
    ];
    let body = br#"{"domain_id":"d"}"#;
    let answer = app.send("POST", "/inventory/v1/jobs/search", &headers, Some(body));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let simple = [
        ("origin", "http://evil.example"),
        ("content-type", "text/plain"),
    ];
    let answer = app.send("POST", "/inventory/v1/jobs/search", &simple, Some(body));
    check_error(&answer, "415 ERROR_UNSUPPORTED_MEDIA_TYPE: ");
}
