//! The error of a block whose bytes are damaged.

/// A block whose bytes are damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a block of job_columns is damaged")]
pub struct Damaged;
