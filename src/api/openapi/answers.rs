//! The answers in the words of JSON Schema, where they are written without a type of their own; and every error.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{Object, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use crate::job::Job;

/// The jobs that were found.
#[derive(ToSchema)]
pub(crate) struct JobsInfo {
    /// Those of the page, or all; none with `count_only`.
    results: Vec<JobInfo>,
    /// How many match in all.
    #[schema(minimum = 0)]
    total_count: i64,
}

/// A job in an answer.
pub(crate) struct JobInfo;

impl PartialSchema for JobInfo {
    /// [`Job`], of which `only` may have left anything out.
    fn schema() -> RefOr<Schema> {
        let mut schema = Job::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.required.clear();
            object.properties.values_mut().for_each(drop_null);
            object.description = Some(
                "A job as it is answered: whole, or with `only` and `minimal` just what was asked for. A field without a value is left out. Times are in UTC with milliseconds.".to_owned(),
            );
        }
        schema
    }
}

/// Takes null away from the types of a member that is left out instead.
fn drop_null(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            if let SchemaType::Array(types) = &mut object.schema_type {
                types.retain(|one| *one != Type::Null);
            }
        }
        RefOr::T(Schema::OneOf(one_of)) => {
            let null = SchemaType::Type(Type::Null);
            one_of.items.retain(|item| {
                !matches!(item, RefOr::T(Schema::Object(object)) if object.schema_type == null)
            });
        }
        _ => {}
    }
}

impl ToSchema for JobInfo {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Job::schemas(schemas);
    }
}

/// What the statistics are.
#[derive(ToSchema)]
pub(crate) struct JobStats {
    /// The rows of the last stage, each an object of the names that were given; of `distinct` the values. Times have six
    /// fraction digits, or none where they are zero.
    results: Vec<Value>,
    /// How many rows there are in all; only where a page was asked for.
    #[schema(minimum = 0, nullable = false)]
    total_count: Option<i64>,
}

/// The domains, by name.
#[derive(ToSchema)]
pub(crate) struct DomainsInfo {
    results: Vec<DomainInfo>,
}

/// A domain that has jobs.
#[derive(ToSchema)]
#[schema(example = json!({"domain_id": "domain-67094cea8ca4", "jobs": 3500}))]
pub(crate) struct DomainInfo {
    domain_id: String,
    /// How many it has.
    #[schema(minimum = 0)]
    jobs: i64,
}

/// The program and its database.
#[derive(ToSchema)]
#[schema(example = json!({
    "version": env!("CARGO_PKG_VERSION"), "database": "jobdeck.db", "now": "2026-01-01T12:00:00.000Z", "is_frozen": true
}))]
pub(crate) struct About {
    version: String,
    /// The file as it was named.
    database: String,
    /// The clock of the answers.
    #[schema(format = DateTime)]
    now: String,
    /// Whether `--now` froze it.
    is_frozen: bool,
}

