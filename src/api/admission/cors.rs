//! CORS: the origins whose pages may send requests (`--cors`), and the refusal of writes from all other pages.

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderMap, HeaderValue,
    ORIGIN,
};
use actix_web::{Error, HttpResponse, ResponseError};

use super::origin::Origin;
use crate::api::app::App;
use crate::api::caching::vary_by;
use crate::api::error::ApiError;
use crate::route::Route;

/// The headers of an answer that a page may read, besides those that any page may.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "etag, x-request-id, preference-applied, retry-after, content-disposition",
);
/// How long a browser may reuse the answer to a preflight, in seconds: an hour.
const MAX_AGE: HeaderValue = HeaderValue::from_static("3600");
/// The longest origin that an error repeats, in characters.
const MAX_SHOWN_CHARS: usize = 100;

/// What a page of an origin may do.
enum Grant {
    /// Send requests, also with credentials: the answer names its origin.
    Named(HeaderValue),
    /// Send requests without credentials: the answer is for all origins.
    Wildcard,
}

impl Grant {
    /// Returns what pages of the origin of a request may do; `None` is nothing.
    fn of(request: &ServiceRequest, origins: &[Origin]) -> Option<Self> {
        let given = request.headers().get(ORIGIN);
        let is_named = |origin: &&HeaderValue| {
            let origin = origin.to_str().unwrap_or_default();
            origins.iter().any(|one| one.names(origin))
        };
        match given.filter(is_named) {
            Some(origin) => Some(Self::Named(origin.clone())),
            None => origins.contains(&Origin::Any).then_some(Self::Wildcard),
        }
    }

    fn write(self, headers: &mut HeaderMap) {
        let origin = match self {
            Self::Named(origin) => {
                let yes = HeaderValue::from_static("true");
                headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
                origin
            }
            Self::Wildcard => HeaderValue::from_static("*"),
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}

/// Answers preflights, and adds to the answer that `next` makes of other requests the headers by which a browser lets a page
/// read it; none where no origin is given.
pub(super) async fn cors(
    app: &App,
    request: ServiceRequest,
    next: impl AsyncFnOnce(ServiceRequest) -> Result<ServiceResponse<BoxBody>, Error>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let origins = &app.origins;
    let grant = Grant::of(&request, origins);
    let mut response = if is_preflight(&request) {
        let answer = match grant {
            Some(grant) => granted(request.headers(), grant),
            None => Err(foreign(request.headers())),
        };
        let answer = answer.unwrap_or_else(|refusal| refusal.error_response());
        request.into_response(answer)
    } else {
        let mut response = next(request).await?;
        if let Some(grant) = grant {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            grant.write(headers);
        }
        response
    };
    // For `*` alone the answer is the same for all origins.
    if origins.iter().any(|origin| *origin != Origin::Any) {
        vary_by(response.headers_mut(), "origin");
    }
    Ok(response)
}

/// Returns whether a browser asks what a page may send (Fetch, "CORS-preflight request").
pub(in crate::api) fn is_preflight(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Answers the preflight of a page that may send requests. Unknown headers are ignored by all routes, so a client's token or
/// trace id is no reason to refuse it.
fn granted(headers: &HeaderMap, grant: Grant) -> Result<HttpResponse, ApiError> {
    let mut methods: Vec<_> = Route::ALL
        .iter()
        .flat_map(|route| route.methods())
        .collect();
    methods.sort_unstable();
    methods.dedup();
    let methods = methods.into_iter().copied().collect::<Vec<_>>();
    let wanted = text(headers, ACCESS_CONTROL_REQUEST_METHOD.as_str()).unwrap_or_default();
    if !methods.contains(&wanted) {
        let wanted: String = wanted.chars().take(MAX_SHOWN_CHARS).collect();
        return Err(ApiError::Preflight {
            wanted,
            methods: methods.join(", "),
        });
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((ACCESS_CONTROL_ALLOW_METHODS, methods.join(", ")));
    response.insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE));
    if let Some(names) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        response.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, names.clone()));
    }
    let mut response = response.finish();
    let headers = response.headers_mut();
    grant.write(headers);
    vary_by(headers, "access-control-request-method");
    vary_by(headers, "access-control-request-headers");
    Ok(response)
}

/// Returns whether a request changes nothing, whatever its route. A route that reads by POST takes nothing but
/// JSON, whose media types a page elsewhere can't send without a preflight.
pub(in crate::api) fn only_reads(request: &ServiceRequest) -> bool {
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
pub(in crate::api) fn check_writer(
    request: &ServiceRequest,
    origins: &[Origin],
) -> Result<(), ApiError> {
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
    if is_own || Grant::of(request, origins).is_some() {
        Ok(())
    } else {
        Err(foreign(headers))
    }
}

/// Refuses a page, and names the option that would let it in.
fn foreign(headers: &HeaderMap) -> ApiError {
    let origin = text(headers, ORIGIN.as_str());
    let origin = origin.map(|origin| origin.chars().take(MAX_SHOWN_CHARS).collect::<String>());
    match origin {
        Some(origin) if Origin::parse(&origin) == Ok(Origin::One(origin.clone())) => {
            ApiError::Foreign {
                page: format!("a page of `{origin}`"),
                option: format!("--cors {origin}"),
            }
        }
        Some(origin) if !matches!(origin.as_str(), "" | "null") => ApiError::Foreign {
            page: format!("a page of `{origin}`"),
            option: "--cors '*'".to_owned(),
        },
        _ => ApiError::Foreign {
            page: "a page of another site that does not name its origin".to_owned(),
            option: "--cors '*'".to_owned(),
        },
    }
}

/// Returns the text of a header; empty where it is no text, which equals no expected value.
fn text<'r>(headers: &'r HeaderMap, name: &str) -> Option<&'r str> {
    headers
        .get(name)
        .map(|value| value.to_str().unwrap_or_default())
}
