//! What is told of a request once it is answered: its line in the log, and its place in the metrics.
//!
//! An answer that is streamed is told of when its last byte was handed on, or when its client left. Nothing a client sent is
//! trusted to be short, and no header of its is ever told.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, Data};
use log::Level;

use super::App;
use super::guard::OnPurpose;

/// What the lines are filtered by: `RUST_LOG=jobdeck::access=off`.
const TARGET: &str = "jobdeck::access";
/// How much of a slow query is told, in bytes.
const MAX_QUERY_BYTES: usize = 2 << 10;
/// How much of a path is told, and of the cause of a failure, in characters.
const MAX_CHARS: usize = 500;
/// The route of what no route is for: one for all, since paths are as many as clients make them.
const NO_ROUTE: &str = "none";
/// The files of the page have their version in their path.
const ASSETS: &str = "/assets/{file}";

/// Among the extensions of an answer: how many results it has so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows(Arc<AtomicU64>);

impl Rows {
    pub(super) fn add(&self, rows: u64) {
        self.0.fetch_add(rows, Ordering::Relaxed);
    }
}

/// Among the extensions of a request: the beginning of its body, where that is a query.
#[derive(Debug)]
pub(super) struct QueryBody(Vec<u8>);

impl QueryBody {
    /// A copy of its own, so that a long body does not stay for its beginning.
    pub(super) fn beginning_of(body: &[u8]) -> Self {
        Self(body.get(..MAX_QUERY_BYTES).unwrap_or(body).to_owned())
    }
}

/// A request that is not answered yet. Where it is dropped, nobody waits for an answer any more, and that is told.
pub(super) struct Waiting {
    start: Instant,
    /// Empty once it is answered.
    id: String,
    method: Method,
    /// Where that would be told.
    path: Option<String>,
}

impl Waiting {
    pub(super) fn new(id: String, request: &ServiceRequest) -> Self {
        let path = request.path();
        Self {
            start: Instant::now(),
            id,
            method: request.method().clone(),
            path: log::log_enabled!(target: TARGET, usual_level(path)).then(|| bounded(path)),
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Has the answer told of when it is out.
    pub(super) fn answered(
        mut self,
        app: Data<App>,
        response: ServiceResponse<BoxBody>,
    ) -> ServiceResponse<BoxBody> {
        let extensions = response.response().extensions();
        let line = Line {
            id: std::mem::take(&mut self.id),
            start: self.start,
            route: route(&response),
            method: self.method.clone(),
            status: response.status(),
            is_on_purpose: extensions.contains::<OnPurpose>(),
            rows: extensions.get::<Rows>().cloned(),
            app,
        };
        drop(extensions);
        // Who asks by HEAD reads no body.
        let is_streamed = matches!(response.response().body().size(), BodySize::Stream)
            && self.method != Method::HEAD;
        if !is_streamed {
            line.tell(true, |is_slow| Details::of(&response, is_slow));
            return response;
        }
        // How long it takes is not known yet.
        let details = Details::of(&response, true);
        response.map_body(|_, body| {
            BoxBody::new(Streamed {
                body,
                untold: Some((line, details)),
            })
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && !self.id.is_empty()
        {
            log::log!(
                target: TARGET,
                usual_level(path),
                request_id = self.id.as_str(),
                method = self.method.as_str(),
                path = path.as_str(),
                ms = millis(self.start.elapsed());
                "left"
            );
        }
    }
}

/// How loud a line is that is neither of a failure nor slow. What watches a server asks it every few seconds.
fn usual_level(path: &str) -> Level {
    if matches!(path, "/healthz" | "/check" | "/metrics") {
        Level::Debug
    } else {
        Level::Info
    }
}

/// The pattern of the route that a request went to.
fn route(response: &ServiceResponse<BoxBody>) -> String {
    match response.request().match_pattern() {
        None => NO_ROUTE.to_owned(),
        Some(pattern) if pattern.starts_with("/assets/") => ASSETS.to_owned(),
        Some(pattern) => pattern,
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

/// To a thousandth of a millisecond.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// What is told of one answer.
struct Line {
    app: Data<App>,
    id: String,
    start: Instant,
    route: String,
    method: Method,
    status: StatusCode,
    /// Whether somebody asked for the error that it is.
    is_on_purpose: bool,
    rows: Option<Rows>,
}

/// What only the log has.
struct Details {
    path: String,
    query: Option<String>,
    cause: Option<String>,
}

impl Details {
    fn of(response: &ServiceResponse<BoxBody>, has_query: bool) -> Self {
        let request = response.request();
        let error = response.response().error();
        Self {
            path: bounded(request.path()),
            query: has_query.then(|| {
                let extensions = request.extensions();
                let query = match extensions.get::<QueryBody>() {
                    Some(QueryBody(body)) => body,
                    None => request.query_string().as_bytes(),
                };
                let beginning = query.get(..MAX_QUERY_BYTES).unwrap_or(query);
                String::from_utf8_lossy(beginning).into_owned()
            }),
            cause: error.map(|error| bounded(&error.to_string())),
        }
    }
}

impl Line {
    /// Tells of an answer that is out, or was broken off; `details` are asked for where they are told, and whether with
    /// the query.
    fn tell(self, is_whole: bool, details: impl FnOnce(bool) -> Details) {
        let elapsed = self.start.elapsed();
        let status = self.status.as_u16();
        self.app
            .metrics
            .answered(&self.route, &self.method, status, elapsed);
        let is_error = self.status.is_server_error() && !self.is_on_purpose;
        // By its deadline: it asked for too much, and nothing has failed.
        let is_stopped = is_error && self.status == StatusCode::GATEWAY_TIMEOUT;
        let is_failure = is_error && !is_stopped;
        let is_slow = is_stopped || elapsed >= self.app.slow_query;
        let level = if is_failure {
            Level::Error
        } else if is_slow {
            Level::Warn
        } else {
            usual_level(&self.route)
        };
        if !log::log_enabled!(target: TARGET, level) {
            return;
        }
        let said = match (is_failure, is_whole, is_slow) {
            (true, ..) => "failed",
            _ if is_stopped => "stopped",
            (_, false, _) => "broken off",
            (.., true) => "slow",
            (.., false) => "answered",
        };
        let Details { path, query, cause } = details(is_slow);
        log::log!(
            target: TARGET,
            level,
            request_id = self.id.as_str(),
            method = self.method.as_str(),
            route = self.route.as_str(),
            path = (path != self.route).then_some(path.as_str()),
            status = status,
            rows = self.rows.as_ref().map(|rows| rows.0.load(Ordering::Relaxed)),
            ms = millis(elapsed),
            query = query.as_deref().filter(|query| is_slow && !query.is_empty()),
            cause = cause.as_deref().filter(|_| is_error);
            "{said}"
        );
    }
}

/// A body that is told of when it ends.
struct Streamed {
    body: BoxBody,
    untold: Option<(Line, Details)>,
}

impl Streamed {
    fn tell(&mut self, is_whole: bool) {
        if let Some((line, details)) = self.untold.take() {
            line.tell(is_whole, |_| details);
        }
    }
}

impl MessageBody for Streamed {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let chunk = ready!(this.body.as_pin_mut().poll_next(context));
        match &chunk {
            None => this.tell(true),
            Some(Err(_)) => this.tell(false),
            Some(Ok(_)) => {}
        }
        Poll::Ready(chunk)
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        self.tell(false);
    }
}
