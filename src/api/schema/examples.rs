//! The examples of the OpenAPI document. A test sends every request among them to a server with the demo's jobs.

use serde_json::{Value, json};

use crate::job::of_today;
use crate::transfer::csv;

/// The first domain of the demo, which is always the same.
const DOMAIN: &str = "domain-67094cea8ca4";

pub(crate) fn search_page() -> Value {
    json!({"domain_id": DOMAIN, "status": "ERROR", "query": {"page": {"start": 1, "limit": 30}}})
}

pub(crate) fn search_filter() -> Value {
    json!({
        "domain_id": DOMAIN,
        "query": {
            "filter": [
                {"k": "collector_info.provider", "v": ["aws", "azure"], "o": "in"},
                {"k": "errors.error_code", "v": "quota", "o": "contain"},
                {"k": "created_at", "v": "now - 7d", "o": "timediff_gte"}
            ],
            "sort": {"key": "created_at", "desc": true},
            "page": {"start": 1, "limit": 30},
            "only": ["job_id", "errors.message", "created_at"]
        }
    })
}

pub(crate) fn search_count() -> Value {
    json!({
        "domain_id": DOMAIN,
        "query": {"keyword": "job", "filter_or": [{"key": "total_tasks", "value": 10, "operator": "gt"}], "count_only": true}
    })
}

pub(crate) fn today_list() -> Value {
    json!({
        "domain_id": DOMAIN,
        "query": {
            "filter": [{"k": "status", "v": ["FAILURE"], "o": "in"}],
            "sort": [{"key": "created_at", "desc": true}],
            "page": {"start": 1, "limit": 30}
        }
    })
}

pub(crate) fn today_count() -> Value {
    json!({
        "domain_id": DOMAIN,
        "query": {"filter": [{"k": "collector_id", "v": "collector-8d3a51f20c7e", "o": "eq"}], "count_only": true}
    })
}

pub(crate) fn today_get() -> Value {
    json!({"domain_id": DOMAIN, "job_id": "job-1"})
}

pub(crate) fn today_delete() -> Value {
    json!({"domain_id": DOMAIN, "job_id": "job-1"})
}

pub(crate) fn suggest() -> Value {
    json!({
        "domain_id": DOMAIN,
        "resource_type": "inventory.Job",
        "distinct_key": "job_id",
        "search": "job-",
        "options": {"limit": 10}
    })
}

pub(crate) fn analyze_collectors() -> Value {
    json!({
        "domain_id": DOMAIN,
        "query": {
            "group_by": ["collector_id"],
            "fields": {
                "jobs": {"operator": "count"},
                "tasks": {"operator": "sum", "key": "total_tasks"}
            },
            "sort": [{"key": "jobs", "desc": true}],
            "page": {"limit": 5}
        }
    })
}

pub(crate) fn analyze_totals() -> Value {
    json!({
        "domain_id": DOMAIN,
        "query": {
            "group_by": ["collector_info.provider", "status"],
            "field_group": ["status"],
            "fields": {"jobs": {"operator": "count"}},
            "sort": [{"key": "jobs", "desc": true}]
        }
    })
}

/// The answer of [`analyze_totals`].
pub(crate) fn analysis() -> Value {
    json!({"results": [{
        "provider": "aws",
        "_total_jobs": 1690,
        "jobs": [{"value": 127, "status": "FAILURE"}, {"value": 1563, "status": "SUCCESS"}]
    }]})
}

pub(crate) fn stats_of_today() -> Value {
    json!({"results": [{"status": "FAILURE", "jobs": 241}, {"status": "SUCCESS", "jobs": 3100}]})
}

pub(crate) fn jobs_of_today() -> Value {
    json!({"results": [job_of_today()], "total_count": 1})
}

/// A job as today's routes answer it.
pub(crate) fn job_of_today() -> Value {
    match job() {
        Value::Object(job) => Value::Object(of_today(job)),
        other => other,
    }
}

pub(crate) fn jobs() -> Value {
    json!({"results": [job()], "total_count": 1})
}

