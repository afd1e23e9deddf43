//! Random queries over random jobs: the answers must be those of a naive evaluation.
//!
//! The seeds are fixed. `JOBDECK_ORACLE_CASES=100000 cargo test --test oracle` runs more cases.
#![cfg(test)]

#[path = "../api/app.rs"]
#[expect(
    dead_code,
    reason = "it is made for the tests of the API, which need more of it"
)]
mod app;
mod naive;
mod random;
mod stages;
mod tenancy;

use std::sync::Arc;
use std::time::Duration;

use jobdeck::clock::Clock;
use jobdeck::query::overview::{Overview, OverviewPlan, RangeTexts};
use jobdeck::query::request::{JobStatQuery, JobsQuery};
use jobdeck::query::{compile_list, compile_stat};
use jobdeck::store::{Document, Interrupt, Mode, OnConflict, Store, StoreError};
use jobdeck::time::Timestamp;
use jobdeck::transfer::{self, ImportRules, Source};
use naive::{Pipeline, Refusal, Row};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use random::{distinct_path, filters, indexed_filters, job};
use serde_json::{Value, json};
use stages::{counts, sort_of_jobs, stages};

const DATABASES: u32 = 12;
const JOBS: usize = 60;

/// Returns the number of cases over all databases together.
fn cases() -> u32 {
    std::env::var("JOBDECK_ORACLE_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3_000)
}

fn runner(cases: u32, seed: u8) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    TestRunner::new_with_rng(
        config,
        TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]),
    )
}

// The comparison

struct Database {
    store: Store,
    jobs: Vec<Row>,
    _folder: tempfile::TempDir,
}

impl Database {
    fn new(seed: u8) -> Self {
        let mut runner = runner(1, seed);
        let mut lines = String::new();
        for id in 0..JOBS {
            let mut value = job().new_tree(&mut runner).unwrap().current();
            value["job_id"] = json!(format!("j{id:03}"));
            lines.push_str(&value.to_string());
            lines.push('\n');
        }
        // The jobs of another domain, which no answer may have.
        lines += &lines.replace("\"domain_id\":\"d\"", "\"domain_id\":\"other\"");
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 2).unwrap();
        let source = Source::new("random", std::io::Cursor::new(lines));
        let rules = ImportRules::new(OnConflict::Fail, Clock::SYSTEM.now());
        transfer::import(&store, [source], rules).unwrap();
        let mut documents = Vec::new();
        let mut reader = store.reader(&forever()).unwrap();
        let mut each = |document: Document<'_>| {
            documents.push(document.to_text());
            Ok(())
        };
        reader.begin().unwrap().every_document(&mut each).unwrap();
        drop(reader);
        let mine = documents
            .iter()
            .filter(|document| document.contains("\"domain_id\":\"d\""));
        let jobs = mine.map(|document| naive::job(document)).collect();
        Self {
            store,
            jobs,
            _folder: folder,
        }
    }

    fn list(&self, query: &Value) -> (Vec<String>, usize) {
        let body = json!({"domain_id": "d", "query": query}).to_string();
        let plan = compile_list(
            &JobsQuery::from_json(body.as_bytes()).unwrap(),
            Timestamp::MIN,
        )
        .unwrap();
        let mut reader = self.store.reader(&forever()).unwrap();
        let transaction = reader.begin().unwrap();
        let mut ids = Vec::new();
        let mut each = |document: Document<'_>| {
            let job: Value = serde_json::from_str(&document.to_text()).unwrap();
            ids.push(job["job_id"].as_str().unwrap().to_owned());
            Ok(())
        };
        let total = transaction.list(&plan, &mut each).unwrap();
        (ids, usize::try_from(total).unwrap())
    }

    /// Returns the overview of all times.
    fn overview(&self, query: &Value) -> Overview {
        let body = json!({"domain_id": "d", "query": query}).to_string();
        let query = JobsQuery::from_json(body.as_bytes()).unwrap();
        let all = RangeTexts {
            from: Some("0000-01-01T00:00:00Z"),
            to: Some("9999-12-31T23:59:59.999Z"),
            bucket: None,
        };
        let plan = OverviewPlan::new(&query, all, Timestamp::MIN).unwrap();
        let mut reader = self.store.reader(&forever()).unwrap();
        let overview = reader.begin().unwrap().overview(&plan);
        overview.unwrap()
    }

    /// Returns the rows of the answer; `None` where it is an error of the query.
    fn stat(&self, query: &Value) -> Option<Vec<Value>> {
        let body = json!({"domain_id": "d", "query": query}).to_string();
        let stat = compile_stat(
            &JobStatQuery::from_json(body.as_bytes()).unwrap(),
            Timestamp::MIN,
        )
        .unwrap();
        let mut reader = self.store.reader(&forever()).unwrap();
        let mut out = b"[".to_vec();
        let result = reader.begin().unwrap().stat(&stat, &mut out);
        out.push(b']');
        match result {
            Ok(_) => Some(serde_json::from_slice(&out).unwrap()),
            Err(StoreError::Query(_)) => None,
            Err(other) => panic!("{other}\n{}", stat.statement().sql.text()),
        }
    }
}

