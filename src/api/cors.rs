//! CORS: the origins whose pages may send requests (`--cors`), and the refusal of writes from all other pages.

use actix_cors::{Cors, CorsError};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use actix_web::middleware::Condition;

use url::{Position, Url};

use super::error::ApiError;
use crate::route::Route;

/// The headers of an answer that a page may read, besides those that any page may.
const EXPOSED: [&str; 5] = [
    "etag",
    "x-request-id",
    "preference-applied",
    "retry-after",
    "content-disposition",
];
/// How long a browser may reuse the answer to a preflight: an hour.
const MAX_AGE_SECONDS: usize = 3_600;

/// An origin whose pages may send requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Any, also the pages without an origin of their own (files, sandboxed frames).
    Any,
    /// Scheme, host, and a port that is not the scheme's default, as a browser writes them.
    One(String),
}

impl Origin {
    /// Reads `*`, or an origin such as `http://localhost:3000`.
    ///
    /// # Errors
    /// One line that says what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if text == "null" {
            return Err("pages without an origin are let in by `*` alone".to_owned());
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let bare = format!("{scheme}://{authority}");
        // A colon at the end is a port that was forgotten.
        let origin = serialized(&bare).filter(|_| !authority.ends_with(':'));
        match origin {
            Some(origin) if text == bare => Ok(Self::One(origin)),
            meant => {
                let meant = meant.as_deref().unwrap_or("http://localhost:3000");
                Err(format!(
                    "expected scheme, host and port and nothing else, such as `{meant}`, or `*` for any origin"
                ))
            }
        }
    }

    fn allows(&self, origin: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => origin == Some(one),
        }
    }
}

/// Returns the origin of a URL as a browser writes it; `None` where no page can have it.
fn serialized(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_address = host.starts_with('[');
    if !is_address && !host.bytes().all(is_plain) || url.port() == Some(0) {
        return None;
    }
    match url.origin() {
        origin @ url::Origin::Tuple(..) => Some(origin.ascii_serialization()),
        // Of a scheme of the browser's own, such as an extension's.
        url::Origin::Opaque(_) => {
            let authority = &url[Position::BeforeHost..Position::AfterPort];
            Some(format!(
                "{}://{}",
                url.scheme(),
                authority.to_ascii_lowercase()
            ))
        }
    }
}

/// Makes the middleware that answers preflights and adds the headers by which a browser lets a page read an answer; none
/// where no origin is given.
pub(crate) fn cors(origins: &[Origin]) -> Condition<Cors> {
    let methods = Route::ALL.iter().flat_map(|route| route.methods());
    let cors = Cors::default()
        .allowed_methods(methods.copied())
        // Unknown headers are ignored, so a client's token or trace id is no reason to refuse it.
        .allow_any_header()
        .expose_headers(EXPOSED)
        .max_age(MAX_AGE_SECONDS);
    let cors = if origins.contains(&Origin::Any) {
        cors.allow_any_origin().send_wildcard()
    } else {
        origins.iter().fold(cors, |cors, origin| match origin {
            Origin::Any => cors,
            Origin::One(origin) => cors.allowed_origin(origin),
        })
    };
    Condition::new(!origins.is_empty(), cors)
}

/// Returns why a preflight was refused, to answer it in the one shape of errors.
pub(super) fn refused_preflight<B>(response: &ServiceResponse<B>) -> Option<ApiError> {
    let error = response.response().error()?.as_error::<CorsError>()?;
    Some(match error {
        CorsError::OriginNotAllowed => foreign(response.request().headers()),
        other => ApiError::Preflight(other.clone()),
    })
}

/// Returns whether a request changes nothing, whatever its route. A route that reads by POST takes nothing but
/// `application/json`, so a page elsewhere can't reach it without a preflight.
pub(super) fn only_reads(request: &ServiceRequest) -> bool {
    matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) || Route::is_read_by_post(request.path())
}

/// Refuses a request by which a page of another site would change something: a browser sends many such requests without a
/// preflight.
///
/// `Sec-Fetch-Site` says where the page is from, but not to a server that other machines reach without TLS, and not in old
/// browsers: then the `Origin` must be that of the server.
pub(super) fn check_writer(request: &ServiceRequest, origins: &[Origin]) -> Result<(), ApiError> {
    if only_reads(request) {
        return Ok(());
    }
    let headers = request.headers();
    let origin = text(headers, ORIGIN.as_str());
    let is_own = match (text(headers, "sec-fetch-site"), origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let own = text(headers, HOST.as_str()).unwrap_or_default();
            origin
                .split_once("://")
                .is_some_and(|(_, host)| host.eq_ignore_ascii_case(own))
        }
        // The client is no browser.
        (None, None) => true,
    };
    if is_own || origins.iter().any(|one| one.allows(origin)) {
        Ok(())
    } else {
        Err(foreign(headers))
    }
}

fn foreign(headers: &HeaderMap) -> ApiError {
    let page = match text(headers, ORIGIN.as_str()) {
        Some(origin) if origin != "null" => {
            format!(
                "a page of `{}`",
                origin.chars().take(100).collect::<String>()
            )
        }
        _ => "a page of another site".to_owned(),
    };
    ApiError::Foreign(page)
}

/// Returns the text of a header; empty where it is no text, which equals no expected value.
fn text<'r>(headers: &'r HeaderMap, name: &str) -> Option<&'r str> {
    headers
        .get(name)
        .map(|value| value.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_normalized_to_what_browsers_send() {
        for (text, expected) in [
            ("http://localhost:3000", "http://localhost:3000"),
            ("HTTP://LocalHost:3000", "http://localhost:3000"),
            ("http://localhost:80", "http://localhost"),
            ("https://jobs.example:443", "https://jobs.example"),
            ("https://jobs.example:80", "https://jobs.example:80"),
            ("http://[::1]:5173", "http://[::1]:5173"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
            ("http://b\u{fc}cher.example", "http://xn--bcher-kva.example"),
            ("http://[0:0::1]:5173", "http://[::1]:5173"),
        ] {
            assert_eq!(
                Origin::parse(text),
                Ok(Origin::One(expected.to_owned())),
                "{text}"
            );
        }
        assert_eq!(Origin::parse("*"), Ok(Origin::Any));
    }

    #[test]
    fn a_wrong_origin_is_refused_with_what_would_be_right() {
        for (text, right) in [
            ("localhost:3000", "`http://localhost:3000`"),
            ("localhost:3000/app", "`http://localhost:3000`"),
            ("http://localhost:3000/", "`http://localhost:3000`"),
            ("https://jobs.example/app?x#y", "`https://jobs.example`"),
            ("https://me@jobs.example", "`https://jobs.example`"),
            ("jobs.example", "`http://jobs.example`"),
            ("http://*.example", "`http://localhost:3000`"),
            ("http://localhost:", "`http://localhost:3000`"),
            ("http://localhost:0", "`http://localhost:3000`"),
            ("http://localhost:99999", "`http://localhost:3000`"),
            ("http://", "`http://localhost:3000`"),
            ("", "`http://localhost:3000`"),
            ("a b", "`http://localhost:3000`"),
            ("null", "`*` alone"),
        ] {
            let error = Origin::parse(text).unwrap_err();
            assert!(error.contains(right), "{text}: {error}");
        }
    }
}
