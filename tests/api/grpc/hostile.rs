//! Frames that no client of good will sends: each is answered or its stream ends, and the server goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use prost_reflect::prost::bytes::{BufMut, Bytes, BytesMut};
use serde_json::json;
use tonic::Code;

use super::client::{Client, JOB, connect, text, unary};
use crate::app::{App, Setup, job};

const LIST: &str = "/spaceone.api.inventory.v1.Job/list";
const METHODS: [&str; 5] = ["list", "stat", "get", "analyze", "delete"];

fn app() -> App {
    App::serve(Setup {
        jobs: job("j", "d", ""),
        is_writable: true,
        has_grpc: true,
        ..Setup::default()
    })
}

/// The server still answers a new client.
#[track_caller]
fn check_alive(app: &App) {
    let count = json!({"domain_id": "d", "query": {"count_only": true}});
    let answer = Client::connect(app).call("list", &count);
    assert_eq!(answer.unwrap(), json!({"total_count": 1}));
}

/// A message that has another one as its only field; the tag is that of the field.
fn within(tag: u8, message: &[u8]) -> Vec<u8> {
    let mut outer = vec![tag];
    let mut length = message.len();
    while length > 127 {
        outer.push(u8::try_from(length & 127).unwrap() | 128);
        length >>= 7;
    }
    outer.push(u8::try_from(length).unwrap());
    outer.extend_from_slice(message);
    outer
}

/// A message within others, each as field 1 of the next.
fn nested(levels: usize) -> Bytes {
    let start = Vec::new();
    let message = (0..levels).fold(start, |message, _| within(1 << 3 | 2, &message));
    message.into()
}

#[test]
fn messages_that_can_not_be_decoded_are_refused_with_a_code() {
    let app = app();
    let client = Client::connect(&app);
    let broken: [&[u8]; 6] = [
        // A field without its value, one longer than the message, an unknown wire type, and a text that is not UTF-8.
        &[8],
        &[10, 200, 1],
        &[15],
        &[50, 1, 0xff],
        &[10, 3, 10, 1, 0xff],
        &[0xff; 64],
    ];
    for method in METHODS {
        let path = format!("/{JOB}/{method}");
        for message in broken {
            let answer = unary(
                client.channel.clone(),
                &path,
                Bytes::copy_from_slice(message),
                &[],
            );
            match client.runtime.block_on(answer) {
                Err(refused) => {
                    assert_eq!(
                        refused.code(),
                        Code::InvalidArgument,
                        "{method} {message:?}: {refused}"
                    );
                    assert!(
                        refused.message().starts_with("ERROR_"),
                        "{method} {message:?}: {refused}"
                    );
                }
                Ok(answer) => panic!("{method} {message:?}: {answer:?}"),
            }
        }
    }
    check_alive(&app);
}

