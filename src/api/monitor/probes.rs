//! `/healthz`, `/check` and `/metrics`: the routes by which a server is watched.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;
use prometheus_client::encoding::prometheus_text::{self, CONTENT_TYPE as TEXT};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::notifications;
use crate::api::admission::Access;
use crate::api::answer::fresh;
use crate::api::app::App;
use crate::api::error::ApiError;
use crate::api::metrics::register_jobs;
use crate::api::schema::answers::{Health, HealthStatus, Serving, ServingStatus};
use crate::api::schema::errors::OwnError;
use crate::job::PerStatus;
use crate::route::Route;
use crate::store::{Interrupt, ReaderUsage};

/// How long the database may take to answer a health check: less than the timeout of most checkers.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);
/// How much later the check is given up where the database does not notice the deadline.
const HEALTH_MARGIN: Duration = Duration::from_millis(500);

/// Checks that the database answers, and that its file is the one that was opened.
///
/// It reads the database, and gives up after three seconds. It needs no token; on a server with tokens only one of `*` gets
/// the numbers of jobs and bytes.
#[utoipa::path(
    method(get, head),
    path = Route::Healthz.path(),
    operation_id = "getHealth",
    tag = "server",
    responses(
        (status = 200, description = "The database answers.", body = Health,
            example = json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"), "jobs": 5000, "database_bytes": 8_388_608, "wal_bytes": 0})),
        (status = 500, description = "The check itself failed.", body = Health),
        (status = 503, description = "The database does not answer, or not in time, or its file was deleted or replaced.", body = Health,
            example = json!({"status": "error", "version": env!("CARGO_PKG_VERSION"), "problem": "the database does not answer"}))
    )
)]
pub(in crate::api) async fn healthz(app: Data<App>, access: Access) -> HttpResponse {
    let (status, body) = match health(&app).await {
        Ok(_) if access.check(None).is_err() => (StatusCode::OK, Health::new(HealthStatus::Ok)),
        Ok(Vitals { jobs, .. }) => {
            let body = Health {
                jobs: Some(jobs),
                database_bytes: Some(app.store.database_bytes()),
                wal_bytes: Some(app.store.wal_bytes()),
                data_changed_at: app.store.changed_at(),
                ..Health::new(HealthStatus::Ok)
            };
            (StatusCode::OK, body)
        }
        Err(problem) => {
            let body = Health {
                problem: Some(problem),
                ..Health::new(HealthStatus::Error)
            };
            (StatusCode::SERVICE_UNAVAILABLE, body)
        }
    };
    fresh(status, &body)
}

/// Answers the same as `/healthz`, in the form of SpaceONE's services.
// Rule: python-core, the names of gRPC's health check.
#[utoipa::path(
    method(get, head),
    path = Route::Check.path(),
    operation_id = "check",
    tag = "server",
    responses(
        (status = 200, description = "The database answers.", body = Serving, example = json!({"status": "SERVING"})),
        (status = 503, description = "The database does not answer, or not in time, or its file was deleted or replaced.", body = Serving, example = json!({"status": "NOT_SERVING"}))
    )
)]
pub(in crate::api) async fn check(app: Data<App>) -> HttpResponse {
    let (code, status) = match health(&app).await {
        Ok(_) => (StatusCode::OK, ServingStatus::Serving),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, ServingStatus::NotServing),
    };
    fresh(code, &Serving { status })
}

/// Answers the metrics of the server, for Prometheus.
///
/// The text format 0.0.4. The status is 200 also where the database does not answer: then `jobdeck_database_up` is 0, and the
/// number of jobs is left out. The metrics are of the whole server, so a token must be one of `*`.
#[utoipa::path(
    method(get, head),
    path = Route::Metrics.path(),
    operation_id = "getMetrics",
    tag = "server",
    responses(
        (status = 200, description = "The metrics.", body = String, content_type = "text/plain",
            example = "# HELP jobdeck_jobs Jobs in the database, by domain and status.\n# TYPE jobdeck_jobs gauge\njobdeck_jobs{domain=\"domain-67094cea8ca4\",status=\"SUCCESS\"} 5000\n"),
        OwnError
    )
)]
pub(in crate::api) async fn metrics(
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    access.check(None)?;
    let vitals = health(&app).await.ok();
    let collectors = collectors(&app).await;
    let readers = app.store.reader_usage();
    let mut text = String::new();
    let mut gauges = read_gauges(&app, vitals, readers);
    if let Some(notifier) = &app.notifier {
        notifications::register(gauges.sub_registry_with_prefix("jobdeck"), notifier).await;
    }
    let written = prometheus_text::encode(&mut text, &app.metrics.registry)
        .and_then(|()| prometheus_text::encode(&mut text, &gauges))
        .and_then(|()| prometheus_text::encode(&mut text, &collectors));
    written.map_err(|_unwritten| ApiError::Internal("the metrics can't be written"))?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_TYPE, TEXT))
        .body(text))
}

