//! MongoDB's Extended JSON, relaxed and canonical, and the older form of `mongoexport`: reads it as plain values.
//!
//! Rule: the specification "MongoDB Extended JSON (v2)". Types that JSON has no value for (`$binary`, `$minKey` …) stay
//! as they are; they occur in free-form members alone.

use serde_json::{Map, Number, Value};

use super::field_path::{FieldPath, Step};
use crate::time::WrittenTime;

/// Returns whether a value is written as one of the types that a job of SpaceONE has in MongoDB.
pub(super) fn is_extended(value: &Value) -> bool {
    matches!(
        only_member(value),
        Some((
            "$oid" | "$date" | "$numberInt" | "$numberLong" | "$numberDouble",
            _
        ))
    )
}

/// Reads all Extended JSON in a value, on every level, as plain values.
///
/// What is wrong is passed to `problem`, with the path, and stays as it is.
pub(super) fn unwrap(
    value: &mut Value,
    path: &mut FieldPath,
    problem: &mut impl FnMut(FieldPath, String),
) {
    if let Some((name, inner)) = only_member(value) {
        match plain(name, inner) {
            Some(Ok(plain)) => {
                *value = plain;
                return;
            }
            Some(Err(wrong)) => {
                problem(path.clone(), wrong);
                return;
            }
            None => {}
        }
    }
    match value {
        Value::Array(elements) => {
            for (index, element) in elements.iter_mut().enumerate() {
                path.0.push(Step::Index(index));
                unwrap(element, path, problem);
                path.0.pop();
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                path.0.push(Step::Member(name.clone()));
                unwrap(member, path, problem);
                path.0.pop();
            }
        }
        _ => {}
    }
}

/// Returns the member of an object that has one.
fn only_member(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object()?;
    let mut each = members.iter();
    match (each.next(), each.next()) {
        (Some((name, value)), None) => Some((name, value)),
        _ => None,
    }
}

/// Returns the plain value of a type; `None` for an object that is of no type, or of one without a plain value.
fn plain(name: &str, inner: &Value) -> Option<Result<Value, String>> {
    let text = inner.as_str();
    let plain = match name {
        "$oid" => text.map(Value::from).ok_or("a text of 24 hex digits"),
        "$numberInt" | "$numberLong" => integer(inner).ok_or("an integer in quotes"),
        "$numberDouble" => double(inner).ok_or("a finite number in quotes"),
        // Its digits may be more than a number of JSON has.
        "$numberDecimal" => text.map(Value::from).ok_or("a number in quotes"),
        "$date" => date(inner).ok_or("a time, or milliseconds since 1970"),
        "$undefined" => Ok(Value::Null),
        _ => return None,
    };
    Some(plain.map_err(|expected| format!("`{name}` holds {inner}; expected {expected}")))
}

fn integer(inner: &Value) -> Option<Value> {
    match inner {
        Value::String(text) => text.parse::<i64>().ok().map(Value::from),
        number => number.as_i64().map(Value::from),
    }
}

fn double(inner: &Value) -> Option<Value> {
    let number = match inner {
        Value::String(text) => text.parse().ok(),
        number => number.as_f64(),
    };
    number.and_then(Number::from_f64).map(Value::Number)
}

/// Reads `"2022-06-17T08:00:01.225Z"`, `{"$numberLong": "1655452801225"}` or 1655452801225.
fn date(inner: &Value) -> Option<Value> {
    let millis = match inner {
        Value::String(text) => {
            return WrittenTime::from_text(text)
                .ok()
                .map(|read| read.time.to_string().into());
        }
        Value::Object(members) => {
            integer(members.get("$numberLong").filter(|_| members.len() == 1)?)?
        }
        number => integer(number)?,
    };
    let time = crate::time::Timestamp::from_millis(millis.as_i64()?)?;
    Some(time.to_string().into())
}

/// Returns whether an object is a reference to a document of another collection.
pub(super) fn is_reference(members: &Map<String, Value>) -> bool {
    members.contains_key("$ref") && members.contains_key("$id")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_of_a_job_is_read() {
        for (extended, expected) in [
            (
                json!({"$oid": "62ac32c1f0a1b2c3d4e5f601"}),
                json!("62ac32c1f0a1b2c3d4e5f601"),
            ),
            (
                json!({"$date": "2022-06-17T08:00:01.225Z"}),
                json!("2022-06-17T08:00:01.225Z"),
            ),
            (
                json!({"$date": "2022-06-17T17:00:01.225+0900"}),
                json!("2022-06-17T08:00:01.225Z"),
            ),
            (
                json!({"$date": {"$numberLong": "1655452801225"}}),
                json!("2022-06-17T08:00:01.225Z"),
            ),
            (
                json!({"$date": 1_655_452_801_225_i64}),
                json!("2022-06-17T08:00:01.225Z"),
            ),
            (
                json!({"$date": {"$numberLong": "-1"}}),
                json!("1969-12-31T23:59:59.999Z"),
            ),
            (json!({"$numberInt": "-3"}), json!(-3)),
            (
                json!({"$numberLong": "9007199254740993"}),
                json!(9_007_199_254_740_993_i64),
            ),
            (json!({"$numberDouble": "2.0"}), json!(2.0)),
            (json!({"$numberDecimal": "0.10"}), json!("0.10")),
            (json!({"$undefined": true}), json!(null)),
            (
                json!({"$binary": {"base64": "", "subType": "00"}}),
                json!({"$binary": {"base64": "", "subType": "00"}}),
            ),
            (
                json!({"a": [{"$numberInt": "1"}, {"$x": 1}]}),
                json!({"a": [1, {"$x": 1}]}),
            ),
            (
                json!({"$numberInt": "1", "b": 1}),
                json!({"$numberInt": "1", "b": 1}),
            ),
        ] {
            let mut value = extended.clone();
            unwrap(&mut value, &mut FieldPath::default(), &mut |_, problem| {
                panic!("{problem}")
            });
            assert_eq!(value, expected, "{extended}");
        }
    }

    #[test]
    fn what_is_no_value_of_its_type_is_named() {
        for (extended, expected) in [
            (
                json!({"x": {"$numberDouble": "NaN"}}),
                "x: `$numberDouble` holds \"NaN\"; expected a finite number in quotes",
            ),
            (
                json!({"x": [{"$date": "soon"}]}),
                "x[0]: `$date` holds \"soon\"; expected a time, or milliseconds since 1970",
            ),
            (
                json!({"x": {"$numberInt": 1.5}}),
                "x: `$numberInt` holds 1.5; expected an integer in quotes",
            ),
        ] {
            let mut problems = Vec::new();
            let mut value = extended.clone();
            unwrap(
                &mut value,
                &mut FieldPath::default(),
                &mut |path, problem| {
                    problems.push(format!("{path}: {problem}"));
                },
            );
            assert_eq!(problems, [expected]);
            assert_eq!(value, extended);
        }
    }
}
