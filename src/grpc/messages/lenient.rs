//! Reads members of an answer into fields of a message; what a field can't carry is left at its default, as a null is.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Reads a member into a field, whatever the member is.
///
/// # Errors
/// Where the JSON itself is broken.
pub(super) fn lenient<'de, D: Deserializer<'de>, F: Field<'de>>(
    deserializer: D,
) -> Result<F, D::Error> {
    deserializer.deserialize_any(Member(PhantomData))
}

/// A field of a message: what it becomes by each kind of JSON that it can carry; by all other kinds its default.
pub(super) trait Field<'de>: Default {
    fn of_text(_text: &str) -> Self {
        Self::default()
    }
    fn of_integer(_integer: i64) -> Self {
        Self::default()
    }
    fn of_flag(_flag: bool) -> Self {
        Self::default()
    }
    fn of_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        IgnoredAny::deserialize(MapAccessDeserializer::new(object)).map(|_| Self::default())
    }
    fn of_array<A: SeqAccess<'de>>(array: A) -> Result<Self, A::Error> {
        IgnoredAny::deserialize(SeqAccessDeserializer::new(array)).map(|_| Self::default())
    }
}

impl Field<'_> for String {
    fn of_text(text: &str) -> Self {
        text.to_owned()
    }
}

/// One that is too large is cut to the nearest that the field can carry.
impl Field<'_> for i32 {
    fn of_integer(integer: i64) -> Self {
        let cut = integer.clamp(i32::MIN.into(), i32::MAX.into());
        cut.try_into().unwrap_or_default()
    }
}

impl Field<'_> for bool {
    fn of_flag(flag: bool) -> Self {
        flag
    }
}

impl<'de, M: Deserialize<'de>> Field<'de> for Option<M> {
    fn of_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        M::deserialize(MapAccessDeserializer::new(object)).map(Some)
    }
}

impl<'de, M: Deserialize<'de>> Field<'de> for Vec<M> {
    fn of_array<A: SeqAccess<'de>>(array: A) -> Result<Self, A::Error> {
        Self::deserialize(SeqAccessDeserializer::new(array))
    }
}

/// Reads a member into a field of a type.
struct Member<F>(PhantomData<F>);

impl<'de, F: Field<'de>> Visitor<'de> for Member<F> {
    type Value = F;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<F, E> {
        Ok(F::default())
    }
    fn visit_f64<E>(self, _: f64) -> Result<F, E> {
        Ok(F::default())
    }
    fn visit_bool<E>(self, flag: bool) -> Result<F, E> {
        Ok(F::of_flag(flag))
    }
    fn visit_i64<E>(self, integer: i64) -> Result<F, E> {
        Ok(F::of_integer(integer))
    }
    fn visit_u64<E>(self, integer: u64) -> Result<F, E> {
        Ok(F::of_integer(i64::try_from(integer).unwrap_or(i64::MAX)))
    }
    fn visit_str<E>(self, text: &str) -> Result<F, E> {
        Ok(F::of_text(text))
    }
    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<F, A::Error> {
        F::of_object(object)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, array: A) -> Result<F, A::Error> {
        F::of_array(array)
    }
}
