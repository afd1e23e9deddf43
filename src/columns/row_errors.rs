//! What a block has of a job's errors.

/// The most bytes of codes and messages that a block has of a job, since it is written anew with each of its jobs.
pub(super) const MAX_JOB_BYTES: usize = 1 << 10;
/// The most errors that a block has of a job.
pub(super) const MAX_JOB_ERRORS: usize = 64;

/// The code and the message of an error; `None` for a member that it does not have.
pub type ErrorTexts = (Option<String>, Option<String>);

/// What a block has of a job's errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowErrors {
    /// All, in the order of the document.
    Texts(Vec<ErrorTexts>),
    /// That there are some: they are too long, or too many.
    InDocument,
}

impl Default for RowErrors {
    fn default() -> Self {
        Self::Texts(Vec::new())
    }
}

impl RowErrors {
    /// Returns what a block has of these errors.
    #[must_use]
    pub fn new(errors: &[ErrorTexts]) -> Self {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let lengths = errors
            .iter()
            .map(|(code, message)| length(code) + length(message));
        if errors.len() > MAX_JOB_ERRORS || lengths.sum::<usize>() > MAX_JOB_BYTES {
            Self::InDocument
        } else {
            Self::Texts(errors.to_vec())
        }
    }
}
