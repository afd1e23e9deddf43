//! The errors of opening, reading and writing the database; each is data, and `Display` makes the sentence.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::connection::sql_functions::{DATA_ERROR, REQUEST_ERROR};
use crate::columns::Damaged;
use crate::query::QueryError;

/// Why a database can't be opened. The sentence names the file, the problem and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "{0}: there is no such file; `jobdeck import` makes a database, and so does `jobdeck serve --create`"
    )]
    NotFound(PathBuf),
    #[error("{0}: is not a file; name the database file itself")]
    NotAFile(PathBuf),
    #[error("{0}: is not a SQLite database; it was left as it is, name another file")]
    NotADatabase(PathBuf),
    #[error("{0}: is a database of another program; it was left as it is, name another file")]
    Foreign(PathBuf),
    #[error(
        "{path}: was made by a newer jobdeck (schema {found}, this one knows {known}); it was left as it is, use the newer jobdeck"
    )]
    Newer {
        path: PathBuf,
        found: i32,
        known: i32,
    },
    #[error(
        "{path}: was made by an older jobdeck (schema {found}, this one has {known}); `jobdeck serve` or `jobdeck import` brings it up to date"
    )]
    Older {
        path: PathBuf,
        found: i32,
        known: i32,
    },
    #[error(
        "{0}: is the write-ahead log of a database that is no longer next to it, and may have the only copy of some changes; \
         put that database back, or move the log away"
    )]
    LeftBehind(PathBuf),
    #[error("{0}: another program has been writing to it for too long; try again when it is done")]
    Busy(PathBuf),
    #[error(
        "{0}: another program has it open, and may write to it by a log; a replica is a file that no other jobdeck serves: leave \
         out --replica, or stop that program"
    )]
    OpenElsewhere(PathBuf),
    #[error(
        "{path}: {log} beside it has changes that are not in it; open it once with `jobdeck check` where both can be written to, \
         or copy it with `jobdeck backup`"
    )]
    LogBeside { path: PathBuf, log: PathBuf },
    #[error("{0}: another file was put in its place while it was opened; try again")]
    Replaced(PathBuf),
    #[error("{path}: can't be read: {source}; check the path and its permissions")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: {source}; {}", remedy(.source))]
    Sqlite {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error(
        "{path}: bringing it up to date takes up to {needed} bytes more on the disk, of which {free} are free; it was left as it \
         is: free some space, or move it to another disk"
    )]
    NoSpace {
        path: PathBuf,
        needed: u64,
        free: u64,
    },
    #[error("{path}: could not be brought up to date and was left as it is: {source}")]
    Upgrade { path: PathBuf, source: StoreError },
}

impl OpenError {
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        Self::Sqlite {
            path: path.to_owned(),
            source,
        }
    }
}

/// Returns what a person can do about an error of SQLite.
#[must_use]
pub fn remedy(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program is writing to it; wait until it is done"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "make the file and its folder writable"
        }
        Some(ErrorCode::CannotOpen) => "check that the folder exists and can be written to",
        Some(ErrorCode::DiskFull) => "free some space on the disk",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the file is damaged; restore a backup, or see what `jobdeck check` finds"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "the disk can't be read or written; check it, and whether it has room"
        }
        _ => "see what `jobdeck check` finds",
    }
}

/// Why a read or write failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The request can't be evaluated.
    #[error(transparent)]
    Query(QueryError),
    #[error("the query ran past its deadline and was stopped")]
    Timeout,
    #[error("the client went away")]
    Cancelled,
    /// No connection was free in time.
    #[error("all readers are busy")]
    Busy,
    #[error("job {job_id} of domain {domain_id} is present already")]
    Conflict { domain_id: String, job_id: String },
    /// The database can't be used at the moment.
    #[error("{source}; {}", remedy(.source))]
    Unavailable { source: rusqlite::Error },
    /// A row whose document is not valid.
    #[error("row {row} of jobs holds no valid document: {problem}; see what `jobdeck check` finds")]
    Unreadable { row: i64, problem: String },
    /// A damaged document, or a damaged block of columns.
    #[error("stored data can't be read: {0}; see what `jobdeck check` finds")]
    Damaged(String),
    /// The file that was opened is no longer at its path.
    #[error(
        "{0}: the file was deleted or replaced; put it back, or start jobdeck again with the one that is there"
    )]
    Displaced(PathBuf),
    /// The file that is at the path now can't be opened.
    #[error(transparent)]
    Unopened(Box<OpenError>),
    /// The database was opened to be read only.
    #[error("the database was opened read-only")]
    ReadOnly,
    #[error(transparent)]
    Sqlite(rusqlite::Error),
}

impl From<Damaged> for StoreError {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged.to_string())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        if let rusqlite::Error::SqliteFailure(_, Some(message)) = &source {
            if let Some((_, problem)) = message.split_once(DATA_ERROR) {
                return Self::Damaged(problem.to_owned());
            }
            if let Some((_, problem)) = message.split_once(REQUEST_ERROR) {
                return Self::Query(QueryError::Evaluation {
                    problem: problem.to_owned(),
                });
            }
        }
        if is_too_large(&source) {
            return Self::Query(QueryError::Language {
                location: "query".to_owned(),
                problem:
                    "needs a statement or a value that is too large; split it into several requests"
                        .to_owned(),
            });
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Self::Timeout,
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::CannotOpen
                | ErrorCode::DiskFull
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::SystemIoFailure,
            ) => Self::Unavailable { source },
            _ => Self::Sqlite(source),
        }
    }
}

/// Whether a statement exceeds one of SQLite's own limits. The limits of the query language, whose errors name a location,
/// are lower, but a request can be near many of them at the same time.
fn is_too_large(error: &rusqlite::Error) -> bool {
    const LIMITS: [&str; 5] = [
        "Expression tree is too large",
        "too many SQL variables",
        "too many columns",
        "parser stack overflow",
        "tables in a join",
    ];
    let text = error.to_string();
    error.sqlite_error_code() == Some(ErrorCode::TooBig)
        || LIMITS.iter().any(|limit| text.contains(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_statement_is_a_timeout() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.progress_handler(1, Some(|| true)).unwrap();
        let stopped = connection.query_row("SELECT 1", [], |_| Ok(()));
        let error = StoreError::from(stopped.unwrap_err());
        assert!(matches!(error, StoreError::Timeout), "{error:?}");
    }

    #[test]
    fn a_statement_above_the_limits_of_sqlite_is_an_error_of_the_request() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let columns = vec!["1"; 3_000].join(",");
        let refused = connection.query_row(&format!("SELECT {columns}"), [], |_| Ok(()));
        assert_eq!(
            StoreError::from(refused.unwrap_err()).to_string(),
            "query: needs a statement or a value that is too large; split it into several requests"
        );
    }

    #[test]
    fn the_error_of_a_log_without_its_database_says_what_to_do() {
        assert_eq!(
            OpenError::LeftBehind(PathBuf::from("jobs.db-wal")).to_string(),
            "jobs.db-wal: is the write-ahead log of a database that is no longer next to it, and may have the only copy of \
             some changes; put that database back, or move the log away"
        );
    }
}
