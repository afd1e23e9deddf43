//! `jobdeck list`, and the filters of `jobdeck export`.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::{Server, check_line, fails, folder, jobdeck, ok, run, text};

/// A folder with a database of jobs of the domains `d` and `e`.
pub(crate) fn with_jobs() -> TempDir {
    let folder = folder();
    let job = |id: &str, domain: &str, hour: u32, members: &str| {
        format!(
            "{{\"job_id\":\"{id}\",\"domain_id\":\"{domain}\",\"created_at\":\"2026-01-01T{hour:02}:00:00Z\"{members}}}\n"
        )
    };
    let error = r#","status":"ERROR","project_id":"p","finished_at":"2026-01-01T02:03:12Z","collector_info":{"collector_id":"c-1","name":"nova","provider":"aws"},"errors":[{"error_code":"E1","message":"rate exceeded\nin 서울"},{"error_code":"E1"}]"#;
    let timeout = r#","status":"TIMEOUT","errors":[{"error_code":"E2","message":"too slow"}]"#;
    let success = r#","status":"SUCCESS","finished_at":"2026-01-01T01:00:02Z","collector_info":{"collector_id":"c-1","name":"nova"}"#;
    let jobs = [
        job("job-1", "d", 1, success),
        job("job-2", "d", 2, error),
        job("job-3", "d", 3, timeout),
        job(
            "job-4",
            "d",
            4,
            r#","status":"IN_PROGRESS","total_tasks":7"#,
        ),
        job("job-5", "e", 5, ""),
    ];
    std::fs::write(folder.path().join("jobs.ndjson"), jobs.concat()).unwrap();
    ok(folder.path(), &["import", "jobs.ndjson"]);
    folder
}

/// The ids that `list` prints.
#[track_caller]
fn listed(here: &Path, arguments: &[&str]) -> Vec<String> {
    let given = [&["list", "--domain", "d", "--format", "ndjson"], arguments].concat();
    ids(&ok(here, &given))
}

