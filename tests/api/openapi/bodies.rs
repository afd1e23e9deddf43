//! The schemas of the bodies that write jobs, faults and the clock accept what the server accepts, and refuse what it
//! refuses. Only of a job the server reads more than its schema describes: the forms that other programs write.

use serde_json::{Value, json};

use super::document::Document;
use crate::app::{App, Setup, job};

/// Checks that server and schema both accept each of these bodies, or both refuse it.
fn check_mock_bodies(expected: bool, method: &str, path: &str, schema: &str, bodies: &[Value]) {
    let app = App::mock(job("j", "d", ""));
    let document = Document::of(&app);
    let schema = document.named(schema);
    for body in bodies {
        let answer = app.json(method, path, body);
        let is_accepted = [200, 201].contains(&answer.status);
        assert_eq!(is_accepted, expected, "{body}: {}", answer.text);
        assert!(
            is_accepted || answer.status == 400,
            "{body}: {}",
            answer.text
        );
        assert_eq!(schema.is_valid(body), expected, "{body}");
    }
}

#[test]
fn the_schema_of_a_job_accepts_what_the_server_accepts() {
    const PUT: (&str, &str, &str) = ("PUT", "/jobdeck/jobs/j?domain_id=d", "JobDraft");
    let (method, path, schema) = PUT;
    let life = |steps: Value| json!({"total_tasks": 3, "life": steps});
    let step = |members: Value| life(json!([members]));
    check_mock_bodies(
        true,
        method,
        path,
        schema,
        &[
            json!({}),
            json!({"job_id": "j", "domain_id": "d"}),
            json!({"updated_at": null, "finished_at": null, "project_id": null, "collector_info": null, "life": null}),
            json!({"status": "CANCELED", "remained_tasks": -1, "created_at": "2022-06-17T10:00:00+02:00"}),
            json!({"filter": {"a": [1, null]}, "errors": [{}, {"error_code": "E", "message": null, "additional": {"a": 1}}]}),
            json!({
                "workspace_id": "w", "resource_group": "DOMAIN", "secret_id": null, "request_secret_id": "s",
                "request_workspace_id": "w", "success_tasks": 0, "failure_tasks": null
            }),
            json!({"collector_info": {"collector_id": "c", "state": null, "plugin_info": {"options": {}}, "other": 5}}),
            step(json!({"after": 0, "status": "SUCCESS"})),
            life(
                json!([{"after": 0.5, "status": "IN_PROGRESS", "remained_tasks": 2}, {"after": 5, "status": "ERROR", "errors": [{}]}]),
            ),
        ],
    );
    check_mock_bodies(
        false,
        method,
        path,
        schema,
        &[
            json!([]),
            json!({"domain_id": 5}),
            json!({"status": "DONE"}),
            json!({"total_tasks": -1}),
            json!({"total_tasks": 2_147_483_648_i64}),
            json!({"total_tasks": "three"}),
            json!({"created_at": "yesterday"}),
            json!({"finished_at": 20_260_101}),
            json!({"filter": [1]}),
            json!({"errors": [{"code": "E"}]}),
            json!({"failure_tasks": -1}),
            json!({"success_tasks": 2_147_483_648_i64}),
            json!({"workspace_id": 5}),
            json!({"resource_group": "x".repeat(257)}),
            json!({"collector_info": {"collector_id": 5}}),
            json!({"collector_info": {"plugin_info": {"version": 1}}}),
            json!({"stauts": "ERROR"}),
            life(json!([])),
            life(json!({})),
            step(json!({"after": -1, "status": "SUCCESS"})),
            step(json!({"after": 315_360_001, "status": "SUCCESS"})),
            step(json!({"status": "SUCCESS"})),
            step(json!({"after": 1, "status": "SUCCESS", "remained_tasks": null})),
            step(json!({"after": 1, "state": "SUCCESS"})),
        ],
    );
}

#[test]
fn the_server_translates_jobs_that_the_schema_does_not_describe() {
    let app = App::mock(String::new());
    let document = Document::of(&app);
    let schema = document.named("JobDraft");
    for body in [
        json!({"job_id": ""}),
        json!({"job_id": null}),
        json!({"status": null}),
        json!({"status": 4}),
        json!({"status": "FAILURE"}),
        json!({"total_tasks": "3"}),
        json!({"remained_tasks": null}),
        json!({"created_at": null}),
        json!({"status": "ERROR", "finished_at": "2022-06-17"}),
        json!({"filter": null}),
        json!({"filter": []}),
        json!({"errors": null}),
        json!({"errors": [{"errorCode": "E"}]}),
        json!({"collector_id": "c"}),
        json!({"collectorInfo": {"pluginInfo": {"pluginId": "p"}}}),
    ] {
        let answer = app.json("PUT", "/jobdeck/jobs/j?domain_id=d", &body);
        assert!(
            [200, 201].contains(&answer.status),
            "{body}: {}",
            answer.text
        );
        assert!(!schema.is_valid(&body), "{body}");
    }
}

