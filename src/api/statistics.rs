//! `POST /jobdeck/stat`: SpaceONE's statistics, with operators of jobdeck's own.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::admission::Access;
use super::app::App;
use super::error::ApiError;
use super::jobs::answer_stat;
use super::schema::answers::JobStats;
use super::schema::errors::BodyErrors;
use super::schema::examples;
use crate::query::request::JobStatQuery;
use crate::route::Route;

/// Computes statistics over jobs, with medians and percentiles.
///
/// It takes and answers what `POST /inventory/v1/jobs/stat` does, and has two more operators in `group.fields`: `median`, and
/// `percentile` with a `percent`.
#[utoipa::path(
    post,
    path = Route::StatWithPercentiles.path(),
    operation_id = "statJobsWithPercentiles",
    tag = "reading",
    request_body(content = JobStatQuery, description = "At most 1 MiB.", example = json!(examples::stat_percentiles())),
    responses(
        (status = 200, description = "The rows of the last stage, or the values.", body = JobStats,
            example = json!(examples::percentiles())),
        BodyErrors
    )
)]
pub(super) async fn stat(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    answer_stat(&request, &app, access, body, JobStatQuery::from_json).await
}
