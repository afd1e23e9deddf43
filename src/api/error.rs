//! The table of API errors: status, code and shape of each answer; `mock::faults::code` must have every code.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};

use super::admission::name_of;
use super::schema::answers::{ErrorAnswer, ErrorDetail};
use crate::mock::{InjectedError, MockError, TooFewRequests};
use crate::query::QueryError;
use crate::route::{DOCS, PAGE, Route};
use crate::store::StoreError;
use crate::transfer::TransferError;

/// The longest message, in characters: it quotes what the client sent, which may be as long as a body.
const MAX_MESSAGE_CHARS: usize = 2_000;
/// The content encodings of bodies, for errors and for `Accept-Encoding`.
const KNOWN_ENCODINGS: &str = "gzip, deflate, zstd";
/// The most encodings that a body may have, one over the other.
pub(super) const MAX_ENCODINGS: usize = 4;
/// What SpaceONE answers where a unique value exists already.
const CONFLICT: (StatusCode, &str) = (StatusCode::CONFLICT, "ERROR_SAVE_UNIQUE_VALUES");

/// Why a request is refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Store(StoreError),
    #[error("there is no {path} here; {hint}GET {} lists every route, the page is at {PAGE}, and the documentation at {DOCS}", Route::OpenApi.path())]
    NotFound { path: String, hint: String },
    /// The path has a route only with a switch.
    #[error("there is no {path} here; `jobdeck serve {switch}` has it")]
    NeedsSwitch { path: String, switch: &'static str },
    /// There is nothing of the given name; the text is the message.
    #[error("{0}")]
    NoSuch(String),
    #[error("{method} is not allowed here; allowed are {allow}{hint}")]
    MethodNotAllowed {
        method: String,
        allow: String,
        hint: String,
    },
    #[error("the body is larger than {0} bytes, which is the most that is read")]
    TooLarge(usize),
    #[error(
        "the query string is longer than {} bytes; POST the same to {}", .0, Route::SearchJobs.path()
    )]
    LongQueryString(usize),
    #[error("the body came {found}; send it with the header `content-type: {right}`")]
    UnsupportedMediaType { right: &'static str, found: String },
    #[error(
        "the body came encoded as {0}; known are {KNOWN_ENCODINGS}, at most {MAX_ENCODINGS} of them"
    )]
    UnknownEncoding(String),
    #[error("the body can't be decoded as {encoding}: {problem}")]
    BrokenEncoding {
        encoding: &'static str,
        problem: String,
    },
    #[error("too many statistics or lists without a limit are running; try again")]
    Crowded,
    #[error(
        "as many streams of events are open as there may be; try again later, or ask for changes at intervals"
    )]
    ManyStreams,
    #[error("the server is stopping, and this would take too long; try again when it is back")]
    Stopping,
    #[error("the body did not arrive within {0} seconds")]
    SlowBody(u64),
    #[error("the body ended early: {0}")]
    BrokenBody(String),
    /// A message of gRPC; the text says where it is wrong.
    #[error("the message can't be decoded: {0}")]
    UnreadableMessage(String),
    #[error("there is no job `{job_id}` in domain `{domain_id}`")]
    NoJob { domain_id: String, job_id: String },
    /// The jobs in a body are wrong.
    #[error(transparent)]
    Jobs(TransferError),
    #[error(transparent)]
    Mock(MockError),
    #[error("{} of {wanted} requests {}", .came.came, until(.came, *.seconds))]
    Waited {
        came: TooFewRequests,
        wanted: usize,
        seconds: f64,
    },
    /// An error that a fault or `Prefer` injected.
    #[error("{}", .0.message)]
    Injected(InjectedError),
    #[error("this server is not known as `{0}`; `jobdeck serve --allow-host {name}` makes it known", name = name_of(.0))]
    InvalidHost(String),
    /// The token is missing or unknown.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The request is about another domain than the token is for; `None` is the whole server.
    #[error("token `{name}` is of domain `{own}` alone, and {}", other_domain(.requested.as_deref(), .own))]
    OtherDomain {
        name: String,
        own: String,
        requested: Option<String>,
    },
    #[error("token `{name}` may read, but not write; this takes one with `access = \"write\"`")]
    ReadOnlyToken { name: String },
    /// A page of another site would send a request; the option would let it in.
    #[error("{page} may not do this here; `jobdeck serve {option}` lets it in")]
    Foreign { page: String, option: String },
    #[error(
        "the preflight of a page elsewhere is refused: no route has the method {wanted}; there are {methods}"
    )]
    Preflight { wanted: String, methods: String },
    /// A panic or another error of our own.
    #[error("{0}")]
    Internal(&'static str),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Query(error) => Self::Query(error),
            other => Self::Store(other),
        }
    }
}

