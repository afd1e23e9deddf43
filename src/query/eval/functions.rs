//! Bodies of jobdeck's own SQL functions: elements of arrays, conversions of values.
//!
//! A missing value is `None`. An error is a sentence that begins with its location in the request, which the compiler
//! binds as an argument.

use std::collections::HashMap;

use serde_json::Value;

use crate::query::eval::path::{gather, index, is_numeric, locate, take};
use crate::query::eval::value::MongoValue;
use crate::query::sql::Param;

/// Gathers the value at a path in a stored document: see [`gather`].
///
/// # Errors
/// When the text is not JSON.
pub fn gather_at(document: &str, path: &[String]) -> Result<Option<MongoValue>, serde_json::Error> {
    let found = locate(document, path)?;
    Ok(
        found
            .and_then(|(value, left)| gather(MongoValue::from(&value), &path[path.len() - left..])),
    )
}

/// Returns the value at a path of objects in a stored document: see [`crate::query::eval::path::member`].
///
/// # Errors
/// When the text is not JSON.
pub fn member_at(document: &str, path: &[String]) -> Result<Option<MongoValue>, serde_json::Error> {
    Ok(locate(document, path)?
        .filter(|(_, left)| *left == 0)
        .map(|(value, _)| MongoValue::from(&value)))
}

/// Returns the values that `distinct` has at a path, in the form of [`explode`]: all that the path reaches, where an
/// array at the end gives its elements.
///
/// # Errors
/// When the text is not JSON.
pub fn reached(document: &str, path: &[String]) -> Result<Option<String>, serde_json::Error> {
    let Some((value, left)) = locate(document, path)? else {
        return Ok(None);
    };
    let mut values = Vec::new();
    each_distinct(&value, &path[path.len() - left..], &mut values);
    Ok(explode(Some(MongoValue::Array(values))))
}

/// Rule: MongoDB's distinct: a path continues in the elements of an array that are objects; a numeric segment after an
/// array is its index and nothing else.
fn each_distinct(value: &Value, path: &[String], out: &mut Vec<MongoValue>) {
    match (value, path.split_first()) {
        (Value::Array(items), None) => out.extend(items.iter().map(MongoValue::from)),
        (single, None) => out.push(MongoValue::from(single)),
        (Value::Object(members), Some((segment, rest))) => {
            if let Some(member) = members.get(segment) {
                each_distinct(member, rest, out);
            }
        }
        (Value::Array(items), Some((segment, rest))) if is_numeric(segment) => {
            if let Some(item) = index(segment).and_then(|index| items.get(index)) {
                each_distinct(item, rest, out);
            }
        }
        (Value::Array(items), Some(_)) => {
            for item in items.iter().filter(|item| item.is_object()) {
                each_distinct(item, path, out);
            }
        }
        _ => {}
    }
}

/// Returns the elements that `unwind` makes rows of, as a JSON array for `json_each`; `None` for missing, null and
/// `[]`.
///
/// Numbers and strings are written as they are, any other value as an array with one string: its BLOB in hexadecimal.
#[must_use]
pub fn explode(value: Option<MongoValue>) -> Option<String> {
    let items = match value {
        None | Some(MongoValue::Null) => return None,
        Some(MongoValue::Array(items)) if items.is_empty() => return None,
        Some(MongoValue::Array(items)) => items,
        Some(single) => vec![single],
    };
    let mut out = Vec::with_capacity(items.len() * 16);
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match item.into_param() {
            Param::Blob(blob) => {
                out.extend(b"[\"");
                out.extend(
                    blob.iter()
                        .flat_map(|byte| [hex(byte >> 4), hex(byte & 15)]),
                );
                out.extend(b"\"]");
            }
            // Seventeen digits distinguish every float.
            Param::Real(real) => out.extend(format!("{real:.16e}").bytes()),
            Param::Integer(integer) => out.extend(integer.to_string().bytes()),
            Param::Text(text) => crate::query::eval::value::write_text(&text, &mut out),
            Param::Null => out.extend(b"null"),
        }
    }
    out.push(b']');
    String::from_utf8(out).ok()
}

/// Returns the elements of the value at a path of objects in a stored document: see [`explode`].
///
/// # Errors
/// When the text is not JSON.
pub fn elements_at(document: &str, path: &[String]) -> Result<Option<String>, serde_json::Error> {
    member_at(document, path).map(explode)
}

