//! Parses a time relative to now, such as `now - 5d` of the `timediff_*` operators.

use super::error::TimeError;
use super::timestamp::{DAY_MILLIS, SECOND_MILLIS, Timestamp};

impl Timestamp {
    /// Reads a time relative to `now`: `now`, `now/d`, `now/w` or `now/m`, then perhaps an interval such as ` - 5d`.
    ///
    /// Rule: python-core, `utils` and the `timediff_*` operators; the grammar is in the conformance notes.
    ///
    /// # Errors
    /// [`TimeError::Timediff`] when the text is outside the grammar, or the time out of range.
    pub fn parse_timediff(text: &str, now: Self) -> Result<Self, TimeError> {
        parse(text, now).ok_or_else(|| TimeError::Timediff(text.to_owned()))
    }
}

fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let rest = text.strip_prefix("now")?;
    let today = now.millis() - now.millis().rem_euclid(DAY_MILLIS);
    let (base, rest) = match rest.as_bytes() {
        [b'/', b'd', ..] => (today, &rest[2..]),
        [b'/', b'w', ..] => {
            let monday_offset = now.civil().weekday().to_monday_zero_offset();
            (today - i64::from(monday_offset) * DAY_MILLIS, &rest[2..])
        }
        [b'/', b'm', ..] => (
            today - i64::from(now.civil().day() - 1) * DAY_MILLIS,
            &rest[2..],
        ),
        _ => (now.millis(), rest),
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
        .checked_mul(seconds * SECOND_MILLIS)?;
    Timestamp::from_millis(base.checked_add(sign * millis)?)
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
    fn a_relative_time_follows_the_grammar() {
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
}
