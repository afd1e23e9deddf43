//! Golden files: each request of tests/golden with its SQL, the bound values, SQLite's plan, and the answer; and the index by
//! which SQLite finds the jobs of questions where it would choose a slow one.
//!
//! Read the files to learn how the compiler translates the language; a review of a change shows what it does to the
//! SQL. `JOBDECK_GOLDEN=rewrite cargo test --test golden` writes them again. A new case is a file with a `route` and a
//! `request`.
#![cfg(test)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jobdeck::demo::{Timeline, World};
use jobdeck::query::check::list;
use jobdeck::query::list::statements::{self, PageSql};
use jobdeck::query::request::{JobStatQuery, JobsQuery};
use jobdeck::query::sql::{Param, Sql};
use jobdeck::query::{compile_list, compile_stat};
use jobdeck::store::{Document, Interrupt, Mode, OnConflict, ReadTransaction, Store};
use jobdeck::time::Timestamp;
use serde_json::{Value, json};

const JOBS: u64 = 2_000;

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
}

/// Reads a database with made-up jobs.
fn read(act: impl FnOnce(&ReadTransaction<'_>)) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("golden.db"), Mode::Scratch, 1).unwrap();
    let world = World::new(1, 2);
    let timeline = Timeline::before(now(), 28, JOBS);
    let mut writer = store.writer().unwrap();
    let mut transaction = writer.begin(OnConflict::Fail).unwrap();
    for index in 0..JOBS {
        transaction
            .put(&world.life(&timeline, index).at(now()))
            .unwrap();
    }
    transaction.commit().unwrap();
    drop(writer);
    let interrupt = Arc::new(Interrupt::after(Duration::from_mins(1)));
    let mut reader = store.reader(&interrupt).unwrap();
    act(&reader.begin().unwrap());
}

#[test]
fn each_request_has_the_sql_the_plan_and_the_answer_of_its_file() {
    read(compare_files);
}

fn compare_files(transaction: &ReadTransaction<'_>) {
    let rewrite = std::env::var("JOBDECK_GOLDEN").is_ok_and(|value| value == "rewrite");
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = std::fs::read_dir(goldens)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 18, "only {} files", files.len());
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let golden: Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let made = run(transaction, &golden);
        let is_declared_empty =
            made["answer"]["results"] != json!([]) || golden["is_empty"] == true;
        assert!(
            is_declared_empty,
            "{}: an empty answer must say so: \"is_empty\": true",
            path.display()
        );
        let made = serde_json::to_string_pretty(&made).unwrap() + "\n";
        if rewrite {
            std::fs::write(&path, made).unwrap();
        } else {
            assert!(
                text == made,
                "{} has changed; JOBDECK_GOLDEN=rewrite writes it again, for a diff\n{made}",
                path.display()
            );
        }
    }
}

const FAILED: &str = r#"{"k":"status","v":["ERROR","TIMEOUT"],"o":"in"}"#;
const FAILED_IN_WEEK: &str = r#"{"k":"status","v":["ERROR","TIMEOUT"],"o":"in"},{"k":"created_at","v":"2025-12-25T00:00:00Z","o":"datetime_gte"}"#;
const WEEK: &str = r#"{"k":"created_at","v":"2025-12-25T00:00:00Z","o":"datetime_gte"}"#;
const COLLECTOR: &str = r#"{"k":"collector_id","v":"c","o":"eq"}"#;
const PROJECT: &str = r#"{"k":"project_id","v":"p","o":"eq"}"#;
const CODE: &str = r#"{"k":"errors.error_code","v":"E","o":"eq"}"#;
const TASKS: &str = r#"{"k":"total_tasks","v":100,"o":"gt"}"#;
const IDS: &str = r#"{"k":"job_id","v":["j"],"o":"in"}"#;

