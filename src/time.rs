//! Moments: how they are read, kept and written. No clock is asked here; `now` is always an argument.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
const MILLIS_PER_SECOND: i64 = 1_000;
const MILLIS_PER_DAY: i64 = 86_400_000;

/// A moment in milliseconds since 1970-01-01T00:00:00Z, from [`Timestamp::MIN`] to [`Timestamp::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// What is wrong with the text of a time; `Display` says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    #[error("`{0}` is not an RFC 3339 time such as 2022-06-17T08:00:01.225Z")]
    Rfc3339(String),
    #[error("`{0}` is not an ISO 8601 time such as 2022-06-17T08:00:01.225Z")]
    Iso8601(String),
    #[error(
        "`{0}` is not a time expression such as `now - 5d`: now, now/d, now/w or now/m, then + or -, digits and one of s m h d w"
    )]
    Timediff(String),
    #[error("`{0}` is not an age such as 90d: digits and one of h d w y, more than 0")]
    Age(String),
}

/// A day, in milliseconds.
pub const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;
/// An hour, in milliseconds.
pub const HOUR_MILLIS: i64 = 3_600_000;

impl Timestamp {
    /// The first moment of the year 0000.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// The last millisecond of the year 9999, as RFC 3339 ends there.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The moment `millis` milliseconds after the epoch, or `None` outside of [`Timestamp::MIN`] to [`Timestamp::MAX`].
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0)
            .contains(&millis)
            .then_some(Self(millis))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// This moment and `millis` milliseconds, kept within [`Timestamp::MIN`] to [`Timestamp::MAX`].
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(
            self.0
                .saturating_add(millis)
                .clamp(Self::MIN.0, Self::MAX.0),
        )
    }

    /// Reads an RFC 3339 time with any offset; fractions are cut to milliseconds.
    ///
    /// # Errors
    /// [`TimeError::Rfc3339`] when the text is no such time, or one out of range.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimeError> {
        let reader = Digits {
            rest: text.as_bytes(),
        };
        reader
            .rfc3339()
            .ok_or_else(|| TimeError::Rfc3339(text.to_owned()))
    }

    /// Reads the ISO 8601 forms that queries use: extended or basic, date only, a month, no seconds, and any offset or
    /// none, which means UTC. Fractions are cut to milliseconds.
    ///
    /// # Errors
    /// [`TimeError::Iso8601`] when the text is none of these.
    pub fn parse_iso8601(text: &str) -> Result<Self, TimeError> {
        Digits {
            rest: text.as_bytes(),
        }
        .iso8601()
        .ok_or_else(|| TimeError::Iso8601(text.to_owned()))
    }

    /// Reads a moment relative to `now`: `now`, `now/d`, `now/w`, `now/m`, then perhaps ` - 5d`.
    ///
    /// Rule: python-core, `utils` and the `timediff_*` operators; the grammar stands in the conformance notes.
    ///
    /// # Errors
    /// [`TimeError::Timediff`] when the text is outside the grammar, or the moment out of range.
    pub fn parse_timediff(text: &str, now: Self) -> Result<Self, TimeError> {
        timediff(text, now).ok_or_else(|| TimeError::Timediff(text.to_owned()))
    }

    /// The date and time of day in UTC.
    #[must_use]
    pub fn civil(self) -> DateTime {
        // Every Timestamp lies within the years that a DateTime has.
        EPOCH.saturating_add(SignedDuration::from_millis(self.0))
    }

    /// Milliseconds past the second, 0 to 999.
    #[must_use]
    pub fn subsec_millis(self) -> i64 {
        self.0.rem_euclid(MILLIS_PER_SECOND)
    }

    /// Writes the moment as answers of the statistics route do: six fraction digits, or none where they are all zero.
    ///
    /// # Errors
    /// Only what `out` returns.
    pub fn write_statistics(self, out: &mut impl fmt::Write) -> fmt::Result {
        write_seconds(self.civil(), out)?;
        match self.subsec_millis() {
            0 => out.write_char('Z'),
            millis => write!(out, ".{millis:03}000Z"),
        }
    }
}

