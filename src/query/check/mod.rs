//! Phase 2: checks a request's shapes into types that can only be right.

pub mod conditions;
pub mod field;
mod field_test;
pub mod filter;
pub mod list;
mod operand;
pub mod projection;
mod resolve;
pub(super) mod resolved;
pub mod stages;
pub(super) mod stat;
