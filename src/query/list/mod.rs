//! Phase 4: plans of lists. Each way to find a page's rows is a file.

pub mod error_code;
pub mod merge;
pub mod plan;
pub mod seek;
pub mod sort;
