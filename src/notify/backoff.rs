//! How long the next attempt to deliver waits.

use std::time::Duration;

/// How long the second attempt waits, before jitter; each later one waits twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait, before jitter.
pub(super) const MAX_WAIT: Duration = Duration::from_hours(1);

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// Trying again may help soon. The receiver may have said when.
    ForNow(Option<Duration>),
    /// The receiver refuses, until somebody changes the rule or the receiver.
    Refused,
}

/// Returns how long the next attempt waits after `attempts` that failed. Up to a quarter of it is taken off, by `random`, so
/// that servers that failed together do not come back together.
pub(super) fn wait(attempts: u32, failed: Failed, random: u32) -> Duration {
    let doubled = FIRST.saturating_mul(
        1u32.checked_shl(attempts.saturating_sub(1))
            .unwrap_or(u32::MAX),
    );
    let (wait, at_least) = match failed {
        Failed::Refused => (MAX_WAIT, Duration::ZERO),
        Failed::ForNow(after) => (
            doubled.min(MAX_WAIT),
            after.unwrap_or_default().min(MAX_WAIT),
        ),
    };
    let off = wait.as_secs_f64() / 4.0 * f64::from(random) / f64::from(u32::MAX);
    wait.saturating_sub(Duration::from_secs_f64(off))
        .max(at_least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(attempts: u32, failed: Failed, longest: f64) {
        let waits = [0, u32::MAX / 2, u32::MAX].map(|random| wait(attempts, failed, random));
        let [long, middle, short] = waits.map(|wait| wait.as_secs_f64());
        assert!((long - longest).abs() < 1e-6, "{long}");
        assert!((short - longest * 0.75).abs() < 1e-6, "{short}");
        assert!(short < middle && middle < long);
    }

    #[test]
    fn waits_double_from_a_second_to_an_hour() {
        for (attempts, longest) in [
            (1, 1.0),
            (2, 2.0),
            (3, 4.0),
            (12, 2_048.0),
            (13, 3_600.0),
            (40, 3_600.0),
            (u32::MAX, 3_600.0),
        ] {
            check(attempts, Failed::ForNow(None), longest);
        }
        check(1, Failed::Refused, 3_600.0);
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_wait_but_not_for_more_than_an_hour() {
        for (attempts, after, expected) in
            [(1, 30, 30), (12, 30, 2_048), (1, 0, 1), (1, 86_400, 3_600)]
        {
            let failed = Failed::ForNow(Some(Duration::from_secs(after)));
            assert_eq!(wait(attempts, failed, 0), Duration::from_secs(expected));
        }
    }
}
