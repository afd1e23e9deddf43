//! The messages of `spaceone/api/core/v1/query.proto`, as they are read from the wire and written as JSON.
//!
//! A scalar with its default and an empty list are not given, so JSON does not have them; in a `oneof` they are given.

use serde::{Serialize, Serializer};

use super::value::Value;

/// Returns whether a field has its default, which is the same as not given.
pub(super) fn is_default<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}

/// Writes a message that is given by itself: as an option the place of an error within it would be lost.
#[expect(clippy::ref_option, reason = "serde gives the field as it is")]
pub(super) fn given<M: Serialize, S: Serializer>(
    field: &Option<M>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match field {
        Some(message) => message.serialize(serializer),
        None => serializer.serialize_none(),
    }
}

/// What a list asks for.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
pub(crate) struct Query {
    #[prost(message, repeated, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    filter: Vec<Filter>,
    #[prost(message, repeated, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    filter_or: Vec<Filter>,
    /// One message of old clients, several of new ones, which is the same on the wire.
    #[prost(message, repeated, tag = "3")]
    #[serde(skip_serializing_if = "is_default", serialize_with = "flattened")]
    sort: Vec<Sort>,
    #[prost(message, optional, tag = "4")]
    #[serde(skip_serializing_if = "is_default", serialize_with = "given")]
    page: Option<Page>,
    #[prost(bool, tag = "5")]
    #[serde(skip_serializing_if = "is_default")]
    minimal: bool,
    #[prost(bool, tag = "6")]
    #[serde(skip_serializing_if = "is_default")]
    count_only: bool,
    #[prost(string, repeated, tag = "7")]
    #[serde(skip_serializing_if = "is_default")]
    only: Vec<String>,
    #[prost(string, tag = "8")]
    #[serde(skip_serializing_if = "is_default")]
    keyword: String,
}

/// A condition.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct Filter {
    #[prost(oneof = "Key", tags = "1, 2")]
    #[serde(flatten)]
    key: Option<Key>,
    #[prost(oneof = "FilterValue", tags = "3, 4")]
    #[serde(flatten)]
    value: Option<FilterValue>,
    #[prost(oneof = "Operator", tags = "5, 6")]
    #[serde(flatten)]
    operator: Option<Operator>,
}

#[derive(Clone, PartialEq, Serialize, prost::Oneof)]
#[serde(rename_all = "snake_case")]
enum Key {
    #[prost(string, tag = "1")]
    Key(String),
    #[prost(string, tag = "2")]
    K(String),
}

#[derive(Clone, PartialEq, Serialize, prost::Oneof)]
#[serde(rename_all = "snake_case")]
enum FilterValue {
    #[prost(message, tag = "3")]
    Value(Value),
    #[prost(message, tag = "4")]
    V(Value),
}

#[derive(Clone, PartialEq, Serialize, prost::Oneof)]
#[serde(rename_all = "snake_case")]
enum Operator {
    #[prost(string, tag = "5")]
    Operator(String),
    #[prost(string, tag = "6")]
    O(String),
}

/// The order of rows: a key, or several.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct Sort {
    #[prost(string, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    key: String,
    #[prost(bool, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    desc: bool,
    #[prost(message, repeated, tag = "3")]
    #[serde(skip_serializing_if = "is_default")]
    keys: Vec<SortKey>,
}

#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct SortKey {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(bool, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    desc: bool,
}

/// Writes several orders as one list of keys; a `key` wins over the `keys` beside it, and an order without keys is none, as in
/// REST.
fn flattened<S: Serializer>(orders: &[Sort], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(orders.iter().flat_map(|sort| {
        if sort.key.is_empty() {
            return sort.keys.clone();
        }
        vec![SortKey {
            key: sort.key.clone(),
            desc: sort.desc,
        }]
    }))
}

#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct Page {
    #[prost(uint32, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    start: u32,
    #[prost(uint32, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    limit: u32,
}

