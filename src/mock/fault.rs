//! What a fault is, and how one is read: from JSON or from the text of an option, by the same rules.

use std::borrow::Cow;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::code::{Code, with_more};
use super::delay::Delay;
use super::request::Subject;
use crate::job::field_name;
use crate::json::ObjectOnly;
use crate::query::QueryError;
use crate::query::request::parse;
use crate::route::{Audience, Route, RouteName};

/// The longest text in a fault.
pub const MAX_TEXT_BYTES: usize = 4_096;

/// How requests are to be misbehaved to. The first members say which requests, the others what happens to them.
///
/// ```json
/// {"route": "search", "domain_id": "domain-1", "times": 2, "code": "ERROR_UNAVAILABLE", "delay": [0.5, 2], "seed": 7}
/// ```
///
/// `code`, `drop` and `truncate` end an answer, each in its own way, so a fault has one of them at most; `delay` and
/// `hold` go with any. Health checks are meant only by a `route` that names them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(
    description = "How requests are to be misbehaved to. `route`, `domain_id`, `job_id` and `times` say which requests; the others say what happens to them. `code`, `drop` and `truncate` end an answer, so there is one of them at most; `delay` and `hold` go with any. Health checks are meant only by a `route` that names them; the mock's own controls and the page never are."
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
    /// For so many matching requests, at least one; without it until the fault is cleared.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "at_least_one"
    )]
    #[schema(minimum = 1)]
    pub times: Option<u64>,
    /// The answer is this error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The text of that error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 4096)]
    pub message: Option<String>,
    /// The answer waits so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// From which a delay that is a range is drawn; 0 unless given. The same seed makes the same delays.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "zero_or_more"
    )]
    pub seed: Option<u64>,
    /// The connection is closed without an answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
    /// The head tells the length of the whole answer, and the connection is closed after so many bytes of its body.
    /// An answer that is no longer comes whole.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "zero_or_more"
    )]
    pub truncate: Option<u64>,
    /// The answer waits until it is released.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
}

/// Which requests by what they ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Route(RouteName),
    Path(String),
}

impl PartialSchema for Target {
    fn schema() -> RefOr<Schema> {
        let path = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "A path, without a query string; none of the mock's own controls or of the page.",
            ))
            .pattern(Some("^/[^?]*$"))
            .max_length(Some(MAX_TEXT_BYTES));
        OneOfBuilder::new()
            .description(Some("A route by its name, or a path."))
            .item(RouteName::schema())
            .item(path)
            .into()
    }
}

impl ToSchema for Target {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("FaultTarget")
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Route(route) => route.serialize(serializer),
            Self::Path(path) => path.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.starts_with('/') {
            return Ok(Self::Path(text));
        }
        RouteName::parse(&text)
            .map(Self::Route)
            .map_err(|problem| D::Error::custom(with_more(&problem, "A path begins with `/`")))
    }
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    whole_number(deserializer, 1, "a whole number from 1 to 2^63-1")
}

fn zero_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    whole_number(deserializer, 0, "a whole number from 0 to 2^63-1")
}

fn whole_number<'de, D: Deserializer<'de>>(
    deserializer: D,
    least: u64,
    expected: &'static str,
) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(None);
    }
    // What others take for an integer has a sign, and 64 bits.
    let number = value.as_i64().and_then(|number| number.try_into().ok());
    match number {
        Some(number) if number >= least => Ok(Some(number)),
        _ => Err(invalid(&value, expected)),
    }
}

pub(super) fn invalid<E: Error>(value: &Value, expected: &'static str) -> E {
    let found: String = value.to_string().chars().take(64).collect();
    E::invalid_value(Unexpected::Other(&found), &expected)
}

impl Fault {
    /// Reads a fault from JSON.
    ///
    /// # Errors
    /// [`QueryError`] with the member at fault.
    pub fn from_json(text: &[u8]) -> Result<Self, QueryError> {
        Self::from_value(parse(text)?)
    }

