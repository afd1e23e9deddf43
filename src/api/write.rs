//! `/jobdeck/jobs`: puts, patches, deletes and adds jobs. A write takes effect before it is answered, as a whole or not
//! at all.

use std::io::Cursor;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use super::admission::Access;
use super::answer::fresh;
use super::app::App;
use super::blocking::blocking;
use super::body::{Form, MAX_QUERY_BYTES, MAX_WRITE_BYTES, no_body, read_body};
use super::error::ApiError;
use super::parameters::{
    agree, body_errors, job_path, missing, parameters, problem, tenant_parameter,
};
use super::schema::answers::{AddedInfo, DeletedInfo};
use super::schema::bodies::{JobPatch, JobsBody};
use super::schema::errors::{Conflict, NoSuch, ParameterErrors, WriteErrors};
use super::schema::examples;
use super::schema::params::{AddParams, DomainParams, OneJobPath, TenantParams};
use crate::job::{
    Doubt, Draft, Job, JobStatus, JobTextError, PatchedEnd, ReadJob, from_json, read_job,
    translate_patch,
};
use crate::json::StrictObject;
use crate::mock::{Change, MadeIds};
use crate::route::Route;
use crate::store::{OnConflict, StoreError, Written};
use crate::time::Timestamp;
use crate::transfer::{LocatedJob, Mistakes, Notes, Refusal, Source, read_jobs};

/// The header by which a request that makes ids can be sent again.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;
/// One job may be as large as a line of an import.
const MAX_JOB_BYTES: usize = 8 << 20;

/// Puts a whole job.
///
/// It replaces a job of the same id. The body may leave out the ids that the address names, and must not name others. A status
/// that ends the job gives it a `finished_at`, the present time, unless the body has one. The write is durable before the
/// answer, and the same request may be sent again.
#[utoipa::path(
    put,
    path = Route::PutJob.path(),
    operation_id = "putJob",
    tag = "writing",
    params(
        OneJobPath,
        DomainParams
    ),
    request_body(content = Draft, description = "At most 8 MiB.", examples(
        ("whole" = (summary = "A job that has failed", value = json!(examples::draft()))),
        ("today" = (summary = "A job of today's SpaceONE", value = json!(examples::draft_of_today()))),
        ("life" = (summary = "A job that lives", value = json!(examples::life())))
    )),
    responses(
        (status = 200, description = "The job, which replaced one.", body = Job, example = json!(examples::job())),
        (status = 201, description = "The new job.", body = Job, example = json!(examples::job())),
        WriteErrors
    )
)]
pub(super) async fn put(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let DomainParams { domain_id } = parameters(&request)?;
    let body = read_body(&request, body, Form::Json, MAX_JOB_BYTES).await?;
    let read = read_job::<Draft>(&body).map_err(|errors| body_errors(&body, &errors))?;
    let mut draft = read.job;
    let OneJobPath { job_id } = job_path(&request)?;
    agree("job_id", &mut draft.job_id, Some(job_id))?;
    agree("domain_id", &mut draft.domain_id, domain_id)?;
    let domain_id = draft
        .domain_id
        .as_deref()
        .ok_or_else(|| missing("domain_id"))?;
    access.check(Some(domain_id))?;
    let (written, job) = change(app, OnConflict::Replace, move |change| {
        change.put_reported(draft).map_err(refused)
    })
    .await?;
    let status = match written {
        Written::Added => StatusCode::CREATED,
        Written::Replaced | Written::Skipped => StatusCode::OK,
    };
    Ok(document(status, job.to_document()))
}

/// Changes the fields of a job that are given.
///
/// A JSON merge patch (RFC 7396): null removes a field, objects are merged, arrays are replaced. `updated_at` becomes the
/// present time if it is left out, and a life that the job had ends. A status that ends the job gives it a `finished_at`, the
/// present time, unless the patch has one; `CREATED` and `IN_PROGRESS` remove it.
#[utoipa::path(
    patch,
    path = Route::PatchJob.path(),
    operation_id = "patchJob",
    tag = "writing",
    params(
        OneJobPath,
        TenantParams
    ),
    request_body(description = "At most 1 MiB.", content(
        (JobPatch = "application/merge-patch+json", examples(
            ("success" = (summary = "It has ended", value = json!(examples::patch_success()))),
            ("removal" = (summary = "A field is removed, and one within another", value = json!(examples::patch_removal())))
        )),
        (JobPatch = "application/json", example = json!(examples::patch_success()))
    )),
    responses(
        (status = 200, description = "The job after the change.", body = Job, example = json!(examples::job())),
        WriteErrors,
        NoSuch
    )
)]
pub(super) async fn patch(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let domain_id = tenant_parameter(&request, &access)?;
    let OneJobPath { job_id } = job_path(&request)?;
    let body = read_body(&request, body, Form::Patch, MAX_QUERY_BYTES).await?;
    let wrong = |errors: &[JobTextError]| body_errors(&body, errors);
    let patch: StrictObject = from_json(&body).map_err(|error| wrong(&[error]))?;
    let patch = translate_patch(&body, patch.0).map_err(|errors| wrong(&errors))?;
    let job = change(app, OnConflict::Replace, move |change| {
        patch_job(change, domain_id, job_id, patch)
    })
    .await?;
    Ok(document(StatusCode::OK, job.to_document()))
}

