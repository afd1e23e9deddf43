//! The options, variables, routes, metrics and files that pages name exist, and those that users need are named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ROOT;
use crate::command_line::COMMAND_LINE;
use crate::described::{DESCRIBED, METHODS, Route};
use crate::page::Page;

/// The paths of the page and its documentation, which the API's own description leaves out.
const OUTSIDE_THE_API: [&str; 4] = ["/", "/docs", "/docs/api", "/openapi.json"];

/// The route that a text names, such as `GET /metrics` or `DELETE /jobdeck/faults?domain_id=`, as its method and path.
fn route(text: &str) -> Option<(&str, &str)> {
    let (method, path) = text.split_once(' ')?;
    (METHODS.contains(&method) && path.starts_with('/')).then_some((method, path))
}

/// The metrics that files name and that do not exist.
pub(crate) fn unknown_metrics_of_files(files: &[PathBuf]) -> Vec<String> {
    let mut faults = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(path).unwrap();
        let problems = unknown_metrics(&text);
        faults.extend(
            problems
                .iter()
                .map(|problem| format!("{}: {problem}", path.display())),
        );
    }
    faults
}

/// The words of a text that begin as the names of metrics do, and name none.
fn unknown_metrics(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let names = words.filter(|word| {
        word.strip_prefix("jobdeck_")
            .is_some_and(|rest| !rest.is_empty())
    });
    let is_known = |name: &&str| {
        let parts = ["_bucket", "_sum", "_count"];
        let histogram = parts
            .iter()
            .find_map(|part| name.strip_suffix(part))
            .unwrap_or(name);
        DESCRIBED.metrics.contains(*name) || DESCRIBED.metrics.contains(histogram)
    };
    let unknown = names.filter(|name| !is_known(name) && !has_word(name, &["tests/recipes"]));
    unknown.map(|name| format!("no metric {name}")).collect()
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
        } else if code.text.starts_with("ERROR_") {
            unknown_code(&code.text)
        } else if is_in_repository(&code.text) {
            let is_there = Path::new(ROOT).join(&code.text).exists();
            (!is_there).then(|| format!("no file {}", code.text))
        } else {
            route(&code.text).and_then(|(method, path)| unknown_route(method, path))
        };
        faults.extend(problem.map(|problem| page.fault(code.line, problem)));
    }
    for (index, line) in page.text.lines().enumerate() {
        faults.extend(
            unknown_targets(line)
                .iter()
                .map(|problem| page.fault(index + 1, problem)),
        );
        faults.extend(
            unknown_metrics(line)
                .iter()
                .map(|problem| page.fault(index + 1, problem)),
        );
        for name in variables(line) {
            if !COMMAND_LINE.variables.contains(name) && !has_word(name, &["tests"]) {
                faults.push(page.fault(index + 1, format!("no command has the variable {name}")));
            }
        }
    }
    faults
}

/// Whether a text is the path of a file or a folder of the repository.
fn is_in_repository(text: &str) -> bool {
    let folders = ["src/", "tests/", "static/", "benches/", ".ci/"];
    folders.iter().any(|folder| text.starts_with(folder)) && !text.contains([' ', '<', '*', '{'])
}

/// The tests and benchmarks that a line names and that cargo does not have.
fn unknown_targets(line: &str) -> Vec<String> {
    let words: Vec<_> = line
        .split(|letter: char| letter.is_whitespace() || letter == '`')
        .collect();
    let mut unknown = Vec::new();
    for pair in words.windows(2) {
        let folder = match pair[0] {
            "--test" => "tests",
            "--bench" => "benches",
            _ => continue,
        };
        let folder = Path::new(ROOT).join(folder);
        let name = pair[1];
        let is_there = folder.join(format!("{name}.rs")).exists()
            || folder.join(name).join("main.rs").exists();
        if !is_there {
            unknown.push(format!("cargo has no {} {name}", pair[0]));
        }
    }
    unknown
}

fn unknown_option(text: &str) -> Option<String> {
    let words = text
        .split_whitespace()
        .filter(|word| word.starts_with("--"));
    let mut names = words.map(|word| word.split('=').next().unwrap());
    let name = names.find(|name| !COMMAND_LINE.has_option(name))?;
    Some(format!("no command has the option {name}"))
}

/// Codes of errors are those of the API, or of jobs: of the demo or of a recipe.
fn unknown_code(text: &str) -> Option<String> {
    let is_known = DESCRIBED.names("FaultCode").any(|name| name == text)
        || has_word(
            text,
            &["src/demo", "src/server", "tests/cli", "tests/recipes"],
        );
    (!is_known).then(|| format!("no error has the code {text}"))
}

