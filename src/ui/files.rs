//! Files that are served under a path with the hash of their content, and the pages that load them.

use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EntityTag, HeaderName, HeaderValue,
    LOCATION, VARY,
};
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};
use base64::prelude::{BASE64_STANDARD, Engine};
use sha2::{Digest, Sha256};

use super::encoded::Encoded;
use crate::api::caching::Version;
use crate::api::routes::method_not_allowed;
use crate::route::ASSETS;

/// Only files of this server may run or be shown, and scripts may send requests to this server alone. Images may also have the scheme
/// `data`, as the empty icon has that the page begins with.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The part of the policy that names whose scripts may run.
const SCRIPTS: &str = "script-src 'self'";
/// Lets caches store a file for a year, the longest time of HTTP.
const CACHE_ASSET: &str = "public, max-age=31536000, immutable";
const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// A file that a page loads.
#[derive(Debug)]
pub(super) struct File {
    /// The path within the folder of its page.
    pub(super) name: String,
    pub(super) text: Encoded,
    /// The hash of the text.
    hash: u64,
}

impl File {
    /// Makes a file of a text, which is sent as it is.
    pub(super) fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self {
            name: name.into(),
            hash: hasher.finish(),
            text: Encoded::new(text),
        }
    }

    /// Makes a file of the text of one: modules and styles are sent without their comments and indents, which are a fifth of
    /// a visit.
    pub(super) fn of(name: &str, text: &str) -> Self {
        match media_type(name) {
            JAVASCRIPT | CSS => Self::new(name, without_comments(text)),
            _ => Self::new(name, text),
        }
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => CSS,
        Some((_, "svg")) => "image/svg+xml",
        _ => JAVASCRIPT,
    }
}

/// What begins a comment at the end of a line of code.
pub(super) const END_COMMENT: &str = ", // ";

/// Returns a module or styles without indents and comments. A comment that has lines of its own becomes empty ones, so that errors
/// name the lines of the source.
pub(super) fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut is_comment = false;
    for line in text.lines() {
        let start = line.trim_start();
        is_comment |= start.starts_with("/*");
        if !is_comment && !start.starts_with("//") {
            match start.split_once(END_COMMENT) {
                Some((start, _)) => code.extend([start, ","]),
                None => code.push_str(start),
            }
        }
        is_comment &= !line.trim_end().ends_with("*/");
        code.push('\n');
    }
    code
}

/// Returns a text without the spaces that its lines begin with.
pub(super) fn without_indents(text: &str) -> String {
    let lines = text.lines().map(str::trim_start);
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Returns the policy of a page that has this script within it: no other script that is not a file may run.
pub(super) fn policy_with(script: &str) -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(script));
    POLICY.replace(SCRIPTS, &format!("{SCRIPTS} 'sha256-{hash}'"))
}

/// The files of a page, and the path under which they are served.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) files: Vec<File>,
    /// The hash of all files.
    pub(super) version: String,
    /// `/assets/` and the version.
    pub(super) path: String,
}

impl Folder {
    /// Makes the folder of these files; `page` is the text of the page that loads them, and part of the version.
    pub(super) fn new(files: Vec<File>, page: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        page.hash(&mut hasher);
        for file in &files {
            (&file.name, file.hash).hash(&mut hasher);
        }
        let version = format!("{:016x}", hasher.finish());
        Self {
            files,
            path: format!("{ASSETS}/{version}"),
            version,
        }
    }

    /// Puts the path of the folder into the HTML of a page, which names its files as `assets/NAME`; `root` is the address of
    /// the server's root, relative to the page.
    pub(super) fn locate(&self, html: &str, root: &str) -> String {
        let (named, path) = (below_root(ASSETS), below_root(&self.path));
        html.replace(&format!("\"{named}/"), &format!("\"{root}{path}/"))
    }

    /// Registers a route for each file.
    pub(super) fn routes(&'static self, config: &mut web::ServiceConfig) {
        for file in &self.files {
            config.route(
                &format!("{}/{}", self.path, file.name),
                web::to(move |request: HttpRequest| async move { asset(&request, file) }),
            );
        }
    }
}

fn asset(request: &HttpRequest, file: &File) -> HttpResponse {
    refusal(request).unwrap_or_else(|| {
        let mut response = HttpResponse::Ok();
        response
            .insert_header((CACHE_CONTROL, CACHE_ASSET))
            .insert_header((CONTENT_TYPE, media_type(&file.name)))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((VARY, "accept-encoding"));
        file.text.respond(request, &mut response)
    })
}

