//! Jobs put, changed, deleted and added over HTTP.

use serde_json::{Value, json};

use crate::app::{App, Setup, job};

fn writable(jobs: &str) -> App {
    App::serve(Setup {
        jobs: jobs.to_owned(),
        is_writable: true,
        ..Setup::default()
    })
}

/// The job ids of a domain with their statuses.
fn jobs(app: &App, domain_id: &str) -> Vec<String> {
    let answer = app.search(&json!({"domain_id": domain_id, "query": {"sort": {"key": "job_id"}}}));
    let results = answer.json()["results"].as_array().unwrap().clone();
    let listed = results.iter().map(|job| {
        let text = |name: &str| job[name].as_str().unwrap().to_owned();
        format!("{} {}", text("job_id"), text("status"))
    });
    listed.collect()
}

#[test]
fn a_job_is_put_patched_and_deleted() {
    let app = writable("");
    let path = "/jobdeck/jobs/a%2Fb%20c?domain_id=d";
    let put = app.json(
        "PUT",
        path,
        &json!({"status": "IN_PROGRESS", "total_tasks": 3}),
    );
    assert_eq!(put.status, 201);
    let document = json!({
        "job_id": "a/b c", "status": "IN_PROGRESS", "filter": {}, "total_tasks": 3, "remained_tasks": 0, "errors": [],
        "domain_id": "d", "created_at": "2022-06-20T12:00:00.000Z", "updated_at": "2022-06-20T12:00:00.000Z"
    });
    assert_eq!(put.json(), document);
    assert_eq!(
        app.search(&json!({"domain_id": "d"})).json()["results"],
        json!([document])
    );

    let again = app.json(
        "PUT",
        path,
        &json!({"created_at": "2022-06-01T00:00:00Z", "filter": {"a": {"b": 1, "c": 2}}}),
    );
    assert_eq!(again.status, 200);
    let patch = json!({"filter": {"a": {"c": null, "d": 3}}, "status": "ERROR", "errors": [{"error_code": "E"}]});
    let patched = app.send(
        "PATCH",
        path,
        &[("content-type", "application/merge-patch+json")],
        Some(patch.to_string().as_bytes()),
    );
    assert_eq!(patched.status, 200);
    assert_eq!(
        patched.json(),
        json!({
            "job_id": "a/b c", "status": "ERROR", "filter": {"a": {"b": 1, "d": 3}}, "total_tasks": 0, "remained_tasks": 0,
            "errors": [{"error_code": "E"}], "domain_id": "d", "created_at": "2022-06-01T00:00:00.000Z",
            "updated_at": "2022-06-20T12:00:00.000Z", "finished_at": "2022-06-20T12:00:00.000Z"
        })
    );
    let dated = app.json(
        "PATCH",
        path,
        &json!({"updated_at": "2022-06-02T00:00:00Z"}),
    );
    assert_eq!(dated.json()["updated_at"], "2022-06-02T00:00:00.000Z");

    let deleted = app.bare("DELETE", path);
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert_eq!(jobs(&app, "d"), Vec::<String>::new());
    assert_eq!(
        app.bare("DELETE", path).error(),
        "404 ERROR_NOT_FOUND: there is no job `a/b c` in domain `d`"
    );
}

#[test]
fn the_members_of_todays_spaceone_are_answered_where_a_job_has_them() {
    let app = writable("");
    let path = "/jobdeck/jobs/j?domain_id=d";
    let members = json!({
        "success_tasks": 2, "failure_tasks": 0, "secret_id": "s", "request_secret_id": "rs", "request_workspace_id": "rw",
        "resource_group": "WORKSPACE", "workspace_id": "w"
    });
    let of = |job: &Value| -> Value {
        let names = members.as_object().unwrap().keys();
        names
            .filter_map(|name| Some((name.clone(), job.get(name)?.clone())))
            .collect()
    };
    assert_eq!(of(&app.json("PUT", path, &members).json()), members);
    assert_eq!(
        of(&app.search(&json!({"domain_id": "d"})).json()["results"][0]),
        members
    );
    for name in members.as_object().unwrap().keys() {
        let patched = app.json("PATCH", path, &json!({name: null})).json();
        assert_eq!(patched.get(name), None, "{name}");
        let again = app.json("PATCH", path, &json!({name: members[name]}));
        assert_eq!(of(&again.json()), members, "{name}");
    }
}

