//! The answers in the words of JSON Schema, where they are written without a type of their own; and every error.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use crate::job::Job;
use crate::mock::{Fault, SnapshotInfo};

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
            object.description = Some(
                "A job as it is answered: whole, a `Job`; or with `only` and `minimal` just what was asked for, so any field may be missing. A field without a value is left out. Times are in UTC with milliseconds.".to_owned(),
            );
        }
        schema
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
    "version": env!("CARGO_PKG_VERSION"), "database": "jobdeck.db", "now": "2026-01-01T12:00:00.000Z", "is_frozen": true,
    "is_writable": true, "is_mock": false, "fixtures_problem": null
}))]
pub(crate) struct About {
    version: String,
    /// The file as it was named.
    database: String,
    /// The clock of the answers.
    #[schema(format = DateTime)]
    now: String,
    /// Whether it stands still.
    is_frozen: bool,
    /// Whether jobs may be written.
    is_writable: bool,
    is_mock: bool,
    /// Why the fixtures, which have changed, can't be loaded; null where nothing is wrong.
    #[schema(required = true)]
    fixtures_problem: Option<String>,
}

/// Whether the database answers.
#[derive(ToSchema)]
pub(crate) struct Health {
    status: HealthStatus,
    version: String,
    /// How many jobs there are; where the database answers.
    #[schema(minimum = 0, nullable = false)]
    jobs: Option<i64>,
    /// How long the database file is, in bytes; where the database answers.
    #[schema(minimum = 0, nullable = false)]
    database_bytes: Option<i64>,
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

/// Whether the database answers, in the words of gRPC's health check.
#[derive(ToSchema)]
pub(crate) struct Serving {
    status: ServingStatus,
}

#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ServingStatus {
    Serving,
    NotServing,
}

/// What became of the jobs that were added.
#[derive(ToSchema)]
pub(crate) struct AddedInfo {
    /// Those that are new.
    added: u64,
    /// Those that took the place of another.
    replaced: u64,
    /// Those that were there already, and were left as they are.
    skipped: u64,
}

/// How many are gone.
#[derive(ToSchema)]
pub(crate) struct DeletedInfo {
    deleted: u64,
}

/// How many jobs the domain, or the server, has.
#[derive(ToSchema)]
pub(crate) struct JobsCount {
    jobs: u64,
}

/// The snapshots.
#[derive(ToSchema)]
pub(crate) struct SnapshotsInfo {
    results: Vec<SnapshotInfo>,
}

/// A clock.
#[derive(ToSchema)]
#[schema(example = json!({"now": "2026-01-01T12:00:00.000Z", "is_frozen": true}))]
pub(crate) struct ClockInfo {
    #[schema(format = DateTime)]
    now: String,
    /// Whether it stands still.
    is_frozen: bool,
}

/// The faults that are set.
#[derive(ToSchema)]
pub(crate) struct FaultsInfo {
    results: Vec<FaultInfo>,
    total_count: u64,
}

/// A fault that is set.
pub(crate) struct FaultInfo;

impl PartialSchema for FaultInfo {
    /// [`crate::mock::Listed`]: flattened, a [`Fault`] and more members, which its schema refuses.
    fn schema() -> RefOr<Schema> {
        let count = || {
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(0))
        };
        let mut schema = Fault::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.description = Some("A fault as it is set.".to_owned());
            for (name, member) in [
                ("id", Object::with_type(Type::String)),
                (
                    "used",
                    count()
                        .description(Some("For how many requests it was used."))
                        .build(),
                ),
                (
                    "holding",
                    count()
                        .description(Some("How many answers wait for it now."))
                        .build(),
                ),
            ] {
                object.properties.insert(name.to_owned(), member.into());
                object.required.push(name.to_owned());
            }
        }
        schema
    }
}

impl ToSchema for FaultInfo {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Fault::schemas(schemas);
    }
}

/// How many answers were let go.
#[derive(ToSchema)]
pub(crate) struct ReleasedInfo {
    released: u64,
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
const ERRORS: [ErrorResponse; 13] = [
    ErrorResponse {
        name: "BadRequest",
        status: 400,
        description: "The request is at fault: the message names the place and what would be right. Codes are `ERROR_REQUIRED_PARAMETER`, `ERROR_INVALID_PARAMETER`, `ERROR_INVALID_PARAMETER_TYPE`, `ERROR_JSON_FORMAT`, `ERROR_OPERATOR_LIST_VALUE_TYPE`, `ERROR_OPERATOR_VALUE_TYPE`, `ERROR_OPERATOR_BOOLEAN_TYPE`, `ERROR_OPERATOR_DICT_VALUE_TYPE` and `ERROR_DB_QUERY`.",
        code: "ERROR_DB_QUERY",
        message: "query.filter[0].key: unknown field `stauts`; did you mean `status`?",
    },
    ErrorResponse {
        name: "Unauthorized",
        status: 401,
        description: "The token is missing, or none of this server's.",
        code: "ERROR_AUTHENTICATE_FAILURE",
        message: "this server wants to know who asks: send one header `Authorization: Bearer TOKEN`",
    },
    ErrorResponse {
        name: "Forbidden",
        status: 403,
        description: "A page of another site asks for a change; `--cors` lets the pages of an origin in.",
        code: "ERROR_PERMISSION_DENIED",
        message: "a page of `http://elsewhere.example` may not do this here; `--cors ORIGIN` lets pages of an origin in",
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
        name: "Conflict",
        status: 409,
        description: "A job is there already, and `on_conflict` is `fail`; none was added.",
        code: "ERROR_SAVE_UNIQUE_VALUES",
        message: "body: line 2: job job-2 of domain domain-67094cea8ca4 is present already",
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
            401 => Some(("WWW-Authenticate", "How one says who asks.", "Bearer")),
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

/// The error of a route that nothing but a fault of our own can stop.
pub(crate) struct OwnFault;

impl IntoResponses for OwnFault {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[500])
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

/// The errors of a route of jobdeck's own without a body.
pub(crate) struct ParameterErrors;

impl IntoResponses for ParameterErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[400, 413, 500, 503])
    }
}

/// The errors of a route of jobdeck's own with a body.
pub(crate) struct WriteErrors;

impl IntoResponses for WriteErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[400, 408, 413, 415, 500, 503])
    }
}

/// The error of a route about one thing that may not be there.
pub(crate) struct NoSuch;

impl IntoResponses for NoSuch {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[404])
    }
}

/// The error of a route that may refuse what is there already.
pub(crate) struct Conflict;

impl IntoResponses for Conflict {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[409])
    }
}