fn hex(nibble: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(nibble)]
}

fn type_or_missing(value: Option<&MongoValue>) -> &'static str {
    value.map_or("nothing (the path is missing)", MongoValue::type_name)
}

/// Returns the number of elements of an array: `size`.
///
/// # Errors
/// For anything but an array.
pub fn size_of(value: Option<MongoValue>, location: &str) -> Result<MongoValue, String> {
    match value {
        Some(MongoValue::Array(items)) => Ok(MongoValue::Integer(
            i64::try_from(items.len()).unwrap_or(i64::MAX),
        )),
        other => Err(format!(
            "{location}: `size` takes an array, found {}",
            type_or_missing(other.as_ref())
        )),
    }
}

/// Makes an object of an array of `{k, v}` objects or pairs; null for null or missing.
///
/// # Errors
/// For anything else.
pub fn array_to_object(value: Option<MongoValue>, location: &str) -> Result<MongoValue, String> {
    let error = |found: &str| {
        format!("{location}: `array_to_object` takes an array of objects {{k, v}}, found {found}")
    };
    let items = match value {
        None | Some(MongoValue::Null) => return Ok(MongoValue::Null),
        Some(MongoValue::Array(items)) => items,
        Some(other) => return Err(error(other.type_name())),
    };
    let mut object = Members::default();
    for item in items {
        let pair = match item {
            MongoValue::Object(members) if members.len() == 2 => {
                let name = members
                    .iter()
                    .find(|(name, _)| name == "k")
                    .map(|(_, value)| value.clone());
                name.zip(take(members, "v"))
            }
            MongoValue::Array(mut pair) if pair.len() == 2 => pair
                .pop()
                .zip(pair.pop())
                .map(|(value, name)| (name, value)),
            _ => None,
        };
        let Some((MongoValue::Text(name), value)) = pair else {
            return Err(error("another element"));
        };
        object.insert(name, value);
    }
    Ok(object.into_value())
}

/// Makes an array of `{k, v}` objects of an object; null for null or missing.
///
/// # Errors
/// For anything else.
pub fn object_to_array(value: Option<MongoValue>, location: &str) -> Result<MongoValue, String> {
    match value {
        None | Some(MongoValue::Null) => Ok(MongoValue::Null),
        Some(MongoValue::Object(members)) => Ok(MongoValue::Array(
            members
                .into_iter()
                .map(|(name, value)| {
                    MongoValue::Object(vec![
                        ("k".to_owned(), MongoValue::Text(name)),
                        ("v".to_owned(), value),
                    ])
                })
                .collect(),
        )),
        Some(other) => Err(format!(
            "{location}: `object_to_array` takes an object, found {}",
            other.type_name()
        )),
    }
}

/// The members of an object, in the order in which their names first came. A later value replaces an earlier one.
#[derive(Debug, Default)]
pub struct Members {
    members: Vec<(String, MongoValue)>,
    indexes: HashMap<String, usize>,
}

impl Members {
    fn insert(&mut self, name: String, value: MongoValue) {
        if let Some(index) = self.indexes.get(&name) {
            self.members[*index].1 = value;
        } else {
            self.indexes.insert(name.clone(), self.members.len());
            self.members.push((name, value));
        }
    }

    /// Merges the members of an object; ignores null and missing.
    ///
    /// # Errors
    /// For anything else.
    pub fn merge(&mut self, value: Option<MongoValue>, location: &str) -> Result<(), String> {
        match value {
            None | Some(MongoValue::Null) => Ok(()),
            Some(MongoValue::Object(members)) => {
                for (name, value) in members {
                    self.insert(name, value);
                }
                Ok(())
            }
            Some(other) => Err(format!(
                "{location}: `merge_objects` takes objects, found {}",
                other.type_name()
            )),
        }
    }

    /// Returns the members as an object.
    #[must_use]
    pub fn into_value(self) -> MongoValue {
        MongoValue::Object(self.members)
    }
}

