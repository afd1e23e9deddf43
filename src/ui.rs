//! Serves the page: the files of static/, which are part of the binary.
//!
//! They are served as they are written, compressed by the server. All but the page itself are under a path with the hash
//! of their content, so that a browser may cache them without a limit and never mixes two versions: modules import each
//! other by relative paths, which stay under that path.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EntityTag, HeaderName, HeaderValue, LINK,
};
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};

use crate::api::caching::Version;
use crate::api::routes::method_not_allowed;
use crate::route::{self, ASSETS};

/// Only files of this server may run or be shown, and only this server may be asked.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Lets caches store a file for a year, the longest time of HTTP.
const CACHE_ASSET: &str = "public, max-age=31536000, immutable";

const INDEX: &str = include_str!("../static/index.html");

/// A file that the page loads.
struct File {
    /// The path within static/.
    name: &'static str,
    content: &'static [u8],
}

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        [$(File { name: $name, content: include_bytes!(concat!("../static/", $name)) }),+]
    };
}

/// Every file but the page itself. A test compares the table with the folder.
const FILES: [File; 27] = files![
    "icon.svg",
    // First, since the page is not painted before these two have arrived.
    "js/preload.js",
    "style.css",
    "js/api.js",
    "js/columns.js",
    "js/controls.js",
    "js/curl.js",
    "js/dom.js",
    "js/drawer.js",
    "js/format.js",
    "js/histogram.js",
    "js/journal.js",
    "js/keyboard.js",
    "js/loader.js",
    "js/main.js",
    "js/open-job.js",
    "js/queries.js",
    "js/range.js",
    "js/request-dialog.js",
    "js/router.js",
    "js/search.js",
    "js/search-language.js",
    "js/state.js",
    "js/statistics.js",
    "js/storage.js",
    "js/table.js",
    "js/token.js",
];

impl File {
    /// The link in the header of the page, which makes the browser load all files immediately, instead of each when
    /// another one imports it.
    fn link(&self, assets: &str) -> Option<String> {
        let relation = match self.name {
            "icon.svg" => return None,
            "style.css" => "preload; as=style",
            "js/preload.js" => "preload; as=script",
            _ => "modulepreload",
        };
        Some(format!("<{assets}/{}>; rel={relation}", self.name))
    }

    fn media_type(&self) -> &'static str {
        match self.name.rsplit_once('.') {
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/javascript; charset=utf-8",
        }
    }
}

/// The page as it is served, with the path of its files.
struct Page {
    /// `/assets/` and the hash of all files.
    assets: String,
    html: String,
    /// The `Link` header.
    links: String,
    tag: EntityTag,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    INDEX.hash(&mut hasher);
    for file in &FILES {
        (file.name, file.content).hash(&mut hasher);
    }
    let version = format!("{:016x}", hasher.finish());
    let assets = format!("{ASSETS}/{version}");
    let links: Vec<_> = FILES.iter().filter_map(|file| file.link(&assets)).collect();
    Page {
        links: links.join(", "),
        html: INDEX.replace(&format!("{ASSETS}/"), &format!("{assets}/")),
        assets,
        // Weak, since the page may be sent compressed.
        tag: EntityTag::new_weak(version),
    }
});

/// The routes of the page.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.route(
        route::PAGE,
        web::to(|request: HttpRequest| async move { page(&request) }),
    );
    for file in &FILES {
        config.route(
            &format!("{}/{}", PAGE.assets, file.name),
            web::to(move |request: HttpRequest| async move { asset(&request, file) }),
        );
    }
}

