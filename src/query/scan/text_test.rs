//! Tests of texts, with the meaning that they have in SQL over a column of texts.

use serde_json::Value;

use crate::query::check::filter::ColumnTest;
use crate::query::eval::pattern::{self, IsDue, Pattern};
use crate::query::eval::predicate::Check;
use crate::query::eval::value::Comparison;
use crate::query::scan::consumer::Stopped;
use crate::query::sql::Param;

/// A test of a text.
#[derive(Debug)]
pub(super) enum TextTest {
    IsNull,
    Equal(String),
    /// Sorted.
    In(Vec<String>),
    Compare(Comparison, String),
    Matches(Pattern),
    /// The text contains any of these words, without regard to case; the pattern says the same.
    Contains(Vec<String>, Pattern),
}

impl TextTest {
    /// Compiles the test of a column; `None` where only a statement can decide it.
    pub(super) fn of_column(test: &ColumnTest) -> Option<Self> {
        Some(match test {
            ColumnTest::IsNull => Self::IsNull,
            ColumnTest::Equal(Param::Text(text)) => Self::Equal(text.clone()),
            ColumnTest::Compare(comparison, Param::Text(text)) => {
                Self::Compare(*comparison, text.clone())
            }
            ColumnTest::In(list) if list.has_only_texts() => Self::In(list.texts().to_vec()),
            ColumnTest::Matches(text) => Self::Matches(Pattern::new(text).ok()?),
            ColumnTest::Contains(words) => {
                Self::Contains(words.clone(), Pattern::new(&pattern::any_word(words)).ok()?)
            }
            ColumnTest::Equal(_) | ColumnTest::In(_) | ColumnTest::Compare(..) => return None,
        })
    }

    /// Compiles the test of a value in a document that is a text or missing; `None` where a missing value may pass, or only
    /// a statement can decide it.
    pub(super) fn of_check(check: &Check) -> Option<Self> {
        Some(match check {
            Check::Equal(Value::String(text)) => Self::Equal(text.clone()),
            Check::In(values) => {
                let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
                let mut texts = texts.collect::<Option<Vec<_>>>()?;
                texts.sort_unstable();
                Self::In(texts)
            }
            Check::Compare(comparison, Value::String(text)) => {
                Self::Compare(*comparison, text.clone())
            }
            Check::Matches(text) => Self::Matches(Pattern::new(text).ok()?),
            Check::Equal(_) | Check::Compare(..) | Check::Exists | Check::Match(_) => return None,
        })
    }

    /// Whether a text passes; `None` is a missing one.
    pub(super) fn holds(&self, text: Option<&str>, is_due: IsDue<'_>) -> Result<bool, Stopped> {
        let Some(text) = text else {
            return Ok(matches!(self, Self::IsNull));
        };
        Ok(match self {
            Self::IsNull => false,
            Self::Equal(value) => text == value,
            Self::In(values) => values
                .binary_search_by(|value| value.as_str().cmp(text))
                .is_ok(),
            // Both compare bytes.
            Self::Compare(comparison, value) => comparison.holds(text.cmp(value)),
            // The statement stops at the same pattern, and has the right words for it.
            Self::Matches(pattern) | Self::Contains(_, pattern) => {
                pattern
                    .is_match(text, is_due)
                    .map_err(|_problem| Stopped::Unsupported)?
            }
        })
    }
}
