//! The page, the documentation and the API below a path of another site.

use std::collections::BTreeSet;

use jobdeck::api::BasePath;
use jobdeck::mock::MockConfig;
use jobdeck::tokens::NewToken;
use serde_json::json;
use url::Url;

use crate::app::{Answer, App, Setup, job};

/// Where the proxy has the server.
const BASE: &str = "/tools/jobs";

/// A server behind a proxy that leaves the base path in the requests that it passes on.
fn app(setup: Setup) -> App {
    let base_path = BasePath::parse(BASE).unwrap();
    App::serve(Setup { base_path, ..setup })
}

fn mock() -> App {
    app(Setup {
        jobs: job("job-1", "d", ""),
        mock: Some(MockConfig::default()),
        ..Setup::default()
    })
}

/// The addresses that an answer has: the links and files of a page, also in its header `Link`, or the modules that a module
/// imports.
fn addresses(answer: &Answer) -> BTreeSet<String> {
    let starts: &[_] = match answer.header("content-type") {
        Some("text/html; charset=utf-8") => &[" href=\"", " src=\""],
        Some("text/javascript; charset=utf-8") => &[" from '"],
        _ => &[],
    };
    let text = &answer.text;
    let named = starts.iter().flat_map(|start| text.split(start).skip(1));
    let named = named.map(|rest| rest.split(['"', '\'']).next().unwrap().to_owned());
    // The script of the page makes one, which is in its header `Link` as well.
    let named = named.filter(|address| !address.contains("${"));
    let linked = answer.header("link").unwrap_or_default().split('<').skip(1);
    let linked = linked.map(|link| link.split('>').next().unwrap().to_owned());
    named.chain(linked).collect()
}

/// Loads a page and all that it leads to, with each address relative to what has it; returns the paths.
#[track_caller]
fn walk(app: &App, first: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::from([first.to_owned()]);
    let mut open = vec![first.to_owned()];
    while let Some(path) = open.pop() {
        let answer = app.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        let base = Url::parse(&app.url(&path)).unwrap();
        for address in addresses(&answer) {
            let target = base.join(&address).unwrap();
            // Other sites, and the empty icon that the page begins with.
            if ["https", "data"].contains(&target.scheme()) {
                continue;
            }
            let target = target.path().to_owned();
            if seen.insert(target.clone()) {
                open.push(target);
            }
        }
    }
    seen
}

#[test]
fn all_that_the_pages_load_and_link_to_is_below_the_path() {
    for (app, base) in [(mock(), BASE), (mock(), ""), (App::mock(""), "")] {
        let seen = walk(&app, &format!("{base}/"));
        let outside: Vec<_> = seen.iter().filter(|path| !path.starts_with(base)).collect();
        assert!(outside.is_empty(), "{base}: {outside:?}");
        for path in ["/docs", "/docs/query", "/docs/api", "/openapi.json"] {
            assert!(seen.contains(&format!("{base}{path}")), "{base}: {path}");
        }
        assert!(seen.len() > 60, "{base}: {seen:?}");
    }
}

#[test]
fn requests_are_answered_with_the_path_and_without() {
    let app = mock();
    for path in [
        "/",
        "/check",
        "/jobdeck/about",
        "/docs/mock",
        "/openapi.json",
        "/inventory/v1/jobs?domain_id=d",
        "/inventory/v1/jobs?domain_id=no",
    ] {
        let (with, without) = (app.get(&format!("{BASE}{path}")), app.get(path));
        assert_eq!(with.status, 200, "{path}");
        assert_eq!(with.text, without.text, "{path}");
        assert_eq!(with.header("etag"), without.header("etag"), "{path}");
    }
    let query = json!({"domain_id": "d"});
    let found = app.post("/tools/jobs/inventory/v1/jobs/search", &query);
    assert_eq!(found.json()["total_count"], 1, "{}", found.text);
    let put = app.json(
        "PUT",
        "/tools/jobs/jobdeck/jobs/a%2Fb?domain_id=d",
        &json!({}),
    );
    assert_eq!((put.status, &put.json()["job_id"]), (201, &json!("a/b")));
    let refused = app.bare("PUT", "/tools/jobs/check");
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, Some("GET, HEAD"))
    );
}

#[test]
fn a_path_elsewhere_is_unknown() {
    let app = mock();
    for (path, named) in [
        ("/tools", "/tools"),
        ("/tools/jobs-2/", "/tools/jobs-2"),
        ("/tools/jobs/nothing", "/nothing"),
        ("/tools/jobs/tools/jobs/check", "/tools/jobs/check"),
    ] {
        let answer = app.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text.contains(named), "{path}: {}", answer.text);
    }
    assert_eq!(App::mock("").get("/tools/jobs/check").status, 404);
}

#[test]
fn the_path_without_its_slash_leads_to_the_page() {
    let app = mock();
    for (path, location) in [
        ("/tools/jobs", "jobs/"),
        ("/tools/jobs?domain=d&job=a%20b", "jobs/?domain=d&job=a%20b"),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = app.without_redirects(method, path);
            assert_eq!(answer.status, 308, "{method} {path}");
            assert_eq!(answer.header("location"), Some(location), "{method} {path}");
            assert!(answer.header("x-request-id").is_some(), "{method} {path}");
        }
    }
    assert_eq!(app.bare("POST", "/tools/jobs").status, 405);
    let page = app.without_redirects("GET", "/tools/jobs/docs/query/");
    assert_eq!(page.header("location"), Some("../../docs/query"));
}

/// What each answer is for is decided by its path, so nothing may see the one that the proxy has.
#[test]
fn faults_the_journal_tokens_and_metrics_see_the_path_of_the_server() {
    let app = mock();
    let fault = json!({"route": "search", "code": 503});
    assert_eq!(app.post("/tools/jobs/jobdeck/faults", &fault).status, 201);
    let query = json!({"domain_id": "d"});
    let failed = app.post("/tools/jobs/inventory/v1/jobs/search", &query);
    assert_eq!(failed.status, 503, "{}", failed.text);
    assert_eq!(app.get("/tools/jobs/").status, 200);
    assert_eq!(app.get("/tools/jobs").status, 200);
    let journal = app.get("/tools/jobs/jobdeck/journal").json();
    assert_eq!(journal["total_count"], 1, "{journal}");
    let recorded = &journal["results"][0];
    assert_eq!(recorded["route"], "search");
    assert_eq!(recorded["path"], "/inventory/v1/jobs/search");
    let metrics = app.get("/tools/jobs/metrics").text;
    let series = "{route=\"/inventory/v1/jobs/search\",method=\"POST\",status=\"503\"} 1";
    assert!(metrics.contains(series), "{metrics}");
    assert!(!metrics.contains("/tools"), "{metrics}");

    let app = app_with_tokens();
    for (path, status) in [
        ("/tools/jobs", 200),
        ("/tools/jobs/", 200),
        ("/tools/jobs/docs", 200),
        ("/tools/jobs/check", 200),
        ("/tools/jobs/inventory/v1/jobs?domain_id=d", 401),
        ("/tools/jobs/jobdeck/domains", 401),
        ("/tools/jobs/metrics", 401),
    ] {
        assert_eq!(app.get(path).status, status, "{path}");
    }
}

fn app_with_tokens() -> App {
    app(Setup {
        tokens: Some(NewToken::generate("*", true, None).unwrap().entry),
        ..Setup::default()
    })
}
