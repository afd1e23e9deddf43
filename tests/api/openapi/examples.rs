//! Every example of the document is sent, and answered as the document says.

use jobdeck::demo::{Timeline, World};
use jobdeck::time::Timestamp;
use serde_json::Value;

use super::answers::{check_answer, check_content, check_method_not_allowed, check_not_modified};
use super::document::{Document, examples};
use super::parameters::{DOMAIN, bodies, fill, queries};
use crate::app::{App, Setup, job};

const LIST: &str = "/inventory/v1/jobs/search";
const STAT: &str = "/inventory/v1/jobs/stat";
const TODAY: [&str; 3] = [
    "/inventory/job/list",
    "/inventory/job/stat",
    "/inventory/job/analyze",
];

/// Jobs as the demo has them, up to the time of the tests' frozen clock.
fn demo_jobs(count: u64) -> String {
    let now = Timestamp::parse_rfc3339("2022-06-20T12:00:00Z").unwrap();
    let world = World::new(1, 4);
    let timeline = Timeline::before(now, 28, count);
    let jobs = (0..count).map(|index| world.life(&timeline, index).at(now).to_document() + "\n");
    // The job that examples name.
    jobs.collect::<String>() + &job("job-1", DOMAIN, "")
}

#[test]
fn every_example_is_answered_as_described() {
    let app = App::with_jobs(demo_jobs(5_000));
    let sent = check_examples(&app, |_| {});
    assert!(sent > 40, "only {sent}");
}

#[test]
fn every_example_is_answered_by_a_writable_server_as_described() {
    let app = App::serve(Setup {
        is_writable: true,
        ..Setup::default()
    });
    let empty = |app: &App| {
        let path = format!("/jobdeck/jobs?domain_id={DOMAIN}");
        assert_eq!(app.bare("DELETE", &path).status, 200);
    };
    let sent = check_operations(&app, empty, |path| path.starts_with("/jobdeck/jobs"));
    assert!(sent >= 18, "only {sent}");
}

#[test]
fn every_example_is_answered_by_a_mock_as_described() {
    let app = App::mock(demo_jobs(5_000));
    let reset = |app: &App| assert_eq!(app.bare("POST", "/jobdeck/reset").status, 200);
    let sent = check_examples(&app, reset);
    assert!(sent > 110, "only {sent}");
    check_preferences(&app);
}

fn check_examples(app: &App, before: impl Fn(&App)) -> usize {
    check_operations(app, before, |_| true)
}

/// Sends the examples of the document, and checks the answers against their descriptions; returns the number of requests.
fn check_operations(app: &App, before: impl Fn(&App), is_wanted: impl Fn(&str) -> bool) -> usize {
    let document = Document::of(app);
    let mut sent = 0;
    let operations = document.operations();
    for (path, method, operation) in operations.filter(|(path, ..)| is_wanted(path)) {
        let method = method.to_ascii_uppercase();
        for query in queries(&document, operation) {
            for (media_type, body) in bodies(&document, operation) {
                before(app);
                let target = format!("{}{query}", fill(app, &document, path, operation));
                let headers = [("content-type", media_type)];
                let headers = if body.is_some() { &headers[..] } else { &[] };
                let text = body.map(|body| match body {
                    Value::String(lines) => lines.clone(),
                    body => body.to_string(),
                });
                let answer = app.send(
                    &method,
                    &target,
                    headers,
                    text.as_deref().map(str::as_bytes),
                );
                let place = format!("{method} {target} {}", text.unwrap_or_default());
                check_answer(&document, operation, &method, &place, &answer);
                check_not_modified(app, operation, &method, &target, &answer);
                if let Some(body) =
                    body.filter(|_| [LIST, STAT].contains(&path) || TODAY.contains(&path))
                {
                    let finds = !answer.json()["results"].as_array().unwrap().is_empty();
                    assert!(finds || body["query"]["count_only"] == true, "{place}");
                }
                sent += 1;
            }
        }
        check_method_not_allowed(app, &document, path, operation);
    }
    sent
}

/// Checks that the operations that describe a preference, and no others, obey it.
fn check_preferences(app: &App) {
    let document = Document::of(app);
    let mut described = 0;
    for (path, method, operation) in document.operations() {
        let names = document.parameters(operation);
        let prefer = names
            .filter(|parameter| parameter["name"] == "prefer")
            .flat_map(examples)
            .next();
        assert_eq!(
            prefer.is_some(),
            !operation["responses"]["default"].is_null()
        );
        let asked = prefer.map_or("code=418", |example| example.as_str().unwrap());
        let place = format!("{method} {path}");
        let target = path.replace("{name}", "a").replace("{job_id}", "a");
        let method = method.to_ascii_uppercase();
        let answer = app.send(&method, &target, &[("prefer", asked)], None);
        let applied = answer.header("preference-applied");
        assert_eq!(applied, prefer.map(|_| asked), "{place}");
        assert_ne!(answer.status, 418, "{place}");
        if prefer.is_some() {
            described += 1;
            let refused = app.send(&method, &target, &[("prefer", "code=418")], None);
            assert_eq!(refused.status, 418, "{place}");
            assert!(refused.header("preference-applied").is_some(), "{place}");
            if method != "HEAD" {
                check_content(&document, operation, &place, &refused);
            }
        }
    }
    assert!(described >= 16, "only {described}");
}
