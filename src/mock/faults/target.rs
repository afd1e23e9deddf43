//! The target of a fault: the route or path whose requests it applies to.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::code::with_more;
use crate::route::RouteName;

/// The longest text in a fault.
pub const MAX_TEXT_BYTES: usize = 4_096;

/// The route or the path of the requests that a fault is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Route(RouteName),
    Path(String),
}

impl PartialSchema for Target {
    fn schema() -> RefOr<Schema> {
        let path = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "A path, without a query string; none of the mock's own controls or of the page.",
            ))
            .pattern(Some("^/[^?]*$"))
            .max_length(Some(MAX_TEXT_BYTES));
        OneOfBuilder::new()
            .description(Some("A route by its name, or a path."))
            .item(RouteName::schema())
            .item(path)
            .into()
    }
}

impl ToSchema for Target {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("FaultTarget")
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Route(route) => route.serialize(serializer),
            Self::Path(path) => path.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.starts_with('/') {
            return Ok(Self::Path(text));
        }
        RouteName::parse(&text)
            .map(Self::Route)
            .map_err(|problem| D::Error::custom(with_more(&problem, "A path begins with `/`")))
    }
}
