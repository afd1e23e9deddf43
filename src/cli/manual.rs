//! `completions` and `man`: what shells and `man` know of the command line, made from it.

use std::io::Write;

use clap::{Args, CommandFactory};
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
    /// The command whose page it is to be
    #[arg(value_name = "COMMAND", value_parser = known_command)]
    command: Option<String>,
}

fn known_command(name: &str) -> Result<String, String> {
    let cli = Cli::command();
    let mut names = cli.get_subcommands().map(clap::Command::get_name);
    if names.any(|known| known == name) {
        Ok(name.to_owned())
    } else {
        Err("expected one of the commands that `jobdeck --help` lists".to_owned())
    }
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "jobdeck", &mut script);
    write_all(&script)
}

pub(super) fn man(args: &ManArgs) -> Result<(), Failure> {
    let mut cli = Cli::command().disable_help_subcommand(true);
    // Has each command know the name of its page, jobdeck-serve.
    cli.build();
    let command = match &args.command {
        None => cli,
        Some(name) => match cli.find_subcommand(name) {
            Some(command) => command.clone(),
            None => cli,
        },
    };
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
