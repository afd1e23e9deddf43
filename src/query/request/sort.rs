//! `sort` as it arrives: the keys that rows are ordered by.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::json::message::{Located, OBJECT_OR_OTHER};
use crate::query::limits::MAX_SORT_KEYS;
use crate::query::request::read::{items, list};

/// The order of the rows: `{key, desc}`, `{keys: [{key, desc}…]}` or an array of `{key, desc}`; `key` wins over `keys`.
///
/// No keys at all is an empty list: a list then has its default order.
#[derive(Debug, Clone, Default)]
pub struct Sort {
    pub keys: Vec<SortKey>,
}

/// A path to sort by.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SortKey {
    #[schema(value_type = String, min_length = 1)]
    pub key: Located<String>,
    /// The largest first.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub desc: bool,
}

/// `{key, desc}` or `{keys: […]}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SortKeys {
    #[schema(value_type = Option<String>)]
    key: Option<Located<String>>,
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    desc: bool,
    #[serde(default, deserialize_with = "sort_keys")]
    #[schema(value_type = Option<Vec<SortKey>>, max_items = 32)]
    keys: Vec<SortKey>,
}

fn sort_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SortKey>, D::Error> {
    list(deserializer, MAX_SORT_KEYS, "items")
}

impl From<SortKeys> for Sort {
    fn from(SortKeys { key, desc, keys }: SortKeys) -> Self {
        let single = key.map(|key| vec![SortKey { key, desc }]);
        Self {
            keys: single.unwrap_or(keys),
        }
    }
}

impl<'de> Deserialize<'de> for Sort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = Sort;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Sort, A::Error> {
                SortKeys::deserialize(MapAccessDeserializer::new(members)).map(Sort::from)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, keys: A) -> Result<Sort, A::Error> {
                let keys = items(keys, MAX_SORT_KEYS, "keys")?;
                Ok(Sort { keys })
            }
        }
        const FIELDS: &[&str] = &["key", "desc", "keys"];
        deserializer.deserialize_struct(OBJECT_OR_OTHER, FIELDS, Forms)
    }
}

impl PartialSchema for Sort {
    fn schema() -> RefOr<Schema> {
        let keys = ArrayBuilder::new()
            .items(Ref::from_schema_name(SortKey::name()))
            .max_items(Some(MAX_SORT_KEYS));
        OneOfBuilder::new()
            .description(Some(
                "The order of the rows: one key, several, or an array of them. `key` wins over `keys`.",
            ))
            .item(SortKeys::schema())
            .item(keys)
            .into()
    }
}

impl ToSchema for Sort {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((SortKey::name().into_owned(), SortKey::schema()));
        SortKey::schemas(schemas);
    }
}
