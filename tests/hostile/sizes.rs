//! Large, deep and expensive requests.

use std::io::Write;

use serde_json::{Value, json};

use crate::server::{Server, post, request};

const MIB: usize = 1 << 20;
const SEARCH: &str = "/inventory/v1/jobs/search";
const STAT: &str = "/inventory/v1/jobs/stat";

#[test]
fn a_body_of_64_mb_is_refused_before_it_is_read() {
    let server = Server::start();
    for target in [
        SEARCH,
        STAT,
        "/jobdeck/jobs/job-1?domain_id=d",
        "/jobdeck/faults",
        "/jobdeck/clock/advance",
    ] {
        let method = if target.contains("job-1") {
            "PUT"
        } else {
            "POST"
        };
        let headers = "content-type: application/json\r\n";
        // With a Content-Length, and the beginning of the body. (A mock reads up to 64 MiB of any job.)
        let mut connection = server.connect();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {}\r\n\r\n",
            65 * MIB
        );
        connection.send(head.as_bytes());
        connection.send(&vec![b' '; 64 << 10]);
        let answer = connection.answer(false).unwrap();
        answer.check(|| target.to_owned());
        assert_eq!(answer.status, 413, "{target}: {answer:?}");
        // In chunks, for as long as the server takes them.
        let mut connection = server.connect();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\n{headers}transfer-encoding: chunked\r\n\r\n"
        );
        connection.send(head.as_bytes());
        let chunk = [
            format!("{MIB:x}\r\n").into_bytes(),
            vec![b' '; MIB],
            b"\r\n".to_vec(),
        ]
        .concat();
        // The server may close the connection before the end.
        let sent = (0..70).take_while(|_| connection.send(&chunk)).count();
        let answer = connection.answer(false);
        assert!(answer.is_some() || sent < 70, "{target}: no answer");
        assert!(answer.is_none_or(|answer| answer.status == 413), "{target}");
        server.check_is_well();
    }
}

#[test]
fn a_write_of_64_mb_stays_within_the_memory_limit() {
    let server = Server::start();
    let mut client = server.client();
    let job = format!(
        r#"{{"job_id":"job-1","domain_id":"d","filter":{{"x":"{}"}}}}"#,
        "x".repeat(6 * MIB)
    );
    let bodies = [
        // Not one job, one that is too long, many small ones, and no end.
        vec![b' '; 64 * MIB - 1],
        vec![b'['; 64 * MIB - 1],
        format!("[{}", job.repeat(3)).into_bytes(),
        b"{}\n".repeat(21 * MIB),
        format!("{{\"job_id\":\"{}", "\\u0000".repeat(10 * MIB)).into_bytes(),
    ];
    for body in bodies {
        let answer = client.ask(&post("/jobdeck/jobs?domain_id=d", &body));
        let start = String::from_utf8_lossy(&body[..20]).into_owned();
        answer.check(|| start.clone());
        assert!([200, 400].contains(&answer.status), "{start}: {answer:?}");
        server.check_is_well();
    }
}

/// A gzip file of nothing but zeros, a thousandth of what it holds.
fn gzip_bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; MIB];
    for _ in 0..200 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn a_compressed_body_is_read_up_to_the_limit() {
    let server = Server::start();
    let mut client = server.client();
    let bomb = gzip_bomb();
    assert!(bomb.len() < MIB);
    for (encoding, status) in [
        ("gzip", 413),
        ("GZIP", 413),
        ("x-gzip", 413),
        ("identity, gzip", 413),
        ("gzip, gzip", 413),
        // It is none of these.
        ("deflate", 400),
        ("zstd", 400),
        ("br", 415),
        ("\u{1f980}", 415),
        ("gzip, gzip, gzip, gzip, gzip", 415),
    ] {
        for target in [SEARCH, STAT, "/jobdeck/jobs?domain_id=d"] {
            let headers =
                format!("content-type: application/json\r\ncontent-encoding: {encoding}\r\n");
            let answer = client.ask(&request("POST", target, &headers, &bomb));
            answer.check(|| encoding.to_owned());
            assert_eq!(answer.status, status, "{encoding}: {answer:?}");
        }
    }
    // Said to be of no encoding, it is no JSON.
    assert_eq!(client.ask(&post(SEARCH, &bomb)).status, 400);
    server.check_is_well();
}