/// Whether a job has one of these statuses.
fn has_status(row: &Row, wanted: &[&str]) -> bool {
    wanted.contains(&naive::to_json(row)["status"].as_str().unwrap())
}

fn forever() -> Arc<Interrupt> {
    Arc::new(Interrupt::after(Duration::from_mins(10)))
}

/// Returns a value in a form in which equal values are equal: floats for integers, and members sorted by name.
fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(format!("{:.9e}", number.as_f64().unwrap() + 0.0)),
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(members) => {
            let mut sorted: Vec<_> = members
                .iter()
                .map(|(name, value)| (name.clone(), normal(value)))
                .collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            sorted.into_iter().collect()
        }
        other => other.clone(),
    }
}

fn sorted(rows: &[Value]) -> Vec<String> {
    let mut texts: Vec<_> = rows.iter().map(|row| normal(row).to_string()).collect();
    texts.sort();
    texts
}

fn each_database(cases: u32, mut check: impl FnMut(&Database, &mut TestRunner, u32)) {
    for number in 0..DATABASES {
        let seed = u8::try_from(number).unwrap();
        let database = Database::new(seed);
        check(&database, &mut runner(cases / DATABASES, seed + 100), cases);
    }
}

#[test]
fn lists_are_those_of_the_naive_evaluation() {
    each_database(cases(), |database, runner, _| {
        let result = runner.run(&filters(), |query| {
            let expected: Vec<String> = naive::select(&database.jobs, &query)
                .iter()
                .map(|row| naive::to_json(row)["job_id"].as_str().unwrap().to_owned())
                .collect();
            let mut request = query.clone();
            request["sort"] = json!({"key": "job_id"});
            let (ids, count) = database.list(&request);
            prop_assert_eq!(&ids, &expected);
            prop_assert_eq!(count, expected.len());
            Ok(())
        });
        result.unwrap();
    });
}

#[test]
fn overviews_count_the_jobs_of_the_naive_evaluation() {
    each_database(cases() / 3, |database, runner, _| {
        let query = prop_oneof![filters(), indexed_filters()];
        let result = runner.run(&query, |query| {
            let jobs = naive::select(&database.jobs, &query);
            let count = |wanted: &[&str]| {
                let wanted = jobs.iter().filter(|row| has_status(row, wanted));
                wanted.count() as u64
            };
            let overview = database.overview(&query);
            prop_assert_eq!(overview.totals.jobs, jobs.len() as u64);
            prop_assert_eq!(overview.totals.failed, count(&["ERROR", "TIMEOUT"]));
            prop_assert_eq!(overview.running.count, count(&["IN_PROGRESS"]));
            let errors = |row| naive::to_json(row)["errors"].as_array().unwrap().len() as u64;
            let groups = overview.errors.results.iter();
            prop_assert_eq!(overview.errors.more, 0);
            prop_assert_eq!(
                groups.map(|group| group.errors).sum::<u64>(),
                jobs.iter().map(errors).sum::<u64>()
            );
            Ok(())
        });
        result.unwrap();
    });
}

