//! The page: the files of static/, in the binary.
//!
//! They are served without comments and most blanks, which are for who reads the source; each line keeps its number.
//! All but the page itself lie under a path that holds the hash of their content, so a browser may keep them for ever
//! and never mixes two versions: modules name each other by relative paths, which stay within that path.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EntityTag, HeaderName, HeaderValue, LINK,
};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};

use crate::api::caching::Version;
use crate::api::routes::method_not_allowed;

/// Nothing but this server's own files may run, be shown or be asked.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// A year, the longest that HTTP knows.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

const INDEX: &str = include_str!("../static/index.html");
/// What stands in the page for the path of the files.
const ASSETS: &str = "/assets";

/// A file that the page asks for.
struct File {
    /// Within static/.
    name: &'static str,
    content: &'static [u8],
}

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        [$(File { name: $name, content: include_bytes!(concat!("../static/", $name)) }),+]
    };
}

/// Every file but the page itself. A test holds the table against the folder.
const FILES: [File; 23] = files![
    "icon.svg",
    // The page is not shown before these two are there, so they are asked for first.
    "js/early.js",
    "style.css",
    "js/api.js",
    "js/columns.js",
    "js/controls.js",
    "js/dom.js",
    "js/drawer.js",
    "js/format.js",
    "js/journal.js",
    "js/keyboard.js",
    "js/loader.js",
    "js/main.js",
    "js/questions.js",
    "js/range.js",
    "js/requests.js",
    "js/search.js",
    "js/state.js",
    "js/statistics.js",
    "js/strip.js",
    "js/table.js",
    "js/terms.js",
    "js/token.js",
];

impl File {
    /// How the page's header asks for it, so that all are fetched at once and not each when another is found to name it.
    fn link(&self, assets: &str) -> Option<String> {
        let relation = match self.name {
            "icon.svg" => return None,
            "style.css" => "preload; as=style",
            "js/early.js" => "preload; as=script",
            _ => "modulepreload",
        };
        Some(format!("<{assets}/{}>; rel={relation}", self.name))
    }

    /// As it is served.
    fn body(&self) -> Bytes {
        let blanks = match self.name.rsplit_once('.') {
            Some((_, "js")) => Blanks::IN_SCRIPT,
            Some((_, "css")) => Blanks::IN_STYLE,
            _ => Blanks::INDENTS,
        };
        match std::str::from_utf8(self.content) {
            Ok(text) => Bytes::from(lean(text, blanks)),
            Err(_) => Bytes::from_static(self.content),
        }
    }

    fn media_type(&self) -> &'static str {
        match self.name.rsplit_once('.') {
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/javascript; charset=utf-8",
        }
    }
}

/// Beside which marks a blank means nothing.
#[derive(Debug, Clone, Copy)]
struct Blanks {
    before: &'static str,
    after: &'static str,
}

impl Blanks {
    const IN_SCRIPT: Self = Self {
        before: "=,:;?{}()[]&|<>!*",
        after: "=,:;?{}()[]&|<>!*",
    };
    /// A selector may begin with a colon, so only the blank after one means nothing.
    const IN_STYLE: Self = Self {
        before: "{};,>",
        after: "{};,>:",
    };
    const INDENTS: Self = Self {
        before: "",
        after: "",
    };
}

/// A file whose lines that are nothing but comment are empty, and without blanks that mean nothing. A test keeps texts over
/// several lines out of the scripts, in which such a line could be anything else.
fn lean(text: &str, blanks: Blanks) -> String {
    let mut is_within = false;
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let code = line.trim();
        is_within |= code.starts_with("/*");
        if !is_within && !code.starts_with("//") {
            squeeze(code, blanks, &mut out);
        }
        is_within &= !code.ends_with("*/");
        out.push('\n');
    }
    out
}

/// Leaves texts as they are, and lines that may have a text within a text, an expression or a comment in them.
fn squeeze(line: &str, blanks: Blanks, out: &mut String) {
    if line.contains('\\') || line.matches('`').count() > 2 || has_bare_slash(line) {
        out.push_str(line);
        return;
    }
    let mut text = None;
    let mut last = None;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_text = is_within_text(&mut text, letter);
        let is_beside = last.is_some_and(|last| blanks.after.contains(last))
            || letters
                .peek()
                .is_some_and(|next| blanks.before.contains(*next));
        if is_text || letter != ' ' || !is_beside {
            out.push(letter);
            last = Some(letter);
        }
    }
}

