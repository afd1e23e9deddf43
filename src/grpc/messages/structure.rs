//! Writes answers as a `google.protobuf.Struct`, straight from the JSON that REST answers.

use std::fmt;

use prost::bytes::Bytes;
use prost::encoding::{WireType, encode_key};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::wire::{close, open, write_bytes, write_number};

/// Writes an object as a `google.protobuf.Struct`.
///
/// # Errors
/// Where the JSON is broken, or no object.
pub(in crate::grpc) fn message(json: &str) -> Result<Bytes, serde_json::Error> {
    let mut out = Vec::with_capacity(json.len());
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(StructMembers(&mut out))?;
    deserializer.end()?;
    Ok(out.into())
}

/// Writes the members of an object as those of a Struct, in their order.
pub(super) struct StructMembers<'o>(pub(super) &'o mut Vec<u8>);

impl<'de> Visitor<'de> for StructMembers<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self(out) = self;
        loop {
            let before = out.len();
            let member = open(1, out);
            if members.next_key_seed(StructKey(out))?.is_none() {
                out.truncate(before);
                return Ok(());
            }
            let value = open(2, out);
            members.next_value_seed(StructValue(out))?;
            close(value, out);
            close(member, out);
        }
    }
}

/// Writes the name of a member of a Struct.
struct StructKey<'o>(&'o mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for StructKey<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for StructKey<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_str<E>(self, name: &str) -> Result<(), E> {
        if !name.is_empty() {
            write_bytes(1, name.as_bytes(), self.0);
        }
        Ok(())
    }
}

/// Writes a value of a Struct. Of its kinds one is always written, also where it is the default.
struct StructValue<'o>(&'o mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for StructValue<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StructValue<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        write_number(1, 0, self.0);
        Ok(())
    }
    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        encode_key(2, WireType::SixtyFourBit, self.0);
        self.0.extend_from_slice(&number.to_le_bytes());
        Ok(())
    }
    #[expect(clippy::cast_precision_loss, reason = "the wire has doubles alone")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }
    #[expect(clippy::cast_precision_loss, reason = "the wire has doubles alone")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        write_bytes(3, text.as_bytes(), self.0);
        Ok(())
    }
    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        write_number(4, flag.into(), self.0);
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<(), A::Error> {
        let start = open(5, self.0);
        StructMembers(self.0).visit_map(members)?;
        close(start, self.0);
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self(out) = self;
        let list = open(6, out);
        loop {
            let before = out.len();
            let value = open(1, out);
            if elements.next_element_seed(StructValue(out))?.is_none() {
                out.truncate(before);
                close(list, out);
                return Ok(());
            }
            close(value, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::super::value::Struct;
    use super::*;

    #[test]
    fn json_stays_the_same_on_the_wire_with_the_order_of_its_members() {
        let long = "x".repeat(20_000);
        for text in [
            r#"{"z":1,"a":[null,true,"",[],{"b":{}}],"가":-0.5,"":0}"#,
            "{}",
            r#"{"big":9007199254740991,"exponent":1e+300,"text":"5","a \"quote\"":"\n"}"#,
            &format!(r#"{{"long":["{long}"],"last":null}}"#),
        ] {
            let decoded = Struct::decode(message(text).unwrap()).unwrap();
            assert_eq!(serde_json::to_string(&decoded).unwrap(), text);
        }
    }

    #[test]
    fn broken_json_and_what_is_no_object_is_an_error() {
        for broken in ["[]", "{", r#"{"message": "#, "{} {}", "{\"a\":\"\\ud800\"}"] {
            assert!(message(broken).is_err(), "{broken}");
        }
    }
}
