//! The table of error responses of the OpenAPI document, one a status; it must follow `api::error`.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// An error response: its name in the document, its status, and an example of its code and message.
struct ErrorResponse {
    name: &'static str,
    status: u16,
    description: &'static str,
    code: &'static str,
    message: &'static str,
}

const ERRORS: [ErrorResponse; 13] = [
    ErrorResponse {
        name: "BadRequest",
        status: 400,
        description: "The request is wrong: the message names the place in it and says what would be right. Codes are `ERROR_REQUIRED_PARAMETER`, `ERROR_INVALID_PARAMETER`, `ERROR_INVALID_PARAMETER_TYPE`, `ERROR_JSON_FORMAT`, `ERROR_OPERATOR_LIST_VALUE_TYPE`, `ERROR_OPERATOR_VALUE_TYPE`, `ERROR_OPERATOR_BOOLEAN_TYPE`, `ERROR_OPERATOR_DICT_VALUE_TYPE` and `ERROR_DB_QUERY`.",
        code: "ERROR_DB_QUERY",
        message: "query.filter[0].key: unknown field `stauts`; did you mean `status`?",
    },
    ErrorResponse {
        name: "Unauthorized",
        status: 401,
        description: "The token is missing or unknown.",
        code: "ERROR_AUTHENTICATE_FAILURE",
        message: "this server needs a token: send one header `Authorization: Bearer TOKEN`",
    },
    ErrorResponse {
        name: "Forbidden",
        status: 403,
        description: "A page of another site tries to change something; `--cors` lets the pages of an origin in.",
        code: "ERROR_PERMISSION_DENIED",
        message: "a page of `http://elsewhere.example` may not do this here; `jobdeck serve --cors http://elsewhere.example` lets it in",
    },
    ErrorResponse {
        name: "NotFound",
        status: 404,
        description: "There is nothing of this path or name.",
        code: "ERROR_NOT_FOUND",
        message: "there is no /inventory/v1/job here",
    },
    ErrorResponse {
        name: "MethodNotAllowed",
        status: 405,
        description: "The path does not have this method; `Allow` lists those that it has.",
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
        description: "A job exists already, and `on_conflict` is `fail`; no job was added.",
        code: "ERROR_SAVE_UNIQUE_VALUES",
        message: "body: line 2: job job-2 of domain domain-67094cea8ca4 is present already",
    },
    ErrorResponse {
        name: "TooLarge",
        status: 413,
        description: "The body or the query string is too long.",
        code: "ERROR_REQUEST_TOO_LARGE",
        message: "the body is larger than 1048576 bytes, which is the most that is read",
    },
    ErrorResponse {
        name: "UnsupportedMediaType",
        status: 415,
        description: "The body has another media type, or an unknown content encoding; the message says which header to send.",
        code: "ERROR_UNSUPPORTED_MEDIA_TYPE",
        message: "the body came as text/plain; send it with the header `content-type: application/json`",
    },
    ErrorResponse {
        name: "MisdirectedRequest",
        status: 421,
        description: "The Host header names another server.",
        code: "ERROR_INVALID_HOST",
        message: "this server is not known as `jobs.example`; `--allow-host` makes it known",
    },
    ErrorResponse {
        name: "InternalError",
        status: 500,
        description: "An internal error of jobdeck; its log has the cause under the id of the request.",
        code: "ERROR_UNKNOWN",
        message: "an internal error of jobdeck; its log has the cause under the id of this request",
    },
    ErrorResponse {
        name: "Unavailable",
        status: 503,
        description: "The database can't answer for now, or too many queries run; `Retry-After` says when to try again.",
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
            401 => Some(("WWW-Authenticate", "The scheme of the token.", "Bearer")),
            405 => Some(("Allow", "The methods of the path.", "GET, HEAD")),
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
pub(crate) fn error_responses() -> impl Iterator<Item = (String, RefOr<Response>)> {
    ERRORS
        .iter()
        .map(|error| (error.name.to_owned(), error.response().into()))
}

/// References to the error responses of these statuses.
pub(crate) fn errors(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let responses = ERRORS
        .iter()
        .filter(|error| statuses.contains(&error.status));
    responses
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

/// The error of a route that only an error of our own can stop.
pub(crate) struct OwnError;

impl IntoResponses for OwnError {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[500])
    }
}

/// The errors of a route with a query in its query string.
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

/// The errors of jobdeck's own routes without a body.
pub(crate) struct ParameterErrors;

impl IntoResponses for ParameterErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[400, 413, 500, 503])
    }
}

/// The errors of jobdeck's own routes with a body.
pub(crate) struct WriteErrors;

impl IntoResponses for WriteErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[400, 408, 413, 415, 500, 503])
    }
}

/// The error of a route about one thing that may not exist.
pub(crate) struct NoSuch;

impl IntoResponses for NoSuch {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[404])
    }
}

/// The error of a route that may refuse a job that exists already.
pub(crate) struct Conflict;

impl IntoResponses for Conflict {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[409])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::FaultCode;

    #[test]
    fn a_fault_with_only_a_status_answers_the_code_of_this_status() {
        // 400 has several codes.
        for error in ERRORS.iter().filter(|error| error.status != 400) {
            let code = FaultCode::parse(&error.status.to_string()).unwrap();
            assert_eq!(code.name(), error.code, "{}", error.status);
        }
    }
}