fn patch_job(
    change: &mut Change<'_>,
    domain_id: String,
    job_id: String,
    patch: Map<String, Value>,
) -> Result<Job, ApiError> {
    let Some(document) = change.find(&domain_id, &job_id)? else {
        return Err(ApiError::NoJob { domain_id, job_id });
    };
    let draft = patched(&document, patch, change.now(&domain_id))?;
    for (name, given, known) in [
        ("job_id", &draft.job_id, &job_id),
        ("domain_id", &draft.domain_id, &domain_id),
    ] {
        if given.as_ref() != Some(known) {
            let text = format!("a patch can't move a job; it is `{known}`");
            return Err(problem(name, text).into());
        }
    }
    let (_, job) = change.put(draft).map_err(refused)?;
    Ok(job)
}

/// Applies a patch to a document.
fn patched(document: &str, patch: Map<String, Value>, now: Timestamp) -> Result<Draft, ApiError> {
    let read = |text: &str| {
        serde_json::from_str(text).map_err(|_damaged| {
            ApiError::Internal("a document can't be read; `jobdeck check` finds it")
        })
    };
    let mut job: Value = read(document)?;
    let has_update_time = patch.contains_key("updated_at");
    let former = job.get("status").and_then(Value::as_str);
    let end = PatchedEnd {
        former: former.and_then(JobStatus::from_name).unwrap_or_default(),
        has_status: patch.contains_key("status"),
        has_finished_at: patch.contains_key("finished_at"),
    };
    json_patch::merge(&mut job, &Value::Object(patch));
    if !has_update_time {
        job["updated_at"] = Value::String(now.to_string());
    }
    // A patch that removes it makes it the present time, by the same reading of the clock.
    if job.get("created_at").is_none() {
        job["created_at"] = Value::String(now.to_string());
    }
    let mut draft: Draft = from_json(job.to_string().as_bytes()).map_err(|error| {
        let location = if error.field.is_empty() {
            "body"
        } else {
            &error.field
        };
        problem(location, error.problem)
    })?;
    draft
        .settle_patched_end(end, now)
        .map_err(|text| problem("body", text))?;
    Ok(draft)
}

/// Deletes a job.
#[utoipa::path(
    delete,
    path = Route::DeleteJob.path(),
    operation_id = "deleteJob",
    tag = "writing",
    params(
        OneJobPath,
        TenantParams
    ),
    responses((status = 204, description = "The job is deleted."), ParameterErrors, NoSuch)
)]
pub(super) async fn delete(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(&request, body).await?;
    let domain_id = tenant_parameter(&request, &access)?;
    let OneJobPath { job_id } = job_path(&request)?;
    delete_job(app, domain_id, job_id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Deletes a job.
///
/// # Errors
/// [`ApiError::NoJob`] where there is none.
pub(super) async fn delete_job(
    app: Data<App>,
    domain_id: String,
    job_id: String,
) -> Result<(), ApiError> {
    change(app, OnConflict::Replace, move |change| {
        if change.delete(&domain_id, &job_id)? {
            Ok(())
        } else {
            Err(ApiError::NoJob { domain_id, job_id })
        }
    })
    .await
}

/// Deletes the jobs of a domain.
#[utoipa::path(
    delete,
    path = Route::DeleteJobs.path(),
    operation_id = "deleteJobs",
    tag = "writing",
    params(TenantParams),
    responses((status = 200, description = "How many jobs were deleted.", body = DeletedInfo, example = json!({"deleted": 3500})), ParameterErrors)
)]
pub(super) async fn delete_domain(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    no_body(&request, body).await?;
    let domain_id = tenant_parameter(&request, &access)?;
    let deleted = change(app, OnConflict::Replace, move |change| {
        Ok(change.delete_domain(&domain_id)?)
    })
    .await?;
    Ok(fresh(StatusCode::OK, &DeletedInfo { deleted }))
}

