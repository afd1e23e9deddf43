//! The delay of a fault: fixed, or drawn from a range.

use std::borrow::Cow;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::code::invalid_value;

/// The longest delay, in seconds.
pub const MAX_DELAY_SECONDS: f64 = 600.0;

/// The delay of an answer, in seconds from 0 to [`MAX_DELAY_SECONDS`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Delay {
    Fixed(f64),
    /// The shortest and the longest.
    Between(f64, f64),
}

impl PartialSchema for Delay {
    fn schema() -> RefOr<Schema> {
        let seconds = ObjectBuilder::new()
            .schema_type(Type::Number)
            .minimum(Some(0))
            .maximum(Some(MAX_DELAY_SECONDS))
            .build();
        let range = ArrayBuilder::new()
            .items(seconds.clone())
            .min_items(Some(2))
            .max_items(Some(2));
        OneOfBuilder::new()
            .description(Some(
                "Seconds; or two numbers, the shortest and the longest delay.",
            ))
            .item(seconds)
            .item(range)
            .into()
    }
}

impl ToSchema for Delay {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("FaultDelay")
    }
}

impl Delay {
    /// Reads a number of seconds.
    ///
    /// # Errors
    /// A text that says what is allowed.
    pub fn parse_seconds(text: &str) -> Result<Duration, String> {
        let seconds: f64 = text.parse().unwrap_or(f64::NAN);
        if (0.0..=MAX_DELAY_SECONDS).contains(&seconds) {
            Ok(Duration::from_secs_f64(seconds))
        } else {
            let shown: String = text.chars().take(64).collect();
            Err(format!(
                "expected seconds from 0 to {MAX_DELAY_SECONDS}, found `{shown}`"
            ))
        }
    }

    /// Returns the delay of a use, counted from 0. The same seed and index return the same delay.
    pub(super) fn draw(self, seed: u64, index: u64) -> Duration {
        let seconds = match self {
            Self::Fixed(seconds) => seconds,
            Self::Between(min, max) => {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                random.set_stream(index);
                random.random_range(min..=max)
            }
        };
        Duration::from_secs_f64(seconds)
    }
}

impl<'de> Deserialize<'de> for Delay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Fixed(f64),
            Between(f64, f64),
        }
        let is_right = |seconds: &f64| (0.0..=MAX_DELAY_SECONDS).contains(seconds);
        let value = Value::deserialize(deserializer)?;
        match Form::deserialize(&value) {
            Ok(Form::Fixed(seconds)) if is_right(&seconds) => Ok(Self::Fixed(seconds)),
            Ok(Form::Between(min, max)) if is_right(&min) && is_right(&max) && min <= max => {
                Ok(Self::Between(min, max))
            }
            _ => Err(invalid_value(
                &value,
                "seconds from 0 to 600, or two numbers of seconds, the shortest and the longest",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_delays() {
        let delay = Delay::Between(1.0, 3.0);
        let draw = |seed| {
            (0..20)
                .map(|index| delay.draw(seed, index))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let mut drawn = draw(7);
        assert!(
            drawn
                .iter()
                .all(|one| (1.0..=3.0).contains(&one.as_secs_f64()))
        );
        drawn.dedup();
        assert_eq!(drawn.len(), 20);
        assert_eq!(Delay::Fixed(1.5).draw(7, 3), Duration::from_millis(1_500));
        assert_eq!(Delay::Between(2.0, 2.0).draw(7, 3), Duration::from_secs(2));
    }
}
