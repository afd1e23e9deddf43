//! Phase 3: answers from counters, without reading jobs.

pub mod group;
pub mod in_memory;
pub(crate) mod tables;
