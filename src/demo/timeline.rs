//! Made-up jobs in time: which run of the schedule each job is, and when the story happens.

use std::sync::Arc;

use super::schedule::{FLAKY_SEAT, STUCK_SEAT, Schedule, UNIT, day_of_week};
use crate::time::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// The most runs that a seat has where the plain schedule has one; with more jobs, some runs are more than one job.
const MAX_MULTIPLICITY: i64 = 64;
/// The number of chances by which a job is earlier or later.
const CHANCES: i64 = 1 << u16::BITS;
const TUESDAY: i64 = 1;
/// The stuck job began at least this long before the end.
const STUCK_FOR_MILLIS: i64 = 30 * HOUR_MILLIS;

/// A number of made-up jobs over some days, in the order of time. They follow the schedule: where it has more runs than there
/// are jobs, some are left out; where it has fewer, each collector runs more often.
#[derive(Debug, Clone)]
pub struct Timeline {
    start: Timestamp,
    until: Timestamp,
    jobs: u64,
    schedule: Arc<Schedule>,
    /// The position in the schedule at which the first job may be.
    from: i64,
    /// The positions from the first job to the end, over which all jobs are spread.
    span: i64,
    /// The number of the job that never ends.
    stuck: u64,
    /// The position of its run, if that is within the days.
    stuck_at: Option<i64>,
    /// The numbers of the jobs of the flaky collector; empty if each run of the schedule is one job.
    flaky: Arc<[u64]>,
}

/// The run of a job.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) seat: usize,
    /// The days since 1970.
    pub(super) day: i64,
    pub(super) at: Timestamp,
    /// The number of earlier jobs of the flaky collector; no meaning for the others.
    pub(super) flaky_jobs: i64,
}

impl Timeline {
    /// Makes the timeline of `jobs` jobs over the `days` before `until`.
    #[must_use]
    pub fn before(until: Timestamp, days: u32, jobs: u64) -> Self {
        let start = until.plus_millis(-i64::from(days) * DAY_MILLIS);
        let plain = Schedule::new(1);
        let runs = (plain.position(until) - plain.position(start)) / UNIT;
        let runs = u64::try_from(runs).unwrap_or(0).max(1);
        let multiplicity = i64::try_from(jobs.div_ceil(runs)).unwrap_or(i64::MAX);
        let schedule = match multiplicity.clamp(1, MAX_MULTIPLICITY) {
            1 => plain,
            multiplicity => Schedule::new(multiplicity),
        };
        let from = schedule.position(start);
        let span = schedule.position(until) - from;
        let timeline = Self::new(schedule, (start, until), (from, span), jobs);
        let flaky = timeline.jobs_of(FLAKY_SEAT).into();
        Self { flaky, ..timeline }
    }

    /// Makes the timeline that has each run of the schedule over the `days` before `until` once.
    #[must_use]
    pub fn of_schedule(until: Timestamp, days: u32) -> Self {
        let start = until.plus_millis(-i64::from(days) * DAY_MILLIS);
        let schedule = Schedule::new(1);
        let from = schedule.position(start).div_euclid(UNIT);
        let jobs = schedule.position(until).div_euclid(UNIT) - from;
        let positions = (from * UNIT, jobs * UNIT);
        let jobs = u64::try_from(jobs).unwrap_or(0);
        Self::new(schedule, (start, until), positions, jobs)
    }

    fn new(
        schedule: Schedule,
        (start, until): (Timestamp, Timestamp),
        (from, span): (i64, i64),
        jobs: u64,
    ) -> Self {
        let mut timeline = Self {
            start,
            until,
            jobs,
            schedule: Arc::new(schedule),
            from,
            span: span.max(1),
            stuck: 0,
            stuck_at: None,
            flaky: Arc::default(),
        };
        let began_by = until.plus_millis(-STUCK_FOR_MILLIS);
        let run = timeline.schedule.last_run_before(STUCK_SEAT, began_by);
        timeline.stuck_at = run.filter(|position| *position >= from);
        timeline.stuck = timeline.stuck_at.map_or(0, |run| timeline.index_at(run));
        timeline
    }