impl From<MockError> for ApiError {
    fn from(error: MockError) -> Self {
        match error {
            MockError::Store(error) => error.into(),
            other => Self::Mock(other),
        }
    }
}

impl From<TransferError> for ApiError {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Store(error) => error.into(),
            TransferError::TooLarge { max_bytes, .. } => Self::TooLarge(max_bytes),
            other => Self::Jobs(other),
        }
    }
}

impl ApiError {
    /// Returns the status and the code: the one table of both.
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Query(error) => (StatusCode::BAD_REQUEST, query_code(error)),
            Self::Store(error) => match error {
                StoreError::Query(error) => (StatusCode::BAD_REQUEST, query_code(error)),
                StoreError::Timeout | StoreError::Cancelled => {
                    (StatusCode::GATEWAY_TIMEOUT, "ERROR_REQUEST_TIMEOUT")
                }
                StoreError::Busy
                | StoreError::Displaced(_)
                | StoreError::Unopened(_)
                | StoreError::Damaged(_)
                | StoreError::Unavailable { .. } => {
                    (StatusCode::SERVICE_UNAVAILABLE, "ERROR_UNAVAILABLE")
                }
                StoreError::Conflict { .. } => CONFLICT,
                StoreError::ReadOnly | StoreError::Unreadable { .. } | StoreError::Sqlite(_) => {
                    (StatusCode::INTERNAL_SERVER_ERROR, "ERROR_UNKNOWN")
                }
            },
            Self::Jobs(TransferError::Mistakes(mistakes)) if mistakes.are_conflicts() => CONFLICT,
            Self::Mock(MockError::NoSnapshot { .. })
            | Self::NoJob { .. }
            | Self::NotFound { .. }
            | Self::NeedsSwitch { .. }
            | Self::NoSuch(_) => (StatusCode::NOT_FOUND, "ERROR_NOT_FOUND"),
            Self::MethodNotAllowed { .. } => {
                (StatusCode::METHOD_NOT_ALLOWED, "ERROR_METHOD_NOT_ALLOWED")
            }
            Self::TooLarge(_) | Self::LongQueryString(_) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "ERROR_REQUEST_TOO_LARGE")
            }
            Self::UnsupportedMediaType { .. } | Self::UnknownEncoding(_) => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "ERROR_UNSUPPORTED_MEDIA_TYPE",
            ),
            Self::Crowded | Self::ManyStreams | Self::Stopping => {
                (StatusCode::SERVICE_UNAVAILABLE, "ERROR_UNAVAILABLE")
            }
            Self::Injected(error) => (
                StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                error.code,
            ),
            Self::SlowBody(_) | Self::Waited { .. } => {
                (StatusCode::REQUEST_TIMEOUT, "ERROR_REQUEST_TIMEOUT")
            }
            Self::Jobs(_)
            | Self::Mock(_)
            | Self::BrokenBody(_)
            | Self::BrokenEncoding { .. }
            | Self::UnreadableMessage(_) => (StatusCode::BAD_REQUEST, "ERROR_INVALID_PARAMETER"),
            Self::InvalidHost(_) => (StatusCode::MISDIRECTED_REQUEST, "ERROR_INVALID_HOST"),
            Self::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "ERROR_AUTHENTICATE_FAILURE"),
            Self::OtherDomain { .. }
            | Self::ReadOnlyToken { .. }
            | Self::Foreign { .. }
            | Self::Preflight { .. } => (StatusCode::FORBIDDEN, "ERROR_PERMISSION_DENIED"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "ERROR_UNKNOWN"),
        }
    }

    /// Returns what the client reads: a fixed text for our own errors, since their causes are for the log only.
    fn message(&self) -> String {
        match self {
            Self::Store(StoreError::ReadOnly | StoreError::Sqlite(_)) | Self::Internal(_) => {
                "an internal error of jobdeck; its log has the cause under the id of this request"
                    .to_owned()
            }
            Self::Store(
                StoreError::Busy
                | StoreError::Displaced(_)
                | StoreError::Unopened(_)
                | StoreError::Damaged(_)
                | StoreError::Unavailable { .. },
            ) => "the database can't answer for now; try again".to_owned(),
            // Each mistake is short, and only some are listed.
            Self::Jobs(TransferError::Mistakes(mistakes)) => mistakes.to_string(),
            other => cut(other.to_string()),
        }
    }
}

