//! The requests of `spaceone/api/inventory/v1/job.proto`, which are written as the JSON that REST takes.

use serde::Serialize;

use super::query::{Query, StatisticsQuery, given, is_default};

/// A request for a list.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
pub(crate) struct JobsQuery {
    #[prost(message, optional, tag = "1")]
    #[serde(skip_serializing_if = "is_default", serialize_with = "given")]
    query: Option<Query>,
    #[prost(string, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    job_id: String,
    /// The number of a status, which REST reads as well as a name.
    #[prost(int32, tag = "3")]
    #[serde(skip_serializing_if = "is_default")]
    status: i32,
    #[prost(string, tag = "4")]
    #[serde(skip_serializing_if = "is_default")]
    collector_id: String,
    #[prost(string, tag = "5")]
    #[serde(skip_serializing_if = "is_default")]
    project_id: String,
    #[prost(string, tag = "6")]
    #[serde(skip_serializing_if = "is_default")]
    domain_id: String,
}

/// A request for statistics.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
pub(crate) struct JobStatQuery {
    #[prost(message, optional, tag = "1")]
    #[serde(skip_serializing_if = "is_default", serialize_with = "given")]
    query: Option<StatisticsQuery>,
    #[prost(string, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    domain_id: String,
}
