//! Phase 4: plans of statistics. A pipeline of stages becomes one SELECT; a group that only counts may need none.

mod distinct;
mod expr;
mod group;
pub mod output;
mod pipeline;
pub mod plan;
mod source;
