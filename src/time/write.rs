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

/// Writes the time without fraction and offset.
fn write_seconds(time: Timestamp, out: &mut impl fmt::Write) -> fmt::Result {
    let civil = time.civil();
    write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second()
    )
}

/// Writes `2022-06-17T08:00:01.225Z`, the form of stored and listed times.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(*self, f)?;
        write!(f, ".{:03}Z", self.subsec_millis())
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
