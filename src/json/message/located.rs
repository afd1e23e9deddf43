//! `Located`: a value with its location in the request.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::json::message::reader::LOCATED;

/// A value with its place in the request, for the errors of later checks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Located<T> {
    pub value: T,
    /// The place, as in `ReadError::place`; empty where the value was left out, or was not read by `from_value`.
    pub place: String,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pair<T> {
            type Value = Located<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value and its place")
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Self::Value, D::Error> {
                Ok(Located {
                    value: T::deserialize(deserializer)?,
                    place: String::new(),
                })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Self::Value, A::Error> {
                let missing = || de::Error::invalid_length(1, &"a value and its place");
                Ok(Located {
                    value: pair.next_element()?.ok_or_else(missing)?,
                    place: pair.next_element()?.ok_or_else(missing)?,
                })
            }
        }
        deserializer.deserialize_newtype_struct(LOCATED, Pair(PhantomData))
    }
}
