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

use super::App;
use super::error::ApiError;
use super::parameters::{domain_parameter, problem};
use super::wire::{fresh, read_json};
use super::write::blocking;
use crate::clock::Clock;
use crate::job::from_json;
use crate::mock::Mock;
use crate::time::Timestamp;

/// The most that a clock is advanced at once, in seconds: a hundred years.
const MAX_ADVANCE_SECONDS: f64 = 3_155_760_000.0;

/// The middleware that writes what has become of living jobs before a request sees them.
pub(crate) async fn bring_up_to_date(
    app: Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Some(mock) = app.mock.as_ref().filter(|mock| mock.is_due()) {
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

/// `POST /jobdeck/reset?domain_id=`: the jobs and clocks of a domain, or all, as they were at the start; `{"jobs": n}`.
pub(crate) async fn reset(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, ApiError> {
    let (mock, domain_id) = (mock_of(&app)?, domain_parameter(&request)?);
    let jobs = blocking(move || Ok(mock.reset(domain_id.as_deref())?)).await?;
    Ok(fresh(StatusCode::OK, &json!({"jobs": jobs})))
}

/// `GET /jobdeck/snapshots?domain_id=`: `{"results": [{"name", "domain_id", "jobs", "saved_at"}]}`.
pub(crate) async fn snapshots(
    request: HttpRequest,
    app: Data<App>,
) -> Result<HttpResponse, ApiError> {
    let (mock, domain_id) = (mock_of(&app)?, domain_parameter(&request)?);
    let results = blocking(move || Ok(mock.snapshots(domain_id.as_deref()))).await?;
    Ok(fresh(StatusCode::OK, &json!({"results": results})))
}

/// `PUT /jobdeck/snapshots/{name}?domain_id=`: saves the jobs as they are; 201 where the name is new.
pub(crate) async fn save(
    request: HttpRequest,
    app: Data<App>,
    name: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (mock, domain_id) = (mock_of(&app)?, domain_parameter(&request)?);
    let (info, was_there) = blocking(move || Ok(mock.save(&name, domain_id.as_deref())?)).await?;
    let status = if was_there {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(fresh(status, &info))
}

/// `POST /jobdeck/snapshots/{name}/restore?domain_id=`: the jobs as they were when it was saved; `{"jobs": n}`.
pub(crate) async fn restore(
    request: HttpRequest,
    app: Data<App>,
    name: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (mock, domain_id) = (mock_of(&app)?, domain_parameter(&request)?);
    let jobs = blocking(move || Ok(mock.restore(&name, domain_id.as_deref())?)).await?;
    Ok(fresh(StatusCode::OK, &json!({"jobs": jobs})))
}

/// `DELETE /jobdeck/snapshots/{name}?domain_id=`: forgets a snapshot; 204.
pub(crate) async fn forget(
    request: HttpRequest,
    app: Data<App>,
    name: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (mock, domain_id) = (mock_of(&app)?, domain_parameter(&request)?);
    blocking(move || Ok(mock.forget(&name, domain_id.as_deref())?)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// How a clock is set: any of the two, or both.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockSetting {
    /// What it shows from now on.
    #[serde(default)]
    now: Option<Timestamp>,
    /// Whether it stands still; left out, as before.
    #[serde(default)]
    is_frozen: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// How much later, down to milliseconds.
    seconds: f64,
}

/// `GET /jobdeck/clock?domain_id=`: `{"now", "is_frozen"}`.
pub(crate) async fn clock(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, ApiError> {
    Ok(shown(&app, domain_parameter(&request)?.as_deref()))
}

/// `PUT /jobdeck/clock?domain_id=`: `{"now", "is_frozen"}` sets, freezes or lets run; answers as GET does.
pub(crate) async fn set_clock(
    request: HttpRequest,
    app: Data<App>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let domain_id = domain_parameter(&request)?;
    let body = read_json(&request, body).await?;
    let setting: ClockSetting = read(&body)?;
    if setting.now.is_none() && setting.is_frozen.is_none() {
        let text = "expected `now`, `is_frozen`, or both".to_owned();
        return Err(problem("body", text).into());
    }
    let clock = app.clocks.of(domain_id.as_deref());
    let now = setting.now.unwrap_or_else(|| clock.now());
    let clock = if setting.is_frozen.unwrap_or(clock.is_frozen()) {
        Clock::Frozen(now)
    } else {
        Clock::running_from(now)
    };
    set(&app, domain_id, Some(clock)).await
}

/// `POST /jobdeck/clock/advance?domain_id=`: `{"seconds"}` sets it so much later; answers as GET does.
pub(crate) async fn advance_clock(
    request: HttpRequest,
    app: Data<App>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let domain_id = domain_parameter(&request)?;
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
    let clock = app.clocks.of(domain_id.as_deref()).advanced(millis);
    set(&app, domain_id, Some(clock)).await
}

/// `DELETE /jobdeck/clock?domain_id=`: the clock of a domain is the server's again; without one all are as at the start.
pub(crate) async fn reset_clock(
    request: HttpRequest,
    app: Data<App>,
) -> Result<HttpResponse, ApiError> {
    let domain_id = domain_parameter(&request)?;
    set(&app, domain_id, None).await
}

async fn set(
    app: &Data<App>,
    domain_id: Option<String>,
    clock: Option<Clock>,
) -> Result<HttpResponse, ApiError> {
    let (mock, scope) = (mock_of(app)?, domain_id.clone());
    blocking(move || Ok(mock.set_clock(scope.as_deref(), clock)?)).await?;
    Ok(shown(app, domain_id.as_deref()))
}

fn shown(app: &App, domain_id: Option<&str>) -> HttpResponse {
    let clock = app.clocks.of(domain_id);
    fresh(
        StatusCode::OK,
        &json!({"now": clock.now(), "is_frozen": clock.is_frozen()}),
    )
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    from_json(body).map_err(|fault| {
        let place = if fault.field.is_empty() {
            "body"
        } else {
            &fault.field
        };
        problem(place, fault.problem).into()
    })
}
