//! What a read transaction answers that is neither a list nor statistics.

mod collector_states;
mod overview;
mod presence;

pub use self::collector_states::{CollectorJobs, CollectorState, RunningCount};
