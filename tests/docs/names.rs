//! The options, variables and routes that pages name exist, and those that exist are named.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

use crate::command_line::COMMAND_LINE;
use crate::page::Page;
use crate::{JOBDECK, ROOT};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// The paths of the page and its documentation, which the API's own description leaves out.
const OUTSIDE_THE_API: [&str; 3] = ["/", "/docs", "/openapi.json"];

/// A route of a mock, which has them all.
struct Route {
    method: String,
    path: String,
    /// The names of the parameters in the query string.
    parameters: BTreeSet<String>,
}

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(routes);

/// Kills the server however the test ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The routes that a mock describes.
fn routes() -> Vec<Route> {
    let mut command = Command::new(JOBDECK);
    command.args(["serve", "--mock", "--listen", "127.0.0.1:0"]);
    let server = command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut server = Killed(server.spawn().unwrap());
    let mut line = String::new();
    let mut output = BufReader::new(server.0.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let address = line.split_whitespace().last().unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let mut answer = agent.get(format!("{address}/openapi.json")).call().unwrap();
    let document: Value = answer.body_mut().read_json().unwrap();
    let parameters = |values: &Value| -> BTreeSet<String> {
        let values = values.as_array().into_iter().flatten();
        let resolved = values.map(|value| match value["$ref"].as_str() {
            Some(reference) => document.pointer(&reference[1..]).unwrap(),
            None => value,
        });
        let queries = resolved.filter(|value| value["in"] == "query");
        queries
            .map(|value| value["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            let Some(operation) = item.get(method.to_lowercase()) else {
                continue;
            };
            let mut names = parameters(&item["parameters"]);
            names.extend(parameters(&operation["parameters"]));
            routes.push(Route {
                method: method.to_owned(),
                path: path.clone(),
                parameters: names,
            });
        }
    }
    routes
}

/// The route that a text names, such as `GET /metrics` or `DELETE /jobdeck/faults?domain_id=`, as its method and path.
fn route(text: &str) -> Option<(&str, &str)> {
    let (method, path) = text.split_once(' ')?;
    (METHODS.contains(&method) && path.starts_with('/')).then_some((method, path))
}

/// The names of a page that do not exist.
pub(crate) fn unknown(page: &Page) -> Vec<String> {
    let mut faults = Vec::new();
    for code in &page.codes {
        let problem = if code.text.starts_with("--") {
            unknown_option(&code.text)
        } else if let Some(command) = code.text.strip_prefix("jobdeck ") {
            let words: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
            let is_named = words[0] != "COMMAND";
            is_named.then(|| COMMAND_LINE.unknown(&words)).flatten()
        } else {
            route(&code.text).and_then(|(method, path)| unknown_route(method, path))
        };
        faults.extend(problem.map(|problem| page.fault(code.line, problem)));
    }
    for (index, line) in page.text.lines().enumerate() {
        for name in variables(line) {
            if !COMMAND_LINE.variables.contains(name) && !is_of_a_test(name) {
                faults.push(page.fault(index + 1, format!("no command has the variable {name}")));
            }
        }
    }
    faults
}

fn unknown_option(text: &str) -> Option<String> {
    let words = text
        .split_whitespace()
        .filter(|word| word.starts_with("--"));
    let mut names = words.map(|word| word.split('=').next().unwrap());
    let name = names.find(|name| !COMMAND_LINE.has_option(name))?;
    Some(format!("no command has the option {name}"))
}

fn unknown_route(method: &str, path: &str) -> Option<String> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if method == "GET" && OUTSIDE_THE_API.contains(&path) {
        return None;
    }
    let mut routes = ROUTES.iter();
    let Some(route) = routes.find(|route| route.method == method && is_at(path, &route.path))
    else {
        return Some(format!("no route {method} {path}"));
    };
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    let mut names = parameters.map(|parameter| parameter.split('=').next().unwrap());
    // Members of a query are parameters, too: `query.page.limit`.
    let name =
        names.find(|name| !route.parameters.contains(*name) && !name.starts_with("query."))?;
    Some(format!("{method} {path} has no parameter {name}"))
}