#[test]
fn many_jobs_are_added_or_none() {
    let app = writable(&job("old", "d", ""));
    let add = |query: &str, media_type: &str, body: String| {
        app.send(
            "POST",
            &format!("/jobdeck/jobs{query}"),
            &[("content-type", media_type)],
            Some(body.as_bytes()),
        )
    };
    let lines = format!(
        "{}{}",
        job("a", "d", ""),
        job("old", "d", "\"status\":\"ERROR\"")
    );
    let added = add("", "application/x-ndjson", lines.clone());
    assert_eq!(
        added.json(),
        json!({"added": 1, "replaced": 1, "skipped": 0})
    );
    let skipped = add(
        "?on_conflict=skip",
        "application/x-ndjson",
        lines.clone() + &job("b", "e", ""),
    );
    assert_eq!(
        skipped.json(),
        json!({"added": 1, "replaced": 0, "skipped": 2})
    );
    let array = add(
        "?domain_id=f",
        "application/json",
        json!([{"job_id": "x"}, {"job_id": "y"}]).to_string(),
    );
    assert_eq!(
        array.json(),
        json!({"added": 2, "replaced": 0, "skipped": 0})
    );
    assert_eq!(jobs(&app, "f"), ["x CREATED", "y CREATED"]);

    let before: Value = app.get("/jobdeck/domains").json();
    for (query, body, expected) in [
        (
            "?on_conflict=fail",
            job("new", "d", "") + &job("a", "d", ""),
            "409 ERROR_SAVE_UNIQUE_VALUES: body: line 2: job a of domain d is present already",
        ),
        (
            "",
            job("new", "d", "") + &job("new2", "d", "\"stauts\":\"ERROR\""),
            "400 ERROR_INVALID_PARAMETER: body: line 2, column 70, job new2, field stauts: unknown field `stauts`",
        ),
        (
            "",
            "{\"job_id\":\"new\"}\n".to_owned(),
            "400 ERROR_INVALID_PARAMETER: body: line 1, job new: missing field `domain_id`",
        ),
        (
            "?domain_id=e",
            job("new", "e", "") + &job("new", "d", ""),
            "400 ERROR_INVALID_PARAMETER: body: line 2, job new: domain_id: is `d` in the body and `e` in the address; they must agree",
        ),
        (
            "",
            job("new", "d", "\"life\":[{\"after\":1,\"status\":\"ERROR\"}]"),
            "400 ERROR_INVALID_PARAMETER: body: line 1, job new: `life`: only a mock plays lives",
        ),
        (
            "?on_conflict=merge",
            String::new(),
            "400 ERROR_INVALID_PARAMETER: on_conflict: unknown value `merge`; known are replace, skip, fail",
        ),
    ] {
        let error = add(query, "application/x-ndjson", body).error();
        assert!(
            error.starts_with(expected),
            "got: {error}\nwant: {expected}"
        );
    }
    assert_eq!(app.get("/jobdeck/domains").json(), before);
    // A large body is written in another way.
    let large: String = (0..9_000)
        .map(|n| job(&format!("{n:0100}"), "g", ""))
        .collect();
    assert!(large.len() > 1 << 20);
    assert_eq!(
        add("", "application/x-ndjson", large).json()["added"],
        9_000
    );
    let count = app.search(&json!({"domain_id": "g", "query": {"count_only": true}}));
    assert_eq!(count.json()["total_count"], 9_000);

    assert_eq!(
        app.bare("DELETE", "/jobdeck/jobs?domain_id=f").json(),
        json!({"deleted": 2})
    );
    assert_eq!(
        app.bare("DELETE", "/jobdeck/jobs?domain_id=f").json(),
        json!({"deleted": 0})
    );
    assert_eq!(jobs(&app, "d"), ["a CREATED", "old ERROR"]);
}

