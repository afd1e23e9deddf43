//! The verbs of the Job API, in a shape of jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::domain::default_domain;
use crate::api::admission::Access;
use crate::api::answer::{AnswerWriter, Weight, answer, fresh};
use crate::api::app::App;
use crate::api::caching::Caching;
use crate::api::error::ApiError;
use crate::api::jobs::{
    answer_list, answer_statistics, is_short, read_query, without_own_operators, write_stat,
};
use crate::api::write::delete_job;
use crate::job::Shape;
use crate::query::request::{JobRequest, JobStatQuery, JobsQuery};
use crate::query::{StatPlan, compile_list};
use crate::store::{ReadTransaction, StoreError};

/// Reads a body, and the domain of one that names none.
async fn read(
    request: &HttpRequest,
    app: &App,
    access: &Access,
    body: Payload,
) -> Result<(Bytes, Option<String>), ApiError> {
    let body = read_query(request, body).await?;
    let domain = default_domain(request, app, access, &body).await?;
    Ok((body, domain))
}

/// Lists jobs.
pub(super) async fn list(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
    shape: Shape,
) -> Result<HttpResponse, ApiError> {
    let (body, domain) = read(&request, &app, &access, body).await?;
    let query = JobsQuery::from_list_body(&body, domain.as_deref(), shape)?;
    answer_list(&app, &access, query, is_short(&body), Caching::Never).await
}

/// Computes statistics.
pub(super) async fn stat(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
    shape: Shape,
) -> Result<HttpResponse, ApiError> {
    let (body, domain) = read(&request, &app, &access, body).await?;
    let parse = move |body: &[u8]| {
        let query = JobStatQuery::from_stat_body(body, domain.as_deref(), shape)?;
        without_own_operators(query)
    };
    answer_statistics(&app, access, body, parse, write_stat).await
}

/// Analyzes jobs: statistics with their order named.
pub(super) async fn analyze(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
    shape: Shape,
) -> Result<HttpResponse, ApiError> {
    let (body, domain) = read(&request, &app, &access, body).await?;
    let parse = move |body: &[u8]| JobStatQuery::from_analyze_body(body, domain.as_deref(), shape);
    answer_statistics(&app, access, body, parse, write_analysis).await
}

/// Writes the rows of an analysis, and whether there are more where it has a limit.
fn write_analysis(
    stat: &StatPlan,
    transaction: &ReadTransaction<'_>,
    writer: &mut AnswerWriter,
) -> Result<(), StoreError> {
    let out = writer.buffer();
    out.extend(b"{\"results\":[");
    let count = transaction.stat(stat, out)?;
    out.push(b']');
    if let Some(limit) = stat.page.limit {
        let more = count > stat.page.skip.saturating_add(limit);
        out.extend(format!(",\"more\":{more}").bytes());
    }
    out.push(b'}');
    writer.count(stat.page.of(count));
    Ok(())
}

/// Answers one job.
pub(super) async fn get(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
    shape: Shape,
) -> Result<HttpResponse, ApiError> {
    let (body, domain) = read(&request, &app, &access, body).await?;
    let query = JobsQuery::from_get_body(&body, domain.as_deref(), shape)?;
    access.check(Some(&query.domain_id))?;
    let (domain_id, job_id) = (query.domain_id.clone(), query.job_id.clone());
    let now = app.clocks.now(Some(&domain_id));
    let compile = move || {
        let plan = compile_list(&query, now);
        Ok(plan.map_err(|error| query.spellings.respelt(error))?)
    };
    let found = Arc::new(AtomicBool::new(false));
    let finds = Arc::clone(&found);
    let response = answer(
        &app,
        (Weight::Quick, is_short(&body)),
        Caching::Never,
        compile,
        move |plan, transaction, writer| {
            transaction.list(plan, &mut |document| {
                finds.store(true, Ordering::Relaxed);
                writer.count(1);
                document.write_as(&plan.form, writer.buffer())
            })?;
            Ok(())
        },
    )
    .await?;
    if found.load(Ordering::Relaxed) {
        return Ok(response);
    }
    let job_id = job_id.unwrap_or_default();
    Err(ApiError::NoJob { domain_id, job_id })
}

/// Deletes one job.
pub(super) async fn delete(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let (body, domain) = read(&request, &app, &access, body).await?;
    let (domain_id, job_id) = JobRequest::from_json(&body, domain.as_deref())?;
    access.check(Some(&domain_id))?;
    delete_job(app, domain_id, job_id).await?;
    Ok(fresh(StatusCode::OK, &json!({})))
}
