//! The deserializer: a value that is being read, and what of it serde's visitors get.

use std::borrow::Cow;
use std::fmt::{self, Write};

use serde::de::{DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess};
use serde::de::{EnumAccess, IntoDeserializer, VariantAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::{Map, Value};

use crate::json::message::dialect::{Dialect, Syntax};
use crate::json::message::error::{Place, Problem, ReadError};
use crate::json::names::{shortened, unknown};
use crate::json::strict::type_name;

/// The name by which a [`crate::json::message::Located`] makes itself known to its deserializer.
pub(super) const LOCATED: &str = "$located";

/// The name to ask for a struct by where other types than objects are read, too: the visitor gets what there is. An object
/// is read as a struct of these fields.
pub const OBJECT_OR_OTHER: &str = "$object_or_other";

/// Reads a message.
///
/// # Errors
/// [`ReadError`] for the first thing that is wrong with it.
pub fn from_value<'de, T: Deserialize<'de>>(
    value: Value,
    dialect: Dialect,
) -> Result<T, ReadError> {
    let place = Place::Root;
    let reader = Reader {
        value,
        place,
        dialect: &dialect,
    };
    T::deserialize(reader).map_err(|error| error.at(place))
}

/// Reads a message without nested members from the decoded pairs of a query string.
///
/// # Errors
/// [`ReadError`] for the first thing that is wrong with it. A parameter that is empty is an error: a variable that a script
/// forgot to set must not make "this domain's" into "all".
pub fn from_pairs<'de, 'p, T: Deserialize<'de>>(
    pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
) -> Result<T, ReadError> {
    let mut object = Map::new();
    for (name, text) in pairs {
        let problem = if text.is_empty() {
            "must not be empty; leave it out instead"
        } else if object.insert(name.to_owned(), text.into()).is_some() {
            "given twice"
        } else {
            continue;
        };
        return Err(ReadError::at_member(name, Problem::Other(problem.to_owned())).at(Place::Root));
    }
    from_value(Value::Object(object), Dialect::QUERY_STRING)
}

/// A value that is being read.
struct Reader<'p> {
    value: Value,
    place: Place<'p>,
    dialect: &'p Dialect,
}

impl Reader<'_> {
    fn wrong_type(&self, expected: impl Into<Cow<'static, str>>) -> ReadError {
        let found = match &self.value {
            Value::String(text) if self.dialect.is_query_string() => {
                format!("`{}`", shortened(text)).into()
            }
            value => type_name(value).into(),
        };
        ReadError::new(Problem::WrongType {
            expected: expected.into(),
            found,
        })
    }

    /// Whether the value is a member that counts as left out, being an empty string.
    fn is_left_out(&self) -> bool {
        let is_member = matches!(self.place, Place::Member { field: Some(_), .. });
        is_member && self.dialect.is_proto() && self.value == ""
    }

    /// An integer, or what the dialect reads as one.
    fn integer<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        expected: &'static str,
    ) -> Result<V::Value, ReadError> {
        let read = match &self.value {
            _ if self.is_left_out() => return Err(ReadError::new(Problem::Missing)),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(integer), ..) => visitor.visit_i64(integer),
                (_, Some(integer), _) => visitor.visit_u64(integer),
                (.., Some(float)) if self.dialect.is_proto() && is_whole(float) =>
                {
                    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
                    visitor.visit_i64(float as i64)
                }
                _ => return Err(self.wrong_type(expected)),
            },
            Value::String(text) if self.dialect.syntax != Syntax::Plain => {
                match (text.parse::<i64>(), text.parse::<u64>()) {
                    (Ok(integer), _) => visitor.visit_i64(integer),
                    (_, Ok(integer)) if self.dialect.is_query_string() => {
                        visitor.visit_u64(integer)
                    }
                    _ => return Err(self.wrong_type(expected)),
                }
            }
            _ => return Err(self.wrong_type(expected)),
        };
        // serde's own text names a type of Rust.
        read.map_err(|error: ReadError| match error.problem {
            Problem::WrongType { .. } => self.wrong_type(expected),
            _ => error,
        })
    }
}

/// Whether a float is an integer, and small enough to be exact.
fn is_whole(float: f64) -> bool {
    float.fract() == 0.0 && float.abs() < 9e15
}

