//! The parameters of query strings. `query::request` has the table that reads those of lists.

use serde::Deserialize;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::query::{JobPath, StatusFilter};
use crate::route::RouteName;

/// A JobsQuery in a query string: nested members by dots. Names are read in `lowerCamelCase`, too.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct Dotted {
    /// The tenant: no query reaches past it.
    #[param(min_length = 1, example = "domain-67094cea8ca4")]
    domain_id: String,
    #[param(example = "job-000000000001", nullable = false)]
    job_id: Option<String>,
    #[param(example = "ERROR", nullable = false)]
    status: Option<StatusFilter>,
    #[param(example = "collector-000000000001", nullable = false)]
    collector_id: Option<String>,
    #[param(example = "project-000000000001", nullable = false)]
    project_id: Option<String>,
    /// Words, any of which the job id contains.
    #[param(rename = "query.keyword", example = "job", nullable = false)]
    keyword: Option<String>,
    /// Answers these parts of the jobs only; may be repeated.
    #[param(
        rename = "query.only",
        max_items = 100,
        example = json!(["job_id", "errors.message"]),
        nullable = false
    )]
    only: Option<Vec<JobPath>>,
    /// Answers `job_id`, `status`, `created_at` and `finished_at` only.
    #[param(rename = "query.minimal", example = true, nullable = false)]
    minimal: Option<bool>,
    /// The first job to answer, counted from 1; with a limit.
    #[param(
        rename = "query.page.start",
        minimum = 0,
        example = 1,
        nullable = false
    )]
    start: Option<i64>,
    /// The most jobs to answer; without it, or with 0, all are.
    #[param(
        rename = "query.page.limit",
        minimum = 0,
        example = 30,
        nullable = false
    )]
    limit: Option<i64>,
    /// A path to sort by; without it the newest are first.
    #[param(rename = "query.sort.key", example = "created_at", nullable = false)]
    key: Option<JobPath>,
    /// The largest first; with `query.sort.key`.
    #[param(rename = "query.sort.desc", example = true, nullable = false)]
    desc: Option<bool>,
}

/// What lists and exports may be asked in a query string.
pub(crate) struct QueryParams;

impl IntoParams for QueryParams {
    fn into_params(within: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut params = Dotted::into_params(within);
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Query")))
            .example(Some(super::examples::filter()))
            .build();
        let query = ParameterBuilder::new()
            .name("query")
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(
                "The whole query as JSON, since `filter` and several sort keys have no form with dots. What it holds is not given beside it.",
            ))
            .content("application/json", content);
        params.push(query.build());
        params
    }
}

/// The form of an export.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum ExportFormat {
    Csv,
    Ndjson,
    Json,
}

/// Which job, in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OneJobPath {
    /// The job.
    #[param(min_length = 1, max_length = 256, example = "job-1")]
    job_id: String,
}

/// Which snapshot, in the path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OneSnapshotPath {
    /// Its name.
    #[param(pattern = "^[A-Za-z0-9._-]{1,100}$", example = "before-import")]
    pub(crate) name: String,
}

/// Which fault, in the path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OneFaultPath {
    /// The fault's id.
    #[param(example = "fault-1")]
    pub(crate) id: String,
}

/// Which domain a route is about.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScopeParams {
    /// Only this domain; without it the whole server.
    #[param(
        min_length = 1,
        max_length = 256,
        example = "domain-67094cea8ca4",
        nullable = false
    )]
    domain_id: Option<String>,
}

/// Which domain a body is of.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DomainParams {
    /// The tenant, where the body does not name it.
    #[param(
        min_length = 1,
        max_length = 256,
        example = "domain-67094cea8ca4",
        nullable = false
    )]
    domain_id: Option<String>,
}

/// Whose jobs.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TenantParams {
    /// The tenant.
    #[param(min_length = 1, max_length = 256, example = "domain-67094cea8ca4")]
    domain_id: String,
}

/// How jobs are added.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AddParams {
    /// The tenant, where the jobs do not name it.
    #[param(
        min_length = 1,
        max_length = 256,
        example = "domain-67094cea8ca4",
        nullable = false
    )]
    domain_id: Option<String>,
    /// What happens to a job that is there already; `fail` adds none at all.
    #[param(inline, example = "skip", nullable = false)]
    on_conflict: Option<OnConflict>,
}

/// What happens to a job that is there already.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase", default = "replace")]
pub(crate) enum OnConflict {
    Replace,
    Skip,
    Fail,
}

/// Which requests of the journal.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JournalParams {
    /// Those that name this domain.
    #[param(min_length = 1, example = "domain-67094cea8ca4", nullable = false)]
    domain_id: Option<String>,
    /// Those that name this job.
    #[param(min_length = 1, example = "job-1", nullable = false)]
    job_id: Option<String>,
    /// Those for this route.
    #[param(example = "search", nullable = false)]
    route: Option<RouteName>,
    #[param(min_length = 1, example = "POST", nullable = false)]
    method: Option<String>,
    /// The path as it came, without the query string.
    #[param(
        min_length = 1,
        example = "/inventory/v1/jobs/search",
        nullable = false
    )]
    path: Option<String>,
    /// The status of the answer; `null` finds requests without one.
    #[param(inline, example = 200, nullable = false)]
    status: Option<StatusOrNone>,
    /// A text in the query string or the body.
    #[param(min_length = 1, example = "status", nullable = false)]
    contains: Option<String>,
    /// Those after the request of this id.
    #[param(minimum = 0, example = 12, nullable = false)]
    after: Option<u64>,
    /// Answers the newest so many; `total_count` counts them all.
    #[param(minimum = 0, example = 10, nullable = false)]
    limit: Option<u64>,
    /// Answers as soon as so many match.
    #[param(minimum = 0, maximum = 1000, example = 1, nullable = false)]
    wait_for: Option<u64>,
    /// How long `wait_for` waits, in seconds; 10 where left out. Only with `wait_for`.
    #[param(minimum = 0, maximum = 60, example = 2.5, nullable = false)]
    timeout: Option<f64>,
}

/// A status, or `null`.
pub(crate) struct StatusOrNone;

impl PartialSchema for StatusOrNone {
    fn schema() -> RefOr<Schema> {
        let status = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(100))
            .maximum(Some(599));
        let none = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(["null"]));
        OneOfBuilder::new()
            .description(Some("A status, or `null`."))
            .item(status)
            .item(none)
            .into()
    }
}

impl ToSchema for StatusOrNone {}
