//! Tests of values inside a document: the SQL function `holds(document, test)`.
//!
//! SQLite's own JSON functions can't tell `true` from 1, follow a path through arrays, or compare by MongoDB's types. A
//! test is bound as JSON text, so statements that differ only in their tests have the same text. It is compiled once a
//! statement ([`CompiledPredicate`]).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::query::eval::path::{End, index, locate, reach};
use crate::query::eval::pattern::{IsDue, Pattern};
use crate::query::eval::value::{Comparison, MongoValue};
use crate::query::sql::Param;

/// A test of a document: it holds when any of the values that a path reaches passes.
#[derive(Debug, PartialEq, Deserialize)]
struct Predicate {
    /// Segments from the root of the text.
    path: Vec<String>,
    #[serde(flatten)]
    check: Check,
}

/// Returns a test in the form in which it is bound: JSON text. The path begins at the root of the text that is tested.
pub(crate) fn predicate_param(path: &[impl Serialize], check: &Check) -> Param {
    #[derive(Serialize)]
    struct Borrowed<'p, S> {
        path: &'p [S],
        #[serde(flatten)]
        check: &'p Check,
    }
    // Serialising strings, finite numbers and maps with string keys can't fail.
    Param::Text(serde_json::to_string(&Borrowed { path, check }).unwrap_or_default())
}

/// A test of one value. Rule: the conformance notes, "Filter operators".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The value is equal by type and value; a missing value equals null.
    Equal(Value),
    /// The value is equal to any of these.
    In(Vec<Value>),
    /// The value has the operand's type, and the comparison holds.
    Compare(Comparison, Value),
    /// The value is a string that the pattern matches.
    Matches(String),
    /// The value is not missing; it may be null.
    Exists,
    /// The value is an array with an element in which these paths reach these values. An element that is an array has its
    /// indexes as names.
    Match(Map<String, Value>),
}

impl Check {
    /// Whether a missing value passes.
    #[must_use]
    pub fn passes_missing(&self) -> bool {
        match self {
            Self::Equal(value) | Self::Compare(Comparison::Lte | Comparison::Gte, value) => {
                value.is_null()
            }
            Self::In(values) => values.contains(&Value::Null),
            _ => false,
        }
    }
}

/// A test that is compiled once and runs over many documents.
#[derive(Debug)]
pub struct CompiledPredicate {
    path: Vec<String>,
    check: CompiledCheck,
}

#[derive(Debug)]
enum CompiledCheck {
    Equal(MongoValue),
    /// Sorted.
    In(Vec<MongoValue>),
    Compare(Comparison, MongoValue),
    Matches(Pattern),
    Exists,
    Match(Vec<Member>),
}

/// How many members `match` tests before it looks again whether the query's time is up.
const TESTS_BETWEEN_CHECKS: usize = 16;

/// A value that an element of an array must have at a path.
#[derive(Debug)]
struct Member {
    path: Vec<String>,
    check: CompiledCheck,
}

impl Member {
    fn new((path, value): (&String, &Value)) -> Self {
        Self {
            path: path.split('.').map(str::to_owned).collect(),
            check: CompiledCheck::Equal(MongoValue::from(value)),
        }
    }

    /// Whether an element of an array has the value.
    fn is_in(&self, item: &Value) -> bool {
        // Equality takes no pattern, so it never fails.
        let mut equals = |value: Option<&Value>| self.check.holds(value, &|| false) == Ok(true);
        match (item, self.path.split_first()) {
            (Value::Object(_), _) => reach(item, &self.path, End::WithElements, &mut equals),
            (Value::Array(items), Some((segment, rest))) => {
                match index(segment).and_then(|index| items.get(index)) {
                    Some(item) => reach(item, rest, End::WithElements, &mut equals),
                    None => equals(None),
                }
            }
            _ => false,
        }
    }
}

