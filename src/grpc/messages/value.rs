//! `google.protobuf.Struct` and `Value`, which carry JSON.
//!
//! They are the same on the wire as those of every protobuf library, but keep the order of the members: old clients show the
//! columns of an answer in the order of the wire, and a map would sort them.

use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};

/// Whole numbers below this one are the same as integers and as doubles.
const FIRST_INEXACT: f64 = 9_007_199_254_740_992.0;

/// A JSON object: a map on the wire, which is a repeated message.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Struct {
    #[prost(message, repeated, tag = "1")]
    pub(crate) fields: Vec<Member>,
}

/// A member of an object.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Member {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<Value>,
}

/// A JSON value; without a kind it is null.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Value {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6")]
    pub(crate) kind: Option<Kind>,
}

/// What a value is.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Kind {
    /// Always 0.
    #[prost(int32, tag = "1")]
    Null(i32),
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Boolean(bool),
    #[prost(message, tag = "5")]
    Object(Struct),
    #[prost(message, tag = "6")]
    List(ListValue),
}

/// A JSON array.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ListValue {
    #[prost(message, repeated, tag = "1")]
    pub(crate) values: Vec<Value>,
}

impl Serialize for Struct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().map(|Member { key, value }| (key, value)))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.kind {
            None | Some(Kind::Null(_)) => serializer.serialize_unit(),
            Some(Kind::Number(number)) => number_of_json(*number, serializer),
            Some(Kind::Text(text)) => serializer.serialize_str(text),
            Some(Kind::Boolean(flag)) => serializer.serialize_bool(*flag),
            Some(Kind::Object(object)) => object.serialize(serializer),
            Some(Kind::List(list)) => serializer.collect_seq(&list.values),
        }
    }
}

/// Writes a whole number as an integer: the wire has doubles alone, and `5` must stay `5`, as a text, too.
fn number_of_json<S: Serializer>(number: f64, serializer: S) -> Result<S::Ok, S::Error> {
    if !number.is_finite() {
        return Err(S::Error::custom(format!(
            "{number} is no number of JSON; a finite number is right"
        )));
    }
    if number.fract() == 0.0 && number.abs() < FIRST_INEXACT {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a whole number of this size is exact as an integer"
        )]
        let integer = number as i64;
        return serializer.serialize_i64(integer);
    }
    serializer.serialize_f64(number)
}

impl<'de> Deserialize<'de> for Struct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)?.kind {
            Some(Kind::Object(object)) => Ok(object),
            _ => Err(D::Error::custom("expected an object")),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadValue).map(Self::from)
    }
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Self { kind: Some(kind) }
    }
}

/// Reads a JSON value.
struct ReadValue;

impl<'de> Visitor<'de> for ReadValue {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null(0))
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Kind, E> {
        Ok(Kind::Boolean(flag))
    }
    #[expect(clippy::cast_precision_loss, reason = "the wire has doubles alone")]
    fn visit_i64<E>(self, number: i64) -> Result<Kind, E> {
        Ok(Kind::Number(number as f64))
    }
    #[expect(clippy::cast_precision_loss, reason = "the wire has doubles alone")]
    fn visit_u64<E>(self, number: u64) -> Result<Kind, E> {
        Ok(Kind::Number(number as f64))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Kind, E> {
        Ok(Kind::Number(number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Kind, E> {
        Ok(Kind::Text(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Kind, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = elements.next_element()? {
            values.push(value);
        }
        Ok(Kind::List(ListValue { values }))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Kind, A::Error> {
        let mut fields = Vec::new();
        while let Some((key, value)) = members.next_entry()? {
            fields.push(Member {
                key,
                value: Some(value),
            });
        }
        Ok(Kind::Object(Struct { fields }))
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn json_stays_the_same_on_the_wire_with_the_order_of_its_members() {
        for text in [
            r#"{"z":1,"a":[null,true,"",{"b":{}}],"가":-0.5}"#,
            "{}",
            r#"{"big":9007199254740991,"exponent":1e+300,"text":"5"}"#,
        ] {
            let object: Struct = serde_json::from_str(text).unwrap();
            let decoded = Struct::decode(object.encode_to_vec().as_slice()).unwrap();
            assert_eq!(serde_json::to_string(&decoded).unwrap(), text);
        }
    }

    #[test]
    fn numbers_become_integers_where_these_are_the_same() {
        let written = |number| {
            let value = Value::from(Kind::Number(number));
            serde_json::to_string(&value).map_err(|error| error.to_string())
        };
        assert_eq!(written(5.0), Ok("5".to_owned()));
        assert_eq!(written(-0.0), Ok("0".to_owned()));
        assert_eq!(written(0.1), Ok("0.1".to_owned()));
        // Beyond the integers that every double is, no digits are made up.
        assert_eq!(written(1e16), Ok("1e+16".to_owned()));
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = written(number).unwrap_err();
            assert!(error.contains("is no number of JSON"), "{error}");
        }
    }

    #[test]
    fn a_value_without_a_kind_is_null() {
        assert_eq!(serde_json::to_string(&Value::default()).unwrap(), "null");
    }
}
