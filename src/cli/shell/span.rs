//! Durations for people.

/// Writes milliseconds as a duration of at most two units: `350ms`, `12s`, `5m12s`, `3h5m`, `2d3h`.
pub(in crate::cli) fn span(millis: i64) -> String {
    let millis = millis.max(0);
    let seconds = millis / 1_000;
    let two = |large: i64, small: i64, units: (&str, &str)| match small {
        0 => format!("{large}{}", units.0),
        small => format!("{large}{}{small}{}", units.0, units.1),
    };
    match seconds {
        0 => format!("{millis}ms"),
        1..60 => format!("{seconds}s"),
        60..3_600 => two(seconds / 60, seconds % 60, ("m", "s")),
        3_600..86_400 => two(seconds / 3_600, seconds / 60 % 60, ("h", "m")),
        _ => two(seconds / 86_400, seconds / 3_600 % 24, ("d", "h")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_at_most_two_units() {
        for (millis, expected) in [
            (-5, "0ms"),
            (0, "0ms"),
            (999, "999ms"),
            (1_000, "1s"),
            (59_999, "59s"),
            (60_000, "1m"),
            (312_000, "5m12s"),
            (3_600_000, "1h"),
            (11_100_000, "3h5m"),
            (86_400_000, "1d"),
            (183_600_000, "2d3h"),
        ] {
            assert_eq!(span(millis), expected);
        }
    }
}
