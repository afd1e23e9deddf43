//! Writes answers as messages, straight from the JSON that REST answers.
//!
//! There is no tree of either in between, with a text for each member: that took three quarters of the CPU of a page of jobs. A member
//! that a message has no field for is dropped, and so is one whose value its field can't carry, as a null is: members of
//! `collector_info` are free. As in all messages of proto3, a field without a value, or with its default, is not written.

use std::fmt;
use std::ops::Range;

use prost::bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::answer::{COLLECTOR, Field, FieldOf, JOB, JOBS, Layout};
use super::message_cache::{MessageCache, MessageCaches};
use super::structure::StructMembers;
use super::wire::{close, open, write_bytes, write_number};

/// Writes the message of a job.
///
/// # Errors
/// Where the JSON is broken, or no object.
pub(in crate::grpc) fn job(json: &str, caches: &MessageCaches) -> Result<Bytes, serde_json::Error> {
    let MessageCaches { jobs, collectors } = caches;
    jobs.get_or_write(json, || written(&JOB, json, collectors))
}

/// Writes the message of a list. Jobs whose places are known are read only where the cache does not have them.
///
/// # Errors
/// As [`job`], and where a place is none.
pub(in crate::grpc) fn list(
    json: &str,
    jobs: &[Range<usize>],
    caches: &MessageCaches,
) -> Result<Bytes, serde_json::Error> {
    let (Some(first), Some(last)) = (jobs.first(), jobs.last()) else {
        return written(&JOBS, json, &caches.collectors).map(Bytes::from);
    };
    let at = |place: Range<usize>| {
        let part = json.get(place);
        part.ok_or_else(|| serde_json::Error::custom("the place of a job is none"))
    };
    let mut out = Vec::with_capacity(json.len());
    for place in jobs {
        let job = job(at(place.clone())?, caches)?;
        write_bytes(JOBS.fields[0].number, &job, &mut out);
    }
    let rest = [at(0..first.start)?, at(last.end..json.len())?].concat();
    out.extend(written(&JOBS, &rest, &caches.collectors)?);
    Ok(out.into())
}

fn written(
    layout: &'static Layout,
    json: &str,
    collectors: &MessageCache,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(json.len());
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let members = Members {
        layout,
        out: &mut out,
        collectors,
    };
    members.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(out)
}

/// Writes the members of an object as the fields of a message.
struct Members<'o> {
    layout: &'static Layout,
    out: &'o mut Vec<u8>,
    collectors: &'o MessageCache,
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self {
            layout,
            out,
            collectors,
        } = self;
        let mut next = 0;
        while let Some(index) = members.next_key_seed(FieldName { layout, next })? {
            let Some(index) = index else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            next = index + 1;
            members.next_value_seed(FieldValue {
                field: &layout.fields[index],
                out,
                collectors,
            })?;
        }
        Ok(())
    }
}

/// Finds the field of a member by its name, as its place among the fields.
struct FieldName {
    layout: &'static Layout,
    /// The field after that of the member before: members mostly have the order of the fields.
    next: usize,
}

impl<'de> DeserializeSeed<'de> for FieldName {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldName {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let Self { layout, next } = self;
        let mut places = (next..layout.fields.len()).chain(0..next);
        Ok(places.find(|place| layout.fields[*place].name == name))
    }
}

/// Writes a member as a field.
struct FieldValue<'o> {
    field: &'static Field,
    out: &'o mut Vec<u8>,
    collectors: &'o MessageCache,
}

