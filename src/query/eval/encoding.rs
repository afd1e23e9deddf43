//! Encoding of values in SQL, chosen so that SQLite compares them as MongoDB would.
//!
//! Each value has one of SQLite's storage classes, so `=`, `<`, `ORDER BY`, `GROUP BY`, `DISTINCT`, `max` and `min`
//! need no functions of ours:
//!
//! | value | SQL | |
//! | --- | --- | --- |
//! | missing | NULL | |
//! | number | INTEGER, REAL | 1 and 1.0 are equal there too |
//! | string | TEXT | compared by UTF-8 bytes |
//! | null, object, array, boolean, datetime | BLOB | a tag, then bytes that `memcmp` puts in order |
//!
//! SQLite's order NULL < numbers < TEXT < BLOB is MongoDB's order, except for null, whose BLOB is `x'00'`: a comparison
//! must test for it first. Encoded values can be decoded ([`MongoValue::from_param`]). They exist only within a
//! statement, so the encoding may change.

use crate::query::eval::path::gather;
use crate::query::eval::value::{ARRAY, BOOLEAN, MongoValue, NULL, NUMBER, OBJECT, TEXT, TIME};
use crate::query::sql::{Param, ParamRef, exact_integer};
use crate::time::Timestamp;

/// Ends the members of an object and the items of an array. It is less than every tag of a nested value: a null member
/// or item is written as [`NESTED_NULL`], since the tag of null is 0, too.
const END: u8 = 0x00;
/// The tag of a null inside an object or array.
const NESTED_NULL: u8 = 0x01;

impl MongoValue {
    /// Encodes the value for SQL.
    #[must_use]
    pub fn into_param(self) -> Param {
        match self {
            Self::Integer(integer) => Param::Integer(integer),
            Self::Real(real) => Param::Real(real),
            Self::Text(text) => Param::Text(text),
            Self::Null => Param::Blob(vec![NULL]),
            other => {
                let mut out = Vec::with_capacity(64);
                other.encode(&mut out);
                Param::Blob(out)
            }
        }
    }

    /// Decodes what [`MongoValue::into_param`] encoded; `None` for SQL's NULL, a missing value.
    ///
    /// Any other BLOB gives null, but only our own functions make BLOBs.
    #[must_use]
    pub fn from_param(param: Param) -> Option<Self> {
        match param {
            Param::Text(text) => Some(Self::Text(text)),
            Param::Null => None,
            Param::Integer(integer) => Some(Self::Integer(integer)),
            Param::Real(real) => Some(Self::Real(real)),
            Param::Blob(blob) => Self::from_ref(ParamRef::Blob(&blob)),
        }
    }

    /// Decodes a borrowed value, as [`MongoValue::from_param`] does.
    #[must_use]
    pub fn from_ref(param: ParamRef<'_>) -> Option<Self> {
        Some(match param {
            ParamRef::Null => return None,
            ParamRef::Integer(integer) => Self::Integer(integer),
            ParamRef::Real(real) => Self::Real(real),
            ParamRef::Text(text) => Self::Text(text.to_owned()),
            ParamRef::Blob(mut blob) => Self::decode(&mut blob).unwrap_or(Self::Null),
        })
    }

