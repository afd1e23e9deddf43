//! `Fault`: the members of a fault, read from JSON and checked; whether it matches a request.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::subject::Subject;
use super::code::{FaultCode, invalid_value};
use super::delay::Delay;
use super::target::{MAX_TEXT_BYTES, Target};
use crate::json::message::{Dialect, from_value};
use crate::query::QueryError;
use crate::query::request::parse;
use crate::route::{Audience, Route, tidy};

/// A fault. The first members say which requests it is for, the others what happens to them.
///
/// ```json
/// {"route": "search", "domain_id": "domain-1", "times": 2, "code": "ERROR_UNAVAILABLE", "delay": [0.5, 2], "seed": 7}
/// ```
///
/// `code`, `drop` and `truncate` each end an answer, so a fault has at most one of them; `delay` and `hold` combine
/// with any. A fault is for health checks only if its `route` names them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(
    description = "A fault that is injected into answers. `route`, `domain_id`, `job_id` and `times` say which requests it is for; the others say what happens to them. `code`, `drop` and `truncate` each end an answer, so a fault has at most one of them; `delay` and `hold` combine with any. A fault is for health checks only if its `route` names them, and never for the mock's own controls or the page."
)]
pub struct Fault {
    /// A route's name, or a path, which begins with a slash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Target>,
    /// As the request names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 4096)]
    pub domain_id: Option<String>,
    /// As the request names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 4096)]
    pub job_id: Option<String>,
    /// The number of matching requests that it is used for, at least one; without it the fault lasts until it is
    /// cleared.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "at_least_one"
    )]
    #[schema(minimum = 1)]
    pub times: Option<u64>,
    /// The answer is this error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<FaultCode>,
    /// The text of that error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 4096)]
    pub message: Option<String>,
    /// The delay of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// The seed of a delay that is a range; 0 if left out. The same seed draws the same delays.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "zero_or_more"
    )]
    pub seed: Option<u64>,
    /// The connection is closed without an answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
    /// The connection is closed after this many bytes of the body; `Content-Length` is that of the whole answer. A
    /// shorter answer is sent whole.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "zero_or_more"
    )]
    pub truncate: Option<u64>,
    /// The answer waits until it is released.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    whole_number(deserializer, 1, "a whole number from 1 to 2^63-1")
}

fn zero_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    whole_number(deserializer, 0, "a whole number from 0 to 2^63-1")
}

fn whole_number<'de, D: Deserializer<'de>>(
    deserializer: D,
    min: u64,
    expected: &'static str,
) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(None);
    }
    // The integers of OpenAPI and of most clients have a sign and 64 bits.
    let number = value.as_i64().and_then(|number| number.try_into().ok());
    match number {
        Some(number) if number >= min => Ok(Some(number)),
        _ => Err(invalid_value(&value, expected)),
    }
}

impl Fault {
    /// Reads a fault from JSON.
    ///
    /// # Errors
    /// [`QueryError`] names the member.
    pub fn from_json(text: &[u8]) -> Result<Self, QueryError> {
        Self::from_value(parse(text)?)
    }

    pub(super) fn from_value(value: Value) -> Result<Self, QueryError> {
        let fault: Self = from_value(value, Dialect::PLAIN).map_err(|error| {
            let location = error.location();
            let name = if location.is_empty() {
                "fault"
            } else {
                &location
            };
            problem(name, &error.problem().to_string())
        })?;
        fault.check()?;
        Ok(fault)
    }

    fn check(&self) -> Result<(), QueryError> {
        let path = match &self.route {
            Some(Target::Path(path)) => Some(path),
            _ => None,
        };
        for (name, text) in [
            ("route", path),
            ("domain_id", self.domain_id.as_ref()),
            ("job_id", self.job_id.as_ref()),
            ("message", self.message.as_ref()),
        ] {
            match text.map(String::len) {
                Some(0) => return Err(problem(name, "must not be empty")),
                Some(length) if length > MAX_TEXT_BYTES => {
                    let text =
                        format!("is {length} bytes long, at most {MAX_TEXT_BYTES} are allowed");
                    return Err(problem(name, &text));
                }
                _ => {}
            }
        }
        if path.is_some_and(|path| path.contains('?')) {
            return Err(problem("route", "a path has no query string"));
        }
        let exempt = match path.map_or(Audience::Api, |path| Audience::of(path)) {
            Audience::Api | Audience::Probe => None,
            Audience::Control => Some("the controls of the mock"),
            Audience::Page => Some("the page"),
        };
        if let Some(exempt) = exempt {
            let text = format!("this path belongs to {exempt}, where no faults are injected");
            return Err(problem("route", &text));
        }
        let ends: Vec<_> = [
            ("code", self.code.is_some()),
            ("drop", self.drop),
            ("truncate", self.truncate.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_given)| is_given.then_some(name))
        .collect();
        if let [first, second, ..] = ends.as_slice() {
            let text = format!("can't be combined with `{first}`: an answer ends in one way only");
            return Err(problem(second, &text));
        }
        if self.does_nothing() {
            return Err(problem(
                "fault",
                "does nothing; give it at least one of code, delay, drop, truncate, hold",
            ));
        }
        if self.message.is_some() && self.code.is_none() {
            return Err(problem(
                "message",
                "needs a `code`: it is the text of an error",
            ));
        }
        if self.seed.is_some() && !matches!(self.delay, Some(Delay::Between(..))) {
            return Err(problem(
                "seed",
                "needs a `delay` that is a range: the shortest and the longest",
            ));
        }
        Ok(())
    }

