//! The page at `/`.

use std::sync::{LazyLock, Once};
use std::thread;
use std::time::Duration;

use actix_web::http::header::{
    AcceptLanguage, CONTENT_SECURITY_POLICY, Header, HeaderValue, LINK, VARY,
};
use actix_web::web;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use super::encoded::{Encoded, takes_brotli};
use super::files::{
    File, Folder, answer, below_root, policy_with, redirect, refusal, root_from, without_comments,
    without_indents,
};
use super::join::{Joined, join};
use crate::api::path::PageElsewhere;
use crate::route;

const INDEX: &str = include_str!("../../static/index.html");

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../static/", $name)))),+]
    };
}

/// The folder of the texts of the page, a file for each language. A visit loads one of them.
const LANGUAGES: &str = "js/texts/";
/// The language of a browser whose languages have no texts.
const DEFAULT_LANGUAGE: &str = "en";

/// The modules that are loaded by their names, each with what it needs in a file. A visit begins with the first; the next has an
/// open job and the dialogs, and is loaded after the first paint; the others are of views, which are loaded when they are first
/// shown.
const ENTRIES: [&str; 6] = ["main", "later", "collectors", "mock", "now", "statistics"];

/// Every file but the page itself, with its text. A test compares the table with the folder.
const FILES: [(&str, &str); 58] = files![
    "icon.svg",
    "icon-failed.svg",
    "icon-running.svg",
    "style.css",
    "js/api.js",
    "js/calm.js",
    "js/chart.js",
    "js/collectors.js",
    "js/columns.js",
    "js/confirm.js",
    "js/controls.js",
    "js/curl.js",
    "js/dom.js",
    "js/drawer.js",
    "js/format.js",
    "js/history.js",
    "js/job-editor.js",
    "js/journal.js",
    "js/journal-words.js",
    "js/keyboard.js",
    "js/language.js",
    "js/later.js",
    "js/lines.js",
    "js/loader.js",
    "js/main.js",
    "js/mock.js",
    "js/mock-controls.js",
    "js/notifications.js",
    "js/now.js",
    "js/open-job.js",
    "js/overview.js",
    "js/pace.js",
    "js/plot.js",
    "js/preload.js",
    "js/queries.js",
    "js/range.js",
    "js/request-dialog.js",
    "js/root.js",
    "js/router.js",
    "js/runs.js",
    "js/saved-views.js",
    "js/search.js",
    "js/search-expression.js",
    "js/search-language.js",
    "js/search-times.js",
    "js/state.js",
    "js/statistics.js",
    "js/storage.js",
    "js/table.js",
    "js/texts/en.js",
    "js/texts/ja.js",
    "js/texts/ko.js",
    "js/time-axis.js",
    "js/times.js",
    "js/title.js",
    "js/token.js",
    "js/token-dialog.js",
    "js/value-axis.js",
];

/// The script that begins a visit. It is sent within the page: a browser would wait for another file as long as for all of them.
const FIRST: &str = "js/preload.js";

