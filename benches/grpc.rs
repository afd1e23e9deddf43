//! Measures questions over gRPC, against the same questions over REST and a floor of tonic, in the same run.
//!
//! ```text
//! cargo bench --bench grpc                 100,000 jobs (a minute)
//! cargo bench --bench grpc -- 10000 500    so many jobs, and so many requests a turn
//! ```
//!
//! Each line shows the CPU time of the server's process per request, as Linux accounts it. The floor is a tonic server in a
//! process of its own, which answers each request with a fixed message of the length that jobdeck's answer has. All take turns,
//! so a busy machine slows all.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a harness that ends at the first surprise"
)]

#[path = "../src/grpc/codec.rs"]
mod codec;
#[path = "common/mod.rs"]
#[allow(dead_code, reason = "other benches use the rest")]
mod common;
#[path = "common/cpu.rs"]
mod cpu;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll};
use std::time::Duration;

use prost::bytes::Bytes;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{Service, http};
use tonic::transport::{Channel, Endpoint, Server as Transport};
use tonic::{Request, Response, Status};

use codec::BytesCodec;
use common::{BINARY, NOW, Server, median};
use cpu::cpu_time;

/// How many turns each server has.
const TURNS: usize = 5;
/// How many requests are on their way at a time, each on REST's side with a connection of its own.
const CONCURRENT: usize = 4;
/// How many pages there are of jobs that hardly another page has: more than a server caches.
const OTHER_PAGES: usize = 200;
/// How many hours lie between two of these pages: of 100,000 jobs, enough for about a hundred.
const HOURS: usize = 12;
/// What makes this program the floor, with the length of its answers.
const FLOOR: &str = "floor";

/// A question as REST takes it and as gRPC does.
struct Question {
    name: &'static str,
    path: &'static str,
    method: &'static str,
    /// The forms of the question, which take turns: the body of each and its message.
    forms: Vec<(Value, Vec<u8>)>,
}

fn main() {
    // Cargo passes `--bench` to every bench.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|one| one != "--bench")
        .collect();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    if let [mode, length] = arguments.as_slice()
        && mode == FLOOR
    {
        return runtime.block_on(serve_floor(length.parse().unwrap()));
    }
    let number = |index: usize, default: usize| {
        let given = arguments.get(index);
        given.map_or(default, |text| text.parse().unwrap())
    };
    let (jobs, requests) = (number(0, 100_000), number(1, 2_000));

    let folder = tempfile::tempdir().unwrap();
    let [lines, database, ready] =
        ["jobs.ndjson", "jobs.db", "ready"].map(|name| folder.path().join(name));
    common::generate(jobs as u64, &lines);
    let imported = Command::new(BINARY)
        .arg("import")
        .arg(&lines)
        .arg("--db")
        .arg(&database)
        .output();
    assert!(imported.unwrap().status.success());
    let server = Server::start(
        Command::new(BINARY)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--grpc-listen",
                "127.0.0.1:0",
                "--now",
                NOW,
            ])
            .arg("--db")
            .arg(&database)
            .arg("--ready-file")
            .arg(&ready)
            .env("RUST_LOG", "off"),
    );
    let ready: Value = serde_json::from_slice(&std::fs::read(ready).unwrap()).unwrap();
    let channel = connect(&runtime, ready["grpc"].as_str().unwrap());
    let domain = largest_domain(server.address);
    println!(
        "{jobs} jobs; µs of CPU a request, the median of {TURNS} turns of {requests} requests\n"
    );
    println!("| question | answer, bytes | floor | REST | gRPC | gRPC / floor | gRPC / REST |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for question in questions(&domain) {
        let (bodies, messages): (Vec<Value>, Vec<Vec<u8>>) = question.forms.into_iter().unzip();
        let answer = call(&runtime, &channel, question.method, &messages[0]);
        let mut floor_command = Command::new(std::env::current_exe().unwrap());
        let floor = Server::start(floor_command.args([FLOOR, &answer.len().to_string()]));
        let floor_channel = connect(&runtime, &floor.address.to_string());
        let mut turns = [const { Vec::new() }; 3];
        for _ in 0..TURNS {
            let grpc = |channel: &Channel| {
                call_all(&runtime, channel, question.method, &messages, requests);
            };
            turns[0].push(measure(floor.process(), || grpc(&floor_channel)));
            turns[1].push(measure(server.process(), || {
                post_all(server.address, question.path, &bodies, requests);
            }));
            turns[2].push(measure(server.process(), || grpc(&channel)));
        }
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let [floor, rest, grpc] =
            turns.map(|all| median(all).as_secs_f64() * 1e6 / requests as f64);
        println!(
            "| {} | {} | {floor:.0} | {rest:.0} | {grpc:.0} | {:.2} | {:.2} |",
            question.name,
            answer.len(),
            grpc / floor,
            grpc / rest
        );
    }
}

