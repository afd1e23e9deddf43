//! `token new`: makes a token, and its entry for the file of `serve --tokens`.

use std::io::{IsTerminal, Write};

use clap::{Args, Subcommand};
use jobdeck::tokens::NewToken;

use super::failure::Failure;

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token: it is written once, to standard error; its entry for the file is written to standard output
    #[command(
        after_help = "Example: jobdeck token new --domain domain-58010aa2e451 --name ci >> tokens.toml"
    )]
    New(NewArgs),
}

#[derive(Debug, Args)]
struct NewArgs {
    /// The domain that the token gives access to, or `*` for every domain and the whole server
    #[arg(long, value_name = "DOMAIN", env = "JOBDECK_TOKEN_DOMAIN")]
    domain: String,
    /// Let the token change jobs, too
    #[arg(long, env = "JOBDECK_TOKEN_WRITE", value_parser = clap::builder::BoolishValueParser::new())]
    write: bool,
    /// The name of the token in the file and in messages [default: a new one]
    #[arg(long, value_name = "NAME", env = "JOBDECK_TOKEN_NAME")]
    name: Option<String>,
}

pub(super) fn token(args: &TokenArgs) -> Result<(), Failure> {
    let TokenCommand::New(args) = &args.command;
    let made = NewToken::generate(&args.domain, args.write, args.name.as_deref())
        .map_err(|error| Failure::Problems(error.to_string()))?;
    let mut error = std::io::stderr();
    // A program that reads the token wants nothing else.
    let label = if error.is_terminal() {
        "The token, shown this once: "
    } else {
        ""
    };
    // The token first: without it, its entry would be of no use.
    writeln!(error, "{label}{}", made.token)
        .and_then(|()| std::io::stdout().write_all(made.entry.as_bytes()))
        .map_err(Failure::Server)
}
