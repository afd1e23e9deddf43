//! Files that are served under a path with the hash of their content, and the pages that load them.

use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EntityTag, HeaderName, HeaderValue,
};
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};

use crate::api::caching::Version;
use crate::api::routes::method_not_allowed;
use crate::route::ASSETS;

/// Only files of this server may run or be shown, and scripts may send requests to this server alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Lets caches store a file for a year, the longest time of HTTP.
const CACHE_ASSET: &str = "public, max-age=31536000, immutable";
const HTML: &str = "text/html; charset=utf-8";

/// A file that a page loads.
#[derive(Debug)]
pub(super) struct File {
    /// The path within the folder of its page.
    pub(super) name: &'static str,
    pub(super) content: &'static [u8],
}

impl File {
    fn media_type(&self) -> &'static str {
        match self.name.rsplit_once('.') {
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/javascript; charset=utf-8",
        }
    }
}

/// The files of a page, and the path under which they are served.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) files: &'static [File],
    /// The hash of all files.
    pub(super) version: String,
    /// `/assets/` and the version.
    pub(super) path: String,
}

impl Folder {
    /// Makes the folder of these files; `page` is the text of the page that loads them, and part of the version.
    pub(super) fn new(files: &'static [File], page: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        page.hash(&mut hasher);
        for file in files {
            (file.name, file.content).hash(&mut hasher);
        }
        let version = format!("{:016x}", hasher.finish());
        Self {
            files,
            path: format!("{ASSETS}/{version}"),
            version,
        }
    }

    /// Puts the path of the folder into the HTML of a page, which names its files as `/assets/NAME`.
    pub(super) fn locate(&self, html: &str) -> String {
        html.replace(&format!("\"{ASSETS}/"), &format!("\"{}/", self.path))
    }

    /// Registers a route for each file.
    pub(super) fn routes(&self, config: &mut web::ServiceConfig) {
        for file in self.files {
            config.route(
                &format!("{}/{}", self.path, file.name),
                web::to(move |request: HttpRequest| async move { asset(&request, file) }),
            );
        }
    }
}

fn asset(request: &HttpRequest, file: &File) -> HttpResponse {
    refusal(request).unwrap_or_else(|| {
        HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, CACHE_ASSET))
            .insert_header((CONTENT_TYPE, file.media_type()))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .body(file.content)
    })
}

/// Refuses a request that does more than read.
pub(super) fn refusal(request: &HttpRequest) -> Option<HttpResponse> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    (!is_read).then(|| method_not_allowed(request, "GET, HEAD"))
}

/// Answers with a page, or with 304. A cache may store it, but has to check each time whether there is a newer one.
pub(super) fn answer(request: &HttpRequest, version: &str, html: &'static str) -> HttpResponse {
    // Weak, since the page may be sent compressed.
    let tag = EntityTag::new_weak(version.to_owned());
    let response = Version::new(request, tag)
        .answer(|response| response.insert_header((CONTENT_TYPE, HTML)).body(html));
    isolated(response)
}

/// Answers that there is no such page, in HTML.
pub(super) fn not_found(html: String) -> HttpResponse {
    let mut response = HttpResponse::NotFound();
    response
        .insert_header((CONTENT_TYPE, HTML))
        .insert_header((CACHE_CONTROL, "no-store"));
    isolated(response.body(html))
}

/// Keeps what other servers have away from a page, and the page away from what opens it.
fn isolated(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}
