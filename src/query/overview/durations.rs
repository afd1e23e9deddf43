//! The durations of jobs, and their exact percentiles.

use super::answer::{DurationsInfo, MedianInfo, UsualInfo};

/// The fewest durations from which a collector has a usual one.
const MIN_USUAL: usize = 5;

/// Returns what is usual by these durations, in milliseconds; `None` where there are too few.
#[must_use]
pub fn usual_of(durations: impl IntoIterator<Item = i64>) -> Option<UsualInfo> {
    let mut all = Durations::default();
    durations.into_iter().for_each(|millis| all.add(millis));
    all.usual()
}

/// Durations in milliseconds: 4 bytes each, since nearly all are below 49 days.
#[derive(Debug, Default)]
pub(super) struct Durations {
    short: Vec<u32>,
    /// Those below 0, which a wrong `finished_at` gives, and those from 2^32 on.
    others: Vec<i64>,
    sum: i128,
}

impl Durations {
    /// Adds a duration.
    pub(super) fn add(&mut self, millis: i64) {
        self.sum += i128::from(millis);
        match u32::try_from(millis) {
            Ok(short) => self.short.push(short),
            Err(_) => self.others.push(millis),
        }
    }

    /// Adds the durations of another.
    pub(super) fn append(&mut self, other: Self) {
        self.sum += other.sum;
        self.short.extend(other.short);
        self.others.extend(other.others);
    }

    /// The number of durations.
    pub(super) fn len(&self) -> usize {
        self.short.len() + self.others.len()
    }

    /// Returns these percentiles, which ascend, by the rule of the nearest rank: the smallest duration that at least so many
    /// percent are not above. `None` without durations.
    pub(super) fn percentiles<const N: usize>(&mut self, percents: [usize; N]) -> Option<[i64; N]> {
        let count = self.len();
        if count == 0 {
            return None;
        }
        self.others.sort_unstable();
        let negative = self.others.partition_point(|millis| *millis < 0);
        // What is before it in `short` is not above what is behind it.
        let mut parted = 0;
        Some(percents.map(|percent| {
            let rank = (percent * count).div_ceil(100).clamp(1, count) - 1;
            if rank < negative {
                return self.others[rank];
            }
            let rank = rank - negative;
            if rank >= self.short.len() {
                return self.others[rank - self.short.len() + negative];
            }
            let (_, millis, _) = self.short[parted..].select_nth_unstable(rank - parted);
            let millis = i64::from(*millis);
            parted = rank;
            millis
        }))
    }

    /// Returns what is usual; `None` where there are too few.
    pub(super) fn usual(mut self) -> Option<UsualInfo> {
        if self.len() < MIN_USUAL {
            return None;
        }
        let percentiles = self.percentiles([50, 95]);
        percentiles.map(|[median, p95]| UsualInfo { median, p95 })
    }

    /// Returns the median and what 95 % do not exceed.
    pub(super) fn median_info(&mut self) -> MedianInfo {
        let percentiles = self.percentiles([50, 95]);
        MedianInfo {
            count: self.len() as u64,
            median: percentiles.map(|[median, _]| median),
            p95: percentiles.map(|[_, p95]| p95),
        }
    }

    /// Returns what an answer says of them.
    pub(super) fn info(&mut self) -> DurationsInfo {
        let percentiles = self.percentiles([50, 90, 95, 99, 100]);
        let one = |number: usize| percentiles.map(|percentiles| percentiles[number]);
        DurationsInfo {
            count: self.len() as u64,
            average: self.average(),
            median: one(0),
            p90: one(1),
            p95: one(2),
            p99: one(3),
            max: one(4),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "an average is rounded to a float in any case"
    )]
    fn average(&self) -> Option<f64> {
        (self.len() > 0).then(|| self.sum as f64 / self.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(millis: &[i64]) -> Durations {
        let mut durations = Durations::default();
        for millis in millis {
            durations.add(*millis);
        }
        durations
    }

    /// The rule, word by word.
    fn by_sorting(millis: &[i64], percent: usize) -> Option<i64> {
        let mut sorted = millis.to_vec();
        sorted.sort_unstable();
        let is_enough = |value: &i64| {
            let not_above = sorted.iter().filter(|other| *other <= value).count();
            not_above * 100 >= percent * sorted.len()
        };
        sorted.iter().copied().find(is_enough)
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_durations() {
        let mut random = 1_u64;
        let mut next = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            i64::try_from(random >> 33).unwrap()
        };
        let mut samples = vec![
            vec![],
            vec![7],
            vec![7, 7, 7],
            vec![1, 2],
            vec![-5, 3, 1 << 40],
            vec![i64::from(u32::MAX), i64::from(u32::MAX) + 1, 0, -1],
            vec![-3, -2, -1],
            vec![1 << 33, 1 << 34],
        ];
        for count in [10, 19, 20, 21, 99, 100, 101, 1_000] {
            for range in [5, 1_000, 1 << 31] {
                samples.push((0..count).map(|_| next() % range).collect());
                samples.push((0..count).map(|_| next() % range - range / 2).collect());
                samples.push((0..count).map(|_| (next() % range) << 8).collect());
            }
        }
        for sample in samples {
            let percents = [1, 50, 90, 95, 99, 100];
            let found = durations(&sample).percentiles(percents);
            let found = found.map_or([None; 6], |found| found.map(Some));
            let expected = percents.map(|percent| by_sorting(&sample, percent));
            assert_eq!(found, expected, "{sample:?}");
        }
    }

    #[test]
    fn an_answer_has_the_average_and_the_longest() {
        let mut two = durations(&[1, 2]);
        two.append(durations(&[1 << 35, -4]));
        let info = two.info();
        assert_eq!((info.count, info.max), (4, Some(1 << 35)));
        let average = info.average.unwrap();
        assert!((average - 8_589_934_591.75).abs() < 1e-6, "{average}");
        let none = Durations::default().info();
        assert_eq!((none.count, none.average, none.p99), (0, None, None));
    }
}