/// A job as it is answered.
pub(crate) fn job() -> Value {
    json!({
        "job_id": "job-3f1c6a0d92b4",
        "status": "ERROR",
        "filter": {"region_code": "eu-west-1"},
        "total_tasks": 12,
        "remained_tasks": 3,
        "errors": [{
            "error_code": "ERROR_QUOTA_EXCEEDED",
            "message": "The provider throttles requests: rate exceeded.",
            "additional": {"region_code": "eu-west-1"}
        }],
        "collector_info": {
            "collector_id": "collector-8d3a51f20c7e",
            "name": "AWS EC2",
            "provider": "aws",
            "plugin_info": {"plugin_id": "plugin-5b7c21", "version": "1.4.2", "options": {}}
        },
        "project_id": "project-1c9e04b7a6d2",
        "domain_id": DOMAIN,
        "created_at": "2026-01-01T08:00:00.000Z",
        "updated_at": "2026-01-01T08:04:10.000Z",
        "finished_at": "2026-01-01T08:04:10.000Z"
    })
}

/// The file of an export with one job, as CSV.
pub(crate) fn export_csv() -> String {
    let mut file = Vec::new();
    csv::write_head(&mut file);
    // Only what is no document fails.
    let _ = csv::write_job(&job().to_string(), &mut file);
    String::from_utf8_lossy(&file).into_owned()
}

/// The same, as NDJSON.
pub(crate) fn export_ndjson() -> String {
    format!("{}\n", job())
}

/// An overview of an hour, in buckets of an hour.
pub(crate) fn overview() -> Value {
    let statuses = |success: u64, error: u64, in_progress: u64| {
        json!({
            "CREATED": 0, "CANCELED": 0, "IN_PROGRESS": in_progress, "SUCCESS": success, "ERROR": error, "TIMEOUT": 0
        })
    };
    let running = json!({
        "job_id": "job-77b0e4c1d5f2",
        "collector_id": "collector-8d3a51f20c7e",
        "name": "AWS EC2",
        "since": "2026-01-01T08:20:00.000Z",
        "usual": {"median": 240_000, "p95": 310_000}
    });
    json!({
        "from": "2026-01-01T08:00:00.000Z",
        "to": "2026-01-01T09:00:00.000Z",
        "bucket": "1h",
        "totals": {
            "jobs": 6,
            "statuses": statuses(4, 1, 1),
            "failed": 1,
            "success_rate": 0.8,
            "durations": {"count": 5, "average": 244_200.0, "median": 240_000, "p90": 310_000, "p95": 310_000, "p99": 310_000, "max": 310_000}
        },
        "previous": {
            "from": "2026-01-01T07:00:00.000Z",
            "to": "2026-01-01T08:00:00.000Z",
            "totals": {
                "jobs": 0,
                "statuses": statuses(0, 0, 0),
                "failed": 0,
                "success_rate": null,
                "durations": {"count": 0, "average": null, "median": null, "p90": null, "p95": null, "p99": null, "max": null}
            }
        },
        "buckets": [{
            "start": "2026-01-01T08:00:00.000Z",
            "end": "2026-01-01T09:00:00.000Z",
            "is_part": false,
            "statuses": statuses(4, 1, 1),
            "durations": {"count": 5, "median": 240_000, "p95": 310_000}
        }],
        "running": {"count": 1, "jobs": [running]},
        "stuck": {"count": 1, "jobs": [running]},
        "collectors": {
            "results": [{
                "collector_id": "collector-8d3a51f20c7e",
                "name": "AWS EC2",
                "runs": 5,
                "failed": 1,
                "rate": 0.2,
                "streak": 1,
                "streak_since": "2026-01-01T08:10:00.000Z",
                "is_flaky": false,
                "last_success": {"job_id": "job-3f1c6a0d92b3", "created_at": "2026-01-01T08:00:00.000Z"},
                "last_failure": {"job_id": "job-3f1c6a0d92b4", "created_at": "2026-01-01T08:10:00.000Z"},
                "usual": {"median": 240_000, "p95": 310_000},
                "successes": {"count": 4, "median": 230_000, "p95": 240_000},
                "previous": {"runs": 0, "failed": 0, "successes": {"count": 0, "median": null, "p95": null}},
                "last_runs": [
                    {"job_id": "job-77b0e4c1d5f2", "status": "IN_PROGRESS", "created_at": "2026-01-01T08:20:00.000Z", "duration": null},
                    {"job_id": "job-3f1c6a0d92b4", "status": "ERROR", "created_at": "2026-01-01T08:10:00.000Z", "duration": 310_000}
                ]
            }],
            "more": 0
        },
        "errors": {
            "results": [{
                "error_code": "ERROR_QUOTA_EXCEEDED",
                "message": "The provider throttles requests: <n> of <n> left in <value>.",
                "errors": 1,
                "jobs": 1,
                "collectors": 1,
                "first_seen": "2026-01-01T08:10:00.000Z",
                "last_seen": "2026-01-01T08:10:00.000Z",
                "example": {
                    "job_id": "job-3f1c6a0d92b4",
                    "message": "The provider throttles requests: 0 of 400 left in 'eu-west-1'."
                },
                "counts": [1]
            }],
            "more": 0,
            "ungrouped": 0
        }
    })
}