impl CompiledPredicate {
    /// Compiles the text of a test.
    ///
    /// # Errors
    /// A sentence, when the text is not a test.
    pub fn new(text: &str) -> Result<Self, String> {
        let test: Predicate = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let check = match test.check {
            Check::Equal(value) => CompiledCheck::Equal(MongoValue::from(&value)),
            Check::In(values) => {
                let mut sorted: Vec<_> = values.iter().map(MongoValue::from).collect();
                sorted.sort_by(MongoValue::compare);
                CompiledCheck::In(sorted)
            }
            Check::Compare(comparison, value) => {
                CompiledCheck::Compare(comparison, MongoValue::from(&value))
            }
            Check::Matches(pattern) => CompiledCheck::Matches(Pattern::new(&pattern)?),
            Check::Exists => CompiledCheck::Exists,
            Check::Match(members) => {
                CompiledCheck::Match(members.iter().map(Member::new).collect())
            }
        };
        Ok(Self {
            path: test.path,
            check,
        })
    }

    /// Whether the test holds for a document.
    ///
    /// # Errors
    /// The outer error, when the text is not JSON; the inner one, a sentence, when a pattern takes too many steps, or a
    /// pattern or a `match` too much time.
    pub fn holds(
        &self,
        document: &str,
        is_due: IsDue<'_>,
    ) -> Result<Result<bool, String>, serde_json::Error> {
        let mut error = None;
        let mut test = |value: Option<&Value>| match self.check.holds(value, is_due) {
            Ok(holds) => holds,
            Err(problem) => {
                error = Some(problem);
                true
            }
        };
        let end = match self.check {
            CompiledCheck::Match(_) => End::Whole,
            _ => End::WithElements,
        };
        let holds = match locate(document, &self.path)? {
            Some((value, left)) => {
                reach(&value, &self.path[self.path.len() - left..], end, &mut test)
            }
            None => test(None),
        };
        Ok(error.map_or(Ok(holds), Err))
    }
}

impl CompiledCheck {
    fn holds(&self, value: Option<&Value>, is_due: IsDue<'_>) -> Result<bool, String> {
        let Some(value) = value else {
            return Ok(match self {
                Self::Equal(operand)
                | Self::Compare(Comparison::Lte | Comparison::Gte, operand) => {
                    *operand == MongoValue::Null
                }
                Self::In(operands) => operands.first() == Some(&MongoValue::Null),
                _ => false,
            });
        };
        Ok(match self {
            Self::Equal(MongoValue::Text(operand)) => value.as_str() == Some(operand),
            Self::Equal(operand) => MongoValue::from(value).compare(operand).is_eq(),
            Self::In(operands) => {
                let value = MongoValue::from(value);
                operands
                    .binary_search_by(|operand| operand.compare(&value))
                    .is_ok()
            }
            Self::Compare(comparison, operand) => MongoValue::from(value)
                .compare_same_type(operand)
                .is_some_and(|order| comparison.holds(order)),
            Self::Matches(pattern) => match value {
                Value::String(text) => pattern.is_match(text, is_due)?,
                _ => false,
            },
            Self::Exists => true,
            Self::Match(members) => match value {
                Value::Array(items) => any_has_members(items, members, is_due)?,
                _ => false,
            },
        })
    }
}

