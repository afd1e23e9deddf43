//! Phase 3: what the counter tables can answer without reading jobs.

pub mod group;
pub mod in_memory;
pub(crate) mod tables;
