//! What SpaceONE's console asks besides jobs: which calls there are, when it starts, and suggestions for what a user types.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::value::RawValue;

use super::domain::default_domain;
use crate::api::admission::Access;
use crate::api::answer::{AnswerWriter, fresh};
use crate::api::app::{App, Switches};
use crate::api::error::ApiError;
use crate::api::jobs::{answer_statistics, read_query};
use crate::api::schema::answers::{Api, Apis, Suggestion, Suggestions};
use crate::api::schema::errors::BodyErrors;
use crate::api::schema::examples;
use crate::job::Shape;
use crate::query::StatPlan;
use crate::query::request::{JobStatQuery, SuggestionQuery};
use crate::route::Route;
use crate::store::{ReadTransaction, StoreError};

/// The routes that a console may call.
const CALLS: [Route; 7] = [
    Route::TodayList,
    Route::TodayStat,
    Route::TodayGet,
    Route::TodayAnalyze,
    Route::TodayDelete,
    Route::Suggest,
    Route::ConsoleReflection,
];

/// Lists the calls that SpaceONE's console may make.
///
/// The console learns them here when it starts, before anyone signs in: no token is needed.
#[utoipa::path(
    method(get, head),
    path = Route::ConsoleReflection.path(),
    operation_id = "getConsoleReflection",
    tag = "today",
    responses((status = 200, description = "The calls.", body = Apis))
)]
pub(in crate::api) async fn reflection(app: Data<App>) -> HttpResponse {
    fresh(StatusCode::OK, &apis(app.switches()))
}

/// Lists the calls that SpaceONE's console may make, as older gateways ask; a body means nothing.
#[utoipa::path(
    post,
    path = Route::Reflection.path(),
    operation_id = "postReflection",
    tag = "today",
    responses((status = 200, description = "The calls.", body = Apis))
)]
pub(in crate::api) async fn reflection_by_post(app: Data<App>) -> HttpResponse {
    fresh(StatusCode::OK, &apis(app.switches()))
}

fn apis(switches: Switches) -> Apis {
    let routes = CALLS.into_iter().filter(|route| switches.bring(*route));
    let apis = routes.map(|route| Api {
        path: route.path(),
        name: route.path().rsplit('/').next().unwrap_or_default(),
        method: route.methods(),
    });
    Apis {
        apis: apis.collect(),
    }
}

/// Suggests values for what a user types.
///
/// The different values of a path that are not null and contain the searched text.
#[utoipa::path(
    post,
    path = Route::Suggest.path(),
    operation_id = "suggestValues",
    tag = "today",
    request_body(content = SuggestionQuery, description = "At most 1 MiB.", example = json!(examples::suggest())),
    responses((status = 200, description = "The values.", body = Suggestions), BodyErrors)
)]
pub(in crate::api) async fn suggest(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let body = read_query(&request, body).await?;
    let domain = default_domain(&request, &app, &access, &body).await?;
    let read = move |body: &[u8]| {
        JobStatQuery::from_suggestion_body(body, domain.as_deref(), Shape::Today)
    };
    answer_statistics(&app, access, body, read, write_suggestions).await
}

/// Writes each value with a name, which is the value.
fn write_suggestions(
    stat: &StatPlan,
    transaction: &ReadTransaction<'_>,
    writer: &mut AnswerWriter,
) -> Result<(), StoreError> {
    let damaged = |error: serde_json::Error| StoreError::Damaged(error.to_string());
    let mut values = b"[".to_vec();
    let count = transaction.stat(stat, &mut values)?;
    values.push(b']');
    let values: Vec<&RawValue> = serde_json::from_slice(&values).map_err(damaged)?;
    writer.count(values.len() as u64);
    let results = values.into_iter();
    let body = Suggestions {
        results: results.map(|key| Suggestion { key, name: key }).collect(),
        total_count: stat.page.limit.map(|_| count),
    };
    serde_json::to_writer(writer.buffer(), &body).map_err(damaged)
}
