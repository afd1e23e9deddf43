//! Phase 4: plans of statistics.

pub(crate) mod expr;
pub(crate) mod group;
pub mod output;
pub(crate) mod pipeline;
pub mod plan;
