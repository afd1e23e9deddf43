//! The variables of options: an empty one is as if it were not set, and an error names the variable whose value is wrong.

use std::ffi::{OsStr, OsString};

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command};

/// Parses the arguments of a command that `make` makes, and its variables.
///
/// # Errors
/// Those of clap, help and version among them.
pub(super) fn parse(
    make: impl Fn() -> Command,
    arguments: &[OsString],
) -> Result<ArgMatches, clap::Error> {
    let error = match without_empty_variables(make()).try_get_matches_from(arguments) {
        Ok(matches) => return Ok(matches),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::DisplayVersion => {
            // The help names all variables. It is printed before they are read.
            make().try_get_matches_from(arguments)
        }
        _ => {
            let mut command = make();
            command.build();
            Err(with_variable(error, &command, arguments))
        }
    }
}

/// Has the options of a command, and of those below it, ignore their variables where these are empty. `docker compose` passes
/// an empty variable on where none is set.
fn without_empty_variables(command: Command) -> Command {
    command
        .mut_args(|option| match variable(&option) {
            Some((_, value)) if value.is_empty() => option.env(Resettable::Reset),
            _ => option,
        })
        .mut_subcommands(without_empty_variables)
}

/// Returns the variable of an option with its value; `None` where it is not set.
fn variable(option: &Arg) -> Option<(&OsStr, OsString)> {
    let name = option.get_env()?;
    Some((name, std::env::var_os(name)?))
}

/// Names the variable in the error about an option that was not given by an argument.
fn with_variable(mut error: clap::Error, command: &Command, arguments: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let mut command = command;
    for argument in arguments {
        command = command.find_subcommand(argument).unwrap_or(command);
    }
    let mut options = command.get_arguments();
    let option =
        options.find(|option| option.to_string() == *shown && !is_given(option, arguments));
    if let Some((name, _)) = option.and_then(variable) {
        let name = name.to_string_lossy();
        let both = ContextValue::String(format!("{name} ({shown})"));
        error.insert(ContextKind::InvalidArg, both);
    }
    error
}

/// Returns whether an option is among the arguments.
fn is_given(option: &Arg, arguments: &[OsString]) -> bool {
    let Some(long) = option.get_long() else {
        return false;
    };
    let names = arguments.iter().filter_map(|argument| {
        let argument = argument.to_str()?.strip_prefix("--")?;
        argument.split('=').next()
    });
    names.into_iter().any(|name| name == long)
}
