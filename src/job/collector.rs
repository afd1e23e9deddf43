//! `collector_info` of a job: the tables of members whose types are checked and described; other members are free.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{
    AdditionalProperties, ObjectBuilder, OneOfBuilder, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::json::names::shortened;
use crate::json::{Strict, StrictObject};

/// The collector as it was when the job ran: the types of SpaceONE's members are checked, other members are free.
///
/// `collector_id` is a string or absent (a null is dropped), so that it can be a column. All other members stay as they
/// were sent, nulls included. The lowerCamelCase spelling of a checked member is no free member but a mistake: with
/// `collectorId` a job would be without its collector.
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
        CheckedObject(&COLLECTOR_MEMBERS)
            .read(deserializer)
            .map(Self)
    }
}

impl PartialSchema for CollectorInfo {
    fn schema() -> RefOr<Schema> {
        let description =
            "The collector as it was when the job ran. Other members stay as they were sent.";
        CheckedObject(&COLLECTOR_MEMBERS).schema(description)
    }
}

impl ToSchema for CollectorInfo {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((PluginInfo::name().into_owned(), PluginInfo::schema()));
    }
}

/// The plugin that did the work.
struct PluginInfo(Map<String, Value>);

impl<'de> Deserialize<'de> for PluginInfo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        CheckedObject(&PLUGIN_MEMBERS).read(deserializer).map(Self)
    }
}

impl PartialSchema for PluginInfo {
    fn schema() -> RefOr<Schema> {
        let description = "The plugin that did the work. Other members stay as they were sent.";
        CheckedObject(&PLUGIN_MEMBERS).schema(description)
    }
}

impl ToSchema for PluginInfo {}

/// The type of a member; every member may also be null.
#[derive(Clone, Copy)]
enum MemberKind {
    /// A string that is not empty; a null is dropped.
    Key,
    Text,
    Boolean,
    Object,
    PluginInfo,
    Free,
}

/// The members of a collector that are checked.
const COLLECTOR_MEMBERS: [(&str, MemberKind); 8] = [
    ("collector_id", MemberKind::Key),
    ("name", MemberKind::Text),
    ("state", MemberKind::Text),
    ("provider", MemberKind::Text),
    ("project_id", MemberKind::Text),
    ("is_public", MemberKind::Boolean),
    ("capability", MemberKind::Object),
    ("plugin_info", MemberKind::PluginInfo),
];

/// The members of a plugin that are checked.
const PLUGIN_MEMBERS: [(&str, MemberKind); 3] = [
    ("plugin_id", MemberKind::Text),
    ("version", MemberKind::Text),
    ("options", MemberKind::Object),
];

impl MemberKind {
    fn schema(self) -> RefOr<Schema> {
        let or_null =
            |kind| ObjectBuilder::new().schema_type(SchemaType::from_iter([kind, Type::Null]));
        match self {
            Self::Key => or_null(Type::String).min_length(Some(1)).into(),
            Self::Text => or_null(Type::String).into(),
            Self::Boolean => or_null(Type::Boolean).into(),
            Self::Object => or_null(Type::Object)
                .additional_properties(Some(AdditionalProperties::FreeForm(true)))
                .into(),
            Self::PluginInfo => OneOfBuilder::new()
                .item(Ref::from_schema_name(PluginInfo::name()))
                .item(ObjectBuilder::new().schema_type(Type::Null))
                .into(),
            Self::Free => ObjectBuilder::new()
                .schema_type(SchemaType::AnyValue)
                .into(),
        }
    }
}

/// An object of whose members those in the table have a type, which is checked and described; all others are free.
struct CheckedObject(&'static [(&'static str, MemberKind)]);

impl CheckedObject {
    /// Reads an object; the order of its members stays.
    fn read<'de, D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Map<String, Value>, D::Error> {
        deserializer.deserialize_map(self)
    }

    /// Returns the checked member of which a name is the lowerCamelCase spelling.
    fn named_in_camel_case(&self, name: &str) -> Option<&'static str> {
        if !name.contains(|letter: char| letter.is_ascii_uppercase()) {
            return None;
        }
        let mut members = self.0.iter().map(|(known, _)| *known);
        members.find(|known| is_camel_case_of(name, known))
    }

    fn kind_of(&self, name: &str) -> MemberKind {
        let member = self.0.iter().find(|(known, _)| *known == name);
        member.map_or(MemberKind::Free, |(_, kind)| *kind)
    }

    fn schema(&self, description: &str) -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(description))
            .additional_properties(Some(MemberKind::Free.schema()));
        let members = self.0.iter();
        members
            .fold(object, |object, (name, kind)| {
                object.property(*name, kind.schema())
            })
            .into()
    }
}

impl<'de> Visitor<'de> for CheckedObject {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key_seed(MemberName(&self))? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            let value = match self.kind_of(&name) {
                MemberKind::Key => match access.next_value::<Option<Key>>()? {
                    Some(Key(key)) => Value::String(key),
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

/// A value of [`MemberKind::Key`].
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)? {
            key if key.is_empty() => Err(D::Error::custom("must not be empty")),
            key => Ok(Self(key)),
        }
    }
}

/// Reads the name of a member; refuses the lowerCamelCase spelling of a checked one.
struct MemberName<'o>(&'o CheckedObject);

impl<'de> DeserializeSeed<'de> for MemberName<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let name = String::deserialize(deserializer)?;
        match self.0.named_in_camel_case(&name) {
            None => Ok(name),
            Some(known) => Err(D::Error::custom(format_args!(
                "unknown field `{}`; did you mean `{known}`?",
                shortened(&name)
            ))),
        }
    }
}

/// Whether a name is the lowerCamelCase spelling of a name in `snake_case`.
fn is_camel_case_of(name: &str, snake_case: &str) -> bool {
    let mut begins_word = false;
    let camel_case = snake_case.chars().filter_map(|letter| {
        let is_upper = std::mem::replace(&mut begins_word, letter == '_');
        (letter != '_').then_some(if is_upper {
            letter.to_ascii_uppercase()
        } else {
            letter
        })
    });
    name.chars().eq(camel_case)
}