macro_rules! integers {
    ($($method:ident)*; $expected:literal) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            self.integer(visitor, $expected)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    integers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64; "an integer" }
    integers! { deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64; "an integer of 0 or more" }

    /// Hands a value on as it is: names, nulls and numbers in it are data.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(boolean) => visitor.visit_bool(boolean),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(integer), ..) => visitor.visit_u64(integer),
                (_, Some(integer), _) => visitor.visit_i64(integer),
                (.., float) => visitor.visit_f64(float.unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(Items {
                rest: items.into_iter(),
                index: 0,
                place: &self.place,
                dialect: self.dialect,
            }),
            Value::Object(object) => visitor.visit_map(Entries {
                rest: object.into_iter(),
                next: None,
                place: &self.place,
                dialect: self.dialect,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.value.is_null() || self.is_left_out() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.value {
            Value::Bool(boolean) => visitor.visit_bool(*boolean),
            Value::String(text) if self.dialect.is_query_string() => match text.parse() {
                Ok(boolean) => visitor.visit_bool(boolean),
                Err(_) => Err(self.wrong_type("true or false")),
            },
            _ => Err(self.wrong_type("true or false")),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let float = match &self.value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) if self.dialect.is_query_string() => text.parse().ok(),
            _ => None,
        };
        match float.filter(|float| float.is_finite()) {
            Some(float) => visitor.visit_f64(float),
            None => Err(self.wrong_type("a number")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.is_left_out() {
            return Err(ReadError::new(Problem::Missing));
        }
        match self.value {
            Value::String(text) => visitor.visit_string(text),
            _ => Err(self.wrong_type("a string")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value {
            Value::Array(_) => self.deserialize_any(visitor),
            _ => Err(self.wrong_type("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value {
            Value::Object(_) => self.deserialize_any(visitor),
            _ => Err(self.wrong_type("an object")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.value {
            Value::Object(object) => {
                let mut members = Members {
                    fields: fields.iter(),
                    given: object.into_iter().collect(),
                    next: None,
                    place: &self.place,
                    dialect: self.dialect,
                };
                let message = visitor.visit_map(&mut members)?;
                members.refuse_unknown(fields)?;
                Ok(message)
            }
            _ if name == OBJECT_OR_OTHER => self.deserialize_any(visitor),
            _ => Err(self.wrong_type("an object")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name == LOCATED {
            let mut place = String::new();
            self.place.write(&mut place);
            visitor.visit_seq(ValueAndPlace {
                value: Some(self),
                place: Some(place),
            })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    /// Reads an enum: its name in a string, or an object of which one member is the variant and the others are null.
    ///
    /// An enum that is read from objects says so with `#[serde(expecting = "…")]`; the others are read from strings.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        noun: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if self.is_left_out() {
            return Err(ReadError::new(Problem::Missing));
        }
        let unknown_name = |name: &str| Problem::UnknownName(unknown(noun, name, names));
        let has_only_names = has_only_names(&visitor);
        match self.value {
            Value::String(name) if has_only_names => {
                if names.contains(&name.as_str()) {
                    visitor.visit_enum(name.into_deserializer())
                } else {
                    Err(ReadError::new(unknown_name(&name)))
                }
            }
            Value::Object(object) if !has_only_names => {
                let mut given = object.into_iter().filter(|(_, value)| !value.is_null());
                let (variant, others) = (given.next(), given.count());
                let (name, value) = match (variant, others) {
                    (Some(variant), 0) => variant,
                    (variant, others) => {
                        let found = usize::from(variant.is_some()) + others;
                        return Err(ReadError::other(format!(
                            "expected exactly one of the {noun}s {}, found {found}",
                            names.join(", ")
                        )));
                    }
                };
                if !names.contains(&name.as_str()) {
                    return Err(ReadError::at_member(&name, unknown_name(&name)));
                }
                let place = Place::Member {
                    of: &self.place,
                    spelt: &name,
                    field: None,
                };
                visitor.visit_enum(Variant {
                    name: &name,
                    content: Reader {
                        value,
                        place,
                        dialect: self.dialect,
                    },
                })
            }
            _ if has_only_names => Err(self.wrong_type("a string")),
            _ => Err(self.wrong_type((&visitor as &dyn Expected).to_string())),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

/// Whether the visitor of an enum expects what serde's own text says, `enum Operator`, and no more.
fn has_only_names(visitor: &dyn Expected) -> bool {
    /// Fails at the first text that is not serde's. Nothing is allocated: this runs for each operator of a request.
    struct OfSerde;
    impl Write for OfSerde {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let is_of_serde = text.starts_with("enum ");
            is_of_serde.then_some(()).ok_or(fmt::Error)
        }
    }
    write!(OfSerde, "{visitor}").is_ok()
}

/// The items of a list.
struct Items<'p> {
    rest: std::vec::IntoIter<Value>,
    index: usize,
    place: &'p Place<'p>,
    dialect: &'p Dialect,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        let Some(value) = self.rest.next() else {
            return Ok(None);
        };
        let place = Place::Item {
            of: self.place,
            index: self.index,
        };
        self.index += 1;
        let reader = Reader {
            value,
            place,
            dialect: self.dialect,
        };
        let item = seed.deserialize(reader);
        item.map(Some).map_err(|error| error.at(place))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The members of an object, as they are.
struct Entries<'p> {
    rest: serde_json::map::IntoIter,
    next: Option<(String, Value)>,
    place: &'p Place<'p>,
    dialect: &'p Dialect,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        self.next = self.rest.next();
        let name = self.next.as_ref().map(|(name, _)| name.clone());
        name.map(|name| seed.deserialize(name.into_deserializer()))
            .transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, ReadError> {
        let Some((name, value)) = self.next.take() else {
            return Err(ReadError::other("a value was read twice"));
        };
        let place = Place::Member {
            of: self.place,
            spelt: &name,
            field: None,
        };
        let reader = Reader {
            value,
            place,
            dialect: self.dialect,
        };
        seed.deserialize(reader).map_err(|error| error.at(place))
    }
}

/// The members of an object that is read as a struct, in the order of its fields.
struct Members<'p> {
    fields: std::slice::Iter<'static, &'static str>,
    /// Those that no field has taken.
    given: Vec<(String, Value)>,
    /// The field whose value is read next, and its member.
    next: Option<(&'static str, String, Value)>,
    place: &'p Place<'p>,
    dialect: &'p Dialect,
}

impl Members<'_> {
    /// Takes out the member under any of a field's spellings.
    fn take(&mut self, field: &'static str) -> Result<Option<(String, Value)>, ReadError> {
        let mut taken: Option<(String, Value)> = None;
        for name in [Some(field), self.dialect.short_name(field)] {
            let Some(name) = name else { continue };
            // The few members of a message are looked through sooner than a name is hashed.
            while let Some(index) = self.position(name) {
                let (spelt, value) = self.given.remove(index);
                if let Some((first, _)) = taken {
                    let problem = format!(
                        "given as well as `{first}`, which is the same member; give one of them"
                    );
                    return Err(ReadError::at_member(&spelt, Problem::Other(problem)));
                }
                taken = Some((spelt, value));
            }
        }
        Ok(taken)
    }

    /// The position of a member of this name. The name as it is goes before its `lowerCamelCase`.
    fn position(&self, name: &str) -> Option<usize> {
        let exact = self.given.iter().position(|(given, _)| given == name);
        exact.or_else(|| {
            let mut given = self.given.iter();
            given.position(|(given, _)| self.dialect.reads(name, given))
        })
    }

    /// Refuses the members that no field has taken.
    fn refuse_unknown(self, fields: &[&'static str]) -> Result<(), ReadError> {
        let Some((name, _)) = self.given.first() else {
            return Ok(());
        };
        let noun = self.dialect.noun();
        let problem = if fields.is_empty() {
            format!("unknown {noun} `{}`; there are none here", shortened(name))
        } else {
            let spellings = |field: &&'static str| {
                std::iter::once(*field).chain(self.dialect.short_name(field))
            };
            let known: Vec<_> = fields.iter().flat_map(spellings).collect();
            unknown(noun, name, &known)
        };
        Err(ReadError::at_member(name, Problem::Other(problem)))
    }
}

impl<'de> MapAccess<'de> for &mut Members<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        while let Some(field) = self.fields.next() {
            if let Some((spelt, value)) = self.take(field)? {
                if value.is_null() && self.dialect.is_proto() {
                    continue;
                }
                self.next = Some((field, spelt, value));
                return seed.deserialize((*field).into_deserializer()).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, ReadError> {
        let Some((field, spelt, value)) = self.next.take() else {
            return Err(ReadError::other("a value was read twice"));
        };
        let place = Place::Member {
            of: self.place,
            spelt: &spelt,
            field: Some(field),
        };
        let reader = Reader {
            value,
            place,
            dialect: self.dialect,
        };
        seed.deserialize(reader).map_err(|error| error.at(place))
    }
}

/// The two parts of a [`Located`].
struct ValueAndPlace<'p> {
    value: Option<Reader<'p>>,
    place: Option<String>,
}

impl<'de> SeqAccess<'de> for ValueAndPlace<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        if let Some(value) = self.value.take() {
            return seed.deserialize(value).map(Some);
        }
        let place = self.place.take();
        place
            .map(|place| seed.deserialize(place.into_deserializer()))
            .transpose()
    }
}

/// A variant of an enum: `{"NAME": …}`.
struct Variant<'p> {
    name: &'p str,
    content: Reader<'p>,
}

impl<'de, 'p> EnumAccess<'de> for Variant<'p> {
    type Error = ReadError;
    type Variant = Content<'p>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Content<'p>), ReadError> {
        let name = seed.deserialize(self.name.into_deserializer())?;
        Ok((name, Content(self.content)))
    }
}

/// What a variant holds.
struct Content<'p>(Reader<'p>);

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = ReadError;

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        let place = self.0.place;
        seed.deserialize(self.0).map_err(|error| error.at(place))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let place = self.0.place;
        let read = self.0.deserialize_struct("", fields, visitor);
        read.map_err(|error| error.at(place))
    }

    fn unit_variant(self) -> Result<(), ReadError> {
        Err(ReadError::other("takes no value"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, ReadError> {
        Err(ReadError::other("takes no list of values"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::message::located::Located;
    use serde_json::json;

    const SHORT: Dialect = Dialect {
        short_names: &[("key", "k")],
        ..Dialect::PROTO
    };

    #[derive(Debug, Deserialize)]
    #[serde(rename = "operator", rename_all = "snake_case")]
    enum Operator {
        Eq,
        NotIn,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "shown by Debug")]
    #[serde(
        rename = "stage",
        rename_all = "snake_case",
        expecting = "an object with one stage"
    )]
    enum Stage {
        SkipRows(i64),
        Condition(Condition),
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "shown by Debug")]
    struct Condition {
        key: String,
        operator: Option<Operator>,
        #[serde(default)]
        value: Located<Value>,
    }

    #[derive(Debug, Deserialize)]
    struct Message {
        domain_id: String,
        page_start: Option<i64>,
        #[serde(default)]
        is_minimal: bool,
        #[serde(default)]
        stages: Vec<Stage>,
    }

    fn text(message: Result<Message, ReadError>) -> String {
        match message {
            Ok(read) => format!(
                "{} {:?} {} {:?}",
                read.domain_id, read.page_start, read.is_minimal, read.stages
            ),
            Err(error) => error.to_string(),
        }
    }

    #[track_caller]
    fn check(dialect: Dialect, value: Value, expected: &str) {
        assert_eq!(text(from_value(value, dialect)), expected);
    }

    #[test]
    fn proto_has_other_names_and_nulls_and_numbers_in_strings() {
        for (value, expected) in [
            (
                json!({"domainId": "d", "page_start": "7", "isMinimal": null}),
                "d Some(7) false []",
            ),
            (
                json!({"domain_id": "d", "pageStart": 2.0}),
                "d Some(2) false []",
            ),
            (
                json!({"domain_id": "d", "pageStart": ""}),
                "d None false []",
            ),
            (json!({"domain_id": ""}), "domain_id: is required"),
            (json!({"domainId": ""}), "domain_id: is required"),
            (json!({"is_minimal": true}), "domain_id: is required"),
            (
                json!({"domain_id": "d", "is_minimal": ""}),
                "is_minimal: expected true or false, found a string",
            ),
            (
                json!({"domain_id": "d", "domainId": null}),
                "domainId: given as well as `domain_id`, which is the same member; give one of them",
            ),
            (
                json!({"domain_id": "d", "page_start": 1.5}),
                "page_start: expected an integer, found a number",
            ),
            (
                json!({"domain_id": "d", "page_start": u64::MAX}),
                "page_start: expected an integer, found a number",
            ),
        ] {
            check(SHORT, value, expected);
        }
    }

    #[test]
    fn plain_json_is_read_as_it_is_described() {
        for (value, expected) in [
            (
                json!({"domain_id": "", "page_start": null, "stages": [{"skip_rows": 1}]}),
                " None false [SkipRows(1)]",
            ),
            (json!({"domainId": "d"}), "domain_id: is required"),
            (
                json!({"domain_id": "d", "pageStart": 1}),
                "pageStart: unknown member `pageStart`; did you mean `page_start`?",
            ),
            (
                json!({"domain_id": "d", "page_start": "1"}),
                "page_start: expected an integer, found a string",
            ),
            (
                json!({"domain_id": "d", "is_minimal": null}),
                "is_minimal: expected true or false, found null",
            ),
            (json!(["d"]), "expected an object, found an array"),
        ] {
            check(Dialect::PLAIN, value, expected);
        }
    }

    #[test]
    fn a_query_string_holds_only_strings() {
        for (pairs, expected) in [
            (
                &[
                    ("domain_id", "d"),
                    ("page_start", "3"),
                    ("is_minimal", "true"),
                ][..],
                "d Some(3) true []",
            ),
            (
                &[("domain_id", "")],
                "domain_id: must not be empty; leave it out instead",
            ),
            (
                &[("domain_id", "d"), ("domain_id", "e")],
                "domain_id: given twice",
            ),
            (
                &[("domain_id", "d"), ("page_start", "x")],
                "page_start: expected an integer, found `x`",
            ),
            (
                &[("domain_id", "d"), ("domain", "d")],
                "domain: unknown parameter `domain`; did you mean `domain_id`?",
            ),
        ] {
            assert_eq!(text(from_pairs(pairs.iter().copied())), expected);
        }
    }

    #[test]
    fn an_error_has_the_place_as_it_was_spelt() {
        let message = |stage: Value| json!({"domain_id": "d", "stages": [{"skip_rows": 1}, stage]});
        for (stage, expected) in [
            (
                json!({"condition": {"k": "a", "value": {"Not_A": [null]}}}),
                r#"d None false [SkipRows(1), Condition(Condition { key: "a", operator: None, value: Located { value: Object {"Not_A": Array [Null]}, place: "stages[1].condition.value" } })]"#,
            ),
            (
                json!({"condition": {"k": "a", "operator": "notin"}}),
                "stages[1].condition.operator: unknown operator `notin`; did you mean `not_in`?",
            ),
            (
                json!({"condition": {"k": "a", "operator": 3}}),
                "stages[1].condition.operator: expected a string, found a number",
            ),
            (
                json!({"condition": {"k": 3}}),
                "stages[1].condition.k: expected a string, found a number",
            ),
            (
                json!({"condition": {"k": ""}}),
                "stages[1].condition.key: is required",
            ),
            (
                json!({"condition": {"k": "a", "key": "a"}}),
                "stages[1].condition.k: given as well as `key`, which is the same member; give one of them",
            ),
            (
                json!({"condition": {"k": "a", "x": 1}}),
                "stages[1].condition.x: unknown member `x`; known are key, k, operator, value",
            ),
            (
                json!({"skipp": 1}),
                "stages[1].skipp: unknown stage `skipp`; known are skip_rows, condition",
            ),
            (
                json!({"skip_rows": 1, "condition": {}}),
                "stages[1]: expected exactly one of the stages skip_rows, condition, found 2",
            ),
            (
                json!({"skip_rows": null}),
                "stages[1]: expected exactly one of the stages skip_rows, condition, found 0",
            ),
            (
                json!({"skipRows": 1}),
                "stages[1].skipRows: unknown stage `skipRows`; did you mean `skip_rows`?",
            ),
            (
                json!(3),
                "stages[1]: expected an object with one stage, found a number",
            ),
            (
                json!({"skip_rows": {}}),
                "stages[1].skip_rows: expected an integer, found an object",
            ),
        ] {
            check(SHORT, message(stage), expected);
        }
        check(
            SHORT,
            json!({"domain_id": "d", "stages": {}}),
            "stages: expected a list, found an object",
        );
    }

    #[test]
    fn the_first_error_does_not_depend_on_the_order_of_the_members() {
        let expected = "page_start: expected an integer, found true";
        let expected = expected.replace("true", "a boolean");
        check(
            SHORT,
            json!({"stages": 1, "page_start": true, "domain_id": "d"}),
            &expected,
        );
        check(
            SHORT,
            json!({"page_start": true, "domain_id": "d", "stages": 1}),
            &expected,
        );
    }
}