    /// Returns the number of jobs until the end. Later numbers are the jobs that come afterwards, by the same schedule.
    #[must_use]
    pub fn jobs(&self) -> u64 {
        self.jobs
    }

    /// Returns the number of the job that never ends.
    pub(super) fn stuck_job(&self) -> u64 {
        self.stuck
    }

    /// Returns the run of job `index`, which is a little earlier or later by `chance`.
    pub(super) fn run(&self, index: u64, chance: u16) -> Run {
        let is_stuck = index == self.stuck;
        let stuck_at = self.stuck_at.filter(|_| is_stuck);
        let mut position = stuck_at.unwrap_or_else(|| self.position(index));
        if self.has_room() {
            position = first_of(position) + i64::from(chance) * UNIT / CHANCES;
        }
        let place = self.schedule.place(position);
        let flaky_jobs = if self.flaky.is_empty() {
            place.runs
        } else {
            let before = self.flaky.partition_point(|job| *job < index);
            i64::try_from(before).unwrap_or(i64::MAX)
        };
        Run {
            seat: if is_stuck { STUCK_SEAT } else { place.seat },
            day: place.day,
            at: if index < self.jobs {
                place.at.min(self.until)
            } else {
                place.at
            },
            flaky_jobs,
        }
    }

    /// Returns the position of a job. Jobs have equal distances, so that each is a run of its own, but each day begins at
    /// another part of the distance: else a distance of two runs would leave out the same collectors every day.
    fn position(&self, index: u64) -> i64 {
        /// The golden section of [`CHANCES`]: its multiples are spread evenly.
        const SHIFT: i128 = 40_503;
        let days = (self.until.millis() - self.start.millis()) / DAY_MILLIS;
        let jobs = i128::from(self.jobs.max(1));
        let jobs_a_day = (jobs / i128::from(days.max(1))).max(1);
        let chances = i128::from(CHANCES);
        let shift = (i128::from(index) / jobs_a_day * SHIFT).rem_euclid(chances);
        let offset = i128::from(index).saturating_mul(chances) + shift;
        let offset = offset.saturating_mul(i128::from(self.span)) / (jobs * chances);
        self.from
            .saturating_add(i64::try_from(offset).unwrap_or(i64::MAX))
    }

    /// Whether there are at least as many runs as jobs.
    fn has_room(&self) -> bool {
        i128::from(self.span) >= i128::from(self.jobs) * i128::from(UNIT)
    }

    /// Returns the numbers of the jobs of a seat.
    fn jobs_of(&self, seat: usize) -> Vec<u64> {
        let to = self.from + self.span;
        let runs = self.schedule.runs_of(seat, first_of(self.from), to);
        let jobs = runs.flat_map(|run| {
            let first = self.index_at(run).saturating_sub(1);
            let last = self.index_at(run + UNIT);
            let is_of_run =
                move |index: &u64| first_of(self.position(*index)) == run && *index != self.stuck;
            (first..=last).filter(is_of_run)
        });
        jobs.collect()
    }

    /// Returns the number of the first job that may come after a time.
    pub(super) fn index_after(&self, time: Timestamp) -> u64 {
        self.index_at(self.schedule.position(time))
    }

    fn index_at(&self, position: i64) -> u64 {
        let offset = i128::from(position.saturating_sub(self.from)) * i128::from(self.jobs);
        u64::try_from(offset / i128::from(self.span)).unwrap_or(0)
    }

    /// Returns how far a time is from the start, in thousandths of the days; later than the end it is at most 1,200.
    pub(super) fn progress(&self, time: Timestamp) -> i64 {
        let days = (self.until.millis() - self.start.millis()).max(1);
        let passed = time.millis() - self.start.millis();
        (passed.saturating_mul(1_000) / days).clamp(0, 1_200)
    }

