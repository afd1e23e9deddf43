//! `Timestamp`: a point in time, in milliseconds.

use jiff::SignedDuration;
use jiff::civil::DateTime;

/// A day in milliseconds.
pub const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;
/// An hour in milliseconds.
pub const HOUR_MILLIS: i64 = 3_600_000;
/// A second in milliseconds.
pub(super) const SECOND_MILLIS: i64 = 1_000;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, from [`Timestamp::MIN`] to [`Timestamp::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first millisecond of the year 0000.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// The last millisecond of the year 9999, as RFC 3339 ends there.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Makes a timestamp of milliseconds since the epoch; `None` outside of [`Timestamp::MIN`] to [`Timestamp::MAX`].
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0)
            .contains(&millis)
            .then_some(Self(millis))
    }

    /// Makes a timestamp of a date and time at an offset from UTC in seconds; cuts fractions to milliseconds.
    pub(super) fn from_civil(civil: DateTime, offset_seconds: i32) -> Option<Self> {
        let nanos = civil.duration_since(EPOCH).as_nanos();
        let millis = i64::try_from(nanos.div_euclid(1_000_000)).ok()?;
        Self::from_millis(millis - i64::from(offset_seconds) * SECOND_MILLIS)
    }

    /// Returns milliseconds since the epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Adds milliseconds; the result stays within [`Timestamp::MIN`] to [`Timestamp::MAX`].
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(
            self.0
                .saturating_add(millis)
                .clamp(Self::MIN.0, Self::MAX.0),
        )
    }

    /// Returns the date and time of day in UTC.
    #[must_use]
    pub fn civil(self) -> DateTime {
        // Every timestamp lies within the years of a DateTime.
        EPOCH.saturating_add(SignedDuration::from_millis(self.0))
    }

    /// Returns milliseconds past the second, 0 to 999.
    #[must_use]
    pub fn subsec_millis(self) -> i64 {
        self.0.rem_euclid(SECOND_MILLIS)
    }
}
