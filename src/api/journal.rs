//! `/jobdeck/journal`: reads and clears the journal of a mock, and waits for requests.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, EntityTag, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::admission::Access;
use super::answer::fresh;
use super::app::App;
use super::caching::Version;
use super::error::ApiError;
use super::mock_control::MockControl;
use super::parameters::{parameters, problem};
use super::schema::answers::{DeletedInfo, ErrorAnswer, JournalInfo};
use super::schema::errors::ParameterErrors;
use super::schema::examples;
use super::schema::params::{JournalParams, ScopeParams};
use crate::mock::{JournalEntry, MAX_ENTRIES};
use crate::route::Route;

/// How long a request for the journal waits unless it says, in seconds.
const DEFAULT_WAIT_SECONDS: f64 = 10.0;

/// Lists the requests that came, with their answers; or waits for a number of them.
///
/// The journal keeps the newest thousand requests, but none to the mock's own controls, none of health checks and none of the
/// page. With `wait_for` the answer comes as soon as that many requests match. Without it a client that has the current
/// version, by `If-None-Match`, is answered 304.
#[utoipa::path(
    method(get, head),
    path = Route::ReadJournal.path(),
    operation_id = "readJournal",
    tag = "journal",
    params(
        JournalParams,
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The `ETag` of an earlier answer.")
    ),
    responses(
        (status = 200, description = "The requests that match.", body = JournalInfo,
            headers(("ETag" = String, description = "The version of the journal.")), example = json!(examples::journal())),
        (status = 304, description = "No request has come since.",
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
    let params: JournalParams = parameters(&request)?;
    access.check(params.domain_id.as_deref())?;
    let limit = params.limit.map_or(MAX_ENTRIES, to_usize);
    let wait_for = params.wait_for.map(to_usize);
    let seconds = params.timeout.unwrap_or(DEFAULT_WAIT_SECONDS);
    if params.timeout.is_some() && wait_for.is_none() {
        let text = "is how long `wait_for` waits, so give that".to_owned();
        return Err(problem("timeout", text).into());
    }
    let filter = params.filter();
    let journal = &app.mock()?.journal;
    // Read before the entries, so that it is never newer than they are. Weak, since they may be sent compressed.
    let version = journal.version();
    let entries: Vec<Arc<JournalEntry>> = match wait_for {
        None => journal.find(&filter),
        Some(wanted) => journal
            .wait_for(&filter, wanted, Duration::from_secs_f64(seconds))
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
        let older = entries.len().saturating_sub(limit);
        response.json(JournalInfo {
            results: entries.iter().skip(older).map(Arc::as_ref).collect(),
            total_count: entries.len(),
        })
    });
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

/// Clears the journal, or what it has of one domain.
#[utoipa::path(
    delete,
    path = Route::ClearJournal.path(),
    operation_id = "clearJournal",
    tag = "journal",
    params(ScopeParams),
    responses((status = 200, description = "How many requests there were.", body = DeletedInfo, example = json!({"deleted": 12})), ParameterErrors)
)]
pub(super) async fn clear(control: MockControl) -> HttpResponse {
    let deleted = control.mock.journal.clear(control.domain_id.as_deref()) as u64;
    fresh(StatusCode::OK, &DeletedInfo { deleted })
}

/// Converts a number of entries, which are never more than memory has addresses.
fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
