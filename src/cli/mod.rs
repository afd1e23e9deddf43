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
mod list;
mod log;
mod manual;
mod new_database;
mod notify;
mod opening;
mod output;
mod prune;
mod ready_file;
mod reports;
mod restore;
mod serve;
mod shell;
mod show;
mod stat;
mod supervisor;
mod token;

pub(crate) use self::command::Cli;
pub(crate) use self::failure::Failure;
