//! Questions over many jobs, answered from blocks of their columns ([`crate::columns`]) instead of row by row.
//!
//! A loop over a column takes a few nanoseconds a job, where a statement takes a hundred or more. It answers questions
//! over many jobs at once: an order that no index has, a filter that no index has, a group. SQL answers everything else, and
//! everything here as well: each plan has the statement that gives the same answer, which `tests/api/scans.rs` compares. A scan
//! that meets what it does not know gives up ([`Stopped`]), and the statement runs.
//!
//! The store reads the blocks and passes them on; nothing here does I/O.

mod consumer;
mod filter;
mod groups;
mod source;
mod text_test;
mod top;

pub use consumer::{BlockOrder, BlockReader, BlockTimes, Consumer, Loaded, Stopped};
pub use filter::BlockFilter;
pub(in crate::query) use groups::{Condition, Field, GroupKey, Groups, MAX_KEYS};
pub use groups::{GroupRun, GroupScan};
pub(in crate::query) use source::Source;
pub(in crate::query) use top::Term;
pub use top::{TopJobs, TopScan};
