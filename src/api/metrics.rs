//! `GET /metrics`: what the server has done, for Prometheus.
//!
//! What is counted as it happens is kept here; what can be read when it is asked for (sizes, jobs, readers) is read then.
//! Labels are few by construction: a route is its pattern, never a path, and a method is one of HTTP's own or `other`.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::dev::Extensions;
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::prometheus_text::{self, CONTENT_TYPE as TEXT};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::App;
use super::access::Access;
use super::error::ApiError;
use super::openapi::answers::OwnFault;
use super::own::{self, Vitals};
use crate::clock::Clock;
use crate::store::{ReaderUsage, StoreError};
use crate::time::Timestamp;

/// The bounds of the histogram, in seconds: a page takes less than a millisecond, a query at most its deadline.
const BOUNDS: [f64; 14] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// What is counted as it happens.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Asked, Histogram, fn() -> Histogram>,
    stopped: Family<Stopped, Counter>,
    connections: Gauge,
    started: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    route: String,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stopped {
    by: &'static str,
}

const BY_DEADLINE: Stopped = Stopped { by: "deadline" };
const BY_CLIENT: Stopped = Stopped { by: "client" };

impl Default for Metrics {
    /// Nothing has happened yet; the process has just begun.
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("jobdeck"),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            stopped: Family::default(),
            connections: Gauge::default(),
            started: Clock::SYSTEM.now(),
        };
        // There from the start, so that a rate over them is never of nothing.
        for by in [BY_DEADLINE, BY_CLIENT] {
            drop(metrics.stopped.get_or_create(&by));
        }
        let registry = &mut metrics.registry;
        registry.register(
            "http_requests",
            "Requests answered, by the pattern of their route, method and status",
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "From the head of a request to the end of its answer",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register(
            "queries_stopped",
            "Queries stopped at their deadline, or because their client left or stood still",
            metrics.stopped.clone(),
        );
        registry.register(
            "http_connections",
            "Connections open now",
            metrics.connections.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// A request was answered; `route` is a pattern.
    pub(super) fn answered(&self, route: &str, method: &Method, status: u16, after: Duration) {
        let method = method_label(method);
        let asked = Asked {
            route: route.to_owned(),
            method,
        };
        self.durations
            .get_or_create(&asked)
            .observe(after.as_secs_f64());
        let answered = Answered {
            route: asked.route,
            method,
            status,
        };
        self.requests.get_or_create(&answered).inc();
    }

    /// A query ended so; counts those that were stopped.
    pub(super) fn ended(&self, result: &Result<(), StoreError>) {
        let by = match result {
            Err(StoreError::Timeout) => &BY_DEADLINE,
            Err(StoreError::Cancelled) => &BY_CLIENT,
            _ => return,
        };
        self.stopped.get_or_create(by).inc();
    }

    /// Counts a new connection for as long as it is open.
    pub(crate) fn connected(&self, extensions: &mut Extensions) {
        self.connections.inc();
        extensions.insert(Connected(self.connections.clone()));
    }
}

/// An open connection.
struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Anybody may send a method of their own making, and each would be a time series.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Tells what the server has done, for Prometheus.
///
/// The text format 0.0.4. It is answered with 200 also where the database does not answer: then `jobdeck_database_up` is 0,
/// and how many jobs there are is left out. It tells of the whole server, so a token must be one of `*`.
#[utoipa::path(
    method(get, head),
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "jobdeck",
    responses(
        (status = 200, description = "The metrics.", body = String, content_type = "text/plain",
            example = "# HELP jobdeck_jobs Jobs in the database.\n# TYPE jobdeck_jobs gauge\njobdeck_jobs 5000\n"),
        OwnFault
    )
)]
pub(crate) async fn get(app: Data<App>, access: Access) -> Result<HttpResponse, ApiError> {
    access.check(None)?;
    let vitals = own::health(&app).await.ok();
    let readers = app.store.reader_usage();
    let mut text = String::new();
    let written = prometheus_text::encode(&mut text, &app.metrics.registry).and_then(|()| {
        let now = read_now(&app, vitals.as_ref(), readers);
        prometheus_text::encode(&mut text, &now)
    });
    written.map_err(|_unwritten| ApiError::Internal("the metrics can't be written"))?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_TYPE, TEXT))
        .body(text))
}

/// What is so at this moment.
fn read_now(app: &App, vitals: Option<&Vitals>, readers: ReaderUsage) -> Registry {
    let mut all = Registry::default();
    let started = Duration::from_millis(app.metrics.started.millis().try_into().unwrap_or(0));
    all.register_with_unit(
        "process_start_time",
        "When the server started, since 1970",
        Unit::Seconds,
        ConstGauge::new(started.as_secs_f64()),
    );
    let ours = all.sub_registry_with_prefix("jobdeck");
    ours.register(
        "build",
        "What this server is",
        Info::new([("version", env!("CARGO_PKG_VERSION"))]),
    );
    let mut gauge = |name: &str, help: &str, value: u64| {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        ours.register(name, help, ConstGauge::new(value));
    };
    gauge(
        "database_up",
        "Whether the database answers and its file is in its place",
        vitals.is_some().into(),
    );
    if let Some(vitals) = vitals {
        gauge("jobs", "Jobs in the database", vitals.jobs);
        gauge("domains", "Domains that have jobs", vitals.domains);
    }
    gauge(
        "database_size_bytes",
        "The size of the database file",
        app.store.database_bytes(),
    );
    gauge(
        "wal_size_bytes",
        "The size of the write-ahead log",
        app.store.wal_bytes(),
    );
    gauge(
        "readers_idle",
        "Reading connections that are idle",
        readers.idle.into(),
    );
    gauge(
        "readers_busy",
        "Reading connections that are in use",
        readers.busy.into(),
    );
    ours.register(
        "reader_waits",
        "How often no reading connection was idle, and one was waited for or opened",
        ConstCounter::new(readers.waits),
    );
    ours.register_with_unit(
        "reader_wait",
        "How long reading connections were waited for in all",
        Unit::Seconds,
        ConstCounter::new(readers.waited.as_secs_f64()),
    );
    ours.register(
        "reader_waits_in_vain",
        "How often no reading connection was free in time",
        ConstCounter::new(readers.timed_out),
    );
    all
}
