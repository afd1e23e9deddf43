//! A receiver of notifications, for the tests of the command line and for those of the API.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A receiver of notifications on a port of its own.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    /// The head of the answers, but for its end.
    answer: Arc<Mutex<String>>,
    pub(crate) requests: mpsc::Receiver<(String, Value)>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(Mutex::new("HTTP/1.1 200 OK".to_owned()));
        let (sender, requests) = mpsc::channel();
        let answers = Arc::clone(&answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let answer = || answers.lock().unwrap().clone();
                let Some((head, body)) = respond(stream.unwrap(), answer) else {
                    continue;
                };
                if sender.send((head, body)).is_err() {
                    return;
                }
            }
        });
        Self {
            port,
            answer,
            requests,
        }
    }

    pub(crate) fn answer(&self, head: &str) {
        head.clone_into(&mut self.answer.lock().unwrap());
    }

    /// Waits for the next POST.
    #[track_caller]
    pub(crate) fn next(&self) -> Value {
        self.requests.recv_timeout(PATIENCE).unwrap().1
    }

    /// Waits for the next POST; returns its events as `failed j1`.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<String> {
        events(&self.next())
    }

    #[track_caller]
    pub(crate) fn has_none(&self) {
        let next = self.requests.recv_timeout(Duration::ZERO);
        assert_eq!(next.unwrap_err(), RecvTimeoutError::Timeout);
    }
}

/// Reads a request and answers it; returns its head and its body.
pub(crate) fn respond(
    stream: impl Read + Write,
    answer: impl Fn() -> String,
) -> Option<(String, Value)> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).unwrap_or(0) == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    let stream = stream.get_mut();
    let answer = answer();
    write!(
        stream,
        "{answer}\r\ncontent-length: 4\r\nconnection: close\r\n\r\nseen"
    )
    .unwrap();
    stream.flush().unwrap();
    Some((head, serde_json::from_slice(&body).unwrap_or_default()))
}

pub(crate) fn events(post: &Value) -> Vec<String> {
    let events = post["events"].as_array().unwrap().iter();
    let events = events.map(|event| {
        let subject = event["job_id"].as_str().or(event["collector_id"].as_str());
        format!(
            "{} {}",
            event["on"].as_str().unwrap(),
            subject.unwrap_or_default()
        )
    });
    events.collect()
}