pub(crate) fn stat_by_status() -> Value {
    json!({
        "domain_id": DOMAIN,
        "query": {"aggregate": [
            {"group": {
                "keys": [{"key": "status", "name": "status"}],
                "fields": [{"name": "count", "operator": "count"}]
            }},
            {"sort": {"key": "count", "desc": true}}
        ]}
    })
}

pub(crate) fn stat_by_day() -> Value {
    let count = |name: &str, status: &str| {
        json!({
            "name": name,
            "operator": "count",
            "conditions": [{"key": "status", "operator": "eq", "value": status}]
        })
    };
    json!({
        "domain_id": DOMAIN,
        "query": {
            "filter": [{"k": "created_at", "v": "now/d - 14d", "o": "timediff_gte"}],
            "aggregate": [
                {"group": {
                    "keys": [{"key": "created_at", "name": "date", "date_format": "%Y-%m-%d"}],
                    "fields": [count("success", "SUCCESS"), count("error", "ERROR")]
                }},
                {"sort": {"key": "date"}}
            ]
        }
    })
}

pub(crate) fn stat_share_of_failures() -> Value {
    json!({
        "domain_id": DOMAIN,
        "query": {"aggregate": [
            {"group": {
                "keys": [{"key": "project_id", "name": "project_id"}],
                "fields": [
                    {"name": "all", "operator": "count"},
                    {
                        "name": "failed",
                        "operator": "count",
                        "conditions": [{"key": "status", "operator": "eq", "value": "ERROR"}]
                    }
                ]
            }},
            {"project": {"fields": [
                {"name": "share", "operator": "divide", "fields": ["failed", "all"]},
                {"name": "all", "key": "all"}
            ]}},
            {"sort": {"key": "share", "desc": true}},
            {"limit": 10}
        ]}
    })
}

pub(crate) fn stat_percentiles() -> Value {
    json!({
        "domain_id": DOMAIN,
        "query": {"aggregate": [
            {"project": {"fields": [
                {"name": "collector", "key": "collector_info.name"},
                {"name": "millis", "operator": "subtract", "fields": ["finished_at", "created_at"]}
            ]}},
            {"group": {
                "keys": [{"key": "collector", "name": "collector"}],
                "fields": [
                    {"name": "median", "operator": "median", "key": "millis"},
                    {"name": "p95", "operator": "percentile", "percent": 95, "key": "millis"}
                ]
            }},
            {"sort": {"key": "p95", "desc": true}},
            {"limit": 10}
        ]}
    })
}

pub(crate) fn percentiles() -> Value {
    json!({"results": [{"collector": "AWS collector", "median": 64_000, "p95": 190_500}]})
}

pub(crate) fn stat_error_codes() -> Value {
    json!({
        "domain_id": DOMAIN,
        "query": {"aggregate": [
            {"unwind": {"path": "errors"}},
            {"group": {
                "keys": [{"key": "errors.error_code", "name": "code"}],
                "fields": [{"name": "jobs", "operator": "push", "fields": [{"key": "job_id", "name": "job_id"}]}]
            }},
            {"skip": 1},
            {"count": {"name": "codes"}}
        ]}
    })
}

pub(crate) fn stat_distinct() -> Value {
    json!({"domain_id": DOMAIN, "query": {"distinct": "collector_id", "page": {"limit": 10}}})
}

pub(crate) fn stats() -> Value {
    json!({"results": [{"status": "SUCCESS", "count": 2871}, {"status": "ERROR", "count": 204}]})
}

pub(crate) fn values() -> Value {
    json!({"results": ["collector-8d3a51f20c7e", "collector-b02f6e94d183"], "total_count": 2})
}

