//! The recipes for Node, and for pages that send requests.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{FIXTURE, JOBDECK, ROOT, Server, folder, nothing_is_left, program, run, said, text};

/// A folder with files of the recipes, and the npm packages that they import.
fn node_folder(names: &[&str]) -> TempDir {
    let folder = folder(names);
    let modules = Path::new(ROOT).join("tests/recipes/node_modules");
    assert!(modules.is_dir(), "run `npm ci` in tests/recipes");
    std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
    folder
}

#[test]
#[ignore = "wants Vitest; tests/run installs it"]
fn vitest_sees_each_state_of_a_job() {
    let folder = node_folder(&[
        "tests/recipes/node/jobdeck.setup.mjs",
        "tests/recipes/node/inventory.mjs",
        "tests/recipes/vitest/vitest.config.mjs",
        "tests/recipes/vitest/job.test.mjs",
    ]);
    let output = run(program(folder.path(), "node_modules/.bin/vitest").arg("run"));
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("1 passed"), "{}", said(&output));
    nothing_is_left(folder.path());
}

#[test]
#[ignore = "wants Playwright; tests/run installs it"]
fn playwright_sees_each_state_of_a_job() {
    let folder = node_folder(&[
        "tests/recipes/node/jobdeck.setup.mjs",
        "tests/recipes/node/inventory.mjs",
        "tests/recipes/playwright/playwright.config.mjs",
        "tests/recipes/playwright/job.test.mjs",
    ]);
    let output = run(program(folder.path(), "node_modules/.bin/playwright").arg("test"));
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("1 passed"), "{}", said(&output));
    nothing_is_left(folder.path());
}

/// The two recipes are one test.
#[test]
fn vitest_and_playwright_differ_in_an_import() {
    let vitest = text("tests/recipes/vitest/job.test.mjs");
    let playwright = text("tests/recipes/playwright/job.test.mjs");
    assert_eq!(vitest.replace("vitest", "@playwright/test"), playwright);
}

#[test]
#[ignore = "wants Node; tests/run runs it"]
fn node_gives_up_a_request_that_is_not_answered() {
    let folder = folder(&[
        "tests/recipes/node/jobdeck.setup.mjs",
        "tests/recipes/node/inventory.mjs",
        "tests/recipes/node-test/job.test.mjs",
    ]);
    let output = run(program(folder.path(), "node").arg("--test"));
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("# pass 1"), "{}", said(&output));
    nothing_is_left(folder.path());
}

#[test]
#[ignore = "wants Vite; tests/run installs it"]
fn vite_forwards_requests() {
    let folder = node_folder(&["tests/recipes/vite/vite.config.mjs", FIXTURE]);
    let mut command = program(folder.path(), JOBDECK);
    command.args([
        "serve",
        "--mock",
        "--fixtures",
        "fixtures",
        "--listen",
        "127.0.0.1:0",
    ]);
    let server = Server::start(command);
    let mut command = program(folder.path(), "node_modules/.bin/vite");
    command
        .args(["--host", "127.0.0.1", "--port", "0"])
        .env("JOBDECK_URL", &server.url);
    let vite = Server::start(command);
    assert_ne!(vite.port(), server.port());
    // As a page that Vite serves does.
    let (status, body) = vite.get("/inventory/v1/jobs?domain_id=domain-1", "127.0.0.1");
    assert_eq!((status, &body["total_count"]), (200, &json!(2)));
    let mut answer = ureq::post(format!("{}/inventory/v1/jobs/search", vite.url))
        .header("origin", &vite.url)
        .send_json(json!({"domain_id": "domain-1", "status": "ERROR"}))
        .unwrap();
    let body: Value = answer.body_mut().read_json().unwrap();
    assert_eq!(body["total_count"], 1);
    let answer = ureq::put(format!("{}/jobdeck/jobs/j?domain_id=d", vite.url))
        .header("origin", &vite.url)
        .header("sec-fetch-site", "same-origin")
        .send_json(json!({}))
        .unwrap();
    assert_eq!(answer.status(), 201);
}

#[test]
fn a_page_of_an_allowed_origin_may_send_requests() {
    let page = text("static/docs/mock.md");
    let (_, rest) = page
        .split_once("| those of this origin, such as `")
        .unwrap();
    let (origin, _) = rest.split_once('`').unwrap();
    let folder = folder(&[]);
    let mut command = program(folder.path(), JOBDECK);
    command.args([
        "serve",
        "--mock",
        "--listen",
        "127.0.0.1:0",
        "--cors",
        origin,
    ]);
    let server = Server::start(command);
    let answer = ureq::put(format!("{}/jobdeck/jobs/j?domain_id=d", server.url))
        .header("origin", origin)
        .header("sec-fetch-site", "cross-site")
        .send_json(json!({}))
        .unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], origin);
}