fn unknown_route(method: &str, path: &str) -> Option<String> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if method == "GET" && OUTSIDE_THE_API.contains(&path) {
        return None;
    }
    let mut routes = DESCRIBED.routes.iter();
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

/// Whether a file in some folders has a word.
fn has_word(word: &str, folders: &[&str]) -> bool {
    let found = Command::new("grep")
        .args([
            "-rqwF",
            "--exclude-dir=node_modules",
            "--exclude-dir=docs",
            word,
        ])
        .args(folders)
        .current_dir(ROOT)
        .status();
    found.unwrap().success()
}

/// The names of the API that a page lists, by the schemas that have them.
const VOCABULARY: [(&str, &[&str]); 3] = [
    ("static/docs/start.md", &["JobInfo", "JobStatus"]),
    (
        "static/docs/query.md",
        &[
            "JobsQuery",
            "Query",
            "StatisticsQuery",
            "JobStatus",
            "Operator",
            "Accumulator",
            "ProjectOperator",
            "RequirementOperator",
        ],
    ),
    (
        "static/docs/mock.md",
        &["Fault", "RouteName", "Step", "JournalEntry"],
    ),
];

/// The names of the API that pages should list and do not.
pub(crate) fn missing_vocabulary(pages: &[Page]) -> Vec<String> {
    let mut missing = Vec::new();
    for (path, schemas) in VOCABULARY {
        let page = pages.iter().find(|page| page.path == path);
        missing.extend(
            page.into_iter()
                .flat_map(|page| missing_names(page, schemas)),
        );
    }
    missing
}

fn missing_names(page: &Page, schemas: &[&str]) -> Vec<String> {
    let codes = page.codes.iter().map(|code| code.text.as_str());
    let words: BTreeSet<_> = codes
        .flat_map(|code| code.split(|letter: char| !letter.is_alphanumeric() && letter != '_'))
        .collect();
    let mut missing = Vec::new();
    for schema in schemas {
        let names = DESCRIBED.names(schema).filter(|name| !words.contains(name));
        missing.extend(names.map(|name| format!("{} has no `{name}` of {schema}", page.path)));
    }
    missing
}

/// The commands, options, routes, their parameters, and metrics that no page names.
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
            .keys()
            .filter(|option| !words.contains(option.as_str()));
        missing
            .extend(options.map(|option| format!("no page has `{option}` of `jobdeck {command}`")));
    }
    let codes: Vec<_> = pages
        .iter()
        .flat_map(|page| &page.codes)
        .filter_map(|code| route(&code.text))
        .collect();
    let metrics = DESCRIBED
        .metrics
        .iter()
        .filter(|name| !words.contains(name.as_str()));
    missing.extend(metrics.map(|name| format!("no page has the metric {name}")));
    for Route {
        method,
        path,
        parameters,
    } in &DESCRIBED.routes
    {
        // A member of the query is a parameter with a dotted name.
        let is_named = |name: &str| name.split('.').all(|part| words.contains(part));
        let parameters = parameters.iter().filter(|name| !is_named(name));
        missing.extend(
            parameters.map(|name| format!("no page has the parameter {name} of {method} {path}")),
        );
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
    check(
        "`ERROR_NOT_FUOND`",
        &["no error has the code ERROR_NOT_FUOND"],
    );
    check(
        "`rate(jobdeck_reader_waits[5m])`",
        &["no metric jobdeck_reader_waits"],
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
    assert!(has("no page has the metric jobdeck_jobs"));
    assert!(has(
        "no page has the parameter wait_for of GET /jobdeck/journal"
    ));
    assert!(has("no page has `GET /healthz`") && !has("no page has `GET /metrics`"));
}

#[test]
fn vocabulary_that_a_page_leaves_out_is_found() {
    let page = Page::parse(
        "page.md",
        "`CREATED`, `status=ERROR`, `SUCCESS`, `TIMEOUT`, CANCELED",
    );
    let expected = [
        "page.md has no `CANCELED` of JobStatus",
        "page.md has no `IN_PROGRESS` of JobStatus",
    ];
    assert_eq!(missing_names(&page, &["JobStatus"]), expected);
    let names: Vec<_> = DESCRIBED.names("Step").collect();
    assert_eq!(names, ["after", "status", "remained_tasks", "errors"]);
}
