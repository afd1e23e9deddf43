//! The journal of a mock: what it was asked, and waiting until it is.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, EntityTag, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::access::Access;
use super::answer::fresh;
use super::app::App;
use super::caching::Version;
use super::error::ApiError;
use super::mock_control::MockControl;
use super::parameters::{Parameters, problem};
use super::schema::answers::{DeletedInfo, ErrorAnswer, JournalInfo};
use super::schema::errors::ParameterErrors;
use super::schema::examples;
use super::schema::params::{JournalParams, ScopeParams};
use crate::mock::{JournalEntry, JournalFilter, MAX_ENTRIES};
use crate::route::{Route, RouteName};

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

/// Lists the requests that came, with their answers; or waits until so many have come.
///
/// The newest thousand are kept, of every route but the mock's own and the probes, and not the page's. With `wait_for` it
/// answers as soon as so many have come; else who has the version of now, by `If-None-Match`, is told so.
#[utoipa::path(
    get,
    path = Route::ReadJournal.path(),
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
pub(super) async fn read(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    let query = JournalQuery::read(&request)?;
    access.check(query.filter.domain_id.as_deref())?;
    let journal = &app.mock()?.journal;
    // Read before the entries, so that it is never newer than they are. Weak, since they may be sent compressed.
    let version = journal.version();
    let entries: Vec<Arc<JournalEntry>> = match query.wait_for {
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
    let tag = EntityTag::new_weak(format!("{version:x}"));
    let tag = Version::new(&request, tag).only_if(journal.version() == version);
    let mut response = tag.answer(|response| {
        let older = entries.len().saturating_sub(query.limit);
        response.json(JournalInfo {
            results: entries.iter().skip(older).map(Arc::as_ref).collect(),
            total_count: entries.len(),
        })
    });
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

/// Forgets all requests, or those that name one domain.
#[utoipa::path(
    delete,
    path = Route::ClearJournal.path(),
    operation_id = "clearJournal",
    tag = "mock",
    params(ScopeParams),
    responses((status = 200, description = "How many there were.", body = DeletedInfo, example = json!({"deleted": 12})), ParameterErrors)
)]
pub(super) async fn clear(control: MockControl) -> HttpResponse {
    let deleted = control.mock.journal.clear(control.domain_id.as_deref()) as u64;
    fresh(StatusCode::OK, &DeletedInfo { deleted })
}
