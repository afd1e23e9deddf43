//! `GET /jobdeck/export`: the jobs of a list, as a file.

use actix_web::http::header::{
    CONTENT_TYPE, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
    HeaderValue, TryIntoHeaderValue,
};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::admission::Access;
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
use crate::time::Timestamp;
use crate::transfer::csv;

impl ExportFormat {
    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Json => "json",
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
    method(get, head),
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
                ("Content-Disposition" = String, description = "Says that the file is to be saved, and its name: domain, day and format, such as `jobdeck-domain-1-2026-01-01.csv`.")
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
    let domain_id = query.domain_id.clone();
    let now = app.clocks.now(Some(&domain_id));
    let compile = move || {
        let plan = compile_list(&query, now).map_err(|error| query.spellings.respelt(error))?;
        Ok(plan.without_total())
    };
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
    let disposition = attachment(&domain_id, now, format);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    if let Ok(disposition) = disposition.try_into_value() {
        headers.insert(actix_web::http::header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// Names the file of an export: the domain, and the day by its clock.
///
/// Rule: RFC 6266: a name with other letters than ASCII is in `filename*`, and `filename` is for programs that do not know
/// that.
fn attachment(domain_id: &str, now: Timestamp, format: ExportFormat) -> ContentDisposition {
    /// The most letters of a domain's id: file systems allow names of 255 bytes.
    const MAX_LETTERS: usize = 50;
    let day: String = now.to_string().chars().take("2026-01-01".len()).collect();
    let name = |is_allowed: fn(char) -> bool| {
        let letters = domain_id.chars().take(MAX_LETTERS);
        let domain: String = letters
            .map(|letter| if is_allowed(letter) { letter } else { '_' })
            .collect();
        format!("jobdeck-{domain}-{day}.{}", format.ending())
    };
    let ascii = name(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'));
    let whole = name(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | ' '));
    let mut parameters = Vec::new();
    if whole != ascii {
        parameters.push(DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".to_owned()),
            language_tag: None,
            value: whole.into_bytes(),
        }));
    }
    parameters.insert(0, DispositionParam::Filename(ascii));
    ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters,
    }
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
