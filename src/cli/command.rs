//! The commands of the command line, with their help.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::backup::{self, BackupArgs};
use super::check::{self, CheckArgs};
use super::docs::{self, DocsArgs};
use super::environment;
use super::export::{self, ExportArgs};
use super::failure::Failure;
use super::generate::{self, GenerateArgs};
use super::healthcheck::{self, HealthcheckArgs};
use super::import::{self, ImportArgs};
use super::list::{self, ListArgs};
use super::log::{self, Log};
use super::manual::{self, CompletionsArgs, ManArgs};
use super::notify::{self, NotifyArgs};
use super::prune::{self, PruneArgs};
use super::reports::{self, ReportArgs, RunArgs};
use super::restore::{self, RestoreArgs};
use super::serve::{self, DemoArgs, ServeArgs};
use super::show::{self, ShowArgs};
use super::stat::{self, StatArgs};
use super::token::{self, TokenArgs};

/// Keeps SpaceONE inventory jobs in SQLite, answers the inventory Job API over HTTP, and shows them in a page.
#[derive(Debug, Parser)]
#[command(name = "jobdeck", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the page and the API over a temporary database of made-up jobs that keep changing
    #[command(after_help = "Example: jobdeck demo --open --speed 60")]
    Demo(DemoArgs),
    /// Serve a database
    #[command(after_help = "Example: jobdeck serve --db jobs.db --listen 127.0.0.1:8080")]
    Serve(ServeArgs),
    /// Load jobs from NDJSON, a JSON array, or an API answer: all jobs of all files, or those that filters name; or none, if there
    /// is a mistake
    #[command(
        after_help = "Example: jobdeck import --db jobs.db monday.ndjson tuesday.json\n         \
                            curl -s HOST/inventory/v1/jobs?domain_id=D | jobdeck import -\n         \
                            jobdeck import --domain domain-1 --failed --since 30d jobs.ndjson"
    )]
    Import(ImportArgs),
    /// Print jobs of a database or of a server, the newest first
    #[command(after_help = "Example: jobdeck list --failed --since 7d\n         \
                            jobdeck list --url https://jobs.example --token-file token -status:SUCCESS 'message~rate exceeded'")]
    List(ListArgs),
    /// Print one job, with what is usual of its collector
    #[command(after_help = "Example: jobdeck show job-0a1b2c3d4e5f --db jobs.db")]
    Show(ShowArgs),
    /// Count jobs of a database or of a server, by status, collector, time and more
    #[command(
        after_help = "Example: jobdeck stat --by collector --duration --since 7d\n         \
                            jobdeck stat --by day,status provider:aws"
    )]
    Stat(StatArgs),
    /// Run a command, and report it as a job: to a database, or to a server with `--writable`
    #[command(
        after_help = "Example: jobdeck run --domain domain-1 --collector nightly-aws --db jobs.db -- collect --all\n         \
                            jobdeck run --domain domain-1 --collector nightly-aws --url http://127.0.0.1:8080 -- collect --all"
    )]
    Run(RunArgs),
    /// Change a job by hand, and send the reports of `run` that wait
    #[command(
        after_help = "Example: jobdeck report job-0a1b2c3d4e5f --status ERROR --error 'the host went away'\n         \
                            jobdeck report --url http://127.0.0.1:8080"
    )]
    Report(ReportArgs),
    /// Write jobs as NDJSON, which `import` turns into the same jobs again: all of them, or those that filters name
    #[command(
        after_help = "Example: jobdeck export --db jobs.db --output jobs.ndjson\n         \
                            jobdeck export --domain domain-1 --status ERROR --since 30d"
    )]
    Export(ExportArgs),
    /// Write made-up jobs as NDJSON, up to now; the same ones for the same seed and `--now`
    #[command(
        after_help = "Example: jobdeck generate --jobs 100000 --seed 7 | jobdeck import -\n         \
                            jobdeck generate --now 2026-01-01T00:00:00Z --output jobs.ndjson"
    )]
    Generate(GenerateArgs),
    /// Copy a database to one file and check the copy, also while a server uses the database
    #[command(
        after_help = "Example: jobdeck backup --db jobs.db \"jobs-$(date +%F).db\"\n         \
                            jobdeck backup --db jobs.db backups/ --keep 7"
    )]
    Backup(BackupArgs),
    /// Put a backup in the place of a database that no program uses; the backup is checked first
    #[command(
        after_help = "Example: jobdeck restore --db jobs.db backups/jobs-2026-01-31T02-00-00Z.db"
    )]
    Restore(RestoreArgs),
    /// Delete the jobs that are older than an age, a few at a time, also while a server uses the database
    #[command(
        after_help = "Example: jobdeck prune --db jobs.db --older-than 90d --dry-run\n         \
                            jobdeck prune --db jobs.db --older-than 1w --status SUCCESS --status CANCELED"
    )]
    Prune(PruneArgs),
    /// Verify a database: every page, every document, every derived value; also while a server uses it
    #[command(after_help = "Example: jobdeck check --db jobs.db --repair")]
    Check(CheckArgs),
    /// Ask a running server whether it is healthy; the exit code is 0, or 1 with the reason
    #[command(
        after_help = "Example: jobdeck healthcheck --ready-file ready.json\n         \
                            HEALTHCHECK CMD [\"jobdeck\", \"healthcheck\"]"
    )]
    Healthcheck(HealthcheckArgs),
    /// Make tokens, with which clients of `serve --tokens` authenticate
    Token(TokenArgs),
    /// Check the rules by which `serve --notify` sends notifications, or try one
    Notify(NotifyArgs),
    /// Print a page of the documentation, or a file that it shows
    #[command(after_help = "Example: jobdeck docs query | less\n         \
                            jobdeck docs deploy/jobdeck.service > /etc/systemd/system/jobdeck.service")]
    Docs(DocsArgs),
    /// Write the completion script of a shell, for commands and options
    #[command(
        after_help = "Example: jobdeck completions bash > ~/.local/share/bash-completion/completions/jobdeck"
    )]
    Completions(CompletionsArgs),
    /// Write the manual page of jobdeck, or of one command
    #[command(after_help = "Example: jobdeck man serve | man -l -")]
    #[command(mut_arg("command", |argument| argument.value_parser(parse_page_name)))]
    Man(ManArgs),
}