/// Returns the name of a module by which others import it; none where a file is not one of those.
fn module(name: &'static str) -> Option<&'static str> {
    let is_module = name != FIRST && !name.starts_with(LANGUAGES);
    name.strip_prefix("js/")?
        .strip_suffix(".js")
        .filter(|_| is_module)
}

/// Returns the script that begins a visit, as it is sent.
fn first_script() -> String {
    let text = FILES.into_iter().find(|(name, _)| *name == FIRST);
    code_of(text.map_or("", |(_, text)| text))
}

/// Returns the page with the script that begins a visit, which gets the folder of the texts as an attribute.
fn with_script(script: &str) -> String {
    let tag = format!("<script src=\"assets/{FIRST}\">");
    let begin = format!("<script data-texts=\"assets/{LANGUAGES}\">");
    without_indents(INDEX).replace(&tag, &format!("{begin}{script}"))
}

/// Returns a script or module without comments and empty lines, which are of no use where modules are joined.
fn code_of(text: &str) -> String {
    let text = without_comments(text);
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Returns the files of modules.
fn joined() -> Vec<Joined> {
    let modules = FILES.into_iter();
    let modules = modules.filter_map(|(name, text)| Some((module(name)?, code_of(text))));
    join(&modules.collect(), &ENTRIES)
}

/// Returns the files as they are served.
fn served() -> Vec<File> {
    let others = FILES.into_iter();
    let others = others.filter(|(name, _)| *name != FIRST && module(name).is_none());
    let others = others.map(|(name, text)| File::of(name, text));
    let modules = joined().into_iter();
    let modules = modules.map(|file| File::new(format!("js/{}.js", file.name), file.text));
    modules.chain(others).collect()
}

/// The page as it is served, with the path of its files.
struct Page {
    folder: Folder,
    html: Encoded,
    /// The `Content-Security-Policy`, which has the script that is a part of the page by its hash.
    policy: Option<HeaderValue>,
    /// The `Link` headers, for each language of the texts.
    links: Vec<(&'static str, HeaderValue)>,
}

impl Page {
    /// Compresses the page and its files as Brotli.
    fn compress(&self) {
        let files = self.folder.files.iter();
        let files = files.map(|file| (&*file.name, &file.text));
        for (name, text) in files.chain([("index.html", &self.html)]) {
            if let Err(error) = text.compress() {
                log::warn!(
                    "{name} is sent as gzip alone, since it can't be compressed as Brotli: {error}"
                );
            }
        }
    }
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let script = first_script();
    let html = with_script(&script);
    let folder = Folder::new(served(), &html);
    let root = root_from(route::PAGE);
    let links = FILES.iter().filter_map(|(name, _)| {
        let language = name.strip_prefix(LANGUAGES)?.strip_suffix(".js")?;
        let links = links(&format!("{root}{}", below_root(&folder.path)), name);
        Some((language, HeaderValue::from_str(&links).ok()?))
    });
    Page {
        links: links.collect(),
        html: Encoded::new(folder.locate(&html, &root)),
        policy: HeaderValue::try_from(policy_with(&script)).ok(),
        folder,
    }
});

/// Returns the `Link` header that makes a browser load all files of a first paint immediately, instead of each when it is named.
fn links(folder: &str, texts: &str) -> String {
    [
        ("style.css", "preload; as=style"),
        ("js/main.js", "modulepreload"),
        (texts, "modulepreload"),
    ]
    .map(|(name, relation)| format!("<{folder}/{name}>; rel={relation}"))
    .join(", ")
}

/// Returns the `Link` header with the texts in the language that the browser prefers, as `preload.js` chooses it where nobody has
/// chosen another one.
fn links_for(request: &HttpRequest) -> Option<&'static HeaderValue> {
    let preferred = AcceptLanguage::parse(request).map(|accepted| accepted.ranked());
    let preferred = preferred.unwrap_or_default();
    let languages = preferred.iter().filter_map(|one| one.item());
    let mut languages = languages.map(|tag| tag.primary_language().to_ascii_lowercase());
    let find = |language: &str| PAGE.links.iter().find(|(known, _)| *known == language);
    let found = languages.find_map(|language| find(&language));
    found
        .or_else(|| find(DEFAULT_LANGUAGE))
        .map(|(_, links)| links)
}

/// The routes of the page.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.route(
        route::PAGE,
        web::to(|request: HttpRequest| async move {
            refusal(&request).unwrap_or_else(|| page(&request))
        }),
    );
    PAGE.folder.routes(config);
}

/// How long after the beginning of the first visit the files are compressed as Brotli, so that it need not share the processor.
const AFTER_A_VISIT: Duration = Duration::from_secs(2);

/// Whether the thread has been started that compresses the files as Brotli.
static COMPRESSION: Once = Once::new();

/// Starts a thread that compresses the page and its files as Brotli. It begins after a while; until it is done, they are sent as
/// gzip.
fn compress_later() {
    let thread = thread::Builder::new().name("brotli".to_owned());
    let started = thread.spawn(|| {
        thread::sleep(AFTER_A_VISIT);
        PAGE.compress();
    });
    if let Err(error) = started {
        log::warn!(
            "the files of the page are sent as gzip alone, since no thread can be started: {error}"
        );
    }
}