/// Whether a path is at a route, whose parameters match one segment.
fn is_at(path: &str, route: &str) -> bool {
    let (path, route): (Vec<_>, Vec<_>) = (path.split('/').collect(), route.split('/').collect());
    let mut pairs = path.iter().zip(&route);
    path.len() == route.len()
        && pairs.all(|(segment, pattern)| segment == pattern || pattern.starts_with('{'))
}

/// The names of variables in a line.
fn variables(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| {
        word.strip_prefix("JOBDECK_")
            .is_some_and(|rest| !rest.is_empty())
    })
}

/// Whether a test or a recipe reads a variable.
fn is_of_a_test(name: &str) -> bool {
    let found = Command::new("grep")
        .args([
            "-rqw",
            "--exclude-dir=node_modules",
            "--exclude-dir=docs",
            name,
            "tests",
        ])
        .current_dir(Path::new(ROOT))
        .status();
    found.unwrap().success()
}

/// The commands, options and routes that no page names.
pub(crate) fn missing(pages: &[Page]) -> Vec<String> {
    let text: String = pages.iter().map(|page| page.text.as_str()).collect();
    let words: BTreeSet<_> = text
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-' && letter != '_')
        .collect();
    let mut missing = Vec::new();
    for (command, options) in &COMMAND_LINE.options {
        if !text.contains(&format!("jobdeck {command}")) {
            missing.push(format!("no page has `jobdeck {command}`"));
        }
        let options = options
            .iter()
            .filter(|option| !words.contains(option.as_str()));
        missing
            .extend(options.map(|option| format!("no page has `{option}` of `jobdeck {command}`")));
    }
    let codes: Vec<_> = pages
        .iter()
        .flat_map(|page| &page.codes)
        .filter_map(|code| route(&code.text))
        .collect();
    for Route { method, path, .. } in &*ROUTES {
        let is_named = codes
            .iter()
            .any(|(named, at)| named == method && is_at(at.split('?').next().unwrap(), path));
        if !is_named {
            missing.push(format!("no page has `{method} {path}`"));
        }
    }
    missing
}

/// Checks the names of a line that do not exist.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|problem| format!("page.md:1: {problem}"))
        .collect();
    assert_eq!(unknown(&Page::parse("page.md", text)), expected, "{text}");
}

#[test]
fn names_that_exist_are_known() {
    check(
        "`--db`, `--listen ADDR`, `--log-format=json`, `jobdeck serve --mock`, `jobdeck COMMAND --help`, `cargo x --y`",
        &[],
    );
    check(
        "`JOBDECK_DB` and JOBDECK_LISTEN=1, and JOBDECK_HOSTILE_ROUNDS of a test, JOBDECK_…",
        &[],
    );
    check(
        "`GET /metrics`, `PUT /jobdeck/jobs/{job_id}?domain_id=`, `DELETE /jobdeck/jobs/job-1`, `GET /`",
        &[],
    );
    check(
        "`GET /inventory/v1/jobs?domain_id=d&query.page.limit=3`, `GET it`",
        &[],
    );
}

#[test]
fn names_that_do_not_exist_are_found() {
    check("`--databse FILE`", &["no command has the option --databse"]);
    check(
        "`jobdeck export --mock`",
        &["`jobdeck export` has no option `--mock`"],
    );
    check(
        "`JOBDECK_DATABASE`",
        &["no command has the variable JOBDECK_DATABASE"],
    );
    check("`GET /metric`", &["no route GET /metric"]);
    check("`PUT /jobdeck/jobs`", &["no route PUT /jobdeck/jobs"]);
    check(
        "`POST /jobdeck/faults?domain=`",
        &["POST /jobdeck/faults has no parameter domain"],
    );
}

#[test]
fn names_that_no_page_has_are_found() {
    let missing = missing(&[Page::parse(
        "page.md",
        "`jobdeck serve --mock`, `GET /metrics`",
    )]);
    let has = |text: &str| missing.iter().any(|problem| problem == text);
    assert!(
        has("no page has `--older-than` of `jobdeck prune`"),
        "{missing:?}"
    );
    assert!(has("no page has `jobdeck prune`") && !has("no page has `jobdeck serve`"));
    assert!(!has("no page has `--mock` of `jobdeck serve`"));
    assert!(has("no page has `GET /healthz`") && !has("no page has `GET /metrics`"));
}
