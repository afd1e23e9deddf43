//! Connections as clients use them, by raw sockets: offers to upgrade, requests one after another, heads in parts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::app::{App, job};

/// The offer of Java's client, which it makes with every request.
const JAVA: &str = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n";
const WEBSOCKET: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A connection that is read answer by answer.
struct Client(BufReader<TcpStream>);

impl Client {
    fn new(app: &App) -> Self {
        Self(BufReader::new(TcpStream::connect(&app.address).unwrap()))
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// Reads one answer; returns its head, in lower case, and its body.
    fn answer(&mut self) -> (String, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.0.read_line(&mut head).unwrap();
            assert_ne!(read, 0, "the connection has ended after {head:?}");
        }
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        (head, String::from_utf8(body).unwrap())
    }

    #[track_caller]
    fn check(&mut self, status: &str, body: &str) {
        let (head, got) = self.answer();
        assert!(
            head.starts_with(&format!("http/1.1 {status}")),
            "{head}{got}"
        );
        assert!(got.contains(body), "{got}");
        assert!(!head.contains("connection: "), "{head}");
    }
}

fn get(offer: &str) -> String {
    format!("GET /check HTTP/1.1\r\nHost: localhost\r\n{offer}\r\n")
}

/// A search with a body that looks like a request with an offer.
fn post(offer: &str, job_id: &str) -> String {
    let body = format!(
        "{{\"domain_id\":\"d\",\"job_id\":\"{job_id}\",\r\n\r\n \"query\":{{\"keyword\":\"GET / HTTP/1.1 Connection: Upgrade\"}}}}"
    );
    format!(
        "POST /inventory/v1/jobs/search HTTP/1.1\r\nHost: localhost\r\n{offer}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_connection_goes_on_after_an_offer_to_upgrade() {
    let app = App::with_jobs(job("Upgrade", "d", ""));
    for offer in [
        "",
        JAVA,
        WEBSOCKET,
        "Connection: upgrade\r\n",
        "Upgrade: websocket\r\n",
        "Connection: keep-alive, Upgrade\r\nUpgrade: TLS/1.0\r\n",
        "Connection: keep-alive\r\nConnection: UPGRADE\r\nUpgrade: WebSocket, h2c\r\n",
    ] {
        let mut client = Client::new(&app);
        for _ in 0..3 {
            client.send(get(offer).as_bytes());
            client.check("200", "SERVING");
            client.send(post(offer, "Upgrade").as_bytes());
            client.check("200", "\"job_id\":\"Upgrade\"");
        }
        // Both in one write, and then byte by byte.
        let both = get(offer) + &post(offer, "Upgrade") + &get(offer);
        client.send(both.as_bytes());
        client.check("200", "SERVING");
        client.check("200", "\"job_id\":\"Upgrade\"");
        client.check("200", "SERVING");
        for byte in (post(offer, "Upgrade") + &get(offer)).as_bytes() {
            client.send(&[*byte]);
        }
        client.check("200", "\"job_id\":\"Upgrade\"");
        client.check("200", "SERVING");
    }
}

#[test]
fn ten_thousand_requests_of_javas_client_lose_none() {
    const CONNECTIONS: usize = 10;
    const ROUNDS: usize = 500;
    let app = App::with_jobs(job("j", "d", ""));
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut client = Client::new(&app);
                for _ in 0..ROUNDS {
                    client.send(get(JAVA).as_bytes());
                    client.check("200", "SERVING");
                    client.send(post(JAVA, "none").as_bytes());
                    client.check("200", "\"total_count\":0");
                }
            });
        }
    });
}

#[test]
fn a_client_that_wants_to_close_has_the_connection_closed() {
    let app = App::with_jobs("");
    for offer in [
        "Connection: close\r\n",
        "Connection: Upgrade, close\r\nUpgrade: h2c\r\n",
    ] {
        let mut client = Client::new(&app);
        client.send(get(offer).as_bytes());
        let (head, _) = client.answer();
        assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
        let mut rest = Vec::new();
        client.0.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
    }
}

#[test]
fn a_body_that_comes_in_chunks_is_read_to_its_end() {
    let app = App::with_jobs(job("j", "d", ""));
    let mut client = Client::new(&app);
    let head = format!(
        "POST /inventory/v1/jobs/search HTTP/1.1\r\nHost: localhost\r\n{JAVA}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    for _ in 0..2 {
        client.send(head.as_bytes());
        client.send(b"5\r\n{\"dom\r\nb\r\nain_id\":\"d\"\r\n1;x=y\r\n}\r\n0\r\n\r\n");
        client.check("200", "\"total_count\":1");
    }
}
