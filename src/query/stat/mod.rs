//! Phase 4: plans of statistics. A pipeline of stages becomes one SELECT. A group that only counts may come from
//! counters.

mod distinct;
mod expr;
mod group;
pub mod output;
mod pipeline;
pub mod plan;
mod scan;
mod source;
