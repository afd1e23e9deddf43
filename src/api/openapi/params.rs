//! The parameters of the query string; `query::request` has the table that reads them.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ContentBuilder, Ref, Required};
use utoipa::{IntoParams, ToSchema};

use super::query::{JobPath, StatusFilter};

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