impl FieldValue<'_> {
    /// Writes a collector, which is cached.
    fn collector(self, layout: &'static Layout, json: &str) -> Result<(), serde_json::Error> {
        // Another value can't be carried.
        if !json.starts_with('{') {
            return Ok(());
        }
        let Self {
            field,
            out,
            collectors,
        } = self;
        let message = collectors.get_or_write(json, || written(layout, json, collectors))?;
        write_bytes(field.number, &message, out);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for FieldValue<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.field.of {
            FieldOf::One(layout) if std::ptr::eq(layout, &raw const COLLECTOR) => {
                let json = <&RawValue>::deserialize(deserializer)?;
                self.collector(layout, json.get()).map_err(D::Error::custom)
            }
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for FieldValue<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        if let (FieldOf::Flag, true) = (self.field.of, flag) {
            write_number(self.field.number, 1, self.out);
        }
        Ok(())
    }
    /// One that is too large is cut to the nearest that the field can carry.
    fn visit_i64<E>(self, integer: i64) -> Result<(), E> {
        let cut = integer.clamp(i32::MIN.into(), i32::MAX.into());
        if let (FieldOf::Integer, true) = (self.field.of, cut != 0) {
            write_number(self.field.number, cut.cast_unsigned(), self.out);
        }
        Ok(())
    }
    fn visit_u64<E: Error>(self, integer: u64) -> Result<(), E> {
        self.visit_i64(i64::try_from(integer).unwrap_or(i64::MAX))
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let Self { field, out, .. } = self;
        match field.of {
            FieldOf::Text if !text.is_empty() => write_bytes(field.number, text.as_bytes(), out),
            FieldOf::Choice { names, .. } => {
                let found = names.iter().position(|name| *name == text);
                if let Some(number @ 1..) = found {
                    write_number(field.number, number as u64, out);
                }
            }
            _ => {}
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self {
            field,
            out,
            collectors,
        } = self;
        match field.of {
            FieldOf::Struct => {
                let start = open(field.number, out);
                StructMembers(out).visit_map(members)?;
                close(start, out);
            }
            FieldOf::One(layout) => {
                let start = open(field.number, out);
                Members {
                    layout,
                    out,
                    collectors,
                }
                .visit_map(members)?;
                close(start, out);
            }
            _ => while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {},
        }
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self {
            field,
            out,
            collectors,
        } = self;
        let FieldOf::Many(layout) = field.of else {
            while elements.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        loop {
            let before = out.len();
            let start = open(field.number, out);
            if elements
                .next_element_seed(Members {
                    layout,
                    out,
                    collectors,
                })?
                .is_none()
            {
                out.truncate(before);
                return Ok(());
            }
            close(start, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use serde_json::{Value, json};

    use super::super::answer::{ERROR, JOB, JOBS};
    use super::super::value::Struct;
    use super::*;

    /// A message as another program reads it, of a part of its fields.
    #[derive(Clone, PartialEq, Message)]
    struct Job {
        #[prost(string, tag = "1")]
        id: String,
        #[prost(int32, tag = "2")]
        status: i32,
        #[prost(message, optional, tag = "3")]
        filter: Option<Struct>,
        #[prost(int32, tag = "5")]
        remained_tasks: i32,
        #[prost(message, repeated, tag = "6")]
        errors: Vec<JobError>,
    }

    #[derive(Clone, PartialEq, Message)]
    struct JobError {
        #[prost(string, tag = "2")]
        message: String,
    }

    #[derive(Clone, PartialEq, Message)]
    struct Jobs {
        #[prost(message, repeated, tag = "1")]
        results: Vec<Job>,
        #[prost(int32, tag = "2")]
        total_count: i32,
    }

    fn write(layout: &'static Layout, json: &str) -> Result<Bytes, serde_json::Error> {
        written(layout, json, &MessageCaches::default().collectors).map(Bytes::from)
    }

    #[track_caller]
    fn check(json: &Value, expected: &Job) {
        let written = write(&JOB, &json.to_string()).unwrap();
        assert_eq!(&Job::decode(written).unwrap(), expected);
    }

    #[test]
    fn each_member_becomes_its_field() {
        let error = |message: &str| JobError {
            message: message.to_owned(),
        };
        check(
            &json!({
                "job_id": "j", "status": "TIMEOUT", "filter": {}, "unknown": [{"a": [1]}], "remained_tasks": -1,
                "errors": [{"message": "한국"}, {}]
            }),
            &Job {
                id: "j".to_owned(),
                status: 6,
                filter: Some(Struct::default()),
                remained_tasks: -1,
                errors: vec![error("한국"), error("")],
            },
        );
        let long = "x".repeat(300);
        let jobs = json!({"results": [{"job_id": long}, {"job_id": "k"}], "total_count": 7_000_000_000_i64});
        let jobs = Jobs::decode(write(&JOBS, &jobs.to_string()).unwrap()).unwrap();
        let ids: Vec<_> = jobs.results.iter().map(|job| job.id.as_str()).collect();
        assert_eq!(
            (ids, jobs.total_count),
            (vec![long.as_str(), "k"], i32::MAX)
        );
    }

    #[test]
    fn what_a_field_can_not_carry_is_left_out() {
        for wrong in [
            json!({"job_id": null, "status": "OTHER", "filter": null, "errors": null}),
            json!({"job_id": 1, "status": 2, "filter": "x", "remained_tasks": 0.5, "errors": {"a": {}}}),
            json!({"job_id": {"a": 1}, "status": true, "filter": [{}], "remained_tasks": "1", "errors": 1}),
            json!({"job_id": [1, [2]], "status": "NONE", "filter": 0, "remained_tasks": 0, "errors": []}),
        ] {
            let written = write(&JOB, &wrong.to_string()).unwrap();
            assert!(written.is_empty(), "{wrong}: {written:?}");
        }
        for broken in ["[]", "{", r#"{"message": "#, "{} {}"] {
            assert!(write(&ERROR, broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_list_is_the_same_job_by_job_and_as_a_whole() {
        let jobs = [
            r#"{"job_id":"j","collector_info":{"collector_id":"c"},"errors":[{"message":"},{"}]}"#,
            "{}",
            r#"{"collector_id":"c","job_id":"가"}"#,
        ];
        // The first job appears twice.
        for jobs in [&jobs[..0], &jobs[..1], &jobs, &[jobs[1], jobs[0], jobs[0]]] {
            let mut json = r#"{"results":["#.to_owned();
            let mut places = Vec::new();
            for job in jobs {
                if !places.is_empty() {
                    json.push(',');
                }
                let start = json.len();
                json.push_str(job);
                places.push(start..json.len());
            }
            json.push_str(r#"],"total_count":70}"#);
            let whole = write(&JOBS, &json).unwrap();
            let caches = MessageCaches::default();
            for _ in 0..2 {
                assert_eq!(list(&json, &places, &caches).unwrap(), whole);
                assert_eq!(list(&json, &[], &caches).unwrap(), whole);
            }
        }
        // A wrong place is an error, and so is a job that is none.
        let caches = MessageCaches::default();
        let json = r#"{"results":["가",{}],"total_count":70}"#;
        for place in [13..14, 19..200, 12..17] {
            assert!(
                list(json, std::slice::from_ref(&place), &caches).is_err(),
                "{place:?}"
            );
        }
    }

    #[test]
    fn a_collector_is_the_same_from_the_cache() {
        let cache = MessageCaches::default().collectors;
        let job = |collector: &str| {
            format!(r#"{{"project_id":"p","collector_info":{collector},"job_id":"j"}}"#)
        };
        let with =
            |cache: &MessageCache, collector: &str| written(&JOB, &job(collector), cache).unwrap();
        for collector in [
            r#"{"provider":"aws","tags":{"a":[1,null]},"plugin_info":{"version":"1","plugin_id":"p"},"collector_id":"c"}"#,
            r#"{"collector_id":"c","other":"한국"}"#,
            "{}",
        ] {
            let first = with(&cache, collector);
            assert_eq!(with(&cache, collector), first, "{collector}");
            // The collector is a message with all that the JSON has.
            let is_empty = collector == "{}";
            assert_eq!(first.len() == with(&cache, "null").len() + 2, is_empty);
        }
        for none in ["null", "1", "\"{}\"", "[{}]"] {
            assert_eq!(with(&cache, none), with(&cache, "null"), "{none}");
        }
        let broken = job(r#"{"collector_id":"\ud800"}"#);
        assert!(written(&JOB, &broken, &cache).is_err());
    }
}
