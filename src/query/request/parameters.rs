//! The parameters of lists: how each is read from a query string, and how the OpenAPI document describes it.

use serde_json::{Value, json};
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, Schema};
use utoipa::{IntoParams, ToSchema};

use crate::json::message::parse_boolean;
use crate::json::names::shortened;
use crate::query::error::QueryError;
use crate::query::limits::MAX_PATHS;
use crate::query::request::job_path::JobPath;
use crate::query::request::list::{Query, StatusFilter};
use crate::query::request::read::parse;

/// A parameter of the list route: how it is read, and how the OpenAPI document describes it.
pub(super) struct Parameter {
    /// The path of the member in a JobsQuery, with dots.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    description: &'static str,
    example: fn() -> Value,
}

/// How the text of a parameter is read.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A text that is always required.
    Tenant,
    Text,
    /// A path into a job.
    Path,
    /// A name, or a number if it is all digits.
    Status,
    Integer,
    Boolean,
    /// Paths, one in each parameter of the name.
    Paths,
    /// A whole Query as JSON.
    Query,
}

const fn parameter(
    name: &'static str,
    kind: Kind,
    description: &'static str,
    example: fn() -> Value,
) -> Parameter {
    Parameter {
        name,
        kind,
        description,
        example,
    }
}

/// The only parameter that an export does not have.
const COUNT_ONLY: &str = "query.count_only";

/// Every parameter of the list route.
pub(super) const PARAMETERS: [Parameter; 14] = [
    parameter(
        "domain_id",
        Kind::Tenant,
        "The tenant: no query reaches past it.",
        || json!("domain-67094cea8ca4"),
    ),
    parameter("job_id", Kind::Text, "The job of this id.", || {
        json!("job-000000000001")
    }),
    parameter("status", Kind::Status, "The jobs of this status.", || {
        json!("ERROR")
    }),
    parameter(
        "collector_id",
        Kind::Text,
        "The jobs of this collector.",
        || json!("collector-000000000001"),
    ),
    parameter(
        "project_id",
        Kind::Text,
        "The jobs of this project.",
        || json!("project-000000000001"),
    ),
    parameter(
        "query.keyword",
        Kind::Text,
        "Words, any of which the job id contains.",
        || json!("job"),
    ),
    parameter(
        "query.only",
        Kind::Paths,
        "Answers these parts of the jobs only; may be repeated.",
        || json!(["job_id", "errors.message"]),
    ),
    parameter(
        "query.minimal",
        Kind::Boolean,
        "Answers `job_id`, `status`, `created_at` and `finished_at` only.",
        || json!(true),
    ),
    parameter(
        "query.page.start",
        Kind::Integer,
        "The first job to answer, counted from 1; with a limit.",
        || json!(1),
    ),
    parameter(
        "query.page.limit",
        Kind::Integer,
        "The most jobs to answer; without it, or with 0, all are.",
        || json!(30),
    ),
    parameter(
        "query.sort.key",
        Kind::Path,
        "A path to sort by; without it the newest are first.",
        || json!("created_at"),
    ),
    parameter(
        "query.sort.desc",
        Kind::Boolean,
        "The largest first; with `query.sort.key`.",
        || json!(true),
    ),
    parameter(
        "query",
        Kind::Query,
        "The whole query as JSON, since `filter` and several sort keys have no form with dots. A member that it has is not given as a parameter of its own.",
        || json!({"filter": [{"k": "status", "v": ["ERROR", "TIMEOUT"], "o": "in"}], "page": {"limit": 30}}),
    ),
    parameter(
        COUNT_ONLY,
        Kind::Boolean,
        "Answers `total_count` and no jobs.",
        || json!(true),
    ),
];