/// Reads the gauges, when scraped.
fn read_gauges(app: &App, vitals: Option<Vitals>, readers: ReaderUsage) -> Registry {
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
    if let Some(vitals) = &vitals {
        let domains = vitals.domains.len() as u64;
        gauge("domains", "Domains that have jobs", domains);
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
    if let Some(changed_at) = app.store.changed_at() {
        gauge(
            "data_changed_timestamp_seconds",
            "When the database file last changed, since 1970, where another program brings the data",
            u64::try_from(changed_at.millis() / 1_000).unwrap_or(0),
        );
    }
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
    gauge(
        "event_streams",
        "Streams of events open now",
        app.events.open() as u64,
    );
    if let Some(vitals) = vitals {
        register_jobs(ours, vitals.domains);
    }
    if let Some(backups) = &app.backups {
        backups.register(ours);
    }
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

/// Computes the metrics of the collectors, where they are wanted. They are left out where the database does not answer in
/// time, or too many statistics are computed.
async fn collectors(app: &App) -> Registry {
    let mut registry = Registry::with_prefix("jobdeck");
    let Some(collectors) = app.collectors.clone() else {
        return registry;
    };
    let permit = Arc::clone(&app.statistics).acquire_owned();
    let Ok(Ok(permit)) = tokio::time::timeout(HEALTH_TIMEOUT, permit).await else {
        log::warn!("the metrics of the collectors are left out: too many statistics are computed");
        return registry;
    };
    let (store, clocks) = (Arc::clone(&app.store), Arc::clone(&app.clocks));
    let timeout = app.query_timeout;
    let computing = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let interrupt = Arc::new(Interrupt::after(timeout));
        let registered = collectors.register(&mut registry, &store, &clocks, &interrupt);
        registered.map(|()| registry)
    });
    match computing.await {
        Ok(Ok(registry)) => return registry,
        Ok(Err(error)) => log::warn!("the metrics of the collectors are left out: {error}"),
        Err(error) => log::error!("the metrics of the collectors ended in a panic: {error}"),
    }
    Registry::default()
}

/// What a database that answers holds.
struct Vitals {
    jobs: u64,
    /// The domains that have jobs, with the number of each status.
    domains: Vec<(String, PerStatus<u64>)>,
}

/// Reads the database; the error says what is wrong, and its cause is in the log.
async fn health(app: &App) -> Result<Vitals, &'static str> {
    let store = Arc::clone(&app.store);
    let reading = tokio::task::spawn_blocking(move || {
        // Checked first: opening a reader of a file that is gone would wait until its timeout.
        if !store.is_in_place() {
            return None;
        }
        let interrupt = Arc::new(Interrupt::after(HEALTH_TIMEOUT));
        let domains = store
            .reader(&interrupt)
            .and_then(|mut reader| reader.begin()?.status_counts());
        Some(domains)
    });
    // A disk that hangs blocks a thread where no deadline is checked.
    let Ok(checked) = tokio::time::timeout(HEALTH_TIMEOUT + HEALTH_MARGIN, reading).await else {
        log::error!("the database does not answer in time: its disk may hang");
        return Err("the database does not answer in time");
    };
    match checked {
        Ok(Some(Ok(domains))) => Ok(Vitals {
            jobs: domains.iter().flat_map(|(_, counts)| counts.values()).sum(),
            domains,
        }),
        Ok(None) => Err("the database file was deleted or replaced"),
        Ok(Some(Err(error))) => {
            log::error!("the database does not answer: {error}");
            Err("the database does not answer")
        }
        Err(error) => {
            log::error!("the health check ended in a panic: {error}");
            Err("the health check failed; the log has the cause")
        }
    }
}
