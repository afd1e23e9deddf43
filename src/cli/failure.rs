//! The errors of commands; the text of each is one line, but for a list of mistakes.

use std::net::SocketAddr;
use std::path::PathBuf;

use jobdeck::notify::RulesFileError;
use jobdeck::server::StartError;
use jobdeck::store::{BackupError, OpenError, ReplaceError, StoreError};
use jobdeck::tokens::TokenFileError;
use jobdeck::transfer::TransferError;

/// Why a command failed. The text says the file, what went wrong, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Tokens(#[from] TokenFileError),
    #[error(transparent)]
    Rules(#[from] RulesFileError),
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
        "{0}: there was no room to write all of it, and nothing was changed; free some space on the disk"
    )]
    NoRoom(PathBuf),
    #[error(
        "{0}: can't be written to; make the file and its folder writable, or serve it without `{1}`"
    )]
    NotWritable(PathBuf, &'static str),
    #[error("{0}")]
    Problems(String),
    #[error(
        "{0}: other machines can reach this address, and clients are not authenticated; listen on 127.0.0.1, require a token with `jobdeck serve --tokens FILE`, or add `--insecure`"
    )]
    Exposed(SocketAddr),
    #[error("{0} is for a mock; add `--mock`")]
    NeedsMock(&'static str),
    #[error("{0} is not for a mock, whose jobs only its tests change; leave out one of the two")]
    NotForMock(&'static str),
    #[error("{0}")]
    Server(std::io::Error),
    #[error(
        "{0}: is a SQLite database or belongs to one, and the output would replace it; name another file"
    )]
    OverDatabase(PathBuf),
    #[error("{0}: is the database itself; name another file")]
    OntoItself(PathBuf),
    #[error("{0}: is a folder; name a file in it")]
    Folder(PathBuf),
    #[error(
        "{0}: there is no such folder; make it, or leave out `--keep`, with which the backup is written into a folder"
    )]
    NoBackupFolder(PathBuf),
    #[error(
        "{path}: the backup is there, but older ones can't be deleted: {source}; check the permissions of the folder"
    )]
    OldBackups {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{0}: there is no folder {1}; make it, or name another file")]
    NoFolder(PathBuf, PathBuf),
    #[error("{0}: exists and is no regular file; name another file")]
    NotRegular(PathBuf),
    #[error("{0}: exists already; name another file, or add `--force` to replace it")]
    Present(PathBuf),
    #[error(
        "{0}: exists, and SQLite would take it for a log of the copy; name another file, or remove it if no program has {1} open"
    )]
    LogOfCopy(PathBuf, PathBuf),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Replace(#[from] ReplaceError),
    #[error("{0}: exists and is no ready file of jobdeck; name another file")]
    NoReadyFile(PathBuf),
    #[error("{path}: {source}; no server has written there that it is ready")]
    NotReady {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "`--listen` with port 0 does not name the port that the server has chosen; give `--ready-file` to both commands, or `--url`"
    )]
    UnknownPort,
    #[error("{url}: {problem}")]
    Unhealthy { url: String, problem: String },
    /// A database or a server does not do what it is to do.
    #[error("{target}: {problem}")]
    Refused { target: String, problem: String },
    /// The reader of standard output has read enough.
    #[error("the output was closed")]
    ClosedOutput,
}

impl Failure {
    /// Returns the text as it is printed: one line, or one for each mistake in files.
    pub(crate) fn text(&self) -> String {
        let text = self.to_string();
        match self {
            Self::Transfer(TransferError::Mistakes(_)) => text,
            // A message of SQLite about a damaged schema has many lines.
            _ => text.replace(['\n', '\r'], " "),
        }
    }
}
