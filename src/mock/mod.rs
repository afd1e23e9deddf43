//! What a stand-in for the inventory has that the inventory itself has not: states to go back to, clocks that are set,
//! jobs that live by a script ([`Mock`]); it misbehaves on request ([`Faults`]) and remembers what it was asked
//! ([`Journal`]).
//!
//! Knows no framework: a request is a method, a path, a query string and a body ([`Subject`]).

mod change;
mod code;
mod delay;
mod fault;
mod faults;
mod fixtures;
mod journal;
mod lives;
mod prefer;
mod request;
mod states;

pub use change::Change;
pub use code::Code;
pub use delay::{Delay, MAX_DELAY_SECONDS};
pub use fault::{Fault, MAX_TEXT_BYTES, Target};
pub use faults::{AskedError, End, Faults, FaultsFull, Listed, MAX_FAULTS, Plan, Wait};
pub use journal::{
    Entry, Filter, Journal, Kept, MAX_ENTRIES, MAX_JOURNAL_BYTES, MAX_KEPT_BYTES, TooFew,
};
pub use prefer::Prefer;
pub use request::Subject;
pub use states::{Mock, MockError, SnapshotInfo, Start};
