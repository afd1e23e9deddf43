//! Random jobs, and the conditions of random queries.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::JOBS;

pub(crate) const TIMES: [&str; 4] = [
    "2022-01-01T00:00:00.000Z",
    "2022-01-02T03:04:05.006Z",
    "2022-02-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
];

const OPTIONAL_MEMBERS: [&str; 7] = [
    "success_tasks",
    "failure_tasks",
    "secret_id",
    "request_secret_id",
    "request_workspace_id",
    "resource_group",
    "workspace_id",
];

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
        json!("a\n"),
        json!("a\nb"),
        json!("1"),
        json!("é"),
        json!("É"),
        json!("k"),
        json!("\u{212a}"),
        json!("\u{17f}"),
        json!("서울"),
        json!("2022-01-01T00:00:00.000Z"),
    ])
}

pub(crate) fn value() -> impl Strategy<Value = Value> + Clone {
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

fn members(
    names: Vec<&'static str>,
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    prop::collection::vec((select(names), value), 0..3).prop_map(|members| {
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

fn list(item: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec(item, 0..4).prop_map(Value::Array)
}

/// Makes one of the values that a `match` looks for most.
fn few() -> impl Strategy<Value = Value> + Clone {
    select(vec![
        json!(null),
        json!(1),
        json!("a"),
        json!(true),
        json!(""),
    ])
}

/// Makes arrays through which several paths lead, and arrays within arrays.
fn array() -> impl Strategy<Value = Value> {
    let member = prop_oneof![2 => scalar().boxed(), 1 => list(few()).boxed()];
    let pair = members(vec!["a", "a", "b", "b", "k", "00"], member);
    let item = prop_oneof![6 => pair.boxed(), 1 => scalar().boxed()].boxed();
    let inner = prop_oneof![2 => list(scalar()), 1 => list(item.clone())].boxed();
    prop_oneof![
        3 => list(item.clone()),
        2 => list(prop_oneof![3 => inner, 1 => item]),
    ]
}

fn object() -> impl Strategy<Value = Value> {
    members(vec!["a", "b", "x"], prop_oneof![2 => value(), 1 => array()])
}

pub(crate) fn job() -> impl Strategy<Value = Value> {
    let error = (
        prop::option::weighted(0.8, select(vec!["E1", "E2", "é"])),
        prop::option::weighted(0.7, select(vec!["m1", "m2", "m2\n"])),
        prop::option::of(object()),
    )
        .prop_map(|(code, message, additional)| {
            let mut error = json!({});
            if let Some(code) = code {
                error["error_code"] = json!(code);
            }
            if let Some(message) = message {
                error["message"] = json!(message);
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
        prop::collection::vec(error, 0..4),
        prop::option::of(collector),
        prop::option::of(select(vec!["p1", "p2"])),
        (select(TIMES.to_vec()), prop::option::of(select(TIMES.to_vec()))),
        optional_members(),
    )
        .prop_map(|(status, filter, (total, remained), errors, collector, project, (created, finished), optional)| {
            let mut job = json!({
                "status": status, "filter": filter, "total_tasks": total, "remained_tasks": remained, "errors": errors,
                "domain_id": "d", "created_at": created, "finished_at": finished, "project_id": project
            });
            if let Some(collector) = collector {
                    job["collector_info"] = collector;
                }
            job.as_object_mut().unwrap().extend(optional);
            job
        })
}

/// Makes the members of today's SpaceONE, of which a job has some.
fn optional_members() -> impl Strategy<Value = Map<String, Value>> {
    let ids = vec![json!("a"), json!("A"), json!("b"), json!("é")];
    let with = |name: &'static str, values: Vec<Value>| {
        let value = prop::option::of(select(values));
        value.prop_map(move |value| value.map(|value| (name.to_owned(), value)))
    };
    let members = OPTIONAL_MEMBERS.map(|name| match name {
        "success_tasks" | "failure_tasks" => with(name, vec![json!(0), json!(1), json!(2)]),
        _ => with(name, ids.clone()),
    });
    members
        .to_vec()
        .prop_map(|members| members.into_iter().flatten().collect())
}

// Queries

pub(crate) const PATHS: [&str; 49] = [
    "status",
    "job_id",
    "total_tasks",
    "remained_tasks",
    "success_tasks",
    "failure_tasks",
    "secret_id",
    "request_secret_id",
    "resource_group",
    "workspace_id",
    "project_id",
    "collector_id",
    "created_at",
    "finished_at",
    "filter",
    "filters.a",
    "filter.a",
    "filter.a.a",
    "filter.a.b",
    "filter.b",
    "filter.a.0",
    "filter.a.00",
    "filter.a.0.0",
    "filter.a.0.a",
    "filter.a.0.b",
    "filter.a.a.0",
    "filter.b.1",
    "filter.b.1.0",
    "filter.b.k",
    "filter.x.a.b",
    "filter.x.0",
    "filter.a.1",
    "errors",
    "errors.error_code",
    "errors.message",
    "errors.0",
    "errors.0.error_code",
    "errors.1.message",
    "errors.1.additional.a",
    "errors.0.additional.a.0",
    "errors.additional",
    "errors.additional.a.0",
    "errors.additional.b",
    "collector_info",
    "collector.name",
    "collector.x",
    "collector_info.x.k",
    "collector.x.0",
    "domain_id",
];

fn operand(key: &str) -> BoxedStrategy<Value> {
    match key {
        "total_tasks" | "remained_tasks" | "success_tasks" | "failure_tasks" => select(vec![
            json!(0),
            json!(2),
            json!("1"),
            json!(" +2 "),
            json!("1_0"),
            json!(1.5),
            json!(-0.5),
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
        "workspace_id" | "resource_group" | "secret_id" | "request_secret_id" => select(vec![
            json!("a"),
            json!("É"),
            json!(""),
            json!(null),
            json!(1),
        ])
        .boxed(),
        "errors.error_code" => {
            select(vec![json!("E1"), json!("e2"), json!("é"), json!(null)]).boxed()
        }
        "errors.message" => {
            select(vec![json!("m1"), json!("M2"), json!("m2\n"), json!(null)]).boxed()
        }
        _ => prop_oneof![6 => value(), 1 => Just(json!(null))].boxed(),
    }
}

/// Makes patterns, of which many mean something else in other dialects than PCRE.
fn pattern() -> impl Strategy<Value = Value> + Clone {
    let patterns = vec![
        "^a",
        "b$",
        "(?=a).b",
        "[0-9]",
        "é",
        "^$",
        "e|c",
        r"^\w$",
        r"\W",
        "a$",
        r"2\Z",
        r"a\z",
        r"\s",
        r"\R",
        "[[:alpha:]]",
        r"\p{L}$",
        "^.$",
        "k",
        "s",
        "^[^a]+$",
        r"\bA\b",
        r"([a-z])\n\1?",
        r"\Qa\E",
        "^[[1]",
        "(?-i)É",
        "[k]",
        "[é-í]$",
        "(?=K).",
        "(?<=^)É",
    ];
    select(patterns).prop_map(Value::from)
}

/// Makes the members that `match` looks for.
fn wanted() -> impl Strategy<Value = Value> {
    let names = vec!["a", "b", "k", "0", "1", "0.a", "0.a", "a.0", "b.0"];
    members(names, prop_oneof![4 => few().boxed(), 1 => value().boxed()])
}

/// Makes a `match` of the arrays that random jobs often have.
fn match_of_array() -> impl Strategy<Value = Value> {
    let paths = vec![
        "filter.a",
        "filter.a",
        "filter.b",
        "filter.b",
        "filter.a.0",
        "collector.x",
        "errors.additional.a",
    ];
    (select(paths), wanted()).prop_map(|(key, wanted)| json!({"k": key, "o": "match", "v": wanted}))
}

fn condition(paths: &[&'static str]) -> impl Strategy<Value = Value> + use<> {
    select(paths.to_vec()).prop_flat_map(|key| {
        let one = operand(key).prop_filter("not a list", |value| !value.is_array());
        let words = vec![
            "", "a", "A", "e", "1", "É", ".", "j0", "J04", "K", "S", "\n",
        ];
        let word = select(words).prop_map(Value::from);
        let some = |item: BoxedStrategy<Value>| {
            prop::collection::vec(item, 1..3)
                .prop_map(Value::Array)
                .boxed()
        };
        let any_number = |item: BoxedStrategy<Value>| {
            prop::collection::vec(item, 0..3)
                .prop_map(Value::Array)
                .boxed()
        };
        let with = |operators: &[&'static str], value: BoxedStrategy<Value>| {
            (select(operators.to_vec()), value)
                .prop_map(move |(o, v)| json!({"k": key, "o": o, "v": v}))
                .boxed()
        };
        let is_number = key.ends_with("_tasks");
        let is_date = key.ends_with("_at");
        let error = (
            select(vec![json!("E1"), json!("é"), json!(null)]),
            select(vec![json!("m1"), json!(null)]),
            0..3,
        )
            .prop_map(|(code, message, which)| match which {
                0 => json!({"error_code": code}),
                1 => json!({"message": message}),
                _ => json!({"error_code": code, "message": message}),
            });
        let times = select(TIMES.to_vec()).prop_map(Value::from);
        let mut kinds = vec![(
            1,
            with(&["exists"], any::<bool>().prop_map(Value::from).boxed()),
        )];
        // Errors themselves are compared with nothing, and of their members `match` takes those that it knows.
        if matches!(key, "errors" | "errors.0") {
            if key == "errors" {
                kinds.push((1, with(&["match"], error.boxed())));
            }
            return proptest::strategy::Union::new_weighted(kinds);
        }
        kinds.push((
            4,
            with(&["eq", "not", "lt", "lte", "gt", "gte"], one.boxed()),
        ));
        kinds.push((2, with(&["in", "not_in"], any_number(operand(key).boxed()))));
        if !is_number && !is_date {
            kinds.push((1, with(&["contain", "not_contain"], word.clone().boxed())));
            kinds.push((
                1,
                with(&["contain_in", "not_contain_in"], some(word.boxed())),
            ));
            kinds.push((2, with(&["regex"], pattern().boxed())));
            kinds.push((1, with(&["regex_in"], some(pattern().boxed()))));
            kinds.push((1, with(&["match"], wanted().boxed())));
        }
        if !is_number {
            kinds.push((1, with(&["datetime_lt", "datetime_gte"], times.boxed())));
        }
        proptest::strategy::Union::new_weighted(kinds)
    })
}

/// Makes a path for distinct values, often one through an array.
pub(crate) fn distinct_path() -> impl Strategy<Value = &'static str> {
    let through = vec![
        "filter.a.0",
        "filter.a.00",
        "filter.a.0.a",
        "filter.b.1.0",
        "filter.b.k",
    ];
    prop_oneof![2 => select(PATHS.to_vec()), 1 => select(through)]
}

pub(crate) fn filters() -> impl Strategy<Value = Value> {
    filters_of(prop_oneof![5 => condition(&PATHS), 1 => match_of_array()].boxed())
}

/// Makes filters for which there are quicker statements, sometimes with a condition for which there is none.
pub(crate) fn indexed_filters() -> impl Strategy<Value = Value> {
    let filters = filters_of(condition(&INDEXED).boxed());
    (filters, prop::option::weighted(0.3, condition(&PATHS))).prop_map(|(mut query, another)| {
        let filter = query["filter"].as_array_mut().unwrap();
        filter.extend(another);
        query
    })
}

fn filters_of(condition: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    let keyword = select(vec![
        "", "", "1", "J01", "J00 59", "j02 J03", "\tj03\n", "j0\t4", "zzz",
    ]);
    (prop::collection::vec(condition.clone(), 0..3), prop::collection::vec(condition, 0..3), keyword)
        .prop_map(|(filter, filter_or, keyword)| json!({"filter": filter, "filter_or": filter_or, "keyword": keyword}))
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
