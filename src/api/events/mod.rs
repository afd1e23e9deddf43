//! The stream of events: `stream` answers the route, `hub` has what the streams share, `version` what they say.

pub(super) mod hub;
pub(crate) mod stream;
pub(super) mod version;
