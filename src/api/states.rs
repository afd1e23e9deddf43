//! The states of a mock: reset, snapshots, clocks; and the jobs that live, brought up to date before they are read.

use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::web::{Data, Path, Payload};
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::App;
use super::access::Access;
use super::error::ApiError;
use super::openapi::answers::{
    ClockInfo, JobsCount, NoSuch, ParameterErrors, SnapshotsInfo, WriteErrors,
};
use super::openapi::examples;
use super::openapi::params::{OneSnapshotPath, ScopeParams};
use super::parameters::{body_fault, no_body, problem, scope_parameter};
use super::wire::{fresh, read_json};
use super::write::blocking;
use crate::clock::Clock;
use crate::job::from_json;
use crate::mock::{Mock, SnapshotInfo};
use crate::route::Route;
use crate::time::Timestamp;

/// The most that a clock is advanced at once, in seconds: a hundred years.
const MAX_ADVANCE_SECONDS: f64 = 3_155_760_000.0;

/// The middleware that writes what has become of living jobs before a request sees them.
pub(crate) async fn bring_up_to_date(
    app: Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // Only who reads or writes jobs waits for them, and no probe or file of the page.
    let route = Route::find(request.method().as_str(), request.path());
    if route.is_some_and(Route::depends_on_jobs)
        && let Some(mock) = app.mock.as_ref().filter(|mock| mock.is_due())
    {
        let mock = Arc::clone(mock);
        if let Err(error) = blocking(move || Ok(mock.bring_up_to_date()?)).await {
            return Ok(request.into_response(error.error_response()));
        }
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// The mock; its routes are there only where there is one.
pub(super) fn mock_of(app: &App) -> Result<Arc<Mock>, ApiError> {
    let missing = ApiError::Internal("a route of a mock where there is none");
    app.mock.clone().ok_or(missing)
}

/// Makes the jobs and clocks of a domain, or all, what they were at the start.
///
/// The faults are those of the start, too, and answers that they held are let go; a write that was held is not done, but
/// answered 503. Snapshots and the journal stay.
#[utoipa::path(
    post,
    path = "/jobdeck/reset",
    operation_id = "reset",
    tag = "mock",
    params(ScopeParams),
    responses((status = 200, description = "How many jobs there are.", body = JobsCount, example = json!({"jobs": 5000})), ParameterErrors)
)]
pub(crate) async fn reset(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(body).await?;
    let (mock, domain_id) = (mock_of(&app)?, scope_parameter(&request, &access)?);
    let jobs = blocking(move || Ok(mock.reset(domain_id.as_deref())?)).await?;
    Ok(fresh(StatusCode::OK, &json!({"jobs": jobs})))
}

/// Lists the snapshots: those of the whole server first, then by domain and name.
#[utoipa::path(
    get,
    path = "/jobdeck/snapshots",
    operation_id = "listSnapshots",
    tag = "mock",
    params(ScopeParams),
    responses((status = 200, description = "The snapshots.", body = SnapshotsInfo, example = json!({"results": [examples::snapshot()]})), ParameterErrors)
)]
pub(crate) async fn snapshots(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    let (mock, domain_id) = (mock_of(&app)?, scope_parameter(&request, &access)?);
    let results = blocking(move || Ok(mock.snapshots(domain_id.as_deref()))).await?;
    Ok(fresh(StatusCode::OK, &json!({"results": results})))
}

/// Saves the jobs of a domain, or all, as they are.
///
/// A snapshot of that name and scope is replaced. At most 100 are kept.
#[utoipa::path(
    put,
    path = "/jobdeck/snapshots/{name}",
    operation_id = "saveSnapshot",
    tag = "mock",
    params(
        OneSnapshotPath,
        ScopeParams
    ),
    responses(
        (status = 200, description = "The snapshot, in the place of the one before.", body = SnapshotInfo, example = json!(examples::snapshot())),
        (status = 201, description = "The snapshot, which is new.", body = SnapshotInfo, example = json!(examples::snapshot())),
        ParameterErrors
    )
)]
pub(crate) async fn save(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    name: Path<String>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(body).await?;
    let (mock, domain_id) = (mock_of(&app)?, scope_parameter(&request, &access)?);
    let (info, was_there) = blocking(move || Ok(mock.save(&name, domain_id.as_deref())?)).await?;
    let status = if was_there {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(fresh(status, &info))
}

/// Makes the jobs what they were when the snapshot was saved.
///
/// The scope is that of the save. Jobs that live go on from where they stood.
#[utoipa::path(
    post,
    path = "/jobdeck/snapshots/{name}/restore",
    operation_id = "restoreSnapshot",
    tag = "mock",
    params(
        OneSnapshotPath,
        ScopeParams
    ),
    responses((status = 200, description = "How many jobs there are.", body = JobsCount, example = json!({"jobs": 5000})), ParameterErrors, NoSuch)
)]
pub(crate) async fn restore(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    name: Path<String>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(body).await?;
    let (mock, domain_id) = (mock_of(&app)?, scope_parameter(&request, &access)?);
    let jobs = blocking(move || Ok(mock.restore(&name, domain_id.as_deref())?)).await?;
    Ok(fresh(StatusCode::OK, &json!({"jobs": jobs})))
}