/// Whether any element of an array has all these members.
///
/// # Errors
/// A sentence, when the query's time is up.
fn any_has_members(items: &[Value], members: &[Member], is_due: IsDue<'_>) -> Result<bool, String> {
    let mut tests = 0_usize;
    let nested = items
        .iter()
        .filter(|item| item.is_object() || item.is_array());
    for item in nested {
        let mut has_all = true;
        for member in members {
            // A request may have thousands of members, and a value thousands of elements.
            tests += 1;
            if tests.is_multiple_of(TESTS_BETWEEN_CHECKS) && is_due() {
                return Err("`match` takes too long over one value".to_owned());
            }
            if !member.is_in(item) {
                has_all = false;
                break;
            }
        }
        if has_all {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, check: Check, expected: bool) {
        const DOCUMENT: &str = r#"{"n":1,"t":true,"s":"ab","z":null,"o":{"a":1,"b":[]},"e":[],"l":[{"k":"x","v":1},{"k":"y","v":null},{"k":"w","v":[2,3]},5],"m":[[4,{"k":5}]]}"#;
        let test = Predicate {
            path: path.split('.').map(str::to_owned).collect(),
            check,
        };
        let Param::Text(text) = predicate_param(&test.path, &test.check) else {
            panic!("a test is bound as text");
        };
        assert_eq!(
            serde_json::from_str::<Predicate>(&text).unwrap(),
            test,
            "{text}"
        );
        assert_eq!(
            CompiledPredicate::new(&text)
                .unwrap()
                .holds(DOCUMENT, &|| false)
                .unwrap(),
            Ok(expected),
            "{text}"
        );
    }

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn values_are_compared_by_type() {
        for (path, operand, expected) in [
            ("n", "1", true),
            ("n", "1.0", true),
            ("n", "true", false),
            ("n", "\"1\"", false),
            ("t", "true", true),
            ("z", "null", true),
            ("gone", "null", true),
            ("l.k", "null", false),
            ("l.v", "null", true),
            ("l.v", "3", true),
            ("l.v", "[2,3]", true),
            ("l.gone", "null", true),
            ("e.gone", "null", false),
            ("l", "5", true),
            ("o", r#"{"a":1,"b":[]}"#, true),
            ("o", r#"{"b":[],"a":1}"#, false),
        ] {
            check(path, Check::Equal(value(operand)), expected);
            check(
                path,
                Check::In(vec![value("\"none\""), value(operand)]),
                expected,
            );
        }
    }

    #[test]
    fn comparisons_patterns_existence_and_members_are_tested() {
        check("n", Check::Compare(Comparison::Gte, value("1")), true);
        check("n", Check::Compare(Comparison::Lt, value("\"2\"")), false);
        check("z", Check::Compare(Comparison::Lte, value("null")), true);
        check("z", Check::Compare(Comparison::Lt, value("null")), false);
        check("gone", Check::Compare(Comparison::Gte, value("null")), true);
        check("gone", Check::Compare(Comparison::Gt, value("null")), false);
        check("n", Check::Compare(Comparison::Gte, value("null")), false);
        check(
            "l",
            Check::Compare(Comparison::Gt, value(r#"{"k":"x"}"#)),
            true,
        );
        check(
            "o",
            Check::Compare(Comparison::Lt, value(r#"{"a":0}"#)),
            false,
        );
        check("s", Check::Matches("B$".to_owned()), true);
        check("n", Check::Matches("1".to_owned()), false);
        check("z", Check::Exists, true);
        check("l.0", Check::Exists, true);
        check("l.9", Check::Exists, false);
        let members = |text: &str| value(text).as_object().unwrap().clone();
        check("l", Check::Match(members(r#"{"k":"x","v":1}"#)), true);
        check("l", Check::Match(members(r#"{"k":"x","v":null}"#)), false);
        check("l", Check::Match(members(r#"{"gone":null}"#)), true);
        check("o", Check::Match(members(r#"{"a":1}"#)), false);
        check("m", Check::Match(members(r#"{"0":4}"#)), true);
        check("m", Check::Match(members(r#"{"0":5}"#)), false);
        check("m", Check::Match(members(r#"{"1.k":5}"#)), true);
        check("m", Check::Match(members(r#"{"k":5}"#)), false);
        check("m.0", Check::Match(members(r#"{"k":5}"#)), true);
        check("l", Check::Match(members(r#"{"v.0":3}"#)), false);
        check("l", Check::Match(members(r#"{"v.1":3}"#)), true);
        check("l", Check::Match(members("{}")), true);
        check("e", Check::Match(members("{}")), false);
    }

    #[test]
    fn a_match_over_many_elements_ends_when_the_time_is_up() {
        let members = value(r#"{"gone":null,"z":1}"#);
        let check = Check::Match(members.as_object().unwrap().clone());
        let Param::Text(text) = predicate_param(&["l"], &check) else {
            panic!("a test is bound as text");
        };
        let predicate = CompiledPredicate::new(&text).unwrap();
        let document = |items| format!("{{\"l\":[{}]}}", vec!["{}"; items].join(","));
        let short = predicate.holds(&document(1), &|| true).unwrap();
        assert_eq!(short, Ok(false));
        let long = document(TESTS_BETWEEN_CHECKS);
        assert_eq!(predicate.holds(&long, &|| false).unwrap(), Ok(false));
        let error = predicate.holds(&long, &|| true).unwrap().unwrap_err();
        assert_eq!(error, "`match` takes too long over one value");
    }
}
