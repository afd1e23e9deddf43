//! Runs a server from its configuration.

mod backups;
mod config;
mod connection;
mod error;
mod grpc;
mod in_process;
mod local;
mod retain;
mod run;
mod signals;
mod stuck;
mod tasks;

pub use self::config::{BackupPlan, Config, GrpcListen};
pub use self::error::StartError;
pub use self::grpc::GrpcServer;
pub use self::local::{LocalAnswer, LocalApp};
pub use self::run::{Running, start};
pub use self::signals::{stop, stop_signal};
