//! The real server on a free port, over a database in a temporary folder.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use jobdeck::api::{BasePath, HostName, Origin};
use jobdeck::clock::{Clock, Clocks};
use jobdeck::mock::{Mock, MockConfig};
use jobdeck::notify::RulesFile;
use jobdeck::server::{self, Config, GrpcListen, GrpcServer, Running};
use jobdeck::store::{Mode, OnConflict, Store};
use jobdeck::time::Timestamp;
use jobdeck::tokens::TokenFile;
use jobdeck::transfer::{self, ImportRules, Source};
use serde_json::Value;

/// A running server; it stops when this is dropped.
pub(crate) struct App {
    pub(crate) address: String,
    /// Where it listens for gRPC, if it does.
    pub(crate) grpc: Option<SocketAddr>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    folder: tempfile::TempDir,
    agent: ureq::Agent,
    mock: Option<Arc<Mock>>,
    tokens: Option<Arc<TokenFile>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status, code and message of an error.
    pub(crate) fn error(&self) -> String {
        let body = self.json();
        let text = |name: &str| body["detail"][name].as_str().unwrap_or_default().to_owned();
        format!("{} {}: {}", self.status, text("code"), text("message"))
    }
}

/// How a server is to be.
pub(crate) struct Setup {
    /// NDJSON.
    pub jobs: String,
    pub query_timeout: Duration,
    pub clock: Clock,
    pub base_path: BasePath,
    pub cors: Vec<Origin>,
    pub is_writable: bool,
    /// What the file of tokens has.
    pub tokens: Option<String>,
    pub mock: Option<MockConfig>,
    pub has_grpc: bool,
    /// What the file of rules for notifications has.
    pub notify: Option<String>,
    pub collector_metrics: Option<usize>,
}

/// Jobs or none, and a clock that is frozen at 2022-06-20T12:00:00Z.
impl Default for Setup {
    fn default() -> Self {
        let now = Timestamp::parse_rfc3339("2022-06-20T12:00:00Z").unwrap();
        Self {
            jobs: String::new(),
            query_timeout: Duration::from_secs(10),
            clock: Clock::Frozen(now),
            base_path: BasePath::default(),
            cors: Vec::new(),
            is_writable: false,
            tokens: None,
            mock: None,
            has_grpc: false,
            notify: None,
            collector_metrics: None,
        }
    }
}

impl App {
    /// Serves these jobs, an NDJSON text.
    pub(crate) fn with_jobs(jobs: impl Into<String>) -> Self {
        let jobs = jobs.into();
        Self::serve(Setup {
            jobs,
            ..Setup::default()
        })
    }

    pub(crate) fn start(jobs: String, query_timeout: Duration) -> Self {
        Self::serve(Setup {
            jobs,
            query_timeout,
            ..Setup::default()
        })
    }

    /// Serves with this clock; `None` is the system's.
    pub(crate) fn with_clock(jobs: String, now: Option<Timestamp>) -> Self {
        let clock = now.map_or(Clock::SYSTEM, Clock::Frozen);
        Self::serve(Setup {
            jobs,
            clock,
            ..Setup::default()
        })
    }

    /// Serves a mock of these jobs.
    pub(crate) fn mock(jobs: impl Into<String>) -> Self {
        Self::serve(Setup {
            jobs: jobs.into(),
            mock: Some(MockConfig::default()),
            ..Setup::default()
        })
    }

    pub(crate) fn serve(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("test.db"), Mode::Scratch, 8).unwrap();
        let source = Source::new("test", std::io::Cursor::new(setup.jobs));
        let rules = ImportRules::new(OnConflict::Fail, Clock::SYSTEM.now());
        transfer::import(&store, [source], rules).unwrap();

