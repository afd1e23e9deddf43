//! `token`: makes, lists and revokes the tokens of `serve --tokens`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jobdeck::tokens::{NewToken, add_token, list_tokens, remove_token};

use super::failure::Failure;
use super::output::print_line;

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token: it is written once, to standard error; its entry for the file is written to standard output
    #[command(
        after_help = "Example: jobdeck token new --domain domain-58010aa2e451 --name ci --file tokens.toml"
    )]
    New(NewArgs),
    /// List the tokens of a file: their names, domains and rights, and no secret
    #[command(after_help = "Example: jobdeck token list --file tokens.toml")]
    List(FileArgs),
    /// Remove a token from a file; a server that uses the file then refuses the token, without a restart
    #[command(after_help = "Example: jobdeck token revoke ci --file tokens.toml")]
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
struct FileArgs {
    /// The file of `jobdeck serve --tokens`
    #[arg(long, value_name = "FILE", env = "JOBDECK_TOKENS")]
    file: PathBuf,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    /// The name of the token in the file. Its entry is removed with the comment directly above it
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    file: FileArgs,
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
    /// Add the entry to this file, which is made where there is none [default: the entry is written to standard output]
    #[arg(long, value_name = "FILE", env = "JOBDECK_TOKEN_NEW_FILE")]
    file: Option<PathBuf>,
}

pub(super) fn token(args: &TokenArgs) -> Result<(), Failure> {
    match &args.command {
        TokenCommand::New(args) => make(args),
        TokenCommand::List(args) => list(&args.file),
        TokenCommand::Revoke(args) => {
            let file = &args.file.file;
            let grant = remove_token(file, &args.name)?;
            print_line(&format!("{}: revoked `{}`", file.display(), grant.name))
        }
    }
}

fn make(args: &NewArgs) -> Result<(), Failure> {
    let made = NewToken::generate(&args.domain, args.write, args.name.as_deref())
        .map_err(|error| Failure::Problems(error.to_string()))?;
    // A file that can't be written to gives no token.
    let added = match &args.file {
        Some(file) => Some((file, add_token(file, &made)?)),
        None => None,
    };
    let mut error = std::io::stderr();
    // A program that reads the token wants nothing else.
    let label = if error.is_terminal() {
        "The token, shown this once: "
    } else {
        ""
    };
    // The token first: without it, its entry would be of no use.
    writeln!(error, "{label}{}", made.token).map_err(Failure::Server)?;
    match added {
        Some((file, grant)) => print_line(&format!("{}: added `{}`", file.display(), grant.name)),
        None => std::io::stdout()
            .write_all(made.entry.as_bytes())
            .map_err(Failure::Server),
    }
}

/// Writes a table of the tokens.
fn list(file: &Path) -> Result<(), Failure> {
    let grants = list_tokens(file)?;
    let rows = grants.iter().map(|grant| {
        let access = if grant.may_write { "write" } else { "read" };
        [
            grant.name.as_str(),
            grant.domain_id.as_deref().unwrap_or("*"),
            access,
        ]
    });
    let rows: Vec<_> = std::iter::once(["NAME", "DOMAIN", "ACCESS"])
        .chain(rows)
        .collect();
    let width = |column: usize| {
        let letters = rows.iter().map(|row| row[column].chars().count());
        letters.max().unwrap_or(0)
    };
    let (names, domains) = (width(0), width(1));
    for [name, domain, access] in rows {
        print_line(&format!("{name:names$}  {domain:domains$}  {access}"))?;
    }
    Ok(())
}
