//! Random sorts and stages.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::random::{PATHS, value};

/// Paths that lead through one array, by which documents are sorted together.
const THROUGH_ONE_ARRAY: [&[&str]; 5] = [
    &["errors.error_code", "errors.message", "status"],
    &[
        "errors.error_code",
        "errors.additional.a",
        "errors.additional",
        "errors.0.message",
    ],
    &["filter.a.a", "filter.a.b", "total_tasks"],
    &["filter.a", "filter.a.b", "filter.a.k", "filter.a.0"],
    &["filter.b.0", "filter.b.1", "filter.b.0.0", "filter.b.0.a"],
];

pub(crate) fn sort(
    paths: &[&'static str],
    together: &[&'static [&'static str]],
) -> BoxedStrategy<Value> {
    let keys =
        |paths: Vec<&'static str>| prop::collection::vec((select(paths), any::<bool>()), 1..4);
    let together: Vec<_> = together.to_vec();
    prop_oneof![
        2 => keys(paths.to_vec()),
        1 => select(together).prop_flat_map(move |paths| keys(paths.to_vec())),
    ]
    .prop_map(|keys| json!({"keys": keys.into_iter().map(|(key, desc)| json!({"key": key, "desc": desc})).collect::<Value>()}))
    .boxed()
}

/// Makes a sort of jobs.
pub(crate) fn sort_of_jobs() -> BoxedStrategy<Value> {
    sort(&PATHS, &THROUGH_ONE_ARRAY)
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
    // Paths at which objects are, so that later stages look for names below a key.
    let objects = if in_order {
        vec!["filter", "filter.a", "collector.x", "errors.additional"]
    } else {
        vec!["x", "f"]
    };
    let key = (
        prop_oneof![3 => select(paths.clone()), 1 => select(objects)],
        prop::option::weighted(
            0.3,
            select(vec!["%Y-%m-%d", "%Y-%m", "%H:%M", "year", "%Y-%m-%dT%H"]),
        ),
    )
        .prop_map(|(key, format)| match format {
            Some(format) if key.ends_with("_at") => json!({"key": key, "date_format": format}),
            _ => json!({"key": key}),
        });
    let plain = vec!["max", "min", "add_to_set", "median"];
    let ordered = if in_order {
        vec!["first", "last"]
    } else {
        vec!["max"]
    };
    let conditions = prop::collection::vec(requirement(paths.clone()), 0..2);
    let numeric = (select(vec!["count", "sum", "average"]), select(paths.clone()), conditions)
        .prop_map(|(operator, key, conditions)| json!({"operator": operator, "key": key, "conditions": conditions}));
    let percentile = (select(vec![1, 50, 75, 100]), select(paths.clone())).prop_map(
        |(percent, key)| json!({"operator": "percentile", "percent": percent, "key": key}),
    );
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
        prop_oneof![2 => numeric, 2 => of_key, 1 => percentile, 1 => merge, 1 => push].boxed()
    } else {
        prop_oneof![2 => numeric, 2 => of_key, 1 => percentile].boxed()
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

/// Makes a group that counters or an index may answer.
pub(crate) fn counts() -> impl Strategy<Value = Vec<Value>> {
    let keys = vec![
        json!([{"key": "status", "name": "x"}]),
        json!([{"key": "collector_id", "name": "x"}, {"key": "status", "name": "y"}]),
        json!([{"key": "created_at", "name": "x", "date_format": "%Y-%m-%d"}, {"key": "status", "name": "y"}]),
        json!([{"key": "created_at", "name": "x", "date_format": "%Y-%m-%dT%H"}]),
        json!([{"key": "errors.error_code", "name": "x"}]),
    ];
    let count = json!([{"name": "f", "operator": "count"}]);
    let group =
        select(keys).prop_map(move |keys| json!({"group": {"keys": keys, "fields": count}}));
    (any::<bool>(), group).prop_map(|(unwinds, group)| {
        let unwind = unwinds.then(|| json!({"unwind": {"path": "errors"}}));
        unwind.into_iter().chain([group]).collect()
    })
}

/// Makes stages over documents, then perhaps one that makes columns of them, then stages over the columns.
pub(crate) fn stages() -> impl Strategy<Value = Vec<Value>> {
    const NAMES: [&str; 15] = [
        "x", "y", "z", "f", "g", "x.a", "x.b", "x.0", "f.m0", "f.m1", "f.0", "f.1.m0", "f.k",
        "f.a", "y.b",
    ];
    const THROUGH_ONE_COLUMN: [&[&str]; 3] = [
        &["f.m0", "f.m1", "x"],
        &["x.a", "x.b", "f.m0"],
        &["f.0", "f.0.m1", "f.1.m0"],
    ];
    let unwind =
        |paths: Vec<&'static str>| select(paths).prop_map(|path| json!({"unwind": {"path": path}}));
    let arrays = vec![
        "errors",
        "filter.a",
        "filter.x",
        "errors.additional.a",
        "filter.b",
        "status",
        "project_id",
        "workspace_id",
        "failure_tasks",
        "created_at",
        "collector.x",
    ];
    let before = prop_oneof![
        2 => unwind(arrays),
        1 => sort_of_jobs().prop_map(|sort| json!({"sort": sort})),
        1 => cut(),
    ];
    let leave = prop_oneof![
        4 => group(PATHS.to_vec(), true),
        2 => project(PATHS.to_vec()),
        1 => Just(json!({"count": {"name": "f"}})),
    ];
    let after = prop_oneof![
        2 => group(NAMES.to_vec(), false),
        2 => sort(&NAMES, &THROUGH_ONE_COLUMN).prop_map(|sort| json!({"sort": sort})),
        1 => cut(),
        1 => unwind(vec!["f", "x", "g", "f.m0", "x.a", "f.a"]),
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
