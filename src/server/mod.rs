//! Runs a server from its configuration.

mod config;
mod connection;
mod retain;
mod run;
mod signals;
mod tasks;

pub use self::config::Config;
pub use self::run::{StartError, start};
pub use self::signals::{stop, stop_signal};