    /// Reads a fault from the text of an option, such as `route=search,code=503,times=2,delay=0.5-2,seed=7`.
    ///
    /// `drop` and `hold` need no value; `message` stands last and takes the rest of the text, commas too.
    ///
    /// # Errors
    /// [`QueryError`] with the member at fault.
    pub fn from_option(text: &str) -> Result<Self, QueryError> {
        let mut members = Map::new();
        let mut rest = text;
        loop {
            let (part, after) = match rest.split_once(',') {
                Some((part, after)) if !part.starts_with("message=") => (part, Some(after)),
                _ => (rest, None),
            };
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name, option_value(name, value)),
                None if matches!(part, "drop" | "hold") => (part, Value::Bool(true)),
                None => {
                    return Err(problem(
                        part,
                        "expected NAME=VALUE, such as `route=search,code=503`",
                    ));
                }
            };
            if members.insert(name.to_owned(), value).is_some() {
                return Err(problem(name, "given twice"));
            }
            match after {
                Some(after) => rest = after,
                None => return Self::from_value(Value::Object(members)),
            }
        }
    }

    fn from_value(value: Value) -> Result<Self, QueryError> {
        let ObjectOnly(fault) = serde_path_to_error::deserialize::<_, ObjectOnly<Self>>(value)
            .map_err(|error| {
                let place = field_name(error.path());
                let place = if place.is_empty() { "fault" } else { &place };
                problem(place, &error.inner().to_string())
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
        let spared = match path.map_or(Audience::Api, |path| Audience::of(path)) {
            Audience::Api | Audience::Probe => None,
            Audience::Control => Some("the mock's own controls"),
            Audience::Page => Some("the page"),
        };
        if let Some(spared) = spared {
            let text = format!("the path is one of {spared}, and these never misbehave");
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
            let text = format!("can't go with `{first}`, since an answer ends in one way only");
            return Err(problem(second, &text));
        }
        if self.is_harmless() {
            return Err(problem(
                "fault",
                "does nothing; give it at least one of code, delay, drop, truncate, hold",
            ));
        }
        if self.message.is_some() && self.code.is_none() {
            return Err(problem(
                "message",
                "is the text of an error, so give `code`",
            ));
        }
        if self.seed.is_some() && !matches!(self.delay, Some(Delay::Between(..))) {
            return Err(problem(
                "seed",
                "is what a delay is drawn from, so give `delay` the least and the most",
            ));
        }
        Ok(())
    }

    /// Whether nothing happens to anyone.
    pub(super) fn is_harmless(&self) -> bool {
        !self.has_end() && self.delay.is_none() && !self.hold
    }

    pub(super) fn has_end(&self) -> bool {
        self.code.is_some() || self.drop || self.truncate.is_some()
    }

    /// Whether a request is one of those it is for.
    pub(super) fn matches(&self, subject: &Subject) -> bool {
        let is_target = match &self.route {
            // What watches over the server must not take it for broken.
            None => !subject.route.is_some_and(Route::is_probe),
            Some(Target::Route(name)) => subject.route.and_then(Route::name) == Some(*name),
            Some(Target::Path(path)) => subject.path == *path,
        };
        let is_named =
            |wanted: &Option<String>, named: &Option<String>| wanted.is_none() || wanted == named;
        is_target
            && is_named(&self.domain_id, &subject.domain_id)
            && is_named(&self.job_id, &subject.job_id)
    }
}

/// The value of an option as JSON would have it; what is none of its kind stays a text, which the reader refuses.
fn option_value(name: &str, text: &str) -> Value {
    let number = |text: &str| text.parse::<f64>().ok().map(Value::from);
    let read = match name {
        "times" | "seed" | "truncate" => text.parse::<u64>().ok().map(Value::from),
        "delay" => number(text).or_else(|| {
            let (least, most) = text.split_once('-')?;
            Some(Value::Array(vec![number(least)?, number(most)?]))
        }),
        "drop" | "hold" => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    read.unwrap_or_else(|| Value::from(text))
}

fn problem(place: &str, problem: &str) -> QueryError {
    QueryError::Parameter {
        place: place.chars().take(64).collect(),
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

    #[track_caller]
    fn check_option(text: &str, expected: &str) {
        assert_eq!(shown(Fault::from_option(text)), expected);
    }

    #[test]
    fn faults_are_read_and_written_alike() {
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
    fn a_wrong_fault_names_its_place() {
        for (text, expected) in [
            (
                "{",
                "the body is not JSON: EOF while parsing an object at line 1 column 1",
            ),
            ("[503]", "fault: invalid type: sequence, expected an object"),
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
                "code: unknown error code `ERROR_UNAVAILABEL`; did you mean `ERROR_UNAVAILABLE`? A status from 400 to 599 will do, too",
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
                "drop: can't go with `code`, since an answer ends in one way only",
            ),
            (
                r#"{"truncate":5,"drop":true}"#,
                "truncate: can't go with `drop`, since an answer ends in one way only",
            ),
            (
                r#"{"delay":601}"#,
                "delay: invalid value: 601, expected seconds from 0 to 600, or two of them, the least and the most",
            ),
            (
                r#"{"delay":[2,1]}"#,
                "delay: invalid value: [2,1], expected seconds from 0 to 600, or two of them, the least and the most",
            ),
            (
                r#"{"delay":[1,2,3]}"#,
                "delay: invalid value: [1,2,3], expected seconds from 0 to 600, or two of them, the least and the most",
            ),
            (
                r#"{"delay":-1}"#,
                "delay: invalid value: -1, expected seconds from 0 to 600, or two of them, the least and the most",
            ),
            (
                r#"{"delay":1,"seed":7}"#,
                "seed: is what a delay is drawn from, so give `delay` the least and the most",
            ),
            (
                r#"{"delay":1,"message":"x"}"#,
                "message: is the text of an error, so give `code`",
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
    fn numbers_are_whole_and_paths_those_that_misbehave() {
        for (text, expected) in [
            (
                r#"{"code":503,"times":0}"#,
                "times: invalid value: 0, expected a whole number from 1 to 2^63-1",
            ),
            (
                r#"{"code":503,"times":-1}"#,
                "times: invalid value: -1, expected a whole number from 1 to 2^63-1",
            ),
            (
                r#"{"code":503,"times":"2"}"#,
                "times: invalid value: \"2\", expected a whole number from 1 to 2^63-1",
            ),
            (
                r#"{"truncate":1.5}"#,
                "truncate: invalid value: 1.5, expected a whole number from 0 to 2^63-1",
            ),
            (
                r#"{"delay":[1,2],"seed":-7}"#,
                "seed: invalid value: -7, expected a whole number from 0 to 2^63-1",
            ),
            (
                r#"{"code":503,"route":"/jobdeck/faults/"}"#,
                "route: the path is one of the mock's own controls, and these never misbehave",
            ),
            (
                r#"{"code":503,"route":"/assets/x.js"}"#,
                "route: the path is one of the page, and these never misbehave",
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn what_is_unknown_or_too_long_is_told_with_what_would_be_right() {
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
            "route: unknown route `nothing of it`; known are list, search, stat, export, domains, about, healthz, check, put, patch, delete, add. A path begins with `/`"
        );
        let unknown = shown(Fault::from_json(br#"{"code":503,"rute":"list"}"#));
        assert!(
            unknown.starts_with("rute: unknown field `rute`, expected one of `route`, "),
            "{unknown}"
        );
    }

    #[test]
    fn an_option_says_the_same_in_short() {
        for (text, expected) in [
            (
                "route=search,code=503,times=2,delay=0.5-2,seed=7,domain_id=d",
                r#"{"route":"search","domain_id":"d","times":2,"code":503,"delay":[0.5,2.0],"seed":7}"#,
            ),
            (
                "code=ERROR_NOT_FOUND,message=gone, and for good",
                r#"{"code":"ERROR_NOT_FOUND","message":"gone, and for good"}"#,
            ),
            ("drop", r#"{"drop":true}"#),
            (
                "hold=true,delay=1,job_id=5",
                r#"{"job_id":"5","delay":1.0,"hold":true}"#,
            ),
            ("route=/x,truncate=10", r#"{"route":"/x","truncate":10}"#),
            ("", ": expected NAME=VALUE, such as `route=search,code=503`"),
            (
                "code",
                "code: expected NAME=VALUE, such as `route=search,code=503`",
            ),
            (
                "code=503,",
                ": expected NAME=VALUE, such as `route=search,code=503`",
            ),
            ("code=503,code=504", "code: given twice"),
            ("code=fine", "code: unknown error code `fine`; known are "),
            (
                "times=x,code=503",
                "times: invalid value: \"x\", expected a whole number from 1 to 2^63-1",
            ),
            (
                "delay=2-1",
                "delay: invalid value: [2.0,1.0], expected seconds",
            ),
            (
                "delay=soon",
                "delay: invalid value: \"soon\", expected seconds",
            ),
            (
                "drop=maybe",
                "drop: invalid type: string \"maybe\", expected a boolean",
            ),
            ("speed=5", "speed: unknown field `speed`, expected one of "),
        ] {
            let got = shown(Fault::from_option(text));
            assert!(got.starts_with(expected), "\n got: {got}\nwant: {expected}");
        }
        check_option("code=404", r#"{"code":404}"#);
    }

    #[test]
    fn a_fault_is_for_the_requests_that_it_describes() {
        let search =
            |body: &str| Subject::of("POST", "/inventory/v1/jobs/search", "", body.as_bytes());
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
            let matches = |path| fault.matches(&Subject::of("GET", path, "", b""));
            assert_eq!((matches("/healthz"), matches("/check")), (healthz, check));
        }
    }
}
