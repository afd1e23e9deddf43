//! Values with MongoDB's types, their order, and how they are read and written.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// A value with MongoDB's types.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum V {
    Null,
    Number(f64),
    Text(String),
    Object(Vec<(String, V)>),
    Array(Vec<V>),
    Bool(bool),
    /// Milliseconds since the epoch.
    Date(i64),
}

pub(crate) type Row = Vec<(String, V)>;

pub(super) fn from_json(value: &Value) -> V {
    match value {
        Value::Null => V::Null,
        Value::Bool(b) => V::Bool(*b),
        Value::Number(n) => V::Number(n.as_f64().unwrap()),
        Value::String(s) => V::Text(s.clone()),
        Value::Array(items) => V::Array(items.iter().map(from_json).collect()),
        Value::Object(members) => V::Object(
            members
                .iter()
                .map(|(k, v)| (k.clone(), from_json(v)))
                .collect(),
        ),
    }
}

/// Reads a job as statistics do: times are dates, and `project_id` and `finished_at` are null where the document has
/// none.
pub(crate) fn job(text: &str) -> Row {
    let document: Map<String, Value> = serde_json::from_str(text).unwrap();
    let mut row: Row = Vec::new();
    for (name, value) in &document {
        row.push((
            name.clone(),
            if name.ends_with("_at") {
                V::Date(millis(value.as_str().unwrap()))
            } else {
                from_json(value)
            },
        ));
    }
    for name in ["project_id", "finished_at"] {
        if !document.contains_key(name) {
            row.push((name.to_owned(), V::Null));
        }
    }
    row
}

pub(super) fn millis(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

pub(super) fn rank(v: &V) -> u8 {
    match v {
        V::Null => 0,
        V::Number(_) => 1,
        V::Text(_) => 2,
        V::Object(_) => 3,
        V::Array(_) => 4,
        V::Bool(_) => 5,
        V::Date(_) => 6,
    }
}

pub(super) fn compare(a: &V, b: &V) -> Ordering {
    match (a, b) {
        (V::Number(a), V::Number(b)) => a.partial_cmp(b).unwrap(),
        (V::Text(a), V::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (V::Bool(a), V::Bool(b)) => a.cmp(b),
        (V::Date(a), V::Date(b)) => a.cmp(b),
        (V::Array(a), V::Array(b)) => {
            for (a, b) in a.iter().zip(b) {
                let order = compare(a, b);
                if order != Ordering::Equal {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        (V::Object(a), V::Object(b)) => {
            for ((a_name, a), (b_name, b)) in a.iter().zip(b) {
                let order = rank(a)
                    .cmp(&rank(b))
                    .then(a_name.cmp(b_name))
                    .then(compare(a, b));
                if order != Ordering::Equal {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

pub(super) fn equal(a: &V, b: &V) -> bool {
    compare(a, b) == Ordering::Equal
}

pub(super) fn member<'v>(object: &'v [(String, V)], name: &str) -> Option<&'v V> {
    object.iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

/// Returns the element at an index; `None` where there is none, or where the step is written otherwise, such as `01`.
pub(super) fn index<'v>(items: &'v [V], step: &str) -> Option<&'v V> {
    let at: usize = step.parse().ok()?;
    items.get(at).filter(|_| step == at.to_string())
}

pub(super) fn expand(key: &str) -> Vec<String> {
    let mut path: Vec<String> = key.split('.').map(str::to_owned).collect();
    match path[0].as_str() {
        "collector_id" => drop(path.splice(
            0..1,
            ["collector_info".to_owned(), "collector_id".to_owned()],
        )),
        "collector" => path[0] = "collector_info".to_owned(),
        "filters" => path[0] = "filter".to_owned(),
        _ => {}
    }
    path
}

/// Returns a row in the form of the answer.
pub(crate) fn to_json(row: &Row) -> Value {
    value_to_json(&V::Object(row.clone()))
}

pub(crate) fn value_to_json(v: &V) -> Value {
    match v {
        V::Null => Value::Null,
        V::Number(number) => serde_json::json!(number),
        V::Text(text) => Value::from(text.as_str()),
        V::Bool(b) => Value::Bool(*b),
        V::Array(items) => items.iter().map(value_to_json).collect(),
        V::Object(members) => Value::Object(
            members
                .iter()
                .map(|(k, v)| (k.clone(), value_to_json(v)))
                .collect(),
        ),
        V::Date(millis) => {
            let text = jiff::Timestamp::from_millisecond(*millis)
                .unwrap()
                .strftime("%Y-%m-%dT%H:%M:%S")
                .to_string();
            Value::from(match millis.rem_euclid(1000) {
                0 => format!("{text}Z"),
                rest => format!("{text}.{rest:03}000Z"),
            })
        }
    }
}
