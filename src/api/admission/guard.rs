//! The middlewares around every route: `Host` check, access, request id, security headers, access log.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    HOST, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, ResponseError};

use super::access::Access;
use super::cors::{check_writer, cors};
use crate::api::access_log::OpenRequest;
use crate::api::app::App;
use crate::api::caching::vary_by;
use crate::api::error::ApiError;
use crate::api::path::set_path;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is accepted from a client.
const MAX_REQUEST_ID_BYTES: usize = 64;

/// The id of a request, in its extensions.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// The outermost middleware: sets the path, refuses preflights to an unknown host, adds the request id and the security
/// headers, and has the answer logged. Within it are CORS and [`admit`]: a middleware of its own costs each a future on the
/// heap.
pub(crate) async fn guard(
    app: Data<App>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    set_path(&app, &mut request);
    app.stopping.begin_request();
    let open = OpenRequest::new(request_id(&request), &request);
    let id = HeaderValue::from_str(open.id());
    if app.mock.is_some() {
        let id = RequestId(open.id().to_owned());
        request.extensions_mut().insert(id);
    }
    // A preflight does not reach `admit`.
    let refused = if request.method() == Method::OPTIONS {
        check_host(&app, &request).err()
    } else {
        None
    };
    let mut response = if let Some(error) = refused {
        request.into_response(error.error_response())
    } else {
        let admitted = async |request| admit(&app, request, next).await;
        cors(&app, request, admitted).await?
    };
    if app.stopping.has_begun() {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    let headers = response.headers_mut();
    if let Ok(id) = id {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(open.answered(app, response))
}

/// Checks host, origin and access: within CORS, so that a page can read why its request is refused.
async fn admit(
    app: &App,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let admitted = check_host(app, &request)
        .and_then(|()| check_writer(&request, &app.origins))
        .and_then(|()| Access::admit(app, &request));
    let mut response = match admitted {
        Ok(access) => {
            request.extensions_mut().insert(access);
            next.call(request).await?.map_into_boxed_body()
        }
        Err(error) => request.into_response(error.error_response()),
    };
    if app.tokens.is_some() {
        // No cache gives the answer to one token to another.
        vary_by(response.headers_mut(), "authorization");
    }
    Ok(response)
}

fn check_host(app: &App, request: &ServiceRequest) -> Result<(), ApiError> {
    let Some(host) = request.headers().get(HOST) else {
        return Ok(());
    };
    let host = String::from_utf8_lossy(host.as_bytes());
    if app.hosts.allow(&host) {
        Ok(())
    } else {
        Err(ApiError::InvalidHost(host.chars().take(100).collect()))
    }
}

/// Returns the client's id, where it is 1 to 64 plain characters; else a new one.
fn request_id(request: &ServiceRequest) -> String {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let is_plain = |id: &&str| {
        (1..=MAX_REQUEST_ID_BYTES).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let given = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(is_plain);
    match given {
        Some(id) => id.to_owned(),
        None => format!(
            "{:016x}",
            SEED.hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
        ),
    }
}