#[test]
fn pages_are_those_of_the_naive_evaluation() {
    let sort = select(vec![
        json!({"key": "created_at", "desc": true}),
        json!({"key": "created_at"}),
        json!({"key": "total_tasks", "desc": true}),
    ]);
    let page = (1..9_usize, 1..9_usize);
    each_database(cases(), |database, runner, _| {
        let request = (indexed_filters(), sort.clone(), page.clone());
        let result = runner.run(&request, |(query, sort, (start, limit))| {
            let jobs = naive::select(&database.jobs, &query);
            let mut jobs: Vec<_> = jobs.iter().map(naive::to_json).collect();
            let key = sort["key"].as_str().unwrap();
            let is_descending = sort["desc"] == true;
            // The job id has the opposite direction of the key.
            jobs.sort_by(|one, other| {
                let by_key = if key == "total_tasks" {
                    one[key]
                        .as_f64()
                        .unwrap()
                        .total_cmp(&other[key].as_f64().unwrap())
                } else {
                    one[key].as_str().cmp(&other[key].as_str())
                };
                let by_id = one["job_id"].as_str().cmp(&other["job_id"].as_str());
                if is_descending {
                    by_key.reverse().then(by_id)
                } else {
                    by_key.then(by_id.reverse())
                }
            });
            let expected: Vec<_> = jobs
                .iter()
                .skip(start - 1)
                .take(limit)
                .map(|job| job["job_id"].as_str().unwrap().to_owned())
                .collect();
            let mut request = query.clone();
            request["sort"] = sort;
            request["page"] = json!({"start": start, "limit": limit});
            let (ids, count) = database.list(&request);
            prop_assert_eq!(ids, expected);
            prop_assert_eq!(count, jobs.len());
            Ok(())
        });
        result.unwrap();
    });
}

#[test]
fn orders_are_those_of_the_naive_evaluation() {
    each_database(cases() / 3, |database, runner, _| {
        let result = runner.run(&sort_of_jobs(), |sort| {
            let mut pipeline = Pipeline::new(naive::select(&database.jobs, &json!({})));
            if pipeline.apply(&json!({"sort": sort})).is_err() {
                return Err(TestCaseError::reject("open"));
            }
            let mut keys = sort["keys"].as_array().unwrap().clone();
            if !keys.iter().any(|key| key["key"] == "job_id") {
                keys.push(json!({"key": "job_id"}));
            }
            let (ids, _) = database.list(&json!({"sort": {"keys": keys}}));
            let expected: Vec<_> = pipeline
                .answer()
                .iter()
                .map(|row| row["job_id"].as_str().unwrap().to_owned())
                .collect();
            prop_assert_eq!(ids, expected);
            Ok(())
        });
        result.unwrap();
    });
}

#[test]
fn distinct_values_are_those_of_the_naive_evaluation() {
    each_database(cases() / 3, |database, runner, _| {
        let result = runner.run(&(filters(), distinct_path()), |(query, path)| {
            let rows = naive::select(&database.jobs, &query);
            let expected: Vec<_> = naive::distinct(&rows, path)
                .iter()
                .map(naive::value_to_json)
                .collect();
            let mut request = query.clone();
            request["distinct"] = json!(path);
            let got = database.stat(&request).unwrap();
            prop_assert_eq!(sorted(&got), sorted(&expected));
            Ok(())
        });
        result.unwrap();
    });
}

#[test]
fn pipelines_are_those_of_the_naive_evaluation() {
    let mut compared = 0_u32;
    each_database(cases() * 2, |database, runner, _| {
        let agreeing = std::cell::Cell::new(0_u32);
        let request = prop_oneof![
            9 => (filters(), stages()),
            1 => (indexed_filters(), counts()),
        ];
        let result = runner.run(&request, |(query, stages)| {
            let mut pipeline = Pipeline::new(naive::select(&database.jobs, &query));
            let mut refusal = None;
            for (number, stage) in stages.iter().enumerate() {
                if let Err(why) = pipeline.apply(stage) {
                    refusal = Some((why, number));
                    break;
                }
            }
            let mut request = query.clone();
            request["aggregate"] = Value::Array(stages.clone());
            let got = database.stat(&request);
            match (got, refusal) {
                (_, Some((Refusal::Open, _))) => return Err(TestCaseError::reject("open")),
                (got, Some((Refusal::Error, number))) => {
                    // SQLite may not compute a value that no later stage reads, or that a limit leaves out.
                    let is_last = number + 1 == stages.len();
                    let cuts = stages
                        .iter()
                        .any(|stage| stage.get("limit").or(stage.get("skip")).is_some());
                    prop_assert!(
                        got.is_none() || cuts || !is_last,
                        "an error is missing: {got:?}"
                    );
                }
                (None, None) => prop_assert!(false, "an error where there is none"),
                (Some(got), None) => {
                    let expected = pipeline.answer();
                    prop_assert_eq!(sorted(&got), sorted(&expected));
                    agreeing.set(agreeing.get() + 1);
                }
            }
            Ok(())
        });
        result.unwrap();
        compared += agreeing.get();
    });
    assert!(
        compared >= cases(),
        "too few cases are compared: {compared}"
    );
}
