//! Percentiles of numbers, by the rule of the nearest rank: the smallest number that at least so many percent are not above.

use crate::query::eval::arithmetic::Number;

/// The most numbers that a query may hold at once for its percentiles: 64 MiB, at 8 bytes each.
pub const MAX_NUMBERS: usize = 8 << 20;

/// A part of all numbers, in thousandths of a percent: above 0, at most 100 percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(u32);

impl Percent {
    /// One half.
    pub const MEDIAN: Self = Self(50_000);

    /// Reads a number of percent; `None` where it is not above 0, is above 100, or has more than 3 decimals.
    #[must_use]
    pub fn new(percent: f64) -> Option<Self> {
        let thousandths = percent * 1_000.0;
        let whole = thousandths.round();
        if !(1.0..=100_000.0).contains(&whole) || (thousandths - whole).abs() > 1e-6 {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole, and from 1 to 100,000"
        )]
        Some(Self(whole as u32))
    }

    /// The percent of which these are the thousandths.
    #[must_use]
    pub fn from_thousandths(thousandths: i64) -> Option<Self> {
        let whole = u32::try_from(thousandths).ok()?;
        (1..=100_000).contains(&whole).then_some(Self(whole))
    }

    #[must_use]
    pub fn thousandths(self) -> i64 {
        self.0.into()
    }

    /// The index of the percentile among so many sorted numbers, of which there is one at least.
    fn index(self, count: usize) -> usize {
        let rank = (count as u128 * u128::from(self.0)).div_ceil(100_000);
        usize::try_from(rank).map_or(count, |rank| rank.min(count)) - 1
    }
}

/// Numbers of which a percentile is taken.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    integers: Vec<i64>,
    floats: Vec<f64>,
}

impl Numbers {
    /// Adds a number.
    pub fn add(&mut self, number: Number) {
        match number {
            Number::Integer(integer) => self.integers.push(integer),
            Number::Real(real) => self.floats.push(real),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.integers.len() + self.floats.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a percentile, and brings the numbers into another order; `None` without numbers.
    pub fn percentile(&mut self, percent: Percent) -> Option<Number> {
        if self.is_empty() {
            return None;
        }
        let index = percent.index(self.len());
        if self.floats.is_empty() {
            let (_, integer, _) = self.integers.select_nth_unstable(index);
            return Some(Number::Integer(*integer));
        }
        if self.integers.is_empty() {
            let (_, real, _) = self.floats.select_nth_unstable_by(index, f64::total_cmp);
            return Some(Number::Real(*real));
        }
        self.integers.sort_unstable();
        self.floats.sort_unstable_by(f64::total_cmp);
        let mut integers = self.integers.iter().map(|one| Number::Integer(*one));
        let mut floats = self.floats.iter().map(|one| Number::Real(*one));
        let mut nexts = (integers.next(), floats.next());
        let mut merged = std::iter::from_fn(move || {
            let takes_integer = match nexts {
                (Some(integer), Some(real)) => integer.compare(real).is_le(),
                (integer, _) => integer.is_some(),
            };
            if takes_integer {
                std::mem::replace(&mut nexts.0, integers.next())
            } else {
                std::mem::replace(&mut nexts.1, floats.next())
            }
        });
        merged.nth(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule, word by word.
    fn by_sorting(numbers: &[Number], percent: u32) -> Option<Number> {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(|one, other| one.compare(*other));
        let is_enough = |value: &Number| {
            let not_above = sorted.iter().filter(|other| other.compare(*value).is_le());
            not_above.count() * 100_000 >= percent as usize * sorted.len()
        };
        sorted.iter().copied().find(is_enough)
    }

    #[test]
    fn a_percentile_is_the_smallest_number_that_so_many_are_not_above() {
        let mut random = 1_u64;
        let mut next = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            i64::try_from(random >> 40).unwrap() - (1 << 22)
        };
        for count in [0, 1, 2, 3, 10, 19, 20, 21, 100, 101, 1_000] {
            for kind in 0..3 {
                let mut sample = Vec::new();
                for at in 0..count {
                    let integer = next();
                    let is_real = kind == 1 || kind == 2 && at % 3 == 0;
                    #[expect(clippy::cast_precision_loss, reason = "it is below 2^53")]
                    sample.push(if is_real {
                        Number::Real(integer as f64 + 0.5)
                    } else {
                        Number::Integer(integer)
                    });
                }
                for percent in [1, 1_000, 50_000, 95_000, 99_900, 100_000] {
                    let mut numbers = Numbers::default();
                    for one in &sample {
                        numbers.add(*one);
                    }
                    let found =
                        numbers.percentile(Percent::from_thousandths(percent.into()).unwrap());
                    assert_eq!(found, by_sorting(&sample, percent), "{percent}: {sample:?}");
                }
            }
        }
    }

    #[test]
    fn a_percent_is_above_0_and_at_most_100_with_3_decimals() {
        for (percent, thousandths) in [(0.001, 1), (50.0, 50_000), (99.9, 99_900), (100.0, 100_000)]
        {
            let read = Percent::new(percent);
            assert_eq!(read.map(Percent::thousandths), Some(thousandths));
        }
        for percent in [0.0, -1.0, 100.001, 1e300, 0.0005, 1.0005, f64::NAN] {
            assert_eq!(Percent::new(percent), None, "{percent}");
        }
        assert_eq!(Percent::new(50.0), Some(Percent::MEDIAN));
    }
}
