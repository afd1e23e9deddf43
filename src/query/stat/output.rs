//! Turns the rows of a statement into the rows of the answer.

use serde_json::Value;

use crate::job::{Shape, of_today};
use crate::query::check::field::{Kind, NullMeans, ValueType};
use crate::query::eval::path::put;
use crate::query::eval::value::{MongoValue, write_integer, write_text};
use crate::query::sql::{ParamRef, Sql};
use crate::time::Timestamp;

/// A statement, and how its rows become rows of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub sql: Sql,
    pub output: Output,
}

/// What a row of the statement is.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// One column: a value of `distinct`.
    Values(ValueType),
    /// One column a field.
    Columns(Vec<OutputColumn>),
    /// The document, then a column for the element of each unwound path, in the order in which they were unwound.
    Documents {
        unwound: Vec<Vec<String>>,
        shape: Shape,
    },
}

/// A column of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    /// The name that the caller chose.
    pub name: String,
    pub value_type: ValueType,
}

impl Output {
    /// Returns the number of columns of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Values(..) => 1,
            Self::Columns(columns) => columns.len(),
            Self::Documents { unwound, .. } => unwound.len() + 1,
        }
    }

    /// Appends a row to the answer as JSON. A missing value leaves its field out.
    pub fn write_row(&self, row: &[ParamRef<'_>], out: &mut Vec<u8>) {
        match self {
            Self::Values(value_type) => {
                let value = row.first().copied().unwrap_or(ParamRef::Null);
                if !write_value(value, *value_type, out) {
                    out.extend(b"null");
                }
            }
            Self::Columns(columns) => {
                out.push(b'{');
                let start = out.len();
                for (column, value) in columns.iter().zip(row) {
                    let before = out.len();
                    if before > start {
                        out.push(b',');
                    }
                    write_text(&column.name, out);
                    out.push(b':');
                    if !write_value(*value, column.value_type, out) {
                        out.truncate(before);
                    }
                }
                out.push(b'}');
            }
            Self::Documents { unwound, shape } => {
                let (text, elements) = match row.split_first() {
                    Some((ParamRef::Text(text), elements)) => (*text, elements),
                    _ => return out.extend(b"null"),
                };
                let mut document = document(text, *shape);
                for (path, element) in unwound.iter().zip(elements) {
                    if let Some(element) = MongoValue::from_ref(*element) {
                        document = put(document, path, element);
                    }
                }
                document.write_json(out);
            }
        }
    }
}

/// Appends a value as JSON; returns whether there is one.
fn write_value(value: ParamRef<'_>, value_type: ValueType, out: &mut Vec<u8>) -> bool {
    match (value, value_type.kind) {
        (ParamRef::Null, _) if value_type.nulls != NullMeans::Null => return false,
        (ParamRef::Null, _) => out.extend(b"null"),
        (ParamRef::Integer(millis), Kind::Time) => {
            Timestamp::from_millis(millis)
                .map_or(MongoValue::Null, MongoValue::Time)
                .write_json(out);
        }
        (ParamRef::Integer(integer), _) => write_integer(integer, out),
        (ParamRef::Text(text), _) => write_text(text, out),
        (other, _) => MongoValue::from_ref(other)
            .unwrap_or(MongoValue::Null)
            .write_json(out),
    }
    true
}

/// Returns a stored document in a shape, as statistics read it: times are datetimes, and a nullable member without a value is null.
fn document(text: &str, shape: Shape) -> MongoValue {
    const NULLABLE: [&str; 2] = ["project_id", "finished_at"];
    // A document is checked before it is stored.
    let Ok(Value::Object(members)) = serde_json::from_str(text) else {
        return MongoValue::Null;
    };
    let members = match shape {
        Shape::Seed => members,
        Shape::Today => of_today(members),
    };
    let mut object: Vec<(String, MongoValue)> = members
        .iter()
        .map(|(name, value)| {
            let time = || {
                value
                    .as_str()
                    .and_then(|text| Timestamp::parse_rfc3339(text).ok())
            };
            let value = match name.as_str() {
                "created_at" | "updated_at" | "finished_at" => {
                    time().map_or_else(|| MongoValue::from(value), MongoValue::Time)
                }
                _ => MongoValue::from(value),
            };
            (name.clone(), value)
        })
        .collect();
    for name in NULLABLE {
        if !members.contains_key(name) {
            object.push((name.to_owned(), MongoValue::Null));
        }
    }
    MongoValue::Object(object)
}
