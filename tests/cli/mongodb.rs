//! `export --format mongodb`: what goes into SpaceONE's own collection is read back as the jobs that it has a place for.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::{folder, ok};

/// The jobs of a database, in the order of their ids.
fn jobs(folder: &Path, database: &str) -> Vec<Map<String, Value>> {
    let lines = ok(folder, &["export", "--db", database]);
    let jobs = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let mut jobs: Vec<Map<String, Value>> = jobs.collect();
    jobs.sort_by_key(|job| job["job_id"].to_string());
    jobs
}

/// Exports made-up jobs in a format, imports them again, and compares them with what `expected` makes of the former ones.
#[track_caller]
fn check(format: &str, expected: fn(&mut Map<String, Value>)) {
    let folder = folder();
    let here = folder.path();
    let generate = [
        "generate",
        "--jobs",
        "300",
        "--seed",
        "5",
        "--now",
        "2026-01-01T00:00:00Z",
        "--output",
        "made.ndjson",
    ];
    ok(here, &generate);
    ok(here, &["import", "made.ndjson"]);
    ok(
        here,
        &["export", "--format", format, "--output", "out.ndjson"],
    );
    ok(here, &["import", "--db", "again.db", "out.ndjson"]);
    let mut before = jobs(here, "jobdeck.db");
    before.iter_mut().for_each(expected);
    let after = jobs(here, "again.db");
    assert_eq!(after.len(), 300);
    for (after, before) in after.iter().zip(&before) {
        assert_eq!(after, before);
    }
}

/// Leaves of a collector the ids that are named, and nothing where it has none of them.
fn cut_collector(job: &mut Map<String, Value>, has_plugin: bool) {
    let Some(info) = job.remove("collector_info") else {
        return;
    };
    let mut cut = Map::new();
    if let Some(id) = info.get("collector_id") {
        cut.insert("collector_id".to_owned(), id.clone());
    }
    if let Some(id) = info["plugin_info"].get("plugin_id").filter(|_| has_plugin) {
        cut.insert("plugin_info".to_owned(), json!({"plugin_id": id}));
    }
    if !cut.is_empty() {
        job.insert("collector_info".to_owned(), cut.into());
    }
}

#[test]
fn the_jobs_of_the_first_generation_are_read_back() {
    check("mongodb-1", |job| {
        for name in [
            "success_tasks",
            "failure_tasks",
            "secret_id",
            "workspace_id",
        ] {
            job.remove(name);
        }
        cut_collector(job, false);
    });
}

#[test]
fn the_jobs_of_today_are_read_back() {
    check("mongodb", |job| {
        let status = match job["status"].as_str().unwrap() {
            "CREATED" => "IN_PROGRESS",
            "TIMEOUT" => "ERROR",
            other => other,
        };
        let number = |name: &str| job[name].as_i64().unwrap();
        let done = (number("total_tasks") - number("remained_tasks").max(0)).max(0);
        let failed = i64::try_from(job["errors"].as_array().unwrap().len())
            .unwrap()
            .min(done);
        job["status"] = status.into();
        job["filter"] = json!({});
        job["errors"] = json!([]);
        job.entry("failure_tasks").or_insert(failed.into());
        job.entry("success_tasks").or_insert((done - failed).into());
        cut_collector(job, true);
    });
}
