//! The documentation at `/docs`.

use std::collections::{BTreeMap, BTreeSet};

use jobdeck::docs::{File, Page};
use jobdeck::mock::MockConfig;
use jobdeck::tokens::NewToken;
use serde_json::json;

use crate::app::{Answer, App, Setup};

fn paths() -> Vec<String> {
    let pages = Page::ALL.iter().map(|page| format!("/docs/{}", page.name));
    pages
        .chain(["/docs".to_owned(), "/docs/api".to_owned()])
        .collect()
}

/// The values of an attribute.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    let parts = html.split(&start).skip(1);
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

#[track_caller]
fn check_policy(answer: &Answer) {
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn every_page_is_html_that_caches_revalidate() {
    let app = App::with_jobs("");
    for path in paths() {
        let page = app.get(&path);
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(page.header("cache-control"), Some("no-cache"));
        check_policy(&page);
        let tag = page.header("etag").unwrap();
        let known = app.send("GET", &path, &[("if-none-match", tag)], None);
        assert_eq!((known.status, known.text.as_str()), (304, ""), "{path}");
        check_policy(&known);
        let head = app.bare("HEAD", &path);
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("etag"), Some(tag), "{path}");
        let refused = app.bare("POST", &path);
        assert_eq!(refused.status, 405, "{path}");
        assert_eq!(refused.header("allow"), Some("GET, HEAD"), "{path}");
    }
}

#[test]
fn a_slash_at_the_end_leads_to_the_address_without_it() {
    let app = App::with_jobs("");
    for (path, location) in [
        ("/docs/", "../docs"),
        ("/docs/query/", "../../docs/query"),
        ("/docs/api/?a=b&c", "../../docs/api?a=b&c"),
        (
            "/docs/deploy/Dockerfile/",
            "../../../docs/deploy/Dockerfile",
        ),
    ] {
        let answer = app.without_redirects("GET", path);
        assert_eq!(answer.status, 308, "{path}");
        assert_eq!(answer.header("location"), Some(location), "{path}");
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        assert_eq!(resolved(path, location), path.trim_end_matches('/'));
        assert_eq!(app.get(path).status, 200, "{path}");
    }
}

#[test]
fn a_page_shows_its_text_and_lists_all_pages() {
    let app = App::with_jobs("");
    let html = app.get("/docs/query").text;
    for page in Page::ALL {
        let link = format!("<a href=\"../docs/{}\"", page.name);
        assert!(html.contains(&link), "{link}");
    }
    assert!(html.contains("<a href=\"../docs/query\" aria-current=\"page\">"));
    assert!(html.contains("<title>The query language · jobdeck</title>"));
    assert!(html.contains("<h1 id=\"the-query-language\">The query language</h1>"));
    let list = app.get("/docs").text;
    for page in Page::ALL {
        assert!(list.contains(page.summary), "{}", page.name);
    }
    for file in File::ALL {
        assert!(list.contains(&format!("<a href=\"./docs/{}\">", file.name)));
    }
}

/// The path to which an address leads from a page.
#[track_caller]
fn resolved(path: &str, address: &str) -> String {
    assert!(!address.starts_with('/'), "{path}: {address}");
    let page = url::Url::parse(&format!("http://jobs.example{path}")).unwrap();
    page.join(address).unwrap().path().to_owned()
}

#[test]
fn every_link_leads_somewhere() {
    let app = App::with_jobs("");
    let pages: BTreeMap<_, _> = paths()
        .into_iter()
        .map(|path| {
            let html = app.get(&path).text;
            (path, html)
        })
        .collect();
    let mut others = BTreeSet::new();
    let mut seen = 0;
    for (path, html) in &pages {
        let ids = values(html, "id");
        let unique: BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), unique.len(), "{path}: an id occurs twice");
        for link in values(html, "href").into_iter().chain(values(html, "src")) {
            if link.starts_with("https://") {
                continue;
            }
            seen += 1;
            let (target, id) = link.split_once('#').unwrap_or((link, ""));
            let target = resolved(path, target);
            match pages.get(&target) {
                Some(page) if !id.is_empty() => {
                    assert!(values(page, "id").contains(&id), "{path}: {link}");
                }
                Some(_) => {}
                None => {
                    assert_eq!(id, "", "{path}: {link}");
                    others.insert(target);
                }
            }
        }
    }
    assert!(seen > 100, "only {seen} links");
    for path in others {
        assert_eq!(app.get(&path).status, 200, "{path}");
    }
}

#[test]
fn a_file_is_served_as_it_is() {
    let app = App::with_jobs("");
    for file in File::ALL {
        let path = format!("/docs/{}", file.name);
        let answer = app.get(&path);
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (200, file.text),
            "{path}"
        );
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let name = file.name.rsplit('/').next().unwrap();
        assert_eq!(
            answer.header("content-disposition"),
            Some(format!("inline; filename=\"{name}\"").as_str())
        );
        assert_eq!(app.bare("HEAD", &path).status, 200);
        assert_eq!(app.bare("DELETE", &path).status, 405);
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let app = App::with_jobs("");
    for (path, near) in [
        ("/docs/qurey", Some("docs/query")),
        ("/docs/query.md", Some("docs/query")),
        (
            "/docs/deploy/jobdek.service",
            Some("docs/deploy/jobdeck.service"),
        ),
        ("/docs/zzzzzzzzz", None),
        ("/docs/../openapi", None),
    ] {
        let answer = app.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        check_policy(&answer);
        let (_, found) = answer.text.split_once("Did you mean ").unzip();
        let link = found.map(|found| resolved(path, values(found, "href")[0]));
        assert_eq!(link, near.map(|near| format!("/{near}")), "{path}");
    }
    let deep = app.get(&format!("/docs{}", "/".repeat(5_000)));
    assert_eq!(deep.status, 404);
    assert!(deep.text.len() < 20_000, "{} bytes", deep.text.len());
    let hostile = app.get("/docs/%3Cscript%3Ealert(1)%3C/script%3E");
    assert_eq!(hostile.status, 404);
    assert!(!hostile.text.contains("<script>alert"), "{}", hostile.text);
}

#[test]
fn the_documentation_needs_no_token() {
    let app = App::serve(Setup {
        tokens: Some(NewToken::generate("*", true, None).unwrap().entry),
        ..Setup::default()
    });
    for path in [
        "/docs",
        "/docs/query",
        "/docs/deploy/Dockerfile",
        "/docs/api",
    ] {
        assert_eq!(app.get(path).status, 200, "{path}");
    }
    assert_eq!(app.get("/openapi.json").status, 401);
}

#[test]
fn neither_faults_nor_the_journal_see_the_documentation() {
    let app = App::serve(Setup {
        mock: Some(MockConfig::default()),
        ..Setup::default()
    });
    let fault = app.post("/jobdeck/faults", &json!({"code": 503}));
    assert_eq!(fault.status, 201, "{}", fault.text);
    assert_eq!(app.get("/docs/mock").status, 200);
    assert_eq!(app.get("/docs/nothing").status, 404);
    let journal = app.get("/jobdeck/journal").json();
    assert_eq!(journal["total_count"], 0, "{journal}");
}
