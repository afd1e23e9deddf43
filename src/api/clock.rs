//! `/jobdeck/clock`: reads, sets, advances and resets the clocks of a mock.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::fresh;
use super::app::App;
use super::blocking::blocking;
use super::error::ApiError;
use super::mock_control::{MockControl, MockSetting};
use super::parameters::problem;
use super::schema::answers::ClockInfo;
use super::schema::errors::{ParameterErrors, WriteErrors};
use super::schema::params::ScopeParams;
use crate::clock::Clock;
use crate::route::Route;
use crate::time::Timestamp;

/// The most that a clock is advanced by one request, in seconds: a hundred years.
const MAX_ADVANCE_SECONDS: f64 = 3_155_760_000.0;

/// How a clock is set. At least one of the two members is given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockSetting {
    /// The new time; if left out, as before.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    now: Option<Timestamp>,
    /// Whether the clock is frozen; if left out, as before.
    #[serde(default)]
    is_frozen: Option<bool>,
}

/// How far a clock is advanced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClockAdvance)]
pub(super) struct Advance {
    /// By how many seconds, down to milliseconds.
    #[schema(minimum = 0, maximum = 3_155_760_000_i64)]
    seconds: f64,
}

/// Answers the time of the clock of a domain, or of the server.
#[utoipa::path(
    method(get, head),
    path = Route::GetClock.path(),
    operation_id = "getClock",
    tag = "clock",
    params(ScopeParams),
    responses((status = 200, description = "The clock.", body = ClockInfo), ParameterErrors)
)]
pub(super) async fn get(app: Data<App>, control: MockControl) -> HttpResponse {
    shown(&app, control.domain_id.as_deref())
}

/// Sets the clock of a domain, or of the server; freezes it or lets it run.
///
/// A domain without a clock of its own gets one. Jobs that live are brought up to the new time before the answer.
#[utoipa::path(
    put,
    path = Route::SetClock.path(),
    operation_id = "setClock",
    tag = "clock",
    params(ScopeParams),
    request_body(content = ClockSetting, examples(
        ("freeze" = (summary = "Stop it at a time", value = json!({"now": "2026-01-01T12:00:00Z", "is_frozen": true}))),
        ("run" = (summary = "Let it run on", value = json!({"is_frozen": false})))
    )),
    responses((status = 200, description = "The clock.", body = ClockInfo), WriteErrors)
)]
pub(super) async fn set(
    app: Data<App>,
    request: MockSetting<ClockSetting>,
) -> Result<HttpResponse, ApiError> {
    let MockSetting {
        control,
        body: setting,
    } = request;
    if setting.now.is_none() && setting.is_frozen.is_none() {
        let text = "expected `now`, `is_frozen`, or both".to_owned();
        return Err(problem("body", text).into());
    }
    // A clock that was frozen runs on as fast as before.
    let speed = app.clocks.initial().speed();
    change(&app, control, move |clock| {
        let now = setting.now.unwrap_or_else(|| clock.now());
        if setting.is_frozen.unwrap_or(clock.is_frozen()) {
            Clock::Frozen(now)
        } else {
            Clock::running_at(now, speed)
        }
    })
    .await
}

/// Advances the clock of a domain, or of the server.
///
/// Jobs that live are brought up to the new time before the answer.
#[utoipa::path(
    post,
    path = Route::AdvanceClock.path(),
    operation_id = "advanceClock",
    tag = "clock",
    params(ScopeParams),
    request_body(content = Advance, example = json!({"seconds": 90.5})),
    responses((status = 200, description = "The clock.", body = ClockInfo), WriteErrors)
)]
pub(super) async fn advance(
    app: Data<App>,
    request: MockSetting<Advance>,
) -> Result<HttpResponse, ApiError> {
    let MockSetting { control, body } = request;
    let Advance { seconds } = body;
    if !(0.0..=MAX_ADVANCE_SECONDS).contains(&seconds) {
        let text = format!(
            "expected a number from 0 to {MAX_ADVANCE_SECONDS}; PUT {} sets it to any time",
            Route::SetClock.path()
        );
        return Err(problem("seconds", text).into());
    }
    // Within the bounds above it is a number of milliseconds.
    #[allow(clippy::cast_possible_truncation)]
    let millis = (seconds * 1_000.0).round() as i64;
    change(&app, control, move |clock| clock.advanced(millis)).await
}

/// Gives a domain the server's clock again; without a domain, resets all clocks to the start.
#[utoipa::path(
    delete,
    path = Route::ResetClock.path(),
    operation_id = "resetClock",
    tag = "clock",
    params(ScopeParams),
    responses((status = 200, description = "The clock.", body = ClockInfo), ParameterErrors)
)]
pub(super) async fn reset(app: Data<App>, control: MockControl) -> Result<HttpResponse, ApiError> {
    let MockControl { mock, domain_id } = control;
    let scope = domain_id.clone();
    blocking(move || Ok(mock.reset_clock(scope.as_deref())?)).await?;
    Ok(shown(&app, domain_id.as_deref()))
}

async fn change(
    app: &App,
    control: MockControl,
    change: impl FnOnce(Clock) -> Clock + Send + 'static,
) -> Result<HttpResponse, ApiError> {
    let MockControl { mock, domain_id } = control;
    let scope = domain_id.clone();
    blocking(move || Ok(mock.set_clock(scope.as_deref(), change)?)).await?;
    Ok(shown(app, domain_id.as_deref()))
}

fn shown(app: &App, domain_id: Option<&str>) -> HttpResponse {
    let clock = app.clocks.clock(domain_id);
    let body = ClockInfo {
        now: clock.now(),
        is_frozen: clock.is_frozen(),
    };
    fresh(StatusCode::OK, &body)
}
