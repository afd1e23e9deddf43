//! Reads messages: from a tree, from a parsed value, or from the pairs of a query string.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::json::message::dialect::Dialect;
use crate::json::message::error::{Location, Problem, ReadError};
use crate::json::message::reader::Reader;
use crate::json::tree::Tree;

/// Reads a message.
///
/// # Errors
/// [`ReadError`] for the first problem.
pub fn from_value<'de, T: Deserialize<'de>>(
    value: Value,
    dialect: Dialect,
) -> Result<T, ReadError> {
    from_tree(value.into(), dialect)
}

/// Reads a message from a tree.
///
/// # Errors
/// [`ReadError`] for the first problem.
pub fn from_tree<'de, T: Deserialize<'de>>(
    value: Tree<'_>,
    dialect: Dialect,
) -> Result<T, ReadError> {
    let location = Location::Root;
    let reader = Reader {
        value,
        location,
        dialect: &dialect,
    };
    T::deserialize(reader).map_err(|error| error.at(location))
}

/// Reads a message without nested members from the decoded pairs of a query string.
///
/// # Errors
/// [`ReadError`] for the first problem. An empty parameter is an error: a script that forgot to set a variable must not
/// get the jobs of all domains instead of one.
pub fn from_pairs<'de, 'p, T: Deserialize<'de>>(
    pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
) -> Result<T, ReadError> {
    let mut object = Map::new();
    for (name, text) in pairs {
        let problem = if text.is_empty() {
            "must not be empty; leave it out instead"
        } else if object.insert(name.to_owned(), text.into()).is_some() {
            "given twice"
        } else {
            continue;
        };
        return Err(
            ReadError::at_member(name, Problem::Other(problem.to_owned())).at(Location::Root),
        );
    }
    from_value(Value::Object(object), Dialect::QUERY_STRING)
}
