//! `GET /jobdeck/export`: the jobs of a list, as a file.

use actix_web::http::header::{
    CONTENT_TYPE, ContentDisposition, DispositionParam, DispositionType, HeaderValue,
    TryIntoHeaderValue,
};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::access::Access;
use super::answer::{AnswerWriter, Weight, answer};
use super::app::App;
use super::caching::Caching;
use super::error::ApiError;
use super::parameters::{borrowed, pairs, read_pairs};
use super::schema::answers::JobInfo;
use super::schema::errors::QueryStringErrors;
use super::schema::examples;
use super::schema::params::{ExportFormat, ExportParams};
use crate::query::request::{JobsQuery, QueryParams};
use crate::query::{ListPlan, QueryError, compile_list};
use crate::route::Route;
use crate::store::{Document, ReadTransaction, StoreError};
use crate::transfer::csv;

impl ExportFormat {
    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
        }
    }

    fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "jobs.csv",
            Self::Ndjson => "jobs.ndjson",
            Self::Json => "jobs.json",
        }
    }

    fn write_start(self, out: &mut Vec<u8>) {
        match self {
            Self::Csv => csv::write_head(out),
            Self::Ndjson => {}
            Self::Json => out.push(b'['),
        }
    }

    fn write_job(
        self,
        document: Document<'_>,
        is_first: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Csv => csv::write_job(&document.to_text(), out)
                .map_err(|error| StoreError::Damaged(error.to_string()))?,
            Self::Ndjson => {
                document.write_to(out);
                out.push(b'\n');
            }
            Self::Json => {
                out.extend_from_slice(if is_first { b"\n" } else { b",\n" });
                document.write_to(out);
            }
        }
        Ok(())
    }

    fn write_end(self, out: &mut Vec<u8>) {
        match self {
            Self::Csv | Self::Ndjson => {}
            Self::Json => out.extend_from_slice(b"\n]\n"),
        }
    }
}

/// Exports the jobs of a list as a file.
///
/// It takes the parameters of the list, but not `query.count_only`. The file is streamed: an error after its first bytes
/// breaks the connection off.
#[utoipa::path(
    get,
    path = Route::ExportJobs.path(),
    operation_id = "exportJobs",
    tag = "reading",
    params(ExportParams, QueryParams),
    responses(
        (status = 200, description = "The file, streamed.",
            content(
                (String = "text/csv", example = json!(examples::export_csv())),
                (String = "application/x-ndjson", example = json!(examples::export_ndjson())),
                (Vec<JobInfo> = "application/json", example = json!([examples::job()]))
            ),
            headers(
                ("Content-Disposition" = String, description = "Says that the file is to be saved, and its name: `jobs.csv`, `jobs.ndjson` or `jobs.json`.")
            )),
        QueryStringErrors
    )
)]
pub(super) async fn export(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    let given = pairs(&request)?;
    let (formats, others): (Vec<_>, Vec<_>) = given.iter().partition(|(name, _)| name == "format");
    let ExportParams { format } = read_pairs(formats.into_iter().map(borrowed))?;
    let query = JobsQuery::from_pairs(others.into_iter().map(borrowed))?;
    if query.query.count_only {
        return Err(ApiError::Query(QueryError::Parameter {
            location: "query.count_only".to_owned(),
            problem: "an export is of jobs, not of their number".to_owned(),
        }));
    }
    access.check(Some(&query.domain_id))?;
    let now = app.clocks.now(Some(&query.domain_id));
    let compile = move || Ok(compile_list(&query, now)?.without_total());
    let produce = move |plan: &_, transaction: &ReadTransaction<'_>, writer: &mut AnswerWriter| {
        write(format, plan, transaction, writer)
    };
    let mut response = answer(
        &app,
        (Weight::Stream, false),
        Caching::Never,
        compile,
        produce,
    )
    .await?;
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(format.file_name().to_owned())],
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    if let Ok(disposition) = disposition.try_into_value() {
        headers.insert(actix_web::http::header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

fn write(
    format: ExportFormat,
    plan: &ListPlan,
    transaction: &ReadTransaction<'_>,
    writer: &mut AnswerWriter,
) -> Result<(), StoreError> {
    format.write_start(writer.buffer());
    let mut is_first = true;
    transaction.list(plan, &mut |document| {
        format.write_job(document, is_first, writer.buffer())?;
        is_first = false;
        writer.count(1);
        writer.flush_if_full()
    })?;
    format.write_end(writer.buffer());
    Ok(())
}