impl Cli {
    /// Reads the arguments of the process. Wrong usage ends the process with 2, help and version with 0.
    pub(crate) fn from_arguments() -> Self {
        let arguments = environment::with_negated_terms(std::env::args_os().collect());
        let parsed = environment::parse(Self::command, &arguments)
            .and_then(|matches| Self::from_arg_matches(&matches))
            .and_then(Self::checked);
        parsed.unwrap_or_else(|error| with_tip(error).exit())
    }

    /// Checks what the options of a server exclude.
    fn checked(self) -> Result<Self, clap::Error> {
        let checked = match &self.command {
            Command::Demo(args) => args.check().map_err(str::to_owned),
            Command::Serve(args) => args.check().map_err(str::to_owned),
            Command::List(args) => args.check(),
            Command::Stat(args) => args.check(),
            Command::Export(args) => args.check(),
            Command::Import(args) => args.check(),
            Command::Run(args) => args.check(),
            Command::Report(args) => args.check(),
            _ => Ok(()),
        };
        match checked {
            Ok(()) => Ok(self),
            Err(problem) => Err(Self::command().error(ErrorKind::ArgumentConflict, problem)),
        }
    }

    /// Starts the log in the format of the command.
    pub(crate) fn start_log(&self) -> Log {
        match &self.command {
            Command::Demo(args) => args.log(),
            Command::Serve(args) => args.log(),
            _ => Log::start(log::Format::Text, log::QUIET),
        }
    }

    /// Runs the command; returns the exit code.
    ///
    /// # Errors
    /// [`Failure`], whose text is one line.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let done = match self.command {
            Command::List(args) => return list::list(&args),
            Command::Stat(args) => return stat::stat(&args),
            Command::Run(args) => return Ok(reports::run(&args)),
            Command::Show(args) => show::show(&args),
            Command::Report(args) => reports::report(&args),
            Command::Demo(args) => serve::demo(&args),
            Command::Serve(args) => serve::serve(&args),
            Command::Import(args) => import::import(&args),
            Command::Export(args) => export::export(&args),
            Command::Generate(args) => generate::generate(&args),
            Command::Backup(args) => backup::backup(&args),
            Command::Restore(args) => restore::restore(&args),
            Command::Prune(args) => prune::prune(&args),
            Command::Check(args) => check::check(&args),
            Command::Healthcheck(args) => healthcheck::healthcheck(&args),
            Command::Token(args) => token::token(&args),
            Command::Notify(args) => notify::notify(&args),
            Command::Docs(args) => docs::docs(&args),
            Command::Completions(args) => manual::completions(&args, &mut Self::command()),
            Command::Man(args) => manual::man(&args, &page_tree()),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

/// Adds a tip where a server is given `--port`, which other servers have: clap finds no option with a similar name.
fn with_tip(mut error: clap::Error) -> clap::Error {
    let is_port = matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(name)) if name == "--port");
    let command = std::env::args().nth(1).unwrap_or_default();
    if is_port && ["demo", "serve"].contains(&command.as_str()) {
        let listen = ContextValue::String("--listen".to_owned());
        error.insert(ContextKind::SuggestedArg, listen);
    }
    error
}

/// The commands, each of which knows the name of its manual page.
fn page_tree() -> clap::Command {
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    cli
}

fn parse_page_name(name: &str) -> Result<String, String> {
    match manual::find(&page_tree(), name) {
        Some(_) => Ok(name.to_owned()),
        None => Err("expected one of the commands that `jobdeck --help` lists".to_owned()),
    }
}
