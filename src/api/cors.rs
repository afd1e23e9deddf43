//! Pages of other origins: who may ask (`--cors`), how a browser is told so, and who may not change anything.

use actix_cors::{Cors, CorsError};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Condition;

use super::error::ApiError;
use crate::route::Route;

/// What a page may use of HTTP.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// What a page may read of an answer's headers, beside those that any may read.
const EXPOSED: [&str; 5] = [
    "etag",
    "x-request-id",
    "preference-applied",
    "retry-after",
    "content-disposition",
];
/// How long a browser may go by a preflight: an hour.
const MAX_AGE_SECONDS: usize = 3_600;

/// An origin whose pages may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// All, those without an origin of their own (files, sandboxed frames) too.
    Any,
    /// Scheme, host, and a port that is not the scheme's own, as a browser writes them.
    One(String),
}

impl Origin {
    /// Reads `*`, or an origin such as `http://localhost:3000`.
    ///
    /// # Errors
    /// What would be right, in one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if text == "null" {
            return Err("pages without an origin are let in by `*` alone".to_owned());
        }
        let is_bare = text
            .split_once("://")
            .is_some_and(|(_, rest)| !rest.contains(['/', '?', '#', '@']));
        match serialized(text) {
            Some(origin) if is_bare => Ok(Self::One(origin)),
            other => {
                let meant = other.or_else(|| serialized(&format!("http://{text}")));
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

/// The origin of a URL, as a browser writes it; `None` where it has none, or one that no page can have.
fn serialized(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let host = uri.host()?.to_ascii_lowercase();
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    if !host.starts_with('[') && !is_name(&host) {
        return None;
    }
    let port = uri.port_u16();
    let authority = port.map_or(host.clone(), |port| format!("{host}:{port}"));
    // An empty port, or one out of range, is lost above.
    let is_whole = uri
        .authority()
        .is_some_and(|given| given.as_str().to_ascii_lowercase().ends_with(&authority));
    let is_usual = matches!(
        (scheme.as_str(), port),
        ("http", Some(80)) | ("https", Some(443))
    );
    match port {
        Some(0) => None,
        _ if !is_whole => None,
        _ if is_usual => Some(format!("{scheme}://{host}")),
        _ => Some(format!("{scheme}://{authority}")),
    }
}

/// The middleware that answers preflights and adds the headers by which a browser lets a page read an answer; none where
/// no origin is named.
pub(crate) fn cors(origins: &[Origin]) -> Condition<Cors> {
    let cors = Cors::default()
        .allowed_methods(METHODS)
        // What we do not know we do not read: a client's token or trace id is no reason to refuse it.
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

/// Why a preflight was refused, in the one shape of errors.
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

/// Refuses a request by which a page of another site would change something: a browser sends many such without asking
/// first.
///
/// Browsers tell where a page is from in `Sec-Fetch-Site`, but not to a server that other machines reach without TLS, and
/// old ones never: then the `Origin` must be the one that was asked.
pub(super) fn check_writer(request: &ServiceRequest, origins: &[Origin]) -> Result<(), ApiError> {
    if only_reads(request) {
        return Ok(());
    }
    let headers = request.headers();
    let origin = text(headers, ORIGIN.as_str());
    let is_own = match (text(headers, "sec-fetch-site"), origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let asked = text(headers, HOST.as_str()).unwrap_or_default();
            origin
                .split_once("://")
                .is_some_and(|(_, host)| host.eq_ignore_ascii_case(asked))
        }
        // No browser.
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

/// A header's text; one that is no text is there, but equals nothing.
fn text<'r>(headers: &'r HeaderMap, name: &str) -> Option<&'r str> {
    headers
        .get(name)
        .map(|value| value.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        for (text, expected) in [
            ("http://localhost:3000", "http://localhost:3000"),
            ("HTTP://LocalHost:3000", "http://localhost:3000"),
            ("http://localhost:80", "http://localhost"),
            ("https://jobs.example:443", "https://jobs.example"),
            ("https://jobs.example:80", "https://jobs.example:80"),
            ("http://[::1]:5173", "http://[::1]:5173"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
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
    fn nonsense_is_told_what_would_be_right() {
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