fn write_seconds(at: DateTime, out: &mut impl fmt::Write) -> fmt::Result {
    write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// Writes `2022-06-17T08:00:01.225Z`, the form in which times are kept and listed.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(self.civil(), f)?;
        write!(f, ".{:03}Z", self.subsec_millis())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Timestamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 time such as 2022-06-17T08:00:01.225Z")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
                Timestamp::parse_rfc3339(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// How old something may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    millis: i64,
}

impl Age {
    /// Reads hours, days, weeks, or years of 365 days: `12h`, `90d`, `2w`, `1y`. There are no minutes: who deletes what is
    /// older than `3m` has months in mind.
    ///
    /// # Errors
    /// [`TimeError::Age`] when the text is none of these, or 0, or too long to count.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        age_millis(text)
            .filter(|millis| *millis > 0)
            .map(|millis| Self { millis })
            .ok_or_else(|| TimeError::Age(text.to_owned()))
    }

    /// The moment that is so long before `now`.
    #[must_use]
    pub fn before(self, now: Timestamp) -> Timestamp {
        now.plus_millis(-self.millis)
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

/// Reads `text` from its beginning; every step takes what it read off `rest`.
struct Digits<'a> {
    rest: &'a [u8],
}

impl Digits<'_> {
    fn iso8601(mut self) -> Option<Timestamp> {
        let year = self.number(4)?;
        let extended = self.take(b'-');
        let month = self.number(2)?;
        let has_day = if extended { self.take(b'-') } else { true };
        let day = if has_day { self.number(2)? } else { 1 };
        let (mut hour, mut minute, mut second, mut nanos, mut offset) = (0, 0, 0, 0, 0);
        if has_day && (self.take(b'T') || self.take(b' ')) {
            hour = self.number(2)?;
            let colons = self.take(b':');
            minute = self.number(2)?;
            let has_seconds = if colons {
                self.take(b':')
            } else {
                self.rest.first().is_some_and(u8::is_ascii_digit)
            };
            if has_seconds {
                second = self.number(2)?;
                nanos = self.fraction()?;
            }
            offset = self.offset_seconds()?;
        }
        if !self.rest.is_empty() {
            return None;
        }
        moment([year, month, day], [hour, minute, second, nanos], offset)
    }

    /// `2022-06-17T08:00:01.225Z`: all of it, with an offset.
    fn rfc3339(mut self) -> Option<Timestamp> {
        let year = self.number(4)?;
        let month = self.after(b'-')?;
        let day = self.after(b'-')?;
        let is_separated = self.take(b'T') || self.take(b't') || self.take(b' ');
        let hour = if is_separated {
            self.number(2)?
        } else {
            return None;
        };
        let minute = self.after(b':')?;
        // A leap second is taken for the second before it.
        let second = self.after(b':')?;
        let second = if second == 60 { 59 } else { second };
        let nanos = self.fraction()?;
        let has_colon = matches!(self.rest, [b'Z' | b'z'] | [b'+' | b'-', _, _, b':', _, _]);
        let offset = if has_colon {
            self.offset_seconds()?
        } else {
            return None;
        };
        moment([year, month, day], [hour, minute, second, nanos], offset)
    }

    fn after(&mut self, separator: u8) -> Option<i32> {
        if self.take(separator) {
            self.number(2)
        } else {
            None
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn number(&mut self, digits: usize) -> Option<i32> {
        let (number, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        number.iter().try_fold(0, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + i32::from(byte - b'0'))
        })
    }

    /// Nanoseconds after a point or comma; further digits are cut.
    fn fraction(&mut self) -> Option<i32> {
        if !(self.take(b'.') || self.take(b',')) {
            return Some(0);
        }
        let digits = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (fraction, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        if digits == 0 {
            return None;
        }
        let padded = fraction
            .iter()
            .copied()
            .chain(std::iter::repeat(b'0'))
            .take(9);
        Some(padded.fold(0, |sum, byte| sum * 10 + i32::from(byte - b'0')))
    }

    fn offset_seconds(&mut self) -> Option<i32> {
        if self.rest.is_empty() || self.take(b'Z') || self.take(b'z') {
            return Some(0);
        }
        let sign = if self.take(b'+') {
            1
        } else if self.take(b'-') {
            -1
        } else {
            return None;
        };
        let hours = self.number(2)?;
        let colon = self.take(b':');
        let minutes = if colon || !self.rest.is_empty() {
            self.number(2)?
        } else {
            0
        };
        (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    }
}

/// The moment of a date and a time of day (hour, minute, second, nanoseconds) at an offset from UTC in seconds.
///
/// Cuts to whole milliseconds.
fn moment(date: [i32; 3], time: [i32; 4], offset: i32) -> Option<Timestamp> {
    let [year, month, day] = date;
    let [hour, minute, second, nanos] = time;
    let small = |number: i32| i8::try_from(number).ok();
    let civil = DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        nanos - nanos % 1_000_000,
    );
    let millis = i64::try_from(civil.ok()?.duration_since(EPOCH).as_millis()).ok()?;
    Timestamp::from_millis(millis - i64::from(offset) * MILLIS_PER_SECOND)
}

fn timediff(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let rest = text.strip_prefix("now")?;
    let today = now.0 - now.0.rem_euclid(MILLIS_PER_DAY);
    let (base, rest) = match rest.as_bytes() {
        [b'/', b'd', ..] => (today, &rest[2..]),
        [b'/', b'w', ..] => {
            let monday_offset = now.civil().weekday().to_monday_zero_offset();
            (
                today - i64::from(monday_offset) * MILLIS_PER_DAY,
                &rest[2..],
            )
        }
        [b'/', b'm', ..] => (
            today - i64::from(now.civil().day() - 1) * MILLIS_PER_DAY,
            &rest[2..],
        ),
        _ => (now.0, rest),
    };
    if rest.is_empty() || rest == " " {
        return Timestamp::from_millis(base);
    }
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let sign = match rest.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let rest = rest[1..].strip_prefix(' ').unwrap_or(&rest[1..]);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = rest.split_at(digits);
    let seconds = match unit.strip_suffix(' ').unwrap_or(unit) {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let millis = number
        .parse::<i64>()
        .ok()?
        .checked_mul(seconds * MILLIS_PER_SECOND)?;
    Timestamp::from_millis(base.checked_add(sign * millis)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(got: Result<Timestamp, TimeError>, expected: &str) {
        let got = got.map_or_else(|_| "error".to_owned(), |time| time.to_string());
        assert_eq!(got, expected);
    }

    #[test]
    fn rfc3339_in_any_offset_is_kept_in_utc() {
        for (text, expected) in [
            ("2022-06-17T08:00:01.225Z", "2022-06-17T08:00:01.225Z"),
            ("2022-06-17T17:00:01+09:00", "2022-06-17T08:00:01.000Z"),
            ("2022-06-17T08:00:01.225999Z", "2022-06-17T08:00:01.225Z"),
            ("1969-12-31T23:59:59.9995Z", "1969-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59-01:00", "error"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
            ("2022-06-17t08:00:01z", "2022-06-17T08:00:01.000Z"),
            ("2022-06-17T08:00:01+0900", "error"),
            ("2022-06-17T08:00Z", "error"),
            ("2022-06-31T08:00:00Z", "error"),
            ("2022-06-17T08:00:01Z ", "error"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"),
            ("2022-06-17T08:00:01", "error"),
            ("2022-06-17", "error"),
            ("-0001-06-17T08:00:01Z", "error"),
            ("yesterday", "error"),
            ("", "error"),
        ] {
            check(Timestamp::parse_rfc3339(text), expected);
        }
    }

    #[test]
    fn iso8601_forms_of_queries() {
        for (text, expected) in [
            ("2022-06-20T12:00:00.000Z", "2022-06-20T12:00:00.000Z"),
            ("20220628T120000Z", "2022-06-28T12:00:00.000Z"),
            ("20220628T1200", "2022-06-28T12:00:00.000Z"),
            ("20220628", "2022-06-28T00:00:00.000Z"),
            ("2022-06-01T09:00:00+09:00", "2022-06-01T00:00:00.000Z"),
            ("2022-06-29T05:30:00+0530", "2022-06-29T00:00:00.000Z"),
            ("2022-06-29T05:30:00-01", "2022-06-29T06:30:00.000Z"),
            ("2022-06-27T10:00", "2022-06-27T10:00:00.000Z"),
            ("2022-06-20", "2022-06-20T00:00:00.000Z"),
            ("2022-05", "2022-05-01T00:00:00.000Z"),
            ("2022-06-20T11:59:59.9999Z", "2022-06-20T11:59:59.999Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
            ("2022-02-30", "error"),
            ("2022-06-20T24:00:01Z", "error"),
            ("2022-06-20T12:00:00.Z", "error"),
            ("2022-06-20T12:00:00+25:00", "error"),
            ("2022/06/20", "error"),
            ("2022-06-20x", "error"),
            ("2022-5", "error"),
            ("2022-06-20T", "error"),
            ("٢٠٢٢-06-20", "error"),
        ] {
            check(Timestamp::parse_iso8601(text), expected);
        }
    }

    #[test]
    fn timediff_grammar() {
        let now = Timestamp::parse_rfc3339("2022-06-22T12:30:00Z").unwrap(); // a Wednesday
        for (text, expected) in [
            ("now", "2022-06-22T12:30:00.000Z"),
            ("now/d", "2022-06-22T00:00:00.000Z"),
            ("now/w", "2022-06-20T00:00:00.000Z"),
            ("now/m", "2022-06-01T00:00:00.000Z"),
            ("now - 5d", "2022-06-17T12:30:00.000Z"),
            ("now-90m", "2022-06-22T11:00:00.000Z"),
            (" now/d +36h ", "2022-06-23T12:00:00.000Z"),
            ("now/w + 1w", "2022-06-27T00:00:00.000Z"),
            ("now - 1s", "2022-06-22T12:29:59.000Z"),
            ("now ", "2022-06-22T12:30:00.000Z"),
            ("now 5d", "error"),
            ("now -  5d", "error"),
            ("  now", "error"),
            ("NOW - 5d", "error"),
            ("now - 5 d", "error"),
            ("now - d", "error"),
            ("now - 5d - 1h", "error"),
            ("now/y", "error"),
            ("now - 99999999999999999999d", "error"),
            ("now - 999999999999d", "error"),
            ("", "error"),
        ] {
            check(Timestamp::parse_timediff(text, now), expected);
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

    #[test]
    fn statistics_write_six_digits_or_none() {
        for (text, expected) in [
            ("2022-06-17T08:00:01.225Z", "2022-06-17T08:00:01.225000Z"),
            ("2022-06-17T08:00:00Z", "2022-06-17T08:00:00Z"),
        ] {
            let mut out = String::new();
            Timestamp::parse_rfc3339(text)
                .unwrap()
                .write_statistics(&mut out)
                .unwrap();
            assert_eq!(out, expected);
        }
    }
}
