//! The command line: one file a command, which turns arguments into a call of the library, and its result into output.

mod args;
mod backup;
mod check;
mod command;
mod docs;
mod environment;
mod export;
mod failure;
mod generate;
mod healthcheck;
mod import;
mod log;
mod manual;
mod new_database;
mod opening;
mod output;
mod prune;
mod ready_file;
mod restore;
mod serve;
mod supervisor;
mod token;

pub(crate) use self::command::Cli;
pub(crate) use self::failure::Failure;
