//! The access log and the request metrics, written when an answer is complete.
//!
//! A streamed answer is complete when its last byte was handed on, or when its client left. What a client sent is cut to a
//! bounded length, and no header of a request is ever logged.

use std::borrow::Cow;
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

use super::app::App;
use crate::route::{ASSETS, Route, is_asset};

/// The target of the lines, to filter them by: `RUST_LOG=jobdeck::access=off`.
const TARGET: &str = "jobdeck::access";
/// How much of a slow query is logged, in bytes.
const MAX_QUERY_BYTES: usize = 2 << 10;
/// How much of a path is logged, and of the cause of a failure, in characters.
const MAX_CHARS: usize = 500;
/// The route of a path without one: one label for all, since clients can make up any number of paths.
const NO_ROUTE: &str = "none";

/// How many results an answer has so far, in its extensions.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows(Arc<AtomicU64>);

impl Rows {
    pub(super) fn add(&self, rows: u64) {
        self.0.fetch_add(rows, Ordering::Relaxed);
    }
}

/// The pattern of a route, in the data of its resource. actix knows it, too, but finds it by routing the request again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pattern(pub(super) &'static str);

/// Marks an answer, in its extensions, as an injected error, which is no failure of the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Injected;

/// Marks an answer, in its extensions, as a stream that ends only when its client leaves or the server stops: it is logged and
/// measured at its head, since how long it was open says nothing of the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endless;

/// The beginning of a body that is a query, in the request's extensions.
#[derive(Debug)]
pub(super) struct QueryBody(Bytes);

impl QueryBody {
    /// Shares a short body, and copies the beginning of a long one, so that it can be freed.
    pub(super) fn beginning_of(body: &Bytes) -> Self {
        Self(match body.get(..MAX_QUERY_BYTES) {
            Some(beginning) => Bytes::copy_from_slice(beginning),
            None => body.clone(),
        })
    }
}

/// A request that is not answered yet. Where it is dropped, its client left, and that is logged.
pub(super) struct OpenRequest {
    start: Instant,
    /// Empty once it is answered.
    id: String,
    method: Method,
    /// `None` where the log has no line for it.
    path: Option<String>,
}

impl OpenRequest {
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

    /// Logs the answer, or has its body do so at its end.
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
            is_injected: extensions.contains::<Injected>(),
            rows: extensions.get::<Rows>().cloned(),
            app,
        };
        let is_endless = extensions.contains::<Endless>();
        drop(extensions);
        // The body of an answer to HEAD is never read.
        let is_streamed = matches!(response.response().body().size(), BodySize::Stream)
            && self.method != Method::HEAD
            && !is_endless;
        if !is_streamed {
            line.log(true, |is_slow| Details::new(&response, is_slow));
            return response;
        }
        // How long it takes is not known yet.
        let details = Details::new(&response, true);
        response.map_body(|_, body| {
            BoxBody::new(Streamed {
                body,
                pending: Some((line, details)),
            })
        })
    }
}

impl Drop for OpenRequest {
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

/// Returns the level of a line that is neither a failure nor slow. Routes that watch a server are requested every few seconds.
fn usual_level(path: &str) -> Level {
    let is_watching = |route: &Route| path == route.path();
    if Route::WATCHING.iter().any(is_watching) {
        Level::Debug
    } else {
        Level::Info
    }
}

/// Returns the pattern of the route that a request went to.
fn route(response: &ServiceResponse<BoxBody>) -> Cow<'static, str> {
    if let Some(Pattern(pattern)) = response.request().app_data() {
        return Cow::Borrowed(pattern);
    }
    match response.request().match_pattern() {
        None => Cow::Borrowed(NO_ROUTE),
        // One label for the files of all versions.
        Some(pattern) if is_asset(&pattern) => Cow::Owned(format!("{ASSETS}/{{file}}")),
        Some(pattern) => Cow::Owned(pattern),
    }
}

fn bounded(text: &str) -> String {
    if text.len() <= MAX_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_CHARS).collect()
}

/// To a thousandth of a millisecond.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// The line of one answer.
struct Line {
    app: Data<App>,
    id: String,
    start: Instant,
    route: Cow<'static, str>,
    method: Method,
    status: StatusCode,
    /// Whether it is an error that a fault or `Prefer` injected.
    is_injected: bool,
    rows: Option<Rows>,
}

/// What the log has and the metrics have not.
struct Details {
    path: String,
    query: Option<String>,
    cause: Option<String>,
}

impl Details {
    fn new(response: &ServiceResponse<BoxBody>, has_query: bool) -> Self {
        let request = response.request();
        let error = response.response().error();
        Self {
            path: bounded(request.path()),
            query: has_query.then(|| {
                let extensions = request.extensions();
                let query = match extensions.get::<QueryBody>() {
                    Some(QueryBody(body)) => body.as_ref(),
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
    /// Counts and logs an answer that is complete, or was broken off. `details` makes what is logged, with the query where
    /// its argument is true; it is called only where there is a line.
    fn log(self, is_whole: bool, details: impl FnOnce(bool) -> Details) {
        let elapsed = self.start.elapsed();
        let status = self.status.as_u16();
        self.app
            .metrics
            .answered(self.route.clone(), &self.method, status, elapsed);
        let is_error = self.status.is_server_error() && !self.is_injected;
        // By its deadline: the query was too much work, and nothing has failed.
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
        let outcome = match (is_failure, is_whole, is_slow) {
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
            route = &*self.route,
            path = (path != self.route).then_some(path.as_str()),
            status = status,
            rows = self.rows.as_ref().map(|rows| rows.0.load(Ordering::Relaxed)),
            ms = millis(elapsed),
            query = query.as_deref().filter(|query| is_slow && !query.is_empty()),
            cause = cause.as_deref().filter(|_| is_error);
            "{outcome}"
        );
    }
}

/// A body that is logged when it ends.
struct Streamed {
    body: BoxBody,
    pending: Option<(Line, Details)>,
}

impl Streamed {
    fn log(&mut self, is_whole: bool) {
        if let Some((line, details)) = self.pending.take() {
            line.log(is_whole, |_| details);
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
            None => this.log(true),
            Some(Err(_)) => this.log(false),
            Some(Ok(_)) => {}
        }
        Poll::Ready(chunk)
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        self.log(false);
    }
}
