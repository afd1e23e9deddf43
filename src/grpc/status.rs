//! The statuses of answers that are errors. Clients split `grpc-message` at its first colon into code and message, so each has both.

use prost::bytes::Bytes;
use serde::Deserialize;
use tonic::codegen::http::{HeaderMap, HeaderValue};
use tonic::{Code, Status};

use super::call::NoAnswer;

/// The error of an answer, in REST's form.
#[derive(Deserialize)]
struct ErrorAnswer {
    detail: ErrorDetail,
}

#[derive(Deserialize)]
struct ErrorDetail {
    code: String,
    message: String,
}

/// Returns the status for an answer that is an error.
///
/// Rule: SpaceONE's gateway, which turns the one into the other.
pub(super) fn of_answer(http_status: u16, body: &Bytes) -> Status {
    let code = match http_status {
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::NotFound,
        408 | 504 => Code::DeadlineExceeded,
        409 => Code::AlreadyExists,
        413 => Code::ResourceExhausted,
        429 | 503 => Code::Unavailable,
        400..=499 => Code::InvalidArgument,
        _ => Code::Internal,
    };
    match serde_json::from_slice(body) {
        Ok(ErrorAnswer {
            detail: ErrorDetail {
                code: name,
                message,
            },
        }) => with_code(code, &name, &message),
        // Such as a fault without a body.
        Err(_) => with_code(
            code,
            "ERROR_UNKNOWN",
            &format!("the server answered with HTTP status {http_status}"),
        ),
    }
}

/// Returns the status for an answer that there is not.
pub(super) fn of_no_answer(why: NoAnswer) -> Status {
    match why {
        NoAnswer::BrokenOff => with_code(
            Code::Unavailable,
            "ERROR_UNAVAILABLE",
            "the answer broke off; the log of jobdeck has the reason",
        ),
        NoAnswer::TooLong => with_code(
            Code::ResourceExhausted,
            "ERROR_RESPONSE_TOO_LARGE",
            "the answer is longer than 64 MiB of JSON, the most that one message holds here; ask for pages with query.page.limit",
        ),
    }
}

pub(super) fn with_code(code: Code, name: &str, message: &str) -> Status {
    Status::new(code, format!("{name}: {message}"))
}

/// Gives a status that the library has set for a request it could not read the code that clients expect.
pub(super) fn complete(headers: &mut HeaderMap) {
    let Some(status) = Status::from_header_map(headers) else {
        return;
    };
    let is_whole = status.message().starts_with("ERROR_");
    if status.code() == Code::Ok || is_whole {
        return;
    }
    let (code, name) = match status.code() {
        Code::OutOfRange => (Code::ResourceExhausted, "ERROR_REQUEST_TOO_LARGE"),
        Code::Unimplemented => (Code::Unimplemented, "ERROR_UNSUPPORTED_MEDIA_TYPE"),
        _ => (Code::InvalidArgument, "ERROR_INVALID_PARAMETER"),
    };
    let status = with_code(code, name, status.message());
    for name in [Status::GRPC_STATUS, Status::GRPC_MESSAGE] {
        headers.remove(name);
    }
    if status.add_header(headers).is_err() {
        headers.insert(Status::GRPC_STATUS, HeaderValue::from_static("13"));
    }
}
