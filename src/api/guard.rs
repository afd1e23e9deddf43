//! What every request passes and every answer gets: the Host check, who may ask and change anything, the request id, the
//! security headers, and that it is told of.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
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

use super::App;
use super::access::{Access, vary_by_token};
use super::access_log::Waiting;
use super::cors::{check_writer, refused_preflight};
use super::error::ApiError;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is taken over from a caller.
const MAX_REQUEST_ID_BYTES: usize = 64;

/// The id of a request, which those further in find among its extensions.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Among the extensions of an answer: it is an error because somebody asked for one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnPurpose;

/// The middleware around every route, and around CORS.
pub(crate) async fn guard(
    app: Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    app.stopping.begin_request();
    let waiting = Waiting::new(request_id(&request), &request);
    let id = HeaderValue::from_str(waiting.id());
    if app.mock.is_some() {
        let id = RequestId(waiting.id().to_owned());
        request.extensions_mut().insert(id);
    }
    // A preflight does not come as far as `admit`.
    let refused = if request.method() == Method::OPTIONS {
        check_host(&app, &request).err()
    } else {
        None
    };
    let mut response = match refused {
        Some(error) => request.into_response(error.error_response()),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    if let Some(error) = refused_preflight(&response) {
        response = response.into_response(error.error_response());
    }
    if app.stopping.is_told() {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    let headers = response.headers_mut();
    if let Ok(id) = id {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(waiting.answered(app, response))
}

/// The middleware within CORS: whom it turns away can read why.
pub(crate) async fn admit(
    app: Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let admitted = check_host(&app, &request)
        .and_then(|()| check_writer(&request, &app.origins))
        .and_then(|()| Access::of(&app, &request));
    let mut response = match admitted {
        Ok(access) => {
            request.extensions_mut().insert(access);
            next.call(request).await?.map_into_boxed_body()
        }
        Err(error) => request.into_response(error.error_response()),
    };
    if app.tokens.is_some() {
        vary_by_token(response.headers_mut());
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

/// The caller's id, where it is one to 64 plain characters; else one of our own.
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

/// The names under which the server may be reached.
///
/// A page elsewhere can point a name of its own at this machine's address ("DNS rebinding") and would then share an
/// origin with us; it can't do that with an address or with a name that is listed here.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    names: Vec<String>,
}

impl Hosts {
    /// `localhost`, addresses, and the names given; ports do not matter.
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        Self {
            names: names
                .iter()
                .map(|name| without_port(name).to_ascii_lowercase())
                .collect(),
        }
    }

    fn allow(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        let address = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(&name);
        address.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.names.contains(&name)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if !name.ends_with(':') && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_localhost_or_named() {
        let hosts = Hosts::new(&["Jobs.Example:8080".to_owned()]);
        for (host, expected) in [
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("192.168.1.5", true),
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("jobdeck.localhost:1", true),
            ("jobs.example:8080", true),
            ("evil.example", false),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(hosts.allow(host), expected, "{host}");
        }
    }
}
