//! How a server is watched: its health, its metrics, and its notifications.

pub(super) mod notifications;
pub(super) mod probes;