/// Queries that ask for very much, each with whether it is within the limits.
fn heavy() -> Vec<(&'static str, Value, bool)> {
    let condition = |k: &str, o: &str, v: Value| json!({"k": k, "o": o, "v": v});
    let filter = |conditions: Vec<Value>| json!({"filter": conditions, "page": {"limit": 1}});
    let ids = |count: usize| {
        (0..count)
            .map(|id| json!(format!("{id}")))
            .collect::<Vec<_>>()
    };
    let nested = (0..60).fold(
        json!("total_tasks"),
        |inner, _| json!({"operator": "add", "fields": [inner, 1]}),
    );
    vec![
        (
            "in 100,000",
            filter(vec![condition("job_id", "in", ids(100_000).into())]),
            false,
        ),
        (
            "in 100,000 of a path",
            filter(vec![condition("filter.a", "not_in", ids(100_000).into())]),
            false,
        ),
        (
            "in 10,000",
            filter(vec![condition("job_id", "in", ids(10_000).into())]),
            true,
        ),
        (
            "not in 10,000",
            filter(vec![condition("filter.a", "not_in", ids(10_000).into())]),
            true,
        ),
        (
            "contain 10,000",
            filter(vec![condition("job_id", "contain_in", ids(10_000).into())]),
            false,
        ),
        ("words", json!({"keyword": "ab ".repeat(100_000)}), false),
        (
            "500 conditions",
            filter(vec![condition("total_tasks", "gte", json!(1)); 500]),
            true,
        ),
        (
            "5,000 conditions",
            filter(vec![condition("total_tasks", "gte", json!(1)); 5_000]),
            false,
        ),
        (
            "500 paths",
            filter(vec![condition("filter.a", "exists", json!(true)); 500]),
            true,
        ),
        (
            "1,000 sort keys",
            json!({"sort": {"keys": vec![json!({"key": "filter.a"}); 1_000]}}),
            false,
        ),
        (
            "1,000 paths",
            json!({"only": vec!["filter.a"; 1_000]}),
            false,
        ),
        (
            "a page beyond all",
            json!({"page": {"start": u32::MAX, "limit": u32::MAX}}),
            true,
        ),
        (
            "a long path",
            filter(vec![condition(&"filter.".repeat(50_000), "eq", json!(1))]),
            false,
        ),
        (
            "1,000 stages",
            json!({"aggregate": vec![json!({"limit": 1}); 1_000]}),
            false,
        ),
        (
            "50 unwinds",
            json!({"aggregate": vec![json!({"unwind": {"path": "filter.a"}}); 50]}),
            true,
        ),
        (
            "a deep calculation",
            json!({"aggregate": [{"project": {"fields": [{"name": "x", "operator": "add", "fields": [nested]}]}}]}),
            false,
        ),
        (
            "1,000 fields",
            json!({"aggregate": [{"group": {"keys": [], "fields": (0..1_000).map(|n| json!({"name": format!("f{n}"), "operator": "count"})).collect::<Value>()}}]}),
            false,
        ),
    ]
}

#[test]
fn the_cost_of_very_large_queries_is_bounded() {
    let server = Server::start();
    let mut client = server.client();
    for (about, query, is_allowed) in heavy() {
        let target = if query.get("aggregate").is_some() {
            STAT
        } else {
            SEARCH
        };
        let body = json!({"domain_id": "d", "query": query}).to_string();
        let answer = client.ask(&post(target, body.as_bytes()));
        answer.check(|| about.to_owned());
        assert_eq!(
            answer.status,
            if is_allowed { 200 } else { 400 },
            "{about}: {answer:?}"
        );
        server.check_is_well();
    }
}

