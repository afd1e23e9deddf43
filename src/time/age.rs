//! `Age`: a maximum age, parsed from a text such as `90d`.

use std::fmt;

use super::error::TimeError;
use super::timestamp::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// A maximum age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    millis: i64,
}

impl Age {
    /// A day.
    pub const DAY: Self = Self { millis: DAY_MILLIS };

    /// Reads hours, days, weeks, or years of 365 days: `12h`, `90d`, `2w`, `1y`. There are no minutes, because `3m` may
    /// be meant as months.
    ///
    /// # Errors
    /// [`TimeError::Age`] when the text is none of these, 0, or too long for a number.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        age_millis(text)
            .filter(|millis| *millis > 0)
            .map(|millis| Self { millis })
            .ok_or_else(|| TimeError::Age(text.to_owned()))
    }

    /// Returns its length in milliseconds.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.millis
    }

    /// Returns the time that is this long before `now`.
    #[must_use]
    pub fn before(self, now: Timestamp) -> Timestamp {
        now.plus_millis(-self.millis)
    }
}

impl fmt::Display for Age {
    /// Writes days, or hours where it is no number of days: `36h`, `90d`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.millis % DAY_MILLIS == 0 {
            write!(out, "{}d", self.millis / DAY_MILLIS)
        } else {
            write!(out, "{}h", self.millis / HOUR_MILLIS)
        }
    }
}

fn age_millis(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_millis = match unit {
        "h" => HOUR_MILLIS,
        "d" => DAY_MILLIS,
        "w" => 7 * DAY_MILLIS,
        "y" => 365 * DAY_MILLIS,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(actual: Result<Timestamp, TimeError>, expected: &str) {
        let actual = actual.map_or_else(|_| "error".to_owned(), |time| time.to_string());
        assert_eq!(actual, expected);
    }

    #[test]
    fn an_age_is_written_in_days_or_hours() {
        for (text, expected) in [("12h", "12h"), ("36h", "36h"), ("48h", "2d"), ("2w", "14d")] {
            assert_eq!(Age::parse(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn an_age_is_counted_back_from_now() {
        let now = Timestamp::parse_rfc3339("2022-06-22T12:30:00Z").unwrap();
        for (text, expected) in [
            ("1h", "2022-06-22T11:30:00.000Z"),
            ("90d", "2022-03-24T12:30:00.000Z"),
            ("2w", "2022-06-08T12:30:00.000Z"),
            ("1y", "2021-06-22T12:30:00.000Z"),
            ("9999y", "0000-01-01T00:00:00.000Z"),
            ("0d", "error"),
            ("3m", "error"),
            ("90", "error"),
            ("d", "error"),
            ("-90d", "error"),
            ("+90d", "error"),
            ("90 d", "error"),
            ("1.5d", "error"),
            ("90D", "error"),
            ("99999999999999999999d", "error"),
            ("9999999999999d", "error"),
            ("", "error"),
        ] {
            check(Age::parse(text).map(|age| age.before(now)), expected);
        }
    }
}
