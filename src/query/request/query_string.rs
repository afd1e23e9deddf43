//! Query strings: pairs of dotted names and texts become the JSON body of a search.
//!
//! Rule: proto's HTTP transcoding (`google.api.http`), as in SpaceONE's gateway.

use serde_json::{Map, Value, json};
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, Schema};
use utoipa::{IntoParams, ToSchema};

use crate::json::names::{shortened, unknown};
use crate::query::error::QueryError;
use crate::query::limits::MAX_PATHS;
use crate::query::request::job_path::JobPath;
use crate::query::request::list::{JobsQuery, Query, StatusFilter};
use crate::query::request::read::parse;

/// A parameter of the list route: how it is read, and how the OpenAPI document describes it.
struct Parameter {
    /// The path of the member in a JobsQuery, with dots.
    name: &'static str,
    kind: Kind,
    description: &'static str,
    example: fn() -> Value,
}

/// How the text of a parameter is read.
#[derive(Clone, Copy)]
enum Kind {
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
const PARAMETERS: [Parameter; 14] = [
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
    fn read(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Tenant | Self::Text | Self::Path | Self::Integer => Ok(text.into()),
            Self::Status => Ok(text
                .parse::<u64>()
                .map_or_else(|_| Value::from(text), Value::from)),
            Self::Boolean => match text {
                "true" => Ok(Value::Bool(true)),
                "false" | "" => Ok(Value::Bool(false)),
                _ => Err(format!("expected true or false, found `{text}`")),
            },
            Self::Paths => Ok(Value::Array(vec![text.into()])),
            Self::Query => parse(text.as_bytes()).map_err(|error| error.to_string()),
        }
    }
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

/// The parameters that lists and exports share.
pub(crate) struct QueryParams;

impl IntoParams for QueryParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        let parameters = PARAMETERS.iter();
        let parameters = parameters.filter(|parameter| parameter.name != COUNT_ONLY);
        parameters.map(Parameter::describe).collect()
    }
}

impl JobsQuery {
    /// Reads the decoded pairs of a query string, as proto's HTTP transcoding does.
    ///
    /// `query` itself may be the whole Query as JSON, since repeated messages have no form in a query string.
    ///
    /// # Errors
    /// [`QueryError`] for the first problem.
    pub fn from_pairs<'p>(
        pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Result<Self, QueryError> {
        Self::from_value(to_value(pairs)?)
    }
}

/// Turns the pairs of a query string into the JSON of a body.
fn to_value<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> Result<Value, QueryError> {
    let mut root = Map::new();
    for (spelt, text) in pairs {
        let name = snake_case(spelt);
        let problem = |problem: String| QueryError::Parameter {
            location: shortened(spelt),
            problem,
        };
        let mut parameters = PARAMETERS.iter();
        let Some(parameter) = parameters.find(|parameter| parameter.name == name) else {
            return Err(problem(unknown_parameter(&name)));
        };
        let value = parameter.kind.read(text).map_err(problem)?;
        let (parents, last) = parameter
            .name
            .rsplit_once('.')
            .unwrap_or(("", parameter.name));
        let mut object = &mut root;
        for parent in parents.split_terminator('.') {
            let inner = object
                .entry(parent)
                .or_insert_with(|| Value::Object(Map::new()));
            object = inner.as_object_mut().ok_or_else(|| {
                problem(
                    "can't be given together with `query` as JSON, unless that is an object"
                        .to_owned(),
                )
            })?;
        }
        match (object.get_mut(last), value) {
            (None, value) => {
                object.insert(last.to_owned(), value);
            }
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
            _ => {
                return Err(problem(
                    "given twice, or also in `query` as JSON".to_owned(),
                ));
            }
        }
    }
    Ok(Value::Object(root))
}

fn unknown_parameter(name: &str) -> String {
    let body_only = ["query.filter", "query.filter_or", "query.sort.keys"];
    if body_only.iter().any(|message| name.starts_with(message)) {
        return "has no form in a query string; give the whole `query` as JSON".to_owned();
    }
    let known = PARAMETERS.each_ref().map(|parameter| parameter.name);
    unknown("parameter", name, &known)
}

fn snake_case(name: &str) -> String {
    name.chars()
        .fold(String::with_capacity(name.len()), |mut snake, letter| {
            if letter.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
            snake
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
        let value = to_value(
            pairs
                .iter()
                .map(|(name, value)| (name.as_ref(), value.as_ref())),
        );
        assert_eq!(
            value.map_or_else(|error| error.to_string(), |value| value.to_string()),
            expected
        );
    }

    #[test]
    fn a_query_string_becomes_the_body() {
        for (text, expected) in [
            (
                "domain_id=d&status=5&query.page.limit=30&query.sort.key=a&query.sort.desc=true",
                r#"{"domain_id":"d","status":5,"query":{"page":{"limit":"30"},"sort":{"key":"a","desc":true}}}"#,
            ),
            (
                "domainId=d&query.countOnly=true",
                r#"{"domain_id":"d","query":{"count_only":true}}"#,
            ),
            (
                "query.only=a&query.only=b",
                r#"{"query":{"only":["a","b"]}}"#,
            ),
            (
                "query=%7B%22filter%22%3A%5B%5D%7D&query.keyword=x",
                r#"{"query":{"filter":[],"keyword":"x"}}"#,
            ),
            (
                "job_id=a&job_id=b",
                "job_id: given twice, or also in `query` as JSON",
            ),
            (
                "query=%5B%5D&query.keyword=x",
                "query.keyword: can't be given together with `query` as JSON, unless that is an object",
            ),
            (
                "query.filter.k=a",
                "query.filter.k: has no form in a query string; give the whole `query` as JSON",
            ),
            (
                "query.minimal=1",
                "query.minimal: expected true or false, found `1`",
            ),
            (
                "domain=d",
                "domain: unknown parameter `domain`; did you mean `domain_id`?",
            ),
            (
                "query=%7B",
                "query: the body is not JSON: EOF while parsing an object at line 1 column 1",
            ),
        ] {
            check(text, expected);
        }
    }
}
