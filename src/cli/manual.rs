//! `completions` and `man`: what shells and `man` know of the command line, made from it.

use std::io::Write;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::output::output_failure;
use super::{Cli, Failure};

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The command whose page it is to be: `serve`, or `token-new` for one within another
    #[arg(value_name = "COMMAND", value_parser = known_command)]
    command: Option<String>,
}

fn known_command(name: &str) -> Result<String, String> {
    match find(&built(), name) {
        Some(_) => Ok(name.to_owned()),
        None => Err("expected one of the commands that `jobdeck --help` lists".to_owned()),
    }
}

/// The command line, of which each command knows the name of its page, jobdeck-serve.
fn built() -> Command {
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    cli
}

/// The command of a page, on whichever level it is.
fn find<'c>(within: &'c Command, name: &str) -> Option<&'c Command> {
    within.get_subcommands().find_map(|command| {
        let page = command.get_display_name()?.strip_prefix("jobdeck-")?;
        if page == name {
            Some(command)
        } else {
            find(command, name)
        }
    })
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "jobdeck", &mut script);
    write_all(&script)
}

pub(super) fn man(args: &ManArgs) -> Result<(), Failure> {
    let cli = built();
    let command = args.command.as_deref().and_then(|name| find(&cli, name));
    let command = command.unwrap_or(&cli).clone();
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
