//! The keys by which jobs and rows are sorted.
//!
//! Rule: MongoDB's sort keys of arrays. A path continues in every element of an array, or for a numeric segment in the
//! element at that index. Each element gives a *compound* key: all keys of the sort that lead through the same array
//! take their values from the same element. Of a document's compound keys the first in the sort's own order counts. An
//! element that is not an object, and a member that is missing, count as null. An array at the end of a path gives its
//! elements, except where a numeric segment led to it through another array: then it counts whole.
//!
//! Where keys lead through different arrays, MongoDB refuses the sort; here each array chooses for itself.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::query::eval::path::{index, locate};
use crate::query::eval::value::{MISSING_SORT_KEY, MongoValue};
use crate::query::sql::Param;

/// A key of a sort: a path below the value that is sorted by, and a direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyPath {
    pub(crate) path: Vec<String>,
    pub(crate) desc: bool,
}

/// Returns keys in the form in which they are bound: a JSON array of objects.
pub(crate) fn keys_param(keys: &[KeyPath]) -> Param {
    // Serialising strings and booleans can't fail.
    Param::Text(serde_json::to_string(keys).unwrap_or_default())
}

/// The keys of a sort that lead below one value, in the order of the sort.
#[derive(Debug)]
pub struct SortKeys(Vec<KeyPath>);

impl SortKeys {
    /// Parses keys that `keys_param` made.
    ///
    /// # Errors
    /// A sentence, when the text is not such an array.
    pub fn parse(text: &str) -> Result<Self, String> {
        let keys = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self(keys))
    }

    /// Returns the value of a key, given by its position, for a stored document.
    ///
    /// Of the document only what the key's path first leads to is built: a value, or an array.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn in_document(&self, document: &str, number: usize) -> Result<Param, serde_json::Error> {
        let Some(key) = self.0.get(number) else {
            return Ok(MISSING_SORT_KEY);
        };
        let found = locate(document, &key.path)?;
        Ok(found.map_or(MISSING_SORT_KEY, |(value, left)| {
            self.at(&MongoValue::from(&value), key.path.len() - left, number)
        }))
    }

    /// Returns the value of a key, given by its position, for a value.
    #[must_use]
    pub fn below(&self, value: &MongoValue, number: usize) -> Param {
        let Some(key) = self.0.get(number) else {
            return MISSING_SORT_KEY;
        };
        let Reached::Value(value, rest) = follow(value, &key.path) else {
            return MISSING_SORT_KEY;
        };
        self.at(value, key.path.len() - rest.len(), number)
    }

    /// Returns the value of a key whose path leads to `value` by its first `depth` segments, and there to its end or to
    /// an array.
    fn at(&self, value: &MongoValue, depth: usize, number: usize) -> Param {
        let MongoValue::Array(_) = value else {
            return into_param(Some(value));
        };
        let Some(prefix) = self.0.get(number).map(|key| &key.path[..depth]) else {
            return MISSING_SORT_KEY;
        };
        let keys = self.0.iter().enumerate();
        let through: Vec<_> = keys
            .filter(|(_, key)| key.path.starts_with(prefix))
            .map(|(number, key)| Field {
                number,
                desc: key.desc,
                path: &key.path[depth..],
                is_nested: false,
            })
            .collect();
        let best = best_in_array(value, &through);
        let chosen = best.into_iter().find(|(key, _)| *key == number);
        into_param(chosen.and_then(|(_, key)| key))
    }
}

/// The value of a key; `None` for an empty array, which is less than null.
type Key<'v> = Option<&'v MongoValue>;

const NULL: &MongoValue = &MongoValue::Null;

/// Returns a key in the form in which SQLite orders it: SQL's NULL is an empty array, and minus infinity, which JSON does
/// not have, is null.
fn into_param(key: Key<'_>) -> Param {
    match key {
        None => Param::Null,
        Some(MongoValue::Null) => MISSING_SORT_KEY,
        Some(value) => value.clone().into_param(),
    }
}

/// A key of the sort, with what is left of its path.
#[derive(Clone, Copy)]
struct Field<'p> {
    /// Its position in the sort.
    number: usize,
    desc: bool,
    path: &'p [String],
    /// Whether a numeric segment led from one array straight to another.
    is_nested: bool,
}

/// Where a path leads through objects.
#[derive(Clone, Copy)]
enum Reached<'v, 'p> {
    Missing,
    /// To its end, or to the first array, with the segments that are left.
    Value(&'v MongoValue, &'p [String]),
}

fn follow<'v, 'p>(mut value: &'v MongoValue, mut path: &'p [String]) -> Reached<'v, 'p> {
    loop {
        match (value, path.split_first()) {
            (MongoValue::Array(_), _) | (_, None) => return Reached::Value(value, path),
            (MongoValue::Object(members), Some((segment, rest))) => {
                let Some((_, member)) = members.iter().find(|(name, _)| name == segment) else {
                    return Reached::Missing;
                };
                (value, path) = (member, rest);
            }
            _ => return Reached::Missing,
        }
    }
}

