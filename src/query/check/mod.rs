//! Phase 2: checks a request's shapes into types that can only be right.

pub mod field;
pub mod filter;
pub mod list;
mod operand;
pub mod operators;
pub mod projection;
pub(super) mod resolve;
pub mod stages;
pub(super) mod stat;