/// Returns the address of the root of the server, relative to a path: a proxy may have it below a path of another site.
pub(super) fn root_from(path: &str) -> String {
    /// No path of the documentation is as deep; what links to the root must not grow with what a client sends.
    const MAX_STEPS: usize = 16;
    match path.matches('/').count() {
        0 | 1 => "./".to_owned(),
        slashes => "../".repeat((slashes - 1).min(MAX_STEPS)),
    }
}

/// Returns the address of a path, relative to the root of the server.
pub(super) fn below_root(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// Sends a browser to the right address of a page, which is relative to the one that it requested.
pub(super) fn redirect(address: &str) -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((LOCATION, address))
        .finish()
}

/// Refuses a request that does more than read.
pub(super) fn refusal(request: &HttpRequest) -> Option<HttpResponse> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    (!is_read).then(|| method_not_allowed(request, "GET, HEAD"))
}

/// Answers with a page, or with 304. A cache may store it, but has to check each time whether there is a newer one.
pub(super) fn answer(request: &HttpRequest, version: &str, html: &Encoded) -> HttpResponse {
    // Weak, since the page may be sent compressed.
    let tag = EntityTag::new_weak(version.to_owned());
    let mut response = Version::new(request, tag).answer(|response| {
        response.insert_header((CONTENT_TYPE, HTML));
        html.respond(request, response)
    });
    let encoding = HeaderValue::from_static("accept-encoding");
    response.headers_mut().insert(VARY, encoding);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::read_dir;
    use std::path::{Path, PathBuf};

    #[test]
    fn comments_become_empty_lines_and_code_stays() {
        let text = "/** A module. */\nimport x;\n\n/**\n * Two\n * lines.\n */\n  // One.\n  a: 'http://b',\n  c: '', // d, // e\n";
        let code = "\nimport x;\n\n\n\n\n\n\na: 'http://b',\nc: '',\n";
        assert_eq!(without_comments(text), code);
    }

    #[test]
    fn the_root_is_as_many_steps_up_as_the_path_is_deep() {
        for (path, expected) in [
            ("/", "./"),
            ("/docs", "./"),
            ("/docs/", "../"),
            ("/docs/query", "../"),
            ("/docs/deploy/Dockerfile", "../../"),
        ] {
            assert_eq!(root_from(path), expected, "{path}");
        }
    }

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let entries = read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .flat_map(|path| {
                if path.is_dir() {
                    files_below(&path)
                } else {
                    vec![path]
                }
            })
            .collect()
    }

    /// The addresses of a file that begin with a slash, which would lead to the root of the host.
    fn absolute(kind: &str, text: &str) -> Vec<String> {
        let starts: &[&str] = match kind {
            "html" => &[" href=\"/", " src=\"/", " action=\"/"],
            "css" => &["url(/", "url(\"/", "url('/", "@import \"/"],
            "js" => &["'/", "`/", "location.origin"],
            _ => &[],
        };
        // A slash alone is no address to a script: it may be a key, or a separator.
        let is_address = |rest: &str| {
            kind != "js" || rest.starts_with(|next: char| next.is_alphanumeric() || next == '$')
        };
        starts
            .iter()
            .flat_map(|start| text.match_indices(start))
            .map(|(at, start)| (start, text.get(at + start.len()..).unwrap_or_default()))
            .filter(|(start, rest)| !start.ends_with('/') || is_address(rest))
            .map(|(start, rest)| format!("{start}{}", rest.lines().next().unwrap_or_default()))
            .collect()
    }

    /// A proxy may have the server below a path, and then only relative addresses lead to it.
    #[test]
    fn no_file_has_an_absolute_address() {
        for (kind, text) in [
            ("html", "<a href=\"/docs\">"),
            ("html", "<a href=\"/\">"),
            ("html", "<a href=\"/?a=b\">"),
            ("css", "a { background: url(/icon.svg) }"),
            ("js", "fetch('/jobdeck/about')"),
            ("js", "fetch(`/jobdeck/${name}`)"),
            ("js", "fetch(`/${name}`)"),
            ("js", "fetch(location.origin + path)"),
        ] {
            assert_eq!(absolute(kind, text).len(), 1, "{text}");
        }
        let files = files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("static"));
        let mut searched = 0;
        for path in files {
            let kind = path.extension().unwrap_or_default().to_string_lossy();
            if ["html", "css", "js"].contains(&&*kind) {
                let text = std::fs::read_to_string(&path).unwrap();
                assert_eq!(absolute(&kind, &text), [""; 0], "{}", path.display());
                searched += 1;
            }
        }
        assert!(searched > 40, "only {searched} files");
    }
}
