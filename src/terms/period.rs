//! The times of terms: a day, an hour, a minute or a second.

use crate::time::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// The start and the end of what a time names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

impl Period {
    /// Reads `2026-01-31`, `2026-01-31T08`, `2026-01-31T08:00` or `2026-01-31T08:00:01.5`, each perhaps with an offset; `None`
    /// where it is no time.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        let (day, rest) = upper.split_at_checked("2026-01-31".len())?;
        let (time, offset) = without_offset(rest);
        let (time, length) = match time.strip_prefix(['T', ' ']) {
            None if time.is_empty() => ("00:00:00".to_owned(), DAY_MILLIS),
            None => return None,
            Some(time) => match time.len() {
                2 => (format!("{time}:00:00"), HOUR_MILLIS),
                5 => (format!("{time}:00"), HOUR_MILLIS / 60),
                8 => (time.to_owned(), 1_000),
                _ if time.get(8..)?.starts_with('.') => (time.to_owned(), 1),
                _ => return None,
            },
        };
        let start = Timestamp::parse_rfc3339(&format!("{day}T{time}{offset}")).ok()?;
        // A leap second would be read as the second before it.
        let has_leap_second = time.get(6..8) == Some("60");
        (!has_leap_second).then(|| Self {
            start,
            end: start.plus_millis(length),
        })
    }
}

/// Takes the offset off a time; without one it is UTC.
fn without_offset(text: &str) -> (&str, &str) {
    if let Some(time) = text.strip_suffix('Z') {
        return (time, "Z");
    }
    let start = text.len().saturating_sub("+09:00".len());
    match text.split_at_checked(start) {
        Some((time, offset)) if offset.len() == 6 && offset.starts_with(['+', '-']) => {
            (time, offset)
        }
        _ => (text, "Z"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_names_the_period_of_its_last_part() {
        for (text, expected) in [
            (
                "2026-01-31",
                "2026-01-31T00:00:00.000Z 2026-02-01T00:00:00.000Z",
            ),
            (
                "2026-01-31T08",
                "2026-01-31T08:00:00.000Z 2026-01-31T09:00:00.000Z",
            ),
            (
                "2026-01-31 08:30",
                "2026-01-31T08:30:00.000Z 2026-01-31T08:31:00.000Z",
            ),
            (
                "2026-01-31t08:30:01z",
                "2026-01-31T08:30:01.000Z 2026-01-31T08:30:02.000Z",
            ),
            (
                "2026-01-31T08:30:01.5",
                "2026-01-31T08:30:01.500Z 2026-01-31T08:30:01.501Z",
            ),
            (
                "2026-01-31+09:00",
                "2026-01-30T15:00:00.000Z 2026-01-31T15:00:00.000Z",
            ),
            (
                "2026-01-31T08-05:30",
                "2026-01-31T13:30:00.000Z 2026-01-31T14:30:00.000Z",
            ),
            ("2026-02-30", "none"),
            ("2026-01-31T", "none"),
            ("2026-01-31T8", "none"),
            ("2026-01-31T25", "none"),
            ("2026-01-31T08:30:60", "none"),
            ("2026-01-31x", "none"),
            ("2026-01-3é", "none"),
            ("yesterday", "none"),
            ("", "none"),
        ] {
            let period = Period::parse(text);
            let got = period.map_or("none".to_owned(), |Period { start, end }| {
                format!("{start} {end}")
            });
            assert_eq!(got, expected, "{text}");
        }
    }
}
