//! The page: the files of static/, in the binary.

use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    IF_NONE_MATCH,
};
use actix_web::{HttpRequest, HttpResponse, web};

/// Nothing but this server's own files may run, be shown or be asked.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page.
struct File {
    path: &'static str,
    media_type: &'static str,
    content: &'static [u8],
}

macro_rules! file {
    ($path:literal, $name:literal, $media_type:literal) => {
        File {
            path: $path,
            media_type: $media_type,
            content: include_bytes!(concat!("../static/", $name)),
        }
    };
}

/// Every file. A test holds it against the folder.
const FILES: [File; 8] = [
    file!("/", "index.html", "text/html; charset=utf-8"),
    file!("/style.css", "style.css", "text/css; charset=utf-8"),
    file!("/icon.svg", "icon.svg", "image/svg+xml"),
    file!(
        "/js/main.js",
        "js/main.js",
        "text/javascript; charset=utf-8"
    ),
    file!("/js/api.js", "js/api.js", "text/javascript; charset=utf-8"),
    file!(
        "/js/state.js",
        "js/state.js",
        "text/javascript; charset=utf-8"
    ),
    file!(
        "/js/view.js",
        "js/view.js",
        "text/javascript; charset=utf-8"
    ),
    file!(
        "/js/format.js",
        "js/format.js",
        "text/javascript; charset=utf-8"
    ),
];

/// The routes of the page.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    for file in &FILES {
        let tag = etag(file.content);
        config.route(
            file.path,
            web::to(move |request: HttpRequest| {
                let response = serve(&request, file, &tag);
                async move { response }
            }),
        );
    }
}

fn serve(request: &HttpRequest, file: &'static File, tag: &HeaderValue) -> HttpResponse {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return crate::api::method_not_allowed(request, "GET, HEAD");
    }
    let is_known = request.headers().get_all(IF_NONE_MATCH).any(|given| {
        String::from_utf8_lossy(given.as_bytes())
            .split(',')
            .any(|one| one.trim().trim_start_matches("W/") == *tag)
    });
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((ETAG, tag.clone()))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ));
    if is_known {
        response.finish()
    } else {
        response
            .insert_header((CONTENT_TYPE, file.media_type))
            .body(file.content)
    }
}

fn etag(content: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    // Hexadecimal digits in quotes are a valid header.
    HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish()))
        .unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn the_table_names_every_file_of_the_folder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
        let names = |folder: &str| -> Vec<String> {
            std::fs::read_dir(root.join(folder.trim_start_matches('/')))
                .unwrap()
                .map(|entry| entry.unwrap())
                .filter(|entry| entry.file_type().unwrap().is_file())
                .map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy()))
                .collect()
        };
        let on_disk: BTreeSet<_> = names("").into_iter().chain(names("/js")).collect();
        let in_table: BTreeSet<_> = FILES
            .iter()
            .map(|file| {
                if file.path == "/" {
                    "/index.html"
                } else {
                    file.path
                }
                .to_owned()
            })
            .collect();
        assert_eq!(on_disk, in_table);
    }
}
