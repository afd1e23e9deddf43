//! Parses the ISO 8601 times of queries.
//!
//! Rule: dateutil's `isoparse`, with which SpaceONE reads a time. It takes exactly these forms, in ASCII:
//!
//! | part | forms |
//! | --- | --- |
//! | date | `2022`, `2022-06`, `2022-06-17`, `20220617` |
//! | date by week | `2022-W24`, `2022W24` (its Monday), `2022-W24-5`, `2022W245` |
//! | date by day of the year | `2022-168`, `2022168` |
//! | separator of a time | any one character |
//! | time | `08`, `08:00`, `0800`, `08:00:01`, `080001`, and a fraction of a second after `.` or `,` |
//! | offset, after a time or instead of it | `Z`, `z`, `+09`, `+0930`, `+09:30`, the same with `-`; none is UTC |
//!
//! The hour 24 is the end of a day, with nothing after it. There is no leap second. dateutil's years begin with 0001,
//! ours with 0000, since a job may have such a time.

use jiff::Span;
use jiff::civil::{Date, DateTime, Time};

use super::error::TimeError;
use super::timestamp::Timestamp;

impl Timestamp {
    /// Reads the ISO 8601 forms that queries use; fractions are cut to milliseconds.
    ///
    /// # Errors
    /// [`TimeError::Iso8601`] when the text is none of these, or out of range.
    pub fn parse_iso8601(text: &str) -> Result<Self, TimeError> {
        parse(text.as_bytes()).ok_or_else(|| TimeError::Iso8601(text.to_owned()))
    }
}

fn parse(text: &[u8]) -> Option<Timestamp> {
    if !text.is_ascii() {
        return None;
    }
    let (date, rest) = parse_date(text)?;
    match rest {
        [] => Timestamp::from_civil(date.into(), 0),
        [_separator, time @ ..] => {
            let (time, offset_seconds) = parse_time(time)?;
            Timestamp::from_civil(time.on(date)?, offset_seconds)
        }
    }
}

/// Reads exactly this many digits; returns their number and the rest.
fn number(text: &[u8], digits: usize) -> Option<(i16, &[u8])> {
    let (digits, rest) = text.split_at_checked(digits)?;
    let number = digits.iter().try_fold(0, |number: i16, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + i16::from(byte - b'0'))
    });
    Some((number?, rest))
}

/// Reads exactly two digits; returns their number and the rest.
fn two_digits(text: &[u8]) -> Option<(i8, &[u8])> {
    let (number, rest) = number(text, 2)?;
    Some((i8::try_from(number).ok()?, rest))
}

/// Reads a date; returns the rest, too.
fn parse_date(text: &[u8]) -> Option<(Date, &[u8])> {
    let (year, rest) = number(text, 4)?;
    if let Some((month, day, rest)) = parse_month_and_day(rest) {
        return Some((Date::new(year, month, day).ok()?, rest));
    }
    let (has_dash, rest) = strip_dash(rest);
    match rest.strip_prefix(b"W") {
        Some(rest) => parse_week(year, has_dash, rest),
        None => parse_day_of_year(year, rest),
    }
}

fn strip_dash(text: &[u8]) -> (bool, &[u8]) {
    let rest = text.strip_prefix(b"-");
    (rest.is_some(), rest.unwrap_or(text))
}

/// Reads nothing, `-06`, `-06-17` or `0617`. The caller checks whether there is such a day.
fn parse_month_and_day(text: &[u8]) -> Option<(i8, i8, &[u8])> {
    if text.is_empty() {
        return Some((1, 1, text));
    }
    let (has_dash, rest) = strip_dash(text);
    let (month, rest) = two_digits(rest)?;
    let rest = match (has_dash, rest) {
        (true, []) => return Some((month, 1, rest)),
        (true, rest) => rest.strip_prefix(b"-")?,
        (false, rest) => rest,
    };
    let (day, rest) = two_digits(rest)?;
    Some((month, day, rest))
}

/// Reads `24`, `24-5` or `245`, the dash as it is before the `W`. A year may have 53 weeks; in others the week 53 is the
/// first of the next year.
fn parse_week(year: i16, has_dash: bool, text: &[u8]) -> Option<(Date, &[u8])> {
    let (week, rest) = number(text, 2)?;
    let (day, rest) = match (has_dash, rest) {
        (_, []) => (1, rest),
        (true, rest) => number(rest.strip_prefix(b"-")?, 1)?,
        (false, rest) => number(rest, 1)?,
    };
    if !(1..=53).contains(&week) || !(1..=7).contains(&day) {
        return None;
    }
    // The first week has the fourth of January.
    let fourth = Date::new(year, 1, 4).ok()?;
    let monday_offset = i16::from(fourth.weekday().to_monday_zero_offset());
    let date = add_days(fourth, (week - 1) * 7 + day - 1 - monday_offset)?;
    Some((date, rest))
}

