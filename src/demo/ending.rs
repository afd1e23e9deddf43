//! How a made-up job ends: when, with which status, and why.

use rand::{Rng, RngExt};

use super::collector::Collector;
use super::errors::Cause;
use super::random::{around, per_mille, pick};
use super::schedule::Rhythm;
use crate::job::JobStatus;

/// What the story has in store for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It runs as usual, or this many thousandths of it: most jobs succeed.
    Usual { thousandths: i64 },
    /// It runs as usual, and does not fail.
    Success,
    /// It fails because of this.
    Failure(Cause),
}

impl Fate {
    pub(super) const USUAL: Self = Self::Usual { thousandths: 1_000 };
}

/// How a job ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending {
    pub(super) status: JobStatus,
    pub(super) run_millis: i64,
    /// The tasks that are not done; −1 where a canceled job does not know it.
    pub(super) left: i64,
    pub(super) cause: Option<Cause>,
}

/// How many of a thousand jobs fail, run too long, and are canceled, apart from the story.
const ERROR_PER_MILLE: u32 = 16;
const TIMEOUT_PER_MILLE: u32 = 7;
const CANCELED_PER_MILLE: u32 = 7;
/// How many of a thousand jobs take half as long again.
const LONG_PER_MILLE: u32 = 30;

impl Ending {
    pub(super) fn of(
        random: &mut impl Rng,
        collector: &Collector,
        total_tasks: i64,
        fate: Fate,
    ) -> Self {
        let usual = collector.usual_millis;
        let success = |run_millis| Self {
            status: JobStatus::Success,
            run_millis,
            left: 0,
            cause: None,
        };
        let thousandths = match fate {
            Fate::Failure(cause) => return Self::failure(random, usual, total_tasks, cause),
            Fate::Success => return success(duration(random, collector, 1_000)),
            Fate::Usual { thousandths } => thousandths,
        };
        let run_millis = duration(random, collector, thousandths);
        let chance = random.random_range(0..1_000);
        if chance < ERROR_PER_MILLE {
            let cause = *pick(random, &Cause::COMMON);
            Self::failure(random, run_millis, total_tasks, cause)
        } else if chance < ERROR_PER_MILLE + TIMEOUT_PER_MILLE {
            let left = random.random_range(1..=total_tasks);
            let seconds = collector.limit_millis / 1_000;
            Self {
                status: JobStatus::Timeout,
                run_millis: collector.limit_millis,
                left,
                cause: Some(Cause::Limit { seconds, left }),
            }
        } else if chance < ERROR_PER_MILLE + TIMEOUT_PER_MILLE + CANCELED_PER_MILLE {
            Self {
                status: JobStatus::Canceled,
                run_millis: around(random, run_millis, 50, 900),
                left: if random.random_bool(0.5) {
                    -1
                } else {
                    random.random_range(0..total_tasks)
                },
                cause: None,
            }
        } else {
            success(run_millis)
        }
    }

    fn failure(random: &mut impl Rng, usual_millis: i64, total_tasks: i64, cause: Cause) -> Self {
        let (run_millis, most_done) = match cause {
            // It can't even begin.
            Cause::Unavailable => (random.random_range(15_000..75_000), total_tasks / 10),
            _ => (around(random, usual_millis, 100, 800), total_tasks - 1),
        };
        Self {
            status: JobStatus::Error,
            run_millis,
            left: total_tasks - random.random_range(0..=most_done),
            cause: Some(cause),
        }
    }
}

/// Returns a plausible duration, as a number of thousandths of the usual one.
fn duration(random: &mut impl Rng, collector: &Collector, thousandths: i64) -> i64 {
    let usual = collector.usual_millis * thousandths / 1_000;
    match collector.rhythm {
        // The next job follows soon.
        Rhythm::Hourly | Rhythm::Long => around(random, usual, 940, 1_060),
        Rhythm::SixHourly | Rhythm::Nightly if per_mille(random, LONG_PER_MILLE) => {
            around(random, usual, 1_300, 1_700)
        }
        Rhythm::SixHourly | Rhythm::Nightly => around(random, usual, 800, 1_200),
    }
}
