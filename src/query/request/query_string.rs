//! Query strings: pairs of dotted names and texts, nested into the JSON that a search would have sent.
//!
//! Rule: proto's HTTP transcoding (`google.api.http`), by which SpaceONE's gateway reads them.

use serde_json::{Map, Value};

use crate::query::error::{QueryError, unknown};
use crate::query::request::parse;

/// How the text of a parameter is read.
#[derive(Clone, Copy)]
enum Parameter {
    Text,
    /// A name, or a number where it is all digits.
    Status,
    Integer,
    Boolean,
    Strings,
    Json,
}

/// Every parameter of the list route, by its dotted name.
const PARAMETERS: [(&str, Parameter); 14] = [
    ("domain_id", Parameter::Text),
    ("job_id", Parameter::Text),
    ("status", Parameter::Status),
    ("collector_id", Parameter::Text),
    ("project_id", Parameter::Text),
    ("query", Parameter::Json),
    ("query.keyword", Parameter::Text),
    ("query.only", Parameter::Strings),
    ("query.minimal", Parameter::Boolean),
    ("query.count_only", Parameter::Boolean),
    ("query.page.start", Parameter::Integer),
    ("query.page.limit", Parameter::Integer),
    ("query.sort.key", Parameter::Text),
    ("query.sort.desc", Parameter::Boolean),
];

/// Nests the pairs of a query string into the JSON that a search would have sent.
pub(in crate::query) fn to_value<'p>(
    pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
) -> Result<Value, QueryError> {
    let mut root = Map::new();
    for (given, text) in pairs {
        let name = snake_case(given);
        let fault = |problem: String| QueryError::Parameter {
            place: given.chars().take(64).collect(),
            problem,
        };
        let Some((name, kind)) = PARAMETERS.into_iter().find(|(known, _)| *known == name) else {
            let repeated = ["query.filter", "query.filter_or", "query.sort.keys"];
            return Err(fault(
                if repeated.iter().any(|message| name.starts_with(message)) {
                    "has no form in a query string; give the whole `query` as JSON".to_owned()
                } else {
                    unknown("parameter", &name, &PARAMETERS.map(|(known, _)| known))
                },
            ));
        };
        let value = match kind {
            Parameter::Text | Parameter::Integer => Value::from(text),
            Parameter::Status => text
                .parse::<u64>()
                .map_or_else(|_| Value::from(text), Value::from),
            Parameter::Boolean => match text {
                "true" => Value::Bool(true),
                "false" | "" => Value::Bool(false),
                _ => return Err(fault(format!("expected true or false, found `{text}`"))),
            },
            Parameter::Strings => Value::Array(vec![text.into()]),
            Parameter::Json => parse(text.as_bytes()).map_err(|error| fault(error.to_string()))?,
        };
        let Some((last, parents)) = name
            .split('.')
            .collect::<Vec<_>>()
            .split_last()
            .map(|(l, p)| (*l, p.to_vec()))
        else {
            continue;
        };
        let mut object = &mut root;
        for parent in parents {
            let inner = object
                .entry(parent)
                .or_insert_with(|| Value::Object(Map::new()));
            object = inner.as_object_mut().ok_or_else(|| {
                fault("can't be given beside `query` as JSON, unless that is an object".to_owned())
            })?;
        }
        match (object.get_mut(last), value) {
            (None, value) => {
                object.insert(last.to_owned(), value);
            }
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
            _ => return Err(fault("given twice, or beside `query` as JSON".to_owned())),
        }
    }
    Ok(Value::Object(root))
}

fn snake_case(name: &str) -> String {
    name.chars()
        .fold(String::with_capacity(name.len()), |mut snake, letter| {
            if letter.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
            snake
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
        let value = to_value(
            pairs
                .iter()
                .map(|(name, value)| (name.as_ref(), value.as_ref())),
        );
        assert_eq!(
            value.map_or_else(|error| error.to_string(), |value| value.to_string()),
            expected
        );
    }

    #[test]
    fn a_query_string_becomes_the_body() {
        for (text, expected) in [
            (
                "domain_id=d&status=5&query.page.limit=30&query.sort.key=a&query.sort.desc=true",
                r#"{"domain_id":"d","status":5,"query":{"page":{"limit":"30"},"sort":{"key":"a","desc":true}}}"#,
            ),
            (
                "domainId=d&query.countOnly=true",
                r#"{"domain_id":"d","query":{"count_only":true}}"#,
            ),
            (
                "query.only=a&query.only=b",
                r#"{"query":{"only":["a","b"]}}"#,
            ),
            (
                "query=%7B%22filter%22%3A%5B%5D%7D&query.keyword=x",
                r#"{"query":{"filter":[],"keyword":"x"}}"#,
            ),
            (
                "job_id=a&job_id=b",
                "job_id: given twice, or beside `query` as JSON",
            ),
            (
                "query=%5B%5D&query.keyword=x",
                "query.keyword: can't be given beside `query` as JSON, unless that is an object",
            ),
            (
                "query.filter.k=a",
                "query.filter.k: has no form in a query string; give the whole `query` as JSON",
            ),
            (
                "query.minimal=1",
                "query.minimal: expected true or false, found `1`",
            ),
            (
                "domain=d",
                "domain: unknown parameter `domain`; did you mean `domain_id`?",
            ),
            (
                "query=%7B",
                "query: the body is not JSON: EOF while parsing an object at line 1 column 1",
            ),
        ] {
            check(text, expected);
        }
    }
}
