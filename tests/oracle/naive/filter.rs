//! Which jobs meet the conditions of a query.

use std::cmp::Ordering;

use pcre2::bytes::{Regex, RegexBuilder};
use serde_json::Value;

use super::value::{Row, V, compare, expand, from_json, index, member, millis, rank};

/// A value at the end of a path.
#[derive(Clone, Copy)]
struct End<'v> {
    /// `None` where a member is missing.
    value: Option<&'v V>,
    /// Whether the last step was a name. An array that it leads to offers its elements, too.
    is_named: bool,
}

/// Collects the values at the ends of a path.
///
/// At an array the path continues in every element that is an object, and at the index, if the step is one, in an object
/// or array. What is neither is passed over: it is not missing.
fn walk<'v>(value: &'v V, is_named: bool, path: &[String], ends: &mut Vec<End<'v>>) {
    let Some((step, rest)) = path.split_first() else {
        ends.push(End {
            value: Some(value),
            is_named,
        });
        return;
    };
    match value {
        V::Object(members) => match member(members, step) {
            Some(inner) => walk(inner, true, rest, ends),
            None => ends.push(End {
                value: None,
                is_named,
            }),
        },
        V::Array(items) => {
            if let Some(item) = index(items, step)
                && (rest.is_empty() || matches!(item, V::Object(_) | V::Array(_)))
            {
                walk(item, false, rest, ends);
            }
            for item in items {
                if matches!(item, V::Object(_)) {
                    walk(item, is_named, path, ends);
                }
            }
        }
        _ => ends.push(End {
            value: None,
            is_named,
        }),
    }
}

/// Returns all values with which an operand is compared.
fn offered<'v>(object: &'v V, path: &[String]) -> Vec<Option<&'v V>> {
    let mut ends = Vec::new();
    walk(object, true, path, &mut ends);
    let mut values = Vec::new();
    for end in ends {
        if let (Some(V::Array(items)), true) = (end.value, end.is_named) {
            values.extend(items.iter().map(Some));
        }
        values.push(end.value);
    }
    values
}

/// Whether one of the values has the operand's type and the order holds. What is missing is null.
fn any(values: &[Option<&V>], holds: fn(Ordering) -> bool, operand: &V) -> bool {
    values.iter().any(|value| {
        let value = value.unwrap_or(&V::Null);
        rank(value) == rank(operand) && holds(compare(value, operand))
    })
}

fn is_typed_number(path: &[String]) -> bool {
    path.len() == 1 && path[0].ends_with("_tasks")
}

fn is_date(path: &[String]) -> bool {
    path.len() == 1 && path[0].ends_with("_at")
}

/// Reads an operand as the type of the member with which it is compared. Numbers are read as Python's `int` does.
fn typed(path: &[String], value: &Value) -> V {
    match value {
        Value::Null => V::Null,
        Value::String(text) if is_typed_number(path) => {
            V::Number(text.trim().replace('_', "").parse().unwrap())
        }
        Value::Number(number) if is_typed_number(path) => {
            V::Number(number.as_f64().unwrap().trunc())
        }
        Value::Bool(is_one) if is_typed_number(path) => V::Number(f64::from(u8::from(*is_one))),
        Value::String(text) if is_date(path) => V::Date(millis(text)),
        other => from_json(other),
    }
}

fn pattern(text: &str) -> Regex {
    RegexBuilder::new()
        .utf(true)
        .caseless(true)
        .build(text)
        .unwrap()
}

fn matches(values: &[Option<&V>], pattern: &Regex) -> bool {
    values
        .iter()
        .flatten()
        .any(|value| matches!(value, V::Text(text) if pattern.is_match(text.as_bytes()).unwrap()))
}

/// A word that is found in any case.
fn word(text: &str) -> Regex {
    pattern(&pcre2::escape(text))
}

/// Whether an array has an element whose members have all of the values. An array in it has the members 0, 1, 2, ….
fn has_element(array: &V, wanted: &Value) -> bool {
    let V::Array(items) = array else { return false };
    items.iter().any(|item| {
        let object = match item {
            V::Object(_) => item.clone(),
            V::Array(inner) => {
                let named = inner.iter().cloned().enumerate();
                V::Object(named.map(|(at, value)| (at.to_string(), value)).collect())
            }
            _ => return false,
        };
        wanted.as_object().unwrap().iter().all(|(key, value)| {
            let path: Vec<String> = key.split('.').map(str::to_owned).collect();
            any(&offered(&object, &path), Ordering::is_eq, &from_json(value))
        })
    })
}

/// Whether a job meets a condition.
fn meets(job: &V, condition: &Value) -> bool {
    let path = expand(condition["k"].as_str().unwrap());
    let operand = &condition["v"];
    let values = offered(job, &path);
    let compares =
        |holds: fn(Ordering) -> bool, operand: &Value| any(&values, holds, &typed(&path, operand));
    let eq = |operand: &Value| compares(Ordering::is_eq, operand);
    let contains = |text: &Value| matches(&values, &word(text.as_str().unwrap()));
    let fits = |text: &Value| matches(&values, &pattern(text.as_str().unwrap()));
    let date = || V::Date(millis(operand.as_str().unwrap()));
    let list = || operand.as_array().unwrap().iter();
    match condition["o"].as_str().unwrap() {
        "eq" => eq(operand),
        "not" => !eq(operand),
        "in" => list().any(eq),
        "not_in" => !list().any(eq),
        "lt" => compares(Ordering::is_lt, operand),
        "lte" => compares(Ordering::is_le, operand),
        "gt" => compares(Ordering::is_gt, operand),
        "gte" => compares(Ordering::is_ge, operand),
        "contain" => contains(operand),
        "not_contain" => !contains(operand),
        "contain_in" => list().any(contains),
        "not_contain_in" => list().any(|word| !contains(word)),
        "regex" => fits(operand),
        "regex_in" => list().any(fits),
        "exists" => values.iter().any(Option::is_some) == operand.as_bool().unwrap(),
        "match" => {
            let mut ends = Vec::new();
            walk(job, true, &path, &mut ends);
            let mut there = ends.iter().filter_map(|end| end.value);
            there.any(|value| has_element(value, operand))
        }
        "datetime_lt" => any(&values, Ordering::is_lt, &date()),
        "datetime_gte" => any(&values, Ordering::is_ge, &date()),
        other => panic!("no naive {other}"),
    }
}

/// Returns the jobs that pass the filters of a query, in the order of their ids.
pub(crate) fn select(jobs: &[Row], query: &Value) -> Vec<Row> {
    let conditions = |name: &str| query[name].as_array().cloned().unwrap_or_default();
    let keyword = query["keyword"].as_str().unwrap_or_default().trim();
    let words = keyword.split(' ').filter(|word| !word.is_empty());
    let words: Vec<Regex> = words.map(word).collect();
    let id = |row: &Row| match member(row, "job_id") {
        Some(V::Text(id)) => id.clone(),
        _ => unreachable!("every job has an id"),
    };
    let (all, any) = (conditions("filter"), conditions("filter_or"));
    let passes = |row: &&Row| {
        let job = V::Object((*row).clone());
        let is_named = |word: &Regex| word.is_match(id(row).as_bytes()).unwrap();
        all.iter().all(|condition| meets(&job, condition))
            && ((any.is_empty() && words.is_empty())
                || any.iter().any(|condition| meets(&job, condition))
                || words.iter().any(is_named))
    };
    let mut selected: Vec<Row> = jobs.iter().filter(passes).cloned().collect();
    selected.sort_by_key(id);
    selected
}
