//! The schedule of a week: which seat runs when.
//!
//! A *seat* is a place in the schedule. One collector fills it, or several that take turns. Each run of the schedule has
//! a *position*: the number of runs before it since 1970, in units of [`UNIT`]. Positions grow with time, so a job whose
//! number is known finds its time without the jobs before it.

use crate::time::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// The part of a position that is one run.
pub(super) const UNIT: i64 = 1_000_000;

/// The seats of the first domain; they have about seven tenths of the runs.
pub(super) const FIRST_SEATS: usize = 139;
/// The seats of all other domains.
pub(super) const OTHER_SEATS: usize = 70;
pub(super) const SEATS: usize = FIRST_SEATS + OTHER_SEATS;

/// The seat of the hourly collector that exceeds a quota now and then.
pub(super) const LIMITED_SEAT: usize = 1;
/// The seat of the collector that fails in two of five jobs.
pub(super) const FLAKY_SEAT: usize = 5;
/// The seat of the collector that gets slower.
pub(super) const SLOW_SEAT: usize = 9;
/// The seat of the collector whose job never ends.
pub(super) const STUCK_SEAT: usize = 10;

const MINUTE_MILLIS: i64 = HOUR_MILLIS / 60;
const NIGHTLY_SEATS: i64 = 191;
/// The nightly runs start within this time.
const NIGHT_FROM: i64 = HOUR_MILLIS;
const NIGHT_MILLIS: i64 = 165 * MINUTE_MILLIS;
/// One of this number of nightly seats runs at weekends, too.
const WEEKEND_SHARE: i64 = 20;
/// The longest time between the planned start of a run and the creation of its job.
const MAX_LATE_MILLIS: i64 = 30_000;

/// How often a seat runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rhythm {
    /// Each hour, and nearly as long as that: there is always one that runs.
    Hourly,
    /// Every six hours, and nearly as long as that.
    Long,
    SixHourly,
    /// Once in the night.
    Nightly,
}

impl Rhythm {
    /// Returns the rhythm of a seat.
    pub(super) fn of(seat: usize) -> Self {
        match (seat, seat.checked_sub(FIRST_SEATS)) {
            (0..3, _) => Self::Hourly,
            (3..5, _) | (_, Some(0..3)) => Self::Long,
            (5..9, _) | (_, Some(3..9)) => Self::SixHourly,
            _ => Self::Nightly,
        }
    }

    fn runs_a_day(self) -> i64 {
        match self {
            Self::Hourly => 24,
            Self::Long | Self::SixHourly => 4,
            Self::Nightly => 1,
        }
    }
}

/// A planned run of the schedule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) seat: usize,
    /// The days since 1970.
    pub(super) day: i64,
    pub(super) at: Timestamp,
    /// The number of earlier runs of the seat since 1970.
    pub(super) runs: i64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The time of the day.
    millis: i64,
    seat: usize,
    /// The number of the seat's earlier runs on that day.
    nth: i64,
}

/// The runs of a weekday and of a day of the weekend, by time.
#[derive(Debug)]
pub(super) struct Schedule {
    weekday: Vec<Slot>,
    weekend: Vec<Slot>,
    /// How many runs each seat has where the plain schedule has one.
    multiplicity: i64,
}

impl Schedule {
    pub(super) fn new(multiplicity: i64) -> Self {
        let runs = |is_weekend| {
            let mut slots: Vec<_> = (0..SEATS)
                .flat_map(|seat| slots(seat, is_weekend, multiplicity))
                .collect();
            slots.sort_by_key(|slot| (slot.millis, slot.seat));
            slots
        };
        Self {
            weekday: runs(false),
            weekend: runs(true),
            multiplicity,
        }
    }

