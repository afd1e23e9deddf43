//! The documentation at `/docs`: its pages, the files that they show, and the page of the API.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use actix_web::http::header::{ContentDisposition, ContentType, DispositionParam, DispositionType};
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};

use super::encoded::Encoded;
use super::files::{answer, below_root, not_found, redirect, refusal, root_from};
use super::shell::{Content, FOLDER, frame, path_of};
use crate::docs::{File, Page, escape, render};
use crate::json::names::{nearest, shortened};
use crate::route::{API_PAGE, DOCS};

/// What the page of the API has before its script fills it.
const API: &str = include_str!("../../static/docs/assets/api.html");

const API_SUMMARY: &str = "Every route, with its parameters and examples to send";

/// A page as it is served.
struct Served {
    html: Encoded,
    /// The hash of the HTML.
    version: String,
}

impl Served {
    fn new(content: &Content) -> Self {
        let html = frame(content);
        let mut hasher = DefaultHasher::new();
        html.hash(&mut hasher);
        Self {
            version: format!("{:016x}", hasher.finish()),
            html: Encoded::new(html),
        }
    }
}

/// Every page by its path, made when the first one is requested.
static PAGES: LazyLock<BTreeMap<String, Served>> = LazyLock::new(|| {
    let list = Served::new(&Content {
        title: "Documentation",
        path: DOCS,
        contents: "",
        main: &format!("<h1>Documentation</h1>\n{}", list(&root_from(DOCS))),
    });
    let api = Served::new(&Content {
        title: "API",
        path: API_PAGE,
        contents: "",
        main: API,
    });
    let mut pages = BTreeMap::from([(DOCS.to_owned(), list), (API_PAGE.to_owned(), api)]);
    for page in Page::ALL {
        let (path, rendered) = (path_of(page), render(page.text));
        let served = Served::new(&Content {
            title: page.title(),
            path: &path,
            contents: &rendered.contents,
            main: &rendered.main,
        });
        pages.insert(path, served);
    }
    pages
});

/// The routes of the documentation.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    for path in [DOCS.to_owned(), format!("{DOCS}/{{name:.*}}")] {
        config.route(
            &path,
            web::to(|request: HttpRequest| async move {
                refusal(&request).unwrap_or_else(|| document(&request))
            }),
        );
    }
    FOLDER.routes(config);
}

fn document(request: &HttpRequest) -> HttpResponse {
    let path = request.path();
    if let Some(page) = PAGES.get(path) {
        return answer(request, &page.version, &page.html);
    }
    // Addresses within a page are relative to its path without a slash at the end.
    let page = path.trim_end_matches('/');
    if page != path && (PAGES.contains_key(page) || file_at(page).is_some()) {
        let root = root_from(path);
        let query = request.uri().query().map(|query| format!("?{query}"));
        let query = query.unwrap_or_default();
        return redirect(&format!("{root}{}{query}", below_root(page)));
    }
    file_at(path).map_or_else(|| unknown(path), text_of)
}

/// Returns the part of a path that names something of the documentation.
fn name_of(path: &str) -> &str {
    below_root(path.strip_prefix(DOCS).unwrap_or_default())
}

fn file_at(path: &str) -> Option<&'static File> {
    File::find(name_of(path))
}

/// Answers with a file, which a browser shows, and saves under its own name.
fn text_of(file: &File) -> HttpResponse {
    let name = file.name.rsplit('/').next().unwrap_or(file.name);
    HttpResponse::Ok()
        .insert_header(ContentType::plaintext())
        .insert_header(ContentDisposition {
            disposition: DispositionType::Inline,
            parameters: vec![DispositionParam::Filename(name.to_owned())],
        })
        .body(file.text)
}

/// Answers that there is nothing of this name, and names what there is.
fn unknown(path: &str) -> HttpResponse {
    let name = name_of(path);
    let root = root_from(path);
    let docs = below_root(DOCS);
    let pages = Page::ALL.iter().map(|page| page.name);
    let names = pages
        .chain(["api"])
        .chain(File::ALL.iter().map(|file| file.name));
    let near = nearest(name, names).map_or_else(String::new, |near| {
        format!(" Did you mean <a href=\"{root}{docs}/{near}\">{near}</a>?")
    });
    not_found(frame(&Content {
        title: "No such page",
        path,
        contents: "",
        main: &format!(
            "<h1>No such page</h1>\n<p>The documentation has no <code>{}</code>.{near}</p>\n{}",
            escape(&shortened(name)),
            list(&root)
        ),
    }))
}

/// Returns the list of everything that the documentation has, with addresses that begin with that of the root.
fn list(root: &str) -> String {
    let pages = Page::ALL.iter();
    let pages = pages.map(|page| (path_of(page), page.title(), page.summary));
    let api = (API_PAGE.to_owned(), "API", API_SUMMARY);
    let cards = pages.chain([api]).map(|(path, title, summary)| {
        let (path, title, summary) = (below_root(&path), escape(title), escape(summary));
        format!("<li><a href=\"{root}{path}\">{title}</a><p>{summary}</p></li>\n")
    });
    let files = File::ALL.iter().map(|file| {
        let (docs, name) = (below_root(DOCS), file.name);
        format!("<li><a href=\"{root}{docs}/{name}\">{name}</a></li>\n")
    });
    format!(
        "<ul class=\"cards\">\n{}</ul>\n<div class=\"heading\"><h2 id=\"files\">Files</h2></div>\n\
         <p>The pages show these files. <code>jobdeck docs NAME</code> prints a file as it is, and a page as text.</p>\n\
         <ul class=\"files\">\n{}</ul>\n",
        cards.collect::<String>(),
        files.collect::<String>()
    )
}