    /// Whether it changes no answer.
    pub(super) fn does_nothing(&self) -> bool {
        !self.has_end() && self.delay.is_none() && !self.hold
    }

    /// Whether it ends an answer.
    pub(super) fn has_end(&self) -> bool {
        self.code.is_some() || self.drop || self.truncate.is_some()
    }

    /// Whether it is for a request.
    pub(super) fn matches(&self, subject: &Subject) -> bool {
        let is_target = match &self.route {
            // What watches the server must not think that it is broken.
            None => !subject.route.is_some_and(Route::is_probe),
            Some(Target::Route(name)) => subject.route.and_then(Route::name) == Some(*name),
            // Requests have their path tidied.
            Some(Target::Path(path)) => subject.path == tidy(path),
        };
        let is_named =
            |wanted: &Option<String>, named: &Option<String>| wanted.is_none() || wanted == named;
        is_target
            && is_named(&self.domain_id, &subject.domain_id)
            && is_named(&self.job_id, &subject.job_id)
    }
}

/// Makes the error of a member.
pub(super) fn problem(name: &str, problem: &str) -> QueryError {
    QueryError::Parameter {
        location: name.chars().take(64).collect(),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(fault: Result<Fault, QueryError>) -> String {
        match fault {
            Ok(fault) => serde_json::to_string(&fault).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shown(Fault::from_json(text.as_bytes())), expected);
    }

    #[test]
    fn a_fault_is_written_as_it_was_read() {
        for text in [
            r#"{"code":503}"#,
            r#"{"route":"search","domain_id":"d","job_id":"j","times":2,"code":"ERROR_UNAVAILABLE","message":"no","delay":[0.5,2.0],"seed":7}"#,
            r#"{"route":"/inventory/v1/jobs/","drop":true}"#,
            r#"{"truncate":0}"#,
            r#"{"delay":0.25,"hold":true}"#,
        ] {
            check(text, text);
        }
        check(
            r#"{"code":503,"drop":false,"times":null}"#,
            r#"{"code":503}"#,
        );
    }

    #[test]
    fn a_wrong_fault_names_its_member() {
        for (text, expected) in [
            (
                "{",
                "the body is not JSON: EOF while parsing an object at line 1 column 1",
            ),
            ("[503]", "fault: expected an object, found an array"),
            (
                "{}",
                "fault: does nothing; give it at least one of code, delay, drop, truncate, hold",
            ),
            (
                r#"{"drop":false}"#,
                "fault: does nothing; give it at least one of code, delay, drop, truncate, hold",
            ),
            (
                r#"{"code":503,"code":504}"#,
                "body: duplicate field `code` at line 1 column 23",
            ),
            (
                r#"{"code":200}"#,
                "code: expected a status from 400 to 599, found 200",
            ),
            (
                r#"{"code":-1}"#,
                "code: expected a status from 400 to 599, found -1",
            ),
            (
                r#"{"code":99999}"#,
                "code: expected a status from 400 to 599, found 99999",
            ),
            (
                r#"{"code":true}"#,
                "code: expected a status from 400 to 599 or the name of an error, found a boolean",
            ),
            (
                r#"{"code":"ERROR_UNAVAILABEL"}"#,
                "code: unknown error code `ERROR_UNAVAILABEL`; did you mean `ERROR_UNAVAILABLE`? A status from 400 to 599 is allowed, too",
            ),
            (
                r#"{"code":503,"route":"serch"}"#,
                "route: unknown route `serch`; did you mean `search`? A path begins with `/`",
            ),
            (
                r#"{"code":503,"route":"/x?y=1"}"#,
                "route: a path has no query string",
            ),
            (
                r#"{"code":503,"drop":true}"#,
                "drop: can't be combined with `code`: an answer ends in one way only",
            ),
            (
                r#"{"truncate":5,"drop":true}"#,
                "truncate: can't be combined with `drop`: an answer ends in one way only",
            ),
            (
                r#"{"delay":601}"#,
                "delay: expected seconds from 0 to 600, or two numbers of seconds, the shortest and the longest, found 601",
            ),
            (
                r#"{"delay":[2,1]}"#,
                "delay: expected seconds from 0 to 600, or two numbers of seconds, the shortest and the longest, found [2,1]",
            ),
            (
                r#"{"delay":[1,2,3]}"#,
                "delay: expected seconds from 0 to 600, or two numbers of seconds, the shortest and the longest, found [1,2,3]",
            ),
            (
                r#"{"delay":-1}"#,
                "delay: expected seconds from 0 to 600, or two numbers of seconds, the shortest and the longest, found -1",
            ),
            (
                r#"{"delay":1,"seed":7}"#,
                "seed: needs a `delay` that is a range: the shortest and the longest",
            ),
            (
                r#"{"delay":1,"message":"x"}"#,
                "message: needs a `code`: it is the text of an error",
            ),
            (
                r#"{"code":503,"domain_id":""}"#,
                "domain_id: must not be empty",
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn numbers_are_whole_and_paths_are_those_of_the_api() {
        for (text, expected) in [
            (
                r#"{"code":503,"times":0}"#,
                "times: expected a whole number from 1 to 2^63-1, found 0",
            ),
            (
                r#"{"code":503,"times":-1}"#,
                "times: expected a whole number from 1 to 2^63-1, found -1",
            ),
            (
                r#"{"code":503,"times":"2"}"#,
                "times: expected a whole number from 1 to 2^63-1, found \"2\"",
            ),
            (
                r#"{"truncate":1.5}"#,
                "truncate: expected a whole number from 0 to 2^63-1, found 1.5",
            ),
            (
                r#"{"delay":[1,2],"seed":-7}"#,
                "seed: expected a whole number from 0 to 2^63-1, found -7",
            ),
            (
                r#"{"code":503,"route":"/jobdeck/faults/"}"#,
                "route: this path belongs to the controls of the mock, where no faults are injected",
            ),
            (
                r#"{"code":503,"route":"/assets/x.js"}"#,
                "route: this path belongs to the page, where no faults are injected",
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn an_unknown_or_too_long_value_is_refused_with_what_is_allowed() {
        const KNOWN: &str = "ERROR_INVALID_PARAMETER, ERROR_REQUIRED_PARAMETER";
        let long = format!(r#"{{"code":503,"message":"{}"}}"#, "x".repeat(5_000));
        check(
            &long,
            "message: is 5000 bytes long, at most 4096 are allowed",
        );
        let unknown = shown(Fault::from_json(br#"{"code":"SOMETHING ELSE"}"#));
        assert!(unknown.contains(KNOWN), "{unknown}");
        let unknown = shown(Fault::from_json(br#"{"code":503,"route":"nothing of it"}"#));
        assert_eq!(
            unknown,
            "route: unknown route `nothing of it`; known are list, search, stat, export, overview, events, domains, about, notifications, healthz, check, openapi, put, patch, delete, add, get, analyze, suggest. A path begins with `/`"
        );
        let unknown = shown(Fault::from_json(br#"{"code":503,"rute":"list"}"#));
        assert!(
            unknown == "rute: unknown member `rute`; did you mean `route`?",
            "{unknown}"
        );
    }

    #[test]
    fn a_fault_matches_the_requests_that_it_describes() {
        let search = |body: &str| {
            Subject::from_request("POST", "/inventory/v1/jobs/search", "", body.as_bytes())
        };
        for (fault, body, expected) in [
            ("code=503", "{}", true),
            ("code=503,route=search", "{}", true),
            ("code=503,route=list", "{}", false),
            ("code=503,route=/inventory/v1/jobs/search", "{}", true),
            ("code=503,route=/inventory/v1/jobs", "{}", false),
            ("code=503,domain_id=d", r#"{"domain_id":"d"}"#, true),
            ("code=503,domain_id=d", r#"{"domain_id":"e"}"#, false),
            ("code=503,domain_id=d", "{}", false),
            (
                "code=503,domain_id=d,job_id=j",
                r#"{"domain_id":"d","job_id":"j"}"#,
                true,
            ),
            (
                "code=503,domain_id=d,job_id=j",
                r#"{"domain_id":"d"}"#,
                false,
            ),
        ] {
            let got = Fault::from_option(fault).unwrap().matches(&search(body));
            assert_eq!(got, expected, "{fault} {body}");
        }
        for (fault, healthz, check) in [
            ("code=503", false, false),
            ("code=503,route=healthz", true, false),
            ("code=503,route=/check", false, true),
        ] {
            let fault = Fault::from_option(fault).unwrap();
            let matches = |path| fault.matches(&Subject::from_request("GET", path, "", b""));
            assert_eq!((matches("/healthz"), matches("/check")), (healthz, check));
        }
    }
}
