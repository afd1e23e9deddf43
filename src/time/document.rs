//! Reads the times of documents as people and programs write them.
//!
//! RFC 3339 is read first (`parse`). What is here has a date, is certain, and yet is no RFC 3339:
//!
//! | text | read as |
//! | --- | --- |
//! | `2026-01-01T08:00:00`, `2026-01-01 08:00:00.123456` | UTC, since there is no offset |
//! | `2026-01-01T08:00:00+0900`, `2026-01-01 08:00:00 +09:00`, `20260101T080000Z` | the same with other separators |
//! | `2026-01-01T08:00Z`, `2026-01-01T24:00`, `2026-01-01` | without seconds, the end of a day, its beginning |
//! | `2026-01-01 08:00:00 UTC` | the zone by name, `UTC` or `GMT` |
//!
//! A number counts seconds or milliseconds since 1970 where only one of the two gives a year from 1973 to 2099.

use super::error::TimeError;
use super::timestamp::{SECOND_MILLIS, Timestamp};

/// The first second and the first millisecond that a number may mean: 1973-03-03T09:46:40Z.
const FIRST_SECOND: f64 = 1e8;
/// The first second that a number may not mean: 2100-01-01T00:00:00Z.
const END_SECOND: f64 = 4_102_444_800.0;

/// A time in a document, and how it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenTime {
    pub time: Timestamp,
    pub form: TimeForm,
}

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    Rfc3339,
    /// With an offset, in a form that RFC 3339 does not have.
    Iso8601,
    /// Without an offset.
    NoOffset,
    /// A number of seconds since 1970.
    EpochSeconds,
    /// A number of milliseconds since 1970.
    EpochMilliseconds,
}

impl WrittenTime {
    /// Reads a text.
    ///
    /// # Errors
    /// [`TimeError`] for what is no time, or might be another; it says what would be right.
    pub fn from_text(text: &str) -> Result<Self, TimeError> {
        if let Ok(time) = Timestamp::parse_rfc3339(text) {
            let form = TimeForm::Rfc3339;
            return Ok(Self { time, form });
        }
        let plain = plain_separators(text.trim());
        let after_date = after_date(plain.as_bytes());
        let has_separator =
            after_date.is_some_and(|rest| matches!(rest, [] | [b'T' | b't' | b' ', ..]));
        if !has_separator {
            return Err(not_a_time(text));
        }
        let time = Timestamp::parse_iso8601(&plain).map_err(|_other| not_a_time(text))?;
        let time_of_day = after_date.unwrap_or_default();
        let has_offset = time_of_day
            .iter()
            .any(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-'));
        let form = if has_offset {
            TimeForm::Iso8601
        } else {
            TimeForm::NoOffset
        };
        Ok(Self { time, form })
    }

    /// Reads a number of seconds or milliseconds since 1970.
    ///
    /// # Errors
    /// [`TimeError::Epoch`] where the number may be either, or is neither.
    pub fn from_number(number: f64) -> Result<Self, TimeError> {
        let is_certain = |seconds: f64| (FIRST_SECOND..END_SECOND).contains(&seconds);
        let (millis, form) = match (is_certain(number), is_certain(number / 1e3)) {
            (true, false) => (number * 1e3, TimeForm::EpochSeconds),
            (false, true) => (number, TimeForm::EpochMilliseconds),
            // The ranges do not overlap.
            _ => return Err(uncertain(number)),
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the years up to 2099 fit, and a fraction of a millisecond is cut"
        )]
        let time = Timestamp::from_millis((millis + 1e-3).floor() as i64);
        let time = time.ok_or_else(|| uncertain(number))?;
        Ok(Self { time, form })
    }
}

/// Removes the space before an offset, and writes `Z` for the name of UTC.
fn plain_separators(text: &str) -> String {
    let (text, offset) = match text
        .strip_suffix("UTC")
        .or_else(|| text.strip_suffix("GMT"))
    {
        Some(rest) => (rest.trim_end(), "Z"),
        None => (text, ""),
    };
    // Java writes the zone after the offset, Go its name.
    let text = match text.split_once('[') {
        Some((before, zone)) if zone.ends_with(']') => before,
        _ => text,
    };
    let text = text.replace(" +", "+").replace(" -", "-");
    let has_offset = text
        .get(10..)
        .is_some_and(|rest| rest.contains(['Z', 'z', '+', '-']));
    if has_offset { text } else { text + offset }
}