        let served = Arc::new(store);
        let clocks = Arc::new(Clocks::new(setup.clock));
        let mock = setup.mock.map(|start| {
            let mock = Mock::start(Arc::clone(&served), Arc::clone(&clocks), start);
            Arc::new(mock.unwrap())
        });
        let tokens = setup.tokens.map(|text| {
            let path = folder.path().join("tokens.toml");
            std::fs::write(&path, text).unwrap();
            Arc::new(TokenFile::open(&path).unwrap())
        });
        let notify = setup.notify.map(|text| {
            let path = folder.path().join("notify.toml");
            std::fs::write(&path, text).unwrap();
            Arc::new(RulesFile::open(&path).unwrap())
        });
        let free = "127.0.0.1:0".parse().unwrap();
        let config = Config {
            listen: free,
            grpc_listen: if setup.has_grpc {
                GrpcListen::At(free)
            } else {
                GrpcListen::Off
            },
            workers: 2,
            clocks,
            query_timeout: setup.query_timeout,
            slow_query: Duration::from_secs(1),
            base_path: setup.base_path,
            allow_hosts: vec![HostName::parse("jobs.example").unwrap()],
            cors: setup.cors,
            tokens: tokens.clone(),
            is_writable: setup.is_writable,
            mock: mock.clone(),
            retain: None,
            notify,
            stuck_after: None,
            backups: None,
            collector_metrics: setup.collector_metrics,
        };
        let (started, has_started) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let Running {
                    server,
                    address,
                    grpc,
                } = server::start(&config, served).unwrap();
                let grpc_address = grpc.as_ref().map(GrpcServer::address);
                started
                    .send((server.handle(), address, grpc_address))
                    .unwrap();
                server.await.unwrap();
                if let Some(grpc) = grpc {
                    grpc.ended().await;
                }
            });
        });
        let (handle, address, grpc) = has_started.recv().unwrap();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
        Self {
            address: address.to_string(),
            grpc,
            handle,
            thread: Some(thread),
            folder,
            agent,
            mock,
            tokens,
        }
    }

    /// Imports jobs while the server runs, as another program does.
    pub(crate) fn import(&self, jobs: String) {
        let store = Store::open(&self.database(), Mode::ReadWrite, 1).unwrap();
        let source = Source::new("test", std::io::Cursor::new(jobs));
        let rules = ImportRules::new(OnConflict::Replace, Clock::SYSTEM.now());
        transfer::import(&store, [source], rules).unwrap();
    }

    /// Changes what the file of tokens has.
    pub(crate) fn set_tokens(&self, text: &str) {
        std::fs::write(self.folder.path().join("tokens.toml"), text).unwrap();
        self.tokens.as_ref().unwrap().reload();
    }

    /// Stops as a signal would have it, and comes back when the server has ended.
    pub(crate) fn stop(mut self) {
        let stopping = server::stop(self.handle.clone(), self.mock.clone());
        actix_web::rt::System::new().block_on(stopping);
        self.thread.take().unwrap().join().unwrap();
    }

    /// Sends a request and returns without its answer, which the caller reads.
    pub(crate) fn raw(&self, method: &str, path: &str, headers: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        stream
    }

    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("test.db")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string())
    }

    pub(crate) fn post_text(&self, path: &str, body: &str) -> Answer {
        self.send(
            "POST",
            path,
            &[("content-type", "application/json")],
            Some(body.as_bytes()),
        )
    }

    /// Sends JSON by any method.
    pub(crate) fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.send(
            method,
            path,
            &[("content-type", "application/json")],
            Some(body.as_bytes()),
        )
    }

    /// Sends no body by any method.
    pub(crate) fn bare(&self, method: &str, path: &str) -> Answer {
        self.send(method, path, &[], None)
    }

    pub(crate) fn search(&self, body: &Value) -> Answer {
        self.post("/inventory/v1/jobs/search", body)
    }

    pub(crate) fn stat(&self, body: &Value) -> Answer {
        self.post("/inventory/v1/jobs/stat", body)
    }

    /// Sends no body, and returns what answers it, not what a redirect leads to.
    pub(crate) fn without_redirects(&self, method: &str, path: &str) -> Answer {
        let request = ureq::http::Request::builder().method(method);
        let request = request.uri(self.url(path)).body(()).unwrap();
        let request = self.agent.configure_request(request);
        read(self.agent.run(request.max_redirects(0).build()).unwrap())
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body {
            Some(body) => self.agent.run(request.body(body).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        read(answer.unwrap())
    }
}

/// Reads an answer; of a stream of events, which has no end, the head alone.
fn read(mut answer: ureq::http::Response<ureq::Body>) -> Answer {
    let media_type = answer.headers().get("content-type");
    if media_type.is_some_and(|media_type| media_type == "text/event-stream") {
        return Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            text: String::new(),
        };
    }
    Answer {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        text: answer
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_to_string()
            .unwrap(),
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // The command is sent at once; the thread ends when it is done.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A job with the members given as JSON, such as `"status":"ERROR"`.
pub(crate) fn job(id: &str, domain: &str, members: &str) -> String {
    let separator = if members.is_empty() { "" } else { "," };
    format!(
        "{{\"job_id\":\"{id}\",\"domain_id\":\"{domain}\",\"created_at\":\"2022-06-17T08:00:00Z\"{separator}{members}}}\n"
    )
}
