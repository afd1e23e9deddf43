//! Who asks, and what of the server they may reach: `serve --tokens`.
//!
//! Whether a request gets in at all, and whether it may change anything, is decided once for every route, before any of
//! them is looked for: a route that is new needs a token, and one that changes something a token that may write. Which
//! domain a request is about only its handler knows: it hands what it was asked for to [`Access::check`], and uses no
//! other.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, VARY};
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::app::App;
use super::cors::only_reads;
use super::error::ApiError;
use crate::route::Audience;
use crate::tokens::Grant;

/// What one who asks may reach.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// Everything: the server has no tokens.
    Everyone,
    /// What the token grants.
    Holder(Arc<Grant>),
    /// Nothing that is of a domain: it is only asked for what is open.
    Stranger,
}

impl Access {
    /// Lets a request in, or turns it away.
    pub(super) fn admit(app: &App, request: &ServiceRequest) -> Result<Self, ApiError> {
        let Some(tokens) = &app.tokens else {
            return Ok(Self::Everyone);
        };
        let grant = token(request.headers()).and_then(|token| {
            let grant = tokens.find(token);
            grant.ok_or(ApiError::Unauthenticated(
                "the token is none of this server's; `jobdeck token new` makes one for whoever runs it",
            ))
        });
        match grant {
            Ok(grant) if !grant.may_write && !only_reads(request) => Err(ApiError::ReadOnlyToken {
                name: grant.name.clone(),
            }),
            Ok(grant) => Ok(Self::Holder(grant)),
            Err(_) if is_open(request.path()) => Ok(Self::Stranger),
            Err(refusal) => Err(refusal),
        }
    }

    /// Returns the access that a request was admitted with.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let access = request.extensions().get::<Self>().cloned();
        access.ok_or(ApiError::Internal("a request without its access"))
    }

    /// The gate that every handler passes what it was asked for through, before it looks at anything: a domain, or with
    /// `None` the whole server.
    ///
    /// # Errors
    /// [`ApiError::OtherDomain`] where it may not be reached.
    pub(crate) fn check(&self, domain_id: Option<&str>) -> Result<(), ApiError> {
        match (self.scope()?, self) {
            (Some(own), Self::Holder(grant)) if domain_id != Some(own) => {
                Err(ApiError::OtherDomain {
                    name: grant.name.clone(),
                    own: own.to_owned(),
                    asked: domain_id.map(str::to_owned),
                })
            }
            _ => Ok(()),
        }
    }

    /// All that it reaches: a domain, or with `None` the whole server. For what is not asked for by a domain.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`] where that is nothing.
    pub(crate) fn scope(&self) -> Result<Option<&str>, ApiError> {
        match self {
            Self::Everyone => Ok(None),
            Self::Holder(grant) => Ok(grant.domain_id.as_deref()),
            Self::Stranger => Err(ApiError::Unauthenticated(NO_TOKEN)),
        }
    }

    pub(crate) fn may_write(&self) -> bool {
        match self {
            Self::Everyone => true,
            Self::Holder(grant) => grant.may_write,
            Self::Stranger => false,
        }
    }
}

/// Reads what `guard::admit` decided before the route was known.
impl FromRequest for Access {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// Returns whether a path is answered without a token: a page can't send one before it is loaded, and who watches a
/// server's health has none.
pub(super) fn is_open(path: &str) -> bool {
    matches!(Audience::of(path), Audience::Page | Audience::Probe)
}

const NO_TOKEN: &str =
    "this server wants to know who asks: send one header `Authorization: Bearer TOKEN`";

/// The token of a request: in this one header, and nowhere else.
fn token(headers: &HeaderMap) -> Result<&[u8], ApiError> {
    let mut values = headers.get_all(AUTHORIZATION);
    let token = match (values.next(), values.next()) {
        (Some(value), None) => bearer(value.as_bytes()),
        _ => None,
    };
    token.ok_or(ApiError::Unauthenticated(NO_TOKEN))
}

/// The token behind the name of its scheme, which any case will do for (RFC 9110).
fn bearer(credentials: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = credentials.split_at_checked("bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

/// Says in an answer that another token may be answered otherwise, so that no cache gives one's answer to another.
pub(super) fn vary_by_token(headers: &mut HeaderMap) {
    // In one header: who adds to it looks at the first.
    let mut names: Vec<_> = headers.get_all(VARY).map(HeaderValue::as_bytes).collect();
    names.push(b"authorization");
    if let Ok(names) = HeaderValue::from_bytes(&names.join(&b", "[..])) {
        headers.insert(VARY, names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_behind_the_name_of_its_scheme() {
        for (header, expected) in [
            ("Bearer a.b", Some("a.b")),
            ("bEARER a", Some("a")),
            ("Bearer   a ", Some("a")),
            ("Bearer a b", Some("a b")),
            ("Bearer ", None),
            ("Bearer", None),
            ("Bearer\ta", None),
            ("Bearera", None),
            ("Basic a", None),
            ("a", None),
            ("", None),
        ] {
            let found = bearer(header.as_bytes());
            assert_eq!(found, expected.map(str::as_bytes), "{header:?}");
        }
    }

    #[test]
    fn only_pages_and_probes_are_open() {
        for (path, expected) in [
            ("/", true),
            ("/assets/0/js/main.js", true),
            ("/healthz", true),
            ("/check", true),
            ("/healthz/", false),
            ("/check/all", false),
            ("//", false),
            ("/openapi.json", false),
            ("/inventory/v1/jobs", false),
            ("/nowhere", false),
        ] {
            assert_eq!(is_open(path), expected, "{path}");
        }
    }
}