/// Reads `168`.
fn parse_day_of_year(year: i16, text: &[u8]) -> Option<(Date, &[u8])> {
    let (day, rest) = number(text, 3)?;
    let first = Date::new(year, 1, 1).ok()?;
    let is_of_year = (1..=first.days_in_year()).contains(&day);
    let date = is_of_year.then(|| add_days(first, day - 1))??;
    Some((date, rest))
}

fn add_days(date: Date, days: i16) -> Option<Date> {
    date.checked_add(Span::new().days(days)).ok()
}

/// A time of day.
enum TimeOfDay {
    Time(Time),
    /// The hour 24.
    EndOfDay,
}

impl TimeOfDay {
    fn on(self, date: Date) -> Option<DateTime> {
        match self {
            Self::Time(time) => Some(date.to_datetime(time)),
            Self::EndOfDay => Some(add_days(date, 1)?.into()),
        }
    }
}

/// Reads a time of day and an offset in seconds, to the end. Either may be missing, but not both.
fn parse_time(text: &[u8]) -> Option<(TimeOfDay, i32)> {
    if text.len() < 2 {
        return None;
    }
    let mut parts = [0; 3];
    let mut has_colons = false;
    let mut rest = text;
    for (index, part) in parts.iter_mut().enumerate() {
        if begins_offset(rest) || rest.is_empty() {
            break;
        }
        match (index, rest.strip_prefix(b":")) {
            (1, Some(after)) => (has_colons, rest) = (true, after),
            (2, after) if has_colons => rest = after?,
            _ => {}
        }
        (*part, rest) = two_digits(rest)?;
    }
    let [hour, minute, second] = parts;
    let mut micros = 0;
    if let [b'.' | b',', fraction @ ..] = rest {
        (micros, rest) = parse_fraction(fraction)?;
    }
    let offset_seconds = if rest.is_empty() {
        0
    } else {
        parse_offset(rest)?
    };
    let time = match (hour, minute, second, micros) {
        (24, 0, 0, 0) => TimeOfDay::EndOfDay,
        _ => TimeOfDay::Time(Time::new(hour, minute, second, micros * 1_000).ok()?),
    };
    Some((time, offset_seconds))
}

fn begins_offset(text: &[u8]) -> bool {
    matches!(text, [b'+' | b'-' | b'Z' | b'z', ..])
}

/// Reads the digits of a fraction as microseconds, and cuts what is smaller.
fn parse_fraction(text: &[u8]) -> Option<(i32, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(digits);
    let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(6);
    let micros = padded.fold(0, |micros, digit| micros * 10 + i32::from(digit - b'0'));
    (!digits.is_empty()).then_some((micros, rest))
}