/// Answers with the page, or with 304. A cache may store it, but has to ask for a newer one each time.
fn page(request: &HttpRequest) -> HttpResponse {
    if let Some(refusal) = refusal(request) {
        return refusal;
    }
    let mut response = Version::new(request, PAGE.tag.clone()).answer(|response| {
        response
            .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
            .body(PAGE.html.as_str())
    });
    let headers = response.headers_mut();
    if let Ok(links) = HeaderValue::from_str(&PAGE.links) {
        headers.insert(LINK, links);
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
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

fn refusal(request: &HttpRequest) -> Option<HttpResponse> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    (!is_read).then(|| method_not_allowed(request, "GET, HEAD"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use actix_web::App;
    use actix_web::http::StatusCode;
    use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
    use actix_web::middleware::Compress;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};

    fn names(folder: &Path, prefix: &str) -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap());
        entries
            .flat_map(|entry| {
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.file_type().unwrap().is_dir() {
                    names(&entry.path(), &format!("{name}/"))
                } else {
                    BTreeSet::from([name])
                }
            })
            .collect()
    }

    #[test]
    fn the_table_names_every_file_of_the_folder() {
        let mut on_disk = names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("static"), "");
        assert!(on_disk.remove("index.html"));
        on_disk.retain(|name| !name.starts_with("docs/"));
        let in_table: BTreeSet<_> = FILES.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(on_disk, in_table);
    }

    #[test]
    fn the_page_names_its_files_by_their_hash() {
        assert!(!PAGE.html.contains("\"/assets/js"), "{}", PAGE.html);
        for name in ["style.css", "js/preload.js", "js/main.js", "icon.svg"] {
            let address = format!("\"{}/{name}\"", PAGE.assets);
            assert!(PAGE.html.contains(&address), "{name}");
        }
    }

    /// The cost of a first visit.
    #[actix_web::test]
    async fn the_page_with_all_its_files_has_at_most_90_kilobytes_when_compressed() {
        const MAX_BYTES: usize = 90_000;
        let app = App::new().wrap(Compress::default()).configure(routes);
        let app = init_service(app).await;
        let files = FILES.map(|file| format!("{}/{}", PAGE.assets, file.name));
        let mut total = 0;
        for path in files.iter().map(String::as_str).chain(["/"]) {
            let request = TestRequest::get().uri(path);
            let request = request.insert_header((ACCEPT_ENCODING, "gzip"));
            let response = call_service(&app, request.to_request()).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers().get(CONTENT_ENCODING).unwrap(), "gzip");
            total += read_body(response).await.len();
        }
        assert!(total <= MAX_BYTES, "{total} bytes");
    }

    fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
        let files = FILES.iter();
        let files = files.map(|file| (file.name, std::str::from_utf8(file.content).unwrap()));
        files.chain([("index.html", INDEX)])
    }

    #[test]
    fn no_line_is_longer_than_140_columns() {
        let long: Vec<_> = texts()
            .flat_map(|(name, text)| text.lines().map(move |line| (name, line)))
            .filter(|(_, line)| line.chars().count() > 140)
            .collect();
        assert!(long.is_empty(), "{long:#?}");
    }

    /// The names of the modules that a module imports.
    fn imports(text: &str) -> Vec<String> {
        let ends = text.lines().filter(|line| line.starts_with(['i', '}']));
        let names = ends.filter_map(|line| line.rsplit_once("from './")?.1.strip_suffix("';"));
        names.map(|name| format!("js/{name}")).collect()
    }

    #[test]
    fn the_modules_import_each_other_without_a_circle() {
        let mut open: BTreeMap<_, _> = texts()
            .filter(|(name, _)| name.starts_with("js/"))
            .map(|(name, text)| (name.to_owned(), imports(text)))
            .collect();
        assert!(open["js/main.js"].len() > 15, "{:?}", open["js/main.js"]);
        for (name, imports) in &open {
            let unknown = imports.iter().find(|import| !open.contains_key(*import));
            assert_eq!(unknown, None, "{name}");
        }
        // Modules that import none of the remaining ones are in no circle; what stays in the end is.
        while let Some(leaf) = open
            .iter()
            .find(|(_, imports)| !imports.iter().any(|import| open.contains_key(import)))
            .map(|(name, _)| name.clone())
        {
            open.remove(&leaf);
        }
        assert!(open.is_empty(), "a circle among {:?}", open.keys());
    }
}
