//! `Subject`: the route, the domain and the job that a request names, which faults and the journal compare.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::json::ObjectOnly;
use crate::route::Route;

/// The subject of a request: its route, domain and job.
///
/// Domain and job are read from the path, the query string and the body, in this order; from a body of several jobs
/// only if all of them name the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    pub route: Option<Route>,
    /// Without the query string.
    pub path: String,
    pub domain_id: Option<String>,
    pub job_id: Option<String>,
}

impl Subject {
    /// Reads the subject of a request; a part that can't be read names nothing.
    #[must_use]
    pub fn from_request(method: &str, path: &str, query: &str, body: &[u8]) -> Self {
        let in_query = named_in_query(query);
        let in_path = Route::PutJob
            .parameter(path)
            .map(|id| percent_decode_str(id).decode_utf8_lossy().into());
        let in_body = if body.is_empty() {
            NamedIds::default()
        } else {
            named_in_body(body)
        };
        Self {
            route: Route::find(method, path),
            path: path.to_owned(),
            domain_id: in_query.domain_id.or(in_body.domain_id),
            job_id: in_path.or(in_query.job_id).or(in_body.job_id),
        }
    }
}

fn named_in_query(query: &str) -> NamedIds {
    let mut named = NamedIds::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let id = match &*name {
            "domain_id" | "domainId" => &mut named.domain_id,
            "job_id" | "jobId" => &mut named.job_id,
            _ => continue,
        };
        if id.is_none() && !value.is_empty() {
            *id = Some(value.into_owned());
        }
    }
    named
}

/// The domain and the job that a query string, a document, or each of several documents names.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct NamedIds {
    #[serde(alias = "domainId", deserialize_with = "non_empty_text")]
    domain_id: Option<String>,
    #[serde(alias = "jobId", deserialize_with = "non_empty_text")]
    job_id: Option<String>,
}

/// Reads a text that is not empty; skips any other value, without memory for its size.
fn non_empty_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    struct NonEmptyText;
    impl<'de> Visitor<'de> for NonEmptyText {
        type Value = Option<String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("anything")
        }
        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
            IgnoredAny.visit_seq(access).map(|_| None)
        }
        fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
            IgnoredAny.visit_map(access).map(|_| None)
        }
    }
    deserializer.deserialize_any(NonEmptyText)
}

/// The ids that all documents so far have in common; `None` before the first.
#[derive(Default)]
struct Common(Option<NamedIds>);

impl Common {
    /// Adds a document; returns whether one more could make a difference.
    fn add(&mut self, document: NamedIds) -> bool {
        let Some(common) = &mut self.0 else {
            let names_any = document != NamedIds::default();
            self.0 = Some(document);
            return names_any;
        };
        if document.domain_id != common.domain_id {
            common.domain_id = None;
        }
        if document.job_id != common.job_id {
            common.job_id = None;
        }
        *common != NamedIds::default()
    }
}

/// Reads the documents of an array one by one, without storing them.
impl<'de> DeserializeSeed<'de> for &mut Common {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut Common {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        while let Some(ObjectOnly(document)) = access.next_element()? {
            if !self.add(document) {
                break;
            }
        }
        Ok(())
    }
}

/// Reads one document, an array of documents, or one a line; stops when nothing is common to them.
fn named_in_body(body: &[u8]) -> NamedIds {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut common = Common::default();
    let read = if first == Some(&b'[') {
        common.deserialize(&mut json).and_then(|()| json.end())
    } else {
        json.into_iter()
            .map_while(|document| match document {
                Ok(ObjectOnly(document)) => common.add(document).then_some(Ok(())),
                Err(error) => Some(Err(error)),
            })
            .collect()
    };
    // The route refuses a body that is not JSON. An array that was not read to its end is an error here, too: nothing
    // is common to its documents.
    match read {
        Ok(()) => common.0.unwrap_or_default(),
        Err(_) => NamedIds::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_and_job_are_those_that_a_request_names() {
        const SEARCH: (&str, &str) = ("POST", "/inventory/v1/jobs/search");
        const ADD: (&str, &str) = ("POST", "/jobdeck/jobs");
        for ((method, path), query, body, domain, job) in [
            (
                ("GET", "/inventory/v1/jobs"),
                "domain_id=d%201",
                "",
                "d 1",
                "",
            ),
            (
                ("GET", "/inventory/v1/jobs"),
                "jobId=j&domainId=d",
                "",
                "d",
                "j",
            ),
            (SEARCH, "", r#"{"domain_id":"d","job_id":"j"}"#, "d", "j"),
            (
                SEARCH,
                "",
                r#" {"query":{"domain_id":"x"},"domainId":"d"}"#,
                "d",
                "",
            ),
            (SEARCH, "", r#"{"domain_id":5,"job_id":"é\n"}"#, "", "é\n"),
            (SEARCH, "", r#"{"domain_id":null}"#, "", ""),
            (SEARCH, "", "not JSON", "", ""),
            (SEARCH, "domain_id=q", r#"{"domain_id":"b"}"#, "q", ""),
            (
                ("PUT", "/jobdeck/jobs/a%2Fb"),
                "",
                r#"{"domain_id":"d","job_id":"c"}"#,
                "d",
                "a/b",
            ),
            (
                ADD,
                "",
                "{\"domain_id\":\"d\",\"job_id\":\"a\"}\n{\"domain_id\":\"d\",\"job_id\":\"b\"}\n",
                "d",
                "",
            ),
            (
                ADD,
                "",
                r#"[{"domain_id":"d","job_id":"a"},{"domain_id":"e","job_id":"a"}]"#,
                "",
                "a",
            ),
            (ADD, "", "[]", "", ""),
            (ADD, "", "[1,2]", "", ""),
            (ADD, "", r#"[["d","j"]]"#, "", ""),
            (ADD, "", r#"[{"domain_id":"d"},{"domain_id":"d"}"#, "", ""),
            (ADD, "", r#"[{"domain_id":"d"}] {"domain_id":"d"}"#, "", ""),
            (ADD, "", r#"{"domain_id":"d"} {"domain_id":"#, "", ""),
            (ADD, "", r#"{"domain_id":"d"}{}{"domain_id":"d"}"#, "", ""),
            (
                ADD,
                "",
                r#"{"domain_id":[["x"],{"y":null}],"job_id":"j"}{"domain_id":true,"job_id":"j"}"#,
                "",
                "j",
            ),
        ] {
            let subject = Subject::from_request(method, path, query, body.as_bytes());
            let text = |name: Option<String>| name.unwrap_or_default();
            assert_eq!(
                (text(subject.domain_id), text(subject.job_id)),
                (domain.to_owned(), job.to_owned()),
                "{method} {path}?{query} {body}"
            );
        }
    }
}
