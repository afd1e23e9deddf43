//! From the rows of compiled statistics to the rows of the answer.

use serde_json::Value;

use super::field::NullMeans;
use super::sql::Param;
use super::stat::Kind;
use super::value::{Any, write_text};
use crate::time::Timestamp;

/// What a row of the statement is.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// One column: a value of `distinct`.
    Values(Kind, NullMeans),
    /// A column a field.
    Rows(Vec<OutputColumn>),
    /// The document, then a column for the element of each unwound path, in the order in which they were unwound.
    Documents(Vec<Vec<String>>),
}

/// A column of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    /// The name that the caller chose.
    pub name: String,
    pub kind: Kind,
    pub nulls: NullMeans,
}

impl Output {
    /// How many columns a row has.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Values(..) => 1,
            Self::Rows(columns) => columns.len(),
            Self::Documents(unwound) => unwound.len() + 1,
        }
    }

    /// Appends a row to the answer as JSON. A missing value leaves its field out.
    pub fn write_row(&self, row: Vec<Param>, out: &mut Vec<u8>) {
        let mut values = row.into_iter();
        match self {
            Self::Values(kind, nulls) => {
                let value = values.next().and_then(|param| read(param, *kind, *nulls));
                value.unwrap_or(Any::Null).write_json(out);
            }
            Self::Rows(columns) => {
                out.push(b'{');
                let mut separator = false;
                for (column, param) in columns.iter().zip(values) {
                    let Some(value) = read(param, column.kind, column.nulls) else {
                        continue;
                    };
                    if std::mem::replace(&mut separator, true) {
                        out.push(b',');
                    }
                    write_text(&column.name, out);
                    out.push(b':');
                    value.write_json(out);
                }
                out.push(b'}');
            }
            Self::Documents(unwound) => {
                let text = match values.next() {
                    Some(Param::Text(text)) => text,
                    _ => String::new(),
                };
                let mut document = document(&text);
                for (path, param) in unwound.iter().zip(values) {
                    if let Some(element) = Any::from_param(param) {
                        document = document.put(path, element);
                    }
                }
                document.write_json(out);
            }
        }
    }
}

fn read(param: Param, kind: Kind, nulls: NullMeans) -> Option<Any> {
    match (param, kind) {
        (Param::Null, _) => (nulls == NullMeans::Null).then_some(Any::Null),
        (Param::Integer(millis), Kind::Time) => {
            Some(Timestamp::from_millis(millis).map_or(Any::Null, Any::Time))
        }
        (param, _) => Any::from_param(param),
    }
}

/// A stored document as statistics see it: times are datetimes, and what may be null but has no value is null.
fn document(text: &str) -> Any {
    const NULLABLE: [&str; 2] = ["project_id", "finished_at"];
    // A stored document was checked on its way in.
    let Ok(Value::Object(members)) = serde_json::from_str(text) else {
        return Any::Null;
    };
    let mut object: Vec<(String, Any)> = members
        .iter()
        .map(|(name, value)| {
            let time = || {
                value
                    .as_str()
                    .and_then(|text| Timestamp::parse_rfc3339(text).ok())
            };
            let any = match name.as_str() {
                "created_at" | "updated_at" | "finished_at" => {
                    time().map_or_else(|| Any::from(value), Any::Time)
                }
                _ => Any::from(value),
            };
            (name.clone(), any)
        })
        .collect();
    for name in NULLABLE {
        if !members.contains_key(name) {
            object.push((name.to_owned(), Any::Null));
        }
    }
    Any::Object(object)
}
