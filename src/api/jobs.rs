//! `/inventory/v1/jobs`: SpaceONE's routes list, search and stat.

use std::sync::Arc;

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::admission::Access;
use super::answer::{AnswerWriter, LIGHT_BYTES, Weight, answer};
use super::app::App;
use super::body::read_json;
use super::caching::Caching;
use super::error::ApiError;
use super::parameters::{borrowed, no_parameters, pairs};
use super::schema::answers::{JobStats, JobsInfo};
use super::schema::errors::{BodyErrors, QueryStringErrors};
use super::schema::examples;
use crate::query::check::conditions::{depends_on_clock, has_patterns};
use crate::query::request::{JobStatQuery, JobsQuery, ListParams};
use crate::query::{ListPlan, QueryError, StatPlan, compile_list, compile_stat};
use crate::route::Route;
use crate::store::{ReadTransaction, StoreError};

/// The hint for parameters of a route that takes everything in its body.
const PUT_IT_INTO_THE_BODY: &str = "; put it into the body";

/// Lists jobs.
///
/// The query is in the query string, nested members by dots. Without a limit the answer holds every match and is streamed: an
/// error after its first bytes breaks the connection off. The `ETag` is the version of the data, which changes with every
/// write; an answer that changes with the clock, too, has none.
#[utoipa::path(
    method(get, head),
    path = Route::ListJobs.path(),
    operation_id = "listJobs",
    tag = "SpaceONE",
    params(
        ListParams,
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The `ETag` of an earlier answer.")
    ),
    responses(
        (status = 200, description = "The jobs that match.", body = JobsInfo,
            headers(("ETag" = String, description = "The version of the data; absent where the answer changes with the clock.")),
            example = json!(examples::jobs())),
        (status = 304, description = "Nothing has changed since.",
            headers(("ETag" = String, description = "The version of the data."))),
        QueryStringErrors
    )
)]
pub(super) async fn list(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    let query = JobsQuery::from_pairs(pairs(&request)?.iter().map(borrowed))?;
    let by_version = Caching::by_version(&request, &app);
    let clock = app.clocks.clock(Some(&query.domain_id));
    let changes_with_time =
        depends_on_clock(&query.query.filter, &query.query.filter_or) && !clock.is_frozen();
    let caching = if changes_with_time {
        Caching::Never
    } else {
        by_version
    };
    let is_short = request.query_string().len() <= LIGHT_BYTES;
    answer_list(&app, &access, query, is_short, caching).await
}

/// Lists jobs by a query in the body.
///
/// As the list by GET, but without an `ETag`.
#[utoipa::path(
    post,
    path = Route::SearchJobs.path(),
    operation_id = "searchJobs",
    tag = "SpaceONE",
    request_body(content = JobsQuery, description = "At most 1 MiB.", examples(
        ("page" = (summary = "The newest failures", value = json!(examples::search_page()))),
        ("filter" = (summary = "Throttled in the last week", value = json!(examples::search_filter()))),
        ("count" = (summary = "How many", value = json!(examples::search_count())))
    )),
    responses(
        (status = 200, description = "The jobs that match.", body = JobsInfo, example = json!(examples::jobs())),
        BodyErrors
    )
)]
pub(super) async fn search(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_parameters(&request, PUT_IT_INTO_THE_BODY)?;
    let body = read_json(&request, body).await?;
    let query = JobsQuery::from_json(&body)?;
    answer_list(&app, &access, query, is_short(&body), Caching::Never).await
}

/// Computes statistics over jobs.
///
/// The stages of `aggregate` are applied in order to the jobs that match the filter; `distinct` answers the distinct values
/// of a path.
#[utoipa::path(
    post,
    path = Route::StatJobs.path(),
    operation_id = "statJobs",
    tag = "SpaceONE",
    request_body(content = JobStatQuery, description = "At most 1 MiB.", examples(
        ("by_status" = (summary = "Jobs by status", value = json!(examples::stat_by_status()))),
        ("by_day" = (summary = "Successes and failures a day", value = json!(examples::stat_by_day()))),
        ("share" = (summary = "The share of failed jobs of each project", value = json!(examples::stat_share_of_failures()))),
        ("codes" = (summary = "How many error codes but one there are", value = json!(examples::stat_error_codes()))),
        ("distinct" = (summary = "The collectors that have jobs", value = json!(examples::stat_distinct())))
    )),
    responses(
        (status = 200, description = "The rows of the last stage, or the values.", body = JobStats, examples(
            ("rows" = (summary = "Rows", value = json!(examples::stats()))),
            ("values" = (summary = "Values, with a page", value = json!(examples::values())))
        )),
        BodyErrors
    )
)]
pub(super) async fn stat(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    answer_stat(&request, &app, access, body, read_without_own_operators).await
}

