//! Phase 4: plans of lists.
//!
//! Each file below is one way to answer a list quicker than by its plain statement. None changes the answer:
//!
//! - [`seek`]: counters determine the day and the hour in which a page far down a list by time begins;
//! - [`candidates`]: the trigram index has the few jobs whose ids may contain given words;
//! - `error_code`: jobs with an error of a given code have a table of their own, by time;
//! - `merge`: jobs of several statuses, collectors or projects are merged from an index of each;
//! - `unindexed_sort`: where no index has the order, the page's rows are determined first and read whole afterwards.
//!
//! `statements` has the plain statements, `select` and `order` their clauses.

pub mod candidates;
pub mod document_form;
mod error_code;
mod merge;
mod order;
mod page_ids;
pub mod plan;
pub mod scan;
pub mod seek;
mod select;
pub mod statements;
mod unindexed_sort;
