//! `/jobdeck/faults`: adds, lists, clears and releases the faults of a mock.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::admission::Access;
use super::answer::fresh;
use super::app::App;
use super::body::{no_body, read_json};
use super::error::ApiError;
use super::mock_control::MockControl;
use super::parameters::{agree, no_parameters, parameters, problem};
use super::schema::answers::{DeletedInfo, FaultInfo, FaultsInfo, ReleasedInfo};
use super::schema::errors::{NoSuch, ParameterErrors, WriteErrors};
use super::schema::examples;
use super::schema::params::{DomainParams, OneFaultPath, ScopeParams};
use crate::mock::Fault;
use crate::route::Route;

/// Lists the faults in the order in which they were added.
#[utoipa::path(
    method(get, head),
    path = Route::ListFaults.path(),
    operation_id = "listFaults",
    tag = "faults",
    params(ScopeParams),
    responses(
        (status = 200, description = "The faults.", body = FaultsInfo, example = json!({"results": [examples::fault_set()], "total_count": 1})),
        ParameterErrors
    )
)]
pub(super) async fn list(control: MockControl) -> HttpResponse {
    let results = control.mock.faults.list(control.domain_id.as_deref());
    let body = FaultsInfo {
        total_count: results.len() as u64,
        results,
    };
    fresh(StatusCode::OK, &body)
}

/// Adds a fault, which is injected into the answers of matching requests from now on.
///
/// Every fault that matches a request is used, in the order in which they were added; of those that end an answer the first
/// counts. Faults never apply to the mock's own controls or to the page and its requests, and to health checks only where
/// `route` names them.
#[utoipa::path(
    post,
    path = Route::AddFault.path(),
    operation_id = "addFault",
    tag = "faults",
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
pub(super) async fn add(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let DomainParams { domain_id } = parameters(&request)?;
    let body = read_json(&request, body).await?;
    let mut fault = Fault::from_json(&body)?;
    agree("domain_id", &mut fault.domain_id, domain_id)?;
    access.check(fault.domain_id.as_deref())?;
    let added = app
        .mock()?
        .faults
        .add(fault)
        .map_err(|full| problem("fault", full.to_string()))?;
    Ok(fresh(StatusCode::CREATED, &added))
}

/// Clears all faults, or those for one domain. Answers that they held are released.
#[utoipa::path(
    delete,
    path = Route::ClearFaults.path(),
    operation_id = "clearFaults",
    tag = "faults",
    params(ScopeParams),
    responses((status = 200, description = "How many faults there were.", body = DeletedInfo, example = json!({"deleted": 2})), ParameterErrors)
)]
pub(super) async fn clear(control: MockControl) -> HttpResponse {
    let deleted = control.mock.faults.clear(control.domain_id.as_deref()) as u64;
    fresh(StatusCode::OK, &DeletedInfo { deleted })
}

/// Clears a fault. Answers that it held are released.
#[utoipa::path(
    delete,
    path = Route::ClearFault.path(),
    operation_id = "clearFault",
    tag = "faults",
    params(OneFaultPath),
    responses((status = 200, description = "The fault is cleared.", body = DeletedInfo, example = json!({"deleted": 1})), ParameterErrors, NoSuch)
)]
pub(super) async fn remove(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    path: Path<OneFaultPath>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(&request, body).await?;
    no_parameters(&request, "")?;
    if app.mock()?.faults.remove(&path.id, access.scope()?) {
        Ok(fresh(StatusCode::OK, &DeletedInfo { deleted: 1 }))
    } else {
        Err(no_such_fault(&path.id))
    }
}

/// Releases the answers that a fault holds; the fault holds no further ones.
#[utoipa::path(
    post,
    path = Route::ReleaseFault.path(),
    operation_id = "releaseFault",
    tag = "faults",
    params(OneFaultPath),
    responses((status = 200, description = "How many answers were released.", body = ReleasedInfo, example = json!({"released": 1})), ParameterErrors, NoSuch)
)]
pub(super) async fn release(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    path: Path<OneFaultPath>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(&request, body).await?;
    no_parameters(&request, "")?;
    match app.mock()?.faults.release(&path.id, access.scope()?) {
        Some(released) => {
            let released = released as u64;
            Ok(fresh(StatusCode::OK, &ReleasedInfo { released }))
        }
        None => Err(no_such_fault(&path.id)),
    }
}

fn no_such_fault(id: &str) -> ApiError {
    let shown: String = id.chars().take(64).collect();
    ApiError::NoSuch(format!(
        "there is no fault `{shown}`; GET {} lists the faults",
        Route::ListFaults.path()
    ))
}