impl Kind {
    fn schema(self) -> RefOr<Schema> {
        let of = |schema_type| ObjectBuilder::new().schema_type(schema_type);
        match self {
            Self::Tenant => of(Type::String).min_length(Some(1)).into(),
            Self::Text => of(Type::String).into(),
            Self::Path => Ref::from_schema_name(JobPath::name()).into(),
            Self::Status => Ref::from_schema_name(StatusFilter::name()).into(),
            Self::Integer => of(Type::Integer)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
                .minimum(Some(0))
                .into(),
            Self::Boolean => of(Type::Boolean).into(),
            Self::Paths => ArrayBuilder::new()
                .items(Ref::from_schema_name(JobPath::name()))
                .max_items(Some(MAX_PATHS))
                .into(),
            Self::Query => Ref::from_schema_name(Query::name()).into(),
        }
    }

    /// Reads the text of a parameter as the JSON value that a body would have.
    pub(super) fn read(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Tenant | Self::Text | Self::Path | Self::Integer => Ok(text.into()),
            Self::Status => Ok(text
                .parse::<u64>()
                .map_or_else(|_| Value::from(text), Value::from)),
            Self::Boolean => match text {
                "" => Ok(Value::Bool(false)),
                _ => boolean(text),
            },
            Self::Paths => Ok(Value::Array(vec![text.into()])),
            // These errors name the body, which a parameter is not.
            Self::Query => parse(text.as_bytes()).map_err(|error| match error {
                QueryError::Json { problem } => format!("is not JSON: {problem}"),
                QueryError::Parameter { problem, .. } => problem,
                other => other.to_string(),
            }),
        }
    }
}

/// Reads a boolean.
pub(super) fn boolean(text: &str) -> Result<Value, String> {
    let read = parse_boolean(text).map(Value::Bool);
    read.ok_or_else(|| format!("expected true or false, found `{}`", shortened(text)))
}

impl Parameter {
    fn describe(&self) -> utoipa::openapi::path::Parameter {
        let is_required = matches!(self.kind, Kind::Tenant);
        let parameter = ParameterBuilder::new()
            .name(self.name)
            .parameter_in(ParameterIn::Query)
            .required(if is_required {
                Required::True
            } else {
                Required::False
            })
            .description((!self.description.is_empty()).then_some(self.description));
        let parameter = if matches!(self.kind, Kind::Query) {
            let content = ContentBuilder::new()
                .schema(Some(self.kind.schema()))
                .example(Some((self.example)()));
            parameter.content("application/json", content.build())
        } else {
            parameter
                .schema(Some(self.kind.schema()))
                .example(Some((self.example)()))
        };
        parameter.build()
    }
}

/// The parameters of the list route, for the OpenAPI document.
pub(crate) struct ListParams;

impl IntoParams for ListParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        PARAMETERS.iter().map(Parameter::describe).collect()
    }
}

/// The parameters of lists that say which jobs, and not how they are answered.
pub(crate) struct FilterParams;

impl FilterParams {
    /// Those that are the same as a list's.
    const NAMES: [&str; 6] = [
        "domain_id",
        "job_id",
        "status",
        "collector_id",
        "project_id",
        "query.keyword",
    ];
    /// The query without what only a list has.
    const QUERY: Parameter = parameter(
        "query",
        Kind::Query,
        "The conditions as JSON: a query of a list with `filter`, `filter_or` and `keyword` alone.",
        || json!({"filter": [{"k": "collector_info.provider", "v": ["aws", "azure"], "o": "in"}]}),
    );
}

impl IntoParams for FilterParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        let parameters = PARAMETERS.iter();
        let parameters = parameters.filter(|parameter| Self::NAMES.contains(&parameter.name));
        let parameters = parameters.chain([&Self::QUERY]);
        parameters.map(Parameter::describe).collect()
    }
}

/// The parameters that lists and exports share.
pub(crate) struct QueryParams;

impl IntoParams for QueryParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        let parameters = PARAMETERS.iter();
        let parameters = parameters.filter(|parameter| parameter.name != COUNT_ONLY);
        parameters.map(Parameter::describe).collect()
    }
}