/// Whether the database answers.
#[derive(ToSchema)]
pub(crate) struct Health {
    status: HealthStatus,
    version: String,
    /// How many jobs there are; where the database answers.
    #[schema(minimum = 0, nullable = false)]
    jobs: Option<i64>,
    /// How long the write-ahead log is, in bytes; where the database answers.
    #[schema(minimum = 0, nullable = false)]
    wal_bytes: Option<i64>,
    /// What is wrong, where something is.
    #[schema(nullable = false)]
    problem: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum HealthStatus {
    Ok,
    Error,
}

/// Every error has this shape.
#[derive(ToSchema)]
pub(crate) struct ErrorAnswer {
    detail: ErrorDetail,
}

/// What went wrong.
#[derive(ToSchema)]
pub(crate) struct ErrorDetail {
    /// SpaceONE's code.
    #[schema(pattern = "^ERROR_[A-Z_]+$")]
    code: String,
    /// The place, what was found there, and what would be right.
    message: String,
}

/// The name of an error response; its status, what it means, and an example of its code and message.
struct ErrorResponse {
    name: &'static str,
    status: u16,
    description: &'static str,
    code: &'static str,
    message: &'static str,
}

/// The error responses, one a status; `api::error` has what leads to them.
const ERRORS: [ErrorResponse; 10] = [
    ErrorResponse {
        name: "BadRequest",
        status: 400,
        description: "The request is at fault: the message names the place and what would be right. Codes are `ERROR_REQUIRED_PARAMETER`, `ERROR_INVALID_PARAMETER`, `ERROR_INVALID_PARAMETER_TYPE`, `ERROR_JSON_FORMAT`, `ERROR_OPERATOR_LIST_VALUE_TYPE`, `ERROR_OPERATOR_VALUE_TYPE`, `ERROR_OPERATOR_BOOLEAN_TYPE`, `ERROR_OPERATOR_DICT_VALUE_TYPE` and `ERROR_DB_QUERY`.",
        code: "ERROR_DB_QUERY",
        message: "query.filter[0].key: unknown field `stauts`; did you mean `status`?",
    },
    ErrorResponse {
        name: "NotFound",
        status: 404,
        description: "There is no such thing here.",
        code: "ERROR_NOT_FOUND",
        message: "there is no /inventory/v1/job here",
    },
    ErrorResponse {
        name: "MethodNotAllowed",
        status: 405,
        description: "Another method was used on this path; `Allow` names those that it has.",
        code: "ERROR_METHOD_NOT_ALLOWED",
        message: "DELETE is not allowed here; allowed are GET, HEAD",
    },
    ErrorResponse {
        name: "SlowBody",
        status: 408,
        description: "The body did not arrive in time.",
        code: "ERROR_REQUEST_TIMEOUT",
        message: "the body did not arrive within 30 seconds",
    },
    ErrorResponse {
        name: "TooLarge",
        status: 413,
        description: "The body, or the query string, is longer than what is read.",
        code: "ERROR_REQUEST_TOO_LARGE",
        message: "the body is larger than 1048576 bytes, which is the most that is read",
    },
    ErrorResponse {
        name: "UnsupportedMediaType",
        status: 415,
        description: "The body is of another type, or encoded.",
        code: "ERROR_UNSUPPORTED_MEDIA_TYPE",
        message: "the body must be application/json without content encoding; it came as text/plain",
    },
    ErrorResponse {
        name: "MisdirectedRequest",
        status: 421,
        description: "The Host header names another place.",
        code: "ERROR_INVALID_HOST",
        message: "this server is not known as `jobs.example`; `--allow-host` makes it known",
    },
    ErrorResponse {
        name: "Fault",
        status: 500,
        description: "A fault of jobdeck's own; its log tells more under the request's id.",
        code: "ERROR_UNKNOWN",
        message: "an unexpected fault of jobdeck's own; its log tells more under this request's id",
    },
    ErrorResponse {
        name: "Unavailable",
        status: 503,
        description: "The database can't answer for now, or too much is asked at a time; `Retry-After` says when to try again.",
        code: "ERROR_UNAVAILABLE",
        message: "the database can't answer for now; try again",
    },
    ErrorResponse {
        name: "DeadlineExceeded",
        status: 504,
        description: "The query ran past its deadline and was stopped.",
        code: "ERROR_REQUEST_TIMEOUT",
        message: "the query ran past its deadline and was stopped",
    },
];

impl ErrorResponse {
    fn response(&self) -> Response {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("ErrorAnswer")))
            .example(Some(
                json!({"detail": {"code": self.code, "message": self.message}}),
            ))
            .build();
        let mut response = ResponseBuilder::new()
            .description(self.description)
            .content("application/json", content);
        let header = match self.status {
            405 => Some(("Allow", "The methods that the path has.", "GET, HEAD")),
            503 => Some((
                "Retry-After",
                "Seconds until it is worth trying again.",
                "1",
            )),
            _ => None,
        };
        if let Some((name, description, example)) = header {
            let header = HeaderBuilder::new()
                .schema(Some(Object::with_type(Type::String)))
                .description(Some(description))
                .example(Some(example.into()))
                .build();
            response = response.header(name, header);
        }
        response.build()
    }
}

/// Every error response, by the name under which operations refer to it.
pub(super) fn error_responses() -> impl Iterator<Item = (String, RefOr<Response>)> {
    ERRORS
        .iter()
        .map(|error| (error.name.to_owned(), error.response().into()))
}

/// References to the error responses of these statuses.
pub(super) fn errors(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let asked = ERRORS
        .iter()
        .filter(|error| statuses.contains(&error.status));
    asked
        .map(|error| {
            let reference = Ref::from_response_name(error.name);
            (error.status.to_string(), reference.into())
        })
        .collect()
}

/// The errors of a route that reads the database.
pub(crate) struct ReadErrors;

impl IntoResponses for ReadErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[500, 503, 504])
    }
}

/// The errors of a route whose question stands in the query string.
pub(crate) struct QueryStringErrors;

impl IntoResponses for QueryStringErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[400, 413, 500, 503, 504])
    }
}

/// The errors of a route with a body.
pub(crate) struct BodyErrors;

impl IntoResponses for BodyErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[400, 408, 413, 415, 500, 503, 504])
    }
}