/// Reads an offset of less than a day, in seconds.
fn parse_offset(text: &[u8]) -> Option<i32> {
    let (sign, text) = match text {
        b"Z" | b"z" => return Some(0),
        [b'+', text @ ..] => (1, text),
        [b'-', text @ ..] => (-1, text),
        _ => return None,
    };
    let (hours, rest) = two_digits(text)?;
    let minutes = match rest {
        [] => 0,
        rest => {
            let (minutes, rest) = two_digits(rest.strip_prefix(b":").unwrap_or(rest))?;
            rest.is_empty().then_some(minutes)?
        }
    };
    let is_less_than_a_day = hours < 24 && minutes < 60;
    is_less_than_a_day.then(|| sign * (i32::from(hours) * 3_600 + i32::from(minutes) * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let actual = Timestamp::parse_iso8601(text);
        let actual = actual.map_or_else(|_| "error".to_owned(), |time| time.to_string());
        assert_eq!(actual, expected, "{text}");
    }

    #[test]
    fn dates_are_read_in_all_forms() {
        for (text, expected) in [
            ("2022-06-20", "2022-06-20T00:00:00.000Z"),
            ("20220628", "2022-06-28T00:00:00.000Z"),
            ("2022-05", "2022-05-01T00:00:00.000Z"),
            ("2022", "2022-01-01T00:00:00.000Z"),
            ("0000", "0000-01-01T00:00:00.000Z"),
            ("2022-W24", "2022-06-13T00:00:00.000Z"),
            ("2022W24", "2022-06-13T00:00:00.000Z"),
            ("2022-W24-5", "2022-06-17T00:00:00.000Z"),
            ("2022W245", "2022-06-17T00:00:00.000Z"),
            ("2020-W01-1", "2019-12-30T00:00:00.000Z"),
            ("2020-W53-7", "2021-01-03T00:00:00.000Z"),
            ("2022-W53", "2023-01-02T00:00:00.000Z"),
            ("2022-168", "2022-06-17T00:00:00.000Z"),
            ("2022168", "2022-06-17T00:00:00.000Z"),
            ("2020-366", "2020-12-31T00:00:00.000Z"),
            ("202206", "error"),
            ("2022-5", "error"),
            ("2022-13", "error"),
            ("2022-02-30", "error"),
            ("20220230", "error"),
            ("2022-366", "error"),
            ("2022-000", "error"),
            ("2022-W00", "error"),
            ("2022-W54", "error"),
            ("2022-W24-0", "error"),
            ("2022-W24-8", "error"),
            ("2022-W245", "error"),
            ("2022W24-5", "error"),
            ("2022-w24", "error"),
            ("9999-W53-7", "error"),
            ("2022/06/20", "error"),
            ("2022-06-1", "error"),
            ("202", "error"),
            ("", "error"),
            (" 2022", "error"),
            ("+2022-06-20", "error"),
            ("-002022-06-20", "error"),
            ("٢٠٢٢-06-20", "error"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn times_are_read_in_all_forms() {
        for (text, expected) in [
            ("2022-06-20T12:00:00.000Z", "2022-06-20T12:00:00.000Z"),
            ("20220628T120000Z", "2022-06-28T12:00:00.000Z"),
            ("20220628T1200", "2022-06-28T12:00:00.000Z"),
            ("2022-06-20T1200", "2022-06-20T12:00:00.000Z"),
            ("2022-06-27T10:00", "2022-06-27T10:00:00.000Z"),
            ("2022-06-20T12", "2022-06-20T12:00:00.000Z"),
            ("2022-06-20T12Z", "2022-06-20T12:00:00.000Z"),
            ("2022-06-20t12:00", "2022-06-20T12:00:00.000Z"),
            ("2022-06-20 12:00z", "2022-06-20T12:00:00.000Z"),
            ("2022-06-20_12:00", "2022-06-20T12:00:00.000Z"),
            ("2022-06-20112", "2022-06-20T12:00:00.000Z"),
            ("2022-W24-5T12", "2022-06-17T12:00:00.000Z"),
            ("2022-168T12", "2022-06-17T12:00:00.000Z"),
            ("2022-06-20T11:59:59.9999Z", "2022-06-20T11:59:59.999Z"),
            (
                "2022-06-20T12:00:00,12345678901",
                "2022-06-20T12:00:00.123Z",
            ),
            ("20220620T120000.5", "2022-06-20T12:00:00.500Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
            ("2022-06-20T24", "2022-06-21T00:00:00.000Z"),
            ("2022-12-31T24:00:00.000Z", "2023-01-01T00:00:00.000Z"),
            ("2022-06-20T24:00:00.0000009", "2022-06-21T00:00:00.000Z"),
            ("2022-06-20T24:00:00.000001", "error"),
            ("2022-06-20T24:00:01Z", "error"),
            ("9999-12-31T24:00", "error"),
            ("2022-06-20T12:00:60Z", "error"),
            ("2022-06-20T25:00", "error"),
            ("2022-06-20T12:00:00.Z", "error"),
            ("2022-06-20T12:00,5", "error"),
            ("2022-06-20T12:0000", "error"),
            ("2022-06-20T1200:00", "error"),
            ("2022-06-20T12:", "error"),
            ("2022-06-20T1", "error"),
            ("2022-06-20T", "error"),
            ("2022-06-20x", "error"),
            ("2022-06T12:00", "error"),
            ("2022T12:00", "error"),
            ("2022-W24T12:00", "error"),
            ("2022-06-20TT12:00", "error"),
            ("2022-06-20T12:00 ", "error"),
            ("2022-06-20ä12:00", "error"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn offsets_are_read_in_all_forms() {
        for (text, expected) in [
            ("2022-06-01T09:00:00+09:00", "2022-06-01T00:00:00.000Z"),
            ("2022-06-29T05:30:00+0530", "2022-06-29T00:00:00.000Z"),
            ("2022-06-29T05:30:00-01", "2022-06-29T06:30:00.000Z"),
            ("2022-06-29T05-01", "2022-06-29T06:00:00.000Z"),
            ("2022-06-29T05:30:00.5-00:30", "2022-06-29T06:00:00.500Z"),
            ("2022-06-29T24:00+23:59", "2022-06-29T00:01:00.000Z"),
            ("2022-06-29T-01", "2022-06-29T01:00:00.000Z"),
            // The sign is the separator.
            ("2022-06-29+09:00", "2022-06-29T09:00:00.000Z"),
            ("2022-06-29T05:00+24:00", "error"),
            ("2022-06-29T05:00+09:60", "error"),
            ("2022-06-29T05:00+9", "error"),
            ("2022-06-29T05:00+09:", "error"),
            ("2022-06-29T05:00+09:0", "error"),
            ("2022-06-29T05:00+09:00:00", "error"),
            ("2022-06-29T05:00+090000", "error"),
            ("2022-06-29T05:00ZZ", "error"),
            ("2022-06-29T05:00Z[UTC]", "error"),
            ("2022-06-29TZ", "error"),
            ("0000-01-01T00:00+00:01", "error"),
            ("9999-12-31T23:59-00:01", "error"),
        ] {
            check(text, expected);
        }
    }
}
