//! Phase 2: checks the shapes of a request and makes types of them in which nothing can be wrong.

pub mod conditions;
pub mod field;
mod field_test;
pub mod filter;
pub mod list;
mod operand;
pub mod projection;
mod python;
mod resolve;
pub(super) mod resolved;
mod rule;
mod shape;
pub mod stages;
pub(super) mod stat;