/// Returns what follows `2026-01-01` or `20260101`; `None` where the text begins otherwise.
fn after_date(text: &[u8]) -> Option<&[u8]> {
    let are_digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    if let Some((date, rest)) = text.split_at_checked(10) {
        let [year @ .., b'-', _, _, b'-', _, _] = date else {
            return after_basic_date(text);
        };
        let are_all = [year, &date[5..7], &date[8..]].into_iter().all(are_digits);
        return are_all.then_some(rest);
    }
    after_basic_date(text)
}

/// Returns what follows `20260101`. Digits alone are no date: they may be a number of seconds.
fn after_basic_date(text: &[u8]) -> Option<&[u8]> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    let is_date = digits.count() == 8 && text.len() > 8;
    is_date.then(|| &text[8..])
}

/// Returns the error for a text: the two readings of a date whose order of day and month is open, of digits alone, or what
/// would be right.
fn not_a_time(text: &str) -> TimeError {
    if text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return TimeError::Digits(text.to_owned());
    }
    let date = text.split([' ', 'T', ',']).next().unwrap_or_default();
    let parts: Vec<&str> = date.split(['/', '.', '-']).collect();
    let number = |part: &str| part.parse::<u8>().ok();
    if let [first, second, year] = parts.as_slice()
        && let (Some(first), Some(second), 2 | 4) = (number(first), number(second), year.len())
        && year.bytes().all(|byte| byte.is_ascii_digit())
        && [first, second].iter().all(|part| (1..=12).contains(part))
    {
        let year = if year.len() == 2 {
            format!("20{year}")
        } else {
            (*year).to_owned()
        };
        return TimeError::DayOrMonth {
            text: text.to_owned(),
            month_first: format!("{year}-{first:02}-{second:02}"),
            day_first: format!("{year}-{second:02}-{first:02}"),
        };
    }
    TimeError::Rfc3339(text.to_owned())
}

