//! The messages on the wire, and the JSON that REST has for them.

pub(super) mod answer;
mod job;
mod message_cache;
mod query;
pub(super) mod structure;
pub(super) mod transcode;
mod value;
mod wire;

pub(super) use self::job::{JobStatQuery, JobsQuery};
pub(super) use self::message_cache::MessageCaches;
pub(super) use self::value::Struct;
