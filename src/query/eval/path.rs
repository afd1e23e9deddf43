//! Paths into documents, and the three ways in which MongoDB follows them.
//!
//! - [`reach`], for filters: at an array it tests every element; for a numeric segment also the element at that index.
//! - [`gather`], for expressions: at an array it gives the array of the values that the elements have.
//! - [`member`], for `unwind` and `sort`: it follows objects only.
//!
//! [`locate`] follows a path through the objects of a JSON text, and builds only the value to which it leads.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::query::eval::value::MongoValue;
use crate::query::sql::Param;

/// The paths of a projection, as segments from the document's root.
///
/// Rule: the conformance notes, "Order, pages, shapes": a path includes its parents; each element of an array is
/// reduced to the path, an element without it becomes `{}`, and an element that is not an object is dropped; a parent
/// listed together with its child gives the whole parent.
pub type Paths = Vec<Vec<String>>;

/// Returns paths in the form in which they are bound: a JSON array of arrays.
pub(crate) fn paths_param(paths: &Paths) -> Param {
    // Serialising arrays of strings can't fail.
    Param::Text(serde_json::to_string(paths).unwrap_or_default())
}

/// Returns a path in the form in which it is bound: a JSON array of its segments.
pub(crate) fn path_param(path: &[impl Serialize]) -> Param {
    // Serialising an array of strings can't fail.
    Param::Text(serde_json::to_string(path).unwrap_or_default())
}

/// Parses a path that `path_param` made.
///
/// # Errors
/// A sentence, when the text is not a JSON array of strings.
pub fn parse_path(text: &str) -> Result<Vec<String>, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Parses paths that `paths_param` made.
///
/// # Errors
/// A sentence, when the text is not a JSON array of such arrays.
pub fn parse_paths(text: &str) -> Result<Paths, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Follows `path` through the objects of `document` to its end or to the first array.
///
/// Returns the value there and the number of segments that remain; `None` where a member is missing or a segment is
/// below a scalar. The text after the value is not read at all.
///
/// # Errors
/// When the text is not JSON.
pub fn locate(
    document: &str,
    path: &[String],
) -> Result<Option<(Value, usize)>, serde_json::Error> {
    let mut found = None;
    let locate = Locate {
        path,
        found: &mut found,
    };
    match locate.deserialize(&mut serde_json::Deserializer::from_str(document)) {
        // The error with which the visitor stopped.
        Err(_) if found.is_some() => Ok(found),
        Err(error) => Err(error),
        Ok(()) => Ok(found),
    }
}

struct Locate<'p, 'f> {
    path: &'p [String],
    found: &'f mut Option<(Value, usize)>,
}

