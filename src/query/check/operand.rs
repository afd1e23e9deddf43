//! Operands: the values of conditions, read as the types that operators and columns require.

use serde_json::Value;

use crate::json::names::shortened;
use crate::json::type_name;
use crate::query::check::field::ColumnKind;
use crate::query::error::QueryError;
use crate::query::eval::value::MongoValue;
use crate::query::request::Operator;
use crate::query::sql::Param;
use crate::time::Timestamp;

/// The value of a condition, with its operator and its location in the request.
pub(super) struct Operand<'v> {
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
                "operator `{}` takes {expected}, found {}",
                self.operator,
                type_name(value)
            ))
        })
    }

    /// Reads an ISO 8601 time.
    pub(super) fn iso8601(&self, value: &Value) -> Result<Timestamp, QueryError> {
        let text = self.text(value, "an ISO 8601 time")?;
        Timestamp::parse_iso8601(text).map_err(|error| self.error(error.to_string()))
    }

    /// Reads a value as the type of a column; `None` where its type is never equal to the column's.
    pub(super) fn typed(
        &self,
        kind: ColumnKind,
        value: &Value,
    ) -> Result<Option<Param>, QueryError> {
        match (kind, value) {
            (ColumnKind::Text, Value::String(text)) => Ok(Some(Param::Text(text.clone()))),
            (ColumnKind::Integer, Value::Number(number)) => {
                Ok(Some(MongoValue::from(number).into_param()))
            }
            (ColumnKind::Integer, Value::String(text)) => numeric(text)
                .map(Some)
                .ok_or_else(|| self.error(format!("`{}` is no number", shortened(text)))),
            (ColumnKind::Time, Value::String(_)) => {
                Ok(Some(Param::Integer(self.iso8601(value)?.millis())))
            }
            _ => Ok(None),
        }
    }
}

/// Reads a number from a string.
fn numeric(text: &str) -> Option<Param> {
    let text = text.trim();
    let float = || {
        text.parse::<f64>()
            .ok()
            .filter(|float| float.is_finite())
            .map(Param::Real)
    };
    text.parse::<i64>().ok().map(Param::Integer).or_else(float)
}