fn uncertain(number: f64) -> TimeError {
    let reading = |millis: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float beyond the range saturates"
        )]
        Timestamp::from_millis(millis.floor() as i64)
            .map_or_else(|| "out of range".to_owned(), |time| time.to_string())
    };
    TimeError::Epoch {
        #[expect(clippy::cast_precision_loss, reason = "a thousand")]
        seconds: reading(number * SECOND_MILLIS as f64),
        milliseconds: reading(number),
        number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(read: Result<WrittenTime, TimeError>) -> String {
        read.map_or_else(
            |error| error.to_string(),
            |read| format!("{} {:?}", read.time, read.form),
        )
    }

    #[test]
    fn texts_are_read_where_they_are_certain() {
        for (text, expected) in [
            ("2026-01-01T08:00:00Z", "2026-01-01T08:00:00.000Z Rfc3339"),
            ("2026-01-01T08:00:00", "2026-01-01T08:00:00.000Z NoOffset"),
            (
                "2026-01-01 08:00:00.123456",
                "2026-01-01T08:00:00.123Z NoOffset",
            ),
            (
                "2026-01-01T08:00:00+0900",
                "2025-12-31T23:00:00.000Z Iso8601",
            ),
            (
                "2026-01-01 08:00:00 +09:00",
                "2025-12-31T23:00:00.000Z Iso8601",
            ),
            (
                "2026-01-01 08:00:00 -0930",
                "2026-01-01T17:30:00.000Z Iso8601",
            ),
            ("2026-01-01 08:00:00+00", "2026-01-01T08:00:00.000Z Iso8601"),
            (
                "2022-06-17T08:00:01.225+0000",
                "2022-06-17T08:00:01.225Z Iso8601",
            ),
            ("20260101T080000Z", "2026-01-01T08:00:00.000Z Iso8601"),
            ("20260101T0800", "2026-01-01T08:00:00.000Z NoOffset"),
            ("2026-01-01T08:00Z", "2026-01-01T08:00:00.000Z Iso8601"),
            ("2026-01-01T08:00", "2026-01-01T08:00:00.000Z NoOffset"),
            ("2026-01-01T24:00", "2026-01-02T00:00:00.000Z NoOffset"),
            ("2026-12-31T24:00:00Z", "2027-01-01T00:00:00.000Z Iso8601"),
            ("2026-01-01", "2026-01-01T00:00:00.000Z NoOffset"),
            (
                "2026-01-01 08:00:00 UTC",
                "2026-01-01T08:00:00.000Z Iso8601",
            ),
            (
                "2026-01-01 08:00:00 +0000 UTC",
                "2026-01-01T08:00:00.000Z Iso8601",
            ),
            (
                "2026-01-01T08:00:00+09:00[Asia/Seoul]",
                "2025-12-31T23:00:00.000Z Iso8601",
            ),
            ("2026-01-01T08:00:00GMT", "2026-01-01T08:00:00.000Z Iso8601"),
            (" 2026-01-01T08:00:00Z ", "2026-01-01T08:00:00.000Z Iso8601"),
        ] {
            assert_eq!(shown(WrittenTime::from_text(text)), expected, "{text}");
        }
    }

    #[test]
    fn texts_that_are_not_certain_are_refused() {
        let rfc3339 = |text: &str| TimeError::Rfc3339(text.to_owned()).to_string();
        for text in [
            "",
            "soon",
            "2026",
            "2026-01",
            "2026-W01",
            "2026-W01-1T08:00",
            "2026-01-01-08:00",
            "2026-01-01T25:00",
            "2026-02-30T08:00:00",
            "2026-01-01x08:00",
            "2026/01/01",
            "31/12/2026",
            "é026-01-01",
            "2026-01-01T08:00:00 KST",
        ] {
            assert_eq!(shown(WrittenTime::from_text(text)), rfc3339(text), "{text}");
        }
        assert_eq!(
            shown(WrittenTime::from_text("02/03/2026 08:00")),
            "`02/03/2026 08:00` may be 2026-02-03 or 2026-03-02; expected a time such as 2022-06-17T08:00:01.225Z"
        );
        for digits in ["20260101", "1767254400"] {
            assert_eq!(
                shown(WrittenTime::from_text(digits)),
                format!(
                    "`{digits}` may be a date, or seconds or milliseconds since 1970; expected a time such as 2022-06-17T08:00:01.225Z, or a \
                     number without quotes"
                )
            );
        }
    }

    #[test]
    fn a_number_is_read_where_its_size_leaves_no_doubt() {
        for (number, expected) in [
            (1_767_254_400.0, "2026-01-01T08:00:00.000Z EpochSeconds"),
            (1_767_254_400.123, "2026-01-01T08:00:00.123Z EpochSeconds"),
            (
                1_767_254_400_123.0,
                "2026-01-01T08:00:00.123Z EpochMilliseconds",
            ),
            (1e8, "1973-03-03T09:46:40.000Z EpochSeconds"),
            (1e11, "1973-03-03T09:46:40.000Z EpochMilliseconds"),
            (4_102_444_799.0, "2099-12-31T23:59:59.000Z EpochSeconds"),
            (
                4_102_444_799_999.0,
                "2099-12-31T23:59:59.999Z EpochMilliseconds",
            ),
        ] {
            assert_eq!(
                shown(WrittenTime::from_number(number)),
                expected,
                "{number}"
            );
        }
        for (number, seconds, milliseconds) in [
            (0.0, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"),
            (-1.0, "1969-12-31T23:59:59.000Z", "1969-12-31T23:59:59.999Z"),
            (
                99_999_999.0,
                "1973-03-03T09:46:39.000Z",
                "1970-01-02T03:46:39.999Z",
            ),
            (
                4_102_444_800.0,
                "2100-01-01T00:00:00.000Z",
                "1970-02-17T11:34:04.800Z",
            ),
            (
                20_220_617.0,
                "1970-08-23T00:50:17.000Z",
                "1970-01-01T05:37:00.617Z",
            ),
            (1e15, "out of range", "out of range"),
            (f64::MAX, "out of range", "out of range"),
        ] {
            let expected = TimeError::Epoch {
                number,
                seconds: seconds.to_owned(),
                milliseconds: milliseconds.to_owned(),
            };
            assert_eq!(
                shown(WrittenTime::from_number(number)),
                expected.to_string()
            );
        }
    }
}
