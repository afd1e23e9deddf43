//! The tables of notifications: what each rule has noted, the outbox, and the deliveries.
//!
//! Noting and the outbox change together, in one short transaction ([`Writer::note`](super::Writer::note)); what is to be sent is
//! decided before it, by a reader.

mod model;
mod notes;
mod outbox;
#[cfg(test)]
mod tests;

pub use model::{
    Attempt, CollectorNote, Delivery, EventKind, MAX_DELIVERIES, MAX_PENDING, NewEvent, RuleNotes,
};