/// The CPU time that a process takes for an act.
fn measure(process: u32, act: impl FnOnce()) -> Duration {
    let before = cpu_time(process);
    act();
    cpu_time(process).saturating_sub(before)
}

fn questions(domain: &str) -> [Question; 4] {
    let by_status = json!([{"group": {"keys": [{"key": "status", "name": "status"}], "fields": [{"name": "n", "operator": "count"}]}}]);
    let by_day = json!([{"group": {"keys": [{"key": "created_at", "name": "day", "date_format": "day"}], "fields": [{"name": "n", "operator": "count"}]}}]);
    let stat = |name, aggregate: Value, message| Question {
        name,
        path: "/inventory/v1/jobs/stat",
        method: "/spaceone.api.inventory.v1.Job/stat",
        forms: vec![(
            json!({"domain_id": domain, "query": {"aggregate": aggregate}}),
            message,
        )],
    };
    // JobStatQuery { query { aggregate { group { keys, fields } } }, domain_id }
    let group = |keys: &[(u32, &str)]| {
        let keys = keys
            .iter()
            .flat_map(|(tag, text)| field(*tag, text.as_bytes()));
        let keys = field(1, &keys.collect::<Vec<_>>());
        let count = [field(3, b"n"), field(5, b"count")].concat();
        let group = [keys, field(2, &count)].concat();
        let query = field(1, &field(3, &field(2, &group)));
        [query, field(2, domain.as_bytes())].concat()
    };
    let list = |name, forms| Question {
        name,
        path: "/inventory/v1/jobs/search",
        method: "/spaceone.api.inventory.v1.Job/list",
        forms,
    };
    // JobsQuery { query { page { limit } }, domain_id }
    let page = field(4, &[2 << 3, 30]);
    let polled = (
        json!({"domain_id": domain, "query": {"page": {"limit": 30}}}),
        [field(1, &page), field(6, domain.as_bytes())].concat(),
    );
    // JobsQuery { query { filter { k, v, o }, page { limit } }, domain_id }
    let before = |hours: usize| {
        let (key, time, operator) = ("created_at", format!("now-{hours}h"), "timediff_lt");
        let filter = [
            field(2, key.as_bytes()),
            field(4, &field(3, time.as_bytes())),
            field(6, operator.as_bytes()),
        ];
        let query = [field(1, &filter.concat()), page.clone()];
        let filter = json!([{"k": key, "v": time, "o": operator}]);
        (
            json!({"domain_id": domain, "query": {"filter": filter, "page": {"limit": 30}}}),
            [field(1, &query.concat()), field(6, domain.as_bytes())].concat(),
        )
    };
    [
        list("first page of 30, polled", vec![polled]),
        list(
            "pages of 30, each another",
            (0..OTHER_PAGES).map(|page| before(page * HOURS)).collect(),
        ),
        stat(
            "jobs by status",
            by_status,
            group(&[(1, "status"), (3, "status")]),
        ),
        stat(
            "jobs by day",
            by_day,
            group(&[(1, "created_at"), (3, "day"), (5, "day")]),
        ),
    ]
}

