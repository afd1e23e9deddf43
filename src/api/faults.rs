//! The faults of a mock: how clients set them, list them and take them away.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::App;
use super::error::ApiError;
use super::parameters::{Parameters, domain_parameter, problem};
use super::states::mock_of;
use super::wire::{fresh, read_json};
use crate::mock::Fault;

/// `GET /jobdeck/faults?domain_id=`: `{"results": […], "total_count"}`, in the order in which they were set.
pub(crate) async fn list(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, ApiError> {
    let domain_id = domain_parameter(&request)?;
    let faults = mock_of(&app)?.faults.list(domain_id.as_deref());
    let body = json!({"results": faults, "total_count": faults.len()});
    Ok(fresh(StatusCode::OK, &body))
}

/// `POST /jobdeck/faults`: a [`Fault`]; answers 201 and it with its `id`.
pub(crate) async fn add(
    request: HttpRequest,
    app: Data<App>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    Parameters::of(&request)?.finish()?;
    let body = read_json(&request, body).await?;
    let fault = Fault::from_json(&body)?;
    let added = mock_of(&app)?
        .faults
        .add(fault)
        .map_err(|full| problem("fault", full.to_string()))?;
    Ok(fresh(StatusCode::CREATED, &added))
}

/// `DELETE /jobdeck/faults?domain_id=`: all, or those for one domain; answers `{"deleted"}`. What they held is let go.
pub(crate) async fn clear(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, ApiError> {
    let domain_id = domain_parameter(&request)?;
    let deleted = mock_of(&app)?.faults.clear(domain_id.as_deref());
    Ok(fresh(StatusCode::OK, &json!({"deleted": deleted})))
}

/// `DELETE /jobdeck/faults/{id}`: answers `{"deleted": 1}`. What it held is let go.
pub(crate) async fn remove(
    request: HttpRequest,
    app: Data<App>,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    Parameters::of(&request)?.finish()?;
    if mock_of(&app)?.faults.remove(&id) {
        Ok(fresh(StatusCode::OK, &json!({"deleted": 1})))
    } else {
        Err(no_such_fault(&id))
    }
}

/// `POST /jobdeck/faults/{id}/release`: opens its gate and takes the gate away; answers `{"released"}`, how many answers
/// were let go.
pub(crate) async fn release(
    request: HttpRequest,
    app: Data<App>,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    Parameters::of(&request)?.finish()?;
    match mock_of(&app)?.faults.release(&id) {
        Some(released) => Ok(fresh(StatusCode::OK, &json!({"released": released}))),
        None => Err(no_such_fault(&id)),
    }
}

fn no_such_fault(id: &str) -> ApiError {
    let shown: String = id.chars().take(64).collect();
    ApiError::NoSuch(format!(
        "there is no fault `{shown}`; GET /jobdeck/faults lists those there are"
    ))
}
