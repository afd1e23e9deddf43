//! The command line: what can be said, and what each word of it does.

mod aside;
mod backup;
mod healthcheck;
mod log;
mod manual;
mod output;
mod prune;
mod ready;
mod serve;
mod supervisor;
mod token;
mod transfer;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use jobdeck::server::StartError;
use jobdeck::store::{OpenError, StoreError};
use jobdeck::tokens::TokensError;
use jobdeck::transfer::TransferError;

use self::backup::BackupArgs;
use self::healthcheck::HealthcheckArgs;
use self::log::Log;
use self::manual::{CompletionsArgs, ManArgs};
use self::prune::PruneArgs;
use self::serve::{DemoArgs, ServeArgs};
use self::token::TokenArgs;
use self::transfer::{CheckArgs, ExportArgs, GenerateArgs, ImportArgs};

/// Keeps SpaceONE inventory jobs in SQLite, answers the inventory Job API over HTTP, and shows them in a page.
#[derive(Debug, Parser)]
#[command(name = "jobdeck", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the page and the API over a throw-away database of made-up jobs that keep moving
    #[command(after_help = "Example: jobdeck demo --listen 127.0.0.1:0 --seed 7")]
    Demo(DemoArgs),
    /// Serve a database
    #[command(after_help = "Example: jobdeck serve --db jobs.db --listen 127.0.0.1:8080")]
    Serve(ServeArgs),
    /// Load jobs: NDJSON, a JSON array, or an API answer; all or nothing over all the files
    #[command(
        after_help = "Example: jobdeck import --db jobs.db monday.ndjson tuesday.json\n         \
                            curl -s HOST/inventory/v1/jobs?domain_id=D | jobdeck import -"
    )]
    Import(ImportArgs),
    /// Write all jobs as NDJSON; `import` of it gives the same jobs back
    #[command(after_help = "Example: jobdeck export --db jobs.db --output jobs.ndjson")]
    Export(ExportArgs),
    /// Write made-up jobs as NDJSON, the same for the same seed
    #[command(after_help = "Example: jobdeck generate --jobs 100000 --seed 7 | jobdeck import -")]
    Generate(GenerateArgs),
    /// Copy a database to one file, also while a server serves it, and check the copy
    #[command(
        after_help = "Example: jobdeck backup --db jobs.db \"jobs-$(date +%F).db\"\n         \
                            To restore, stop the server and copy the file to its place, where no -wal may be beside it."
    )]
    Backup(BackupArgs),
    /// Delete the jobs that were created too long ago, a few at a time, also while a server serves them
    #[command(
        after_help = "Example: jobdeck prune --db jobs.db --older-than 90d --dry-run\n         \
                            jobdeck prune --db jobs.db --older-than 1w --status SUCCESS --status CANCELED"
    )]
    Prune(PruneArgs),
    /// Verify a database: every page, every document, every derived value; also while a server serves it
    #[command(after_help = "Example: jobdeck check --db jobs.db --repair")]
    Check(CheckArgs),
    /// Ask a running server whether it is well; 0 where it is, else 1 and why
    #[command(
        after_help = "Example: jobdeck healthcheck --ready-file ready.json\n         \
                            HEALTHCHECK CMD [\"jobdeck\", \"healthcheck\"]"
    )]
    Healthcheck(HealthcheckArgs),
    /// Make tokens, by which `serve --tokens` knows who asks
    Token(TokenArgs),
    /// Write what completes commands and options in a shell
    #[command(
        after_help = "Example: jobdeck completions bash > ~/.local/share/bash-completion/completions/jobdeck"
    )]
    Completions(CompletionsArgs),
    /// Write the manual page of jobdeck, or of one command
    #[command(after_help = "Example: jobdeck man serve | man -l -")]
    Man(ManArgs),
}

#[derive(Debug, Args)]
struct DbArgs {
    /// The database file
    #[arg(
        long,
        value_name = "FILE",
        env = "JOBDECK_DB",
        default_value = "jobdeck.db"
    )]
    pub(super) db: PathBuf,
}

