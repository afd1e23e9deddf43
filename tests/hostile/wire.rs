//! Broken HTTP: heads, lengths, framing, pipelines and partial requests.

use crate::server::{Answer, Server, post, request};

const SEARCH: &str = "/inventory/v1/jobs/search";
const BODY: &[u8] = br#"{"domain_id":"good","query":{"count_only":true}}"#;
const COUNTED: &str = r#"{"results":[],"total_count":3}"#;

/// Sends bytes on one connection and returns every answer, until the server closes it.
fn exchange(server: &Server, sent: &[u8]) -> Vec<Answer> {
    let mut connection = server.connect();
    connection.send(sent);
    connection.end();
    let mut answers = Vec::new();
    while let Some(answer) = connection.answer(false) {
        answers.push(answer);
    }
    answers
}

#[track_caller]
fn check(server: &Server, about: &str, sent: &[u8]) -> Vec<u16> {
    let answers = exchange(server, sent);
    for answer in &answers {
        answer.check(|| about.to_owned());
    }
    answers.iter().map(|answer| answer.status).collect()
}

#[test]
fn the_size_of_a_head_is_bounded() {
    let server = Server::start();
    let long = |length: usize| format!("x-long: {}\r\n", "a".repeat(length));
    let many = |count: usize| {
        let headers: Vec<_> = (0..count).map(|n| format!("x-{n}: 1\r\n")).collect();
        headers.concat()
    };
    for (about, headers) in [
        ("1 MB in a header", long(1 << 20)),
        ("64 KB in a header", long(64 << 10)),
        ("90 headers", many(90)),
        ("200 headers", many(200)),
        ("5,000 headers", many(5_000)),
        ("100,000 headers", many(100_000)),
        ("a name of 1 MB", format!("{}: 1\r\n", "x".repeat(1 << 20))),
        (
            "a long request id",
            format!("x-request-id: {}\r\n", "r".repeat(10_000)),
        ),
        (
            "a long type",
            format!("content-type: application/json;{}\r\n", "x".repeat(20_000)),
        ),
        (
            "many tags",
            format!("if-none-match: {}\r\n", "W/\"1-0\", ".repeat(5_000)),
        ),
        (
            "a long origin",
            format!("origin: http://{}\r\n", "o".repeat(10_000)),
        ),
        (
            "odd preferences",
            format!("prefer: {}\r\n", "code=, delay=1e400,".repeat(500)),
        ),
    ] {
        for target in [
            "/healthz",
            "/inventory/v1/jobs?domain_id=good&query.count_only=true",
        ] {
            for status in check(&server, about, &request("GET", target, &headers, b"")) {
                assert!([200, 400, 403, 431].contains(&status), "{about}: {status}");
            }
        }
        server.check_is_well();
    }
}

#[test]
fn a_header_may_have_any_value() {
    let server = Server::start();
    let values: [&[u8]; 12] = [
        b"",
        b" ",
        b"\xff\xfe",
        b"\x01",
        b"a\0b",
        b"\xe2\x80\xae",
        b"a\x0bb",
        b"'; DROP TABLE jobs",
        b"${jndi:ldap://x}",
        b"\"",
        b"-1",
        b"99999999999999999999999999",
    ];
    let names = [
        "host",
        "content-type",
        "content-encoding",
        "accept",
        "accept-encoding",
        "x-request-id",
        "if-none-match",
        "origin",
        "sec-fetch-site",
        "range",
        "expect",
        "upgrade",
        "connection",
        "transfer-encoding",
        "content-length",
        "te",
        "trailer",
        "cookie",
        "authorization",
        "forwarded",
        "access-control-request-method",
    ];
    for name in names {
        for value in values {
            for (method, target) in [
                ("GET", "/inventory/v1/jobs?domain_id=d&query.page.limit=1"),
                ("POST", SEARCH),
                ("OPTIONS", SEARCH),
            ] {
                let mut sent = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
                if name != "host" {
                    sent.extend(b"host: localhost\r\n");
                }
                sent.extend(name.bytes());
                sent.extend(b": ");
                sent.extend(value);
                sent.extend(b"\r\n\r\n");
                check(&server, &format!("{method} {name}: {value:?}"), &sent);
            }
        }
        server.check_is_well();
    }
}