/// Reads a request for statistics of SpaceONE alone: its clients are tested against this server.
fn read_without_own_operators(body: &[u8]) -> Result<JobStatQuery, QueryError> {
    without_own_operators(JobStatQuery::from_json(body)?)
}

/// Refuses operators that SpaceONE does not have.
pub(super) fn without_own_operators(query: JobStatQuery) -> Result<JobStatQuery, QueryError> {
    match query.query.own_operator() {
        None => Ok(query),
        Some((location, operator)) => {
            let path = Route::StatWithPercentiles.path();
            let problem = format!("SpaceONE has no `{operator}`; POST {path} has it");
            Err(QueryError::Language { location, problem })
        }
    }
}

/// Answers a request for statistics, which `read` reads from its body.
pub(super) async fn answer_stat(
    request: &HttpRequest,
    app: &App,
    access: Access,
    body: Payload,
    read: fn(&[u8]) -> Result<JobStatQuery, QueryError>,
) -> Result<HttpResponse, ApiError> {
    let body = read_query(request, body).await?;
    answer_statistics(app, access, body, read, write_stat).await
}

/// Reads the body of a route that takes its query there.
pub(super) async fn read_query(request: &HttpRequest, body: Payload) -> Result<Bytes, ApiError> {
    no_parameters(request, PUT_IT_INTO_THE_BODY)?;
    read_json(request, body).await
}

/// Answers the statistics that `read` reads from a body, in the form that `write` writes.
pub(super) async fn answer_statistics(
    app: &App,
    access: Access,
    body: Bytes,
    read: impl Fn(&[u8]) -> Result<JobStatQuery, QueryError> + Send + 'static,
    write: fn(&StatPlan, &ReadTransaction<'_>, &mut AnswerWriter) -> Result<(), StoreError>,
) -> Result<HttpResponse, ApiError> {
    let clocks = Arc::clone(&app.clocks);
    let compile_it = move |query: &JobStatQuery| -> Result<_, ApiError> {
        access.check(Some(&query.domain_id))?;
        let plan = compile_stat(query, clocks.now(Some(&query.domain_id)));
        Ok(plan.map_err(|error| query.spellings.respelt(error))?)
    };
    // A long query is not even parsed on the worker's thread.
    let light = if is_short(&body) {
        Some(read(&body)?)
            .filter(|query| !has_patterns(&query.query.filter, &query.query.filter_or))
    } else {
        None
    };
    let is_light = light.is_some();
    let compile = move || match light {
        Some(query) => compile_it(&query),
        None => compile_it(&read(&body)?),
    };
    answer(
        app,
        (Weight::Statistics, is_light),
        Caching::Never,
        compile,
        write,
    )
    .await
}

/// Writes the rows of statistics, with their number where there is a page.
pub(super) fn write_stat(
    stat: &StatPlan,
    transaction: &ReadTransaction<'_>,
    writer: &mut AnswerWriter,
) -> Result<(), StoreError> {
    let out = writer.buffer();
    out.extend(b"{\"results\":[");
    let count = transaction.stat(stat, out)?;
    out.push(b']');
    if stat.page.limit.is_some() {
        out.extend(format!(",\"total_count\":{count}").bytes());
    }
    out.push(b'}');
    writer.count(stat.page.of(count));
    Ok(())
}

/// Whether a body may be read on the worker's own thread.
pub(super) fn is_short(body: &[u8]) -> bool {
    body.len() <= LIGHT_BYTES
}

/// Answers a list in the form that its request asks for.
pub(super) async fn answer_list(
    app: &App,
    access: &Access,
    query: JobsQuery,
    is_short: bool,
    caching: Caching,
) -> Result<HttpResponse, ApiError> {
    access.check(Some(&query.domain_id))?;
    let is_page = query.query.page.limit.is_some() || query.query.count_only;
    let weight = if is_page {
        Weight::Quick
    } else {
        Weight::Stream
    };
    let is_light = is_short && !has_patterns(&query.query.filter, &query.query.filter_or);
    let clocks = Arc::clone(&app.clocks);
    let compile = move || -> Result<ListPlan, ApiError> {
        let plan = compile_list(&query, clocks.now(Some(&query.domain_id)));
        Ok(plan.map_err(|error| query.spellings.respelt(error))?)
    };
    answer(app, (weight, is_light), caching, compile, write_list).await
}

/// Writes a JobsInfo: the documents as they are stored, with commas between.
fn write_list(
    plan: &ListPlan,
    transaction: &ReadTransaction<'_>,
    writer: &mut AnswerWriter,
) -> Result<(), StoreError> {
    writer.buffer().extend(b"{\"results\":[");
    let mut is_first = true;
    let count = transaction.list(plan, &mut |document| {
        let out = writer.buffer();
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        let start = out.len();
        document.write_as(&plan.form, out)?;
        writer.add_row(start);
        writer.flush_if_full()
    })?;
    writer
        .buffer()
        .extend(format!("],\"total_count\":{count}}}").bytes());
    Ok(())
}
