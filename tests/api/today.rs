//! SpaceONE's routes of today: their shape, in answers and in every part of a question, and the domain of a request.

use std::collections::BTreeSet;

use jobdeck::mock::MockConfig;
use jobdeck::tokens::NewToken;
use serde_json::{Value, json};

use crate::app::{Answer, App, Setup, job};

const GATEWAY: &str = "/inventory/job";
const PROTO: &str = "/inventory/v1/job";

/// Jobs of every status, with every kind of value.
fn jobs() -> String {
    let mut jobs = String::new();
    let statuses = [
        "CREATED",
        "CANCELED",
        "IN_PROGRESS",
        "SUCCESS",
        "ERROR",
        "TIMEOUT",
    ];
    for (index, status) in statuses.iter().cycle().take(20).enumerate() {
        let mut members = json!({
            "status": status,
            "total_tasks": index % 7,
            "remained_tasks": if *status == "CANCELED" { -1 } else { i64::try_from(index).unwrap() % 3 },
            "errors": vec![json!({"error_code": "E", "message": "", "additional": {"deep": {"er": [null, 1]}}}); index % 4],
            "filter": {"이름": "값", "big": 9_007_199_254_740_993_i64, "empty": ""},
            "finished_at": null,
        });
        if index % 3 > 0 {
            members["collector_info"] = json!({
                "collector_id": format!("c-{}", index % 3), "provider": "aws",
                "plugin_info": {"plugin_id": format!("p-{}", index % 2)}
            });
        }
        if index % 5 == 0 {
            members["workspace_id"] = "w".into();
            members["success_tasks"] = 4.into();
        }
        let members = members.to_string();
        jobs += &job(
            &format!("job-{index:02}"),
            "d",
            &members[1..members.len() - 1],
        )
        .replace("06-17T08:00", &format!("06-{:02}T08:00", 1 + index / 3));
    }
    jobs
}

