//! jobdeck's own routes.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::App;
use super::access::Access;
use super::error::ApiError;
use super::openapi::answers::{About, DomainsInfo, Health, ParameterErrors, ReadErrors, Serving};
use super::openapi::params::ScopeParams;
use super::parameters::domain_parameter;
use super::wire::{Caching, Weight, answer, fresh};
use crate::query::eval::value::write_text;

/// How long the database may take to say that it is well: less than those wait who ask.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);
/// How much later it is given up where even that is not noticed.
const HEALTH_MARGIN: Duration = Duration::from_millis(500);

/// Lists the domains with how many jobs each has, by name.
///
/// Where tokens are asked for, those that the token reaches.
///
/// Its `ETag` is the version of all data, so asking for it again is how a page learns whether anything has changed.
#[utoipa::path(
    get,
    path = "/jobdeck/domains",
    operation_id = "listDomains",
    tag = "jobdeck",
    params(("If-None-Match" = Option<String>, Header, nullable = false, description = "The `ETag` of an answer that is at hand.")),
    responses(
        (status = 200, description = "The domains.", body = DomainsInfo,
            headers(("ETag" = String, description = "The version of the data."))),
        (status = 304, description = "Nothing has changed since.",
            headers(("ETag" = String, description = "The version of the data."))),
        ReadErrors
    )
)]
pub(crate) async fn domains(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    let only = access.scope()?.map(str::to_owned);
    answer(
        &app,
        (Weight::Quick, true),
        Caching::by_version(&request, &app).within(only.as_deref()),
        || Ok(only),
        |only, snapshot, writer| {
            let mut domains = snapshot.domains()?;
            domains.retain(|(domain_id, _)| only.as_ref().is_none_or(|only| domain_id == only));
            let out = writer.buffer();
            out.extend(b"{\"results\":[");
            for (index, (domain_id, jobs)) in domains.iter().enumerate() {
                out.extend(if index > 0 {
                    &b",{\"domain_id\":"[..]
                } else {
                    b"{\"domain_id\":"
                });
                write_text(domain_id, out);
                out.extend(format!(",\"jobs\":{jobs}}}").bytes());
            }
            out.extend(b"]}");
            writer.count(domains.len() as u64);
            Ok(())
        },
    )
    .await
}

/// Tells what this server is.
///
/// Its version, the file that it serves, the clock of its answers (that of a domain with `domain_id`), what may be done
/// here, and what is wrong with the fixtures. Of a domain's token it is the domain's clock always, and fixtures, which
/// may be of any domain, are not told of.
#[utoipa::path(
    get,
    path = "/jobdeck/about",
    operation_id = "getAbout",
    tag = "jobdeck",
    params(ScopeParams),
    responses((status = 200, description = "The server.", body = About), ParameterErrors)
)]
pub(crate) async fn about(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    let only = access.scope()?;
    let domain_id = domain_parameter(&request)?.or_else(|| only.map(str::to_owned));
    access.check(domain_id.as_deref())?;
    let mock = app.mock.as_ref();
    let clock = app.clocks.clock(domain_id.as_deref());
    let body = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "database": app.store.path().to_string_lossy(),
        "now": clock.now().to_string(),
        "is_frozen": clock.is_frozen(),
        "is_writable": app.is_writable && access.may_write(),
        "is_mock": mock.is_some(),
        "fixtures_problem": mock.filter(|_| only.is_none()).and_then(|mock| mock.fixtures_error()),
    });
    Ok(fresh(StatusCode::OK, &body))
}

/// Tells whether the database answers and its file is still in its place.
///
/// It reads the database, and gives up after three seconds. It asks for no token, but where others do it tells of the jobs
/// and the files only for one of `*`.
#[utoipa::path(
    method(get, head),
    path = "/healthz",
    operation_id = "getHealth",
    tag = "jobdeck",
    responses(
        (status = 200, description = "It does.", body = Health,
            example = json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"), "jobs": 5000, "database_bytes": 8_388_608, "wal_bytes": 0})),
        (status = 500, description = "The check itself failed.", body = Health),
        (status = 503, description = "It does not, or not in time, or the file was deleted or replaced.", body = Health,
            example = json!({"status": "error", "version": env!("CARGO_PKG_VERSION"), "problem": "the database does not answer"}))
    )
)]
pub(crate) async fn healthz(app: Data<App>, access: Access) -> HttpResponse {
    let version = env!("CARGO_PKG_VERSION");
    let (status, body) = match health(&app).await {
        Ok(_) if access.check(None).is_err() => {
            (StatusCode::OK, json!({"status": "ok", "version": version}))
        }
        Ok(Vitals { jobs, .. }) => (
            StatusCode::OK,
            json!({
                "status": "ok",
                "version": version,
                "jobs": jobs,
                "database_bytes": app.store.database_bytes(),
                "wal_bytes": app.store.wal_bytes(),
            }),
        ),
        Err(problem) => (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({"status": "error", "version": version, "problem": problem}),
        ),
    };
    fresh(status, &body)
}

/// Tells the same as `/healthz`, as SpaceONE's services say it.
// Rule: python-core, the names of gRPC's health check.
#[utoipa::path(
    method(get, head),
    path = "/check",
    operation_id = "check",
    tag = "jobdeck",
    responses(
        (status = 200, description = "The database answers.", body = Serving, example = json!({"status": "SERVING"})),
        (status = 503, description = "It does not, or not in time, or the file was deleted or replaced.", body = Serving, example = json!({"status": "NOT_SERVING"}))
    )
)]
pub(crate) async fn check(app: Data<App>) -> HttpResponse {
    let (status, name) = match health(&app).await {
        Ok(_) => (StatusCode::OK, "SERVING"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "NOT_SERVING"),
    };
    fresh(status, &json!({"status": name}))
}

/// What a database that answers says of itself.
pub(super) struct Vitals {
    pub(super) jobs: u64,
    /// Those that have jobs.
    pub(super) domains: u64,
}

/// Asks the database; the error says what is wrong, its cause is in the log.
pub(super) async fn health(app: &App) -> Result<Vitals, &'static str> {
    let store = Arc::clone(&app.store);
    let asking = tokio::task::spawn_blocking(move || {
        // Looked at first: a reader that would have to be opened waits for the file in vain.
        if !store.is_in_place() {
            return None;
        }
        let interrupt = Arc::new(crate::store::Interrupt::after(HEALTH_TIMEOUT));
        let domains = store
            .reader(&interrupt)
            .and_then(|mut reader| reader.begin()?.domains());
        Some(domains)
    });
    // A disk that stands still stops a thread where no deadline is looked at.
    let Ok(checked) = tokio::time::timeout(HEALTH_TIMEOUT + HEALTH_MARGIN, asking).await else {
        log::error!("the database does not answer in time: its disk may stand still");
        return Err("the database does not answer in time");
    };
    match checked {
        Ok(Some(Ok(domains))) => Ok(Vitals {
            jobs: domains
                .iter()
                .map(|(_, jobs)| u64::try_from(*jobs).unwrap_or(0))
                .sum(),
            domains: domains.len() as u64,
        }),
        Ok(None) => Err("the database file was deleted or replaced"),
        Ok(Some(Err(error))) => {
            log::error!("the database does not answer: {error}");
            Err("the database does not answer")
        }
        Err(error) => {
            log::error!("the health check ended in a panic: {error}");
            Err("the health check failed; the log tells more")
        }
    }
}
