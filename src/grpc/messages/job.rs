//! The messages of `spaceone/api/inventory/v1/job.proto` and `collector.proto`, of SpaceONE's generation 1.6 to 1.10.
//!
//! Requests are written as the JSON that REST takes, answers are read from the JSON that REST answers. A member that a message
//! has no field for is dropped, and so is one whose value its field can't carry: members of `collector_info` are free.

use serde::{Deserialize, Serialize};

use super::lenient::lenient;
use super::query::{Query, StatisticsQuery, given, is_default};
use super::value::Struct;
use crate::job::JobStatus;

/// A request for a list.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
pub(crate) struct JobsQuery {
    #[prost(message, optional, tag = "1")]
    #[serde(skip_serializing_if = "is_default", serialize_with = "given")]
    query: Option<Query>,
    #[prost(string, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    job_id: String,
    /// A number of [`JobStatus`], which REST reads as well as a name.
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

/// The answer with a list.
#[derive(Clone, PartialEq, Deserialize, prost::Message)]
#[serde(default)]
pub(crate) struct JobsInfo {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "lenient")]
    results: Vec<JobInfo>,
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "lenient")]
    total_count: i32,
}

/// A job.
#[derive(Clone, PartialEq, Deserialize, prost::Message)]
#[serde(default)]
pub(crate) struct JobInfo {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "lenient")]
    job_id: String,
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "status")]
    status: i32,
    #[prost(message, optional, tag = "3")]
    #[serde(deserialize_with = "lenient")]
    filter: Option<Struct>,
    #[prost(int32, tag = "4")]
    #[serde(deserialize_with = "lenient")]
    total_tasks: i32,
    #[prost(int32, tag = "5")]
    #[serde(deserialize_with = "lenient")]
    remained_tasks: i32,
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "lenient")]
    errors: Vec<ErrorInfo>,
    #[prost(message, optional, tag = "11")]
    #[serde(deserialize_with = "lenient")]
    collector_info: Option<CollectorInfo>,
    #[prost(string, tag = "12")]
    #[serde(deserialize_with = "lenient")]
    project_id: String,
    #[prost(string, tag = "13")]
    #[serde(deserialize_with = "lenient")]
    domain_id: String,
    #[prost(string, tag = "21")]
    #[serde(deserialize_with = "lenient")]
    created_at: String,
    #[prost(string, tag = "22")]
    #[serde(deserialize_with = "lenient")]
    updated_at: String,
    #[prost(string, tag = "23")]
    #[serde(deserialize_with = "lenient")]
    finished_at: String,
}

/// An error of a job.
#[derive(Clone, PartialEq, Deserialize, prost::Message)]
#[serde(default)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "lenient")]
    error_code: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "lenient")]
    message: String,
    #[prost(message, optional, tag = "3")]
    #[serde(deserialize_with = "lenient")]
    additional: Option<Struct>,
}

/// The collector as it was when the job ran.
#[derive(Clone, PartialEq, Deserialize, prost::Message)]
#[serde(default)]
struct CollectorInfo {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "lenient")]
    collector_id: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "lenient")]
    name: String,
    #[prost(int32, tag = "3")]
    #[serde(deserialize_with = "collector_state")]
    state: i32,
    #[prost(message, optional, tag = "4")]
    #[serde(deserialize_with = "lenient")]
    plugin_info: Option<PluginInfo>,
    #[prost(int32, tag = "5")]
    #[serde(deserialize_with = "lenient")]
    priority: i32,
    #[prost(message, optional, tag = "7")]
    #[serde(deserialize_with = "lenient")]
    tags: Option<Struct>,
    #[prost(string, tag = "8")]
    #[serde(deserialize_with = "lenient")]
    created_at: String,
    #[prost(string, tag = "9")]
    #[serde(deserialize_with = "lenient")]
    last_collected_at: String,
    #[prost(string, tag = "10")]
    #[serde(deserialize_with = "lenient")]
    domain_id: String,
    #[prost(string, tag = "11")]
    #[serde(deserialize_with = "lenient")]
    provider: String,
    #[prost(message, optional, tag = "12")]
    #[serde(deserialize_with = "lenient")]
    capability: Option<Struct>,
    #[prost(bool, tag = "20")]
    #[serde(deserialize_with = "lenient")]
    is_public: bool,
    #[prost(string, tag = "21")]
    #[serde(deserialize_with = "lenient")]
    project_id: String,
}

/// The plugin of a collector.
#[derive(Clone, PartialEq, Deserialize, prost::Message)]
#[serde(default)]
struct PluginInfo {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "lenient")]
    plugin_id: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "lenient")]
    version: String,
    #[prost(message, optional, tag = "3")]
    #[serde(deserialize_with = "lenient")]
    options: Option<Struct>,
    #[prost(string, tag = "4")]
    #[serde(deserialize_with = "lenient")]
    secret_id: String,
    #[prost(string, tag = "5")]
    #[serde(deserialize_with = "lenient")]
    secret_group_id: String,
    #[prost(string, tag = "6")]
    #[serde(deserialize_with = "lenient")]
    provider: String,
    #[prost(string, tag = "7")]
    #[serde(deserialize_with = "lenient")]
    service_account_id: String,
    #[prost(message, optional, tag = "10")]
    #[serde(deserialize_with = "lenient")]
    metadata: Option<Struct>,
    #[prost(int32, tag = "11")]
    #[serde(deserialize_with = "upgrade_mode")]
    upgrade_mode: i32,
}

/// The names of a collector's states, by their numbers.
pub(crate) const COLLECTOR_STATES: [&str; 3] = ["NONE", "ENABLED", "DISABLED"];
/// The names of a plugin's upgrade modes, by their numbers.
pub(crate) const UPGRADE_MODES: [&str; 3] = ["NONE", "MANUAL", "AUTO"];

fn status<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    let name: String = lenient(deserializer)?;
    let index = JobStatus::ALL
        .iter()
        .position(|status| status.name() == name);
    // The number 0 is that of no status.
    Ok(index
        .and_then(|index| i32::try_from(index + 1).ok())
        .unwrap_or_default())
}

fn collector_state<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    lenient(deserializer).map(|name: String| number_of(&name, COLLECTOR_STATES))
}

fn upgrade_mode<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    lenient(deserializer).map(|name: String| number_of(&name, UPGRADE_MODES))
}

/// Returns the number of a name, and 0 for an unknown one.
fn number_of(name: &str, names: [&str; 3]) -> i32 {
    let index = names.iter().position(|known| *known == name);
    index
        .and_then(|index| i32::try_from(index).ok())
        .unwrap_or_default()
}