    /// Appends bytes whose `memcmp` order is [`MongoValue::compare`]'s.
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.nested_tag());
        self.encode_content(out);
    }

    fn nested_tag(&self) -> u8 {
        match self {
            Self::Null => NESTED_NULL,
            other => other.rank(),
        }
    }

    fn encode_content(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => {}
            Self::Integer(integer) => encode_integer(*integer, out),
            Self::Real(real) => match exact_integer(*real) {
                Some(integer) => encode_integer(integer, out),
                None => encode_number(*real, 0, out),
            },
            Self::Text(text) => encode_text(text, out),
            Self::Boolean(boolean) => out.push(u8::from(*boolean)),
            Self::Time(time) => out.extend(flip(time.millis()).to_be_bytes()),
            Self::Array(items) => {
                for item in items {
                    item.encode(out);
                }
                out.push(END);
            }
            Self::Object(members) => {
                for (name, member) in members {
                    out.push(member.nested_tag());
                    encode_text(name, out);
                    member.encode_content(out);
                }
                out.push(END);
            }
        }
    }

    fn decode(input: &mut &[u8]) -> Option<Self> {
        let tag = take(input, 1)?[0];
        Self::decode_content(tag, input)
    }

    fn decode_content(tag: u8, input: &mut &[u8]) -> Option<Self> {
        Some(match tag {
            NULL | NESTED_NULL => Self::Null,
            NUMBER => decode_number(input)?,
            TEXT => Self::Text(decode_text(input)?),
            BOOLEAN => Self::Boolean(take(input, 1)?[0] == 1),
            TIME => {
                let millis = u64::from_be_bytes(take(input, 8)?.try_into().ok()?);
                Self::Time(Timestamp::from_millis(unflip(millis))?)
            }
            ARRAY => {
                let mut items = Vec::new();
                loop {
                    match take(input, 1)?[0] {
                        END => break Self::Array(items),
                        tag => items.push(Self::decode_content(tag, input)?),
                    }
                }
            }
            OBJECT => {
                let mut members = Vec::new();
                loop {
                    match take(input, 1)?[0] {
                        END => break Self::Object(members),
                        tag => {
                            let name = decode_text(input)?;
                            members.push((name, Self::decode_content(tag, input)?));
                        }
                    }
                }
            }
            _ => return None,
        })
    }

    /// Gathers the value at a path below an encoded object (see [`gather`]); `None` where it is missing.
    ///
    /// Only what the path leads to is decoded; where it first meets an array, that is the whole array.
    #[must_use]
    pub fn gather_encoded(mut encoded: &[u8], path: &[String]) -> Option<Self> {
        let mut path = path;
        let mut tag = take(&mut encoded, 1)?[0];
        while tag == OBJECT
            && let Some((segment, rest)) = path.split_first()
        {
            loop {
                tag = take(&mut encoded, 1)?[0];
                if tag == END {
                    return None;
                }
                let name = take_text(&mut encoded)?;
                if name == segment.as_bytes()
                    || (name.contains(&0) && decode_raw(name)? == *segment)
                {
                    break;
                }
                skip(tag, &mut encoded)?;
            }
            path = rest;
        }
        gather(Self::decode_content(tag, &mut encoded)?, path)
    }
}

/// An encoded list or object under construction. It is built from encoded values without decoding them.
#[derive(Debug, Clone)]
pub struct Encoded(Vec<u8>);

impl Encoded {
    /// An empty list.
    #[must_use]
    pub fn list() -> Self {
        Self(vec![ARRAY])
    }

    /// An empty object.
    #[must_use]
    pub fn object() -> Self {
        Self(vec![OBJECT])
    }

    /// Returns the number of bytes so far.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// Appends an item to a list; leaves a missing one out.
    pub fn push(&mut self, item: &Param) {
        self.put(None, item);
    }

    /// Appends a member to an object; leaves a missing one out.
    pub fn insert(&mut self, name: &str, member: &Param) {
        self.put(Some(name), member);
    }

    fn put(&mut self, name: Option<&str>, value: &Param) {
        let encoded;
        let blob = match value {
            Param::Null => return,
            Param::Blob(blob) => blob.as_slice(),
            scalar => {
                let mut out = Vec::new();
                if let Some(value) = MongoValue::from_param(scalar.clone()) {
                    value.encode(&mut out);
                }
                encoded = out;
                &encoded
            }
        };
        let Some((tag, content)) = blob.split_first() else {
            return;
        };
        self.0.push(if *tag == NULL { NESTED_NULL } else { *tag });
        if let Some(name) = name {
            encode_text(name, &mut self.0);
        }
        self.0.extend_from_slice(content);
    }

    /// Ends the list or object.
    #[must_use]
    pub fn into_param(mut self) -> Param {
        self.0.push(END);
        Param::Blob(self.0)
    }
}

/// Appends the nearest float, then the difference from it, so that the bytes are exact and in order.
fn encode_integer(integer: i64, out: &mut Vec<u8>) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the difference is written after it"
    )]
    let nearest = integer as f64;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a whole float within 2^63 fits int128"
    )]
    let rest = i128::from(integer) - nearest as i128;
    encode_number(nearest, i16::try_from(rest).unwrap_or_default(), out);
}

fn encode_number(nearest: f64, rest: i16, out: &mut Vec<u8>) {
    let bits = if nearest == 0.0 { 0 } else { nearest.to_bits() };
    let ordered = if bits >> 63 == 1 {
        !bits
    } else {
        bits | (1 << 63)
    };
    out.extend(ordered.to_be_bytes());
    out.extend((rest.cast_unsigned() ^ (1 << 15)).to_be_bytes());
}

