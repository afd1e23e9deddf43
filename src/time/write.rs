//! Formats times: RFC 3339 in UTC, and the form of statistics.

use std::fmt;

use serde::{Serialize, Serializer};

use super::timestamp::Timestamp;

impl Timestamp {
    /// Writes the time as answers of the statistics route do: six fraction digits, or none if they are all zero.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write_statistics(self, out: &mut impl fmt::Write) -> fmt::Result {
        write_seconds(self, out)?;
        match self.subsec_millis() {
            0 => out.write_char('Z'),
            millis => write!(out, ".{millis:03}000Z"),
        }
    }
}

/// Returns `2022-06-17T08:00:01.225Z`, the form of stored and listed times.
///
/// It is written digit by digit: an import writes three of them a job, and what `write!` does took five times as long.
fn stored_form(time: Timestamp) -> [u8; 24] {
    let civil = time.civil();
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut put = |first: usize, digits: usize, number: i64| {
        let mut rest = number.unsigned_abs();
        for digit in text[first..first + digits].iter_mut().rev() {
            // The remainder is a digit.
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
    };
    put(0, 4, civil.year().into());
    put(5, 2, civil.month().into());
    put(8, 2, civil.day().into());
    put(11, 2, civil.hour().into());
    put(14, 2, civil.minute().into());
    put(17, 2, civil.second().into());
    put(20, 3, time.subsec_millis());
    text
}

/// Writes the first bytes of [`stored_form`].
fn write_stored_form(time: Timestamp, bytes: usize, out: &mut impl fmt::Write) -> fmt::Result {
    let text = stored_form(time);
    // It is ASCII.
    out.write_str(std::str::from_utf8(&text[..bytes]).unwrap_or_default())
}

/// Writes the time without fraction and offset.
fn write_seconds(time: Timestamp, out: &mut impl fmt::Write) -> fmt::Result {
    write_stored_form(time, "2022-06-17T08:00:01".len(), out)
}

/// Writes `2022-06-17T08:00:01.225Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_stored_form(*self, "2022-06-17T08:00:01.225Z".len(), f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
