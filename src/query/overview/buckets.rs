//! The buckets of time into which a period is divided.

use std::fmt;

use crate::json::names::shortened;
use crate::query::error::QueryError;
use crate::time::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// The most buckets of an overview, without the part at the end.
pub const MAX_BUCKETS: i64 = 1_000;
/// The most buckets where their length is not given.
const MAX_CHOSEN: i64 = 60;

/// A minute in milliseconds.
pub(super) const MINUTE_MILLIS: i64 = 60_000;

/// The lengths from which one is chosen, in milliseconds; a longer period has a whole number of days.
const LENGTHS: [i64; 16] = [
    MINUTE_MILLIS,
    5 * MINUTE_MILLIS,
    15 * MINUTE_MILLIS,
    30 * MINUTE_MILLIS,
    HOUR_MILLIS,
    2 * HOUR_MILLIS,
    3 * HOUR_MILLIS,
    6 * HOUR_MILLIS,
    12 * HOUR_MILLIS,
    DAY_MILLIS,
    2 * DAY_MILLIS,
    7 * DAY_MILLIS,
    14 * DAY_MILLIS,
    30 * DAY_MILLIS,
    90 * DAY_MILLIS,
    365 * DAY_MILLIS,
];

/// The length of a bucket, a whole number of minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BucketLength {
    millis: i64,
}

impl BucketLength {
    /// Reads digits and one of `m`, `h`, `d` and `w`.
    fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit = match unit {
            "m" => MINUTE_MILLIS,
            "h" => HOUR_MILLIS,
            "d" => DAY_MILLIS,
            "w" => 7 * DAY_MILLIS,
            _ => return None,
        };
        let millis = number.parse::<i64>().ok()?.checked_mul(unit)?;
        (millis > 0).then_some(Self { millis })
    }

    /// Chooses the shortest length that makes at most `most` buckets of a period.
    fn chosen(period_millis: i64, most: i64) -> Self {
        let fits = |millis: &i64| period_millis <= millis.saturating_mul(most);
        let millis = LENGTHS.into_iter().find(fits).unwrap_or_else(|| {
            let days = (period_millis / most / DAY_MILLIS) + 1;
            days * DAY_MILLIS
        });
        Self { millis }
    }
}

/// Writes the length in days, hours or minutes, as a request has it.
impl fmt::Display for BucketLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = [(DAY_MILLIS, 'd'), (HOUR_MILLIS, 'h')]
            .into_iter()
            .find(|(unit, _)| self.millis % unit == 0)
            .unwrap_or((MINUTE_MILLIS, 'm'));
        write!(f, "{}{name}", self.millis / unit)
    }
}

/// The buckets of a period. They begin at multiples of their length since 1970, so the first and the last may be parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Buckets {
    length: BucketLength,
    from: i64,
    to: i64,
}

/// The period, its buckets, and the period before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Periods {
    pub(super) previous_from: Timestamp,
    /// The end of the previous period, too.
    pub(super) from: Timestamp,
    /// Excluded.
    pub(super) to: Timestamp,
    pub(super) buckets: Buckets,
}

/// The time of a bucket, or of the part of it that is in the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BucketSpan {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) is_part: bool,
}