/// Checks how SQLite reads `jobs` for each question with a filter.
fn check_indexes(cases: &[(&str, &str, &str)]) {
    read(|transaction| {
        for (question, filter, index) in cases {
            let body = format!(r#"{{"domain_id":"d","query":{{{question},"filter":[{filter}]}}}}"#);
            let sql = if question.contains("page") {
                let request = JobsQuery::from_json(body.as_bytes()).unwrap();
                match statements::page(&list::check(&request, now()).unwrap(), true) {
                    PageSql::Ids(sql) | PageSql::Documents(sql) => sql,
                }
            } else {
                let request = JobStatQuery::from_json(body.as_bytes()).unwrap();
                let plan = compile_stat(&request, now()).unwrap();
                plan.statement().sql.clone()
            };
            let steps = transaction.plan(&sql).unwrap();
            let step = steps.iter().find(|step| step.contains(" jobs ")).unwrap();
            assert!(step.ends_with(index), "{body}\n{}\n{steps:#?}", sql.text());
        }
    });
}

#[test]
fn the_jobs_of_groups_are_found_by_the_index_of_the_filter() {
    let by = |keys: &[&str]| {
        let keys = keys.iter().enumerate();
        let keys = keys.map(|(at, key)| format!(r#"{{"key":"{key}","name":"k{at}"}}"#));
        let keys = keys.collect::<Vec<_>>().join(",");
        format!(
            r#"{{"group":{{"keys":[{keys}],"fields":[{{"name":"f","operator":"first","key":"job_id"}}]}}}}"#
        )
    };
    let aggregate = |stages: &str| format!(r#""aggregate":[{stages}]"#);
    let by_job = &aggregate(
        r#"{"group":{"keys":[{"key":"job_id","name":"i"}],"fields":[{"name":"n","operator":"count"}]}}"#,
    );
    let errors = &aggregate(&format!(
        r#"{{"unwind":{{"path":"errors"}}}},{}"#,
        by(&["errors.error_code", "job_id"])
    ));
    let by = |keys: &[&str]| aggregate(&by(keys));
    let in_project = "jobs_by_project (domain=? AND project_id=?)";
    let in_collector = "jobs_by_collector (domain=? AND collector_id=?)";
    let failed_in_week = "jobs_by_status (domain=? AND status=? AND created_at>?)";
    check_indexes(&[
        (by_job, FAILED, "jobs_by_status (domain=? AND status=?)"),
        (by_job, FAILED_IN_WEEK, failed_in_week),
        (by_job, WEEK, "jobs_by_time (domain=? AND created_at>?)"),
        (by_job, COLLECTOR, in_collector),
        (by_job, CODE, "jobs_with_errors (domain=?)"),
        (by_job, TASKS, "jobs_by_time (domain=?)"),
        (by_job, IDS, "jobs_by_id (domain=? AND job_id=?)"),
        (by_job, "", "COVERING INDEX jobs_by_id (domain=?)"),
        (errors, "", "jobs_with_errors (domain=?)"),
        (errors, WEEK, "jobs_with_errors (domain=? AND created_at>?)"),
        (errors, PROJECT, in_project),
        (
            &by(&["job_id", "status"]),
            IDS,
            "jobs_by_id (domain=? AND job_id=?)",
        ),
        (&by(&["project_id"]), COLLECTOR, in_collector),
        (&by(&["status"]), PROJECT, in_project),
        (&by(&["status"]), COLLECTOR, in_collector),
    ]);
}

#[test]
fn the_jobs_of_distinct_values_are_found_by_the_index_of_the_filter() {
    let distinct = |key: &str| format!(r#""distinct":"{key}""#);
    check_indexes(&[
        (
            &distinct("project_id"),
            COLLECTOR,
            "jobs_by_collector (domain=? AND collector_id=?)",
        ),
        (
            &distinct("job_id"),
            FAILED,
            "jobs_by_status (domain=? AND status=?)",
        ),
        (&distinct("status"), CODE, "jobs_with_errors (domain=?)"),
        (&distinct("status"), TASKS, "jobs_by_time (domain=?)"),
    ]);
}

#[test]
fn the_jobs_of_a_sorted_list_are_found_by_the_index_of_the_filter() {
    let sorted = |key: &str| format!(r#""sort":{{"key":"{key}"}},"page":{{"limit":30}}"#);
    let in_collector = "jobs_by_collector (domain=? AND collector_id=?)";
    let by_number = "jobs USING INTEGER PRIMARY KEY (rowid=?)";
    check_indexes(&[
        (&sorted("project_id"), COLLECTOR, in_collector),
        (&sorted("job_id"), COLLECTOR, in_collector),
        (
            &sorted("status"),
            PROJECT,
            "jobs_by_project (domain=? AND project_id=?)",
        ),
        (&sorted("total_tasks"), CODE, by_number),
        (&sorted("status"), CODE, by_number),
    ]);
}

fn run(transaction: &ReadTransaction<'_>, golden: &Value) -> Value {
    let mut made =
        json!({"about": golden["about"], "route": golden["route"], "request": golden["request"]});
    if golden["is_empty"] == true {
        made["is_empty"] = json!(true);
    }
    let body = golden["request"].to_string();
    if golden["route"] == "stat" {
        let stat = compile_stat(&JobStatQuery::from_json(body.as_bytes()).unwrap(), now()).unwrap();
        made["rows"] = statement(transaction, &stat.statement().sql);
        let mut out = b"[".to_vec();
        let count = transaction.stat(&stat, &mut out).unwrap();
        out.push(b']');
        made["answer"] = json!({"results": serde_json::from_slice::<Value>(&out).unwrap()});
        if stat.page.limit.is_some() {
            made["answer"]["total_count"] = json!(count);
        }
        return made;
    }
    let query = JobsQuery::from_json(body.as_bytes()).unwrap();
    let list = list::check(&query, now()).unwrap();
    if !query.query.count_only {
        if let PageSql::Ids(sql) = statements::page(&list, true) {
            made["ids"] = statement(transaction, &sql);
        }
        let PageSql::Documents(sql) = statements::page(&list, false) else {
            panic!("documents were wanted");
        };
        made["rows"] = statement(transaction, &sql);
    }
    made["count"] = statement(transaction, &statements::count(&list));
    let mut results = Vec::new();
    let mut each = |document: Document<'_>| {
        results.push(serde_json::from_str::<Value>(&document.to_text()).unwrap());
        Ok(())
    };
    let plan = compile_list(&query, now()).unwrap();
    let total = transaction.list(&plan, &mut each).unwrap();
    made["answer"] = json!({"results": results, "total_count": total});
    made
}

/// Returns a statement in a readable form: one line for each common table expression, then the values, then the plan.
fn statement(transaction: &ReadTransaction<'_>, sql: &Sql) -> Value {
    let mut text = sql.text().replace(") SELECT ", ")\nSELECT ");
    for number in 1..60 {
        text = text.replace(
            &format!("), s{number} AS "),
            &format!("),\n     s{number} AS "),
        );
    }
    let params: Vec<Value> = sql
        .params()
        .iter()
        .map(|param| match param {
            Param::Null => Value::Null,
            Param::Integer(integer) => json!(integer),
            Param::Real(real) => json!(real),
            Param::Text(text) => json!(text),
            Param::Blob(blob) => json!({"blob": blob}),
        })
        .collect();
    let lines: Vec<_> = text.lines().collect();
    json!({"sql": lines, "params": params, "plan": transaction.plan(sql).unwrap()})
}