/// Forgets a snapshot.
#[utoipa::path(
    delete,
    path = "/jobdeck/snapshots/{name}",
    operation_id = "forgetSnapshot",
    tag = "mock",
    params(
        OneSnapshotPath,
        ScopeParams
    ),
    responses((status = 204, description = "It is gone."), ParameterErrors, NoSuch)
)]
pub(crate) async fn forget(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    name: Path<String>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(body).await?;
    let (mock, domain_id) = (mock_of(&app)?, scope_parameter(&request, &access)?);
    blocking(move || Ok(mock.forget(&name, domain_id.as_deref())?)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// How a clock is set: any of the two, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClockSetting {
    /// What it shows from now on; left out, as before.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    now: Option<Timestamp>,
    /// Whether it stands still; left out, as before.
    #[serde(default)]
    is_frozen: Option<bool>,
}

/// How far a clock is set forward.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClockAdvance)]
struct Advance {
    /// How much later, down to milliseconds.
    #[schema(minimum = 0, maximum = 3_155_760_000_i64)]
    seconds: f64,
}

/// Tells what the clock of a domain, or of the server, shows.
#[utoipa::path(
    get,
    path = "/jobdeck/clock",
    operation_id = "getClock",
    tag = "mock",
    params(ScopeParams),
    responses((status = 200, description = "The clock.", body = ClockInfo), ParameterErrors)
)]
pub(crate) async fn clock(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    Ok(shown(&app, scope_parameter(&request, &access)?.as_deref()))
}

/// Sets the clock of a domain, or of the server; freezes it or lets it run.
///
/// A domain without a clock of its own gets one. Jobs that live have become what they are by then, before it is answered.
#[utoipa::path(
    put,
    path = "/jobdeck/clock",
    operation_id = "setClock",
    tag = "mock",
    params(ScopeParams),
    request_body(content = ClockSetting, examples(
        ("freeze" = (summary = "It stands still at a moment", value = json!({"now": "2026-01-01T12:00:00Z", "is_frozen": true}))),
        ("run" = (summary = "It runs from where it is", value = json!({"is_frozen": false})))
    )),
    responses((status = 200, description = "The clock.", body = ClockInfo), WriteErrors)
)]
pub(crate) async fn set_clock(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let domain_id = scope_parameter(&request, &access)?;
    let body = read_json(&request, body).await?;
    let setting: ClockSetting = read(&body)?;
    if setting.now.is_none() && setting.is_frozen.is_none() {
        let text = "expected `now`, `is_frozen`, or both".to_owned();
        return Err(problem("body", text).into());
    }
    set(&app, domain_id, move |clock| {
        let now = setting.now.unwrap_or_else(|| clock.now());
        if setting.is_frozen.unwrap_or(clock.is_frozen()) {
            Clock::Frozen(now)
        } else {
            Clock::running_from(now)
        }
    })
    .await
}

/// Sets the clock of a domain, or of the server, so much later.
///
/// Jobs that live have become what they are by then, before it is answered.
#[utoipa::path(
    post,
    path = "/jobdeck/clock/advance",
    operation_id = "advanceClock",
    tag = "mock",
    params(ScopeParams),
    request_body(content = Advance, example = json!({"seconds": 90.5})),
    responses((status = 200, description = "The clock.", body = ClockInfo), WriteErrors)
)]
pub(crate) async fn advance_clock(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let domain_id = scope_parameter(&request, &access)?;
    let body = read_json(&request, body).await?;
    let Advance { seconds } = read(&body)?;
    if !(0.0..=MAX_ADVANCE_SECONDS).contains(&seconds) {
        let text = format!(
            "expected a number from 0 to {MAX_ADVANCE_SECONDS}; PUT /jobdeck/clock sets it to any moment"
        );
        return Err(problem("seconds", text).into());
    }
    // Within the bounds above it is a number of milliseconds.
    #[allow(clippy::cast_possible_truncation)]
    let millis = (seconds * 1_000.0).round() as i64;
    set(&app, domain_id, move |clock| clock.advanced(millis)).await
}

/// Gives a domain the server's clock again; without a domain all clocks are as at the start.
#[utoipa::path(
    delete,
    path = "/jobdeck/clock",
    operation_id = "resetClock",
    tag = "mock",
    params(ScopeParams),
    responses((status = 200, description = "The clock.", body = ClockInfo), ParameterErrors)
)]
pub(crate) async fn reset_clock(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(body).await?;
    let domain_id = scope_parameter(&request, &access)?;
    let (mock, scope) = (mock_of(&app)?, domain_id.clone());
    blocking(move || Ok(mock.reset_clock(scope.as_deref())?)).await?;
    Ok(shown(&app, domain_id.as_deref()))
}

async fn set(
    app: &Data<App>,
    domain_id: Option<String>,
    change: impl FnOnce(Clock) -> Clock + Send + 'static,
) -> Result<HttpResponse, ApiError> {
    let (mock, scope) = (mock_of(app)?, domain_id.clone());
    blocking(move || Ok(mock.set_clock(scope.as_deref(), change)?)).await?;
    Ok(shown(app, domain_id.as_deref()))
}

fn shown(app: &App, domain_id: Option<&str>) -> HttpResponse {
    let clock = app.clocks.clock(domain_id);
    fresh(
        StatusCode::OK,
        &json!({"now": clock.now(), "is_frozen": clock.is_frozen()}),
    )
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    from_json(body).map_err(|fault| body_fault(body, &fault))
}