impl Buckets {
    /// Divides the period from `from` to `to`, which is after it, into buckets of the length that `text` says, or of one
    /// that is chosen.
    ///
    /// # Errors
    /// [`QueryError`] for a text that is no length, or a length that makes too many buckets.
    pub(super) fn new(
        text: Option<&str>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Self, QueryError> {
        let period = to.millis() - from.millis();
        let length = match text {
            None => BucketLength::chosen(period, MAX_CHOSEN),
            Some(text) => {
                let length = BucketLength::parse(text).ok_or_else(|| {
                    problem(format!(
                        "expected a length such as 15m, 6h or 1d: digits and one of m h d w, more than 0; found `{}`",
                        shortened(text)
                    ))
                })?;
                let count = (period - 1) / length.millis + 1;
                if count > MAX_BUCKETS {
                    let least = BucketLength::chosen(period, MAX_BUCKETS);
                    return Err(problem(format!(
                        "{length} makes {count} buckets of this period, at most {MAX_BUCKETS} are allowed; {least} would do"
                    )));
                }
                length
            }
        };
        Ok(Self {
            length,
            from: from.millis(),
            to: to.millis(),
        })
    }

    /// Returns the length of a bucket, as a request has it.
    pub(super) fn length(&self) -> String {
        self.length.to_string()
    }

    fn first(&self) -> i64 {
        self.from.div_euclid(self.length.millis)
    }

    /// The number of buckets, at least one.
    pub(super) fn count(&self) -> usize {
        let last = (self.to - 1).div_euclid(self.length.millis);
        usize::try_from(last - self.first() + 1).unwrap_or(1)
    }

    /// Returns the number of the bucket that has a time of the period.
    pub(super) fn of(&self, millis: i64) -> usize {
        let number = millis.div_euclid(self.length.millis) - self.first();
        usize::try_from(number).unwrap_or(0)
    }

    /// Returns the time of each bucket.
    pub(super) fn spans(self) -> impl Iterator<Item = BucketSpan> {
        let length = self.length.millis;
        (self.first()..).take(self.count()).map(move |number| {
            let (start, end) = (number * length, (number + 1) * length);
            let within = |millis: i64| {
                let millis = millis.clamp(self.from, self.to);
                Timestamp::from_millis(millis).unwrap_or(Timestamp::MIN)
            };
            BucketSpan {
                start: within(start),
                end: within(end),
                is_part: start < self.from || end > self.to,
            }
        })
    }
}

fn problem(problem: String) -> QueryError {
    QueryError::Parameter {
        location: "bucket".to_owned(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn buckets(text: Option<&str>, from: &str, to: &str) -> Result<Buckets, String> {
        Buckets::new(text, time(from), time(to)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_length_is_chosen_that_makes_about_sixty() {
        for (to, expected) in [
            ("2026-01-01T00:00:00.001Z", "1m"),
            ("2026-01-01T01:00:00Z", "1m"),
            ("2026-01-01T01:00:00.001Z", "5m"),
            ("2026-01-02T00:00:00Z", "30m"),
            ("2026-01-08T00:00:00Z", "3h"),
            ("2026-01-31T00:00:00Z", "12h"),
            ("2026-02-01T00:00:00Z", "1d"),
            ("2026-04-01T00:00:00Z", "2d"),
            ("2027-01-01T00:00:00Z", "7d"),
            ("9999-12-31T23:59:59Z", "48541d"),
        ] {
            let buckets = buckets(None, "2026-01-01T00:00:00Z", to).unwrap();
            assert_eq!(buckets.length.to_string(), expected, "{to}");
            assert!(buckets.count() <= 61, "{to}");
        }
    }

    #[test]
    fn buckets_begin_at_multiples_and_parts_are_named() {
        let buckets = buckets(Some("6h"), "2026-01-01T05:30:00Z", "2026-01-01T18:00:00Z").unwrap();
        let spans: Vec<_> = buckets.spans().collect();
        let shown: Vec<_> = spans
            .iter()
            .map(|span| format!("{} {} {}", span.start, span.end, span.is_part))
            .collect();
        assert_eq!(
            shown,
            [
                "2026-01-01T05:30:00.000Z 2026-01-01T06:00:00.000Z true",
                "2026-01-01T06:00:00.000Z 2026-01-01T12:00:00.000Z false",
                "2026-01-01T12:00:00.000Z 2026-01-01T18:00:00.000Z false",
            ]
        );
        for (at, expected) in [
            ("2026-01-01T05:30:00Z", 0),
            ("2026-01-01T05:59:59.999Z", 0),
            ("2026-01-01T06:00:00Z", 1),
            ("2026-01-01T17:59:59.999Z", 2),
        ] {
            assert_eq!(buckets.of(time(at).millis()), expected, "{at}");
        }
    }

    #[test]
    fn times_before_1970_have_buckets_too() {
        let buckets = buckets(Some("1d"), "1969-12-30T12:00:00Z", "1970-01-01T12:00:00Z").unwrap();
        let spans: Vec<_> = buckets.spans().map(|span| span.is_part).collect();
        assert_eq!(spans, [true, false, true]);
        assert_eq!(buckets.of(-1), 1);
    }

    #[test]
    fn lengths_that_are_none_or_make_too_many_are_refused() {
        let day = |text: &str| buckets(Some(text), "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        for text in [
            "",
            "1",
            "m",
            "0h",
            "1s",
            "1.5h",
            "-1h",
            "1 h",
            "1H",
            "99999999999999999999d",
        ] {
            assert_eq!(
                day(text).unwrap_err(),
                format!(
                    "bucket: expected a length such as 15m, 6h or 1d: digits and one of m h d w, more than 0; found `{text}`"
                )
            );
        }
        assert_eq!(
            day("1m").unwrap_err(),
            "bucket: 1m makes 1440 buckets of this period, at most 1000 are allowed; 5m would do"
        );
        assert_eq!(day("2w").unwrap().length.to_string(), "14d");
        assert_eq!(day("120m").unwrap().length.to_string(), "2h");
        assert_eq!(day("9000000d").unwrap().count(), 1);
    }
}