/// Whether a letter is in a text, or ends one; `text` has the quote that began it.
fn is_within_text(text: &mut Option<char>, letter: char) -> bool {
    let was_within = text.is_some();
    if *text == Some(letter) {
        *text = None;
    } else if !was_within && ['\'', '"', '`'].contains(&letter) {
        *text = Some(letter);
    }
    was_within || text.is_some()
}

/// Whether a line has a slash, which may begin a comment or an expression, outside of its texts.
fn has_bare_slash(line: &str) -> bool {
    let mut text = None;
    line.chars()
        .any(|letter| !is_within_text(&mut text, letter) && letter == '/')
}

/// The page as it is served: it names the path of its files.
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
        (file.name, file.body()).hash(&mut hasher);
    }
    let version = format!("{:016x}", hasher.finish());
    let assets = format!("{ASSETS}/{version}");
    let links: Vec<_> = FILES.iter().filter_map(|file| file.link(&assets)).collect();
    Page {
        links: links.join(", "),
        html: lean(INDEX, Blanks::INDENTS).replace(&format!("{ASSETS}/"), &format!("{assets}/")),
        assets,
        // Weak, since it is sent compressed or not.
        tag: EntityTag::new_weak(version),
    }
});

/// The routes of the page.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.route(
        "/",
        web::to(|request: HttpRequest| async move { page(&request) }),
    );
    for file in &FILES {
        let body = file.body();
        config.route(
            &format!("{}/{}", PAGE.assets, file.name),
            web::to(move |request: HttpRequest| {
                let answer = asset(&request, file, body.clone());
                async move { answer }
            }),
        );
    }
}

/// The page may be kept, but is asked for again each time.
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

fn asset(request: &HttpRequest, file: &File, body: Bytes) -> HttpResponse {
    refusal(request).unwrap_or_else(|| {
        HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, FOR_EVER))
            .insert_header((CONTENT_TYPE, file.media_type()))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .body(body)
    })
}

fn refusal(request: &HttpRequest) -> Option<HttpResponse> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    (!is_read).then(|| method_not_allowed(request, "GET, HEAD"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

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
        let in_table: BTreeSet<_> = FILES.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(on_disk, in_table);
    }

    #[test]
    fn the_page_names_its_files_by_their_hash() {
        assert!(!PAGE.html.contains("\"/assets/js"), "{}", PAGE.html);
        for name in ["style.css", "js/early.js", "js/main.js", "icon.svg"] {
            let address = format!("\"{}/{name}\"", PAGE.assets);
            assert!(PAGE.html.contains(&address), "{name}");
        }
    }

    /// What a page may cost on its first visit.
    #[test]
    fn all_files_together_are_small() {
        const MAX_BYTES: usize = 100_000;
        let size = PAGE.html.len() + FILES.iter().map(|file| file.body().len()).sum::<usize>();
        assert!(size < MAX_BYTES, "{size} bytes");
    }

    #[test]
    fn only_comments_and_blanks_are_left_out() {
        for (script, expected) in [
            ("/** A\n * b\n */\nlet a = 1;", "\n\n\nlet a=1;"),
            (
                "a = 1; // c = d\n  // d\n/* e */\na /= 2;",
                "a = 1; // c = d\n\n\na /= 2;",
            ),
            (
                "  if (a && 'b, c' in d) return { e: ' = ' };",
                "if(a&&'b, c' in d)return{e:' = '};",
            ),
            ("a = b - -c + ' , ' + (d)", "a=b - -c + ' , ' +(d)"),
            ("f(/ = /, `, `, \", \")", "f(/ = /, `, `, \", \")"),
            (
                "f('/ = /', \", '\", ` ' = ${a , b}`)",
                "f('/ = /',\", '\",` ' = ${a , b}`)",
            ),
            ("a = `b, ${`c, ` + d}`", "a = `b, ${`c, ` + d}`"),
            ("b = ['\\', ' , ']", "b = ['\\', ' , ']"),
            ("return [!a, b < c * d]", "return[!a,b<c*d]"),
        ] {
            assert_eq!(lean(script, Blanks::IN_SCRIPT), format!("{expected}\n"));
        }
        let style = "  a :is(b, c) > d { margin: 0 -1px; e: f }\ng::before { content: \", \" }";
        let expected = "a :is(b,c)>d{margin:0 -1px;e:f}\ng::before{content:\", \"}\n";
        assert_eq!(lean(style, Blanks::IN_STYLE), expected);
        for file in FILES.iter().filter(|file| file.name.starts_with("js/")) {
            let text = std::str::from_utf8(file.content).unwrap();
            let is_open = |line: &str| line.matches('`').count() % 2 == 1;
            let open = text.lines().find(|line| is_open(line));
            assert_eq!(open, None, "{}: a text over several lines", file.name);
        }
    }
}
