//! A request as faults and journal see it: which route it is for, and which domain and job it names.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::json::ObjectOnly;
use crate::route::Route;

/// What a request is about. A domain and a job are what it names in its path, its query string or its body, in this
/// order; where a body holds several jobs, only what all of them name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    pub route: Option<Route>,
    /// As it came, without the query string.
    pub path: String,
    pub domain_id: Option<String>,
    pub job_id: Option<String>,
}

impl Subject {
    /// Looks at a request; what can't be read names nothing.
    #[must_use]
    pub fn of(method: &str, path: &str, query: &str, body: &[u8]) -> Self {
        let (in_query_domain, in_query_job) = named_in_query(query);
        let in_path = Route::PutJob
            .parameter(path)
            .map(|id| percent_decode_str(id).decode_utf8_lossy().into());
        let named = if body.is_empty() {
            Named::default()
        } else {
            named_in_body(body)
        };
        Self {
            route: Route::find(method, path),
            path: path.to_owned(),
            domain_id: in_query_domain.or(named.domain_id),
            job_id: in_path.or(in_query_job).or(named.job_id),
        }
    }
}

fn named_in_query(query: &str) -> (Option<String>, Option<String>) {
    let (mut domain, mut job) = (None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let place = match &*name {
            "domain_id" | "domainId" => &mut domain,
            "job_id" | "jobId" => &mut job,
            _ => continue,
        };
        if place.is_none() && !value.is_empty() {
            *place = Some(value.into_owned());
        }
    }
    (domain, job)
}

/// One document of a body, of which only the names are read; or what all documents so far name alike.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Named {
    #[serde(alias = "domainId", deserialize_with = "name")]
    domain_id: Option<String>,
    #[serde(alias = "jobId", deserialize_with = "name")]
    job_id: Option<String>,
}

/// Reads a text that is not empty; anything else is passed over, and takes no memory however large it is.
fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    struct Name;
    impl<'de> Visitor<'de> for Name {
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
    deserializer.deserialize_any(Name)
}

/// What the documents read so far name alike; `None` before the first.
#[derive(Default)]
struct Common(Option<Named>);

impl Common {
    /// Adds a document; whether one more could still make a difference.
    fn add(&mut self, document: Named) -> bool {
        let Some(common) = &mut self.0 else {
            let names_any = document != Named::default();
            self.0 = Some(document);
            return names_any;
        };
        if document.domain_id != common.domain_id {
            common.domain_id = None;
        }
        if document.job_id != common.job_id {
            common.job_id = None;
        }
        *common != Named::default()
    }
}

/// Reads the documents of an array one by one, and keeps none.
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

/// Reads one document, an array of them, or one a line; only as far as it takes, and keeping two names at most.
fn named_in_body(body: &[u8]) -> Named {
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
    // What is no JSON is the route's to refuse. An array that was not read to its end is an error here, too: nothing is
    // common to its documents.
    match read {
        Ok(()) => common.0.unwrap_or_default(),
        Err(_) => Named::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_and_job_are_what_a_request_names() {
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
            let subject = Subject::of(method, path, query, body.as_bytes());
            let text = |name: Option<String>| name.unwrap_or_default();
            assert_eq!(
                (text(subject.domain_id), text(subject.job_id)),
                (domain.to_owned(), job.to_owned()),
                "{method} {path}?{query} {body}"
            );
        }
    }
}
