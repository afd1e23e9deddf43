//! The strict JSON parser: refuses duplicate members, deep nesting and too many values.
//!
//! `serde_json` keeps the last of two members of one name and allows 128 levels. Here a member given twice is an error,
//! because nobody notices a member that is silently dropped, and so is a value nested deeper than [`MAX_DEPTH`]. So are
//! more than [`MAX_VALUES`] values, because two bytes of text, `1,`, become a hundred bytes of memory.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

/// The most levels of nested arrays and objects. (Rule 5 of the limits.)
pub const MAX_DEPTH: usize = 64;
/// The most values in one value, on all levels together.
pub const MAX_VALUES: usize = 100_000;

/// Any JSON value without duplicate members.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct Strict(pub Value);

/// A JSON object without duplicate members.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct StrictObject(pub Map<String, Value>);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AtMost(MAX_VALUES).deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for StrictObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectOnly;
        impl<'de> Visitor<'de> for ObjectOnly {
            type Value = Map<String, Value>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
                let count = Cell::new(0);
                AtMost(MAX_VALUES).outermost(&count).object(access)
            }
        }
        deserializer.deserialize_map(ObjectOnly).map(Self)
    }
}

/// A `T` that is read from an object only. What serde derives for a struct would also take an array of its values.
#[derive(Debug)]
pub struct ObjectOnly<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ObjectOnly<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(access))
            }
        }
        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

/// Parses a text as any JSON value without duplicate members, of at most `max_values` values in all.
///
/// # Errors
/// An error with the line and column of the first problem.
pub fn read(text: &[u8], max_values: usize) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = AtMost(max_values).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// A reader of a value that holds at most this many values.
struct AtMost(usize);

impl AtMost {
    fn outermost(self, count: &Cell<usize>) -> Nested<'_> {
        Nested {
            depth: 0,
            count,
            limit: self.0,
        }
    }
}

impl<'de> DeserializeSeed<'de> for AtMost {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let count = Cell::new(0);
        self.outermost(&count).deserialize(deserializer)
    }
}

/// A reader of one value, `depth` levels below the outermost.
#[derive(Clone, Copy)]
struct Nested<'c> {
    depth: usize,
    /// The number of values so far, on every level.
    count: &'c Cell<usize>,
    limit: usize,
}

impl Nested<'_> {
    /// Returns the reader for the values one level below.
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!(
                "nested deeper than {MAX_DEPTH} levels"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }

    fn object<'de, A: MapAccess<'de>>(self, mut access: A) -> Result<Map<String, Value>, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let value = access.next_value_seed(inner)?;
            match object.entry(name) {
                Entry::Vacant(entry) => entry.insert(value),
                Entry::Occupied(entry) => {
                    let name = entry.key();
                    return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                }
            };
        }
        Ok(object)
    }
}

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.count.get() == self.limit {
            return Err(D::Error::custom(format_args!(
                "holds more than {} values",
                self.limit
            )));
        }
        self.count.set(self.count.get() + 1);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number must be finite"))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }
    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        self.object(access).map(Value::Object)
    }
}

/// Returns the JSON type of a value, as an error message names it.
#[must_use]
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let got = match serde_json::from_str::<Strict>(text) {
            Ok(value) => serde_json::to_string(&value).unwrap(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn values_are_read_with_their_types_and_order() {
        check(
            r#"{"b":1,"a":[1.0,true,null,"x",-3]}"#,
            r#"{"b":1,"a":[1.0,true,null,"x",-3]}"#,
        );
    }

    #[test]
    fn a_member_given_twice_is_an_error() {
        check(
            r#"{"a":{"b":1,"b":2}}"#,
            "duplicate field `b` at line 1 column 18",
        );
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        check(&nested(MAX_DEPTH), &nested(MAX_DEPTH));
        check(
            &nested(MAX_DEPTH + 1),
            "nested deeper than 64 levels at line 1 column 66",
        );
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let array = |values: usize| format!("[{}1]", "1,".repeat(values - 2));
        check(&array(MAX_VALUES), &array(MAX_VALUES));
        check(
            &array(MAX_VALUES + 1),
            "holds more than 100000 values at line 1 column 199999",
        );
    }

    #[test]
    fn numbers_out_of_range_are_errors() {
        check("1e400", "number out of range at line 1 column 5");
    }
}
