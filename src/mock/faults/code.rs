//! The table of error codes that a fault can answer with, and their statuses; it must have every code of `api::error`.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::json::names::unknown;

/// An error of the API, named by its HTTP status or by SpaceONE's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// 400 to 599.
    Status(u16),
    /// A code of the table, with its status.
    Name(&'static str, u16),
}

/// The codes of SpaceONE and of jobdeck, each with its status. A status alone means the first code that has it. Every code that
/// `api::error` answers is here; the tests there walk both.
///
/// Rule: python-core, error.py; the statuses are those of jobdeck's answers.
const CODES: [(&str, u16); 26] = [
    ("ERROR_INVALID_PARAMETER", 400),
    ("ERROR_REQUIRED_PARAMETER", 400),
    ("ERROR_INVALID_PARAMETER_TYPE", 400),
    ("ERROR_INVALID_ARGUMENT", 400),
    ("ERROR_INVALID_FORMAT", 400),
    ("ERROR_JSON_FORMAT", 400),
    ("ERROR_OPERATOR_VALUE_TYPE", 400),
    ("ERROR_OPERATOR_LIST_VALUE_TYPE", 400),
    ("ERROR_OPERATOR_DICT_VALUE_TYPE", 400),
    ("ERROR_OPERATOR_BOOLEAN_TYPE", 400),
    ("ERROR_NOT_UNIQUE", 400),
    ("ERROR_EXIST_RESOURCE", 400),
    ("ERROR_DB_QUERY", 400),
    ("ERROR_AUTHENTICATE_FAILURE", 401),
    ("ERROR_PERMISSION_DENIED", 403),
    ("ERROR_NOT_FOUND", 404),
    ("ERROR_METHOD_NOT_ALLOWED", 405),
    ("ERROR_SAVE_UNIQUE_VALUES", 409),
    ("ERROR_REQUEST_TOO_LARGE", 413),
    ("ERROR_UNSUPPORTED_MEDIA_TYPE", 415),
    ("ERROR_INVALID_HOST", 421),
    ("ERROR_UNKNOWN", 500),
    ("ERROR_INTERNAL_API", 500),
    ("ERROR_UNAVAILABLE", 503),
    ("ERROR_GRPC_CONNECTION", 503),
    ("ERROR_REQUEST_TIMEOUT", 504),
];

/// Adds a sentence to a problem, which ends with a question mark or without a stop.
pub(super) fn with_more(problem: &str, more: &str) -> String {
    let stop = if problem.ends_with('?') { "" } else { "." };
    format!("{problem}{stop} {more}")
}

/// Makes the error of a value of the wrong kind.
pub(super) fn invalid_value<E: Error>(value: &Value, expected: &str) -> E {
    let found: String = value.to_string().chars().take(64).collect();
    E::custom(format_args!("expected {expected}, found {found}"))
}

impl FaultCode {
    /// Reads a status or a code.
    ///
    /// # Errors
    /// A text that says what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(status) = text.parse() {
            return Self::from_status(status);
        }
        CODES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(name, status)| Self::Name(name, *status))
            .ok_or_else(|| {
                let problem = unknown("error code", text, &CODES.map(|(name, _)| name));
                with_more(&problem, "A status from 400 to 599 is allowed, too")
            })
    }

    fn from_status(status: u64) -> Result<Self, String> {
        u16::try_from(status)
            .ok()
            .filter(|status| (400..600).contains(status))
            .map(Self::Status)
            .ok_or_else(|| format!("expected a status from 400 to 599, found {status}"))
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Status(status) | Self::Name(_, status) => status,
        }
    }

    /// Returns SpaceONE's code.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Name(name, _) => name,
            // The table has it with 504.
            Self::Status(408) => "ERROR_REQUEST_TIMEOUT",
            Self::Status(status) => {
                let fallback = if status < 500 {
                    "ERROR_INVALID_PARAMETER"
                } else {
                    "ERROR_UNKNOWN"
                };
                CODES
                    .iter()
                    .find_map(|(name, known)| (*known == status).then_some(*name))
                    .unwrap_or(fallback)
            }
        }
    }
}

impl Serialize for FaultCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Status(status) => serializer.serialize_u16(*status),
            Self::Name(name, _) => serializer.serialize_str(name),
        }
    }
}

impl<'de> Deserialize<'de> for FaultCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = match Value::deserialize(deserializer)? {
            Value::String(text) => Self::parse(&text),
            Value::Number(number) => match number.as_u64() {
                Some(status) => Self::from_status(status),
                None => Err(format!("expected a status from 400 to 599, found {number}")),
            },
            other => Err(format!(
                "expected a status from 400 to 599 or the name of an error, found {}",
                crate::json::type_name(&other)
            )),
        };
        code.map_err(D::Error::custom)
    }
}

impl PartialSchema for FaultCode {
    fn schema() -> RefOr<Schema> {
        let status = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(400))
            .maximum(Some(599));
        let digits = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[45][0-9]{2}$"));
        let name = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(CODES.map(|(name, _)| name)));
        OneOfBuilder::new()
            .description(Some("An error: its HTTP status, or its code."))
            .item(status)
            .item(digits)
            .item(name)
            .into()
    }
}

impl ToSchema for FaultCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("FaultCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_a_code_and_a_code_has_a_status() {
        for (text, status, name) in [
            ("400", 400, "ERROR_INVALID_PARAMETER"),
            ("401", 401, "ERROR_AUTHENTICATE_FAILURE"),
            ("403", 403, "ERROR_PERMISSION_DENIED"),
            ("404", 404, "ERROR_NOT_FOUND"),
            ("408", 408, "ERROR_REQUEST_TIMEOUT"),
            ("409", 409, "ERROR_SAVE_UNIQUE_VALUES"),
            ("418", 418, "ERROR_INVALID_PARAMETER"),
            ("500", 500, "ERROR_UNKNOWN"),
            ("502", 502, "ERROR_UNKNOWN"),
            ("503", 503, "ERROR_UNAVAILABLE"),
            ("504", 504, "ERROR_REQUEST_TIMEOUT"),
            ("ERROR_GRPC_CONNECTION", 503, "ERROR_GRPC_CONNECTION"),
            ("ERROR_DB_QUERY", 400, "ERROR_DB_QUERY"),
            ("ERROR_NOT_UNIQUE", 400, "ERROR_NOT_UNIQUE"),
            ("ERROR_SAVE_UNIQUE_VALUES", 409, "ERROR_SAVE_UNIQUE_VALUES"),
        ] {
            let code = FaultCode::parse(text).unwrap();
            assert_eq!((code.status(), code.name()), (status, name), "{text}");
        }
    }

    #[test]
    fn an_unknown_code_is_refused_with_what_is_allowed() {
        let far = FaultCode::parse("fine").unwrap_err();
        assert!(
            far.ends_with(", ERROR_REQUEST_TIMEOUT. A status from 400 to 599 is allowed, too"),
            "{far}"
        );
        assert_eq!(
            FaultCode::parse("ERROR_UNKNOWM").unwrap_err(),
            "unknown error code `ERROR_UNKNOWM`; did you mean `ERROR_UNKNOWN`? A status from 400 to 599 is allowed, too"
        );
    }
}
