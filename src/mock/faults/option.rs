//! Parses a fault from the text of `--fault`.

use serde_json::{Map, Value};

use super::fault::{Fault, problem};
use crate::query::QueryError;

impl Fault {
    /// Reads a fault from the text of an option, such as `route=search,code=503,times=2,delay=0.5-2,seed=7`.
    ///
    /// `drop` and `hold` need no value; `message` comes last and takes the rest of the text, commas included.
    ///
    /// # Errors
    /// [`QueryError`] names the member.
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
}

/// Converts a value to its JSON type; a text of another type stays a text, which the reader refuses.
fn option_value(name: &str, text: &str) -> Value {
    let number = |text: &str| text.parse::<f64>().ok().map(Value::from);
    let read = match name {
        "times" | "seed" | "truncate" => text.parse::<u64>().ok().map(Value::from),
        "delay" => number(text).or_else(|| {
            let (min, max) = text.split_once('-')?;
            Some(Value::Array(vec![number(min)?, number(max)?]))
        }),
        "drop" | "hold" => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    read.unwrap_or_else(|| Value::from(text))
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

    #[test]
    fn an_option_means_the_same_as_json() {
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
                "times: expected a whole number from 1 to 2^63-1, found \"x\"",
            ),
            (
                "delay=2-1",
                "delay: expected seconds from 0 to 600, or two numbers of seconds, the shortest and the longest, found [2.0,1.0]",
            ),
            (
                "delay=soon",
                "delay: expected seconds from 0 to 600, or two numbers of seconds, the shortest and the longest, found \"soon\"",
            ),
            ("drop=maybe", "drop: expected true or false, found a string"),
            (
                "speed=5",
                "speed: unknown member `speed`; did you mean `seed`?",
            ),
        ] {
            let got = shown(Fault::from_option(text));
            assert!(got.starts_with(expected), "\n got: {got}\nwant: {expected}");
        }
        assert_eq!(shown(Fault::from_option("code=404")), r#"{"code":404}"#);
    }
}
