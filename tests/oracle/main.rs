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
mod tenancy;

use std::sync::Arc;
use std::time::Duration;

use jobdeck::query::request::{JobStatQuery, JobsQuery};
use jobdeck::query::{compile_list, compile_stat};
use jobdeck::store::{Document, Interrupt, Mode, OnConflict, Store, StoreError};
use jobdeck::time::Timestamp;
use jobdeck::transfer::{self, Source};
use naive::{Pipeline, Refusal, Row, expand};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};

const DATABASES: u32 = 12;
const JOBS: usize = 60;
const TIMES: [&str; 4] = [
    "2022-01-01T00:00:00.000Z",
    "2022-01-02T03:04:05.006Z",
    "2022-02-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
];

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

// Jobs

fn scalar() -> impl Strategy<Value = Value> + Clone {
    select(vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(2),
        json!(1.0),
        json!(2.5),
        json!(-1),
        json!(1_099_511_627_776_i64),
        json!(""),
        json!("a"),
        json!("A"),
        json!("ab"),
        json!("1"),
        json!("é"),
        json!("서울"),
        json!("2022-01-01T00:00:00.000Z"),
    ])
}

fn value() -> impl Strategy<Value = Value> + Clone {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec((select(vec!["a", "b", "k", "0"]), inner), 0..3).prop_map(
                |members| members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            ),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::vec((select(vec!["a", "b", "x"]), value()), 0..3).prop_map(|members| {
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

fn job() -> impl Strategy<Value = Value> {
    let error = (
        prop::option::of(select(vec!["E1", "E2"])),
        prop::option::of(object()),
    )
        .prop_map(|(code, additional)| {
            let mut error = json!({});
            if let Some(code) = code {
                error["error_code"] = json!(code);
            }
            if let Some(additional) = additional {
                error["additional"] = additional;
            }
            error
        });
    let collector = (
        prop::option::of(select(vec!["c1", "c2"])),
        prop::option::of(value()),
    )
        .prop_map(|(id, x)| {
            let mut collector = json!({"name": "Collector"});
            if let Some(id) = id {
                collector["collector_id"] = json!(id);
            }
            if let Some(x) = x {
                collector["x"] = x;
            }
            collector
        });
    (
        select(vec!["CREATED", "ERROR", "SUCCESS"]),
        object(),
        (0..4_i64, -1..3_i64),
        prop::collection::vec(error, 0..3),
        prop::option::of(collector),
        prop::option::of(select(vec!["p1", "p2"])),
        (select(TIMES.to_vec()), prop::option::of(select(TIMES.to_vec()))),
    )
        .prop_map(|(status, filter, (total, remained), errors, collector, project, (created, finished))| {
            let mut job = json!({
                "status": status, "filter": filter, "total_tasks": total, "remained_tasks": remained, "errors": errors,
                "domain_id": "d", "created_at": created, "finished_at": finished, "project_id": project
            });
            if let Some(collector) = collector {
                    job["collector_info"] = collector;
                }
            job
        })
}

// Queries

const PATHS: [&str; 27] = [
    "status",
    "job_id",
    "total_tasks",
    "remained_tasks",
    "project_id",
    "collector_id",
    "created_at",
    "finished_at",
    "filter",
    "filters.a",
    "filter.a.b",
    "filter.b",
    "filter.a.0",
    "filter.a.0.b",
    "filter.x.a.b",
    "filter.a.1",
    "errors",
    "errors.error_code",
    "errors.0",
    "errors.1.additional.a",
    "errors.additional",
    "errors.additional.b",
    "collector_info",
    "collector.name",
    "collector.x",
    "collector_info.x.k",
    "domain_id",
];

fn operand(key: &str) -> BoxedStrategy<Value> {
    match key {
        "total_tasks" | "remained_tasks" => select(vec![
            json!(0),
            json!(2),
            json!("1"),
            json!(1.5),
            json!(null),
            json!(true),
        ])
        .boxed(),
        "created_at" | "updated_at" | "finished_at" => prop_oneof![
            select(TIMES.to_vec()).prop_map(Value::from),
            Just(json!(null)),
        ]
        .boxed(),
        "job_id" => (0..JOBS).prop_map(|id| json!(format!("j{id:03}"))).boxed(),
        "status" => select(vec![
            json!("ERROR"),
            json!("SUCCESS"),
            json!("error"),
            json!(null),
            json!(1),
        ])
        .boxed(),
        "project_id" => select(vec![json!("p1"), json!("P2"), json!(null)]).boxed(),
        "collector_id" => select(vec![json!("c1"), json!("c3"), json!(null)]).boxed(),
        "errors.error_code" => select(vec![json!("E1"), json!("e2"), json!(null)]).boxed(),
        _ => value().boxed(),
    }
}

fn condition(paths: &[&'static str]) -> impl Strategy<Value = Value> + use<> {
    select(paths.to_vec()).prop_flat_map(|key| {
        let one = operand(key).prop_filter("not a list", |value| !value.is_array());
        let word = select(vec!["", "a", "A", "e", "1", "É", ".", "j0", "J04"]).prop_map(Value::from);
        let pattern = select(vec!["^a", "b$", "(?=a).b", "[0-9]", "é", "^$", "e|c"]).prop_map(Value::from);
        let list = |item: BoxedStrategy<Value>| prop::collection::vec(item, 0..3).prop_map(Value::Array);
        let filled_list = |item: BoxedStrategy<Value>| prop::collection::vec(item, 1..3).prop_map(Value::Array);
        let with = |operators: &[&'static str], value: BoxedStrategy<Value>| {
            (select(operators.to_vec()), value).prop_map(move |(o, v)| json!({"k": key, "o": o, "v": v})).boxed()
        };
        let names = if key.starts_with("errors") { vec!["error_code", "message"] } else { vec!["a", "b", "error_code"] };
        let members = prop::collection::vec((select(names), scalar()), 1..3)
            .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>());
        prop_oneof![
            4 => with(&["eq", "not", "lt", "lte", "gt", "gte"], one.boxed()),
            2 => with(&["in", "not_in"], list(operand(key)).boxed()),
            1 => with(&["contain", "not_contain"], word.clone().boxed()),
            1 => with(&["contain_in", "not_contain_in"], filled_list(word.boxed()).boxed()),
            1 => with(&["regex"], pattern.clone().boxed()),
            1 => with(&["regex_in"], filled_list(pattern.boxed()).boxed()),
            1 => with(&["exists"], any::<bool>().prop_map(Value::from).boxed()),
            1 => with(&["match"], members.boxed()),
            1 => with(&["datetime_lt", "datetime_gte"], select(TIMES.to_vec()).prop_map(Value::from).boxed()),
        ]
    })
    .prop_filter("an operator that applies to the field", applies)
}

/// Whether a condition is answered: the operator applies to the field, and its order of null is that of values.
fn applies(condition: &Value) -> bool {
    let operator = condition["o"].as_str().unwrap();
    let is_comparison = ["lt", "lte", "gt", "gte"].contains(&operator);
    if is_comparison && condition["v"].is_null() {
        return false;
    }
    let searches_text = operator.contains("contain");
    match condition["k"].as_str().unwrap() {
        "total_tasks" | "remained_tasks" => {
            !searches_text && operator != "match" && !operator.starts_with("datetime")
        }
        "created_at" | "updated_at" | "finished_at" => !searches_text && operator != "match",
        "errors.0" if ["eq", "not"].contains(&operator) => condition["v"].is_null(),
        "errors" | "errors.0" => ["exists", "match", "regex", "regex_in"].contains(&operator),
        _ => true,
    }
}

fn filters() -> impl Strategy<Value = Value> {
    filters_on(&PATHS)
}

fn filters_on(paths: &[&'static str]) -> impl Strategy<Value = Value> + use<> {
    let keyword = select(vec!["", "", "1", "J01", "J00 59", "j02 J03", "zzz"]);
    (prop::collection::vec(condition(paths), 0..3), prop::collection::vec(condition(paths), 0..3), keyword)
        .prop_map(|(filter, filter_or, keyword)| json!({"filter": filter, "filter_or": filter_or, "keyword": keyword}))
}

fn sort(paths: Vec<&'static str>) -> impl Strategy<Value = Value> {
    prop::collection::vec((select(paths), any::<bool>()), 1..3)
        .prop_filter("each key once", |keys| keys.windows(2).all(|keys| expand(keys[0].0) != expand(keys[1].0)))
        .prop_map(|keys| json!({"keys": keys.into_iter().map(|(key, desc)| json!({"key": key, "desc": desc})).collect::<Value>()}))
}

fn requirement(paths: Vec<&'static str>) -> impl Strategy<Value = Value> {
    let value = value().prop_filter("not null", |value| !value.is_null());
    (
        select(paths),
        select(vec!["eq", "lt", "lte", "gt", "gte"]),
        value,
    )
        .prop_map(
            |(key, operator, value)| json!({"key": key, "operator": operator, "value": value}),
        )
}

/// Makes a group; with `in_order` also the accumulators that depend on the order of the rows.
fn group(paths: Vec<&'static str>, in_order: bool) -> BoxedStrategy<Value> {
    let key = (
        select(paths.clone()),
        prop::option::weighted(
            0.3,
            select(vec!["%Y-%m-%d", "%Y-%m", "%H:%M", "year", "%Y-%m-%dT%H"]),
        ),
    )
        .prop_map(|(key, format)| match format {
            Some(format) if key.ends_with("_at") => json!({"key": key, "date_format": format}),
            _ => json!({"key": key}),
        });
    let plain = vec!["max", "min", "add_to_set"];
    let ordered = if in_order {
        vec!["first", "last"]
    } else {
        vec!["max"]
    };
    let conditions = prop::collection::vec(requirement(paths.clone()), 0..2);
    let numeric = (select(vec!["count", "sum", "average"]), select(paths.clone()), conditions)
        .prop_map(|(operator, key, conditions)| json!({"operator": operator, "key": key, "conditions": conditions}));
    let of_key = (select([plain, ordered].concat()), select(paths.clone()))
        .prop_map(|(operator, key)| json!({"operator": operator, "key": key}));
    let merge = select(vec!["filter", "filter.a", "filter.x"])
        .prop_map(|key| json!({"operator": "merge_objects", "key": key}));
    let push = prop::collection::vec(select(paths), 1..3).prop_map(|paths| {
        let fields: Value = paths
            .iter()
            .enumerate()
            .map(|(n, path)| json!({"key": path, "name": format!("m{n}")}))
            .collect();
        json!({"operator": "push", "fields": fields})
    });
    let field = if in_order {
        prop_oneof![2 => numeric, 2 => of_key, 1 => merge, 1 => push].boxed()
    } else {
        prop_oneof![numeric, of_key].boxed()
    };
    (
        prop::collection::vec(key, 0..3),
        prop::collection::vec(field, 1..3),
    )
        .prop_map(|(mut keys, mut fields)| {
            for (name, key) in ["x", "y", "z"].iter().zip(&mut keys) {
                key["name"] = json!(name);
            }
            for (name, field) in ["f", "g", "h"].iter().zip(&mut fields) {
                field["name"] = json!(name);
            }
            json!({"group": {"keys": keys, "fields": fields}})
        })
        .boxed()
}

fn project(paths: Vec<&'static str>) -> impl Strategy<Value = Value> {
    let operand = prop_oneof![
        select(paths.clone()).prop_map(Value::from),
        select(vec![json!(2), json!(0.5), json!(0)])
    ];
    let calculation = (
        select(vec!["add", "subtract", "multiply", "divide"]),
        prop::collection::vec(operand, 2),
    )
        .prop_map(|(operator, fields)| json!({"operator": operator, "fields": fields}));
    let function = (
        select(vec!["size", "sum", "object_to_array"]),
        select(paths.clone()),
    )
        .prop_map(|(operator, key)| json!({"operator": operator, "key": key}));
    let plain = select(paths).prop_map(|key| json!({"key": key}));
    let field = prop_oneof![4 => plain, 1 => function, 1 => calculation];
    (prop::collection::vec(field, 1..4), any::<bool>()).prop_map(|(mut fields, exclude)| {
        for (name, field) in ["x", "y", "f"].iter().zip(&mut fields) {
            field["name"] = json!(name);
        }
        json!({"project": {"fields": fields, "exclude_keys": exclude}})
    })
}

fn cut() -> impl Strategy<Value = Value> {
    prop_oneof![
        (1..40_u32).prop_map(|n| json!({"limit": n})),
        (0..20_u32).prop_map(|n| json!({"skip": n}))
    ]
}

/// Makes stages over documents, then perhaps one that makes columns of them, then stages over the columns.
fn stages() -> impl Strategy<Value = Vec<Value>> {
    const NAMES: [&str; 9] = ["x", "y", "z", "f", "g", "x.a", "f.m0", "f.k", "y.b"];
    let unwind =
        |paths: Vec<&'static str>| select(paths).prop_map(|path| json!({"unwind": {"path": path}}));
    let arrays = vec![
        "errors",
        "filter.a",
        "filter.x",
        "errors.additional.a",
        "status",
        "project_id",
        "created_at",
        "collector.x",
    ];
    let before = prop_oneof![
        2 => unwind(arrays),
        1 => sort(PATHS.to_vec()).prop_map(|sort| json!({"sort": sort})),
        1 => cut(),
    ];
    let leave = prop_oneof![
        4 => group(PATHS.to_vec(), true),
        2 => project(PATHS.to_vec()),
        1 => Just(json!({"count": {"name": "f"}})),
    ];
    let after = prop_oneof![
        2 => group(NAMES.to_vec(), false),
        2 => sort(NAMES.to_vec()).prop_map(|sort| json!({"sort": sort})),
        1 => cut(),
        1 => unwind(vec!["f", "x", "g", "f.m0"]),
        1 => project(NAMES.to_vec()),
        1 => Just(json!({"count": {"name": "x"}})),
    ];
    (
        prop::collection::vec(before, 0..3),
        prop::option::weighted(0.8, leave),
        prop::collection::vec(after, 0..3),
    )
        .prop_map(|(mut stages, leave, after)| {
            if let Some(leave) = leave {
                stages.push(leave);
                stages.extend(after);
            }
            if stages.is_empty() {
                stages.push(json!({"limit": 5}));
            }
            stages
        })
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
        let source = Source {
            name: "random".to_owned(),
            reader: Box::new(std::io::Cursor::new(lines)),
        };
        transfer::import(&store, [source], OnConflict::Fail).unwrap();
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

/// The fields by which pages are filtered most often. The compiler has quicker statements for them.
const INDEXED: [&str; 10] = [
    "status",
    "status",
    "status",
    "collector_id",
    "collector_id",
    "project_id",
    "errors.error_code",
    "created_at",
    "job_id",
    "collector_info.name",
];

#[test]
fn pages_are_those_of_the_naive_evaluation() {
    let sort = select(vec![
        json!({"key": "created_at", "desc": true}),
        json!({"key": "created_at"}),
        json!({"key": "total_tasks", "desc": true}),
    ]);
    let page = (1..9_usize, 1..9_usize);
    each_database(cases(), |database, runner, _| {
        let request = (filters_on(&INDEXED), sort.clone(), page.clone());
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
        let result = runner.run(&sort(PATHS.to_vec()), |sort| {
            let mut pipeline = Pipeline::new(naive::select(&database.jobs, &json!({})));
            pipeline.apply(&json!({"sort": sort})).unwrap();
            let mut keys = sort["keys"].as_array().unwrap().clone();
            if !keys.iter().any(|key| key["key"] == "job_id") {
                keys.push(json!({"key": "job_id"}));
            }
            let (ids, _) = database.list(&json!({"sort": {"keys": keys}}));
            let expected: Vec<_> = pipeline
                .rows
                .iter()
                .map(|row| naive::to_json(row)["job_id"].as_str().unwrap().to_owned())
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
        let result = runner.run(&(filters(), select(PATHS.to_vec())), |(query, path)| {
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
        let result = runner.run(&(filters(), stages()), |(query, stages)| {
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
                    let expected: Vec<_> = pipeline.rows.iter().map(naive::to_json).collect();
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
