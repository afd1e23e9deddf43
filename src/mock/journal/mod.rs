//! The journal: the requests that a mock answered, with their answers.

mod body;
mod entry;
mod filter;
mod ring;

pub use self::body::{MAX_RECORDED_BYTES, RecordedBody};
pub use self::entry::JournalEntry;
pub use self::filter::JournalFilter;
pub use self::ring::{Journal, MAX_ENTRIES, MAX_JOURNAL_BYTES, TooFewRequests};