/// A field of a message whose value is bytes.
fn field(number: u32, value: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    prost::encoding::encode_varint((number << 3 | 2).into(), &mut field);
    prost::encoding::encode_varint(value.len() as u64, &mut field);
    field.extend_from_slice(value);
    field
}

fn largest_domain(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /jobdeck/domains HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let body = read_answer(&mut BufReader::new(stream));
    let answer: Value = serde_json::from_slice(&body).unwrap();
    let domains = answer["results"].as_array().unwrap().iter();
    let largest = domains.max_by_key(|one| one["jobs"].as_u64()).unwrap();
    largest["domain_id"].as_str().unwrap().to_owned()
}

/// The number of the form that a client sends with its n-th request: the clients begin at places of their own.
fn form(client: usize, request: usize, forms: usize) -> usize {
    (client * forms / CONCURRENT + request) % forms
}

/// Sends so many requests by REST.
fn post_all(address: SocketAddr, path: &str, bodies: &[Value], requests: usize) {
    let made = bodies.iter().map(|body| {
        let body = body.to_string();
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    });
    let made: &[String] = &made.collect::<Vec<_>>();
    std::thread::scope(|scope| {
        for client in 0..CONCURRENT {
            scope.spawn(move || {
                let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
                for number in 0..requests / CONCURRENT {
                    let request = &made[form(client, number, made.len())];
                    stream.get_mut().write_all(request.as_bytes()).unwrap();
                    assert!(!read_answer(&mut stream).is_empty());
                }
            });
        }
    });
}

/// Reads an answer with status 200 and a length; returns its body.
fn read_answer(stream: &mut BufReader<TcpStream>) -> Vec<u8> {
    let (mut length, mut line) = (0, String::new());
    stream.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).unwrap();
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    body
}

fn connect(runtime: &Runtime, address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    runtime.block_on(endpoint.connect()).unwrap()
}

fn call(runtime: &Runtime, channel: &Channel, method: &'static str, message: &[u8]) -> Bytes {
    let message = Bytes::copy_from_slice(message);
    runtime
        .block_on(unary(channel.clone(), method, message))
        .unwrap()
        .into_inner()
}

/// Sends so many requests by gRPC.
fn call_all(
    runtime: &Runtime,
    channel: &Channel,
    method: &'static str,
    messages: &[Vec<u8>],
    requests: usize,
) {
    let messages: Vec<_> = messages.iter().cloned().map(Bytes::from).collect();
    runtime.block_on(async {
        let calls = (0..CONCURRENT).map(|client| {
            let (channel, messages) = (channel.clone(), messages.clone());
            tokio::spawn(async move {
                for number in 0..requests / CONCURRENT {
                    let message = messages[form(client, number, messages.len())].clone();
                    let answer = unary(channel.clone(), method, message).await;
                    assert!(!answer.unwrap().into_inner().is_empty());
                }
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
    });
}

async fn unary(
    channel: Channel,
    method: &'static str,
    message: Bytes,
) -> Result<Response<Bytes>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    client
        .unary(
            Request::new(message),
            PathAndQuery::from_static(method),
            BytesCodec,
        )
        .await
}

/// Answers every call with a message of a length.
async fn serve_floor(length: usize) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!(
        "floor listening on http://{}",
        listener.local_addr().unwrap()
    );
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    let floor = Floor(vec![0; length].into());
    Transport::builder()
        .serve_with_incoming(floor, incoming)
        .await
        .unwrap();
}

#[derive(Clone)]
struct Floor(Bytes);

impl Service<http::Request<tonic::body::Body>> for Floor {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let floor = self.clone();
        Box::pin(async {
            Ok(tonic::server::Grpc::new(BytesCodec)
                .unary(floor, request)
                .await)
        })
    }
}

impl Service<Request<Bytes>> for Floor {
    type Response = Response<Bytes>;
    type Error = Status;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        ready(Ok(Response::new(self.0.clone())))
    }
}
