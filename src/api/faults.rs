//! The faults of a mock: how clients set them, list them and take them away.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::App;
use super::access::Access;
use super::error::ApiError;
use super::openapi::answers::{
    DeletedInfo, FaultInfo, FaultsInfo, NoSuch, ParameterErrors, ReleasedInfo, WriteErrors,
};
use super::openapi::examples;
use super::openapi::params::{DomainParams, OneFaultPath, ScopeParams};
use super::parameters::{Parameters, agree, domain_parameter, no_body, problem, scope_parameter};
use super::states::mock_of;
use super::wire::{fresh, read_json};
use crate::mock::Fault;

/// Lists the faults that are set, in the order in which they were.
#[utoipa::path(
    get,
    path = "/jobdeck/faults",
    operation_id = "listFaults",
    tag = "mock",
    params(ScopeParams),
    responses(
        (status = 200, description = "The faults.", body = FaultsInfo, example = json!({"results": [examples::fault_set()], "total_count": 1})),
        ParameterErrors
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    let domain_id = scope_parameter(&request, &access)?;
    let faults = mock_of(&app)?.faults.list(domain_id.as_deref());
    let body = json!({"results": faults, "total_count": faults.len()});
    Ok(fresh(StatusCode::OK, &body))
}

/// Sets a fault: how matching requests are misbehaved to from now on.
///
/// Every fault that matches a request is used, in the order in which they were set; of those that end an answer the first
/// counts. The mock's own controls and the page with its requests are spared, and so are health checks unless `route` names
/// them.
#[utoipa::path(
    post,
    path = "/jobdeck/faults",
    operation_id = "addFault",
    tag = "mock",
    params(DomainParams),
    request_body(content = Fault, examples(
        ("error" = (summary = "Two searches fail", value = json!(examples::fault_error()))),
        ("delay" = (summary = "A domain's answers are slow", value = json!(examples::fault_delay()))),
        ("drop" = (summary = "A connection is dropped", value = json!({"route": "/inventory/v1/jobs/stat", "times": 1, "drop": true}))),
        ("truncate" = (summary = "A body is cut short", value = json!({"route": "list", "times": 1, "truncate": 100}))),
        ("hold" = (summary = "Answers are held until released", value = json!({"route": "search", "domain_id": "domain-67094cea8ca4", "hold": true})))
    )),
    responses(
        (status = 201, description = "The fault, with its id.", body = FaultInfo, example = json!(examples::fault_set())),
        WriteErrors
    )
)]
pub(crate) async fn add(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let domain_id = domain_parameter(&request)?;
    let body = read_json(&request, body).await?;
    let mut fault = Fault::from_json(&body)?;
    agree("domain_id", &mut fault.domain_id, domain_id)?;
    access.check(fault.domain_id.as_deref())?;
    let added = mock_of(&app)?
        .faults
        .add(fault)
        .map_err(|full| problem("fault", full.to_string()))?;
    Ok(fresh(StatusCode::CREATED, &added))
}

/// Clears all faults, or those for one domain. What they held is let go.
#[utoipa::path(
    delete,
    path = "/jobdeck/faults",
    operation_id = "clearFaults",
    tag = "mock",
    params(ScopeParams),
    responses((status = 200, description = "How many there were.", body = DeletedInfo, example = json!({"deleted": 2})), ParameterErrors)
)]
pub(crate) async fn clear(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(body).await?;
    let domain_id = scope_parameter(&request, &access)?;
    let deleted = mock_of(&app)?.faults.clear(domain_id.as_deref());
    Ok(fresh(StatusCode::OK, &json!({"deleted": deleted})))
}

/// Clears a fault. What it held is let go.
#[utoipa::path(
    delete,
    path = "/jobdeck/faults/{id}",
    operation_id = "clearFault",
    tag = "mock",
    params(OneFaultPath),
    responses((status = 200, description = "It is gone.", body = DeletedInfo, example = json!({"deleted": 1})), ParameterErrors, NoSuch)
)]
pub(crate) async fn remove(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    id: Path<String>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(body).await?;
    Parameters::of(&request)?.finish()?;
    if mock_of(&app)?.faults.remove(&id, access.scope()?) {
        Ok(fresh(StatusCode::OK, &json!({"deleted": 1})))
    } else {
        Err(no_such_fault(&id))
    }
}

/// Lets the answers go that a fault holds, and takes its gate away.
#[utoipa::path(
    post,
    path = "/jobdeck/faults/{id}/release",
    operation_id = "releaseFault",
    tag = "mock",
    params(OneFaultPath),
    responses((status = 200, description = "How many were let go.", body = ReleasedInfo, example = json!({"released": 1})), ParameterErrors, NoSuch)
)]
pub(crate) async fn release(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    id: Path<String>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(body).await?;
    Parameters::of(&request)?.finish()?;
    match mock_of(&app)?.faults.release(&id, access.scope()?) {
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