#[test]
fn a_job_gets_its_end_with_the_status_that_ends_it_and_loses_it_with_one_that_does_not() {
    const NOW: &str = "2022-06-20T12:00:00.000Z";
    const OWN: &str = "2022-06-19T00:00:00.000Z";
    let app = writable("");
    let path = "/jobdeck/jobs/j?domain_id=d";
    let check = |method: &str, body: Value, expected: Option<&str>| {
        let answer = app.json(method, path, &body);
        assert!(answer.status < 300, "{method} {body}: {}", answer.text);
        let found = &app.search(&json!({"domain_id": "d"})).json()["results"][0];
        assert_eq!(answer.json(), *found);
        let finished_at = found.get("finished_at").and_then(Value::as_str);
        assert_eq!(finished_at, expected, "{method} {body}");
    };
    for status in ["SUCCESS", "ERROR", "TIMEOUT", "CANCELED"] {
        check("PUT", json!({"status": status}), Some(NOW));
        check("PUT", json!({"status": "IN_PROGRESS"}), None);
        check("PATCH", json!({"status": status}), Some(NOW));
        check("PATCH", json!({"status": "CREATED"}), None);
        check(
            "PATCH",
            json!({"status": status, "finished_at": OWN}),
            Some(OWN),
        );
        check("PATCH", json!({"status": status}), Some(OWN));
        check("PATCH", json!({"total_tasks": 1}), Some(OWN));
    }
    check("PATCH", json!({"status": "SUCCESS"}), Some(NOW));
    check("PATCH", json!({"finished_at": null}), None);
    check(
        "PUT",
        json!({"status": "ERROR", "created_at": "2022-06-20T12:00:01Z"}),
        Some("2022-06-20T12:00:01.000Z"),
    );
    let expected = "400 ERROR_INVALID_PARAMETER: body: `finished_at`: a job with the status IN_PROGRESS has not ended";
    for method in ["PUT", "PATCH"] {
        let running = json!({"status": "IN_PROGRESS", "finished_at": OWN});
        let error = app.json(method, path, &running).error();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn jobs_that_are_added_are_taken_as_they_are_and_get_ids() {
    let app = writable("");
    let add = |query: &str, key: Option<&str>, body: Value| {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let path = format!("/jobdeck/jobs?domain_id=d{query}");
        app.send("POST", &path, &headers, Some(body.to_string().as_bytes()))
    };
    let ids = |answer: &Value| -> Vec<String> {
        serde_json::from_value(answer["job_ids"].clone()).unwrap()
    };
    let body = json!([
        {"status": "SUCCESS"},
        {"job_id": "own", "status": "SUCCESS", "created_at": "2022-06-01T00:00:00Z"},
        {"status": "ERROR", "created_at": "2022-06-01T00:00:00Z"}
    ]);
    let first = add("", None, body.clone()).json();
    assert_eq!(first["added"], 3);
    let made = ids(&first);
    assert_eq!(made.len(), 2);
    let is_id = |id: &String| {
        id.len() == 16 && id.starts_with("job-") && id[4..].bytes().all(|b| b.is_ascii_hexdigit())
    };
    assert!(made.iter().all(is_id), "{made:?}");
    let ended = |id: &str| {
        let filter = json!([{"k": "job_id", "v": id, "o": "eq"}]);
        let found = app.search(&json!({"domain_id": "d", "query": {"filter": filter}}));
        found.json()["results"][0].get("finished_at").cloned()
    };
    assert_eq!(ended(&made[0]), Some(json!("2022-06-20T12:00:00.000Z")));
    assert_eq!([ended("own"), ended(&made[1])], [None, None]);
    // Without a key the jobs are others.
    let again = add("", None, body.clone()).json();
    assert_eq!(again["replaced"], 1);
    assert!(ids(&again).iter().all(|id| !made.contains(id)));

    for on_conflict in ["", "&on_conflict=skip", "&on_conflict=fail"] {
        let key = format!("key-{on_conflict}");
        let body = json!([{"total_tasks": 1}, {"total_tasks": 2}]);
        let first = add(on_conflict, Some(&key), body.clone()).json();
        assert_eq!(first["added"], 2, "{first}");
        let path = format!("/jobdeck/jobs/{}?domain_id=d", ids(&first)[0]);
        app.json("PATCH", &path, &json!({"status": "SUCCESS"}));
        let again = add(on_conflict, Some(&key), body).json();
        assert_eq!((&again["added"], &again["skipped"]), (&json!(0), &json!(2)));
        assert_eq!(ids(&again), ids(&first));
        assert!(ended(&ids(&first)[0]).is_some(), "what came between stays");
    }
    let long = "k".repeat(256);
    for key in ["", " ", "a b", &long, "\u{e9}"] {
        let error = add("", Some(key), json!([{}])).error();
        let expected = "400 ERROR_INVALID_PARAMETER: idempotency-key: expected one key of 1 to 255";
        assert!(error.starts_with(expected), "{key:?}: {error}");
    }
    let many = vec![json!({}); 10_001];
    let error = add("", None, json!(many)).error();
    assert!(
        error.contains("missing `job_id`: a request gets ids for 10000 jobs at most"),
        "{error}"
    );
}

/// Method, path, body, and how the error begins.
const FAULTS: [(&str, &str, &str, &str); 15] = [
    (
        "PUT",
        "/jobdeck/jobs/a",
        "{}",
        "400 ERROR_REQUIRED_PARAMETER: Required parameter. (key = domain_id)",
    ),
    (
        "PUT",
        "/jobdeck/jobs/a?domain_id=d&x=1",
        "{}",
        "400 ERROR_INVALID_PARAMETER: x: unknown parameter `x`; known are domain_id",
    ),
    (
        "PUT",
        "/jobdeck/jobs/a?domain_id=d&domain_id=d",
        "{}",
        "400 ERROR_INVALID_PARAMETER: domain_id: given twice",
    ),
    (
        "PUT",
        "/jobdeck/jobs/a?domain_id=d",
        r#"{"job_id": "b"}"#,
        "400 ERROR_INVALID_PARAMETER: job_id: is `b` in the body and `a` in the address; they must agree",
    ),
    (
        "PUT",
        "/jobdeck/jobs/a?domain_id=d",
        r#"{"domain_id": "e"}"#,
        "400 ERROR_INVALID_PARAMETER: domain_id: is `e` in the body and `d` in the address; they must agree",
    ),
    (
        "PUT",
        "/jobdeck/jobs/a?domain_id=d",
        "{\n\"status\": \"DONE\"}",
        "400 ERROR_INVALID_PARAMETER: body: line 2, column 11, field status: unknown status `DONE`; known are",
    ),
    (
        "PUT",
        "/jobdeck/jobs/a?domain_id=d",
        "{",
        "400 ERROR_JSON_FORMAT: the body is not JSON: EOF while parsing an object at line 1 column 1",
    ),
    (
        "PUT",
        "/jobdeck/jobs/a?domain_id=d",
        r#"{"life": [{"after": 1, "status": "ERROR"}]}"#,
        "400 ERROR_INVALID_PARAMETER: body: `life`: only a mock plays lives",
    ),
    (
        "PATCH",
        "/jobdeck/jobs/a?domain_id=d",
        r#"{"total_tasks": -1}"#,
        "400 ERROR_INVALID_PARAMETER: total_tasks: invalid value: integer `-1`",
    ),
    (
        "PATCH",
        "/jobdeck/jobs/a?domain_id=d",
        r#"{"domain_id": "e"}"#,
        "400 ERROR_INVALID_PARAMETER: domain_id: a patch can't move a job; it is `d`",
    ),
    (
        "PATCH",
        "/jobdeck/jobs/a?domain_id=d",
        r#"{"job_id": null}"#,
        "400 ERROR_INVALID_PARAMETER: job_id: a patch can't move a job; it is `a`",
    ),
    (
        "PATCH",
        "/jobdeck/jobs/a?domain_id=d",
        "[]",
        "400 ERROR_INVALID_PARAMETER: body: line 1, column 1: invalid type: sequence, expected an object",
    ),
    (
        "PATCH",
        "/jobdeck/jobs/b?domain_id=d",
        "{}",
        "404 ERROR_NOT_FOUND: there is no job `b` in domain `d`",
    ),
    (
        "PATCH",
        "/jobdeck/jobs/a",
        "{}",
        "400 ERROR_REQUIRED_PARAMETER: Required parameter. (key = domain_id)",
    ),
    (
        "POST",
        "/jobdeck/jobs/a?domain_id=d",
        "{}",
        "405 ERROR_METHOD_NOT_ALLOWED: POST is not allowed here; allowed are PUT, PATCH, DELETE",
    ),
];

#[test]
fn a_wrong_write_is_refused_with_its_place_and_changes_nothing() {
    let app = writable(&job("a", "d", "\"status\":\"SUCCESS\""));
    let before = app.search(&json!({"domain_id": "d"})).text;
    for (method, path, body, expected) in FAULTS {
        let answer = app.send(
            method,
            path,
            &[("content-type", "application/json")],
            Some(body.as_bytes()),
        );
        let error = answer.error();
        assert!(
            error.starts_with(expected),
            "{method} {path} {body}\n got: {error}\nwant: {expected}"
        );
    }
    assert_eq!(
        app.bare("DELETE", "/jobdeck/jobs").error(),
        "400 ERROR_REQUIRED_PARAMETER: Required parameter. (key = domain_id)"
    );
    let long = format!("/jobdeck/jobs/{}?domain_id=d", "x".repeat(257));
    let error = app.json("PUT", &long, &json!({})).error();
    assert!(
        error.starts_with("400 ERROR_INVALID_PARAMETER: job_id: "),
        "{error}"
    );
    let form = app.send(
        "POST",
        "/jobdeck/jobs",
        &[("content-type", "text/plain")],
        Some(b"a"),
    );
    assert_eq!(
        form.error(),
        "415 ERROR_UNSUPPORTED_MEDIA_TYPE: the body came as text/plain; send it with the header \
         `content-type: application/x-ndjson`"
    );
    assert_eq!(app.search(&json!({"domain_id": "d"})).text, before);
}

#[test]
fn a_write_is_seen_by_the_next_read_and_changes_the_version() {
    let app = writable("");
    let tag = app
        .get("/jobdeck/domains")
        .header("etag")
        .unwrap()
        .to_owned();
    for number in 0..50 {
        let path = format!("/jobdeck/jobs/j{number}?domain_id=d");
        assert_eq!(app.json("PUT", &path, &json!({})).status, 201);
        let count = app
            .get("/inventory/v1/jobs?domain_id=d&query.count_only=true")
            .json();
        assert_eq!(count["total_count"], number + 1);
    }
    let headers = [("if-none-match", tag.as_str())];
    assert_eq!(
        app.send("GET", "/jobdeck/domains", &headers, None).status,
        200
    );
}

#[test]
fn without_the_switch_there_are_no_writing_routes() {
    let check = |app: &App, method: &str, path: &str, switch: &str| {
        let error = app.json(method, path, &json!({})).error();
        let place = path.split('?').next().unwrap();
        let expected = format!(
            "404 ERROR_NOT_FOUND: there is no {place} here; `jobdeck serve {switch}` has it"
        );
        assert_eq!(error, expected, "{method}");
    };
    let app = App::with_jobs(job("a", "d", ""));
    check(&app, "PUT", "/jobdeck/jobs/a?domain_id=d", "--writable");
    check(&app, "DELETE", "/jobdeck/jobs?domain_id=d", "--writable");
    check(&app, "POST", "/jobdeck/jobs", "--writable");
    check(&app, "POST", "/jobdeck/reset", "--mock");
    check(&app, "GET", "/jobdeck/clock", "--mock");
    check(
        &writable(""),
        "POST",
        "/jobdeck/snapshots/x/restore",
        "--mock",
    );
}
