//! The overview of a domain: what its jobs did in a period, compared with the period of equal length before it.
//!
//! [`OverviewPlan`] says what is read, [`OverviewScan`] counts the jobs of both periods from one scan of the blocks,
//! [`ErrorGroups`] groups the errors, and [`RunningJobs`] judges what runs. The store reads and passes on what they take;
//! nothing here does I/O.
//!
//! Memory is bounded: a job takes at most 20 bytes (its duration twice, and where it failed its time and its id), so that
//! [`MAX_JOBS`] take 100 MB; there are at most [`MAX_COLLECTORS`] with their last runs, about 3 kB each, of which
//! [`MAX_ANSWERED`] are answered at the most, and [`MAX_GROUPS`] groups of errors, about 3 kB each.

mod answer;
mod buckets;
mod collectors;
mod durations;
mod errors;
mod message;
mod plan;
mod running;
mod scan;

pub use answer::{Overview, UsualInfo};
pub use buckets::MAX_BUCKETS;
pub use collectors::{
    CountedCollectors, Failures, MAX_ANSWERED, MAX_COLLECTORS, SeenJob, WorstCollector,
};
pub use durations::usual_of;
pub use errors::{ErrorGroups, MAX_GROUPS};
pub use plan::{OverviewPlan, RangeTexts, minute_of};
pub use running::{RunningJob, RunningJobs, is_stuck};
pub use scan::{Counted, EndedJobs, MAX_JOBS, OverviewScan, Sums};
