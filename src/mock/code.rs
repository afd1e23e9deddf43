//! The errors that a fault can answer with: SpaceONE's codes and their HTTP statuses.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::query::error::unknown;

/// An error of the API, as it was asked for: by its HTTP status or by SpaceONE's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// 400 to 599.
    Status(u16),
    /// The place in the table.
    Name(&'static str, u16),
}

/// SpaceONE's codes and jobdeck's own with the status of each. Where two have one status, the first is what the status
/// alone stands for. Rule: python-core, error.py; the statuses as the API of this house answers them.
const CODES: [(&str, u16); 25] = [
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
    ("ERROR_REQUEST_TOO_LARGE", 413),
    ("ERROR_UNSUPPORTED_MEDIA_TYPE", 415),
    ("ERROR_INVALID_HOST", 421),
    ("ERROR_UNKNOWN", 500),
    ("ERROR_INTERNAL_API", 500),
    ("ERROR_UNAVAILABLE", 503),
    ("ERROR_GRPC_CONNECTION", 503),
    ("ERROR_REQUEST_TIMEOUT", 504),
];

/// Adds a sentence to a problem, which ends in a question or not at all.
pub(super) fn with_more(problem: &str, more: &str) -> String {
    let stop = if problem.ends_with('?') { "" } else { "." };
    format!("{problem}{stop} {more}")
}

impl Code {
    /// Reads a status or a code.
    ///
    /// # Errors
    /// What would be right.
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
                with_more(&problem, "A status from 400 to 599 will do, too")
            })
    }

    fn from_status(status: u64) -> Result<Self, String> {
        u16::try_from(status)
            .ok()
            .filter(|status| (400..600).contains(status))
            .map(Self::Status)
            .ok_or_else(|| format!("expected a status from 400 to 599, found {status}"))
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Status(status) | Self::Name(_, status) => status,
        }
    }

    /// SpaceONE's code.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Name(name, _) => name,
            Self::Status(408) => "ERROR_REQUEST_TIMEOUT",
            Self::Status(409) => "ERROR_NOT_UNIQUE",
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

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Status(status) => serializer.serialize_u16(*status),
            Self::Name(name, _) => serializer.serialize_str(name),
        }
    }
}

impl<'de> Deserialize<'de> for Code {
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

impl PartialSchema for Code {
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

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("FaultCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_and_a_code_stand_for_each_other() {
        for (text, status, name) in [
            ("400", 400, "ERROR_INVALID_PARAMETER"),
            ("401", 401, "ERROR_AUTHENTICATE_FAILURE"),
            ("403", 403, "ERROR_PERMISSION_DENIED"),
            ("404", 404, "ERROR_NOT_FOUND"),
            ("408", 408, "ERROR_REQUEST_TIMEOUT"),
            ("409", 409, "ERROR_NOT_UNIQUE"),
            ("418", 418, "ERROR_INVALID_PARAMETER"),
            ("500", 500, "ERROR_UNKNOWN"),
            ("502", 502, "ERROR_UNKNOWN"),
            ("503", 503, "ERROR_UNAVAILABLE"),
            ("504", 504, "ERROR_REQUEST_TIMEOUT"),
            ("ERROR_GRPC_CONNECTION", 503, "ERROR_GRPC_CONNECTION"),
            ("ERROR_DB_QUERY", 400, "ERROR_DB_QUERY"),
        ] {
            let code = Code::parse(text).unwrap();
            assert_eq!((code.status(), code.name()), (status, name), "{text}");
        }
    }

    #[test]
    fn what_is_no_error_is_told_in_whole_sentences() {
        let far = Code::parse("fine").unwrap_err();
        assert!(
            far.ends_with(", ERROR_REQUEST_TIMEOUT. A status from 400 to 599 will do, too"),
            "{far}"
        );
        assert_eq!(
            Code::parse("ERROR_UNKNOWM").unwrap_err(),
            "unknown error code `ERROR_UNKNOWM`; did you mean `ERROR_UNKNOWN`? A status from 400 to 599 will do, too"
        );
    }
}
