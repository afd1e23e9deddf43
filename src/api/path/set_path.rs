//! The path of a request as everything but the connection sees it.

use std::borrow::Cow;

use actix_web::HttpMessage;
use actix_web::dev::{ServiceRequest, Url};
use actix_web::http::Uri;
use actix_web::http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;

use super::base_path::Within;
use crate::api::app::App;
use crate::route::{Audience, PAGE, Route};

/// Where the page is, relative to a request for it that misses the slash at the end: an extension of that request.
#[derive(Debug, Clone)]
pub(crate) struct PageElsewhere(pub(crate) String);

/// Takes the base path off a request, and the slashes that mean nothing, so that routes, faults, the journal, tokens, metrics
/// and the log see the path without them.
pub(in crate::api) fn set_path(app: &App, request: &mut ServiceRequest) {
    let sent = request.uri().path();
    let merged = without_double_slashes(request.method().as_str(), sent);
    let path = match app.base_path.within(&merged) {
        Within::Elsewhere => without_last_slash(request.method().as_str(), &merged),
        Within::Below(rest) => without_last_slash(request.method().as_str(), rest),
        Within::MissesSlash(last) => {
            let page = PageElsewhere(with_query(&format!("{last}/"), request));
            request.extensions_mut().insert(page);
            PAGE
        }
    };
    let changed = (path != sent).then(|| path.to_owned());
    if let Some(path) = changed {
        replace(request, &path);
    }
}

/// Returns a path without double slashes, unless one is where a `{parameter}` is empty.
fn without_double_slashes<'p>(method: &str, path: &'p str) -> Cow<'p, str> {
    if !path.contains("//") || has_empty_parameter(method, path) {
        return Cow::Borrowed(path);
    }
    let mut merged = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter != '/' || !merged.ends_with('/') {
            merged.push(letter);
        }
    }
    Cow::Owned(merged)
}

/// Returns a path without the slash at its end. The documentation keeps it, since the addresses in its pages are relative, and
/// so does a path whose `{parameter}` is empty.
fn without_last_slash<'p>(method: &str, path: &'p str) -> &'p str {
    match path.strip_suffix('/') {
        Some(shorter)
            if !shorter.is_empty()
                && Audience::of(path) != Audience::Page
                && !has_empty_parameter(method, path) =>
        {
            shorter
        }
        _ => path,
    }
}

/// Returns whether a path leaves the `{parameter}` of a route empty, also where the router would decode it to such a path.
fn has_empty_parameter(method: &str, path: &str) -> bool {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    Route::with_empty_parameter(method, &decoded).is_some()
}

/// Returns a path with the query of the request.
fn with_query(path: &str, request: &ServiceRequest) -> String {
    match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

/// Gives a request another path. A part of the path that it had is always one; where it were none, the request would stay as
/// it is.
fn replace(request: &mut ServiceRequest, path: &str) {
    let mut parts = request.uri().clone().into_parts();
    let Ok(path) = PathAndQuery::try_from(with_query(path, request)) else {
        return;
    };
    parts.path_and_query = Some(path);
    if let Ok(uri) = Uri::from_parts(parts) {
        request.match_info_mut().set(Url::new(uri.clone()));
        request.head_mut().uri = uri;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_that_mean_nothing_are_left_out() {
        for (method, path, expected) in [
            ("GET", "/inventory/v1/jobs/", "/inventory/v1/jobs"),
            ("GET", "//inventory/v1//jobs", "/inventory/v1/jobs"),
            (
                "POST",
                "/inventory/v1/jobs/search///",
                "/inventory/v1/jobs/search",
            ),
            ("GET", "/check/", "/check"),
            ("GET", "//", "/"),
            ("GET", "/", "/"),
            ("GET", "/nowhere/", "/nowhere"),
            (
                "PUT",
                "/jobdeck//jobs/a%2F%2Fb%2f/",
                "/jobdeck/jobs/a%2F%2Fb%2f",
            ),
            // Pages are redirected.
            ("GET", "/docs/", "/docs/"),
            ("GET", "//docs//query/", "/docs/query/"),
            // A script whose variable is not set means one job, and not all.
            ("DELETE", "/jobdeck/jobs/", "/jobdeck/jobs/"),
            ("DELETE", "//jobdeck/jobs/", "//jobdeck/jobs/"),
            ("DELETE", "/%6aobdeck/jobs/", "/%6aobdeck/jobs/"),
            (
                "POST",
                "/jobdeck/faults//release",
                "/jobdeck/faults//release",
            ),
        ] {
            let merged = without_double_slashes(method, path);
            let tidy = without_last_slash(method, &merged);
            assert_eq!(tidy, expected, "{method} {path}");
        }
    }
}
