//! The journal of a mock: what it was asked, and waiting until it is.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::App;
use super::access::Access;
use super::error::ApiError;
use super::openapi::answers::{DeletedInfo, ErrorAnswer, ParameterErrors};
use super::openapi::examples;
use super::openapi::params::{JournalParams, ScopeParams};
use super::parameters::{Parameters, no_body, problem, scope_parameter};
use super::states::mock_of;
use super::wire::{fresh, is_known};
use crate::mock::{JournalEntry, JournalFilter, MAX_ENTRIES};
use crate::route::RouteName;

/// How long a request for the journal waits at most, in seconds.
const MAX_WAIT_SECONDS: f64 = 60.0;
/// How long it waits unless it says.
const WAIT_SECONDS: f64 = 10.0;

/// What the journal is asked.
struct JournalQuery {
    filter: JournalFilter,
    /// The newest so many.
    limit: usize,
    /// How many must have come, and how long to wait for them, in seconds.
    wait_for: Option<(usize, f64)>,
}

impl JournalQuery {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut parameters = Parameters::of(request)?;
        let filter = JournalFilter {
            domain_id: parameters.take_text("domain_id")?,
            job_id: parameters.take_text("job_id")?,
            route: match parameters.take("route")? {
                Some(name) => {
                    Some(RouteName::parse(&name).map_err(|unknown| problem("route", unknown))?)
                }
                None => None,
            },
            method: parameters
                .take("method")?
                .map(|method| method.to_ascii_uppercase()),
            path: parameters.take_text("path")?,
            status: parameters.take_as(
                "status",
                "a status from 100 to 599, or `null` for requests without an answer",
                |text| match text {
                    "null" => Some(None),
                    _ => text
                        .parse()
                        .ok()
                        .filter(|status| (100..600).contains(status))
                        .map(Some),
                },
            )?,
            contains: parameters.take_text("contains")?,
            after: parameters.take_as("after", "the id of a request", |text| text.parse().ok())?,
        };
        let limit = parameters.take_as("limit", "a number, 0 or more", |text| text.parse().ok())?;
        let expected = format!("a number from 0 to {MAX_ENTRIES}, which is how many are kept");
        let wait_for = parameters.take_as("wait_for", &expected, |text| {
            text.parse().ok().filter(|count| *count <= MAX_ENTRIES)
        })?;
        let expected = format!("seconds from 0 to {MAX_WAIT_SECONDS}");
        let timeout = parameters.take_as("timeout", &expected, |text| {
            let seconds = text.parse().ok();
            seconds.filter(|seconds| (0.0..=MAX_WAIT_SECONDS).contains(seconds))
        })?;
        parameters.finish()?;
        if timeout.is_some() && wait_for.is_none() {
            let text = "is how long `wait_for` waits, so give that".to_owned();
            return Err(problem("timeout", text).into());
        }
        Ok(Self {
            filter,
            limit: limit.unwrap_or(MAX_ENTRIES),
            wait_for: wait_for.map(|count| (count, timeout.unwrap_or(WAIT_SECONDS))),
        })
    }
}

/// The requests that were found.
#[derive(Serialize, ToSchema)]
struct JournalInfo<'e> {
    /// The oldest first.
    #[schema(value_type = Vec<JournalEntry>)]
    results: Vec<&'e JournalEntry>,
    /// How many match in all.
    total_count: usize,
}

/// Lists the requests that came, with their answers; or waits until so many have come.
///
/// The newest thousand are kept, of every route but the mock's own and the probes, and not the page's. With `wait_for` it
/// answers as soon as so many have come; else who has the version of now, by `If-None-Match`, is told so.
#[utoipa::path(
    get,
    path = "/jobdeck/journal",
    operation_id = "readJournal",
    tag = "mock",
    params(
        JournalParams,
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The `ETag` of an answer that is at hand.")
    ),
    responses(
        (status = 200, description = "The requests that match.", body = JournalInfo,
            headers(("ETag" = String, description = "The version of the journal.")), example = json!(examples::journal())),
        (status = 304, description = "Nothing has come since.",
            headers(("ETag" = String, description = "The version of the journal."))),
        ParameterErrors,
        (status = 408, description = "Fewer than `wait_for` had come when the time was up, or the server stopped.", body = ErrorAnswer,
            example = json!({"detail": {"code": "ERROR_REQUEST_TIMEOUT", "message": "1 of 3 requests came within 10 seconds"}}))
    )
)]
pub(crate) async fn read(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    let query = JournalQuery::read(&request)?;
    access.check(query.filter.domain_id.as_deref())?;
    let journal = &mock_of(&app)?.journal;
    // Read before the entries, so that it is never newer than they are. Weak, since they may be sent compressed.
    let version = journal.version();
    let tag = EntityTag::new_weak(format!("{version:x}"));
    let known = IfNoneMatch::parse(&request).ok();
    let found: Vec<Arc<JournalEntry>> = match query.wait_for {
        None => journal.find(&query.filter),
        Some((wanted, seconds)) => journal
            .wait_for(&query.filter, wanted, Duration::from_secs_f64(seconds))
            .await
            .map_err(|came| ApiError::Waited {
                came,
                wanted,
                seconds,
            })?,
    };
    if is_known(known.as_ref(), &tag) && journal.version() == version {
        return Ok(HttpResponse::NotModified()
            .insert_header(ETag(tag))
            .insert_header((CACHE_CONTROL, "no-store"))
            .finish());
    }
    let older = found.len().saturating_sub(query.limit);
    let body = JournalInfo {
        results: found.iter().skip(older).map(Arc::as_ref).collect(),
        total_count: found.len(),
    };
    Ok(HttpResponse::Ok()
        .insert_header(ETag(tag))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(&body))
}

/// Forgets all requests, or those that name one domain.
#[utoipa::path(
    delete,
    path = "/jobdeck/journal",
    operation_id = "clearJournal",
    tag = "mock",
    params(ScopeParams),
    responses((status = 200, description = "How many there were.", body = DeletedInfo, example = json!({"deleted": 12})), ParameterErrors)
)]
pub(crate) async fn clear(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(body).await?;
    let domain_id = scope_parameter(&request, &access)?;
    let deleted = mock_of(&app)?.journal.clear(domain_id.as_deref());
    Ok(fresh(StatusCode::OK, &json!({"deleted": deleted})))
}
