//! The documentation at `/docs`: its pages, the files that they show, and the page of the API.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use actix_web::http::header::{
    ContentDisposition, ContentType, DispositionParam, DispositionType, LOCATION,
};
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};

use super::files::{answer, not_found, refusal};
use super::shell::{Content, FOLDER, frame, path_of};
use crate::docs::{File, Page, escape, render};
use crate::json::names::{nearest, shortened};
use crate::route::{API_PAGE, DOCS};

/// What the page of the API has before its script fills it.
const API: &str = include_str!("../../static/docs/assets/api.html");

const API_SUMMARY: &str = "Every route, with its parameters and examples to send";

/// A page as it is served.
struct Served {
    html: String,
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
            html,
        }
    }
}

/// Every page by its path, made when the first one is requested.
static PAGES: LazyLock<BTreeMap<String, Served>> = LazyLock::new(|| {
    let list = Served::new(&Content {
        title: "Documentation",
        path: DOCS,
        contents: "",
        main: &format!("<h1>Documentation</h1>\n{}", list()),
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
    let name = path.strip_prefix(DOCS).unwrap_or_default();
    let name = name.strip_prefix('/').unwrap_or(name);
    if name.is_empty() {
        return HttpResponse::PermanentRedirect()
            .insert_header((LOCATION, DOCS))
            .finish();
    }
    match File::find(name) {
        Some(file) => text_of(file),
        None => unknown(name),
    }
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
fn unknown(name: &str) -> HttpResponse {
    let pages = Page::ALL.iter().map(|page| page.name);
    let names = pages
        .chain(["api"])
        .chain(File::ALL.iter().map(|file| file.name));
    let near = nearest(name, names).map_or_else(String::new, |near| {
        format!(" Did you mean <a href=\"{DOCS}/{near}\">{near}</a>?")
    });
    not_found(frame(&Content {
        title: "No such page",
        path: "",
        contents: "",
        main: &format!(
            "<h1>No such page</h1>\n<p>The documentation has no <code>{}</code>.{near}</p>\n{}",
            escape(&shortened(name)),
            list()
        ),
    }))
}

/// Returns the list of everything that the documentation has.
fn list() -> String {
    let pages = Page::ALL.iter();
    let pages = pages.map(|page| (path_of(page), page.title(), page.summary));
    let api = (API_PAGE.to_owned(), "API", API_SUMMARY);
    let cards = pages.chain([api]).map(|(path, title, summary)| {
        let (title, summary) = (escape(title), escape(summary));
        format!("<li><a href=\"{path}\">{title}</a><p>{summary}</p></li>\n")
    });
    let files = File::ALL.iter().map(|file| {
        let (address, name) = (file.address(), file.name);
        format!("<li><a href=\"{address}\">{name}</a></li>\n")
    });
    format!(
        "<ul class=\"cards\">\n{}</ul>\n<div class=\"heading\"><h2 id=\"files\">Files</h2></div>\n\
         <p>The pages show these files. <code>jobdeck docs NAME</code> prints a file as it is, and a page as text.</p>\n\
         <ul class=\"files\">\n{}</ul>\n",
        cards.collect::<String>(),
        files.collect::<String>()
    )
}
