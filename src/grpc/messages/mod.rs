//! The messages on the wire, and the JSON that REST has for them.

mod job;
mod lenient;
mod query;
mod value;

pub(super) use self::job::{
    COLLECTOR_STATES, JobInfo, JobStatQuery, JobsInfo, JobsQuery, UPGRADE_MODES,
};
pub(super) use self::value::Struct;
