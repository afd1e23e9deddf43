//! Requests as clients really send them: encoded bodies, marks, media types, slashes, HEAD, and near misses.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};

use crate::app::{Answer, App, Setup, job};

const SEARCH: &str = "/inventory/v1/jobs/search";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// A text in UTF-16, in little-endian order with its mark.
fn utf_16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[track_caller]
fn check_error(answer: &Answer, expected: &str) {
    let got = answer.error();
    assert!(got.starts_with(expected), "\n got: {got}\nwant: {expected}");
}

/// Every route that takes a body, with a body.
const WITH_BODY: [(&str, &str, &str); 8] = [
    ("POST", SEARCH, r#"{"domain_id":"d"}"#),
    (
        "POST",
        "/inventory/v1/jobs/stat",
        r#"{"domain_id":"d","query":{"distinct":"status"}}"#,
    ),
    (
        "PUT",
        "/jobdeck/jobs/k?domain_id=d",
        r#"{"status":"ERROR"}"#,
    ),
    (
        "PATCH",
        "/jobdeck/jobs/j?domain_id=d",
        r#"{"status":"ERROR"}"#,
    ),
    ("POST", "/jobdeck/jobs?domain_id=d", r#"[{"job_id":"l"}]"#),
    ("PUT", "/jobdeck/clock", r#"{"is_frozen":true}"#),
    ("POST", "/jobdeck/clock/advance", r#"{"seconds":1}"#),
    (
        "POST",
        "/jobdeck/faults",
        r#"{"route":"export","code":503}"#,
    ),
];

#[test]
fn a_body_is_read_encoded_and_with_a_mark_on_every_route() {
    for app in [App::mock(job("j", "d", "")), writable(job("j", "d", ""))] {
        for (method, path, text) in WITH_BODY {
            let utf_8 = [b"\xef\xbb\xbf", text.as_bytes()].concat();
            for (encoding, body) in [
                ("identity", text.as_bytes().to_vec()),
                ("identity", utf_8.clone()),
                ("identity", utf_16(text)),
                ("gzip", gzip(text.as_bytes())),
                ("x-gzip", gzip(&utf_8)),
                ("deflate", zlib(text.as_bytes())),
                ("zstd", zstd(text.as_bytes())),
                ("deflate, gzip", gzip(&zlib(&utf_16(text)))),
            ] {
                let headers = [
                    ("content-type", "application/json"),
                    ("content-encoding", encoding),
                ];
                let answer = app.send(method, path, &headers, Some(&body));
                // Only a mock has clocks and faults.
                let is_missing =
                    answer.status == 404 && (path.contains("/clock") || path.contains("/faults"));
                assert!(
                    answer.status < 300 || is_missing,
                    "{method} {path} {encoding}: {}",
                    answer.text
                );
            }
        }
    }
}

fn writable(jobs: String) -> App {
    App::serve(Setup {
        jobs,
        is_writable: true,
        ..Setup::default()
    })
}

#[test]
fn an_encoded_body_that_can_not_be_read_is_refused() {
    let app = writable(job("j", "d", ""));
    let mock = App::mock(job("j", "d", ""));
    let bomb = gzip(&vec![b' '; (1 << 20) + 1]);
    for (encoding, body, expected) in [
        (
            "br",
            b"{}".to_vec(),
            "415 ERROR_UNSUPPORTED_MEDIA_TYPE: the body came encoded as br; known are gzip",
        ),
        (
            "gzip",
            b"{}".to_vec(),
            "400 ERROR_INVALID_PARAMETER: the body can't be decoded as gzip: ",
        ),
        (
            "gzip",
            gzip(b"{}")[..12].to_vec(),
            "400 ERROR_INVALID_PARAMETER: the body can't be decoded as gzip: ",
        ),
        (
            "gzip",
            bomb.clone(),
            "413 ERROR_REQUEST_TOO_LARGE: the body is larger than 1048576 bytes",
        ),
        ("gzip, gzip", gzip(&bomb), "413 ERROR_REQUEST_TOO_LARGE: "),
        (
            "identity",
            utf_16("{}")[..5].to_vec(),
            "400 ERROR_INVALID_PARAMETER: the body can't be decoded as UTF-16: ",
        ),
    ] {
        for app in [&app, &mock] {
            let headers = [
                ("content-type", "application/json"),
                ("content-encoding", encoding),
            ];
            let answer = app.send("POST", SEARCH, &headers, Some(&body));
            check_error(&answer, expected);
            let known = answer.header("accept-encoding").is_some();
            assert_eq!(known, encoding == "br");
        }
    }
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    let app = writable(String::new());
    let spaces = gzip(&vec![b' '; 65 << 20]);
    let headers = [
        ("content-type", "application/x-ndjson"),
        ("content-encoding", "gzip"),
    ];
    let answer = app.send("POST", "/jobdeck/jobs", &headers, Some(&spaces));
    check_error(
        &answer,
        "413 ERROR_REQUEST_TOO_LARGE: the body is larger than 67108864 bytes",
    );
}

#[test]
fn the_journal_faults_and_domains_see_the_decoded_body() {
    let app = App::mock(job("j", "d", ""));
    let fault = json!({"route": "search", "domain_id": "d", "code": 503, "times": 1});
    assert_eq!(app.post("/jobdeck/faults", &fault).status, 201);
    let text = r#"{"domain_id":"d","job_id":"j"}"#;
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let search = |text: &str| app.send("POST", SEARCH, &headers, Some(&gzip(text.as_bytes())));
    assert_eq!(search(text).status, 503);
    let answer = search(text);
    assert_eq!(answer.json()["total_count"], 1, "{}", answer.text);
    let entries = app
        .get("/jobdeck/journal?domain_id=d&job_id=j&contains=job_id")
        .json();
    assert_eq!(entries["total_count"], 2);
    let body: Value = serde_json::from_str(text).unwrap();
    assert_eq!(entries["results"][0]["body"], body);
    assert_eq!(entries["results"][0]["headers"]["content-encoding"], "gzip");
}

#[test]
fn media_types_of_json_are_taken_and_the_error_names_the_right_one() {
    let app = writable(job("j", "d", ""));
    let send = |method: &str, path: &str, media_type: &str, body: &str| {
        let headers = [("content-type", media_type)];
        let headers = if media_type.is_empty() {
            &[][..]
        } else {
            &headers
        };
        app.send(method, path, headers, Some(body.as_bytes()))
    };
    for media_type in [
        "text/json",
        "application/vnd.api+json",
        "Application/JSON;charset=UTF-8",
    ] {
        for (method, path, body) in &WITH_BODY[..5] {
            let answer = send(method, path, media_type, body);
            assert!(answer.status < 300, "{media_type} {path}: {}", answer.text);
        }
    }
    let lines = "{\"job_id\":\"a\"}\n{\"job_id\":\"b\"}\n";
    for media_type in [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/json-lines",
        "application/json-seq",
        "text/csv",
    ] {
        let answer = send("POST", "/jobdeck/jobs?domain_id=d", media_type, lines);
        assert_eq!(answer.status, 200, "{media_type}: {}", answer.text);
    }
    for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let answer = send("POST", SEARCH, media_type, "{}");
        let came = if media_type.is_empty() {
            "without a type".to_owned()
        } else {
            format!("as {media_type}")
        };
        assert_eq!(
            answer.error(),
            format!(
                "415 ERROR_UNSUPPORTED_MEDIA_TYPE: the body came {came}; send it with the header \
                 `content-type: application/json`"
            )
        );
    }
    let patch = send(
        "PATCH",
        "/jobdeck/jobs/j?domain_id=d",
        "application/json-patch+json",
        "[]",
    );
    check_error(&patch, "415 ERROR_UNSUPPORTED_MEDIA_TYPE: ");
}

#[test]
fn nothing_is_said_in_an_empty_object_to_a_route_without_a_body() {
    let app = App::mock(job("j", "d", ""));
    for body in [
        "",
        "{}",
        " {\n} ",
        "null",
        "\u{feff}{}",
        "\u{feff}",
        " \r\n",
    ] {
        for (method, path) in [
            ("POST", "/jobdeck/reset"),
            ("PUT", "/jobdeck/snapshots/s"),
            ("POST", "/jobdeck/snapshots/s/restore"),
            ("DELETE", "/jobdeck/clock"),
            ("DELETE", "/jobdeck/faults"),
            ("DELETE", "/jobdeck/jobs?domain_id=d"),
            ("DELETE", "/jobdeck/journal"),
        ] {
            let answer = app.send(method, path, &[], Some(body.as_bytes()));
            assert!(
                answer.status < 300,
                "{method} {path} {body:?}: {}",
                answer.text
            );
        }
    }
    let long = "{}".to_owned() + &" ".repeat(2 << 10);
    for body in ["[]", "{\"domain_id\":\"d\"}", "{}{}", "0", "nul", &long] {
        let answer = app.send("POST", "/jobdeck/reset", &[], Some(body.as_bytes()));
        check_error(
            &answer,
            "400 ERROR_INVALID_PARAMETER: body: this route takes none",
        );
    }
}

#[test]
fn head_is_answered_wherever_get_is() {
    let app = App::mock(job("j", "d", ""));
    let saved = app.bare("PUT", "/jobdeck/snapshots/s");
    assert_eq!(saved.status, 201);
    for path in [
        "/inventory/v1/jobs?domain_id=d",
        "/inventory/v1/jobs",
        "/jobdeck/export?domain_id=d&format=csv",
        "/jobdeck/domains",
        "/jobdeck/about",
        "/jobdeck/snapshots",
        "/jobdeck/clock",
        "/jobdeck/faults",
        "/jobdeck/journal",
        "/jobdeck/journal?limt=1",
        "/healthz",
        "/check",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/docs/query",
        "/docs/none",
        "/",
        "/nowhere",
        "/jobdeck/jobs",
    ] {
        let (head, get) = (app.bare("HEAD", path), app.get(path));
        assert_eq!(
            (head.status, head.text.as_str()),
            (get.status, ""),
            "{path}"
        );
        let names = |answer: &Answer| {
            let names = answer.headers.iter().filter(|(name, _)| {
                // Of the moment, or of how the body is sent.
                let name = name.as_str();
                !matches!(
                    name,
                    "date" | "x-request-id" | "content-length" | "transfer-encoding"
                )
            });
            names
                .filter(|(name, _)| *name != "etag" || !path.contains("journal"))
                .map(|(name, value)| (name.as_str().to_owned(), value.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&head), names(&get), "{path}");
    }
}

#[test]
fn slashes_that_mean_nothing_are_ignored() {
    let app = App::mock(job("a/b", "d", "") + &job("j", "d", ""));
    let fault = json!({"route": "/check/", "code": 503, "times": 1});
    assert_eq!(app.post("/jobdeck/faults/", &fault).status, 201);
    assert_eq!(app.get("//check/").status, 503);
    for path in [
        "/inventory/v1/jobs/?domain_id=d",
        "//inventory/v1/jobs?domain_id=d",
        "/inventory//v1/jobs//?domain_id=d",
        "/check/",
        "//jobdeck/about",
        "//",
    ] {
        let answer = app.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    let body = json!({"domain_id": "d", "query": {"count_only": true}});
    for path in ["/inventory/v1/jobs/search/", "//inventory/v1/jobs/search"] {
        assert_eq!(app.post(path, &body).json()["total_count"], 2, "{path}");
    }
    let entries = app.get("/jobdeck/journal/?route=search&path=/inventory/v1/jobs/search/");
    assert_eq!(entries.json()["total_count"], 2);
    assert_eq!(entries.json()["results"][0]["path"], SEARCH);
    let patched = app.json(
        "PATCH",
        "/jobdeck/jobs/a%2Fb/?domain_id=d",
        &json!({"status": "ERROR"}),
    );
    assert_eq!(patched.json()["job_id"], "a/b", "{}", patched.text);
    assert!(app.get("/metrics").text.contains(r#"route="/check""#));
}

/// A script whose variable is empty means one job, and not all of the domain.
#[test]
fn an_empty_part_of_a_path_is_not_the_path_without_it() {
    let app = App::mock(job("j", "d", ""));
    for (method, path, route) in [
        (
            "DELETE",
            "/jobdeck/jobs/?domain_id=d",
            "/jobdeck/jobs/{job_id}",
        ),
        (
            "DELETE",
            "//jobdeck/jobs/?domain_id=d",
            "/jobdeck/jobs/{job_id}",
        ),
        ("DELETE", "/jobdeck/faults/", "/jobdeck/faults/{id}"),
        (
            "POST",
            "/jobdeck/snapshots//restore",
            "/jobdeck/snapshots/{name}/restore",
        ),
    ] {
        let answer = app.bare(method, path);
        check_error(&answer, "404 ERROR_NOT_FOUND: there is no ");
        let said = format!("; {{}} of {route} is empty; ").replace(
            "{}",
            &route[route.find('{').unwrap()..=route.find('}').unwrap()],
        );
        assert!(answer.text.contains(&said), "{}", answer.text);
    }
    assert_eq!(
        app.get("/inventory/v1/jobs?domain_id=d").json()["total_count"],
        1
    );
}

#[test]
fn a_request_without_a_route_is_answered_with_what_was_meant() {
    let app = writable(job("j", "d", ""));
    for (method, path, expected) in [
        (
            "GET",
            "/v1/jobs?domain_id=d",
            "404 ERROR_NOT_FOUND: there is no /v1/jobs here; did you mean `/inventory/v1/jobs`? ",
        ),
        (
            "GET",
            "/inventory/jobs",
            "404 ERROR_NOT_FOUND: there is no /inventory/jobs here; did you mean `/inventory/v1/jobs`? ",
        ),
        (
            "POST",
            "/inventory/v1/jobs/serch",
            "404 ERROR_NOT_FOUND: there is no /inventory/v1/jobs/serch here; did you mean `/inventory/v1/jobs/search`? ",
        ),
        (
            "GET",
            "/nowhere",
            "404 ERROR_NOT_FOUND: there is no /nowhere here; GET /openapi.json lists every route",
        ),
        (
            "GET",
            SEARCH,
            "405 ERROR_METHOD_NOT_ALLOWED: GET is not allowed here; allowed are POST; GET /inventory/v1/jobs takes the query in \
             the query string",
        ),
        (
            "POST",
            "/inventory/v1/jobs",
            "405 ERROR_METHOD_NOT_ALLOWED: POST is not allowed here; allowed are GET, HEAD; POST /inventory/v1/jobs/search takes \
             the query as a body, and POST /jobdeck/jobs adds jobs",
        ),
        (
            "GET",
            "/jobdeck/jobs/j",
            "405 ERROR_METHOD_NOT_ALLOWED: GET is not allowed here; allowed are PUT, PATCH, DELETE; GET \
             /inventory/v1/jobs?domain_id=DOMAIN lists jobs",
        ),
        (
            "POST",
            "/healthz",
            "405 ERROR_METHOD_NOT_ALLOWED: POST is not allowed here; allowed are GET, HEAD",
        ),
    ] {
        check_error(&app.bare(method, path), expected);
    }
}

#[test]
fn lists_and_booleans_in_the_query_string_are_read_as_clients_write_them() {
    let jobs = job("a", "d", "\"status\":\"ERROR\",\"total_tasks\":3")
        + &job("b", "d", "\"status\":\"TIMEOUT\"")
        + &job("c", "d", "");
    let app = App::with_jobs(jobs);
    for (query, expected) in [
        (
            "query.count_only=True",
            json!({"results": [], "total_count": 3}),
        ),
        (
            "query.only[]=job_id&query.only[]=status&query%5Bpage%5D%5Blimit%5D=1&query%5Bsort%5D%5Bkey%5D=job_id",
            json!({"results": [{"job_id": "a", "status": "ERROR"}], "total_count": 3}),
        ),
        (
            "query[filter][0][k]=status&query[filter][0][v][0]=ERROR&query[filter][0][v][1]=TIMEOUT&query[filter][0][o]=in&query[filter][1][k]=total_tasks&query[filter][1][v]=3&query[filter][1][o]=eq&query[only][]=job_id",
            json!({"results": [{"job_id": "a"}], "total_count": 1}),
        ),
    ] {
        let query = query.replace('[', "%5B").replace(']', "%5D");
        let answer = app.get(&format!("/inventory/v1/jobs?domain_id=d&{query}"));
        assert_eq!(answer.json(), expected, "{query}");
    }
    let query = "query%5Bfilter%5D%5B0%5D%5Bk%5D=stauts&query%5Bfilter%5D%5B0%5D%5Bv%5D=x&query%5Bfilter%5D%5B0%5D%5Bo%5D=eq";
    for path in [
        "/inventory/v1/jobs?domain_id=d",
        "/jobdeck/export?format=csv&domain_id=d",
    ] {
        check_error(
            &app.get(&format!("{path}&{query}")),
            "400 ERROR_DB_QUERY: query[filter][0][k]: unknown field `stauts`; did you mean `status`?",
        );
    }
}