/// A key of the sort, and where its path leads from an element of an array.
#[derive(Clone, Copy)]
struct Found<'v, 'p> {
    field: Field<'p>,
    reached: Reached<'v, 'p>,
}

impl<'v, 'p> Found<'v, 'p> {
    /// Continues in an element by the name of a member.
    fn by_name(item: &'v MongoValue, field: Field<'p>) -> Self {
        let reached = match item {
            MongoValue::Object(_) => follow(item, field.path),
            _ => Reached::Missing,
        };
        Self {
            field: Field {
                is_nested: false,
                ..field
            },
            reached,
        }
    }

    /// Continues in the element whose index the path names; `None` where there is no such element.
    fn by_index(items: &'v [MongoValue], field: Field<'p>) -> Option<(usize, Self)> {
        let (segment, rest) = field.path.split_first()?;
        let at = index(segment)?;
        let item = items.get(at)?;
        let field = Field {
            is_nested: matches!(item, MongoValue::Array(_)),
            ..field
        };
        let reached = follow(item, rest);
        Some((at, Self { field, reached }))
    }
}

/// The values of some keys, each with the position of its key.
type Compound<'v> = Vec<(usize, Key<'v>)>;

/// Returns the best compound key of fields over the elements of an array. The fields are in the order of the sort.
fn best_in_array<'v>(array: &'v MongoValue, fields: &[Field<'_>]) -> Compound<'v> {
    let MongoValue::Array(items) = array else {
        return Vec::new();
    };
    if items.is_empty() {
        let key = |field: &Field<'_>| (!field.path.is_empty()).then_some(NULL);
        let keys = fields.iter().map(|field| (field.number, key(field)));
        return keys.collect();
    }
    let is_whole = fields.iter().any(|field| field.is_nested);
    let (mut ending, mut named, mut indexed) = (Vec::new(), Vec::new(), Vec::new());
    for field in fields {
        match Found::by_index(items, *field) {
            Some(found) => indexed.push(found),
            None if field.path.is_empty() => ending.push(field.number),
            None => named.push(*field),
        }
    }
    let by_index = || indexed.iter().map(|(_, found)| *found);
    // An index leads to the same element from each of the elements.
    let fixed = best_of(by_index());
    let compounds = items.iter().enumerate().map(|(at, item)| {
        let by_name = named.iter().map(|field| Found::by_name(item, *field));
        let is_indexed = || indexed.iter().any(|(index, _)| *index == at);
        let mut compound =
            if matches!(item, MongoValue::Object(_)) && !named.is_empty() && is_indexed() {
                // Only from this element, if it has members, do a name and the index lead through the same array. Elsewhere
                // the index is not followed again: each index of a path would double the time.
                best_of(by_name.chain(by_index()))
            } else {
                let mut compound = best_of(by_name);
                compound.extend_from_slice(&fixed);
                compound
            };
        let end = Some(if is_whole { array } else { item });
        compound.extend(ending.iter().map(|number| (*number, end)));
        compound.sort_unstable_by_key(|(number, _)| *number);
        compound
    });
    let best = compounds.min_by(|a, b| compare(a, b, fields));
    best.unwrap_or_default()
}

/// Returns the best compound key of fields that have been followed to values and arrays. Each array chooses for itself.
fn best_of<'v, 'p>(found: impl Iterator<Item = Found<'v, 'p>>) -> Compound<'v> {
    let mut keys = Vec::new();
    let mut arrays: Vec<(&MongoValue, Vec<Field<'p>>)> = Vec::new();
    for Found { field, reached } in found {
        match reached {
            Reached::Missing => keys.push((field.number, Some(NULL))),
            Reached::Value(array @ MongoValue::Array(_), path) => {
                let field = Field { path, ..field };
                match arrays
                    .iter_mut()
                    .find(|(other, _)| std::ptr::eq(*other, array))
                {
                    Some((_, fields)) => fields.push(field),
                    None => arrays.push((array, vec![field])),
                }
            }
            Reached::Value(value, _) => keys.push((field.number, Some(value))),
        }
    }
    for (array, mut fields) in arrays {
        fields.sort_unstable_by_key(|field| field.number);
        keys.extend(best_in_array(array, &fields));
    }
    keys
}

/// Compares two compound keys of the same fields in the order of the sort.
fn compare(a: &Compound<'_>, b: &Compound<'_>, fields: &[Field<'_>]) -> Ordering {
    let mut orders = a
        .iter()
        .zip(b)
        .zip(fields)
        .map(|(((_, a), (_, b)), field)| {
            let order = match (a, b) {
                // The same array for each of its elements, or the same element by its index.
                (Some(a), Some(b)) if std::ptr::eq(*a, *b) => Ordering::Equal,
                (Some(a), Some(b)) => a.compare(b),
                _ => a.is_some().cmp(&b.is_some()),
            };
            if field.desc { order.reverse() } else { order }
        });
    orders
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the keys of a sort such as `a.b,-c.0` for a document, each as JSON; `[]` is an empty array.
    fn keys(document: &str, sort: &str) -> String {
        let keys: Vec<_> = sort
            .split(',')
            .map(|key| KeyPath {
                path: key
                    .trim_start_matches('-')
                    .split('.')
                    .map(str::to_owned)
                    .collect(),
                desc: key.starts_with('-'),
            })
            .collect();
        let Param::Text(text) = keys_param(&keys) else {
            panic!("keys are bound as text")
        };
        let keys = SortKeys::parse(&text).unwrap();
        let value = MongoValue::from(&serde_json::from_str::<serde_json::Value>(document).unwrap());
        let shown = (0..keys.0.len()).map(|number| {
            let key = keys.in_document(document, number).unwrap();
            assert_eq!(key, keys.below(&value, number), "{sort} of {document}");
            match key {
                Param::Null => "[]".to_owned(),
                key if key == MISSING_SORT_KEY => "null".to_owned(),
                key => {
                    let mut out = Vec::new();
                    MongoValue::from_param(key).unwrap().write_json(&mut out);
                    String::from_utf8(out).unwrap()
                }
            }
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check(document: &str, expected: &[(&str, &str)]) {
        for (sort, expected) in expected {
            assert_eq!(keys(document, sort), *expected, "{sort} of {document}");
        }
    }

    #[test]
    fn one_key_is_the_smallest_or_largest_that_its_path_reaches() {
        check(
            r#"{"n":[{"v":[5,9]},{"v":[7]}],"s":"x","o":{"p":1}}"#,
            &[
                ("n.v", "5"),
                ("-n.v", "9"),
                ("n.1.v", "7"),
                ("-n.0.v", "9"),
                ("n.5.v", "null"),
                ("n.01.v", "null"),
                ("s", "\"x\""),
                ("s.t", "null"),
                ("o.p", "1"),
                ("gone", "null"),
            ],
        );
        check(
            r#"{"e":[],"n":[{"v":[]},{"v":3}],"m":[2,"x",1],"z":[null],"p":[7,{"a":8}]}"#,
            &[
                ("e", "[]"),
                ("e.v", "null"),
                ("n.v", "[]"),
                ("-n.v", "3"),
                ("m", "1"),
                ("-m", "\"x\""),
                ("-z", "null"),
                ("p.a", "null"),
                ("-p.a", "8"),
            ],
        );
    }

    #[test]
    fn an_array_within_an_array_counts_whole() {
        check(
            r#"{"m":[[3,1],[2]],"e":[[]],"d":[[{"a":2},{"a":1}]]}"#,
            &[
                ("m", "[2]"),
                ("m.0", "[3,1]"),
                ("-m.0", "[3,1]"),
                ("m.0.1", "1"),
                ("m.2", "null"),
                ("e.0", "[]"),
                ("e.0.0", "null"),
                ("d.0.a", "1"),
                ("-d.0.a", "2"),
                ("d.a", "null"),
            ],
        );
    }

    #[test]
    fn keys_through_one_array_come_from_one_element() {
        const ERRORS: &str = r#"{"e":[{"c":"B","m":"a"},{"c":"A","m":"z"},7],"x":[1,2],"y":[2,1]}"#;
        check(
            ERRORS,
            &[
                ("e.c,e.m", "null null"),
                ("-e.c,e.m", "\"B\" \"a\""),
                ("-e.c,-e.m", "\"B\" \"a\""),
                ("e.m,-e.c", "null null"),
                ("-e.m,x,e.c", "\"z\" 1 \"A\""),
                // The second element, and by its index the first.
                ("-e.m,e.0.c", "\"z\" \"B\""),
                // Different arrays.
                ("x,-y", "1 2"),
            ],
        );
        check(
            r#"{"l":[{"a":[1,2],"b":3}]}"#,
            &[
                ("l.a,-l.0.a", "1 1"),
                ("-l.a,l.b", "2 3"),
                ("l.0.a,-l.0.a", "1 1"),
            ],
        );
        check(r#"{"e":[]}"#, &[("e.a,e,e.b", "null [] null")]);
    }

    #[test]
    fn numeric_steps_into_many_elements_take_no_longer_than_the_value_is_long() {
        let mut value = "[1]".to_owned();
        for _ in 0..8 {
            value = format!("[{value}{}]", ",{}".repeat(40));
        }
        let document = format!("{{\"v\":{value}}}");
        // Element by element this would be 41^8 steps.
        assert_eq!(keys(&document, "v.0.0.0.0.0.0.0.0.0,v.b"), "1 null");
        let long = format!("[{}1]", "1,".repeat(20_000));
        // An array that counts whole is not compared with itself for each element.
        assert_eq!(keys(&format!("{{\"v\":[{long}]}}"), "v.0"), long);
    }
}