impl<'de> DeserializeSeed<'de> for Locate<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.path.is_empty() {
            *self.found = Some((Value::deserialize(deserializer)?, 0));
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Locate<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<(), A::Error> {
        let array = Value::deserialize(SeqAccessDeserializer::new(access))?;
        *self.found = Some((array, self.path.len()));
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let Some((segment, path)) = self.path.split_first() else {
            return Ok(());
        };
        while let Some(is_on_path) = access.next_key_seed(NameIs(segment))? {
            if is_on_path {
                access.next_value_seed(Locate {
                    path,
                    found: &mut *self.found,
                })?;
                if self.found.is_some() {
                    return Err(A::Error::custom("the value was found"));
                }
            } else {
                access.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Compares a member's name without allocating it.
struct NameIs<'p>(&'p str);

impl<'de> DeserializeSeed<'de> for NameIs<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameIs<'_> {
    type Value = bool;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }
    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

/// Reads a segment as an index: digits without a leading zero.
#[must_use]
pub fn index(segment: &str) -> Option<usize> {
    let is_index = segment == "0"
        || !segment.starts_with('0') && segment.bytes().all(|byte| byte.is_ascii_digit());
    is_index.then(|| segment.parse().ok()).flatten()
}

/// Whether a segment is all digits, and so no name where it follows an array.
#[must_use]
pub fn is_numeric(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a path that ends at an array gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The array, and each of its elements.
    WithElements,
    /// The array alone.
    Whole,
}

/// Calls `test` with every value that the path reaches, and with `None` where a member is missing, until it returns
/// true.
///
/// Rule: MongoDB's query semantics. A path continues in every element of an array that is an object, and for a numeric
/// segment in the element at that index, if that is an object or an array. What ends a path by its index counts as it
/// is: only an array to which a name leads gives its elements.
pub fn reach(
    value: &Value,
    path: &[String],
    end: End,
    test: &mut impl FnMut(Option<&Value>) -> bool,
) -> bool {
    let Some((segment, rest)) = path.split_first() else {
        let items = value.as_array().filter(|_| end == End::WithElements);
        return test(Some(value))
            || items.is_some_and(|items| items.iter().any(|item| test(Some(item))));
    };
    match value {
        Value::Object(members) => match members.get(segment) {
            Some(member) => reach(member, rest, end, test),
            None => test(None),
        },
        Value::Array(items) => {
            let indexed = index(segment).and_then(|index| items.get(index));
            indexed.is_some_and(|item| match item {
                item if rest.is_empty() => test(Some(item)),
                Value::Object(_) | Value::Array(_) => reach(item, rest, end, test),
                _ => false,
            }) || items
                .iter()
                .filter(|item| item.is_object())
                .any(|item| reach(item, path, end, test))
        }
        _ => test(None),
    }
}

/// Returns the value at a path below another, gathered through arrays.
///
/// Rule: MongoDB's field paths in expressions: at an array the result is the array of the values that its objects have
/// there; a numeric segment is not an index.
#[must_use]
pub fn gather(value: MongoValue, path: &[String]) -> Option<MongoValue> {
    let Some((segment, rest)) = path.split_first() else {
        return Some(value);
    };
    match value {
        MongoValue::Object(members) => {
            take(members, segment).and_then(|member| gather(member, rest))
        }
        MongoValue::Array(items) => {
            let objects = items
                .into_iter()
                .filter(|item| matches!(item, MongoValue::Object(_)));
            Some(MongoValue::Array(
                objects.filter_map(|item| gather(item, path)).collect(),
            ))
        }
        _ => None,
    }
}

/// Returns the value at a path below another, following objects only.
#[must_use]
pub fn member(value: MongoValue, path: &[String]) -> Option<MongoValue> {
    path.iter().try_fold(value, |value, segment| match value {
        MongoValue::Object(members) => take(members, segment),
        _ => None,
    })
}

/// Takes the first member of a name.
pub(super) fn take(members: Vec<(String, MongoValue)>, name: &str) -> Option<MongoValue> {
    members
        .into_iter()
        .find(|(member, _)| member == name)
        .map(|(_, value)| value)
}

/// Replaces the value at a path of objects below another; changes nothing where the path leads nowhere.
#[must_use]
pub fn put(whole: MongoValue, path: &[String], part: MongoValue) -> MongoValue {
    let Some((segment, rest)) = path.split_first() else {
        return part;
    };
    match whole {
        MongoValue::Object(mut members) => {
            let mut part = Some(part);
            for (name, value) in &mut members {
                if name == segment
                    && let Some(part) = part.take()
                {
                    *value = put(std::mem::replace(value, MongoValue::Null), rest, part);
                }
            }
            MongoValue::Object(members)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(path: &str) -> Vec<String> {
        path.split('.')
            .filter(|segment| !segment.is_empty())
            .map(str::to_owned)
            .collect()
    }

    const DOCUMENT: &str = r#"{"x":[{"a":0},{"a":[1,2]},{"b":3},7],"o":{"p":{"q":null}},"s":"t","m":[[1,[2]],[{"a":3}]]}"#;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        let path = split(path);
        let mut reached = Vec::new();
        let mut note = |value: Option<&Value>| {
            reached.push(value.map_or_else(|| "-".to_owned(), Value::to_string));
            false
        };
        match locate(DOCUMENT, &path).unwrap() {
            Some((value, left)) => {
                let rest = &path[path.len() - left..];
                reach(&value, rest, End::WithElements, &mut note)
            }
            None => note(None),
        };
        assert_eq!(reached.join(" "), expected);
        let whole: Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut again = Vec::new();
        reach(&whole, &path, End::WithElements, &mut |value| {
            again.push(value.map_or_else(|| "-".to_owned(), Value::to_string));
            false
        });
        assert_eq!(again.join(" "), expected, "reached from the root");
    }

    #[test]
    fn filters_reach_every_element() {
        check("x.a", "0 [1,2] 1 2 -");
        check("x.1.a", "[1,2] 1 2 - - -");
        check("x.3", "7 - - -");
        check("o.p.q", "null");
        check("o.p.z", "-");
        check("s.t", "-");
        check("z", "-");
        check("x.a.b", "- -");
    }

    #[test]
    fn an_index_at_the_end_of_a_path_gives_the_element_as_it_is() {
        check("m", "[[1,[2]],[{\"a\":3}]] [1,[2]] [{\"a\":3}]");
        check("m.0", "[1,[2]]");
        check("m.0.1", "[2]");
        check("m.1.a", "3");
        check("m.1.0", "{\"a\":3} -");
        check("m.a", "");
        check("m.00", "");
        check("x.3.a", "- - -");
    }

    #[test]
    fn an_array_counts_whole_where_its_elements_are_not_wanted() {
        let whole: Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut reached = 0;
        reach(&whole, &split("m"), End::Whole, &mut |value| {
            assert_eq!(value, whole.get("m"));
            reached += 1;
            false
        });
        assert_eq!(reached, 1);
    }
}
