//! `analyze` answers what the statistics that mean the same answer.

use serde_json::{Value, json};

use crate::app::{App, job};

fn app() -> App {
    let mut jobs = String::new();
    for index in 0..60 {
        let members = json!({
            "status": (["SUCCESS", "SUCCESS", "ERROR", "CANCELED"])[index % 4],
            "total_tasks": index,
            "remained_tasks": 0,
            "errors": vec![json!({"error_code": format!("E{}", index % 2)}); index % 3],
            "collector_info": {"collector_id": format!("c-{}", index % 5), "provider": (["aws", "azure"])[index % 2]},
        });
        let members = members.to_string();
        jobs += &job(
            &format!("job-{index:02}"),
            "d",
            &members[1..members.len() - 1],
        );
    }
    App::with_jobs(jobs)
}

fn answer(app: &App, verb: &str, query: &Value) -> Value {
    let answer = app.post(
        &format!("/inventory/job/{verb}"),
        &json!({"domain_id": "d", "query": query}),
    );
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn an_analysis_is_the_statistic_that_means_the_same() {
    let app = app();
    let count = json!({"name": "n", "operator": "count"});
    let by = |keys: &[(&str, &str)], fields: Value| {
        let keys: Vec<_> = keys
            .iter()
            .map(|(key, name)| json!({"key": key, "name": name}))
            .collect();
        json!({"group": {"keys": keys, "fields": fields}})
    };
    for (analysis, aggregate) in [
        (
            json!({"fields": {"n": {"operator": "count"}}}),
            json!([by(&[], json!([count]))]),
        ),
        (
            json!({"group_by": ["status", {"key": "collector_info.provider", "name": "of"}], "fields": {"n": {"operator": "count"}}}),
            json!([by(
                &[("status", "status"), ("collector_info.provider", "of")],
                json!([count])
            )]),
        ),
        (
            json!({"group_by": ["collector.provider"], "fields": {}}),
            json!([by(&[("collector.provider", "provider")], json!([]))]),
        ),
        (
            json!({
                "group_by": ["collector_id"],
                "fields": {
                    "n": {"operator": "count"}, "sum": {"o": "sum", "k": "total_tasks"}, "mean": {"operator": "average", "key": "total_tasks"},
                    "most": {"operator": "max", "key": "total_tasks"}, "all": {"operator": "add_to_set", "key": "status"},
                    "jobs": {"operator": "push", "fields": {"id": "job_id", "status": "status"}}
                },
                "sort": [{"key": "sum", "desc": true}]
            }),
            json!([
                by(&[("collector_id", "collector_id")], json!([
                    count, {"name": "sum", "operator": "sum", "key": "total_tasks"}, {"name": "mean", "operator": "average", "key": "total_tasks"},
                    {"name": "most", "operator": "max", "key": "total_tasks"}, {"name": "all", "operator": "add_to_set", "key": "status"},
                    {"name": "jobs", "operator": "push", "fields": [{"key": "job_id", "name": "id"}, {"key": "status", "name": "status"}]}
                ])),
                {"sort": {"key": "sum", "desc": true}}
            ]),
        ),
        (
            json!({
                "group_by": ["status"],
                "fields": {"n": {"operator": "count"}, "sum": {"operator": "sum", "key": "total_tasks"}},
                "select": {"state": "status", "mean": {"operator": "divide", "fields": ["sum", "n"]}, "n": "n"},
                "sort": {"key": "mean"}
            }),
            json!([
                by(&[("status", "status")], json!([count, {"name": "sum", "operator": "sum", "key": "total_tasks"}])),
                {"project": {"exclude_keys": true, "fields": [
                    {"name": "state", "key": "status"}, {"name": "mean", "operator": "divide", "fields": ["sum", "n"]}, {"name": "n", "key": "n"}
                ]}},
                {"sort": {"key": "mean"}}
            ]),
        ),
        (
            json!({"unwind": {"path": "errors"}, "group_by": ["errors.error_code"], "fields": {"n": {"operator": "count"}}}),
            json!([{"unwind": {"path": "errors"}}, by(&[("errors.error_code", "error_code")], json!([count]))]),
        ),
        (
            json!({
                "group_by": ["collector_info.provider", "status"], "field_group": ["status"],
                "fields": {
                    "n": {"operator": "count"}, "mean": {"operator": "average", "key": "total_tasks"},
                    "ids": {"operator": "push", "fields": {"id": "job_id"}}
                },
                "sort": [{"key": "n", "desc": true}, {"key": "provider"}]
            }),
            json!([
                by(&[("collector_info.provider", "provider"), ("status", "status")], json!([
                    count, {"name": "mean", "operator": "average", "key": "total_tasks"},
                    {"name": "ids", "operator": "push", "fields": [{"key": "job_id", "name": "id"}]}
                ])),
                by(&[("provider", "provider")], json!([
                    {"name": "_total_n", "operator": "sum", "key": "n"},
                    {"name": "n", "operator": "push", "fields": [{"key": "n", "name": "value"}, {"key": "status", "name": "status"}]},
                    {"name": "_total_mean", "operator": "average", "key": "mean"},
                    {"name": "mean", "operator": "push", "fields": [{"key": "mean", "name": "value"}, {"key": "status", "name": "status"}]},
                    {"name": "ids", "operator": "push", "fields": [{"key": "ids", "name": "value"}, {"key": "status", "name": "status"}]}
                ])),
                {"sort": {"keys": [{"key": "_total_n", "desc": true}, {"key": "provider"}]}}
            ]),
        ),
    ] {
        for filter in [
            json!({}),
            json!({"filter": [{"k": "status", "v": "FAILURE", "o": "not"}], "keyword": "1 2"}),
        ] {
            let with = |mut query: Value| {
                query
                    .as_object_mut()
                    .unwrap()
                    .extend(filter.as_object().unwrap().clone());
                query
            };
            let analyzed = answer(&app, "analyze", &with(analysis.clone()));
            let computed = answer(&app, "stat", &with(json!({"aggregate": aggregate})));
            assert!(!computed["results"].as_array().unwrap().is_empty());
            assert_eq!(analyzed.to_string(), computed.to_string(), "{analysis}");
        }
    }
}

#[test]
fn more_says_whether_rows_follow() {
    let app = app();
    let query = |page: Value| json!({"group_by": ["collector_id"], "fields": {"n": {"operator": "count"}}, "sort": [{"key": "collector_id"}], "page": page});
    let all = answer(&app, "analyze", &query(json!({})));
    let all = all["results"].as_array().unwrap();
    assert_eq!(all.len(), 5);
    for (start, limit, more) in [
        (1, 4, true),
        (1, 5, false),
        (2, 4, false),
        (2, 3, true),
        (9, 2, false),
        (5, 1, false),
        (1, 9, false),
    ] {
        let page = answer(
            &app,
            "analyze",
            &query(json!({"start": start, "limit": limit})),
        );
        let rows: Vec<_> = all.iter().skip(start - 1).take(limit).collect();
        assert_eq!(
            page,
            json!({"results": rows, "more": more}),
            "{start} {limit}"
        );
    }
    let whole = answer(&app, "analyze", &query(json!({"start": 3})));
    assert_eq!(whole, json!({"results": all}));
}

#[test]
fn a_field_group_lists_and_totals() {
    let analysis = answer(
        &app(),
        "analyze",
        &json!({
            "group_by": ["collector_info.provider", "status"], "field_group": ["status"],
            "fields": {"jobs": {"operator": "count"}}, "sort": [{"key": "jobs"}, {"key": "provider"}]
        }),
    );
    assert_eq!(
        analysis,
        json!({"results": [
            {"provider": "aws", "_total_jobs": 30, "jobs": [{"value": 15, "status": "FAILURE"}, {"value": 15, "status": "SUCCESS"}]},
            {"provider": "azure", "_total_jobs": 30, "jobs": [{"value": 15, "status": "CANCELED"}, {"value": 15, "status": "SUCCESS"}]}
        ]})
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn errors_are_in_the_words_of_the_analysis() {
    let app = app();
    let count = json!({"n": {"operator": "count"}});
    let many: serde_json::Map<_, _> = (0..101)
        .map(|n| (format!("f{n}"), json!({"operator": "count"})))
        .collect();
    let paths: serde_json::Map<_, _> = (0..100)
        .map(|n| (format!("p{n}"), json!("status")))
        .collect();
    let heavy: serde_json::Map<_, _> = (0..20)
        .map(|n| {
            (
                format!("f{n}"),
                json!({"operator": "push", "fields": paths}),
            )
        })
        .collect();
    for (query, expected) in [
        (
            json!({}),
            "ERROR_REQUIRED_PARAMETER: Required parameter. (key = query.fields)",
        ),
        (
            json!({"fields": {}}),
            "ERROR_DB_QUERY: query.fields: keys or fields are required",
        ),
        (
            json!({"fields": []}),
            "ERROR_INVALID_PARAMETER_TYPE: query.fields: expected an object",
        ),
        (
            json!({"fields": many}),
            "ERROR_INVALID_PARAMETER: query.fields: at most 100 members are allowed",
        ),
        (
            json!({"fields": heavy}),
            "ERROR_DB_QUERY: query: 2020 keys, fields, operands and conditions in all, at most 2000 are allowed",
        ),
        (
            json!({"fields": {"a.b": {"operator": "count"}}}),
            "ERROR_INVALID_PARAMETER: query.fields: a name must not contain '.'",
        ),
        (
            json!({"fields": {"n": {}}}),
            "ERROR_DB_QUERY: query.fields.n.operator: is required",
        ),
        (
            json!({"fields": {"n": {"operator": "cuont"}}}),
            "ERROR_DB_QUERY: query.fields.n.operator: unknown operator `cuont`; did you mean `count`?",
        ),
        (
            json!({"fields": {"n": {"operator": "sum"}}}),
            "ERROR_DB_QUERY: query.fields.n.key: is required",
        ),
        (
            json!({"fields": {"n": {"operator": "push"}}}),
            "ERROR_DB_QUERY: query.fields.n.fields: is required",
        ),
        (
            json!({"fields": {"n": {"operator": "push", "fields": {"s": "stauts"}}}}),
            "ERROR_DB_QUERY: query.fields.n.fields.s: unknown field `stauts`",
        ),
        (
            json!({"fields": {"n": {"operator": "median", "key": "total_tasks"}}}),
            "ERROR_DB_QUERY: query.fields.n.operator: an analysis has no `median`",
        ),
        (
            json!({"fields": {"n": {"operator": "count", "name": "m"}}}),
            "ERROR_INVALID_PARAMETER: query.fields.n.name: unknown member `name`",
        ),
        (
            json!({"fields": count, "group_by": ["stauts"]}),
            "ERROR_DB_QUERY: query.group_by[0]: unknown field `stauts`",
        ),
        (
            json!({"fields": count, "group_by": [{"key": "status"}]}),
            "ERROR_DB_QUERY: query.group_by[0].name: is required",
        ),
        (
            json!({"fields": count, "group_by": [3]}),
            "ERROR_INVALID_PARAMETER_TYPE: query.group_by[0]: expected a path or an object",
        ),
        (
            json!({"fields": count, "group_by": [{"key": "status", "name": "n"}]}),
            "ERROR_DB_QUERY: query.fields: the name `n` is given twice",
        ),
        (
            json!({"fields": count, "group_by": ["status"], "field_group": ["stauts"]}),
            "ERROR_DB_QUERY: query.field_group[0]: unknown key `stauts`; did you mean `status`?",
        ),
        (
            json!({"fields": count, "group_by": ["status"], "field_group": ["_total_n"]}),
            "ERROR_DB_QUERY: query.field_group[0]: a key must not begin with `_total_`",
        ),
        (
            json!({"fields": count, "select": {"x": {"operator": "divide", "fields": ["n"]}}}),
            "ERROR_DB_QUERY: query.select.x.fields: `divide` takes exactly 2, found 1",
        ),
        (
            json!({"fields": count, "select": {"x": 3}}),
            "ERROR_INVALID_PARAMETER_TYPE: query.select.x: expected a path or an object",
        ),
        (
            json!({"fields": count, "sort": [{"desc": true}]}),
            "ERROR_DB_QUERY: query.sort[0].key: is required",
        ),
        (
            json!({"fields": count, "aggregate": []}),
            "ERROR_DB_QUERY: query.aggregate: unknown member `aggregate`",
        ),
        (
            json!({"fields": count, "filter": [{"k": "stauts", "v": 1, "o": "eq"}]}),
            "ERROR_DB_QUERY: query.filter[0].key: unknown field `stauts`",
        ),
    ] {
        let answer = app.post(
            "/inventory/job/analyze",
            &json!({"domain_id": "d", "query": query}),
        );
        let error = answer.error();
        assert!(
            error.starts_with(&format!("400 {expected}")),
            "{query}\n got: {error}\nwant: {expected}"
        );
    }
}
