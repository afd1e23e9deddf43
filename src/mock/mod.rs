//! What a mock of the inventory has beyond a server: snapshots, clocks that can be set, jobs that live by a script
//! ([`Mock`]), faults on request ([`Faults`]), and a journal of its requests ([`Journal`]).
//!
//! Knows no framework: a request is a method, a path, a query string and a body ([`Subject`]).

mod change;
mod error;
mod faults;
mod fixtures;
mod journal;
mod lives;
mod made_ids;
mod reload;
mod saved_state;
mod snapshots;
mod start;
mod state;
mod subject;

pub use self::change::Change;
pub use self::error::MockError;
pub use self::faults::{
    Delay, End, Fault, FaultCode, Faults, FaultsFull, InjectedError, Injection, ListedFault,
    MAX_DELAY_SECONDS, MAX_FAULTS, MAX_TEXT_BYTES, Prefer, Target, Wait,
};
pub use self::journal::{
    Journal, JournalEntry, JournalFilter, MAX_ENTRIES, MAX_JOURNAL_BYTES, MAX_RECORDED_BYTES,
    RecordedBody, TooFewRequests,
};
pub use self::made_ids::MadeIds;
pub use self::saved_state::SnapshotInfo;
pub use self::start::MockConfig;
pub use self::state::Mock;
pub use self::subject::Subject;
