//! The strict JSON parser: refuses duplicate members, deep nesting and too many values.
//!
//! `serde_json` keeps the last of two members of one name and allows 128 levels. Here a member given twice is an error,
//! because nobody notices a member that is silently dropped, and so is a value nested deeper than [`MAX_DEPTH`]. So are
//! more than [`MAX_VALUES`] values, because two bytes of text, `1,`, become a hundred bytes of memory.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::tree::{Tree, TreeMembers};

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
        AtMost::new(MAX_VALUES).deserialize(deserializer).map(Self)
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
                AtMost::<Value>::new(MAX_VALUES)
                    .outermost(&count)
                    .members(access)
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
    parse(text, max_values)
}

/// The same, as a tree that borrows the texts.
///
/// # Errors
/// An error with the line and column of the first problem.
pub fn read_tree(text: &[u8], max_values: usize) -> Result<Tree<'_>, serde_json::Error> {
    parse(text, max_values)
}

fn parse<'t, T: Built<'t>>(text: &'t [u8], max_values: usize) -> Result<T, serde_json::Error> {
    // A shorter text can't hold too many: each value takes a byte and a comma or a bracket. In a longer one the values are
    // counted first, so that too many are refused before they take memory.
    if text.len() / 2 >= max_values {
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        AtMost::<()>::new(max_values).deserialize(&mut deserializer)?;
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = AtMost::new(max_values).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// What a text is read into.
trait Built<'de>: Sized {
    type Items: Default;
    type Members: Default;
    fn null() -> Self;
    fn boolean(value: bool) -> Self;
    fn number(value: Number) -> Self;
    fn text(value: Cow<'de, str>) -> Self;
    fn push(items: &mut Self::Items, item: Self);
    fn array(items: Self::Items) -> Self;
    /// Adds a member, or returns its name where there is one of that name.
    fn insert(
        members: &mut Self::Members,
        name: Cow<'de, str>,
        value: Self,
    ) -> Result<(), Cow<'de, str>>;
    fn object(members: Self::Members) -> Self;
}

impl<'de> Built<'de> for Value {
    type Items = Vec<Self>;
    type Members = Map<String, Self>;
    fn null() -> Self {
        Self::Null
    }
    fn boolean(value: bool) -> Self {
        Self::Bool(value)
    }
    fn number(value: Number) -> Self {
        Self::Number(value)
    }
    fn text(value: Cow<'de, str>) -> Self {
        Self::String(value.into_owned())
    }
    fn push(items: &mut Self::Items, item: Self) {
        items.push(item);
    }
    fn array(items: Self::Items) -> Self {
        Self::Array(items)
    }
    fn insert(
        members: &mut Self::Members,
        name: Cow<'de, str>,
        value: Self,
    ) -> Result<(), Cow<'de, str>> {
        match members.entry(name.into_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(value);
                Ok(())
            }
            Entry::Occupied(entry) => Err(entry.key().clone().into()),
        }
    }
    fn object(members: Self::Members) -> Self {
        Self::Object(members)
    }
}

impl<'de> Built<'de> for Tree<'de> {
    type Items = Vec<Self>;
    type Members = TreeMembers<'de>;
    fn null() -> Self {
        Self::Null
    }
    fn boolean(value: bool) -> Self {
        Self::Bool(value)
    }
    fn number(value: Number) -> Self {
        Self::Number(value)
    }
    fn text(value: Cow<'de, str>) -> Self {
        Self::String(value)
    }
    fn push(items: &mut Self::Items, item: Self) {
        items.push(item);
    }
    fn array(items: Self::Items) -> Self {
        Self::Array(items)
    }
    fn insert(
        members: &mut Self::Members,
        name: Cow<'de, str>,
        value: Self,
    ) -> Result<(), Cow<'de, str>> {
        members.insert(name, value)
    }
    fn object(members: Self::Members) -> Self {
        members.into_tree()
    }
}