/// Returns the error text for a `date_format` of a value that is not a datetime.
#[must_use]
pub fn not_a_date(value: &MongoValue, location: &str) -> String {
    format!(
        "{location}: `date_format` takes a datetime, found {}",
        value.type_name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::eval::path::{member, put};

    fn parse(text: &str) -> MongoValue {
        MongoValue::from(&serde_json::from_str::<Value>(text).unwrap())
    }

    fn split(path: &str) -> Vec<String> {
        path.split('.')
            .filter(|segment| !segment.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn json(value: Option<&MongoValue>) -> String {
        value.map_or_else(
            || "-".to_owned(),
            |value| {
                let mut out = Vec::new();
                value.write_json(&mut out);
                String::from_utf8(out).unwrap()
            },
        )
    }

    #[test]
    fn paths_gather_through_arrays() {
        const DOCUMENT: &str =
            r#"{"x":[{"a":0},{"a":[1,{"c":2}]},{"b":3},7,[{"a":9}]],"o":{"p":{"q":null}},"s":"t"}"#;
        for (path, gathered, through_objects) in [
            ("x.a", "[0,[1,{\"c\":2}]]", "-"),
            ("x.0", "[]", "-"),
            ("x.a.c", "[[2]]", "-"),
            ("o.p.q", "null", "null"),
            ("o.z", "-", "-"),
            ("s.t", "-", "-"),
        ] {
            let path = split(path);
            assert_eq!(
                json(gather(parse(DOCUMENT), &path).as_ref()),
                gathered,
                "{path:?}"
            );
            assert_eq!(
                json(gather_at(DOCUMENT, &path).unwrap().as_ref()),
                gathered,
                "{path:?}"
            );
            assert_eq!(
                json(member(parse(DOCUMENT), &path).as_ref()),
                through_objects,
                "{path:?}"
            );
            assert_eq!(
                json(member_at(DOCUMENT, &path).unwrap().as_ref()),
                through_objects,
                "{path:?}"
            );
        }
    }

    #[test]
    fn explode_writes_scalars_as_they_are_and_wraps_other_values() {
        for (value, expected) in [
            ("[1,\"a\",null,true]", Some(r#"[1,"a",["00"],["5001"]]"#)),
            ("2.5", Some("[2.5000000000000000e0]")),
            ("\"x\"", Some(r#"["x"]"#)),
            ("[]", None),
            ("null", None),
        ] {
            assert_eq!(explode(Some(parse(value))).as_deref(), expected, "{value}");
        }
        assert_eq!(explode(None), None);
    }

    #[test]
    fn distinct_takes_the_elements_of_the_outermost_array_only() {
        const DOCUMENT: &str =
            r#"{"x":[[1,2],3],"y":[{"z":1},{"z":[2]},[{"z":4}],{"1":5,"01":6}]}"#;
        for (path, expected) in [
            ("y.z", Some("[1,2]")),
            ("x.0", Some("[1,2]")),
            ("x.0.1", Some("[2]")),
            ("x.1", Some("[3]")),
            ("x.9", None),
            ("y.1.z", Some("[2]")),
            ("y.2.z", Some("[4]")),
            ("y.01", None),
        ] {
            let got = reached(DOCUMENT, &split(path)).unwrap();
            assert_eq!(got.as_deref(), expected, "{path}");
        }
        let got = reached(DOCUMENT, &split("x")).unwrap();
        assert!(got.unwrap().ends_with(",3]"));
    }

    #[test]
    fn objects_and_arrays_are_converted_into_each_other() {
        let to_object = |text: &str| {
            array_to_object(Some(parse(text)), "p")
                .map_or_else(|error| error, |value| json(Some(&value)))
        };
        assert_eq!(
            to_object(r#"[{"k":"a","v":1},["b",2],{"v":3,"k":"a"}]"#),
            r#"{"a":3,"b":2}"#
        );
        assert_eq!(to_object("null"), "null");
        assert!(to_object("[1]").starts_with("p: `array_to_object` takes"));
        let to_array = |text: &str| {
            object_to_array(Some(parse(text)), "p")
                .map_or_else(|error| error, |value| json(Some(&value)))
        };
        assert_eq!(to_array(r#"{"a":1}"#), r#"[{"k":"a","v":1}]"#);
        assert_eq!(
            to_array("3"),
            "p: `object_to_array` takes an object, found a number"
        );
        assert_eq!(
            json(Some(&put(
                parse(r#"{"a":{"b":1}}"#),
                &split("a.b"),
                parse("[2]")
            ))),
            r#"{"a":{"b":[2]}}"#
        );
    }
}
