//! The registry of metrics that are counted as they happen; `monitor` adds those that are read when scraped.
//!
//! Labels are few by construction: a route is its pattern, never a path, and a method is one of HTTP's own or `other`.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::clock::Clock;
use crate::store::StoreError;
use crate::time::Timestamp;

/// The bounds of the histogram, in seconds: a page takes less than a millisecond, a query at most its deadline.
const BOUNDS: [f64; 14] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The counters of a server.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(in crate::api) registry: Registry,
    requests: Family<AnswerLabels, Counter>,
    durations: Family<RequestLabels, Histogram, fn() -> Histogram>,
    stopped: Family<StopLabels, Counter>,
    connections: Gauge,
    grpc_connections: Gauge,
    /// When the server started, by the system's clock.
    pub(in crate::api) started: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    route: Cow<'static, str>,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: Cow<'static, str>,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StopLabels {
    by: &'static str,
}

const BY_DEADLINE: StopLabels = StopLabels { by: "deadline" };
const BY_CLIENT: StopLabels = StopLabels { by: "client" };

impl Default for Metrics {
    /// Makes the registry of a server that has just started.
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("jobdeck"),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            stopped: Family::default(),
            connections: Gauge::default(),
            grpc_connections: Gauge::default(),
            started: Clock::SYSTEM.now(),
        };
        // Present from the start, so that a rate over them is defined.
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
            "Queries stopped at their deadline, or because their client left or read nothing",
            metrics.stopped.clone(),
        );
        registry.register(
            "http_connections",
            "Connections open now",
            metrics.connections.clone(),
        );
        registry.register(
            "grpc_connections",
            "Connections for gRPC open now",
            metrics.grpc_connections.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// Counts a request that was answered; `route` is a pattern.
    pub(in crate::api) fn answered(
        &self,
        route: Cow<'static, str>,
        method: &Method,
        status: u16,
        after: Duration,
    ) {
        let method = method_label(method);
        let labels = RequestLabels { route, method };
        self.durations
            .get_or_create(&labels)
            .observe(after.as_secs_f64());
        let answered = AnswerLabels {
            route: labels.route,
            method,
            status,
        };
        self.requests.get_or_create(&answered).inc();
    }

    /// Counts a query that was stopped, given how it ended.
    pub(in crate::api) fn ended(&self, result: &Result<(), StoreError>) {
        let by = match result {
            Err(StoreError::Timeout) => &BY_DEADLINE,
            Err(StoreError::Cancelled) => &BY_CLIENT,
            _ => return,
        };
        self.stopped.get_or_create(by).inc();
    }

    /// Counts a new connection for as long as it is open.
    pub(crate) fn connected(&self, extensions: &mut Extensions) {
        extensions.insert(Connected::new(&self.connections));
    }

    /// Counts a new connection for gRPC for as long as what this returns is not dropped.
    pub(crate) fn grpc_connected(&self) -> Connected {
        Connected::new(&self.grpc_connections)
    }
}

/// An open connection, which is counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Connected(Gauge);

impl Connected {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Returns the label of a method: a client may make up any number of methods, and each would be a time series.
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