/// Nothing: the values are counted alone.
impl<'de> Built<'de> for () {
    type Items = ();
    type Members = ();
    fn null() -> Self {}
    fn boolean(_: bool) -> Self {}
    fn number(_: Number) -> Self {}
    fn text(_: Cow<'de, str>) -> Self {}
    fn push((): &mut Self::Items, (): Self) {}
    fn array((): Self::Items) -> Self {}
    fn insert((): &mut Self::Members, _: Cow<'de, str>, (): Self) -> Result<(), Cow<'de, str>> {
        Ok(())
    }
    fn object((): Self::Members) -> Self {}
}

/// A reader of a value that holds at most this many values.
struct AtMost<T>(usize, PhantomData<T>);

impl<T> AtMost<T> {
    const fn new(limit: usize) -> Self {
        Self(limit, PhantomData)
    }

    fn outermost(self, count: &Cell<usize>) -> Nested<'_, T> {
        Nested {
            depth: 0,
            count,
            limit: self.0,
            built: PhantomData,
        }
    }
}

impl<'de, T: Built<'de>> DeserializeSeed<'de> for AtMost<T> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        let count = Cell::new(0);
        self.outermost(&count).deserialize(deserializer)
    }
}

/// A reader of one value, `depth` levels below the outermost.
struct Nested<'c, T> {
    depth: usize,
    /// The number of values so far, on every level.
    count: &'c Cell<usize>,
    limit: usize,
    built: PhantomData<T>,
}

impl<T> Nested<'_, T> {
    /// Returns a reader for the values one level below.
    fn deeper<E: Error>(&self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!(
                "nested deeper than {MAX_DEPTH} levels"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..*self
        })
    }

    /// Returns another reader of the same level.
    fn next(&self) -> Self {
        Self { ..*self }
    }

    fn members<'de, A: MapAccess<'de>>(&self, mut access: A) -> Result<T::Members, A::Error>
    where
        T: Built<'de>,
    {
        let inner = self.deeper()?;
        let mut members = T::Members::default();
        while let Some(name) = access.next_key_seed(Name)? {
            let value = access.next_value_seed(inner.next())?;
            T::insert(&mut members, name, value)
                .map_err(|name| A::Error::custom(format_args!("duplicate field `{name}`")))?;
        }
        Ok(members)
    }
}

/// A reader of the name of a member.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }
    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
    fn visit_string<E: Error>(self, name: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name))
    }
}

impl<'de, T: Built<'de>> DeserializeSeed<'de> for Nested<'_, T> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
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

impl<'de, T: Built<'de>> Visitor<'de> for Nested<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::null())
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        Ok(T::boolean(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        Ok(T::number(value.into()))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        Ok(T::number(value.into()))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        Number::from_f64(value)
            .map(T::number)
            .ok_or_else(|| E::custom("a number must be finite"))
    }
    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<T, E> {
        Ok(T::text(Cow::Borrowed(value)))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        Ok(T::text(Cow::Owned(value.to_owned())))
    }
    fn visit_string<E: Error>(self, value: String) -> Result<T, E> {
        Ok(T::text(Cow::Owned(value)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<T, A::Error> {
        let inner = self.deeper()?;
        let mut items = T::Items::default();
        while let Some(item) = access.next_element_seed(inner.next())? {
            T::push(&mut items, item);
        }
        Ok(T::array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<T, A::Error> {
        self.members(access).map(T::object)
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
    fn the_values_of_a_long_text_are_counted_before_they_are_stored() {
        let blanks = " ".repeat(20);
        for (text, expected) in [
            ("[1,2,3]", "[1,2,3]"),
            (r#"{"a":[true],"b":1}"#, r#"{"a":[true],"b":1}"#),
            (r#"["a",null]"#, r#"["a",null]"#),
            ("[1,2,3,4]", "holds more than 4 values at line 1 column 27"),
            (
                r#"{"a":{"b":[1.5]},"c":0}"#,
                "holds more than 4 values at line 1 column 41",
            ),
            (
                r#"{"a":1,"a":2}"#,
                "duplicate field `a` at line 1 column 33",
            ),
            // What is counted is never stored: the repeated member is not seen.
            (
                r#"{"a":1,"a":2,"b":[0,0]}"#,
                "holds more than 4 values at line 1 column 38",
            ),
            ("[1,2", "EOF while parsing a list at line 1 column 24"),
            ("[1]]", "trailing characters at line 1 column 24"),
        ] {
            let text = format!("{blanks}{text}");
            let got = match read(text.as_bytes(), 4) {
                Ok(value) => value.to_string(),
                Err(error) => error.to_string(),
            };
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_errors() {
        check("1e400", "number out of range at line 1 column 5");
    }
}