/// Returns ambiguous ways to frame the rest of a POST's head and its body around a second request.
fn framings(smuggled: &str) -> [(&'static str, String); 17] {
    let length = smuggled.len();
    [
        (
            "a length and chunks",
            format!(
                "content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
                length + 5
            ),
        ),
        (
            "chunks and a length",
            format!(
                "transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n{length:x}\r\n{smuggled}\r\n0\r\n\r\n"
            ),
        ),
        (
            "two lengths",
            format!("content-length: 0\r\ncontent-length: {length}\r\n\r\n{smuggled}"),
        ),
        (
            "two lengths in one",
            format!("content-length: 0, {length}\r\n\r\n{smuggled}"),
        ),
        (
            "a negative length",
            format!("content-length: -1\r\n\r\n{smuggled}"),
        ),
        (
            "a signed length",
            format!("content-length: +0\r\n\r\n{smuggled}"),
        ),
        (
            "a length in hex",
            format!("content-length: 0x0\r\n\r\n{smuggled}"),
        ),
        (
            "a huge length",
            format!("content-length: 18446744073709551616\r\n\r\n{smuggled}"),
        ),
        (
            "an unknown coding",
            format!("transfer-encoding: xchunked\r\n\r\n{smuggled}"),
        ),
        (
            "a coding that is not last",
            format!("transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{smuggled}"),
        ),
        (
            "two codings",
            format!(
                "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\ncontent-length: 0\r\n\r\n0\r\n\r\n{smuggled}"
            ),
        ),
        (
            "a space before the colon",
            format!("transfer-encoding : chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        ),
        (
            "a folded header",
            format!(
                "x: y\r\n transfer-encoding: chunked\r\ncontent-length: {length}\r\n\r\n{smuggled}"
            ),
        ),
        (
            "a bad size",
            format!("transfer-encoding: chunked\r\n\r\nzz\r\n{smuggled}\r\n0\r\n\r\n"),
        ),
        (
            "a huge size",
            format!(
                "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{smuggled}\r\n0\r\n\r\n"
            ),
        ),
        (
            "a size too small",
            format!("transfer-encoding: chunked\r\n\r\n1\r\n{smuggled}\r\n0\r\n\r\n"),
        ),
        (
            "a return within a header",
            format!("x: y\rcontent-length: 0\r\n\r\n{smuggled}"),
        ),
    ]
}

/// A proxy before this server might take these for one request, and the server for two.
#[test]
fn no_request_is_smuggled() {
    let server = Server::start();
    let smuggled =
        String::from_utf8(request("DELETE", "/jobdeck/jobs?domain_id=good", "", b"")).unwrap();
    let head = "POST /inventory/v1/jobs/search HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    for (about, rest) in framings(&smuggled) {
        let answers = exchange(&server, format!("{head}{rest}").as_bytes());
        for answer in &answers {
            answer.check(|| about.to_owned());
        }
        // Ambiguous lengths are refused; what follows a body that is framed well is a request of its own.
        assert!(
            answers.len() <= 1 || answers[0].status == 400,
            "{about}: {answers:?}"
        );
        let is_deleted = answers
            .iter()
            .any(|answer| answer.text().contains("deleted"));
        assert!(!is_deleted, "{about}: {answers:?}");
        server.check_is_well();
    }
}

#[test]
fn a_request_must_have_one_good_host() {
    let server = Server::start();
    for (about, hosts) in [
        ("none", ""),
        ("two", "host: localhost\r\nhost: evil.example\r\n"),
        (
            "two, the good one last",
            "host: evil.example\r\nhost: localhost\r\n",
        ),
        ("another", "host: evil.example\r\n"),
        ("with a user", "host: localhost@evil.example\r\n"),
        ("with a path", "host: localhost/../evil.example\r\n"),
        ("none in it", "host:\r\n"),
        ("not UTF-8", "host: \u{e9}\r\n"),
        ("a list", "host: localhost, evil.example\r\n"),
    ] {
        let sent = format!("GET /inventory/v1/jobs?domain_id=good HTTP/1.1\r\n{hosts}\r\n");
        let statuses = check(&server, about, sent.as_bytes());
        let expected: &[u16] = if about == "none" {
            &[200, 400]
        } else {
            &[400, 421]
        };
        assert!(
            statuses.iter().all(|status| expected.contains(status)),
            "{about}: {statuses:?}"
        );
        assert_eq!(statuses.len(), 1, "{about}");
    }
    server.check_is_well();
}

#[test]
fn hundreds_of_pipelined_requests_are_answered_in_order() {
    const REQUESTS: usize = 800;
    let server = Server::start();
    let good = post(SEARCH, BODY);
    let bad = post(SEARCH, b"{");
    let missing = request("GET", "/nowhere", "", b"");
    let mut sent = Vec::new();
    for number in 0..REQUESTS {
        sent.extend([&good, &bad, &missing][number % 3]);
    }
    let mut connection = server.connect();
    connection.send(&sent);
    for number in 0..REQUESTS {
        let answer = connection
            .answer(false)
            .unwrap_or_else(|| panic!("no answer {number}"));
        match number % 3 {
            0 => assert_eq!(answer.text(), COUNTED),
            1 => assert_eq!(answer.status, 400),
            _ => assert_eq!(answer.status, 404),
        }
    }
    server.check_is_well();
}

#[test]
fn partial_requests_do_not_delay_others() {
    const CONNECTIONS: usize = 200;
    let server = Server::start();
    let whole = post(SEARCH, BODY);
    let held: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let mut connection = server.connect();
            connection.send(&whole[..number * whole.len() / CONNECTIONS]);
            connection
        })
        .collect();
    server.check_is_well();
    // Half of them go away; the others send the rest.
    for (number, mut connection) in held.into_iter().enumerate() {
        if number % 2 == 0 {
            connection.end();
            assert!(
                connection
                    .answer(false)
                    .is_none_or(|answer| answer.status < 500)
            );
        } else {
            connection.send(&whole[number * whole.len() / CONNECTIONS..]);
            assert_eq!(connection.answer(false).unwrap().text(), COUNTED);
        }
    }
    server.check_is_well();
}

#[test]
fn bytes_that_are_not_http_are_refused() {
    let server = Server::start();
    let requests: [&[u8]; 22] = [
        b"\n", b"\r\n\r\n", b"\0\0\0\0", b"\xff\xff\xff\xff\r\n\r\n", b"hello\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\n\n", b"GET  /  HTTP/1.1\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nhost: localhost\r\n\r\n", b"GET /\xff HTTP/1.1\r\nhost: localhost\r\n\r\n", b" GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET / HTTP/1.1\r\n: empty\r\n\r\n", b"GET / HTTP/1.1\r\nhost\0: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: x\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ];
    for sent in requests {
        check(&server, &String::from_utf8_lossy(sent), sent);
    }
    server.check_is_well();
}