fn decode_number(input: &mut &[u8]) -> Option<MongoValue> {
    let ordered = u64::from_be_bytes(take(input, 8)?.try_into().ok()?);
    let rest = (u16::from_be_bytes(take(input, 2)?.try_into().ok()?) ^ (1 << 15)).cast_signed();
    let nearest = f64::from_bits(if ordered >> 63 == 1 {
        ordered & !(1 << 63)
    } else {
        !ordered
    });
    if nearest.fract() != 0.0 || !nearest.is_finite() {
        return Some(MongoValue::Real(nearest));
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates only where int64 does not reach either"
    )]
    let whole = nearest as i128 + i128::from(rest);
    Some(i64::try_from(whole).map_or(MongoValue::Real(nearest), MongoValue::Integer))
}

/// Appends a text. It ends with two zero bytes; a zero byte inside is followed by 0xFF.
fn encode_text(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(0xFF);
        }
    }
    out.extend([0, 0]);
}

fn decode_text(input: &mut &[u8]) -> Option<String> {
    decode_raw(take_text(input)?)
}

/// Decodes a text without its end.
fn decode_raw(raw: &[u8]) -> Option<String> {
    let mut bytes = raw.to_vec();
    if raw.contains(&0) {
        let mut after_zero = false;
        bytes.retain(|byte| !std::mem::replace(&mut after_zero, *byte == 0));
    }
    String::from_utf8(bytes).ok()
}

/// Takes an encoded text, without its end. It equals the decoded text unless that holds a zero byte.
fn take_text<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut end = 0;
    loop {
        end += input.get(end..)?.iter().position(|byte| *byte == 0)?;
        if *input.get(end + 1)? == 0 {
            let text = take(input, end)?;
            take(input, 2)?;
            return Some(text);
        }
        end += 2;
    }
}

/// Skips the content of a value.
fn skip(tag: u8, input: &mut &[u8]) -> Option<()> {
    match tag {
        NULL | NESTED_NULL => {}
        NUMBER => drop(take(input, 10)?),
        TEXT => drop(take_text(input)?),
        BOOLEAN => drop(take(input, 1)?),
        TIME => drop(take(input, 8)?),
        ARRAY | OBJECT => loop {
            let inner = take(input, 1)?[0];
            if inner == END {
                break;
            }
            if tag == OBJECT {
                take_text(input)?;
            }
            skip(inner, input)?;
        },
        _ => return None,
    }
    Some(())
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(count)?;
    *input = rest;
    Some(taken)
}

/// Maps integers to unsigned ones in the same order.
fn flip(integer: i64) -> u64 {
    integer.cast_unsigned() ^ (1 << 63)
}

