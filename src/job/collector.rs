//! `collector_info` of a job: the collector as it was when the job ran.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::json::{Strict, StrictObject};

/// The collector as it was when the job ran: the types of SpaceONE's members are checked, other members are free.
///
/// `collector_id` is a string or absent (a null is dropped), so that it can be a column. All other members stay as they
/// were sent, nulls included.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct CollectorInfo(pub Map<String, Value>);

impl CollectorInfo {
    /// Returns the id of the collector, if it has one.
    #[must_use]
    pub fn collector_id(&self) -> Option<&str> {
        self.0.get("collector_id").and_then(Value::as_str)
    }
}

impl<'de> Deserialize<'de> for CollectorInfo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = deserializer.deserialize_map(CheckedObject {
            kind_of: collector_member,
        })?;
        Ok(Self(members))
    }
}

/// The collector as it was when the job ran. Other members stay as they were sent.
// Describes the table `collector_member` for OpenAPI.
#[derive(ToSchema)]
#[schema(as = CollectorInfo)]
#[expect(dead_code, reason = "only its shape is described")]
pub(crate) struct CollectorMembers {
    collector_id: Option<String>,
    name: Option<String>,
    state: Option<String>,
    provider: Option<String>,
    project_id: Option<String>,
    is_public: Option<bool>,
    #[schema(value_type = Option<Object>)]
    capability: Option<Value>,
    #[schema(value_type = Option<PluginMembers>)]
    plugin_info: Option<Value>,
    #[serde(flatten)]
    others: HashMap<String, Value>,
}

/// The plugin that did the work. Other members stay as they were sent.
#[derive(ToSchema)]
#[schema(as = PluginInfo)]
#[expect(dead_code, reason = "only its shape is described")]
pub(crate) struct PluginMembers {
    plugin_id: Option<String>,
    version: Option<String>,
    #[schema(value_type = Option<Object>)]
    options: Option<Value>,
    #[serde(flatten)]
    others: HashMap<String, Value>,
}

/// The type of a member; every member may also be null.
#[derive(Clone, Copy)]
enum MemberKind {
    /// A string; a null is dropped.
    Key,
    Text,
    Boolean,
    Object,
    PluginInfo,
    Free,
}

fn collector_member(name: &str) -> MemberKind {
    match name {
        "collector_id" => MemberKind::Key,
        "name" | "state" | "provider" | "project_id" => MemberKind::Text,
        "is_public" => MemberKind::Boolean,
        "capability" => MemberKind::Object,
        "plugin_info" => MemberKind::PluginInfo,
        _ => MemberKind::Free,
    }
}

fn plugin_member(name: &str) -> MemberKind {
    match name {
        "plugin_id" | "version" => MemberKind::Text,
        "options" => MemberKind::Object,
        _ => MemberKind::Free,
    }
}

/// Reads an object and checks the types of its known members; the order of the members stays.
struct CheckedObject {
    kind_of: fn(&str) -> MemberKind,
}

impl<'de> Visitor<'de> for CheckedObject {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        struct PluginInfo(#[serde(deserialize_with = "plugin_info")] Map<String, Value>);

        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            let value = match (self.kind_of)(&name) {
                MemberKind::Key => match access.next_value::<Option<String>>()? {
                    Some(key) => Value::String(key),
                    None => continue,
                },
                MemberKind::Text => access
                    .next_value::<Option<String>>()?
                    .map_or(Value::Null, Value::String),
                MemberKind::Boolean => access
                    .next_value::<Option<bool>>()?
                    .map_or(Value::Null, Value::Bool),
                MemberKind::Object => access
                    .next_value::<Option<StrictObject>>()?
                    .map_or(Value::Null, |object| Value::Object(object.0)),
                MemberKind::PluginInfo => access
                    .next_value::<Option<PluginInfo>>()?
                    .map_or(Value::Null, |plugin| Value::Object(plugin.0)),
                MemberKind::Free => access.next_value::<Strict>()?.0,
            };
            members.insert(name, value);
        }
        Ok(members)
    }
}

fn plugin_info<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    deserializer.deserialize_map(CheckedObject {
        kind_of: plugin_member,
    })
}