/// Adds many jobs, all or none.
///
/// NDJSON, an array, a saved answer of the list, or CSV; also compressed by gzip or zstd. With a `domain_id` the jobs may
/// leave theirs out, and must not name another. Jobs without a `job_id` get one, `job-` and 12 hex digits, which the answer
/// names. Jobs are taken as they are; only one without a `created_at` begins now, and gets a `finished_at` as by `PUT`.
#[utoipa::path(
    post,
    path = Route::AddJobs.path(),
    operation_id = "addJobs",
    tag = "writing",
    params(
        AddParams,
        ("Idempotency-Key" = Option<String>, Header, nullable = false, description = "Makes it safe to send a request again that makes ids: 1 to 255 visible ASCII characters, new for each request. The same key makes the same ids, and a job that it has made before is skipped. Without it, give the jobs ids of your own.")
    ),
    request_body(description = "At most 64 MiB, also after it was decompressed. As `application/x-ndjson` it is a job a line.", content(
        (JobsBody = "application/json", examples(
            ("array" = (summary = "An array", value = json!(examples::jobs_to_add()))),
            ("answer" = (summary = "A saved answer", value = json!({"results": examples::jobs_to_add(), "total_count": 2})))
        )),
        (String = "application/x-ndjson", example = json!(examples::lines_to_add()))
    )),
    responses(
        (status = 200, description = "How many jobs were added, replaced and skipped, and what was translated or is hardly meant.", body = AddedInfo, example = json!({"added": 2, "replaced": 0, "skipped": 0})),
        WriteErrors,
        Conflict
    )
)]
pub(super) async fn add(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
    body: Payload,
) -> Result<HttpResponse, ApiError> {
    let AddParams {
        domain_id,
        on_conflict,
    } = parameters(&request)?;
    if domain_id.is_some() {
        // Before a large body is read.
        access.check(domain_id.as_deref())?;
    }
    let on_conflict = on_conflict.map(Into::into).unwrap_or_default();
    let ids = MadeIds::new(idempotency_key(&request)?);
    let body = read_body(&request, body, Form::Jobs, MAX_WRITE_BYTES).await?;
    let counts = change(app, on_conflict, move |change| {
        add_jobs(change, body, domain_id.as_deref(), &access, ids)
    })
    .await?;
    Ok(fresh(StatusCode::OK, &counts))
}

/// Adds the jobs of a body, all of which must be of `domain_id`, where that is given, and of a domain that the client may
/// reach. Where there is a mistake, the whole body is read for the others all the same.
fn add_jobs(
    change: &mut Change<'_>,
    body: Bytes,
    domain_id: Option<&str>,
    access: &Access,
    mut ids: MadeIds,
) -> Result<AddedInfo, ApiError> {
    let mut counts = AddedInfo::default();
    let mut mistakes = Mistakes::default();
    let mut notes = Notes::default();
    let source = Source::new("body", Cursor::new(body)).at_most(MAX_WRITE_BYTES);
    // An error that has another status than that of a wrong job.
    let mut forbidden = None;
    let read = read_jobs(source, &mut mistakes, &mut |located: LocatedJob<
        '_,
        Draft,
    >| {
        let LocatedJob { read, location, .. } = located;
        let ReadJob {
            job: mut draft,
            translations,
        } = read;
        agree(
            "domain_id",
            &mut draft.domain_id,
            domain_id.map(str::to_owned),
        )
        .map_err(|error| Refusal::Job(error.to_string()))?;
        // A job without a domain is refused by `put`, so that the error names its line.
        if draft.domain_id.is_some()
            && let Err(error) = access.check(draft.domain_id.as_deref())
        {
            forbidden = Some(error);
            return Err(StoreError::Cancelled.into());
        }
        if ids.complete(&mut draft, change)? {
            counts.skipped += 1;
            return Ok(());
        }
        let (written, job) = if draft.created_at.is_none() {
            change.put_reported(draft)?
        } else {
            change.put(draft)?
        };
        notes.add_translations(&translations);
        let now = change.now(&job.domain_id);
        notes.add_doubts(&Doubt::of(&job, now), location, &job.job_id);
        *match written {
            Written::Added => &mut counts.added,
            Written::Replaced => &mut counts.replaced,
            Written::Skipped => &mut counts.skipped,
        } += 1;
        Ok(())
    });
    if let Some(error) = forbidden {
        return Err(error);
    }
    read.and_then(|()| mistakes.into_result())?;
    counts.job_ids = ids.into_ids();
    Ok(counts.with_notes(&notes))
}

/// Reads the key of a request, if it has one.
fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, ApiError> {
    let mut given = request.headers().get_all(IDEMPOTENCY_KEY);
    let Some(key) = given.next() else {
        return Ok(None);
    };
    let is_right = |key: &&str| {
        (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match key.to_str().ok().filter(is_right) {
        Some(key) if given.next().is_none() => Ok(Some(key.to_owned())),
        _ => {
            let text = format!("expected one key of 1 to {MAX_KEY_BYTES} visible ASCII characters");
            Err(problem(IDEMPOTENCY_KEY, text).into())
        }
    }
}

/// Runs `act` in one transaction, on the blocking pool: where it fails, nothing has changed.
async fn change<T: Send + 'static>(
    app: Data<App>,
    on_conflict: OnConflict,
    act: impl FnOnce(&mut Change<'_>) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    blocking(move || {
        if let Some(mock) = &app.mock {
            return mock.change(on_conflict, act);
        }
        let mut writer = app.store.writer()?;
        let mut change = Change::without_lives(writer.begin(on_conflict)?, &app.clocks);
        let done = act(&mut change)?;
        change.commit()?;
        Ok(done)
    })
    .await
}

fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Store(error) => error.into(),
        Refusal::Job(error) => problem("body", error).into(),
    }
}

fn document(status: StatusCode, document: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("application/json")
        .body(document)
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Job(error.to_string())
    }
}