/// Why a command failed; one line, which says what, which file, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Tokens(#[from] TokensError),
    #[error(transparent)]
    Transfer(#[from] TransferError),
    #[error("{path}: {source}")]
    Store { path: PathBuf, source: StoreError },
    #[error("{path}: {source}; check the path and its permissions")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "{0}: there was no room to write all of it; free some space on the disk; nothing was changed"
    )]
    NoRoom(PathBuf),
    #[error(
        "{0}: can't be written to; make the file and its folder writable, or serve it without `{1}`"
    )]
    NotWritable(PathBuf, &'static str),
    #[error("{0}")]
    Problems(String),
    #[error(
        "{0}: other machines can reach this address, and there is no check of who asks; listen on 127.0.0.1, let `jobdeck serve --tokens FILE` ask for a token, or say `--insecure`"
    )]
    Exposed(SocketAddr),
    #[error("{0} is for a mock; say `--mock` too")]
    NeedsMock(&'static str),
    #[error(
        "{0} is not for a mock, whose jobs are what its tests make them; leave out one of the two"
    )]
    NotForMock(&'static str),
    #[error("{0}")]
    Server(std::io::Error),
    #[error(
        "{0}: is a SQLite database or belongs to one, and the output would take its place; name another file"
    )]
    OverDatabase(PathBuf),
    #[error("{0}: is the database itself; name another file")]
    OntoItself(PathBuf),
    #[error("{0}: is a folder; name a file in it")]
    Folder(PathBuf),
    #[error("{}: is a folder; name the files in it, such as {}", .0.display(), .0.join("*.ndjson").display())]
    FolderOfJobs(PathBuf),
    #[error("{0}: there is no folder {1}; make it, or name another file")]
    NoFolder(PathBuf, PathBuf),
    #[error("{0}: is there and no regular file; name another file")]
    NotRegular(PathBuf),
    #[error("{0}: is there already; name another file, or say `--force` to replace it")]
    Present(PathBuf),
    #[error(
        "{0}: is there, and would be taken for a log of the copy; name another file, or remove it if no program has {1} open"
    )]
    LogBeside(PathBuf, PathBuf),
    #[error("{dest}: can't be made a copy of {database}: {source}")]
    Copy {
        database: PathBuf,
        dest: PathBuf,
        source: StoreError,
    },
    #[error(
        "{database}: {problem}; the copy was thrown away, see what `jobdeck check` finds in the database"
    )]
    BadCopy { database: PathBuf, problem: String },
    #[error("{0}: is there and no ready file of jobdeck's; name another file")]
    NoReadyFile(PathBuf),
    #[error("{path}: {source}; no server has said there that it serves")]
    NotReady {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "`--listen` with port 0 does not say which port the server took; give `--ready-file` to both, or `--url`"
    )]
    UnknownPort,
    #[error("{url}: {problem}")]
    Unhealthy { url: String, problem: String },
    /// Whoever read our output has read enough.
    #[error("the output was closed")]
    ClosedOutput,
}

impl Cli {
    /// Starts the log as the command has it.
    pub(crate) fn start_log(&self) -> Log {
        match &self.command {
            Command::Demo(args) => args.log(),
            Command::Serve(args) => args.log(),
            _ => Log::start(log::Format::Text, log::QUIET),
        }
    }

    /// Does what was said.
    ///
    /// # Errors
    /// [`Failure`], in one line.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Demo(args) => serve::demo(&args),
            Command::Serve(args) => serve::serve(&args),
            Command::Import(args) => transfer::import(&args),
            Command::Export(args) => transfer::export(&args),
            Command::Generate(args) => transfer::generate(&args),
            Command::Backup(args) => backup::backup(&args),
            Command::Prune(args) => prune::prune(&args),
            Command::Check(args) => transfer::check(&args),
            Command::Healthcheck(args) => healthcheck::healthcheck(&args),
            Command::Token(args) => token::token(&args),
            Command::Completions(args) => manual::completions(&args),
            Command::Man(args) => manual::man(&args),
        }
    }
}
