//! Admits requests: finds the token in `Authorization` and checks its domain and rights.
//!
//! Whether a request is admitted, and whether it may write, is decided once for all routes, before a route is chosen: a new
//! route needs a token by default, and one that writes a token that may write. Only the handler knows which domain a
//! request is about: it passes that domain to [`Access::check`], and uses no other.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::cors::only_reads;
use crate::api::app::App;
use crate::api::error::ApiError;
use crate::route::Audience;
use crate::tokens::Grant;

/// What a client may reach.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// Everything: the server has no tokens.
    Everyone,
    /// What the token grants.
    Holder(Arc<Grant>),
    /// Nothing of any domain: the request is for a path that needs no token.
    Stranger,
}

impl Access {
    /// Admits a request, or refuses it.
    pub(in crate::api) fn admit(app: &App, request: &ServiceRequest) -> Result<Self, ApiError> {
        let Some(tokens) = &app.tokens else {
            return Ok(Self::Everyone);
        };
        let grant = token(request.headers()).and_then(|token| {
            let grant = tokens.find(token);
            grant.ok_or(ApiError::Unauthenticated(
                "the token is unknown to this server; whoever runs it makes one with `jobdeck token new`",
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
    pub(in crate::api) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let access = request.extensions().get::<Self>().cloned();
        access.ok_or(ApiError::Internal("a request without its access"))
    }

    /// Checks that the client may reach a domain, or with `None` the whole server. Every handler calls it before it reads
    /// anything of them.
    ///
    /// # Errors
    /// [`ApiError::OtherDomain`] where the client may not.
    pub(crate) fn check(&self, domain_id: Option<&str>) -> Result<(), ApiError> {
        match (self.scope()?, self) {
            (Some(own), Self::Holder(grant)) if domain_id != Some(own) => {
                Err(ApiError::OtherDomain {
                    name: grant.name.clone(),
                    own: own.to_owned(),
                    requested: domain_id.map(str::to_owned),
                })
            }
            _ => Ok(()),
        }
    }

    /// Returns all that the client may reach: a domain, or with `None` the whole server. For routes without a domain.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`] where it may reach nothing.
    pub(crate) fn scope(&self) -> Result<Option<&str>, ApiError> {
        match self {
            Self::Everyone => Ok(None),
            Self::Holder(grant) => Ok(grant.domain_id.as_deref()),
            Self::Stranger => Err(ApiError::Unauthenticated(NO_TOKEN)),
        }
    }

    /// Returns whether the file of tokens is still the one that the access is from.
    pub(in crate::api) fn is_still_granted(&self, app: &App) -> bool {
        match (self, &app.tokens) {
            (Self::Holder(grant), Some(tokens)) => tokens.has(grant),
            _ => true,
        }
    }

    /// Returns whether the client may write.
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

/// Returns whether a path is answered without a token: a page can't send one before it is loaded, and
/// health checks have none.
pub(in crate::api) fn is_open(path: &str) -> bool {
    matches!(Audience::of(path), Audience::Page | Audience::Probe)
}

const NO_TOKEN: &str = "this server needs a token: send one header `Authorization: Bearer TOKEN`";

/// Returns the token of a request, which is read from this one header only.
fn token(headers: &HeaderMap) -> Result<&[u8], ApiError> {
    let mut values = headers.get_all(AUTHORIZATION);
    let token = match (values.next(), values.next()) {
        (Some(value), None) => bearer(value.as_bytes()),
        _ => None,
    };
    token.ok_or(ApiError::Unauthenticated(NO_TOKEN))
}

/// Returns the token after the name of its scheme, which is read in any case (RFC 9110).
fn bearer(credentials: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = credentials.split_at_checked("bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_follows_the_name_of_its_scheme() {
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
            let token = bearer(header.as_bytes());
            assert_eq!(token, expected.map(str::as_bytes), "{header:?}");
        }
    }

    #[test]
    fn only_the_page_and_health_checks_need_no_token() {
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
