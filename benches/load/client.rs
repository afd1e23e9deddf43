//! A client that costs less than any server it measures: one thread, requests rendered beforehand, and only the status and
//! the length of an answer are read.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// Requests as they go over the wire.
pub(crate) type Requests = Arc<[Vec<u8>]>;

/// The largest answer, with its head; jobdeck streams larger ones, which no workload has.
const MAX_BYTES: usize = 256 << 10;

pub(crate) struct Client(Runtime);

impl Client {
    pub(crate) fn new() -> Self {
        Self(Builder::new_current_thread().enable_all().build().unwrap())
    }

    /// Opens a connection for one request after another.
    pub(crate) fn connect(&self, address: SocketAddr) -> Requester<'_> {
        let connection = self.0.block_on(Connection::open(address));
        Requester {
            client: self,
            connection,
        }
    }

    /// Sends requests on several connections at a time until the time is up; returns how many answers came, each with status
    /// 200.
    ///
    /// A connection sends its next request when it has the answer to the last. The first connection begins with the given
    /// request, the others are spread from there. Answers to requests that were sent in time are waited for.
    pub(crate) fn load(
        &self,
        address: SocketAddr,
        (requests, first): (&Requests, usize),
        connections: u16,
        time: Duration,
    ) -> u32 {
        let until = Instant::now() + time;
        self.0.block_on(async {
            let mut clients = JoinSet::new();
            for number in 0..usize::from(connections) {
                let first = first + number * requests.len() / usize::from(connections);
                clients.spawn(send_all(address, Arc::clone(requests), first, until));
            }
            clients.join_all().await.iter().sum()
        })
    }
}

async fn send_all(address: SocketAddr, requests: Requests, first: usize, until: Instant) -> u32 {
    let mut connection = Connection::open(address).await;
    let mut answers = 0;
    for request in requests.iter().cycle().skip(first) {
        connection.send(request).await;
        answers += 1;
        if Instant::now() >= until {
            break;
        }
    }
    answers
}

pub(crate) struct Requester<'c> {
    client: &'c Client,
    connection: Connection,
}

impl Requester<'_> {
    /// Sends a request and returns the body of the answer, whose status is 200.
    pub(crate) fn send(&mut self, request: &[u8]) -> &[u8] {
        self.client.0.block_on(self.connection.send(request))
    }
}

/// A persistent HTTP/1.1 connection.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let buffer = vec![0; MAX_BYTES];
        Self { stream, buffer }
    }

    async fn send(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).await.unwrap();
        let mut filled = 0;
        let mut answer = None;
        loop {
            match answer {
                Some((head, end)) if filled == end => return &self.buffer[head..end],
                _ => assert!(filled < MAX_BYTES, "an answer of more than {MAX_BYTES} B"),
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            filled += read;
            answer = answer.or_else(|| extent(&self.buffer[..filled]));
        }
    }
}

/// Returns where the body of an answer begins and ends, once its head has been received.
fn extent(received: &[u8]) -> Option<(usize, usize)> {
    const NAME: &str = "content-length: ";
    let head = received
        .windows(4)
        .position(|window| window == b"\r\n\r\n")?
        + 4;
    let text = std::str::from_utf8(&received[..head]).unwrap();
    assert!(
        text.starts_with("HTTP/1.1 200 "),
        "not 200: {}",
        String::from_utf8_lossy(received)
    );
    let length = text.lines().find_map(|line| {
        let name = line.get(..NAME.len())?;
        name.eq_ignore_ascii_case(NAME)
            .then(|| line[NAME.len()..].parse::<usize>().unwrap())
    });
    Some((head, head + length.unwrap()))
}
