//! Operands: the values of conditions, read as the types that operators and columns require.

use serde_json::Value;

use crate::json::names::shortened;
use crate::json::type_name;
use crate::query::check::field::ColumnKind;
use crate::query::check::python::{self, IntError};
use crate::query::error::QueryError;
use crate::query::request::Operator;
use crate::query::sql::Param;
use crate::time::Timestamp;

/// The value of a condition, with its field, its operator and its location in the request.
pub(super) struct Operand<'v> {
    /// The path of the condition, as the client spelt it.
    pub(super) field: &'v str,
    pub(super) operator: Operator,
    pub(super) value: &'v Value,
    pub(super) location: &'v str,
}

impl<'v> Operand<'v> {
    /// Returns an error at the operand.
    pub(super) fn error(&self, problem: String) -> QueryError {
        QueryError::Language {
            location: self.location.to_owned(),
            problem,
        }
    }

    /// Returns the value, which must not be a list.
    pub(super) fn single(&self) -> Result<&'v Value, QueryError> {
        match self.value {
            Value::Array(_) => Err(QueryError::SingleExpected {
                location: self.location.to_owned(),
                operator: self.operator.to_string(),
            }),
            value => Ok(value),
        }
    }

    /// Reads a string. `expected` is what an error says the operator takes.
    pub(super) fn text<'t>(&self, value: &'t Value, expected: &str) -> Result<&'t str, QueryError> {
        value.as_str().ok_or_else(|| {
            self.error(format!(
                "operator `{}` takes {expected} for `{}`, found {}",
                self.operator,
                self.field,
                type_name(value)
            ))
        })
    }

    /// Reads an ISO 8601 time.
    pub(super) fn iso8601(&self, value: &Value) -> Result<Timestamp, QueryError> {
        let text = self.text(value, "an ISO 8601 time")?;
        Timestamp::parse_iso8601(text).map_err(|error| self.error(error.to_string()))
    }

    /// Reads a value, which is not null, as the type of a column; `None` where its type is never equal to the column's.
    pub(super) fn typed(
        &self,
        kind: ColumnKind,
        value: &Value,
    ) -> Result<Option<Param>, QueryError> {
        Ok(match kind {
            ColumnKind::Text => value.as_str().map(Param::from),
            ColumnKind::Integer => Some(Param::Integer(self.integer(value)?)),
            ColumnKind::Time => Some(Param::Integer(self.iso8601(value)?.millis())),
        })
    }

    /// Reads an integer: a number, cut toward zero, a text of one, or 0 and 1 of false and true.
    ///
    /// Rule: mongoengine, `IntField.prepare_query_value`: Python's `int(value)`. MongoDB's integers have 64 bits.
    fn integer(&self, value: &Value) -> Result<i64, QueryError> {
        let integer = match value {
            Value::Bool(value) => Ok(i64::from(*value)),
            Value::Number(number) => number
                .as_i64()
                .or_else(|| cut(number.as_f64()?))
                .ok_or(IntError::Range),
            Value::String(text) => python::int(text),
            _ => Err(IntError::Form),
        };
        integer.map_err(|error| {
            let found = match value {
                Value::Object(_) | Value::Array(_) => type_name(value).to_owned(),
                text_or_number => format!("`{}`", shortened(&plain(text_or_number))),
            };
            self.error(match error {
                IntError::Form => format!("`{}` takes an integer, found {found}", self.field),
                IntError::Range => {
                    format!(
                        "`{}` takes an integer of 64 bits, found {found}",
                        self.field
                    )
                }
            })
        })
    }
}

/// Cuts a fraction; `None` beyond 64 bits.
fn cut(float: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let is_in_range = (-LIMIT..LIMIT).contains(&float);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range is checked, and the fraction is to be cut"
    )]
    is_in_range.then_some(float as i64)
}

/// Returns a value as text, a string without quotation marks.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
