//! Errors of a statistics query: each is a 400 that names its place.

use serde_json::{Value, json};

use crate::app::{App, job};

#[track_caller]
fn check(app: &App, aggregate: &Value, expected: &str) {
    let answer = app.stat(&json!({"domain_id": "d", "query": {"aggregate": aggregate}}));
    assert_eq!(answer.status, 400, "{aggregate}: {}", answer.text);
    let error = answer.error();
    assert!(
        error.starts_with(&format!("400 ERROR_DB_QUERY: {expected}")),
        "{aggregate}\n got: {error}\nwant: {expected}"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn errors_name_their_place() {
    let app = App::with_jobs(job("j", "d", "\"total_tasks\":0,\"filter\":{\"a\":1}"));
    let group = |field: Value| json!([{"group": {"fields": [field]}}]);
    let project = |field: Value| json!([{"project": {"fields": [field]}}]);
    let place = "query.aggregate[0]";
    for (aggregate, expected) in [
        (
            json!([{"lookup": {}}]),
            format!("{place}.lookup: unknown stage `lookup`; known are unwind, group"),
        ),
        (
            json!([{"gruop": {}}]),
            format!("{place}.gruop: unknown stage `gruop`; did you mean `group`?"),
        ),
        (
            json!([{"limit": 1, "skip": 1}]),
            format!("{place}: expected exactly one of the stages"),
        ),
        (
            json!([{}]),
            format!("{place}: expected exactly one of the stages"),
        ),
        (
            json!([3]),
            format!("{place}: expected an object with one stage, found a number"),
        ),
        (
            json!([{"limit": 1}, {"limit": 0}]),
            "query.aggregate[1].limit: expected at least 1, found 0".to_owned(),
        ),
        (
            json!([{"skip": -1}]),
            format!("{place}.skip: expected at least 0, found -1"),
        ),
        (
            json!([{"limit": u64::MAX}]),
            format!("{place}.limit: 18446744073709551615 is more than any answer has rows"),
        ),
        (
            json!([{"unwind": {"path": ""}}]),
            format!("{place}.unwind.path: is required"),
        ),
        (
            json!([{"unwind": {"path": "stauts"}}]),
            format!("{place}.unwind.path: unknown field `stauts`; did you mean `status`?"),
        ),
        (
            json!([{"unwind": "errors"}]),
            format!(
                r#"{place}.unwind: expected an object such as `{{"path": "errors"}}`, found a string"#
            ),
        ),
        (
            json!([{"count": "jobs"}]),
            format!(
                r#"{place}.count: expected an object such as `{{"name": "jobs"}}`, found a string"#
            ),
        ),
        (
            json!([{"group": {"keys": ["status"]}}]),
            format!(
                r#"{place}.group.keys[0]: expected an object such as `{{"key": "status", "name": "status"}}`, found a string"#
            ),
        ),
        (
            json!([{"sort": "-n"}]),
            format!(
                r#"{place}.sort: expected an object such as `{{"key": "created_at", "desc": true}}`, found a string"#
            ),
        ),
        (
            json!([{"count": {}}]),
            format!("{place}.count.name: is required"),
        ),
        (
            json!([{"sort": {"desc": true}}]),
            format!("{place}.sort: a key to sort by is required"),
        ),
        (
            json!([{"group": {}}]),
            format!("{place}.group: keys or fields are required"),
        ),
        (
            json!([{"group": {"keys": [{"name": "x"}]}}]),
            format!("{place}.group.keys[0].key: is required"),
        ),
        (
            json!([{"group": {"keys": [{"key": "status"}]}}]),
            format!("{place}.group.keys[0].name: is required"),
        ),
        (
            group(json!({"name": "x"})),
            format!("{place}.group.fields[0].operator: is required"),
        ),
        (
            group(json!({"name": "x", "operator": "mean"})),
            format!("{place}.group.fields[0].operator: unknown operator `mean`"),
        ),
        (
            group(json!({"name": "x", "operator": "sum"})),
            format!("{place}.group.fields[0].key: is required"),
        ),
        (
            group(json!({"name": "x", "operator": "push", "fields": [{"key": "status"}]})),
            format!("{place}.group.fields[0].fields[0].name: is required"),
        ),
        (
            group(
                json!({"name": "x", "operator": "max", "key": "status", "conditions": [{"key": "status", "operator": "eq", "value": 1}]}),
            ),
            format!("{place}.group.fields[0].conditions: `max` takes none"),
        ),
        (
            group(
                json!({"name": "x", "operator": "count", "conditions": [{"key": "status", "operator": "in", "value": 1}]}),
            ),
            format!("{place}.group.fields[0].conditions[0].operator: unknown operator `in`"),
        ),
        (
            group(
                json!({"name": "x", "operator": "count", "conditions": [{"key": "status", "operator": "eq"}]}),
            ),
            format!("{place}.group.fields[0].conditions[0].value: is required"),
        ),
        (
            group(json!({"name": "x", "operator": "merge_objects", "key": "status"})),
            format!("{place}.group.fields[0]: `merge_objects` takes objects, found a string"),
        ),
        (
            json!([{"group": {"keys": [{"key": "created_at", "name": "d", "date_format": "%y"}]}}]),
            format!("{place}.group.keys[0].date_format: unknown specifier `%y`"),
        ),
        (
            json!([{"group": {"keys": [{"key": "status", "name": "d", "date_format": "%Y"}]}}]),
            format!(
                "{place}.group.keys[0].date_format: `date_format` takes a datetime, found a string"
            ),
        ),
        (
            project(json!({"name": "x", "key": "status", "operator": "size"})),
            format!("{place}.project.fields[0].key: `size` takes an array, found a string"),
        ),
        (
            project(json!({"name": "x", "key": "filter.none", "operator": "size"})),
            format!("{place}.project.fields[0].key: `size` takes an array, found nothing"),
        ),
        (
            project(json!({"name": "x", "key": "status", "operator": "array_to_object"})),
            format!("{place}.project.fields[0].key: `array_to_object` takes an array"),
        ),
        (
            project(json!({"name": "x", "operator": "divide", "fields": [1, "total_tasks"]})),
            format!("{place}.project.fields[0]: `divide` by zero"),
        ),
        (
            project(json!({"name": "x", "operator": "divide", "fields": [1]})),
            format!("{place}.project.fields[0].fields: `divide` takes exactly 2, found 1"),
        ),
        (
            project(json!({"name": "x", "operator": "add", "fields": [1, {"key": "status"}]})),
            format!("{place}.project.fields[0]: `add` takes numbers"),
        ),
        (
            project(json!({"key": "status"})),
            format!("{place}.project.fields[0].name: is required"),
        ),
        (
            json!([{"project": {}}]),
            format!("{place}.project.fields: is required"),
        ),
        (
            Value::Array(vec![json!({"skip": 0}); 10_000]),
            "query.aggregate: has 10000 stages, at most 50 are allowed".to_owned(),
        ),
    ] {
        check(&app, &aggregate, &expected);
    }
}

#[test]
fn a_name_with_a_letter_of_special_meaning_is_refused() {
    let app = App::with_jobs(job("j", "d", ""));
    for (name, letter) in [
        ("a.b", '.'),
        ("$a", '$'),
        ("a\"b", '"'),
        ("a'b", '\''),
        ("a`b", '`'),
        ("a\0b", '\0'),
        ("a\nb", '\n'),
    ] {
        let expected = format!("query.aggregate[0].count.name: a name must not contain {letter:?}");
        check(&app, &json!([{"count": {"name": name}}]), &expected);
    }
    check(
        &app,
        &json!([{"count": {"name": "x".repeat(257)}}]),
        "query.aggregate[0].count.name: is 257 bytes long",
    );
    let twice = json!([{"group": {"keys": [{"key": "status", "name": "x"}], "fields": [{"name": "x", "operator": "count"}]}}]);
    check(
        &app,
        &twice,
        "query.aggregate[0].group: the name `x` is given twice",
    );
    let fine = app.stat(
        &json!({"domain_id": "d", "query": {"aggregate": [{"count": {"name": "이름 (1) -- ;"}}]}}),
    );
    assert_eq!(fine.json(), json!({"results": [{"이름 (1) -- ;": 1}]}));
}

#[test]
fn a_duration_is_the_difference_of_two_times() {
    let finished = "\"status\":\"SUCCESS\",\"finished_at\":\"2022-06-17T08:00:01.500Z\"";
    let app = App::with_jobs(job("a", "d", finished) + &job("b", "d", ""));
    let fields = json!([{"name": "id", "key": "job_id"}, {"name": "took", "operator": "subtract", "fields": ["finished_at", "created_at"]}]);
    let answer = app.stat(
        &json!({"domain_id": "d", "query": {"aggregate": [{"project": {"fields": fields}}]}}),
    );
    let expected = json!({"results": [{"id": "a", "took": 1500}, {"id": "b", "took": null}]});
    assert_eq!(answer.json(), expected);
}

/// Sends a group over jobs with these numbers in `filter.n`, and returns its row.
fn row_of(app: &App, fields: &Value) -> Value {
    let aggregate = json!([{"group": {"fields": fields}}]);
    let answer = app.post(
        "/jobdeck/stat",
        &json!({"domain_id": "d", "query": {"aggregate": aggregate}}),
    );
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["results"][0].clone()
}

#[test]
fn a_percentile_is_the_nearest_rank_of_the_numbers() {
    // 1 to 20 in a mixed order, one as a float, besides values that are no numbers.
    let numbers = (1..=20).map(|number| number * 5 % 21);
    let numbers = numbers.map(|number| match number {
        3 => "3.5".to_owned(),
        number => number.to_string(),
    });
    let others = ["null", "\"99\"", "[99]", "true"].map(str::to_owned);
    let jobs: String = numbers
        .chain(others)
        .enumerate()
        .map(|(at, number)| {
            let members = format!("\"filter\":{{\"n\":{number}}},\"total_tasks\":{at}");
            job(&format!("job-{at}"), "d", &members)
        })
        .collect();
    let app = App::with_jobs(jobs);
    let of = |key: &str, percent: Value| {
        row_of(
            &app,
            &json!([{"name": "p", "operator": "percentile", "key": key, "percent": percent}]),
        )["p"]
            .clone()
    };
    for (percent, expected) in [
        (json!(0.001), json!(1)),
        (json!(5), json!(1)),
        (json!(15), json!(3.5)),
        (json!(15.001), json!(4)),
        (json!(50), json!(10)),
        (json!(95), json!(19)),
        (json!(95.5), json!(20)),
        (json!(100.0), json!(20)),
    ] {
        assert_eq!(of("filter.n", percent.clone()), expected, "{percent}");
    }
    // 24 jobs have 0 to 23 tasks: a column, which a scan reads.
    assert_eq!(of("total_tasks", json!(50)), json!(11));
    assert_eq!(of("total_tasks", json!(100)), json!(23));
    // A column that is never a number, and paths that lead to none.
    for key in ["status", "created_at", "filter.none", "errors.error_code"] {
        assert_eq!(of(key, json!(50)), Value::Null, "{key}");
    }
    let both = json!([
        {"name": "median", "operator": "median", "key": "filter.n"},
        {"name": "tasks", "operator": "median", "key": "total_tasks"}
    ]);
    assert_eq!(row_of(&app, &both), json!({"median": 10, "tasks": 11}));
}

#[test]
fn the_median_duration_of_each_group_is_that_of_its_jobs() {
    let mut took = std::collections::BTreeMap::<String, Vec<i64>>::new();
    let mut jobs = String::new();
    for number in 0..200_i64 {
        let (project, millis) = (
            format!("project-{}", number % 3),
            number * 7_919 % 50_000 + 1,
        );
        let members = format!(
            "\"status\":\"SUCCESS\",\"project_id\":\"{project}\",\"finished_at\":\"2022-06-17T08:00:{:02}.{:03}Z\"",
            millis / 1_000,
            millis % 1_000
        );
        jobs += &job(&format!("job-{number}"), "d", &members);
        took.entry(project).or_default().push(millis);
    }
    let app = App::with_jobs(jobs);
    let projected = json!({"project": {"fields": [
        {"name": "p", "key": "project_id"},
        {"name": "took", "operator": "subtract", "fields": ["finished_at", "created_at"]}
    ]}});
    let group = json!({"group": {"keys": [{"key": "p", "name": "p"}], "fields": [
        {"name": "median", "operator": "median", "key": "took"},
        {"name": "p95", "operator": "percentile", "percent": 95, "key": "took"}
    ]}});
    // A sort before the group decides nothing, but only a statement can answer a group of a page of jobs.
    for stages in [
        json!([projected, group]),
        json!([projected, {"limit": 1_000}, group]),
    ] {
        let answer = app.post(
            "/jobdeck/stat",
            &json!({"domain_id": "d", "query": {"aggregate": stages}}),
        );
        let expected = took.iter().map(|(project, millis)| {
            let mut sorted = millis.clone();
            sorted.sort_unstable();
            let at = |percent: usize| sorted[(percent * sorted.len()).div_ceil(100) - 1];
            json!({"p": project, "median": at(50), "p95": at(95)})
        });
        assert_eq!(
            answer.json()["results"],
            expected.collect::<Value>(),
            "{stages}"
        );
    }
}

#[test]
fn percentiles_are_of_jobdecks_own_route_and_have_a_percent() {
    let app = App::with_jobs(job("j", "d", ""));
    let group = |field: Value| json!([{"limit": 1}, {"group": {"fields": [field]}}]);
    let place = "query.aggregate[1].group.fields[0]";
    for operator in ["median", "percentile"] {
        let field = json!({"name": "p", "operator": operator, "key": "total_tasks"});
        let expected =
            format!("{place}.operator: SpaceONE has no `{operator}`; POST /jobdeck/stat has it");
        check(&app, &group(field), &expected);
    }
    let percentile = |percent: Value| json!({"name": "p", "operator": "percentile", "key": "total_tasks", "percent": percent});
    for (field, expected) in [
        (
            json!({"name": "p", "operator": "percentile", "key": "total_tasks"}),
            "percent: is required",
        ),
        (
            json!({"name": "p", "operator": "percentile", "percent": 50}),
            "key: is required",
        ),
        (
            json!({"name": "p", "operator": "median"}),
            "key: is required",
        ),
        (
            json!({"name": "p", "operator": "median", "key": "total_tasks", "percent": 50}),
            "percent: `median` takes none; percentile does",
        ),
        (
            json!({"name": "p", "operator": "median", "key": "total_tasks",
                "conditions": [{"key": "total_tasks", "operator": "eq", "value": 1}]}),
            "conditions: `median` takes none; count, sum and average do",
        ),
        (
            percentile(json!(0)),
            "percent: a number above 0 and at most 100, with at most 3 decimals, is expected, found 0",
        ),
        (percentile(json!(100.5)), "percent: a number above 0"),
        (percentile(json!(1.0005)), "percent: a number above 0"),
        (percentile(json!("a")), "percent: expected"),
    ] {
        let body = json!({"domain_id": "d", "query": {"aggregate": group(field)}});
        let error = app.post("/jobdeck/stat", &body).error();
        let expected = format!("400 ERROR_DB_QUERY: {place}.{expected}");
        assert!(error.starts_with(&expected), "got {error}, not {expected}");
    }
}

/// Lists of lists of lists: a few kB of request that ask for more than any memory holds.
#[test]
fn the_number_of_members_is_bounded_at_any_depth() {
    let jobs: String = (0..2_000)
        .map(|number| job(&format!("job-{number}"), "d", ""))
        .collect();
    let app = App::with_jobs(jobs);
    let copies: Vec<_> = (0..10)
        .map(|number| json!({"key": "a", "name": format!("m{number}")}))
        .collect();
    let mut stages = vec![json!({"group": {"fields": [
        {"name": "a", "operator": "push", "fields": [{"key": "job_id", "name": "id"}]}]}})];
    stages.extend(vec![
        json!({"group": {"fields": [{"name": "a", "operator": "push", "fields": copies}]}});
        8
    ]);
    let answer = app.stat(&json!({"domain_id": "d", "query": {"aggregate": stages}}));
    assert_eq!(
        answer.status,
        400,
        "{}",
        &answer.text[..answer.text.len().min(300)]
    );
    assert!(
        answer.error().contains("MiB") || answer.error().contains("too large"),
        "{}",
        answer.error()
    );
}