fn page(request: &HttpRequest) -> HttpResponse {
    if let Some(PageElsewhere(address)) = request.extensions().get() {
        return redirect(address);
    }
    if takes_brotli(request) {
        COMPRESSION.call_once(compress_later);
    }
    let mut response = answer(request, &PAGE.folder.version, &PAGE.html);
    let headers = response.headers_mut();
    let vary = HeaderValue::from_static("accept-encoding, accept-language");
    headers.insert(VARY, vary);
    if let Some(policy) = &PAGE.policy {
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    }
    if let Some(links) = links_for(request) {
        headers.insert(LINK, links.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::super::files::END_COMMENT;
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use actix_web::App;
    use actix_web::http::StatusCode;
    use actix_web::http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_ENCODING};
    use actix_web::middleware::Compress;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use base64::prelude::{BASE64_STANDARD, Engine};
    use sha2::{Digest, Sha256};

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
        // The documentation has tables of its own.
        on_disk.retain(|name| !name.starts_with("docs/"));
        let in_table: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(on_disk, in_table);
    }

    #[test]
    fn no_code_is_lost_behind_a_comment() {
        for (name, text) in FILES {
            let lost = text.lines().find(|line| {
                let line = line.trim();
                line.starts_with("/*") && line.find("*/").is_some_and(|at| at + 2 < line.len())
            });
            assert_eq!(lost, None, "{name}");
        }
    }

    /// A text that has what begins a comment would lose its end.
    #[test]
    fn no_text_of_a_module_begins_a_comment() {
        let lines = FILES.iter().flat_map(|(_, text)| text.lines());
        let mut comments = lines.filter_map(|line| line.split_once(END_COMMENT));
        let text = comments.find(|(code, _)| code.matches(['\'', '`', '"']).count() % 2 == 1);
        assert_eq!(text, None);
    }

    #[test]
    fn text_that_is_shown_as_it_is_has_no_indents_to_lose() {
        let shown = INDEX.split("<pre").skip(1);
        let mut shown = shown.filter_map(|rest| rest.split("</pre>").next());
        assert!(shown.all(|text| !text.contains("\n ")));
    }

    #[test]
    fn the_page_names_its_files_by_their_hash() {
        let html = PAGE.html.plain();
        assert!(!html.contains("\"assets/js"), "{html}");
        for name in ["style.css", "js/main.js"] {
            let address = format!("\".{}/{name}\"", PAGE.folder.path);
            assert!(html.contains(&address), "{name}");
        }
    }

    #[actix_web::test]
    async fn the_script_within_the_page_is_allowed_by_its_hash_and_gets_the_folder_of_the_texts() {
        let app = init_service(App::new().configure(routes)).await;
        let response = call_service(&app, TestRequest::get().to_request()).await;
        let policy = response.headers().get(CONTENT_SECURITY_POLICY).unwrap();
        let policy = policy.to_str().unwrap().to_owned();
        let html = String::from_utf8(read_body(response).await.to_vec()).unwrap();
        let begin = format!("<script data-texts=\".{}/{LANGUAGES}\">", PAGE.folder.path);
        let (before, rest) = html.split_once(&begin).unwrap();
        let (script, _) = rest.split_once("</script>").unwrap();
        assert!(!before.contains("<script"), "it is the first: {before}");
        assert_eq!(script, first_script(), "nothing of it ends the element");
        assert!(
            policy.contains(&format!(
                "script-src 'self' 'sha256-{}'",
                BASE64_STANDARD.encode(Sha256::digest(script))
            )),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        let path = format!("{}/{FIRST}", PAGE.folder.path);
        let request = TestRequest::get().uri(&path).to_request();
        let status = call_service(&app, request).await.status();
        assert_eq!(status, StatusCode::NOT_FOUND, "nothing loads it");
    }

    /// The bytes of a first visit, and of all views, in the language with the longest texts.
    async fn bytes_of_visits(encoding: &str) -> (usize, usize) {
        let app = App::new().wrap(Compress::default()).configure(routes);
        let app = init_service(app).await;
        let (mut first, mut later, mut longest_texts) = (0, 0, 0);
        let files = PAGE.folder.files.iter();
        let names = files.map(|file| &*file.name).chain([""]);
        for name in names {
            let path = match name {
                "" => "/".to_owned(),
                _ => format!("{}/{name}", PAGE.folder.path),
            };
            let request = TestRequest::get().uri(&path);
            let request = request.insert_header((ACCEPT_ENCODING, encoding));
            let response = call_service(&app, request.to_request()).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let sent = response.headers().get(CONTENT_ENCODING);
            assert_eq!(sent.unwrap(), encoding, "{path}");
            let bytes = read_body(response).await.len();
            if name.starts_with(LANGUAGES) {
                longest_texts = longest_texts.max(bytes);
            } else if name.starts_with("js/") && name != "js/main.js" {
                later += bytes;
            } else {
                first += bytes;
            }
        }
        (first + longest_texts, first + longest_texts + later)
    }

    #[actix_web::test]
    async fn a_first_visit_has_at_most_76_kilobytes_and_all_views_have_90() {
        PAGE.compress();
        let as_gzip = bytes_of_visits("gzip").await;
        let as_brotli = bytes_of_visits("br").await;
        assert!(as_gzip.0 <= 76_000, "{as_gzip:?} bytes");
        assert!(as_brotli.1 <= 90_000, "{as_brotli:?} bytes");
    }

    #[test]
    fn each_module_is_in_one_file() {
        let files = joined();
        let modules: BTreeSet<_> = FILES.iter().filter_map(|(name, _)| module(name)).collect();
        let members: Vec<_> = files.iter().flat_map(|file| &file.members).collect();
        assert_eq!(members.len(), modules.len(), "{members:?}");
        assert_eq!(
            members.into_iter().copied().collect::<BTreeSet<_>>(),
            modules
        );
        for file in files {
            assert_eq!(file.members.last(), Some(&file.name));
            for name in file.members {
                let object = format!("const ${} = ", name.replace('-', "_"));
                let is_part = usize::from(name != file.name);
                assert_eq!(file.text.matches(&object).count(), is_part, "{name}");
            }
        }
    }

    /// Such a module would be a part of another file, and loaded twice.
    #[test]
    fn no_module_imports_one_that_is_loaded_by_its_name() {
        for (name, text) in texts() {
            let imports = imports(text).into_iter();
            let names = imports.map(|path| {
                path.trim_start_matches("js/")
                    .trim_end_matches(".js")
                    .to_owned()
            });
            let wrong: Vec<_> = names
                .filter(|import| ENTRIES.contains(&import.as_str()))
                .collect();
            assert!(wrong.is_empty(), "{name}: {wrong:?}");
        }
    }

    #[test]
    fn a_module_is_loaded_by_its_name_if_it_has_a_file() {
        let code: String = FILES
            .iter()
            .flat_map(|(_, text)| text.lines())
            .filter(|line| !line.trim_start().starts_with(['*', '/']))
            .collect();
        let loads = code.match_indices("import('./");
        let loaded: BTreeSet<_> = loads
            .filter_map(|(at, start)| code[at + start.len()..].split_once(".js')"))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(loaded, ENTRIES[1..].iter().copied().collect());
    }

    #[test]
    fn the_modules_have_the_form_in_which_they_are_joined() {
        let modules = FILES.iter().filter(|(name, _)| module(name).is_some());
        for (name, text) in modules {
            for line in text.lines() {
                let is_import = line.starts_with("import {") || line.starts_with("import * as ");
                assert!(is_import || !line.starts_with("import"), "{name}: {line}");
                let declarations = ["const ", "function ", "async function", "class "];
                let declaration = line.strip_prefix("export ");
                let is_declaration = |line: &str| {
                    declarations.iter().any(|start| line.starts_with(start))
                        && !line.starts_with("const {")
                        && !line.starts_with("const [")
                };
                assert!(declaration.is_none_or(is_declaration), "{name}: {line}");
                assert!(!line.starts_with("await "), "{name}: {line}");
            }
        }
    }

    #[actix_web::test]
    async fn the_page_links_the_texts_in_the_language_that_the_browser_prefers() {
        let app = init_service(App::new().configure(routes)).await;
        for (accepted, expected) in [
            ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
            ("de-DE, ja;q=0.5, en;q=0.4", "ja"),
            ("de, *;q=0.1", "en"),
            ("q=;;", "en"),
            ("", "en"),
        ] {
            let request = TestRequest::get().insert_header((ACCEPT_LANGUAGE, accepted));
            let response = call_service(&app, request.to_request()).await;
            let links = response.headers().get(LINK).unwrap().to_str().unwrap();
            let texts = format!(
                "{}/js/texts/{expected}.js>; rel=modulepreload",
                PAGE.folder.path
            );
            assert!(links.ends_with(&texts), "{accepted}: {links}");
            assert_eq!(links.matches("js/").count(), 2, "{links}");
            let vary = response.headers().get(VARY).unwrap();
            assert_eq!(vary, "accept-encoding, accept-language");
        }
    }

    fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
        FILES.into_iter().chain([("index.html", INDEX)])
    }

    #[test]
    fn no_line_is_longer_than_140_columns() {
        let long: Vec<_> = texts()
            .flat_map(|(name, text)| text.lines().map(move |line| (name, line)))
            .filter(|(_, line)| line.chars().count() > 140)
            .collect();
        assert!(long.is_empty(), "{long:#?}");
    }

    /// Otherwise a line within a template might begin as a comment does, and would not be sent.
    #[test]
    fn no_template_of_a_module_is_longer_than_a_line() {
        for (name, text) in texts().filter(|(name, _)| name.starts_with("js/")) {
            let code = text.lines().map(str::trim_start);
            let code = code.filter(|line| !line.starts_with(['/', '*']));
            let open: Vec<_> = code
                .filter(|line| line.matches('`').count() % 2 == 1)
                .collect();
            assert!(open.is_empty(), "{name}: {open:#?}");
        }
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