fn ok(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

impl App {
    #[track_caller]
    fn today(&self, verb: &str, body: &Value) -> Value {
        let [gateway, proto] =
            [GATEWAY, PROTO].map(|path| self.post(&format!("{path}/{verb}"), body));
        assert_eq!(gateway.text, proto.text);
        ok(&gateway)
    }

    #[track_caller]
    fn today_error(&self, verb: &str, body: &Value) -> String {
        let [gateway, proto] =
            [GATEWAY, PROTO].map(|path| self.post(&format!("{path}/{verb}"), body));
        assert_eq!(gateway.text, proto.text);
        gateway.error()
    }
}

fn name_of_today(status: &Value) -> Value {
    let name = match status.as_str().unwrap() {
        "ERROR" | "TIMEOUT" => "FAILURE",
        "CREATED" => "IN_PROGRESS",
        other => other,
    };
    name.into()
}

#[test]
fn a_job_is_that_of_the_seed_with_todays_members() {
    let app = App::with_jobs(jobs());
    let stored = ok(&app.search(&json!({"domain_id": "d"})));
    let today = app.today("list", &json!({"domain_id": "d"}));
    assert_eq!(today["total_count"], 20);
    for (old, new) in stored["results"]
        .as_array()
        .unwrap()
        .iter()
        .zip(today["results"].as_array().unwrap())
    {
        let mut expected = old.clone();
        expected["status"] = name_of_today(&old["status"]);
        let number = |name: &str| old[name].as_i64();
        let done =
            (number("total_tasks").unwrap() - number("remained_tasks").unwrap().max(0)).max(0);
        let errors = i64::try_from(old["errors"].as_array().unwrap().len()).unwrap();
        let failed = match number("success_tasks") {
            Some(success) => (done - success).max(0),
            None => errors.min(done),
        };
        expected["success_tasks"] = number("success_tasks").unwrap_or(done - failed).into();
        expected["failure_tasks"] = failed.into();
        if let Some(info) = old.get("collector_info") {
            expected["collector_id"] = info["collector_id"].clone();
            expected["plugin_id"] = info["plugin_info"]["plugin_id"].clone();
        }
        assert_eq!(*new, expected);
        let id = new["job_id"].as_str().unwrap();
        assert_eq!(
            app.today("get", &json!({"domain_id": "d", "job_id": id})),
            expected
        );
        let only = [
            "status",
            "collector_id",
            "plugin_id",
            "success_tasks",
            "errors.error_code",
            "filter.이름",
        ];
        let some = app.today(
            "get",
            &json!({"domain_id": "d", "job_id": id, "only": only}),
        );
        for name in ["status", "collector_id", "plugin_id", "success_tasks"] {
            assert_eq!(some.get(name), expected.get(name), "{name}");
        }
        assert_eq!(some["filter"], json!({"이름": "값"}));
        for name in ["collector_info", "total_tasks", "failure_tasks", "job_id"] {
            assert_eq!(some.get(name), None, "{name}");
        }
    }
    let minimal = app.today(
        "list",
        &json!({"domain_id": "d", "query": {"minimal": true, "page": {"limit": 1}}}),
    );
    let names: Vec<_> = minimal["results"][0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["job_id", "status", "created_at"]);
}

/// Whether a status of today meets a condition.
type Passes = fn(&str) -> bool;

/// A console's tab, its rows, its count, a group and the different values agree, whatever the condition.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_condition_on_a_status_means_the_same_everywhere() {
    let app = App::with_jobs(jobs());
    let all = app.today("list", &json!({"domain_id": "d"}));
    let all: Vec<_> = all["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["status"].as_str().unwrap().to_owned())
        .collect();
    let conditions: [(Value, Passes); 24] = [
        (json!({"k": "status", "v": "FAILURE", "o": "eq"}), |s| {
            s == "FAILURE"
        }),
        (json!({"k": "status", "v": "IN_PROGRESS", "o": "eq"}), |s| {
            s == "IN_PROGRESS"
        }),
        (json!({"k": "status", "v": "ERROR", "o": "eq"}), |_| false),
        (json!({"k": "status", "v": 5, "o": "eq"}), |_| false),
        (json!({"k": "status", "v": null, "o": "eq"}), |_| false),
        (json!({"k": "status", "v": "FAILURE", "o": "not"}), |s| {
            s != "FAILURE"
        }),
        (json!({"k": "status", "v": "ERROR", "o": "not"}), |_| true),
        (json!({"k": "status", "v": null, "o": "not"}), |_| true),
        (
            json!({"k": "status", "v": ["FAILURE", "CANCELED", "TIMEOUT", null], "o": "in"}),
            |s| ["FAILURE", "CANCELED"].contains(&s),
        ),
        (
            json!({"k": "status", "v": ["FAILURE", "CREATED"], "o": "not_in"}),
            |s| s != "FAILURE",
        ),
        (json!({"k": "status", "v": [], "o": "not_in"}), |_| true),
        (json!({"k": "status", "v": "FAILURE", "o": "lt"}), |s| {
            s < "FAILURE"
        }),
        (json!({"k": "status", "v": "FAILURE", "o": "lte"}), |s| {
            s <= "FAILURE"
        }),
        (json!({"k": "status", "v": "FAILURE", "o": "gt"}), |s| {
            s > "FAILURE"
        }),
        (json!({"k": "status", "v": "G", "o": "gte"}), |s| s >= "G"),
        (json!({"k": "status", "v": "fail", "o": "contain"}), |s| {
            s == "FAILURE"
        }),
        (
            json!({"k": "status", "v": "err", "o": "not_contain"}),
            |_| true,
        ),
        (
            json!({"k": "status", "v": ["prog", "succ"], "o": "contain_in"}),
            |s| s == "IN_PROGRESS" || s == "SUCCESS",
        ),
        (
            json!({"k": "status", "v": ["prog", "succ"], "o": "not_contain_in"}),
            |_| true,
        ),
        (json!({"k": "status", "v": "^.{7}$", "o": "regex"}), |s| {
            s.len() == 7
        }),
        (
            json!({"k": "status", "v": ["^F", "_"], "o": "regex_in"}),
            |s| s == "FAILURE" || s == "IN_PROGRESS",
        ),
        (json!({"k": "status", "v": true, "o": "exists"}), |_| true),
        (json!({"k": "status", "v": false, "o": "exists"}), |_| false),
        (
            json!({"k": "status", "v": "now", "o": "timediff_lt"}),
            |_| false,
        ),
    ];
    // A condition that all jobs meet, by a member that neither counters nor indexes have: then jobs are read one by one.
    let met = json!({"k": "filter.empty", "v": "", "o": "eq"});
    for (condition, passes) in conditions {
        let expected: Vec<_> = all.iter().filter(|status| passes(status)).collect();
        let different: BTreeSet<_> = expected.iter().map(|status| status.as_str()).collect();
        for filter in [json!([condition]), json!([condition, met])] {
            let query = |query: Value| {
                let mut query = query;
                query["filter"] = filter.clone();
                json!({"domain_id": "d", "query": query})
            };
            let rows = app.today("list", &query(json!({})));
            let rows: Vec<_> = rows["results"]
                .as_array()
                .unwrap()
                .iter()
                .map(|job| &job["status"])
                .collect();
            assert_eq!(rows, expected, "{filter}");
            for question in [
                json!({"count_only": true}),
                json!({"page": {"limit": 2}, "sort": [{"key": "status"}]}),
            ] {
                let list = app.today("list", &query(question));
                assert_eq!(list["total_count"], expected.len(), "{filter}");
            }
            let group = json!({"group": {"keys": [{"key": "status", "name": "s"}], "fields": [{"name": "n", "operator": "count"}]}});
            let groups = app.today("stat", &query(json!({"aggregate": [group]})));
            let counted: Vec<Value> = different.iter().map(|status| {
                json!({"s": status, "n": expected.iter().filter(|one| one == &status).count()})
            }).collect();
            assert_eq!(groups["results"], json!(counted), "{filter}");
            let distinct = app.today("stat", &query(json!({"distinct": "status"})));
            assert_eq!(distinct["results"], json!(different), "{filter}");
            let analysis = app.today("analyze", &query(json!({"group_by": [{"key": "status", "name": "s"}], "fields": {"n": {"operator": "count"}}})));
            assert_eq!(analysis, json!({"results": counted}), "{filter}");
        }
    }
}

#[test]
fn the_status_of_a_body_is_that_of_today() {
    let app = App::with_jobs(jobs());
    for (status, expected) in [
        ("FAILURE", 6),
        ("IN_PROGRESS", 7),
        ("SUCCESS", 3),
        ("CANCELED", 4),
        ("", 20),
        ("JOB_STATE_NONE", 20),
    ] {
        let list = app.today(
            "list",
            &json!({"domain_id": "d", "status": status, "query": {"count_only": true}}),
        );
        assert_eq!(list["total_count"], expected, "{status}");
    }
    for (status, found) in [(json!("ERROR"), "ERROR"), (json!(1), "1")] {
        assert_eq!(
            app.today_error("list", &json!({"domain_id": "d", "status": status})),
            format!(
                "400 ERROR_INVALID_PARAMETER: status: unknown status `{found}`; known are IN_PROGRESS, SUCCESS, FAILURE, CANCELED"
            )
        );
    }
    let members =
        json!({"domain_id": "d", "plugin_id": "p-1", "workspace_id": "w", "collector_id": "c-2"});
    let list = app.today("list", &members);
    assert_eq!(list["results"].as_array().unwrap().len(), 1, "{list}");
    assert_eq!(list["results"][0]["job_id"], "job-05");
}

/// Whatever reads a status of a job in an aggregate reads that of today, and numbers that are derived count like stored ones.
#[test]
fn every_part_of_an_aggregate_has_todays_members() {
    let app = App::with_jobs(jobs());
    let list = app.today(
        "list",
        &json!({"domain_id": "d", "query": {"sort": [{"key": "job_id"}]}}),
    );
    let jobs = list["results"].as_array().unwrap();
    let of = |name: &str| jobs.iter().map(|job| job[name].clone()).collect::<Vec<_>>();
    let statuses = of("status");
    let sum = |name: &str| {
        of(name)
            .iter()
            .map(|number| number.as_i64().unwrap())
            .sum::<i64>()
    };
    let failures = statuses
        .iter()
        .filter(|status| *status == "FAILURE")
        .count();
    let group = app.today("stat", &json!({"domain_id": "d", "query": {"aggregate": [
        {"sort": {"key": "job_id"}},
        {"group": {"fields": [
            {"name": "all", "operator": "push", "fields": [{"key": "status", "name": "s"}]},
            {"name": "set", "operator": "add_to_set", "key": "status"},
            {"name": "first", "operator": "first", "key": "status"},
            {"name": "last", "operator": "last", "key": "status"},
            {"name": "max", "operator": "max", "key": "status"},
            {"name": "min", "operator": "min", "key": "status"},
            {"name": "failures", "operator": "count", "conditions": [{"key": "status", "operator": "eq", "value": "FAILURE"}]},
            {"name": "success_tasks", "operator": "sum", "key": "success_tasks"},
            {"name": "failure_tasks", "operator": "sum", "key": "failure_tasks"}
        ]}}
    ]}}));
    let pushed: Vec<_> = statuses.iter().map(|status| json!({"s": status})).collect();
    assert_eq!(
        group["results"],
        json!([{
            "all": pushed, "set": ["CANCELED", "FAILURE", "IN_PROGRESS", "SUCCESS"], "first": statuses[0], "last": statuses[19],
            "max": "SUCCESS", "min": "CANCELED", "failures": failures,
            "success_tasks": sum("success_tasks"), "failure_tasks": sum("failure_tasks")
        }])
    );
    let whole = app.today("stat", &json!({"domain_id": "d", "query": {"aggregate": [{"unwind": {"path": "status"}}, {"sort": {"key": "job_id"}}]}}));
    for (row, job) in whole["results"].as_array().unwrap().iter().zip(jobs) {
        for name in ["status", "success_tasks", "failure_tasks"] {
            assert_eq!(row[name], job[name], "{name}");
        }
        assert_eq!(row.get("collector_id"), job.get("collector_id"));
    }
    let by_day = |shape: &str| {
        json!({"domain_id": "d", "query": {"aggregate": [{"group": {
            "keys": [{"key": "created_at", "name": "day", "date_format": "day"}, {"key": shape, "name": "k"}],
            "fields": [{"name": "n", "operator": "count"}]
        }}]}})
    };
    let days = app.today("stat", &by_day("status"));
    let total: i64 = days["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["n"].as_i64().unwrap())
        .sum();
    assert_eq!(total, 20);
    assert!(!days.to_string().contains("ERROR") && days.to_string().contains("FAILURE"));
    let mut sorted = statuses.clone();
    sorted.sort_by_key(Value::to_string);
    let rows = app.today(
        "list",
        &json!({"domain_id": "d", "query": {"sort": [{"key": "status"}, {"key": "job_id"}]}}),
    );
    let rows: Vec<_> = rows["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| &job["status"])
        .collect();
    assert_eq!(rows, sorted.iter().collect::<Vec<_>>());
    for key in ["success_tasks", "failure_tasks"] {
        for number in [json!(0), json!(2), json!(null)] {
            let expected = of(key).iter().filter(|value| **value == number).count();
            let list = app.today("list", &json!({"domain_id": "d", "query": {"count_only": true, "filter": [{"k": key, "v": number, "o": "eq"}]}}));
            assert_eq!(list["total_count"], expected, "{key} {number}");
        }
        let list = app.today("list", &json!({"domain_id": "d", "query": {"sort": [{"key": key}, {"key": "job_id"}], "only": [key]}}));
        let sorted: Vec<_> = list["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|job| job[key].as_i64().unwrap())
            .collect();
        assert!(sorted.is_sorted(), "{sorted:?}");
    }
}

/// The seed's routes are not touched.
#[test]
fn the_seeds_routes_know_nothing_of_today() {
    let app = App::with_jobs(jobs());
    let list = ok(&app.search(&json!({"domain_id": "d", "query": {"filter": [{"k": "status", "v": ["FAILURE"], "o": "in"}]}})));
    assert_eq!(list["total_count"], 0);
    let distinct = ok(&app.stat(&json!({"domain_id": "d", "query": {"distinct": "status"}})));
    assert_eq!(distinct["results"].as_array().unwrap().len(), 6);
    for verb in ["list", "stat", "get", "analyze", "delete"] {
        let answer = app.post(
            &format!("/spaceone.api.inventory.v1.Job/{verb}"),
            &json!({"domain_id": "d"}),
        );
        assert_eq!(answer.status, 404, "{verb}: {}", answer.text);
        assert!(!answer.text.contains("--writable"), "{}", answer.text);
        assert!(
            !answer.text.contains("did you mean `/spaceone"),
            "{}",
            answer.text
        );
    }
}

#[test]
fn a_job_that_is_not_there_is_not_found() {
    let app = App::mock(jobs());
    let nobody = json!({"domain_id": "d", "job_id": "nobody"});
    for verb in ["get", "delete"] {
        assert_eq!(
            app.today_error(verb, &nobody),
            "404 ERROR_NOT_FOUND: there is no job `nobody` in domain `d`",
            "{verb}"
        );
        assert_eq!(
            app.today_error(verb, &json!({"domain_id": "d"})),
            "400 ERROR_REQUIRED_PARAMETER: Required parameter. (key = job_id)"
        );
    }
    assert_eq!(
        app.today_error(
            "get",
            &json!({"domain_id": "d", "job_id": "j", "only": ["status", "stauts"]})
        ),
        "400 ERROR_DB_QUERY: only[1]: unknown field `stauts`; did you mean `status`?"
    );
    let body = json!({"domain_id": "d", "job_id": "job-01"});
    assert_eq!(ok(&app.post("/inventory/job/delete", &body)), json!({}));
    assert_eq!(app.post("/inventory/job/get", &body).status, 404);
    assert_eq!(
        ok(&app.post(
            "/inventory/v1/job/delete",
            &json!({"domain_id": "d", "job_id": "job-02"})
        )),
        json!({})
    );
    assert_eq!(
        app.today("list", &json!({"domain_id": "d"}))["total_count"],
        18
    );
    let reading = App::with_jobs(jobs());
    let refused = reading.post("/inventory/job/delete", &body).error();
    assert!(
        refused.starts_with("404 ERROR_NOT_FOUND") && refused.contains("--writable"),
        "{refused}"
    );
}

#[test]
fn the_domain_is_told_by_the_body_a_header_the_token_or_a_mock_of_one() {
    const REQUIRED: &str = "400 ERROR_REQUIRED_PARAMETER: Required parameter. (key = domain_id)";
    let list = |app: &App, headers: &[(&str, &str)], body: &Value| {
        let headers = [&[("content-type", "application/json")], headers].concat();
        app.send(
            "POST",
            "/inventory/job/list",
            &headers,
            Some(body.to_string().as_bytes()),
        )
    };
    let count = |answer: Answer| ok(&answer)["total_count"].as_u64().unwrap();
    let two = || jobs() + &job("other", "e", "");
    let plain = App::with_jobs(jobs());
    assert_eq!(list(&plain, &[], &json!({})).error(), REQUIRED);
    assert_eq!(count(list(&plain, &[("x-domain-id", "d")], &json!({}))), 20);
    assert_eq!(
        count(list(
            &plain,
            &[("x-domain-id", "d")],
            &json!({"domain_id": "e"})
        )),
        0
    );
    assert_eq!(
        list(&plain, &[("x-domain-id", "")], &json!({"domain_id": ""})).error(),
        REQUIRED
    );

    let mock = App::mock(jobs());
    assert_eq!(count(list(&mock, &[], &json!({}))), 20);
    assert_eq!(
        count(list(
            &mock,
            &[],
            &json!({"domain_id": "", "query": {"filter": [{"k": "domain_id", "v": "d", "o": "eq"}]}})
        )),
        20
    );
    assert_eq!(count(list(&mock, &[("x-domain-id", "e")], &json!({}))), 0);
    for (verb, body) in [
        ("stat", json!({"query": {"distinct": "status"}})),
        (
            "analyze",
            json!({"query": {"fields": {"n": {"operator": "count"}}}}),
        ),
        ("get", json!({"job_id": "job-01"})),
        ("delete", json!({"job_id": "job-01"})),
    ] {
        ok(&mock.post(&format!("/inventory/job/{verb}"), &body));
    }
    assert_eq!(list(&App::mock(two()), &[], &json!({})).error(), REQUIRED);
    assert_eq!(list(&App::mock(""), &[], &json!({})).error(), REQUIRED);

    let own = NewToken::generate("d", false, None).unwrap();
    let all = NewToken::generate("*", true, None).unwrap();
    let guarded = App::serve(Setup {
        jobs: two(),
        tokens: Some(format!("{}\n{}\n", own.entry, all.entry)),
        mock: Some(MockConfig::default()),
        ..Setup::default()
    });
    let [own, all] = [&own.token, &all.token].map(|token| format!("Bearer {token}"));
    let own = ("authorization", own.as_str());
    let all = ("authorization", all.as_str());
    assert_eq!(count(list(&guarded, &[own], &json!({}))), 20);
    for (headers, body) in [
        (&[own, ("x-domain-id", "e")][..], json!({})),
        (&[own], json!({"domain_id": "e"})),
    ] {
        let refused = list(&guarded, headers, &body);
        assert_eq!(refused.status, 403, "{}", refused.text);
    }
    assert_eq!(list(&guarded, &[all], &json!({})).error(), REQUIRED);
    assert_eq!(
        count(list(&guarded, &[all, ("x-domain-id", "e")], &json!({}))),
        1
    );
    let json = ("content-type", "application/json");
    let refused = guarded.send(
        "POST",
        "/inventory/job/delete",
        &[own, json],
        Some(br#"{"job_id":"job-01"}"#),
    );
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(list(&guarded, &[], &json!({})).status, 401);
    assert_eq!(guarded.get("/console-api/api/reflection").status, 200);
}

#[test]
fn the_console_learns_its_calls() {
    let app = App::mock(jobs());
    let apis = ok(&app.get("/console-api/api/reflection"));
    assert_eq!(ok(&app.post("/api/reflection", &json!({}))), apis);
    assert_eq!(app.bare("POST", "/api/reflection").status, 200);
    let apis = apis["apis"].as_array().unwrap();
    assert!(apis.contains(
        &json!({"path": "/inventory/job/analyze", "name": "analyze", "method": ["POST"]})
    ));
    for api in apis.iter().filter(|api| api["method"][0] == "POST") {
        let answer = app.post(api["path"].as_str().unwrap(), &json!({"nothing": 1}));
        assert_eq!(answer.status, 400, "{api}: {}", answer.text);
    }
    let reading = ok(&App::with_jobs("").get("/console-api/api/reflection"));
    assert!(!reading.to_string().contains("delete"));
}

#[test]
fn values_are_suggested() {
    let app = App::mock(jobs());
    let suggest = |body: Value| app.post("/add-ons/autocomplete/distinct", &body);
    let named = |values: &[&str]| -> Value {
        values
            .iter()
            .map(|value| json!({"key": value, "name": value}))
            .collect()
    };
    for (body, expected) in [
        (
            json!({"resource_type": "inventory.Job", "distinct_key": "job_id", "search": "-1", "options": {"limit": 2}}),
            json!({"results": named(&["job-10", "job-11"]), "total_count": 10}),
        ),
        (
            json!({"resource_type": "inventory.Job", "distinct_key": "status", "search": "fail"}),
            json!({"results": named(&["FAILURE"])}),
        ),
        (
            json!({"resource_type": "inventory.Job", "distinct_key": "plugin_id", "search": "", "options": {
                "limit": null, "search_type": "value", "filter": [{"k": "status", "v": "SUCCESS", "o": "eq"}], "parameters": {}
            }}),
            json!({"results": []}),
        ),
        (
            json!({"resource_type": "inventory.Job", "distinct_key": "plugin_id", "extra_params": {"domain_id": "d"}}),
            json!({"results": named(&["p-0", "p-1"])}),
        ),
    ] {
        assert_eq!(ok(&suggest(body.clone())), expected, "{body}");
    }
    for (body, expected) in [
        (
            json!({"resource_type": "inventory.Job"}),
            "400 ERROR_REQUIRED_PARAMETER: Required parameter. (key = distinct_key)",
        ),
        (
            json!({"resource_type": "inventory.Region", "distinct_key": "name"}),
            "400 ERROR_DB_QUERY: resource_type: unknown resource `inventory.Region`; did you mean `inventory.Job`?",
        ),
        (
            json!({"resource_type": "inventory.Job", "distinct_key": "stauts"}),
            "400 ERROR_DB_QUERY: distinct_key: unknown field `stauts`; did you mean `status`?",
        ),
    ] {
        assert_eq!(suggest(body.clone()).error(), expected, "{body}");
    }
}

#[test]
fn faults_and_the_journal_know_the_verbs() {
    let app = App::mock(jobs());
    for (verb, body) in [
        (
            "analyze",
            json!({"query": {"fields": {"n": {"operator": "count"}}}}),
        ),
        ("get", json!({"job_id": "job-03"})),
    ] {
        let fault = json!({"route": verb, "domain_id": "d", "code": 503, "times": 1});
        assert_eq!(app.post("/jobdeck/faults", &fault).status, 201);
        let path = format!("/inventory/job/{verb}");
        assert_eq!(app.post(&path, &body).status, 503, "{verb}");
        assert_eq!(app.post(&path, &body).status, 200, "{verb}");
        let journal = ok(&app.get(&format!("/jobdeck/journal?route={verb}&domain_id=d")));
        assert_eq!(journal["results"].as_array().unwrap().len(), 2, "{journal}");
    }
}