#[test]
fn messages_that_are_too_deep_or_too_long_are_refused_with_a_code() {
    let app = app();
    let client = Client::connect(&app);
    let send = |path: &str, message| {
        let answer = unary(client.channel.clone(), path, message, &[]);
        client.runtime.block_on(answer).unwrap_err()
    };
    // `query.filter[0].v`, an array in an array and so on.
    let arrays = (0..60).fold(Vec::new(), |value, _| {
        within(6 << 3 | 2, &within(1 << 3 | 2, &value))
    });
    let condition = within(4 << 3 | 2, &arrays);
    let deep = within(1 << 3 | 2, &within(1 << 3 | 2, &condition));
    let refused = send(LIST, deep.into());
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    assert!(text(&refused).contains("recursion"), "{refused}");
    for method in METHODS {
        let refused = send(&format!("/{JOB}/{method}"), nested(10_000));
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    let refused = send(LIST, vec![0; 2 << 20].into());
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    assert!(
        refused.message().starts_with("ERROR_REQUEST_TOO_LARGE: "),
        "{refused}"
    );
    for number in [f64::NAN, f64::INFINITY] {
        // domain_id, then query { filter { k, v { number_value }, o } }.
        let mut condition = BytesMut::from(&b"\x12\x08job_name\x22\x09\x11"[..]);
        condition.put_f64_le(number);
        condition.extend_from_slice(b"\x32\x02eq");
        let length = |bytes: &BytesMut| u8::try_from(bytes.len()).unwrap();
        let mut query = BytesMut::from(&[10, length(&condition)][..]);
        query.extend_from_slice(&condition);
        let mut message = BytesMut::from(&b"\x32\x01d\x0a"[..]);
        message.put_u8(length(&query));
        message.extend_from_slice(&query);
        let refused = send(LIST, message.freeze());
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        assert!(
            text(&refused).contains("query.filter[0]")
                && text(&refused).contains("is no number of JSON"),
            "{refused}"
        );
    }
    check_alive(&app);
}

#[test]
fn thousands_of_streams_of_one_connection_are_all_answered() {
    let app = app();
    let client = Client::connect(&app);
    let count = json!({"domain_id": "d", "query": {"count_only": true}});
    let message = client.request("list", &count).unwrap();
    let calls: Vec<_> = (0..3_000)
        .map(|_| {
            let (channel, message) = (client.channel.clone(), message.clone());
            client
                .runtime
                .spawn(async move { unary(channel, LIST, message, &[]).await })
        })
        .collect();
    for call in calls {
        let answer = client.runtime.block_on(call).unwrap().unwrap();
        assert_eq!(answer.into_inner().as_ref(), [16, 1]);
    }
}

#[test]
fn calls_that_are_reset_in_the_middle_leave_nothing_behind() {
    let app = app();
    let client = Client::connect(&app);
    let body = json!({"domain_id": "d"});
    let message = client.request("list", &body).unwrap();
    for _ in 0..500 {
        let (channel, message) = (client.channel.clone(), message.clone());
        let call = client
            .runtime
            .spawn(async move { unary(channel, LIST, message, &[]).await });
        client.runtime.block_on(tokio::task::yield_now());
        call.abort();
    }
    check_alive(&app);
    crate::metrics::Metrics::wait_for(&app, "jobdeck_readers_busy", 0.0);
}

#[test]
fn bytes_that_are_no_http_2_end_their_connection_alone() {
    let app = app();
    let client = Client::connect(&app);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let frames: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x00\x00\x04\x01\x05\x00\x00\x00\x01\xff\xff\xff\xff",
        &[0xff; 4096],
    ];
    for (index, frame) in frames.into_iter().enumerate() {
        let mut stream = TcpStream::connect(app.grpc.unwrap()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        // The server may close the connection before all is written.
        if index >= 2 {
            let _ = stream.write_all(preface);
        }
        let _ = stream.write_all(frame);
        let mut answer = Vec::new();
        if let Err(error) = stream.read_to_end(&mut answer) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{index}");
        }
    }
    check_alive(&app);
    let second = client.runtime.block_on(connect(&app));
    drop(second);
}

#[test]
fn a_client_that_reads_slowly_gets_all_of_a_long_answer_and_holds_up_nobody() {
    const COUNT: usize = 3_000;
    let filler = format!("\"filter\":{{\"x\":\"{}\"}}", "x".repeat(1_000));
    let jobs = (0..COUNT).map(|index| job(&format!("job-{index}"), "d", &filler));
    let app = App::serve(Setup {
        jobs: jobs.collect(),
        has_grpc: true,
        ..Setup::default()
    });
    let client = Client::connect(&app);
    let message = client.request("list", &json!({"domain_id": "d"})).unwrap();
    // More long answers than there may be at a time, of which none is read while the short ones are.
    let long: Vec<_> = (0..6)
        .map(|_| {
            let (channel, message) = (client.channel.clone(), message.clone());
            client
                .runtime
                .spawn(async move { unary(channel, LIST, message, &[]).await })
        })
        .collect();
    let count = json!({"domain_id": "d", "query": {"count_only": true}});
    for _ in 0..50 {
        assert_eq!(
            client.call("list", &count).unwrap(),
            json!({"total_count": COUNT})
        );
    }
    for call in long {
        let answer = client.runtime.block_on(call).unwrap().unwrap().into_inner();
        assert!(answer.len() > COUNT * 1_000, "{}", answer.len());
    }
}
