//! The messages on the wire, and the JSON that REST has for them.

pub(super) mod answer;
mod collector_cache;
mod job;
mod query;
pub(super) mod transcode;
mod value;

pub(super) use self::collector_cache::CollectorCache;
pub(super) use self::job::{JobStatQuery, JobsQuery};
pub(super) use self::value::Struct;
