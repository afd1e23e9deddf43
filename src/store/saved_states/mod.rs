//! Saved states: the jobs as they were, for a mock to go back to.

pub(super) mod former_jobs;
mod states;

pub use self::states::StateId;
