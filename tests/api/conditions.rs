//! Operands of conditions: how they are converted to the type of their field, and which are refused.

use serde_json::{Value, json};

use crate::app::{App, job};

fn jobs() -> String {
    job(
        "a",
        "d",
        r#""total_tasks":1,"finished_at":"2022-06-17T09:00:00.000Z","errors":[{"error_code":"E"}]"#,
    ) + &job("b", "d", r#""total_tasks":2,"project_id":"p""#)
        + &job("c", "d", r#""total_tasks":10,"filter":{"x":1}"#)
}

/// The ids of the jobs that a list and a statistic find, or the error.
fn found(app: &App, query: &Value) -> String {
    let mut query = query.clone();
    query["sort"] = json!({"key": "job_id"});
    let list = app.search(&json!({"domain_id": "d", "query": query}));
    if list.status != 200 {
        return list.error();
    }
    let query = json!({
        "filter": query.get("filter"),
        "keyword": query.get("keyword"),
        "distinct": "job_id"
    });
    let stat = app.stat(&json!({"domain_id": "d", "query": query})).json();
    let ids = |answer: &Value, id: fn(&Value) -> &Value| {
        let rows = answer["results"].as_array().unwrap().iter();
        rows.map(|row| id(row).as_str().unwrap())
            .collect::<String>()
    };
    let listed = ids(&list.json(), |row| &row["job_id"]);
    assert_eq!(listed, ids(&stat, |row| row), "{query}");
    listed
}

#[test]
fn operands_are_converted_to_the_type_of_the_field() {
    let app = App::with_jobs(jobs());
    for (key, operator, value, expected) in [
        ("total_tasks", "eq", json!(2.9), "b"),
        ("total_tasks", "lt", json!(2.9), "a"),
        ("total_tasks", "gte", json!(2.9), "bc"),
        ("total_tasks", "gt", json!(-0.9), "abc"),
        ("total_tasks", "eq", json!(true), "a"),
        ("total_tasks", "eq", json!(" +02 "), "b"),
        ("total_tasks", "not", json!("1_0"), "ab"),
        ("total_tasks", "in", json!([1.9, "2", null]), "ab"),
        ("total_tasks", "lte", json!(null), ""),
        ("finished_at", "lte", json!(null), "bc"),
        ("finished_at", "lt", json!(null), ""),
        ("finished_at", "lt", json!("2022-W24-5T10"), "a"),
        ("finished_at", "gte", json!("2022-168"), "a"),
        ("finished_at", "datetime_gt", json!("2022"), "a"),
        ("created_at", "eq", json!("20220617 08"), "abc"),
        ("created_at", "datetime_lt", json!("2022-06-16T24:00"), ""),
        ("project_id", "gte", json!(null), "ac"),
        ("status.x", "lte", json!(null), "abc"),
        ("status", "lt", json!({}), ""),
        ("filter.x", "datetime_lt", json!("2022"), ""),
    ] {
        let condition = json!({"k": key, "o": operator, "v": value});
        let query = json!({"filter": [condition]});
        assert_eq!(found(&app, &query), expected, "{query}");
    }
    for (keyword, expected) in [("\t\u{a0}a  c\n", "ac"), ("a\tc", ""), ("\u{1f}", "abc")] {
        assert_eq!(found(&app, &json!({"keyword": keyword})), expected);
    }
}

#[test]
fn a_member_that_a_job_does_not_have_is_missing() {
    let app = App::with_jobs(
        job(
            "a",
            "d",
            r#""workspace_id":"w-1","resource_group":"WORKSPACE","success_tasks":0,"failure_tasks":3"#,
        ) + &job(
            "b",
            "d",
            r#""workspace_id":"W-2","success_tasks":5,"secret_id":"s""#,
        ) + &job("c", "d", ""),
    );
    for (key, operator, value, expected) in [
        ("workspace_id", "eq", json!("w-1"), "a"),
        ("workspace_id", "not", json!("w-1"), "bc"),
        ("workspace_id", "eq", json!(null), "c"),
        ("workspace_id", "in", json!(["W-2", null]), "bc"),
        ("workspace_id", "not_in", json!(["W-2"]), "ac"),
        ("workspace_id", "contain", json!("w-"), "ab"),
        ("workspace_id", "not_contain", json!("2"), "ac"),
        ("workspace_id", "regex", json!("^W-[2-9]"), "b"),
        ("workspace_id", "gt", json!("W-2"), "a"),
        ("workspace_id", "exists", json!(true), "ab"),
        ("workspace_id", "exists", json!(false), "c"),
        ("workspace_id.x", "exists", json!(true), ""),
        ("resource_group", "exists", json!(false), "bc"),
        ("secret_id", "eq", json!("s"), "b"),
        ("request_secret_id", "lte", json!(null), "abc"),
        ("request_workspace_id", "exists", json!(true), ""),
        ("success_tasks", "eq", json!(0), "a"),
        ("success_tasks", "not", json!("5"), "ac"),
        ("success_tasks", "lt", json!(9.5), "ab"),
        ("success_tasks", "exists", json!(true), "ab"),
        ("failure_tasks", "gte", json!(3), "a"),
        ("failure_tasks", "gte", json!(null), "bc"),
        ("failure_tasks", "in", json!([null, true]), "bc"),
    ] {
        let condition = json!({"k": key, "o": operator, "v": value});
        let query = json!({"filter": [condition]});
        assert_eq!(found(&app, &query), expected, "{query}");
    }
}

#[test]
fn operands_that_cannot_be_converted_are_refused() {
    let app = App::with_jobs(jobs());
    for (key, operator, value) in [
        ("total_tasks", "eq", json!("2.0")),
        ("total_tasks", "in", json!([{}])),
        ("total_tasks", "eq", json!(1e300)),
        ("total_tasks", "contain", json!("1")),
        ("total_tasks", "timediff_lt", json!("now")),
        ("success_tasks", "eq", json!("2.0")),
        ("failure_tasks", "contain", json!("1")),
        ("workspace_id", "regex", json!("(")),
        ("finished_at", "eq", json!(5)),
        ("finished_at", "not", json!("June 17 2022")),
        ("finished_at", "not_contain", json!("2022")),
        ("finished_at", "datetime_lt", json!(null)),
        ("errors", "eq", json!(null)),
        ("errors", "not_in", json!([])),
        ("errors.0", "gt", json!(5)),
        ("errors", "match", json!({"code": "E"})),
        ("filter.x", "contain", json!(1)),
        ("filter.x", "not_contain_in", json!([])),
        ("filter.x", "regex_in", json!([])),
        ("filter.x", "timediff_lt", json!("now | 1d")),
    ] {
        let condition = json!({"k": key, "o": operator, "v": value});
        let error = found(&app, &json!({"filter": [condition]}));
        assert!(
            error.starts_with("400 ERROR_DB_QUERY: query.filter[0]."),
            "{condition}: {error}"
        );
    }
}

#[test]
fn minimal_answers_its_members_whatever_only_has() {
    let app = App::with_jobs(job("a", "d", r#""filter":{"x":1}"#));
    let query = json!({"minimal": true, "only": ["filter.x", "job_id"]});
    let answer = app.search(&json!({"domain_id": "d", "query": query}));
    let expected = json!({
        "job_id": "a",
        "status": "CREATED",
        "created_at": "2022-06-17T08:00:00.000Z"
    });
    assert_eq!(answer.json()["results"], json!([expected]));
    let query = json!({"minimal": true, "only": ["filtre.x"]});
    let answer = app.search(&json!({"domain_id": "d", "query": query}));
    assert!(answer.error().contains("query.only[0]"), "{}", answer.text);
}

#[test]
fn a_repeated_sort_key_has_its_last_direction() {
    let app = App::with_jobs(jobs());
    let keys =
        json!([{"key": "total_tasks"}, {"key": "job_id"}, {"key": "total_tasks", "desc": true}]);
    let list = app.search(&json!({"domain_id": "d", "query": {"only": ["job_id"], "sort": keys}}));
    let expected = json!([{"job_id": "c"}, {"job_id": "b"}, {"job_id": "a"}]);
    assert_eq!(list.json()["results"], expected);
    let aggregate = json!([
        {"project": {"fields": [{"name": "job_id", "key": "job_id"}, {"name": "total_tasks", "key": "total_tasks"}]}},
        {"sort": {"keys": keys}},
        {"project": {"fields": [{"name": "job_id", "key": "job_id"}]}}
    ]);
    let stat = app.stat(&json!({"domain_id": "d", "query": {"aggregate": aggregate}}));
    assert_eq!(stat.json()["results"], expected);
}

#[test]
fn two_spellings_of_a_sort_key_are_one_key() {
    let app = App::with_jobs(
        job("a", "d", r#""filter":{"x":1}"#) + &job("b", "d", r#""filter":{"x":2}"#),
    );
    let keys = json!([{"key": "filter.x"}, {"key": "job_id"}, {"key": "filters.x", "desc": true}]);
    let list = app.search(&json!({"domain_id": "d", "query": {"only": ["job_id"], "sort": keys}}));
    let expected = json!([{"job_id": "b"}, {"job_id": "a"}]);
    assert_eq!(list.json()["results"], expected);
    let aggregate = json!([
        {"sort": {"keys": keys}},
        {"project": {"fields": [{"name": "job_id", "key": "job_id"}]}}
    ]);
    let stat = app.stat(&json!({"domain_id": "d", "query": {"aggregate": aggregate}}));
    assert_eq!(stat.json()["results"], expected);
}

#[test]
fn a_date_format_is_a_string() {
    let app = App::with_jobs(jobs());
    let key = json!({"key": "created_at", "name": "day", "date_format": 5});
    let aggregate = json!([{"group": {"keys": [key]}}]);
    let answer = app.stat(&json!({"domain_id": "d", "query": {"aggregate": aggregate}}));
    let error = answer.error();
    assert!(
        error.starts_with(
            "400 ERROR_INVALID_PARAMETER_TYPE: query.aggregate[0].group.keys[0].date_format"
        ),
        "{error}"
    );
}
