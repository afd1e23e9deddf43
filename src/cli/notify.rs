//! `notify check` and `notify test`: check the file of `serve --notify`, and try one of its rules.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jobdeck::notify::{Event, RulesFile, deliver};

use super::failure::Failure;

#[derive(Debug, Args)]
pub(super) struct NotifyArgs {
    #[command(subcommand)]
    command: NotifyCommand,
}

#[derive(Debug, Subcommand)]
enum NotifyCommand {
    /// Send a made-up event by a rule and print the answer; the exit code is 1 where the receiver did not take it
    #[command(after_help = "Example: jobdeck notify test nightly --notify notify.toml")]
    Test(TestArgs),
    /// Check a file of rules and list them
    #[command(after_help = "Example: jobdeck notify check --notify notify.toml")]
    Check(CheckArgs),
}

#[derive(Debug, Args)]
struct TestArgs {
    /// The name of the rule
    #[arg(value_name = "NAME")]
    rule: String,
    #[command(flatten)]
    file: FileArgs,
}

#[derive(Debug, Args)]
struct CheckArgs {
    #[command(flatten)]
    file: FileArgs,
}

#[derive(Debug, Args)]
struct FileArgs {
    /// The file of rules, as `jobdeck serve` takes it
    #[arg(long, value_name = "FILE", env = "JOBDECK_NOTIFY")]
    notify: PathBuf,
}

pub(super) fn notify(args: &NotifyArgs) -> Result<(), Failure> {
    match &args.command {
        NotifyCommand::Test(args) => test(args),
        NotifyCommand::Check(args) => check(args),
    }
}

/// Sends a made-up event of the first kind that the rule sends.
fn test(args: &TestArgs) -> Result<(), Failure> {
    let path = &args.file.notify;
    let rules = RulesFile::open(path)?.rules();
    let Some(rule) = rules.iter().find(|rule| rule.name == args.rule) else {
        let names: Vec<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
        return Err(Failure::Problems(format!(
            "{}: has no rule `{}`; its rules are {}",
            path.display(),
            args.rule,
            names.join(", ")
        )));
    };
    let made_up = rule
        .on
        .iter()
        .take(1)
        .map(|kind| (0, Event::made_up(*kind)));
    let answer = deliver(rule, &made_up.collect::<Vec<_>>());
    let status = answer.status.map(|status| format!("{status} "));
    let line = format!(
        "{}: {}{}",
        rule.host(),
        status.unwrap_or_default(),
        answer.text
    );
    if answer.is_delivered() {
        writeln!(std::io::stdout(), "{line}").map_err(Failure::Server)
    } else {
        Err(Failure::Problems(format!(
            "rule `{}`: {line}; the receiver did not take the event",
            rule.name
        )))
    }
}

fn check(args: &CheckArgs) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    for rule in RulesFile::open(&args.file.notify)?.rules().iter() {
        let on: Vec<_> = rule.on.iter().map(|kind| kind.name()).collect();
        let line = format!(
            "{}: {} of {}, to {}",
            rule.name,
            on.join(", "),
            rule.domain_id,
            rule.host()
        );
        writeln!(out, "{line}").map_err(Failure::Server)?;
    }
    Ok(())
}
