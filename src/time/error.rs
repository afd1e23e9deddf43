//! The errors of reading a time.

/// Why a text is not a time; `Display` says what is expected.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TimeError {
    #[error("`{0}` is not an RFC 3339 time such as 2022-06-17T08:00:01.225Z")]
    Rfc3339(String),
    /// Digits alone, in quotes.
    #[error(
        "`{0}` may be a date, or seconds or milliseconds since 1970; expected a time such as 2022-06-17T08:00:01.225Z, or a number without quotes"
    )]
    Digits(String),
    /// A date that has the day first or the month.
    #[error(
        "`{text}` may be {month_first} or {day_first}; expected a time such as 2022-06-17T08:00:01.225Z"
    )]
    DayOrMonth {
        text: String,
        month_first: String,
        day_first: String,
    },
    /// A number that may count seconds or milliseconds.
    #[error(
        "{number} since 1970 is {seconds} in seconds and {milliseconds} in milliseconds; expected a time such as 2022-06-17T08:00:01.225Z"
    )]
    Epoch {
        number: f64,
        seconds: String,
        milliseconds: String,
    },
    #[error("`{0}` is not an ISO 8601 time such as 2022-06-17T08:00:01.225Z")]
    Iso8601(String),
    #[error(
        "`{0}` is not a time expression such as `now - 5d`: now, now/d, now/w or now/m, then + or -, digits and one of s m h d w"
    )]
    Timediff(String),
    #[error("`{0}` is not an age such as 90d: digits and one of h d w y, more than 0")]
    Age(String),
}
