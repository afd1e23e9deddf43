//! The errors of import and export.

use crate::job::JobTextError;
use crate::store::StoreError;

/// Why jobs can't be imported or exported: the source, the line and the field.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error("{source_name}: line {}, {error}", .error.line)]
    Job {
        source_name: String,
        error: JobTextError,
    },
    #[error("{source_name}: line {line}: {error}")]
    Write {
        source_name: String,
        line: usize,
        error: StoreError,
    },
    #[error("{name}: {error}")]
    Io { name: String, error: std::io::Error },
    /// A job that was read but not accepted.
    #[error("{source_name}: line {line}: {problem}")]
    Refused {
        source_name: String,
        line: usize,
        problem: String,
    },
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Why a job that was read is not accepted.
#[derive(Debug)]
pub enum Refusal {
    Store(StoreError),
    /// A sentence that names the member.
    Job(String),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Refusal {
    /// Adds the source and the line of the job.
    pub(super) fn at(self, source_name: &str, line: usize) -> TransferError {
        let source_name = source_name.to_owned();
        match self {
            Self::Store(error) => TransferError::Write {
                source_name,
                line,
                error,
            },
            Self::Job(problem) => TransferError::Refused {
                source_name,
                line,
                problem,
            },
        }
    }
}
