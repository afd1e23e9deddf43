//! SpaceONE's routes: list, search, stat.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::App;
use super::error::ApiError;
use super::wire::{AnswerWriter, Caching, Weight, answer, read_json};
use crate::query::request::{JobStatQuery, JobsQuery};
use crate::query::{List, QueryError, compile_list, compile_stat};
use crate::store::{Snapshot, StoreError};

/// The longest query string, in bytes.
const MAX_QUERY_STRING_BYTES: usize = 32 << 10;

/// `GET /inventory/v1/jobs`: a JobsQuery in the query string; answers JobsInfo, under the version of the data as its
/// `ETag` where the answer hangs on nothing else.
pub(crate) async fn list(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, ApiError> {
    let query = JobsQuery::from_pairs(pairs(&request)?.iter().map(borrowed))?;
    let clock = app.clocks.of(Some(&query.domain_id));
    let moves_with_time = query.query.asks_the_clock() && !clock.is_frozen();
    let caching = if moves_with_time {
        Caching::Never
    } else {
        Caching::by_version(&request)
    };
    answer_list(&app, query, caching).await
}

/// A name and its value in a query string, decoded.
pub(super) type Pair<'r> = (Cow<'r, str>, Cow<'r, str>);

/// The pairs of a query string, in its order.
pub(super) fn pairs(request: &HttpRequest) -> Result<Vec<Pair<'_>>, ApiError> {
    let text = request.query_string();
    if text.len() > MAX_QUERY_STRING_BYTES {
        return Err(ApiError::LongQueryString(MAX_QUERY_STRING_BYTES));
    }
    Ok(form_urlencoded::parse(text.as_bytes()).collect())
}

pub(super) fn borrowed<'p>((name, value): &'p Pair<'_>) -> (&'p str, &'p str) {
    (name, value)
}

/// `POST /inventory/v1/jobs/search`: a JobsQuery as JSON; answers JobsInfo.
pub(crate) async fn search(
    request: HttpRequest,
    app: Data<App>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let body = read_json(&request, body).await?;
    answer_list(&app, JobsQuery::from_json(&body)?, Caching::Never).await
}

/// `POST /inventory/v1/jobs/stat`: a JobStatQuery as JSON; answers `{"results": […]}`, with `total_count` for a page.
pub(crate) async fn stat(
    request: HttpRequest,
    app: Data<App>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let body: Bytes = read_json(&request, body).await?;
    let clocks = Arc::clone(&app.clocks);
    let compile = move || {
        let query = JobStatQuery::from_json(&body)?;
        let now = clocks.now(Some(&query.domain_id));
        compile_stat(&query, now)
    };
    answer(
        &app,
        Weight::Statistics,
        Caching::Never,
        compile,
        |stat, snapshot, writer| {
            let out = writer.buffer();
            out.extend(b"{\"results\":[");
            let count = snapshot.stat(stat, out)?;
            out.push(b']');
            if stat.page.limit.is_some() {
                out.extend(format!(",\"total_count\":{count}").bytes());
            }
            out.push(b'}');
            Ok(())
        },
    )
    .await
}

async fn answer_list(
    app: &App,
    query: JobsQuery,
    caching: Caching,
) -> Result<HttpResponse, ApiError> {
    let is_page = query.query.page.limit.is_some() || query.query.count_only;
    let weight = if is_page {
        Weight::Quick
    } else {
        Weight::Stream
    };
    let now = app.clocks.now(Some(&query.domain_id));
    let compile = move || -> Result<List, QueryError> { compile_list(&query, now) };
    answer(app, weight, caching, compile, write_list).await
}

/// Writes a JobsInfo: the documents as they lie in the database, with commas between.
fn write_list(
    list: &List,
    snapshot: &Snapshot<'_>,
    writer: &mut AnswerWriter,
) -> Result<(), StoreError> {
    writer.buffer().extend(b"{\"results\":[");
    let mut written = 0;
    if let Some(rows) = &list.rows {
        snapshot.documents(rows, &mut |document| {
            let out = writer.buffer();
            if written > 0 {
                out.push(b',');
            }
            out.extend_from_slice(document.as_bytes());
            written += 1;
            writer.flush_if_full()
        })?;
    }
    let count = match &list.rows {
        Some(_) if list.is_whole => written,
        _ => snapshot.count(list)?,
    };
    writer
        .buffer()
        .extend(format!("],\"total_count\":{count}}}").bytes());
    Ok(())
}
