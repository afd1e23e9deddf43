//! Reads JSON into the shapes of requests: the dialect of SpaceONE's messages, and the errors that clients get.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, SeqAccess, Visitor};
use serde_json::Value;

use crate::json::message::{Dialect, Problem, ReadError, Step, from_tree};
use crate::json::{self, Tree};
use crate::query::error::QueryError;
use crate::query::limits::MAX_VALUES;

/// SpaceONE's messages: proto's JSON, where some members have short names.
pub(super) const DIALECT: Dialect = Dialect {
    short_names: &[
        ("key", "k"),
        ("value", "v"),
        ("operator", "o"),
        ("name", "n"),
    ],
    ..Dialect::PROTO
};

/// Parses a body as JSON, strictly.
pub(crate) fn parse(body: &[u8]) -> Result<Value, QueryError> {
    json::read(body, MAX_VALUES).map_err(|error| json_error(&error))
}

/// Parses a body as a tree, which a message is read from.
pub(super) fn parse_tree(body: &[u8]) -> Result<Tree<'_>, QueryError> {
    json::read_tree(body, MAX_VALUES).map_err(|error| json_error(&error))
}

fn json_error(error: &serde_json::Error) -> QueryError {
    let problem = error.to_string();
    if error.is_data() {
        QueryError::Parameter {
            location: "body".to_owned(),
            problem,
        }
    } else {
        QueryError::Json { problem }
    }
}

/// Reads one of SpaceONE's messages.
pub(super) fn message<T: DeserializeOwned>(tree: Tree<'_>) -> Result<T, QueryError> {
    from_tree(tree, DIALECT).map_err(|error| query_error(&error))
}

/// Turns the error of a message into one with SpaceONE's code.
///
/// Rule: SpaceONE answers `ERROR_DB_QUERY` to every error in a stage, to a name that the language does not have, and to
/// a missing member of a nested message.
fn query_error(error: &ReadError) -> QueryError {
    let location = match error.location() {
        root if root.is_empty() => "body".to_owned(),
        location => location,
    };
    let within_aggregate = match error.steps() {
        [Step::Member(query), Step::Member(aggregate), within @ ..]
            if query == "query" && aggregate == "aggregate" =>
        {
            Some(within)
        }
        _ => None,
    };
    let problem = with_form(error).to_string();
    match error.problem() {
        Problem::Missing if error.steps().len() == 1 => QueryError::Required { key: location },
        // Rule: the conformance case E-error-request-023: a limit that is not a number is an error of the request.
        Problem::WrongType { expected, .. }
            if within_aggregate.is_none_or(<[_]>::is_empty)
                || expected == "an integer"
                || is_date_format(error) =>
        {
            QueryError::Type { location, problem }
        }
        Problem::Missing | Problem::UnknownName(_) => QueryError::Language { location, problem },
        _ if within_aggregate.is_some() => QueryError::Language { location, problem },
        _ => QueryError::Parameter { location, problem },
    }
}

/// Whether an error is at the `date_format` of a group key. Another type than a string is an error of the request.
fn is_date_format(error: &ReadError) -> bool {
    matches!(error.steps().last(), Some(Step::Member(name)) if name == "date_format" || name == "dateFormat")
}

/// Adds to an error that the value has another type what a right value is, where the member has a form that one has to know.
fn with_form(error: &ReadError) -> Cow<'_, Problem> {
    match (error.problem(), form(error.steps())) {
        (Problem::WrongType { expected, found }, Some(form)) => Cow::Owned(Problem::WrongType {
            expected: format!("{expected} such as `{form}`").into(),
            found: found.clone(),
        }),
        (problem, _) => Cow::Borrowed(problem),
    }
}

/// Returns an example of the value at a location.
fn form(steps: &[Step]) -> Option<&'static str> {
    let names = steps.iter().filter_map(|step| match step {
        Step::Member(name) => Some(name.as_str()),
        Step::Item(_) => None,
    });
    let names: Vec<_> = names.collect();
    let is_item = matches!(steps.last(), Some(Step::Item(_)));
    let form = match (names.as_slice(), is_item) {
        ([.., "filter" | "filter_or" | "filterOr"], true) => {
            r#"{"key": "status", "value": "ERROR", "operator": "eq"}"#
        }
        ([.., "filter" | "filter_or" | "filterOr"], false) => {
            r#"[{"key": "status", "value": "ERROR", "operator": "eq"}]"#
        }
        ([.., "sort"], _) | ([.., "sort", "keys"], true) => {
            r#"{"key": "created_at", "desc": true}"#
        }
        ([.., "sort", "keys"], false) => r#"[{"key": "created_at", "desc": true}]"#,
        ([.., "page"], _) => r#"{"start": 1, "limit": 30}"#,
        ([.., "only"], false) => r#"["job_id", "status"]"#,
        ([.., "aggregate"], false) => r#"[{"count": {"name": "jobs"}}]"#,
        ([.., "aggregate", "count"], _) => r#"{"name": "jobs"}"#,
        ([.., "aggregate", "unwind"], _) => r#"{"path": "errors"}"#,
        ([.., "group", "keys"], true) => r#"{"key": "status", "name": "status"}"#,
        ([.., "group", "keys"], false) => r#"[{"key": "status", "name": "status"}]"#,
        _ => return None,
    };
    Some(form)
}

/// Reads a list of at most `limit` items. An error calls them by the noun.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    limit: usize,
    noun: &'static str,
) -> Result<Vec<T>, D::Error> {
    struct Limited<T> {
        limit: usize,
        noun: &'static str,
        items: PhantomData<T>,
    }
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Limited<T> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Vec<T>, A::Error> {
            items(access, self.limit, self.noun)
        }
    }
    deserializer.deserialize_seq(Limited {
        limit,
        noun,
        items: PhantomData,
    })
}

/// Reads the items of a list that is being visited, as [`list`] does.
pub(super) fn items<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(
    mut access: A,
    limit: usize,
    noun: &'static str,
) -> Result<Vec<T>, A::Error> {
    let count = access.size_hint().unwrap_or_default();
    if count > limit {
        return Err(A::Error::custom(format_args!(
            "has {count} {noun}, at most {limit} are allowed"
        )));
    }
    let mut items = Vec::with_capacity(count);
    while let Some(item) = access.next_element()? {
        items.push(item);
    }
    Ok(items)
}
