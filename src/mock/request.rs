//! A request as faults and journal see it: which route it is for, and which domain and job it names.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::json::ObjectOnly;
use crate::query::error::unknown;

/// Who a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The API that is mocked, and whatever path there is nothing under: faults apply, the journal remembers.
    Api,
    /// The mock's own controls, and what watches it.
    Control,
    /// The page and its files.
    Page,
}

impl Audience {
    /// Whose path this is.
    #[must_use]
    pub fn of(path: &str) -> Self {
        const CONTROLS: [&str; 5] = ["clock", "faults", "journal", "reset", "snapshots"];
        if let Some(rest) = path.strip_prefix("/jobdeck/") {
            let first = rest.split('/').next().unwrap_or_default();
            if CONTROLS.contains(&first) {
                return Self::Control;
            }
        }
        if path == "/metrics" {
            return Self::Control;
        }
        if path == "/" || path == "/favicon.ico" || path.starts_with("/assets/") {
            return Self::Page;
        }
        Self::Api
    }
}

/// The routes of the API by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(as = RouteName, rename_all = "snake_case", description = "A route by its name.")]
pub enum Route {
    List,
    Search,
    Stat,
    Export,
    Domains,
    About,
    Healthz,
    Check,
    Put,
    Patch,
    Delete,
    Add,
}

impl Route {
    /// Every route with its name.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::List, "list"),
        (Self::Search, "search"),
        (Self::Stat, "stat"),
        (Self::Export, "export"),
        (Self::Domains, "domains"),
        (Self::About, "about"),
        (Self::Healthz, "healthz"),
        (Self::Check, "check"),
        (Self::Put, "put"),
        (Self::Patch, "patch"),
        (Self::Delete, "delete"),
        (Self::Add, "add"),
    ];

    /// The route that a request is for.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Option<Self> {
        let is_read = matches!(method, "GET" | "HEAD");
        match path {
            "/inventory/v1/jobs" if is_read => Some(Self::List),
            "/inventory/v1/jobs/search" if method == "POST" => Some(Self::Search),
            "/inventory/v1/jobs/stat" if method == "POST" => Some(Self::Stat),
            "/jobdeck/export" if is_read => Some(Self::Export),
            "/jobdeck/domains" if is_read => Some(Self::Domains),
            "/jobdeck/about" if is_read => Some(Self::About),
            "/healthz" if is_read => Some(Self::Healthz),
            "/check" if is_read => Some(Self::Check),
            "/jobdeck/jobs" => match method {
                "POST" => Some(Self::Add),
                "DELETE" => Some(Self::Delete),
                _ => None,
            },
            _ => match (job_of_path(path)?, method) {
                (_, "PUT") => Some(Self::Put),
                (_, "PATCH") => Some(Self::Patch),
                (_, "DELETE") => Some(Self::Delete),
                _ => None,
            },
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find_map(|(route, name)| (*route == self).then_some(*name))
            .unwrap_or_default()
    }

    /// The route of this name.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(name: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .find_map(|(route, known)| (*known == name).then_some(*route))
            .ok_or_else(|| unknown("route", name, &Self::ALL.map(|(_, known)| known)))
    }

    /// Whether its bodies are jobs, which may be larger than questions.
    #[must_use]
    pub fn has_jobs_in_body(self) -> bool {
        matches!(self, Self::Put | Self::Patch | Self::Add)
    }

    /// Whether it changes jobs.
    #[must_use]
    pub fn is_write(self) -> bool {
        matches!(self, Self::Put | Self::Patch | Self::Delete | Self::Add)
    }

    /// Whether it is what a server's health is watched by.
    #[must_use]
    pub fn is_probe(self) -> bool {
        matches!(self, Self::Healthz | Self::Check)
    }
}

impl Serialize for Route {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The job in `/jobdeck/jobs/{job_id}`, as it stands there.
fn job_of_path(path: &str) -> Option<&str> {
    path.strip_prefix("/jobdeck/jobs/")
        .filter(|id| !id.is_empty() && !id.contains('/'))
}

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
        let in_path = job_of_path(path).map(|id| percent_decode_str(id).decode_utf8_lossy().into());
        let named = if body.is_empty() {
            Named::default()
        } else {
            named_in_body(body)
        };
        Self {
            route: Route::of(method, path),
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
    fn paths_belong_to_the_api_the_controls_or_the_page() {
        for (path, expected) in [
            ("/", Audience::Page),
            ("/assets/0123/style.css", Audience::Page),
            ("/favicon.ico", Audience::Page),
            ("/jobdeck/faults", Audience::Control),
            ("/jobdeck/faults/fault-1/release", Audience::Control),
            ("/jobdeck/journal", Audience::Control),
            ("/jobdeck/reset", Audience::Control),
            ("/jobdeck/clock/advance", Audience::Control),
            ("/jobdeck/snapshots/a", Audience::Control),
            ("/metrics", Audience::Control),
            ("/jobdeck/faulty", Audience::Api),
            ("/jobdeck/jobs/faults", Audience::Api),
            ("/inventory/v1/jobs", Audience::Api),
            ("/inventory/v1/nothing", Audience::Api),
        ] {
            assert_eq!(Audience::of(path), expected, "{path}");
        }
    }

    #[test]
    fn routes_are_told_from_method_and_path() {
        for (method, path, expected) in [
            ("GET", "/inventory/v1/jobs", Some("list")),
            ("HEAD", "/inventory/v1/jobs", Some("list")),
            ("POST", "/inventory/v1/jobs", None),
            ("POST", "/inventory/v1/jobs/search", Some("search")),
            ("POST", "/inventory/v1/jobs/stat", Some("stat")),
            ("GET", "/jobdeck/export", Some("export")),
            ("GET", "/jobdeck/domains", Some("domains")),
            ("GET", "/jobdeck/about", Some("about")),
            ("GET", "/healthz", Some("healthz")),
            ("GET", "/check", Some("check")),
            ("PUT", "/jobdeck/jobs/j", Some("put")),
            ("PATCH", "/jobdeck/jobs/j", Some("patch")),
            ("DELETE", "/jobdeck/jobs/j", Some("delete")),
            ("DELETE", "/jobdeck/jobs", Some("delete")),
            ("POST", "/jobdeck/jobs", Some("add")),
            ("PUT", "/jobdeck/jobs/", None),
            ("PUT", "/jobdeck/jobs/a/b", None),
            ("GET", "/elsewhere", None),
        ] {
            assert_eq!(
                Route::of(method, path).map(Route::name),
                expected,
                "{method} {path}"
            );
        }
        for (route, name) in Route::ALL {
            assert!(route.is_write() || !route.has_jobs_in_body(), "{name}");
            assert_eq!(Route::parse(name), Ok(route));
        }
        assert_eq!(
            Route::parse("serch"),
            Err("unknown route `serch`; did you mean `search`?".to_owned())
        );
    }

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
