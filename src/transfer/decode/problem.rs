//! `ContentProblem`: what is wrong with the bytes of a source, not with its reading.

use std::io::{Error, ErrorKind};

use crate::transfer::mistakes::Location;

/// Why bytes can't be decoded. It travels within an [`Error`], since readers return no other.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::transfer) enum ContentProblem {
    /// The bytes are not what is read, or are damaged.
    #[error("{problem}")]
    Wrong {
        /// `None` for the whole source, or where it is only known by what was read before.
        location: Option<Location>,
        /// Whether a part of the source was read before.
        is_within: bool,
        problem: String,
    },
    /// The text is longer than this many bytes.
    #[error("is longer than {0} bytes")]
    TooLarge(usize),
}

impl ContentProblem {
    /// Makes the problem of a whole source.
    pub(super) fn of_source(problem: impl Into<String>) -> Self {
        Self::Wrong {
            location: None,
            is_within: false,
            problem: problem.into(),
        }
    }

    /// Makes the problem of bytes within a source.
    pub(super) fn within(location: Option<Location>, problem: impl Into<String>) -> Self {
        Self::Wrong {
            location,
            is_within: true,
            problem: problem.into(),
        }
    }

    /// Returns the problem that an error holds.
    pub(in crate::transfer) fn of(error: &Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<ContentProblem> for Error {
    fn from(problem: ContentProblem) -> Self {
        Self::new(ErrorKind::InvalidData, problem)
    }
}