/// A job as it is put.
pub(crate) fn draft() -> Value {
    json!({
        "domain_id": DOMAIN,
        "status": "ERROR",
        "filter": {"region_code": "eu-west-1"},
        "total_tasks": 12,
        "remained_tasks": 3,
        "errors": [{"error_code": "ERROR_QUOTA_EXCEEDED", "message": "The provider throttles requests: rate exceeded."}],
        "collector_info": {"collector_id": "collector-8d3a51f20c7e", "name": "AWS EC2", "provider": "aws"},
        "project_id": "project-1c9e04b7a6d2",
        "created_at": "2026-01-01T08:00:00Z",
        "finished_at": "2026-01-01T08:04:10Z"
    })
}

/// A job that a mock plays.
pub(crate) fn life() -> Value {
    json!({
        "domain_id": DOMAIN,
        "total_tasks": 3,
        "life": [
            {"after": 2, "status": "IN_PROGRESS"},
            {"after": 12.5, "status": "ERROR", "remained_tasks": 1, "errors": [{"error_code": "ERROR_QUOTA_EXCEEDED"}]}
        ]
    })
}

/// A job with the members of today's SpaceONE.
pub(crate) fn draft_of_today() -> Value {
    json!({
        "domain_id": DOMAIN,
        "status": "SUCCESS",
        "total_tasks": 3,
        "success_tasks": 2,
        "failure_tasks": 1,
        "secret_id": "secret-77b0e4c1d5f2",
        "resource_group": "WORKSPACE",
        "workspace_id": "workspace-4e8f1a2b6c90"
    })
}

pub(crate) fn patch_success() -> Value {
    json!({"status": "SUCCESS", "remained_tasks": 0, "finished_at": "2026-01-01T08:05:00Z"})
}

pub(crate) fn patch_removal() -> Value {
    json!({"project_id": null, "filter": {"region_code": null}})
}

pub(crate) fn jobs_to_add() -> [Value; 2] {
    let job = |id: &str, status: &str| json!({"job_id": id, "domain_id": DOMAIN, "status": status});
    [job("job-2", "SUCCESS"), job("job-3", "ERROR")]
}

/// The same, a job a line.
pub(crate) fn lines_to_add() -> String {
    jobs_to_add().map(|job| format!("{job}\n")).concat()
}

pub(crate) fn snapshot() -> Value {
    json!({"name": "before-import", "domain_id": null, "jobs": 5000, "saved_at": "2026-01-01T12:00:00.000Z"})
}

pub(crate) fn fault_error() -> Value {
    json!({"route": "search", "times": 2, "code": "ERROR_UNAVAILABLE", "message": "the inventory restarts"})
}

pub(crate) fn fault_delay() -> Value {
    json!({"domain_id": DOMAIN, "delay": [0.1, 0.5], "seed": 7})
}

/// A fault as it is listed.
pub(crate) fn fault_set() -> Value {
    let mut fault = json!({"id": "fault-1"});
    json_patch::merge(&mut fault, &fault_error());
    json_patch::merge(&mut fault, &json!({"used": 1, "holding": 0}));
    fault
}

pub(crate) fn journal() -> Value {
    json!({
        "results": [{
            "id": 1,
            "at": "2026-01-01T12:00:00.000Z",
            "request_id": "7f3c2b9e10d4a856",
            "method": "POST",
            "path": "/inventory/v1/jobs/search",
            "query": "",
            "headers": {"content-type": "application/json", "host": "127.0.0.1:8080"},
            "route": "search",
            "domain_id": DOMAIN,
            "job_id": null,
            "body": search_page(),
            "is_body_cut": false,
            "status": 200,
            "answer": {"results": [], "total_count": 0},
            "is_answer_cut": false,
            "milliseconds": 1.25,
            "faults": []
        }],
        "total_count": 1
    })
}

pub(crate) fn notifications() -> Value {
    json!({
        "rules": [{
            "name": "nightly",
            "domain_id": DOMAIN,
            "on": ["failed", "recovered"],
            "host": "hooks.slack.com",
            "headers": [],
            "pending": 1,
            "delivered": 12,
            "failed": 2
        }],
        "deliveries": [{
            "rule": "nightly",
            "events": 1,
            "attempts": 2,
            "first_at": "2026-01-01T12:00:00.000Z",
            "last_at": "2026-01-01T12:00:01.000Z",
            "next_at": "2026-01-01T12:00:03.000Z",
            "status": 503,
            "answer": "Service Unavailable"
        }]
    })
}
