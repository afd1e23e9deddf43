//! `completions` and `man`: completion scripts and manual pages, made from the commands.

use std::io::Write;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::failure::Failure;
use super::output::output_failure;

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The command to describe: `serve`, or `token-new` for `token new` [default: jobdeck itself]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// Finds the command of a manual page, on any level.
pub(super) fn find<'c>(within: &'c Command, name: &str) -> Option<&'c Command> {
    within.get_subcommands().find_map(|command| {
        let page = command.get_display_name()?.strip_prefix("jobdeck-")?;
        if page == name {
            Some(command)
        } else {
            find(command, name)
        }
    })
}

/// Writes the completion script of a shell.
pub(super) fn completions(args: &CompletionsArgs, cli: &mut Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, cli, "jobdeck", &mut script);
    write_all(&script)
}

/// Writes a manual page.
pub(super) fn man(args: &ManArgs, cli: &Command) -> Result<(), Failure> {
    let command = args.command.as_deref().and_then(|name| find(cli, name));
    let command = command.unwrap_or(cli).clone();
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|source| output_failure("standard output", source))?;
    write_all(&page)
}

fn write_all(text: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    out.write_all(text)
        .and_then(|()| out.flush())
        .map_err(|source| output_failure("standard output", source))
}
