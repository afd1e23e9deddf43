//! `/jobdeck/snapshots` and `/jobdeck/reset`: saves, lists, restores and deletes snapshots; resets a mock to its start.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;

use super::answer::fresh;
use super::blocking::blocking;
use super::error::ApiError;
use super::mock_control::MockControl;
use super::schema::answers::{JobsCount, SnapshotsInfo};
use super::schema::errors::{NoSuch, ParameterErrors};
use super::schema::examples;
use super::schema::params::{OneSnapshotPath, ScopeParams};
use crate::mock::SnapshotInfo;
use crate::route::Route;

/// Resets the jobs and clocks of a domain, or all, to the start.
///
/// The faults are reset, too, and answers that they held are released; a write that was held is not done, but answered 503.
/// Snapshots and the journal stay.
#[utoipa::path(
    post,
    path = Route::Reset.path(),
    operation_id = "reset",
    tag = "snapshots",
    params(ScopeParams),
    responses((status = 200, description = "How many jobs there are.", body = JobsCount, example = json!({"jobs": 5000})), ParameterErrors)
)]
pub(super) async fn reset(control: MockControl) -> Result<HttpResponse, ApiError> {
    let MockControl { mock, domain_id } = control;
    let jobs = blocking(move || Ok(mock.reset(domain_id.as_deref())?)).await?;
    Ok(fresh(StatusCode::OK, &JobsCount { jobs }))
}

/// Lists the snapshots: first those of the whole server, then by domain and name.
#[utoipa::path(
    method(get, head),
    path = Route::ListSnapshots.path(),
    operation_id = "listSnapshots",
    tag = "snapshots",
    params(ScopeParams),
    responses((status = 200, description = "The snapshots.", body = SnapshotsInfo, example = json!({"results": [examples::snapshot()]})), ParameterErrors)
)]
pub(super) async fn list(control: MockControl) -> Result<HttpResponse, ApiError> {
    let MockControl { mock, domain_id } = control;
    let results = blocking(move || Ok(mock.snapshots(domain_id.as_deref()))).await?;
    Ok(fresh(StatusCode::OK, &SnapshotsInfo { results }))
}

/// Saves the jobs of a domain, or all, as they are.
///
/// A snapshot of the same name and domain is replaced. There are at most 100.
#[utoipa::path(
    put,
    path = Route::SaveSnapshot.path(),
    operation_id = "saveSnapshot",
    tag = "snapshots",
    params(
        OneSnapshotPath,
        ScopeParams
    ),
    responses(
        (status = 200, description = "The snapshot, which replaced one.", body = SnapshotInfo, example = json!(examples::snapshot())),
        (status = 201, description = "The new snapshot.", body = SnapshotInfo, example = json!(examples::snapshot())),
        ParameterErrors
    )
)]
pub(super) async fn save(
    control: MockControl,
    path: Path<OneSnapshotPath>,
) -> Result<HttpResponse, ApiError> {
    let MockControl { mock, domain_id } = control;
    let (info, was_there) =
        blocking(move || Ok(mock.save(&path.name, domain_id.as_deref())?)).await?;
    let status = if was_there {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(fresh(status, &info))
}

/// Restores the jobs to what they were when the snapshot was saved.
///
/// `domain_id` is that of the save. Jobs that live go on from where they were.
#[utoipa::path(
    post,
    path = Route::RestoreSnapshot.path(),
    operation_id = "restoreSnapshot",
    tag = "snapshots",
    params(
        OneSnapshotPath,
        ScopeParams
    ),
    responses((status = 200, description = "How many jobs there are.", body = JobsCount, example = json!({"jobs": 5000})), ParameterErrors, NoSuch)
)]
pub(super) async fn restore(
    control: MockControl,
    path: Path<OneSnapshotPath>,
) -> Result<HttpResponse, ApiError> {
    let MockControl { mock, domain_id } = control;
    let jobs = blocking(move || Ok(mock.restore(&path.name, domain_id.as_deref())?)).await?;
    Ok(fresh(StatusCode::OK, &JobsCount { jobs }))
}

/// Deletes a snapshot.
#[utoipa::path(
    delete,
    path = Route::ForgetSnapshot.path(),
    operation_id = "forgetSnapshot",
    tag = "snapshots",
    params(
        OneSnapshotPath,
        ScopeParams
    ),
    responses((status = 204, description = "The snapshot is deleted."), ParameterErrors, NoSuch)
)]
pub(super) async fn forget(
    control: MockControl,
    path: Path<OneSnapshotPath>,
) -> Result<HttpResponse, ApiError> {
    let MockControl { mock, domain_id } = control;
    blocking(move || Ok(mock.forget(&path.name, domain_id.as_deref())?)).await?;
    Ok(HttpResponse::NoContent().finish())
}
