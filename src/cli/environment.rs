//! The variables of options: an empty one is as if it were not set, and an error names the variable whose value is wrong.

use std::ffi::{OsStr, OsString};

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command};
use jobdeck::terms::is_negated_term;

/// The commands that take terms.
const WITH_TERMS: [&str; 3] = ["export", "list", "stat"];
/// Options one of which takes the place of the other: where one is an argument, the variable of the other does not count.
const INSTEAD: [(&str, &str); 2] = [("db", "url"), ("url", "db")];

/// Writes the terms that begin with a minus, as `-status:SUCCESS`, with the exclamation mark that means the same: a minus begins
/// an option.
pub(super) fn with_negated_terms(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let command = arguments.get(1).and_then(|command| command.to_str());
    if command.is_none_or(|command| !WITH_TERMS.contains(&command)) {
        return arguments;
    }
    let end = arguments.iter().position(|argument| argument == "--");
    let end = end.unwrap_or(arguments.len());
    for argument in &mut arguments[2..end] {
        let term = argument.to_str().and_then(|text| text.strip_prefix('-'));
        if let Some(term) = term.filter(|term| is_negated_term(term)) {
            *argument = format!("!{term}").into();
        }
    }
    arguments
}

/// Parses the arguments of a command that `make` makes, and its variables.
///
/// # Errors
/// Those of clap, help and version among them.
pub(super) fn parse(
    make: impl Fn() -> Command,
    arguments: &[OsString],
) -> Result<ArgMatches, clap::Error> {
    let error = match without_unused_variables(make(), arguments).try_get_matches_from(arguments) {
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
///
/// So do those in whose place an argument is.
fn without_unused_variables(command: Command, arguments: &[OsString]) -> Command {
    let is_replaced = |option: &Arg| {
        let mut pairs = INSTEAD.iter();
        pairs.any(|(given, replaced)| {
            option.get_id() == *replaced && is_long_given(given, arguments)
        })
    };
    command
        .mut_args(|option| match variable(&option) {
            Some((_, value)) if value.is_empty() || is_replaced(&option) => {
                option.env(Resettable::Reset)
            }
            _ => option,
        })
        .mut_subcommands(|command| without_unused_variables(command, arguments))
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
    option
        .get_long()
        .is_some_and(|long| is_long_given(long, arguments))
}

fn is_long_given(long: &str, arguments: &[OsString]) -> bool {
    let options = arguments.iter().take_while(|argument| *argument != "--");
    let names = options.filter_map(|argument| {
        let argument = argument.to_str()?.strip_prefix("--")?;
        argument.split('=').next()
    });
    names.into_iter().any(|name| name == long)
}