/// What statistics ask for.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
pub(crate) struct StatisticsQuery {
    #[prost(message, repeated, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    filter: Vec<Filter>,
    #[prost(message, repeated, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    filter_or: Vec<Filter>,
    #[prost(message, repeated, tag = "3")]
    #[serde(skip_serializing_if = "is_default")]
    aggregate: Vec<StatisticsAggregate>,
    #[prost(message, optional, tag = "4")]
    #[serde(skip_serializing_if = "is_default", serialize_with = "given")]
    page: Option<Page>,
    #[prost(string, tag = "5")]
    #[serde(skip_serializing_if = "is_default")]
    distinct: String,
    #[prost(string, tag = "6")]
    #[serde(skip_serializing_if = "is_default")]
    keyword: String,
}

/// A stage of an aggregate.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct StatisticsAggregate {
    #[prost(oneof = "Stage", tags = "1, 2, 3, 4, 5, 6, 7")]
    #[serde(flatten)]
    stage: Option<Stage>,
}

#[derive(Clone, PartialEq, Serialize, prost::Oneof)]
#[serde(rename_all = "snake_case")]
enum Stage {
    #[prost(message, tag = "1")]
    Unwind(AggregateUnwind),
    #[prost(message, tag = "2")]
    Group(AggregateGroup),
    #[prost(message, tag = "3")]
    Count(AggregateCount),
    #[prost(message, tag = "4")]
    Sort(Sort),
    #[prost(message, tag = "5")]
    Project(AggregateProject),
    #[prost(int32, tag = "6")]
    Limit(i32),
    #[prost(int32, tag = "7")]
    Skip(i32),
}

#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct AggregateUnwind {
    #[prost(string, tag = "1")]
    path: String,
}

#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct AggregateCount {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct AggregateGroup {
    #[prost(message, repeated, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    keys: Vec<AggregateGroupKey>,
    #[prost(message, repeated, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    fields: Vec<AggregateGroupField>,
}

#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct AggregateGroupKey {
    #[prost(oneof = "Key", tags = "1, 2")]
    #[serde(flatten)]
    key: Option<Key>,
    #[prost(oneof = "Name", tags = "3, 4")]
    #[serde(flatten)]
    name: Option<Name>,
    #[prost(string, tag = "5")]
    #[serde(skip_serializing_if = "is_default")]
    date_format: String,
}

#[derive(Clone, PartialEq, Serialize, prost::Oneof)]
#[serde(rename_all = "snake_case")]
enum Name {
    #[prost(string, tag = "3")]
    Name(String),
    #[prost(string, tag = "4")]
    N(String),
}

#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct AggregateGroupField {
    #[prost(oneof = "Key", tags = "1, 2")]
    #[serde(flatten)]
    key: Option<Key>,
    #[prost(oneof = "Name", tags = "3, 4")]
    #[serde(flatten)]
    name: Option<Name>,
    #[prost(oneof = "Operator", tags = "5, 6")]
    #[serde(flatten)]
    operator: Option<Operator>,
    #[prost(message, repeated, tag = "7")]
    #[serde(skip_serializing_if = "is_default")]
    fields: Vec<AggregateGroupSubField>,
    #[prost(message, repeated, tag = "8")]
    #[serde(skip_serializing_if = "is_default")]
    conditions: Vec<Filter>,
}

#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct AggregateGroupSubField {
    #[prost(oneof = "Key", tags = "1, 2")]
    #[serde(flatten)]
    key: Option<Key>,
    #[prost(oneof = "Name", tags = "3, 4")]
    #[serde(flatten)]
    name: Option<Name>,
}

#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct AggregateProject {
    #[prost(message, repeated, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    fields: Vec<AggregateProjectField>,
    #[prost(bool, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    exclude_keys: bool,
}

#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct AggregateProjectField {
    #[prost(oneof = "Key", tags = "1, 2")]
    #[serde(flatten)]
    key: Option<Key>,
    #[prost(oneof = "Name", tags = "3, 4")]
    #[serde(flatten)]
    name: Option<Name>,
    #[prost(oneof = "Operator", tags = "5, 6")]
    #[serde(flatten)]
    operator: Option<Operator>,
}
