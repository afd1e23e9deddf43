//! Caching: the version of the data, the page and its files.

use std::thread;
use std::time::{Duration, Instant};

use crate::app::{Answer, App, job};

const DOMAINS: &str = "/jobdeck/domains";

fn get_known(app: &App, path: &str, known: &str) -> Answer {
    app.send("GET", path, &[("if-none-match", known)], None)
}

fn tag(answer: &Answer) -> String {
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    answer.header("etag").unwrap().to_owned()
}

#[test]
fn an_answer_is_not_sent_again_until_a_write() {
    let app = App::with_jobs(job("a", "d", ""));
    for path in [
        DOMAINS,
        "/inventory/v1/jobs?domain_id=d",
        "/inventory/v1/jobs?domain_id=none&query.count_only=true",
    ] {
        let first = app.get(path);
        let known = tag(&first);
        assert!(known.starts_with("W/\""), "{known}");
        let again = get_known(&app, path, &known);
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{path}");
        assert_eq!(tag(&again), known);
        assert_eq!(get_known(&app, path, "\"x\", *").status, 200, "{path}");
        let listed = format!("\"other\", {known}");
        assert_eq!(get_known(&app, path, &listed).status, 304, "{path}");

        app.import(job("b", "other", ""));
        let changed = get_known(&app, path, &known);
        assert_eq!(changed.status, 200, "{path}");
        assert_ne!(tag(&changed), known);
    }
    let one = tag(&app.get(DOMAINS));
    let elsewhere = App::with_jobs(job("a", "d", ""));
    assert_ne!(
        tag(&elsewhere.get(DOMAINS)),
        one,
        "versions of two servers are never equal"
    );
}

#[test]
fn a_wrong_request_is_an_error_whatever_version_the_client_has() {
    let app = App::with_jobs(job("a", "d", ""));
    let known = tag(&app.get(DOMAINS));
    let query = "%7B%22filter%22%3A%5B%7B%22k%22%3A%22stauts%22%2C%22v%22%3A1%2C%22o%22%3A%22eq%22%7D%5D%7D";
    let answer = get_known(
        &app,
        &format!("/inventory/v1/jobs?domain_id=d&query={query}"),
        &known,
    );
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(answer.header("etag"), None);
}

#[test]
fn an_answer_that_changes_with_the_clock_has_no_version() {
    let query = "%7B%22filter%22%3A%5B%7B%22k%22%3A%22created_at%22%2C%22v%22%3A%22now%22%2C%22o%22%3A%22timediff_lt%22%7D%5D%7D";
    let path = format!("/inventory/v1/jobs?domain_id=d&query={query}");
    let frozen = App::with_jobs(job("a", "d", ""));
    tag(&frozen.get(&path));
    let moving = App::with_clock(job("a", "d", ""), None);
    let answer = moving.get(&path);
    assert_eq!(answer.json()["total_count"], 1);
    assert_eq!(answer.header("etag"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn statistics_and_searches_have_no_version() {
    let app = App::with_jobs(job("a", "d", ""));
    let body = serde_json::json!({"domain_id": "d", "query": {"distinct": "status"}});
    for answer in [
        app.stat(&body),
        app.search(&serde_json::json!({"domain_id": "d"})),
        app.get("/jobdeck/about"),
    ] {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("etag"), None);
    }
}

#[test]
fn the_page_is_revalidated_and_its_files_are_cached_for_ever() {
    let app = App::with_jobs("");
    let page = app.get("/");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let known = tag(&page);
    let again = get_known(&app, "/", &known);
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    for answer in [&page, &again] {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
    }
    let named = |attribute: &str| -> Vec<String> {
        let start = format!("{attribute}=\"./assets/");
        page.text
            .split(&start)
            .skip(1)
            .map(|rest| format!("/assets/{}", rest.split('"').next().unwrap()))
            .collect()
    };
    let mut files = named("src");
    files.extend(named("href"));
    let links = page.header("link").unwrap();
    files.extend(links.split(", ").map(|link| {
        let (path, relation) = link.split_once(">; ").unwrap();
        assert!(relation.starts_with("rel="), "{relation}");
        path.trim_start_matches("<.").to_owned()
    }));
    let version = files[0].split("js/").next().unwrap();
    let names: Vec<_> = files
        .iter()
        .map(|path| path.strip_prefix(version).unwrap())
        .collect();
    // The page gets its icon after its first paint.
    let in_page = ["js/main.js", "style.css"];
    let in_links = ["style.css", "js/main.js", "js/texts/en.js"];
    assert_eq!(names, [&in_page[..], &in_links].concat());
    files.push(format!("{version}icon.svg"));
    let old = "/assets/0000000000000000/style.css";
    assert_eq!(app.get(old).status, 404, "files of another version");
    for path in files {
        let file = app.send("HEAD", &path, &[("accept-encoding", "gzip")], None);
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(file.header("content-encoding"), Some("gzip"), "{path}");
        let media_type = match path.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(file.header("content-type"), Some(media_type), "{path}");
        assert_eq!(
            file.header("cache-control"),
            Some("public, max-age=31536000, immutable"),
            "{path}"
        );
    }
}

#[test]
fn a_browser_that_takes_brotli_gets_it_once_it_is_made() {
    let app = App::with_jobs("");
    let get = || app.send("HEAD", "/", &[("accept-encoding", "gzip, br")], None);
    let first = get();
    assert_eq!(first.header("content-encoding"), Some("gzip"));
    let deadline = Instant::now() + Duration::from_mins(1);
    let later = loop {
        let page = get();
        if page.header("content-encoding") != Some("gzip") {
            break page;
        }
        assert!(Instant::now() < deadline, "it is still gzip");
        thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(later.header("content-encoding"), Some("br"));
    assert_eq!(tag(&later), tag(&first));
    for page in [&first, &later] {
        let vary = page.header("vary");
        assert_eq!(vary, Some("accept-encoding, accept-language"));
    }
    let plain = app.get("/");
    assert_eq!(plain.header("content-encoding"), None);
}

#[test]
fn about_names_the_clock_and_the_file() {
    let app = App::with_jobs("");
    let about = app.get("/jobdeck/about").json();
    assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(about["now"], "2022-06-20T12:00:00.000Z");
    assert_eq!(about["is_frozen"], true);
    assert_eq!(about["database"], app.database().to_str().unwrap());
    let moving = App::with_clock(String::new(), None);
    assert_eq!(moving.get("/jobdeck/about").json()["is_frozen"], false);
}
