//! Every error of the API: its HTTP status, SpaceONE's code, and the one shape in which it is answered.

use actix_cors::CorsError;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};

use super::schema::answers::{ErrorAnswer, ErrorDetail};
use crate::mock::{InjectedError, MockError, TooFewRequests};
use crate::query::QueryError;
use crate::route::{PAGE, Route};
use crate::store::StoreError;
use crate::transfer::TransferError;

/// The longest message, in characters: it quotes what was sent, and that may be as long as a body.
const MAX_MESSAGE_CHARS: usize = 2_000;
/// As SpaceONE answers what is unique and present already.
const CONFLICT: (StatusCode, &str) = (StatusCode::CONFLICT, "ERROR_SAVE_UNIQUE_VALUES");

/// Why a request is not answered as it asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Store(StoreError),
    #[error("there is no {} here; GET {} tells every route, and the page is at {PAGE}", .0, Route::OpenApi.path())]
    NotFound(String),
    /// A route that only a switch brings.
    #[error("there is no {path} here; `jobdeck serve {switch}` has it")]
    NeedsSwitch { path: String, switch: &'static str },
    /// A thing by a name.
    #[error("{0}")]
    NoSuch(String),
    #[error("{method} is not allowed here; allowed are {allow}")]
    MethodNotAllowed { method: String, allow: String },
    #[error("the body is larger than {0} bytes, which is the most that is read")]
    TooLarge(usize),
    #[error(
        "the query string is longer than {} bytes; POST the same to {}", .0, Route::SearchJobs.path()
    )]
    LongQueryString(usize),
    #[error(
        "the body must be {} without content encoding; it came as {found}", .allowed.join(" or ")
    )]
    UnsupportedMediaType {
        allowed: &'static [&'static str],
        found: String,
    },
    #[error(
        "as many statistics or lists without a limit as may run at a time are running; try again"
    )]
    Crowded,
    #[error(
        "the server is being stopped, and this takes too long to wait for; ask again when it is back"
    )]
    Stopping,
    #[error("the body did not arrive within {0} seconds")]
    SlowBody(u64),
    #[error("the body ended early: {0}")]
    BrokenBody(String),
    #[error("there is no job `{job_id}` in domain `{domain_id}`")]
    NoJob { domain_id: String, job_id: String },
    /// A body whose jobs are at fault.
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
    /// An error that was asked for.
    #[error("{}", .0.message)]
    Asked(InjectedError),
    #[error("this server is not known as `{0}`; `--allow-host` makes it known")]
    InvalidHost(String),
    /// Nobody that is known here.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// What is asked for is not what the token is of; `None` is the whole server.
    #[error("token `{name}` is of domain `{own}` alone, and {}", other(.asked.as_deref(), .own))]
    OtherDomain {
        name: String,
        own: String,
        asked: Option<String>,
    },
    #[error("token `{name}` may read, but change nothing; it takes one with `access = \"write\"`")]
    ReadOnlyToken { name: String },
    #[error("{0} may not do this here; `--cors ORIGIN` lets pages of an origin in")]
    Foreign(String),
    #[error("a page elsewhere can't be told that it may ask: {0}")]
    Preflight(CorsError),
    /// A panic or another fault of our own.
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
            // Of a store's faults only a conflict is the body's, and told with its line.
            TransferError::Write { fault, .. } if !matches!(fault, StoreError::Conflict { .. }) => {
                fault.into()
            }
            other => Self::Jobs(other),
        }
    }
}

impl ApiError {
    /// The one table from error to status and code.
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
                | StoreError::Damaged(_)
                | StoreError::Unavailable { .. } => {
                    (StatusCode::SERVICE_UNAVAILABLE, "ERROR_UNAVAILABLE")
                }
                StoreError::Conflict { .. } => CONFLICT,
                StoreError::ReadOnly | StoreError::Unreadable { .. } | StoreError::Sqlite(_) => {
                    (StatusCode::INTERNAL_SERVER_ERROR, "ERROR_UNKNOWN")
                }
            },
            Self::Jobs(TransferError::Write { .. }) => CONFLICT,
            Self::Mock(MockError::NoSnapshot { .. })
            | Self::NoJob { .. }
            | Self::NotFound(_)
            | Self::NeedsSwitch { .. }
            | Self::NoSuch(_) => (StatusCode::NOT_FOUND, "ERROR_NOT_FOUND"),
            Self::MethodNotAllowed { .. } => {
                (StatusCode::METHOD_NOT_ALLOWED, "ERROR_METHOD_NOT_ALLOWED")
            }
            Self::TooLarge(_) | Self::LongQueryString(_) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "ERROR_REQUEST_TOO_LARGE")
            }
            Self::UnsupportedMediaType { .. } => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "ERROR_UNSUPPORTED_MEDIA_TYPE",
            ),
            Self::Crowded | Self::Stopping => {
                (StatusCode::SERVICE_UNAVAILABLE, "ERROR_UNAVAILABLE")
            }
            Self::Asked(asked) => (
                StatusCode::from_u16(asked.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                asked.code,
            ),
            Self::SlowBody(_) | Self::Waited { .. } => {
                (StatusCode::REQUEST_TIMEOUT, "ERROR_REQUEST_TIMEOUT")
            }
            Self::Jobs(_) | Self::Mock(_) | Self::BrokenBody(_) => {
                (StatusCode::BAD_REQUEST, "ERROR_INVALID_PARAMETER")
            }
            Self::InvalidHost(_) => (StatusCode::MISDIRECTED_REQUEST, "ERROR_INVALID_HOST"),
            Self::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "ERROR_AUTHENTICATE_FAILURE"),
            Self::OtherDomain { .. }
            | Self::ReadOnlyToken { .. }
            | Self::Foreign(_)
            | Self::Preflight(_) => (StatusCode::FORBIDDEN, "ERROR_PERMISSION_DENIED"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "ERROR_UNKNOWN"),
        }
    }

    /// What the client reads: of our own faults a fixed text, since their causes are nobody's but the log's.
    fn message(&self) -> String {
        match self {
            Self::Store(StoreError::ReadOnly | StoreError::Sqlite(_)) | Self::Internal(_) => {
                "an unexpected fault of jobdeck's own; its log tells more under this request's id"
                    .to_owned()
            }
            Self::Store(
                StoreError::Busy
                | StoreError::Displaced(_)
                | StoreError::Damaged(_)
                | StoreError::Unavailable { .. },
            ) => "the database can't answer for now; try again".to_owned(),
            other => cut(other.to_string()),
        }
    }
}

fn cut(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE_CHARS) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// When a wait for requests ended.
fn until(came: &TooFewRequests, seconds: f64) -> String {
    if came.is_stopped {
        "had come when the server stopped".to_owned()
    } else {
        format!("came within {seconds} seconds")
    }
}

/// What was asked for instead of one's own domain.
fn other(asked: Option<&str>, own: &str) -> String {
    match asked {
        Some(asked) => {
            let asked: String = asked.chars().take(100).collect();
            format!("this is about domain `{asked}`")
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
            response.insert_header((RETRY_AFTER, HeaderValue::from_static("1")));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        let allow = match self {
            Self::MethodNotAllowed { allow, .. } => HeaderValue::try_from(allow).ok(),
            // The header goes with the status (RFC 9110); what the resource would have said is not known where a fault
            // answers.
            Self::Asked(_) if status == StatusCode::METHOD_NOT_ALLOWED => {
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
