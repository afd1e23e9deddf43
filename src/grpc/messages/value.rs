//! `google.protobuf.Struct` and `Value`, which carry JSON.
//!
//! They are the same on the wire as those of every protobuf library, but keep the order of the members: old clients show the
//! columns of an answer in the order of the wire, and a map would sort them.

use serde::Serialize;
use serde::ser::{Error as _, Serializer};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_integers_where_these_are_the_same() {
        let written = |number| {
            let value = Value {
                kind: Some(Kind::Number(number)),
            };
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
