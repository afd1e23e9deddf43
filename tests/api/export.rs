//! `GET /jobdeck/export`: the filtered set as a file.

use serde_json::Value;

use crate::app::{App, job};

fn app() -> App {
    App::with_jobs(
        job(
            "a",
            "d",
            r#""status":"ERROR","errors":[{"error_code":"E1","message":"=cmd()"},{"error_code":"E2"}],"collector_info":{"collector_id":"c","name":"+name"}"#,
        ) + &job(
            "b",
            "d",
            r#""total_tasks":3,"remained_tasks":-1,"finished_at":"2022-06-17T08:00:01.500Z""#,
        ) + &job("c", "other", ""),
    )
}

#[test]
fn every_format_holds_the_jobs_of_the_list() {
    let app = app();
    let expected = app
        .get("/inventory/v1/jobs?domain_id=d&query.sort.key=job_id")
        .json()["results"]
        .clone();
    let get = |format: &str| {
        app.get(&format!(
            "/jobdeck/export?format={format}&domain_id=d&query.sort.key=job_id"
        ))
    };
    let json = get("json");
    assert_eq!(json.header("content-type"), Some("application/json"));
    assert_eq!(
        json.header("content-disposition"),
        Some("attachment; filename=\"jobdeck-d-2022-06-20.json\"")
    );
    assert_eq!(json.json(), expected);
    let ndjson = get("ndjson");
    assert_eq!(ndjson.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<Value> = ndjson
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(Value::from(lines), expected);
    let csv = get("csv");
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(csv.header("cache-control"), Some("no-store"));
    // Without a mark, a spreadsheet takes UTF-8 for the encoding of its country.
    let text = csv.text.strip_prefix('\u{feff}').unwrap();
    let lines: Vec<_> = text.split_terminator("\r\n").collect();
    assert_eq!(
        lines,
        [
            "job_id,domain_id,status,collector_id,collector,provider,plugin_id,plugin_version,project_id,total_tasks,remained_tasks,\
             errors,error_codes,error_messages,created_at,updated_at,finished_at,duration_seconds,\
             success_tasks,failure_tasks,workspace_id,resource_group,secret_id,request_secret_id,request_workspace_id",
            "a,d,ERROR,c,'+name,,,,,0,0,2,E1 | E2,'=cmd() | ,2022-06-17T08:00:00.000Z,2022-06-17T08:00:00.000Z,,,,,,,,,",
            "b,d,CREATED,,,,,,,3,-1,0,,,2022-06-17T08:00:00.000Z,2022-06-17T08:00:00.000Z,2022-06-17T08:00:01.500Z,1.500,,,,,,,",
        ]
    );
}

#[test]
fn the_name_of_a_file_says_its_domain_and_day() {
    let app = app();
    for (domain_id, expected) in [
        ("domain-1", "filename=\"jobdeck-domain-1-2022-06-20.csv\""),
        (
            "a%2Fb%3A%22..%22",
            "filename=\"jobdeck-a_b__.._-2022-06-20.csv\"",
        ),
        (
            "%ED%8C%80%201",
            "filename=\"jobdeck-__1-2022-06-20.csv\"; filename*=UTF-8''jobdeck%2D%ED%8C%80%201%2D2022%2D06%2D20.csv",
        ),
    ] {
        let answer = app.get(&format!("/jobdeck/export?format=csv&domain_id={domain_id}"));
        let expected = format!("attachment; {expected}");
        assert_eq!(answer.header("content-disposition"), Some(&*expected));
    }
    // The file begins as CSV that an import reads.
    let csv = app.get("/jobdeck/export?format=csv&domain_id=d").text;
    assert!(csv.starts_with("\u{feff}job_id,domain_id,"));
}

#[test]
fn no_match_is_an_empty_file() {
    let app = app();
    let get = |format: &str| {
        app.get(&format!("/jobdeck/export?format={format}&domain_id=none"))
            .text
    };
    assert_eq!(get("json"), "[\n]\n");
    assert_eq!(get("ndjson"), "");
    assert_eq!(get("csv").lines().count(), 1);
}

#[test]
fn an_export_is_streamed() {
    let jobs: String = (0..4_000)
        .map(|number| job(&format!("job-{number}"), "d", ""))
        .collect();
    let app = App::with_jobs(jobs);
    for format in ["json", "ndjson", "csv"] {
        let answer = app.get(&format!("/jobdeck/export?format={format}&domain_id=d"));
        assert_eq!(answer.header("content-length"), None, "{format}");
        assert_eq!(answer.text.matches("job-").count(), 4_000, "{format}");
    }
}

#[test]
fn only_limits_the_members_of_an_export() {
    let app = app();
    let path = "/jobdeck/export?domain_id=d&query.only=job_id&query.only=errors.error_code&query.sort.key=job_id&format=";
    assert_eq!(
        app.get(&format!("{path}csv")).text.lines().nth(1).unwrap(),
        "a,,,,,,,,,,,2,E1 | E2, | ,,,,,,,,,,,"
    );
    assert_eq!(
        app.get(&format!("{path}ndjson"))
            .text
            .lines()
            .next()
            .unwrap(),
        r#"{"job_id":"a","errors":[{"error_code":"E1"},{"error_code":"E2"}]}"#
    );
}

#[test]
fn errors_name_their_parameter() {
    let app = app();
    for (path, expected) in [
        (
            "/jobdeck/export?domain_id=d",
            "400 ERROR_REQUIRED_PARAMETER: Required parameter. (key = format)",
        ),
        (
            "/jobdeck/export?domain_id=d&format=xlsx",
            "400 ERROR_INVALID_PARAMETER: format: unknown format `xlsx`; known are csv, ndjson, json",
        ),
        (
            "/jobdeck/export?format=csv",
            "400 ERROR_REQUIRED_PARAMETER: Required parameter. (key = domain_id)",
        ),
        (
            "/jobdeck/export?format=csv&domain_id=d&query.count_only=true",
            "400 ERROR_INVALID_PARAMETER: query.count_only: an export is of jobs, not of their number",
        ),
    ] {
        assert_eq!(app.get(path).error(), expected);
    }
    assert_eq!(
        app.get("/jobdeck/export?format=csv&domain_id=d&query.sort.key=stauts")
            .status,
        400
    );
}