#[test]
fn the_schema_of_a_patch_accepts_what_the_server_accepts() {
    const PATCH: (&str, &str, &str) = ("PATCH", "/jobdeck/jobs/j?domain_id=d", "JobPatch");
    let (method, path, schema) = PATCH;
    check_mock_bodies(
        true,
        method,
        path,
        schema,
        &[
            json!({}),
            json!({"job_id": "j", "domain_id": "d"}),
            json!({
                "status": null, "filter": null, "total_tasks": null, "remained_tasks": null, "errors": null, "created_at": null,
                "updated_at": null, "finished_at": null, "project_id": null, "collector_info": null, "life": null,
                "workspace_id": null, "resource_group": null, "secret_id": null, "request_secret_id": null,
                "request_workspace_id": null, "success_tasks": null, "failure_tasks": null
            }),
            json!({"total_tasks": 3, "remained_tasks": 3, "life": [{"after": 1, "status": "SUCCESS"}]}),
        ],
    );
    check_mock_bodies(
        false,
        method,
        path,
        schema,
        &[
            json!([]),
            json!({"job_id": null}),
            json!({"domain_id": null}),
            json!({"status": "DONE"}),
            json!({"errors": [null]}),
            json!({"filter": 5}),
            json!({"stauts": "ERROR"}),
        ],
    );
}

#[test]
fn the_schema_of_several_jobs_accepts_what_the_server_accepts() {
    let (method, path, schema) = ("POST", "/jobdeck/jobs?domain_id=d", "JobsBody");
    check_mock_bodies(
        true,
        method,
        path,
        schema,
        &[
            json!([]),
            json!([{"job_id": "a"}, {"job_id": "b", "domain_id": "d"}]),
            json!({"results": [{"job_id": "a"}], "total_count": 7}),
            json!({"results": []}),
            json!({"job_id": "a"}),
            // Without an id, which is made.
            json!({}),
            json!([{}]),
            json!({"results": [{"status": "ERROR"}]}),
        ],
    );
    check_mock_bodies(
        false,
        method,
        path,
        schema,
        &[
            json!("a"),
            json!([[{"job_id": "a"}]]),
            json!([{"job_id": "a"}, null]),
            json!({"results": {"job_id": "a"}}),
        ],
    );
}

#[test]
fn the_schema_of_a_fault_accepts_what_the_server_accepts() {
    let (method, path, schema) = ("POST", "/jobdeck/faults", "Fault");
    check_mock_bodies(
        true,
        method,
        path,
        schema,
        &[
            json!({"code": 503}),
            json!({"code": "503", "times": null, "drop": false}),
            json!({"route": "/a/b", "domain_id": "d", "job_id": "j", "times": 1, "code": "ERROR_DB_QUERY", "message": "m"}),
            json!({"route": "put", "drop": true}),
            json!({"truncate": 0, "hold": true}),
            json!({"delay": 0.5}),
            json!({"delay": [0, 600], "seed": 0}),
        ],
    );
    check_mock_bodies(
        false,
        method,
        path,
        schema,
        &[
            json!([]),
            json!({}),
            json!({"hold": false}),
            json!({"drop": null, "hold": true}),
            json!({"code": null}),
            json!({"code": 399}),
            json!({"code": 600}),
            json!({"code": "ERROR_UNAVAILABEL"}),
            json!({"code": true}),
            json!({"code": 503, "route": "serch"}),
            json!({"code": 503, "route": "/a?b=c"}),
            json!({"code": 503, "domain_id": ""}),
            json!({"code": 503, "times": 0}),
            json!({"code": 503, "drop": true}),
            json!({"code": 503, "truncate": 0}),
            json!({"truncate": 5, "drop": true}),
            json!({"truncate": -1}),
            json!({"delay": 601}),
            json!({"delay": [1]}),
            json!({"delay": [1, 2, 3]}),
            json!({"delay": 1, "seed": 7}),
            json!({"delay": 1, "message": "m"}),
            json!({"code": 503, "mesage": "m"}),
        ],
    );
}

#[test]
fn the_schemas_of_the_clock_accept_what_the_server_accepts() {
    let (method, path, schema) = ("PUT", "/jobdeck/clock", "ClockSetting");
    check_mock_bodies(
        true,
        method,
        path,
        schema,
        &[
            json!({"now": "2022-06-17T08:00:00Z"}),
            json!({"now": null, "is_frozen": false}),
            json!({"now": "2022-06-17T08:00:00.5+01:00", "is_frozen": true}),
        ],
    );
    check_mock_bodies(
        false,
        method,
        path,
        schema,
        &[
            json!([]),
            json!({}),
            json!({"now": null, "is_frozen": null}),
            json!({"now": "nonsense"}),
            json!({"now": 5}),
            json!({"is_frozen": "yes"}),
            json!({"is_frozen": true, "speed": 2}),
        ],
    );
    let (method, path, schema) = ("POST", "/jobdeck/clock/advance", "ClockAdvance");
    check_mock_bodies(
        true,
        method,
        path,
        schema,
        &[json!({"seconds": 0}), json!({"seconds": 1.5})],
    );
    check_mock_bodies(
        false,
        method,
        path,
        schema,
        &[
            json!({}),
            json!({"seconds": null}),
            json!({"seconds": -1}),
            json!({"seconds": 3_155_760_001_i64}),
            json!({"seconds": "5"}),
            json!({"seconds": 1, "minutes": 1}),
        ],
    );
}

/// Only a mock accepts a life, in the server as in the document.
#[test]
fn a_writable_server_accepts_no_life() {
    let app = App::serve(Setup {
        is_writable: true,
        ..Setup::default()
    });
    let body = json!({"life": [{"after": 1, "status": "SUCCESS"}]});
    let answer = app.json("PUT", "/jobdeck/jobs/j?domain_id=d", &body);
    assert_eq!(answer.status, 400, "{}", answer.text);
    let document = Document::of(&app);
    assert!(!document.named("JobDraft").is_valid(&body));
    assert!(document.named("JobDraft").is_valid(&json!({})));
}