#[test]
fn no_pattern_runs_past_the_deadline() {
    let server = Server::with(&["--query-timeout", "3"]);
    let mut client = server.client();
    let patterns = [
        "(a+)+$",
        "^(a|a)*$",
        "(a|aa)+$",
        "(.*a){25}",
        "^(a|a)*\\1$",
        "(?=(a+)+b)c",
        "(a*)*\\1",
        "(?<!(a+)+)b",
        "((a+)+)+(?!b)",
        "\\w{500}{500}",
        "(\\w{100}){1000}",
        "(?:a?){500}a{500}",
        "[\u{0}-\u{10ffff}]{300}",
        "\\p{L}{200}\\p{L}{200}",
        "(",
        "[",
        "a{99999999999}",
        "(?P<a>x)(?P<a>y)",
        "\\",
        "(?i",
        "*",
        "(?R)",
        "\\k<x>",
        "(?>a+)+$",
        "\0",
        "(?#",
    ];
    let nested = [
        "(".repeat(450) + &")".repeat(450),
        "(?=".repeat(300) + &")".repeat(300),
        "a|".repeat(499),
    ];
    let patterns: Vec<String> = patterns
        .iter()
        .map(|&text| text.to_owned())
        .chain(nested)
        .collect();
    for path in ["errors.message", "job_id", "collector_info.name"] {
        for pattern in &patterns {
            let query =
                json!({"filter": [{"k": path, "v": pattern, "o": "regex"}], "count_only": true});
            let answer = client.ask(&post(
                SEARCH,
                json!({"domain_id": "d", "query": query})
                    .to_string()
                    .as_bytes(),
            ));
            // It may take too long over many values; then it is stopped.
            if answer.status != 504 {
                answer.check(|| format!("{path} {pattern}"));
            }
        }
        // Many at once, as many as there may be and more.
        for count in [50, 500] {
            let all: Vec<_> = patterns[..9].iter().cycle().take(count).collect();
            let query =
                json!({"filter": [{"k": path, "v": all, "o": "regex_in"}], "count_only": true});
            let answer = client.ask(&post(
                SEARCH,
                json!({"domain_id": "d", "query": query})
                    .to_string()
                    .as_bytes(),
            ));
            if answer.status != 504 {
                answer.check(|| format!("{count} patterns over {path}"));
            }
        }
        server.check_is_well();
    }
}

#[test]
fn many_small_values_take_little_memory() {
    const TIMES: usize = 24;
    let ones = |bytes: usize| "1,".repeat(bytes / 2) + "1";
    let query = format!(
        r#"{{"domain_id":"d","query":{{"filter":[{{"k":"filter.a","o":"in","v":[{}]}}],"distinct":"status"}}}}"#,
        ones(MIB - 200)
    );
    let job = format!(
        r#"{{"job_id":"job-1","domain_id":"d","filter":{{"x":[{}]}}}}"#,
        ones(7 * MIB)
    );
    let jobs = format!("[{}]", job.replace(&ones(7 * MIB), &ones(30 * MIB)));
    let server = Server::start();
    std::thread::scope(|scope| {
        for number in 0..TIMES {
            let (query, server) = (&query, &server);
            scope.spawn(move || {
                let target = if number % 2 == 0 { STAT } else { SEARCH };
                assert_eq!(
                    server.client().ask(&post(target, query.as_bytes())).status,
                    400
                );
            });
        }
    });
    server.check_is_well();
    let mut client = server.client();
    let put = request(
        "PUT",
        "/jobdeck/jobs/job-1?domain_id=d",
        "content-type: application/json\r\n",
        job.as_bytes(),
    );
    for sent in [
        put,
        post("/jobdeck/jobs", job.as_bytes()),
        post("/jobdeck/jobs", jobs.as_bytes()),
    ] {
        let answer = client.ask(&sent);
        assert_eq!(answer.status, 400, "{}", answer.text());
        server.check_is_well();
    }
}