    /// Returns the position of a time.
    pub(super) fn position(&self, time: Timestamp) -> i64 {
        let day = time.millis().div_euclid(DAY_MILLIS);
        let millis = time.millis().rem_euclid(DAY_MILLIS);
        let slots = self.slots(day);
        let first = self.runs_before(day);
        let begun = slots.partition_point(|slot| slot.millis < millis);
        if slots.get(begun).is_some_and(|slot| slot.millis == millis) {
            return (first + count(begun)) * UNIT;
        }
        let Some(index) = begun.checked_sub(1) else {
            return first * UNIT;
        };
        let late = millis - slots[index].millis;
        let max_late = max_late(slots, index);
        // Rounded up, so that the position has this very millisecond.
        let part = (late * UNIT + max_late - 1) / max_late;
        (first + count(index)) * UNIT + part.min(UNIT)
    }

    /// Returns the run at a position, and the time of the position.
    pub(super) fn place(&self, position: i64) -> Place {
        let runs = position.div_euclid(UNIT);
        let part = position.rem_euclid(UNIT);
        let (weekday, weekend) = (count(self.weekday.len()), count(self.weekend.len()));
        let week = runs.div_euclid(5 * weekday + 2 * weekend);
        let in_week = runs.rem_euclid(5 * weekday + 2 * weekend);
        let in_weekend = in_week - 5 * weekday;
        let (day_of_week, index) = if in_weekend < 0 {
            (in_week / weekday, in_week % weekday)
        } else {
            (5 + in_weekend / weekend, in_weekend % weekend)
        };
        let day = week * 7 + day_of_week - MONDAY_TO_EPOCH;
        let slots = self.slots(day);
        let index = usize::try_from(index).unwrap_or(0);
        let slot = slots[index];
        let late = part * max_late(slots, index) / UNIT;
        let millis = day.saturating_mul(DAY_MILLIS).saturating_add(slot.millis);
        let runs_a_day = Rhythm::of(slot.seat).runs_a_day() * self.multiplicity;
        Place {
            seat: slot.seat,
            day,
            at: since_1970(millis.saturating_add(late)),
            runs: day * runs_a_day + slot.nth,
        }
    }

    /// Returns the positions of the runs of a seat between two positions.
    pub(super) fn runs_of(&self, seat: usize, from: i64, to: i64) -> impl Iterator<Item = i64> {
        let days = self.place(from).day..=self.place(to).day;
        let of_day = move |day| {
            let first = self.runs_before(day);
            let slots = self.slots(day).iter().enumerate();
            slots
                .filter(move |(_, slot)| slot.seat == seat)
                .map(move |(index, _)| (first + count(index)) * UNIT)
        };
        days.flat_map(of_day)
            .filter(move |position| (from..to).contains(position))
    }

    /// Returns the position of the last run of a seat that was planned before a time.
    pub(super) fn last_run_before(&self, seat: usize, time: Timestamp) -> Option<i64> {
        let day = time.millis().div_euclid(DAY_MILLIS);
        (day - 7..=day).rev().find_map(|day| {
            let is_before =
                |slot: &Slot| slot.seat == seat && day * DAY_MILLIS + slot.millis < time.millis();
            let index = self.slots(day).iter().rposition(is_before)?;
            Some((self.runs_before(day) + count(index)) * UNIT)
        })
    }

    fn slots(&self, day: i64) -> &[Slot] {
        if day_of_week(day) < 5 {
            &self.weekday
        } else {
            &self.weekend
        }
    }

    /// Returns the number of runs before a day.
    fn runs_before(&self, day: i64) -> i64 {
        let (weekday, weekend) = (count(self.weekday.len()), count(self.weekend.len()));
        let week = (day + MONDAY_TO_EPOCH).div_euclid(7);
        let day = day_of_week(day);
        week * (5 * weekday + 2 * weekend) + day.min(5) * weekday + (day - 5).max(0) * weekend
    }
}

/// 1970-01-01 is a Thursday, so its week began three days earlier.
const MONDAY_TO_EPOCH: i64 = 3;

/// Returns the day of the week, from 0 for Monday, of a number of days since 1970.
pub(super) fn day_of_week(day: i64) -> i64 {
    (day + MONDAY_TO_EPOCH).rem_euclid(7)
}

