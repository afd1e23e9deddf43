//! The serde deserializer of messages: converts parsed JSON values to any type in a dialect.

use std::borrow::Cow;
use std::fmt::{self, Write};

use serde::de::{DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess};
use serde::de::{EnumAccess, IntoDeserializer, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::json::message::dialect::{Dialect, Syntax, camel_letters, parse_boolean};
use crate::json::message::error::{Location, Problem, ReadError};
use crate::json::names::{shortened, unknown};
use crate::json::tree::Tree;

/// The newtype name by which the deserializer recognises a [`crate::json::message::Located`].
pub(super) const LOCATED: &str = "$located";

/// The bytes allocated for a location; most locations are shorter.
const LOCATION_BYTES: usize = 64;

/// The struct name of a type that is read from an object or from another value.
///
/// An object is read as a struct of the given fields; any other value goes to the visitor as its own type.
pub const OBJECT_OR_OTHER: &str = "$object_or_other";

/// A value that is being read, and its location.
pub(super) struct Reader<'p, 't> {
    pub(super) value: Tree<'t>,
    pub(super) location: Location<'p>,
    pub(super) dialect: &'p Dialect,
}

impl Reader<'_, '_> {
    fn wrong_type(&self, expected: impl Into<Cow<'static, str>>) -> ReadError {
        let found = match &self.value {
            Tree::String(text) if self.dialect.is_query_string() => {
                format!("`{}`", shortened(text)).into()
            }
            value => value.type_name().into(),
        };
        ReadError::new(Problem::WrongType {
            expected: expected.into(),
            found,
        })
    }

    /// Whether the value is an empty string that means that the member is left out.
    fn is_left_out(&self) -> bool {
        let is_member = matches!(self.location, Location::Member { field: Some(_), .. });
        is_member
            && self.dialect.is_proto()
            && matches!(&self.value, Tree::String(text) if text.is_empty())
    }

    /// Reads an integer, or what the dialect accepts as one.
    fn integer<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        expected: &'static str,
    ) -> Result<V::Value, ReadError> {
        let read = match &self.value {
            _ if self.is_left_out() => return Err(ReadError::new(Problem::Missing)),
            Tree::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(integer), ..) => visitor.visit_i64(integer),
                (_, Some(integer), _) => visitor.visit_u64(integer),
                (.., Some(float)) if self.dialect.is_proto() && is_whole(float) =>
                {
                    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
                    visitor.visit_i64(float as i64)
                }
                _ => return Err(self.wrong_type(expected)),
            },
            Tree::String(text) if self.dialect.syntax != Syntax::Plain => {
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
        // serde's own text names a Rust type.
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

impl<'de> Deserializer<'de> for Reader<'_, '_> {
    type Error = ReadError;

    integers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64; "an integer" }
    integers! { deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64; "an integer of 0 or more" }

    /// Reads a value unchanged: names, nulls and numbers inside it are data.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(boolean) => visitor.visit_bool(boolean),
            Tree::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(integer), ..) => visitor.visit_u64(integer),
                (_, Some(integer), _) => visitor.visit_i64(integer),
                (.., float) => visitor.visit_f64(float.unwrap_or(f64::NAN)),
            },
            Tree::String(Cow::Borrowed(text)) => visitor.visit_str(text),
            Tree::String(Cow::Owned(text)) => visitor.visit_string(text),
            Tree::Array(items) => visitor.visit_seq(Items {
                rest: items.into_iter(),
                index: 0,
                location: &self.location,
                dialect: self.dialect,
            }),
            Tree::Object(object) => visitor.visit_map(Entries {
                rest: object.into_iter(),
                next: None,
                location: &self.location,
                dialect: self.dialect,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if matches!(self.value, Tree::Null) || self.is_left_out() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.value {
            Tree::Bool(boolean) => visitor.visit_bool(*boolean),
            Tree::String(text) if self.dialect.is_query_string() => match parse_boolean(text) {
                Some(boolean) => visitor.visit_bool(boolean),
                None => Err(self.wrong_type("true or false")),
            },
            _ => Err(self.wrong_type("true or false")),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let float = match &self.value {
            Tree::Number(number) => number.as_f64(),
            Tree::String(text) if self.dialect.is_query_string() => text.parse().ok(),
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
            Tree::String(Cow::Borrowed(text)) => visitor.visit_str(text),
            Tree::String(Cow::Owned(text)) => visitor.visit_string(text),
            _ => Err(self.wrong_type("a string")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value {
            Tree::Array(_) => self.deserialize_any(visitor),
            _ => Err(self.wrong_type("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value {
            Tree::Object(_) => self.deserialize_any(visitor),
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
            Tree::Object(object) => {
                let mut members = Members {
                    fields: fields.iter(),
                    has_capital: has_capital(&object),
                    given: object,
                    next: None,
                    location: &self.location,
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
            let mut location = String::with_capacity(LOCATION_BYTES);
            self.location.write(&mut location);
            visitor.visit_seq(ValueAndLocation {
                value: Some(self),
                location: Some(location),
            })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    /// Reads an enum: a name in a string, or an object in which one member is the variant and the others are null.
    ///
    /// An enum with `#[serde(expecting = "…")]` is read from an object, any other from a string.
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
            Tree::String(name) if has_only_names => {
                if names.contains(&&*name) {
                    visitor.visit_enum(name.into_deserializer())
                } else {
                    Err(ReadError::new(unknown_name(&name)))
                }
            }
            Tree::Object(object) if !has_only_names => {
                let mut given = object
                    .into_iter()
                    .filter(|(_, value)| !matches!(value, Tree::Null));
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
                if !names.contains(&&*name) {
                    return Err(ReadError::at_member(&name, unknown_name(&name)));
                }
                let location = Location::Member {
                    of: &self.location,
                    spelt: &name,
                    field: None,
                };
                visitor.visit_enum(Variant {
                    name: &name,
                    content: Reader {
                        value,
                        location,
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

/// Whether an enum is read from strings: its visitor's text is then the one that serde derives, such as `enum
/// Operator`.
fn has_only_names(visitor: &dyn Expected) -> bool {
    /// A writer that fails at any other text. It allocates nothing, since it runs for each operator of a request.
    struct DerivedText;
    impl Write for DerivedText {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let is_derived = text.starts_with("enum ");
            is_derived.then_some(()).ok_or(fmt::Error)
        }
    }
    write!(DerivedText, "{visitor}").is_ok()
}

/// Whether the name of any member has a capital letter.
fn has_capital(members: &[(Cow<'_, str>, Tree<'_>)]) -> bool {
    let mut names = members.iter().map(|(name, _)| name.as_bytes());
    names.any(|name| name.iter().any(u8::is_ascii_uppercase))
}

/// The items of a list.
struct Items<'p, 't> {
    rest: std::vec::IntoIter<Tree<'t>>,
    index: usize,
    location: &'p Location<'p>,
    dialect: &'p Dialect,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        let Some(value) = self.rest.next() else {
            return Ok(None);
        };
        let location = Location::Item {
            of: self.location,
            index: self.index,
        };
        self.index += 1;
        let reader = Reader {
            value,
            location,
            dialect: self.dialect,
        };
        let item = seed.deserialize(reader);
        item.map(Some).map_err(|error| error.at(location))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The members of an object that is read unchanged, in their order.
struct Entries<'p, 't> {
    rest: std::vec::IntoIter<(Cow<'t, str>, Tree<'t>)>,
    next: Option<(Cow<'t, str>, Tree<'t>)>,
    location: &'p Location<'p>,
    dialect: &'p Dialect,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
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
        let location = Location::Member {
            of: self.location,
            spelt: &name,
            field: None,
        };
        let reader = Reader {
            value,
            location,
            dialect: self.dialect,
        };
        seed.deserialize(reader).map_err(|error| error.at(location))
    }
}

/// The members of an object that is read as a struct, in the order of its fields.
struct Members<'p, 't> {
    fields: std::slice::Iter<'static, &'static str>,
    /// The members that no field has taken yet.
    given: Vec<(Cow<'t, str>, Tree<'t>)>,
    /// Whether any of their names has a capital letter, as those in `lowerCamelCase` have: no field has a digit after an
    /// underscore.
    has_capital: bool,
    /// The field whose value is read next, and its member's name and value.
    next: Option<(&'static str, Cow<'t, str>, Tree<'t>)>,
    location: &'p Location<'p>,
    dialect: &'p Dialect,
}

impl<'t> Members<'_, 't> {
    /// Removes and returns the member under any of a field's spellings.
    fn take(&mut self, field: &'static str) -> Result<Option<(Cow<'t, str>, Tree<'t>)>, ReadError> {
        let mut taken: Option<(Cow<'t, str>, Tree<'t>)> = None;
        if self.given.is_empty() {
            return Ok(taken);
        }
        for name in [Some(field), self.dialect.short_name(field)] {
            let Some(name) = name else { continue };
            // A message has few members: comparing names is faster than hashing one.
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

    /// Returns the position of the member of a name: the exact name, or else its `lowerCamelCase`.
    fn position(&self, name: &str) -> Option<usize> {
        let exact = self.given.iter().position(|(given, _)| given == name);
        exact.or_else(|| {
            if !self.has_capital || !self.dialect.is_proto() || !name.contains('_') {
                return None;
            }
            let mut given = self.given.iter();
            given.position(|(given, _)| camel_letters(name).eq(given.chars()))
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

impl<'de> MapAccess<'de> for &mut Members<'_, '_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        while let Some(field) = self.fields.next() {
            if let Some((spelt, value)) = self.take(field)? {
                if matches!(value, Tree::Null) && self.dialect.is_proto() {
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
        let location = Location::Member {
            of: self.location,
            spelt: &spelt,
            field: Some(field),
        };
        let reader = Reader {
            value,
            location,
            dialect: self.dialect,
        };
        seed.deserialize(reader).map_err(|error| error.at(location))
    }
}

/// The two parts of a [`crate::json::message::Located`].
struct ValueAndLocation<'p, 't> {
    value: Option<Reader<'p, 't>>,
    location: Option<String>,
}

impl<'de> SeqAccess<'de> for ValueAndLocation<'_, '_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        if let Some(value) = self.value.take() {
            return seed.deserialize(value).map(Some);
        }
        let location = self.location.take();
        location
            .map(|location| seed.deserialize(location.into_deserializer()))
            .transpose()
    }
}

/// A variant of an enum: `{"NAME": …}`.
struct Variant<'p, 't> {
    name: &'p str,
    content: Reader<'p, 't>,
}

impl<'de, 'p, 't> EnumAccess<'de> for Variant<'p, 't> {
    type Error = ReadError;
    type Variant = Content<'p, 't>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Content<'p, 't>), ReadError> {
        let name = seed.deserialize(self.name.into_deserializer())?;
        Ok((name, Content(self.content)))
    }
}

/// The content of a variant.
struct Content<'p, 't>(Reader<'p, 't>);

impl<'de> VariantAccess<'de> for Content<'_, '_> {
    type Error = ReadError;

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        let location = self.0.location;
        seed.deserialize(self.0).map_err(|error| error.at(location))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let location = self.0.location;
        let read = self.0.deserialize_struct("", fields, visitor);
        read.map_err(|error| error.at(location))
    }

    fn unit_variant(self) -> Result<(), ReadError> {
        Err(ReadError::other("takes no value"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, ReadError> {
        Err(ReadError::other("takes no list of values"))
    }
}
