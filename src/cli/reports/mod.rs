//! Reports of jobs that commands of this machine are: `run` makes them, and a spool has those that no server has taken yet.

mod command;
mod process;
mod report;
mod run;
mod signals;
mod spool;
mod tail;

pub(super) use self::command::{ReportArgs, report};
pub(super) use self::run::{RunArgs, run};
