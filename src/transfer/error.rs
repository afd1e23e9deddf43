//! The errors of import and export.

use super::mistakes::Mistakes;
use crate::store::StoreError;

/// Why jobs can't be imported or exported.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The sources have mistakes; one line for each, and one for their number.
    #[error("{0}")]
    Mistakes(Box<Mistakes>),
    #[error("{name}: {error}")]
    Io { name: String, error: std::io::Error },
    /// The source is longer than this many bytes, after it was decompressed.
    #[error("{name}: is longer than {max_bytes} bytes, which is the most that is read")]
    TooLarge { name: String, max_bytes: usize },
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Mistakes {
    /// Ends the reading.
    ///
    /// # Errors
    /// [`TransferError::Mistakes`] where there are any.
    pub fn into_result(self) -> Result<(), TransferError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(TransferError::Mistakes(Box::new(self)))
        }
    }
}

/// Why a job that was read is not accepted.
#[derive(Debug)]
pub enum Refusal {
    /// A conflict is a mistake in the source; any other error of the store ends the reading.
    Store(StoreError),
    /// A sentence that names the member.
    Job(String),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
