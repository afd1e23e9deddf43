//! Notifications: `serve --notify FILE`.
//!
//! ```text
//! FILE -> rules;   the database -> what is there now -> what is new -> the outbox;   the outbox -> POST -> the outbox
//! ```
//!
//! What is new is found in the state of the jobs and not in the requests that changed it. So jobs that come by an import, the
//! API, gRPC or another program count alike, and no write waits for a notification.

mod address;
mod backoff;
mod counters;
mod decide;
mod deliver;
mod event;
mod filter;
mod look;
mod notifier;
mod rule;
mod rules;
mod rules_file;
mod template;
mod text;

pub use self::counters::Sent;
pub use self::deliver::{Answer, deliver};
pub use self::event::Event;
pub use self::notifier::Notifier;
pub use self::rule::Rule;
pub use self::rules_file::{RulesFile, RulesFileError};