/// Cuts a message to the longest that is sent.
fn cut(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE_CHARS) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// Says when a wait for requests ended.
fn until(came: &TooFewRequests, seconds: f64) -> String {
    if came.is_stopped {
        "had come when the server stopped".to_owned()
    } else {
        format!("came within {seconds} seconds")
    }
}

/// Says what a request is about instead of the domain `own`.
fn other_domain(requested: Option<&str>, own: &str) -> String {
    match requested {
        Some(requested) => {
            let requested: String = requested.chars().take(100).collect();
            format!("this is about domain `{requested}`")
        }
        None => format!(
            "this is about the whole server, which a token of `*` reaches; `domain_id={own}` limits what takes one"
        ),
    }
}

fn query_code(error: &QueryError) -> &'static str {
    match error {
        QueryError::Required { .. } => "ERROR_REQUIRED_PARAMETER",
        QueryError::Json { .. } => "ERROR_JSON_FORMAT",
        QueryError::Type { .. } => "ERROR_INVALID_PARAMETER_TYPE",
        QueryError::Parameter { .. } => "ERROR_INVALID_PARAMETER",
        QueryError::ListExpected { .. } => "ERROR_OPERATOR_LIST_VALUE_TYPE",
        QueryError::SingleExpected { .. } => "ERROR_OPERATOR_VALUE_TYPE",
        QueryError::BooleanExpected { .. } => "ERROR_OPERATOR_BOOLEAN_TYPE",
        QueryError::ObjectExpected { .. } => "ERROR_OPERATOR_DICT_VALUE_TYPE",
        QueryError::Language { .. } | QueryError::Evaluation { .. } => "ERROR_DB_QUERY",
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status_and_code().0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, code) = self.status_and_code();
        let mut response = HttpResponse::build(status);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            // A stream ends when its client leaves, which may be long from now.
            let is_long = matches!(self, Self::ManyStreams);
            let seconds = HeaderValue::from_static(if is_long { "30" } else { "1" });
            response.insert_header((RETRY_AFTER, seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        if let Self::UnknownEncoding(_) = self {
            let known = HeaderValue::from_static(KNOWN_ENCODINGS);
            response.insert_header((ACCEPT_ENCODING, known));
        }
        let allow = match self {
            Self::MethodNotAllowed { allow, .. } => HeaderValue::try_from(allow).ok(),
            // The status requires the header (RFC 9110); which methods the path has is not known where a fault answers.
            Self::Injected(_) if status == StatusCode::METHOD_NOT_ALLOWED => {
                Some(HeaderValue::from_static("GET, HEAD, POST"))
            }
            _ => None,
        };
        if let Some(allow) = allow {
            response.insert_header((ALLOW, allow));
        }
        let message = self.message();
        response.json(ErrorAnswer {
            detail: ErrorDetail { code, message },
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::mock::FaultCode;

    #[test]
    fn a_fault_can_inject_every_code_that_the_api_answers() {
        let source = include_str!("error.rs");
        let before_tests = source.split("#[cfg(test)]").next().unwrap();
        let codes = before_tests
            .split('"')
            .filter(|text| text.starts_with("ERROR_"));
        let mut number = 0;
        for code in codes {
            let parsed = FaultCode::parse(code);
            assert_eq!(parsed.map(FaultCode::name), Ok(code));
            number += 1;
        }
        assert!(number > 20, "only {number} codes were read");
    }
}