fn ids(lines: &str) -> Vec<String> {
    let jobs = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    jobs.map(|job| job["job_id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn filters_are_those_of_the_api_and_of_the_page() {
    let folder = with_jobs();
    let here = folder.path();
    for (arguments, expected) in [
        (&[][..], &["job-4", "job-3", "job-2", "job-1"][..]),
        (&["--failed"], &["job-3", "job-2"]),
        (&["--status", "success,ERROR"], &["job-2", "job-1"]),
        (
            &["--status", "SUCCESS", "--status", "TIMEOUT"],
            &["job-3", "job-1"],
        ),
        (&["--collector", "nova"], &["job-2", "job-1"]),
        (&["--collector-id", "c-1", "--provider", "aws"], &["job-2"]),
        (&["--project", "p"], &["job-2"]),
        (&["--job", "job-1,job-4,job-5"], &["job-4", "job-1"]),
        (&["--error-code", "E2"], &["job-3"]),
        (&["--since", "2026-01-01T03"], &["job-4", "job-3"]),
        (&["--until", "2026-01-01T02:00Z"], &["job-1"]),
        (&["--since", "7d", "--until", "1s"], &[]),
        (&["-status:SUCCESS", "collector:nova"], &["job-2"]),
        (&["collector:nova", "--limit", "1"], &["job-2"]),
        (
            &["--limit", "1", "-status:SUCCESS", "--sort", "created"],
            &["job-2"],
        ),
        (&["-(status:SUCCESS OR status:ERROR)"], &["job-4", "job-3"]),
        (&["message~rate exceeded"], &["job-2"]),
        (&["RATE", "exceeded"], &["job-2"]),
        (&["tasks>=7"], &["job-4"]),
        (&["created_at>2026-01-01T03"], &["job-4"]),
        (
            &["status:ERROR", "OR", "status:TIMEOUT"],
            &["job-3", "job-2"],
        ),
        (
            &["--sort", "status,-created"],
            &["job-2", "job-4", "job-1", "job-3"],
        ),
        (
            &["--limit", "all", "--", "-status:SUCCESS", "nova"],
            &["job-2"],
        ),
    ] {
        let expected: Vec<_> = expected.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!(listed(here, arguments), expected, "{arguments:?}");
    }
}

#[test]
fn wrong_usage_says_what_would_be_right() {
    let folder = with_jobs();
    for (arguments, expected) in [
        (
            &["stauts:ERROR"][..],
            "error: there is no key `stauts`; did you mean `status`?",
        ),
        (
            &["duration>10m"],
            "error: jobs can't be filtered by duration",
        ),
        (
            &["status:ERROR", "OR", "project:a"],
            "error: `status:ERROR OR project:a` can't be searched for",
        ),
        (
            &["--status", "DONE"],
            "error: invalid value 'DONE' for '--status <STATUS>': expected one of CREATED",
        ),
        (
            &["--since", "soon"],
            "error: invalid value 'soon' for '--since <TIME>': expected an age such as 90m",
        ),
        (
            &["--limit", "0"],
            "error: invalid value '0' for '--limit <N|all>': expected a number",
        ),
        (
            &["--sort", "duration"],
            "error: invalid value 'duration' for '--sort <KEY>': the API sorts by members",
        ),
        (
            &["--failed", "--status", "ERROR"],
            "error: the argument '--failed' cannot be used with '--status <STATUS>'",
        ),
        (
            &["--url", "jobs"],
            "error: invalid value 'jobs' for '--url <URL>': expected an address",
        ),
        (
            &["--url", "http://h", "--db", "x"],
            "error: the argument '--url <URL>' cannot be used with '--db <FILE>'",
        ),
        (
            &["--domian", "d"],
            "error: unexpected argument '--domian' found",
        ),
    ] {
        for command in ["list", "stat"] {
            if command == "stat" && arguments[0] == "--sort" {
                continue;
            }
            let said = fails(folder.path(), &[&[command], arguments].concat(), 2);
            assert!(said.starts_with(expected), "{said}");
        }
    }
}

#[test]
fn the_domain_may_be_left_out_where_there_is_one() {
    let folder = with_jobs();
    let here = folder.path();
    let said = fails(here, &["list"], 1);
    check_line(
        &said,
        "jobdeck: jobdeck.db: has jobs of 2 domains; name one with `--domain`: d, e",
    );
    ok(here, &["prune", "--domain", "e", "--older-than", "1h"]);
    assert_eq!(ids(&ok(here, &["list", "--format", "ndjson"])).len(), 4);
    ok(here, &["prune", "--older-than", "1h"]);
    let said = fails(here, &["list"], 1);
    check_line(
        &said,
        "jobdeck: jobdeck.db: has no jobs of any domain; name one with `--domain`",
    );
    assert_eq!(ok(here, &["list", "--domain", "d"]), "");
    check_line(
        &fails(here, &["list", "--db", "none.db"], 1),
        "jobdeck: none.db: there is no such file",
    );
}

#[test]
fn a_table_has_what_a_person_needs() {
    let folder = with_jobs();
    let table = ok(folder.path(), &["list", "--domain", "d"]);
    let lines: Vec<_> = table.lines().collect();
    assert!(
        lines[0].starts_with("STATUS       COLLECTOR  ERROR "),
        "{table}"
    );
    assert!(lines[0].ends_with("DURATION  JOB"), "{table}");
    assert!(
        lines[3].starts_with("ERROR        nova       E1: rate exceeded (and 1 more) "),
        "{table}"
    );
    assert!(lines[3].ends_with("     3m12s  job-2"), "{table}");
    assert!(
        !table.contains('\u{1b}'),
        "no colours where standard output is no terminal"
    );
    assert_eq!(lines.len(), 5);
}

#[test]
fn every_format_is_that_of_the_api() {
    let folder = with_jobs();
    let here = folder.path();
    let with = |format: &str| {
        ok(
            here,
            &["list", "--domain", "d", "--format", format, "--limit", "2"],
        )
    };
    let answer: Value = serde_json::from_str(&with("json")).unwrap();
    assert_eq!(answer["total_count"], 4);
    assert_eq!(answer["results"][1]["errors"][0]["message"], "too slow");
    let lines = with("ndjson");
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first, answer["results"][0]);
    let csv = with("csv");
    assert!(csv.starts_with("\u{feff}job_id,domain_id,status,"), "{csv}");
    assert_eq!(csv.lines().count(), 3);
}

#[test]
fn the_exit_code_tells_whether_there_are_any() {
    let folder = with_jobs();
    let here = folder.path();
    for format in ["table", "json", "ndjson", "csv"] {
        let with = |filter: &str| {
            let arguments = [
                "list",
                "--domain",
                "d",
                "--fail-if-any",
                "--format",
                format,
                filter,
            ];
            let output = run(here, &arguments);
            assert_eq!(text(&output.stderr), "");
            output.status.code()
        };
        assert_eq!(
            (with("--failed"), with("nowhere")),
            (Some(1), Some(0)),
            "{format}"
        );
    }
}

#[test]
fn a_request_is_shown_and_not_sent() {
    let folder = folder();
    let arguments = [
        "list",
        "--domain",
        "d",
        "--url",
        "https://jobs.example/a/",
        "--token-file",
        "t",
        "--failed",
        "--limit",
        "3",
    ];
    let shown = ok(
        folder.path(),
        &[&arguments[..], &["--format", "json", "--show-request"]].concat(),
    );
    let expected = r#"curl -sg 'https://jobs.example/a/inventory/v1/jobs/search' -H "authorization: Bearer $(cat 't')" -H 'content-type: application/json' --data-raw '{"domain_id":"d","query":{"filter":[{"k":"status","v":["ERROR","TIMEOUT"],"o":"in"}],"sort":{"keys":[{"key":"created_at","desc":true}]},"page":{"limit":3}}}'"#;
    assert_eq!(shown, format!("{expected}\n"));
}

#[test]
fn a_shown_request_gives_the_same_answer() {
    let folder = with_jobs();
    let here = folder.path();
    let server = Server::start(here, &["serve", "--listen", "127.0.0.1:0"]);
    let arguments = [
        "--domain",
        "d",
        "--url",
        &server.url,
        "collector:nova",
        "-status:SUCCESS",
        "quota OR rate",
    ];
    for command in [
        &["list", "--format", "json"][..],
        &[
            "stat",
            "--format",
            "json",
            "--duration",
            "--by",
            "error-code",
        ],
    ] {
        let arguments = [command, &arguments].concat();
        let shown = ok(here, &[&arguments[..], &["--show-request"]].concat());
        let output = std::process::Command::new("sh")
            .args(["-c", &shown])
            .output()
            .unwrap();
        let printed = ok(here, &arguments);
        assert_eq!(printed.trim_end(), text(&output.stdout), "{shown}");
        assert!(printed.contains("E1") && printed.len() > 30, "{printed}");
    }
}

#[test]
fn a_server_answers_as_its_file_does() {
    let folder = with_jobs();
    let here = folder.path();
    let server = Server::start(here, &["serve", "--listen", "127.0.0.1:0"]);
    for arguments in [
        &["list", "--format", "json", "--sort", "id"][..],
        &["list", "--format", "ndjson", "--failed"],
        &["stat", "--by", "collector,status", "--format", "csv"],
        &["stat", "--by", "day", "--duration"],
        &["show", "job-2", "--format", "json"],
    ] {
        let with = |target: [&str; 2]| ok(here, &[arguments, &["--domain", "d"], &target].concat());
        assert_eq!(
            with(["--url", &server.url]),
            with(["--db", "jobdeck.db"]),
            "{arguments:?}"
        );
    }
    // An argument takes the place of the variable of the other.
    let mut command = jobdeck(here);
    command
        .env("JOBDECK_URL", "http://127.0.0.1:1")
        .env("JOBDECK_DOMAIN", "d");
    let output = command
        .args(["list", "--db", "jobdeck.db"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_server_that_does_not_answer_or_refuses_is_named() {
    let folder = with_jobs();
    let here = folder.path();
    std::fs::write(here.join("empty"), "\n").unwrap();
    std::fs::write(here.join("wrong"), "jobdeck_00\n").unwrap();
    let output = run(here, &["token", "new", "--domain", "e", "--name", "of-e"]);
    std::fs::write(here.join("tokens.toml"), &output.stdout).unwrap();
    std::fs::write(here.join("token"), &output.stderr).unwrap();
    let server = Server::start(
        here,
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--tokens",
            "tokens.toml",
        ],
    );
    let url = server.url.as_str();
    for (arguments, expected) in [
        (
            &["--url", "http://127.0.0.1:1"][..],
            "jobdeck: http://127.0.0.1:1: no server listens there".to_owned(),
        ),
        (
            &["--url", url],
            format!("jobdeck: {url}: answered 401: this server needs a token"),
        ),
        (
            &["--url", url, "--token-file", "wrong"],
            format!("jobdeck: {url}: answered 401: the token is unknown"),
        ),
        (
            &["--url", url, "--token-file", "token"],
            format!("jobdeck: {url}: answered 403: token `of-e` is of domain `e` alone"),
        ),
        (
            &["--url", url, "--token-file", "empty"],
            "jobdeck: empty: has no token".to_owned(),
        ),
        (
            &["--url", url, "--token-file", "none"],
            "jobdeck: none: No such file".to_owned(),
        ),
    ] {
        check_line(
            &fails(here, &[&["list", "--domain", "d"], arguments].concat(), 1),
            &expected,
        );
    }
    // The token has one domain.
    let listed = ok(
        here,
        &[
            "list",
            "--url",
            url,
            "--token-file",
            "token",
            "--format",
            "ndjson",
        ],
    );
    assert_eq!(ids(&listed), ["job-5"]);
}

#[test]
fn an_export_has_the_jobs_that_filters_name() {
    let folder = with_jobs();
    let here = folder.path();
    for (arguments, expected) in [
        (&[][..], &["job-1", "job-2", "job-3", "job-4", "job-5"][..]),
        (&["--domain", "e"], &["job-5"]),
        (&["--domain", "d", "--status", "ERROR"], &["job-2"]),
        (
            &["--domain", "d", "-status:SUCCESS", "collector:nova"],
            &["job-2"],
        ),
        (
            &["--domain", "d", "--failed", "--since", "2026-01-01T03"],
            &["job-3"],
        ),
        (&["--domain", "none"], &[]),
    ] {
        assert_eq!(
            ids(&ok(here, &[&["export"], arguments].concat())),
            expected,
            "{arguments:?}"
        );
    }
    let csv = ok(
        here,
        &[
            "export",
            "--format",
            "csv",
            "--domain",
            "d",
            "rate exceeded",
        ],
    );
    assert_eq!(csv.lines().next().unwrap().split(',').count(), 25);
    assert!(csv.contains("job-2") && !csv.contains("job-1"), "{csv}");
    let said = fails(here, &["export", "--failed"], 1);
    check_line(
        &said,
        "jobdeck: jobdeck.db: has jobs of 2 domains; name one with `--domain`: d, e",
    );
    let said = fails(here, &["export", "stauts:ERROR"], 2);
    assert!(
        said.starts_with("error: there is no key `stauts`"),
        "{said}"
    );
    // What was exported is imported again as it was.
    ok(here, &["export", "--domain", "d", "--output", "d.ndjson"]);
    ok(here, &["import", "--db", "d.db", "d.ndjson"]);
    let all = |db: &str| {
        ok(
            here,
            &["list", "--db", db, "--domain", "d", "--format", "ndjson"],
        )
    };
    assert_eq!(all("d.db"), all("jobdeck.db"));
}
