//! The HTTP API: `routes` binds each row of the table of routes to its handler.

mod about;
mod access;
mod access_log;
mod answer;
pub(crate) mod app;
mod blocking;
mod body;
pub(crate) mod caching;
mod clock;
pub(crate) mod cors;
mod error;
mod export;
mod faults;
pub(crate) mod guard;
pub(crate) mod hosts;
pub(crate) mod inject;
mod jobs;
mod journal;
pub(crate) mod lives;
pub(crate) mod metrics;
mod mock_control;
mod monitor;
mod openapi;
pub(crate) mod openapi_document;
mod parameters;
mod record;
pub(crate) mod routes;
mod schema;
mod snapshots;
pub(crate) mod stopping;
mod write;

pub use self::app::Switches;
pub use self::cors::Origin;
pub use self::openapi::Description;
pub use self::openapi_document::describe;
