//! Draws from a random number generator.

use rand::{Rng, RngExt};

/// Draws a number of hexadecimal digits, at most 16.
pub(super) fn hex(random: &mut impl Rng, digits: usize) -> String {
    let number: u64 = random.random();
    format!("{number:016x}")[..digits].to_owned()
}

/// Draws one of several items.
pub(super) fn pick<'a, T>(random: &mut impl Rng, from: &'a [T]) -> &'a T {
    &from[random.random_range(0..from.len())]
}

/// Puts items in a random order.
pub(super) fn shuffle<T>(random: &mut impl Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, random.random_range(0..=last));
    }
}

/// Draws whether something happens that happens `times` times of a thousand.
pub(super) fn per_mille(random: &mut impl Rng, times: u32) -> bool {
    random.random_range(0..1_000) < times
}

/// Draws a number from `from` to `to` thousandths of another, most likely one in the middle.
pub(super) fn around(random: &mut impl Rng, number: i64, from: i64, to: i64) -> i64 {
    let half = (to - from) / 2;
    let share = from + random.random_range(0..=half) + random.random_range(0..=half);
    number * share / 1_000
}