    /// Returns the time at which this percentage of the days has passed: at noon, or where the days are few, at a full
    /// hour.
    pub(super) fn moment(&self, percent: i64) -> Timestamp {
        let days = self.until.millis() - self.start.millis();
        let millis = self.start.millis() + days / 100 * percent;
        let rounded = if days < 7 * DAY_MILLIS {
            millis - millis.rem_euclid(HOUR_MILLIS)
        } else {
            millis - millis.rem_euclid(DAY_MILLIS) + DAY_MILLIS / 2
        };
        self.start.plus_millis(rounded - self.start.millis())
    }

    /// Returns the start and the end of the outage, on the last whole Tuesday.
    pub(super) fn outage(&self) -> (Timestamp, Timestamp) {
        let day = self.until.millis().div_euclid(DAY_MILLIS) - 1;
        let tuesday = day - (day_of_week(day) - TUESDAY).rem_euclid(7);
        let midnight = tuesday * DAY_MILLIS - self.until.millis();
        let at = |minutes: i64| self.until.plus_millis(midnight + minutes * 60_000);
        (at(50), at(5 * 60 + 30))
    }
}

/// Returns the first position of the run at a position.
fn first_of(position: i64) -> i64 {
    position - position.rem_euclid(UNIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn jobs_of_any_number_are_within_the_days_and_in_order() {
        for (until, days, jobs) in [
            ("2026-01-01T00:00:00Z", 365, 10),
            ("2026-03-07T15:04:05Z", 1, 3),
            ("2026-03-07T15:04:05Z", 28, 7_000),
            ("2026-03-07T15:04:05Z", 2, 100_000),
            ("0000-01-01T00:00:00Z", 36_500, 100),
            ("9999-12-31T23:59:59Z", 36_500, 1_000),
        ] {
            let until = time(until);
            let timeline = Timeline::before(until, days, jobs);
            let mut last = until.plus_millis(-i64::from(days) * DAY_MILLIS);
            for index in 0..jobs {
                let chance = u16::try_from(index * 40_503 % 65_536).unwrap();
                let run = timeline.run(index, chance);
                // Two jobs of a run are not in order.
                assert!(run.at.plus_millis(30_000) >= last, "{index} {}", run.at);
                assert!(run.at <= until, "{index} {}", run.at);
                last = run.at;
            }
        }
    }

    #[test]
    fn a_timeline_of_the_schedule_has_each_run_once() {
        let timeline = Timeline::of_schedule(time("2026-03-07T15:04:05Z"), 28);
        let positions = |chance| (0..timeline.jobs()).map(move |index| (index, chance));
        let mut seen = std::collections::BTreeSet::new();
        for (index, chance) in positions(0) {
            let run = timeline.run(index, chance);
            assert!(seen.insert((run.seat, run.at)), "{run:?}");
            assert_eq!(timeline.run(index, u16::MAX).seat, run.seat);
            assert!(timeline.index_after(run.at) <= index);
            assert!(timeline.index_after(run.at.plus_millis(30_001)) > index);
        }
    }

    #[test]
    fn the_outage_is_on_the_last_whole_tuesday() {
        for (until, expected) in [
            ("2026-01-01T00:00:00Z", "2025-12-30T00:50:00.000Z"),
            ("2026-01-06T23:59:59Z", "2025-12-30T00:50:00.000Z"),
            ("2026-01-07T00:00:00Z", "2026-01-06T00:50:00.000Z"),
            ("1969-12-31T23:00:00Z", "1969-12-30T00:50:00.000Z"),
        ] {
            let (from, to) = Timeline::before(time(until), 28, 100).outage();
            assert_eq!(from.to_string(), expected, "{until}");
            assert_eq!(to.millis() - from.millis(), 280 * 60_000);
        }
    }
}
