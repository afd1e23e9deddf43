//! SpaceONE's routes: list, search, stat.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::App;
use super::error::ApiError;
use super::wire::{AnswerWriter, answer, read_json};
use crate::query::request::{JobStatQuery, JobsQuery};
use crate::query::{List, QueryError, compile_list, compile_stat};
use crate::store::{Snapshot, StoreError};

/// The longest query string, in bytes.
const MAX_QUERY_STRING_BYTES: usize = 32 << 10;

/// `GET /inventory/v1/jobs`: a JobsQuery in the query string; answers JobsInfo.
pub(crate) async fn list(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, ApiError> {
    let text = request.query_string();
    if text.len() > MAX_QUERY_STRING_BYTES {
        return Err(ApiError::TooLarge(MAX_QUERY_STRING_BYTES));
    }
    let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
    let query = JobsQuery::from_pairs(
        pairs
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref())),
    )?;
    answer_list(&app, &query).await
}

/// `POST /inventory/v1/jobs/search`: a JobsQuery as JSON; answers JobsInfo.
pub(crate) async fn search(
    request: HttpRequest,
    app: Data<App>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let body = read_json(&request, body).await?;
    answer_list(&app, &JobsQuery::from_json(&body)?).await
}

/// `POST /inventory/v1/jobs/stat`: a JobStatQuery as JSON; answers `{"results": […]}`, with `total_count` for a page.
pub(crate) async fn stat(
    request: HttpRequest,
    app: Data<App>,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let body = read_json(&request, body).await?;
    let stat = compile_stat(&JobStatQuery::from_json(&body)?, app.clock.now())?;
    answer(
        app.store.clone(),
        app.query_timeout,
        move |snapshot, writer| {
            let out = writer.buffer();
            out.extend(b"{\"results\":[");
            let count = snapshot.stat(&stat, out)?;
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

async fn answer_list(app: &App, query: &JobsQuery) -> Result<HttpResponse, ApiError> {
    let list = compile_list(query, app.clock.now()).map_err(|error: QueryError| error)?;
    answer(
        app.store.clone(),
        app.query_timeout,
        move |snapshot, writer| write_list(snapshot, &list, writer),
    )
    .await
}

/// Writes a JobsInfo: the documents as they lie in the database, with commas between.
fn write_list(
    snapshot: &Snapshot<'_>,
    list: &List,
    writer: &mut AnswerWriter,
) -> Result<(), StoreError> {
    writer.buffer().extend(b"{\"results\":[");
    if let Some(rows) = &list.rows {
        let mut separator: &[u8] = b"";
        snapshot.documents(rows, &mut |document| {
            let out = writer.buffer();
            out.extend_from_slice(separator);
            out.extend_from_slice(document.as_bytes());
            separator = b",";
            writer.flush_if_full()
        })?;
    }
    let count = snapshot.count(list)?;
    writer
        .buffer()
        .extend(format!("],\"total_count\":{count}}}").bytes());
    Ok(())
}
