//! Values of MongoDB's types: their order, and their form as JSON.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use crate::query::sql::{Param, compare_integer_to_real, exact_integer};
use crate::time::Timestamp;

/// An ordering operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    Lt,
    Lte,
    Gt,
    Gte,
}

impl Comparison {
    /// Whether two values whose comparison gives `order` pass.
    #[must_use]
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Lt => order.is_lt(),
            Self::Lte => order.is_le(),
            Self::Gt => order.is_gt(),
            Self::Gte => order.is_ge(),
        }
    }
}

// Tags of the types, in MongoDB's order. [`crate::query::eval::encoding`] begins each BLOB with one.
pub(in crate::query) const NULL: u8 = 0x00;
pub(in crate::query) const NUMBER: u8 = 0x10;
pub(in crate::query) const TEXT: u8 = 0x20;
pub(in crate::query) const OBJECT: u8 = 0x30;
pub(in crate::query) const ARRAY: u8 = 0x40;
pub(in crate::query) const BOOLEAN: u8 = 0x50;
pub(in crate::query) const TIME: u8 = 0x60;

/// A value of one of MongoDB's types. A missing value is an `Option::None` or an SQL NULL.
#[derive(Debug, Clone, PartialEq)]
pub enum MongoValue {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Object(Vec<(String, MongoValue)>),
    Array(Vec<MongoValue>),
    Boolean(bool),
    Time(Timestamp),
}

impl From<&Value> for MongoValue {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(boolean) => Self::Boolean(*boolean),
            Value::Number(number) => Self::from(number),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(name, member)| (name.clone(), Self::from(member)))
                    .collect(),
            ),
        }
    }
}

impl From<&Number> for MongoValue {
    /// Integers beyond int64, which BSON does not have, become floats.
    fn from(number: &Number) -> Self {
        number.as_i64().map_or_else(
            || Self::Real(number.as_f64().unwrap_or_default()),
            Self::Integer,
        )
    }
}

impl MongoValue {
    /// Returns the tag by which values of different types are ordered.
    pub(in crate::query) fn rank(&self) -> u8 {
        match self {
            Self::Null => NULL,
            Self::Integer(_) | Self::Real(_) => NUMBER,
            Self::Text(_) => TEXT,
            Self::Object(_) => OBJECT,
            Self::Array(_) => ARRAY,
            Self::Boolean(_) => BOOLEAN,
            Self::Time(_) => TIME,
        }
    }

    /// Returns the name of the type for error texts.
    pub(in crate::query) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Integer(_) | Self::Real(_) => "a number",
            Self::Text(_) => "a string",
            Self::Object(_) => "an object",
            Self::Array(_) => "an array",
            Self::Boolean(_) => "a boolean",
            Self::Time(_) => "a datetime",
        }
    }

    /// Compares two values in MongoDB's total order over all types.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Integer(a), Self::Real(b)) => compare_integer_to_real(*a, *b),
            (Self::Real(a), Self::Integer(b)) => compare_integer_to_real(*b, *a).reverse(),
            (Self::Real(a), Self::Real(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Array(a), Self::Array(b)) => compare_sequences(a, b, Self::compare),
            (Self::Object(a), Self::Object(b)) => {
                compare_sequences(a, b, |(a_name, a), (b_name, b)| {
                    a.rank()
                        .cmp(&b.rank())
                        .then_with(|| a_name.cmp(b_name))
                        .then_with(|| a.compare(b))
                })
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Compares two values as comparison operators do; `None` unless both have the same type.
    #[must_use]
    pub fn compare_same_type(&self, other: &Self) -> Option<Ordering> {
        (self.rank() == other.rank()).then(|| self.compare(other))
    }

    /// Appends the value as JSON, datetimes as the statistics route writes them.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend(b"null"),
            Self::Boolean(boolean) => out.extend(if *boolean { &b"true"[..] } else { b"false" }),
            Self::Integer(integer) => write_integer(*integer, out),
            Self::Real(real) => write_real(*real, out),
            Self::Text(text) => write_text(text, out),
            Self::Time(time) => {
                let mut text = String::with_capacity(32);
                // Writing to a String can't fail.
                let _ = time.write_statistics(&mut text);
                write_text(&text, out);
            }
            Self::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (index, (name, member)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_text(name, out);
                    out.push(b':');
                    member.write_json(out);
                }
                out.push(b'}');
            }
        }
    }
}

/// The sort key of null and of a missing value.
pub const MISSING_SORT_KEY: Param = Param::Real(f64::NEG_INFINITY);

/// Appends a JSON string.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    // A string always has a JSON form, and writing to a Vec can't fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends an integer as JSON.
pub fn write_integer(integer: i64, out: &mut Vec<u8>) {
    // Writing to a Vec can't fail.
    let _ = serde_json::to_writer(out, &integer);
}

/// Appends a float as JSON. A whole number is written without a fraction, as SpaceONE does.
fn write_real(real: f64, out: &mut Vec<u8>) {
    match exact_integer(real) {
        Some(integer) => out.extend(integer.to_string().bytes()),
        None if real.is_finite() => {
            let _ = serde_json::to_writer(out, &real);
        }
        None => out.extend(b"null"),
    }
}

/// Compares two sequences by their first difference; without one, the shorter sequence is the smaller.
fn compare_sequences<T>(a: &[T], b: &[T], compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
    a.iter()
        .zip(b)
        .map(|(a, b)| compare(a, b))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// Returns the value as JSON, datetimes in the form that stored documents have.
#[must_use]
pub fn to_json(value: &MongoValue) -> Value {
    match value {
        MongoValue::Null => Value::Null,
        MongoValue::Boolean(boolean) => Value::Bool(*boolean),
        MongoValue::Integer(integer) => (*integer).into(),
        MongoValue::Real(real) => Number::from_f64(*real).map_or(Value::Null, Value::Number),
        MongoValue::Text(text) => Value::String(text.clone()),
        MongoValue::Time(time) => Value::String(time.to_string()),
        MongoValue::Array(items) => items.iter().map(to_json).collect(),
        MongoValue::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), to_json(member)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_exactly() {
        assert_eq!(
            MongoValue::Integer(1).compare(&MongoValue::Real(1.0)),
            Ordering::Equal
        );
        assert_eq!(
            MongoValue::Integer(i64::MAX).compare(&MongoValue::Real(9.3e18)),
            Ordering::Less
        );
        assert_eq!(
            MongoValue::Integer(i64::MAX).compare(&MongoValue::Real(9_223_372_036_854_775_808.0)),
            Ordering::Less
        );
    }

    #[test]
    fn json_has_the_form_that_statistics_answer() {
        let value = MongoValue::Array(vec![
            MongoValue::Real(2.0),
            MongoValue::Real(0.5),
            MongoValue::Null,
            MongoValue::Boolean(true),
            MongoValue::Text("a\"\u{1}".to_owned()),
            MongoValue::Time(Timestamp::from_millis(1_500).unwrap()),
            MongoValue::Object(vec![("k".to_owned(), MongoValue::Integer(-1))]),
        ]);
        let mut out = Vec::new();
        value.write_json(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"[2,0.5,null,true,"a\"\u0001","1970-01-01T00:00:01.500000Z",{"k":-1}]"#
        );
    }
}