fn unflip(bits: u64) -> i64 {
    (bits ^ (1 << 63)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns values in ascending order, no two of them equal.
    fn ascending() -> Vec<MongoValue> {
        let text = |text: &str| MongoValue::Text(text.to_owned());
        let object = |members: &[(&str, MongoValue)]| {
            MongoValue::Object(
                members
                    .iter()
                    .map(|(name, member)| ((*name).to_owned(), member.clone()))
                    .collect(),
            )
        };
        vec![
            MongoValue::Null,
            MongoValue::Real(-1e300),
            MongoValue::Integer(i64::MIN),
            MongoValue::Integer(-9_007_199_254_740_993),
            MongoValue::Real(-9_007_199_254_740_992.0),
            MongoValue::Real(-2.5),
            MongoValue::Integer(-2),
            MongoValue::Integer(0),
            MongoValue::Real(1e-300),
            MongoValue::Integer(1),
            MongoValue::Real(1.5),
            MongoValue::Integer(9_007_199_254_740_992),
            MongoValue::Integer(9_007_199_254_740_993),
            MongoValue::Integer(i64::MAX),
            MongoValue::Real(1e300),
            text(""),
            text("a"),
            text("a\0"),
            text("a\0b"),
            text("a b"),
            text("ab"),
            text("서울"),
            object(&[]),
            object(&[("b", MongoValue::Null)]),
            object(&[("b", MongoValue::Integer(1))]),
            object(&[("b", MongoValue::Integer(1)), ("a", MongoValue::Integer(0))]),
            object(&[("b", MongoValue::Integer(2))]),
            object(&[("c", MongoValue::Integer(1))]),
            object(&[("a", text("x"))]),
            MongoValue::Array(vec![]),
            MongoValue::Array(vec![MongoValue::Null]),
            MongoValue::Array(vec![MongoValue::Null, MongoValue::Null]),
            MongoValue::Array(vec![MongoValue::Integer(1)]),
            MongoValue::Array(vec![MongoValue::Integer(1), MongoValue::Integer(0)]),
            MongoValue::Array(vec![MongoValue::Real(1.5)]),
            MongoValue::Array(vec![text("a"), text("b")]),
            MongoValue::Array(vec![text("ab")]),
            MongoValue::Array(vec![MongoValue::Array(vec![])]),
            MongoValue::Boolean(false),
            MongoValue::Boolean(true),
            MongoValue::Time(Timestamp::MIN),
            MongoValue::Time(Timestamp::from_millis(-1).unwrap()),
            MongoValue::Time(Timestamp::from_millis(0).unwrap()),
        ]
    }

    #[test]
    fn encoded_values_compare_as_the_values_do() {
        let encoded = |value: &MongoValue| {
            let mut out = Vec::new();
            value.encode(&mut out);
            out
        };
        let values = ascending();
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                assert_eq!(a.compare(b), i.cmp(&j), "{a:?} and {b:?}");
                assert_eq!(
                    encoded(a).cmp(&encoded(b)),
                    i.cmp(&j),
                    "the bytes of {a:?} and {b:?}"
                );
            }
        }
    }

    #[test]
    fn encoded_values_are_decoded_unchanged() {
        for value in ascending() {
            assert_eq!(
                MongoValue::from_param(value.clone().into_param()),
                Some(value.clone())
            );
            let nested = MongoValue::Array(vec![
                value.clone(),
                MongoValue::Object(vec![("x\0".to_owned(), value)]),
            ]);
            let back = MongoValue::from_param(nested.clone().into_param()).unwrap();
            assert!(back.compare(&nested).is_eq(), "{back:?} is not {nested:?}");
        }
    }

    #[test]
    fn a_path_is_followed_without_decoding_other_members() {
        let object = |members: Vec<(&str, MongoValue)>| {
            MongoValue::Object(
                members
                    .into_iter()
                    .map(|(name, member)| (name.to_owned(), member))
                    .collect(),
            )
        };
        let inner = object(vec![("x", MongoValue::Integer(7)), ("y", MongoValue::Null)]);
        let skipped = MongoValue::Array(ascending());
        let whole = object(vec![
            ("be\0fore", skipped),
            ("o", inner.clone()),
            (
                "l",
                MongoValue::Array(vec![inner.clone(), MongoValue::Null]),
            ),
        ]);
        let Param::Blob(blob) = whole.into_param() else {
            panic!("an object is encoded as a BLOB")
        };
        for (path, expected) in [
            (&["o", "x"][..], Some(MongoValue::Integer(7))),
            (&["o", "y"], Some(MongoValue::Null)),
            (&["o"], Some(inner)),
            (
                &["l", "x"],
                Some(MongoValue::Array(vec![MongoValue::Integer(7)])),
            ),
            (&["o", "z"], None),
            (&["o", "x", "z"], None),
            (&["z"], None),
            (&["be\0fore", "o"], Some(MongoValue::Array(vec![]))),
        ] {
            let path: Vec<_> = path.iter().map(|segment| (*segment).to_owned()).collect();
            assert_eq!(
                MongoValue::gather_encoded(&blob, &path),
                expected,
                "{path:?}"
            );
        }
        assert_eq!(MongoValue::gather_encoded(&[], &[]), None);
    }

    #[test]
    fn lists_and_objects_are_built_from_encoded_values() {
        let mut list = Encoded::list();
        let mut object = Encoded::object();
        for (number, value) in ascending().into_iter().enumerate() {
            let param = value.into_param();
            list.push(&param);
            object.insert(&format!("m{number}"), &param);
        }
        list.push(&Param::Null);
        object.insert("missing", &Param::Null);
        let same = |param: Param, expected: MongoValue| {
            assert!(
                MongoValue::from_param(param)
                    .unwrap()
                    .compare(&expected)
                    .is_eq()
            );
        };
        same(list.into_param(), MongoValue::Array(ascending()));
        let named = ascending().into_iter().enumerate();
        same(
            object.into_param(),
            MongoValue::Object(
                named
                    .map(|(number, value)| (format!("m{number}"), value))
                    .collect(),
            ),
        );
    }

    #[test]
    fn equal_numbers_have_equal_bytes() {
        let array = |item| MongoValue::Array(vec![item]).into_param();
        assert_eq!(array(MongoValue::Integer(3)), array(MongoValue::Real(3.0)));
        assert_eq!(array(MongoValue::Real(0.0)), array(MongoValue::Real(-0.0)));
    }
}