fn since_1970(millis: i64) -> Timestamp {
    Timestamp::MIN.plus_millis(millis.saturating_sub(Timestamp::MIN.millis()))
}

fn count(items: usize) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}

/// Returns how late the job of a run may be: it comes before the next run.
fn max_late(slots: &[Slot], index: usize) -> i64 {
    let next = slots.get(index + 1).map_or(DAY_MILLIS, |slot| slot.millis);
    (next - slots[index].millis).clamp(1, MAX_LATE_MILLIS)
}

/// Returns the runs of a seat on a day.
fn slots(seat: usize, is_weekend: bool, multiplicity: i64) -> impl Iterator<Item = Slot> {
    let rhythm = Rhythm::of(seat);
    let number = count(seat);
    let night = night_order(number);
    let (from, first, period) = match rhythm {
        Rhythm::Hourly => (0, number * 20 * MINUTE_MILLIS, HOUR_MILLIS),
        Rhythm::Long => (0, number * 180 * MINUTE_MILLIS, 6 * HOUR_MILLIS),
        Rhythm::SixHourly => (0, number * 41 * MINUTE_MILLIS, 6 * HOUR_MILLIS),
        Rhythm::Nightly => (
            NIGHT_FROM,
            night * NIGHT_MILLIS / NIGHTLY_SEATS,
            NIGHT_MILLIS,
        ),
    };
    let is_off =
        is_weekend && rhythm == Rhythm::Nightly && seat != SLOW_SEAT && night % WEEKEND_SHARE != 0;
    let runs = if is_off {
        0
    } else {
        rhythm.runs_a_day() * multiplicity
    };
    (0..runs).map(move |nth| {
        let millis = from + (first % period + nth * period) / multiplicity;
        Slot { millis, seat, nth }
    })
}

/// Returns the place of a nightly seat among those of the night. They start in a mixed order, so that the domains and plugins
/// are mixed, too.
fn night_order(seat: i64) -> i64 {
    let (first, others) = (9, 18);
    let number = if seat < count(FIRST_SEATS) {
        seat - first
    } else {
        seat - others
    };
    (number * 73).rem_euclid(NIGHTLY_SEATS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_position_is_the_position_of_its_time() {
        for multiplicity in [1, 3, 64] {
            let schedule = Schedule::new(multiplicity);
            let start = schedule.position(time("2026-11-02T00:00:00Z"));
            let end = schedule.position(time("2026-11-16T00:00:00Z"));
            let mut last = Timestamp::MIN;
            for position in (start..end).step_by(310_000) {
                let place = schedule.place(position);
                assert!(place.at >= last, "{} after {last}", place.at);
                last = place.at;
                let again = schedule.place(schedule.position(place.at)).at;
                assert_eq!(again, place.at);
            }
            assert!((end - start) / UNIT > 3_700 * multiplicity, "two weeks");
        }
    }

    #[test]
    fn every_seat_runs_by_its_rhythm() {
        let schedule = Schedule::new(1);
        let monday = schedule.position(time("2026-11-02T00:00:00Z")) / UNIT;
        let saturday = schedule.position(time("2026-11-07T00:00:00Z")) / UNIT;
        let next_monday = schedule.position(time("2026-11-09T00:00:00Z")) / UNIT;
        let mut runs = vec![0; SEATS];
        for position in monday..next_monday {
            let place = schedule.place(position * UNIT);
            runs[place.seat] += 1;
            assert_eq!(position >= saturday, day_of_week(place.day) >= 5);
            assert_eq!(place.day, place.at.millis().div_euclid(DAY_MILLIS));
        }
        for (seat, runs) in runs.into_iter().enumerate() {
            let expected = match Rhythm::of(seat) {
                Rhythm::Hourly => 24 * 7..=24 * 7,
                Rhythm::Long | Rhythm::SixHourly => 4 * 7..=4 * 7,
                Rhythm::Nightly => 5..=7,
            };
            assert!(expected.contains(&runs), "seat {seat}: {runs}");
        }
    }
}
