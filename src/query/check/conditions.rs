//! Checks conditions: each operator and its operand become a [`Filter`].
//!
//! `rule_of` is the table of operators. The limits here hold for all conditions of a request together.

use std::borrow::Cow;

use serde_json::Value;

use crate::json::message::Located;
use crate::json::{Strict, type_name};
use crate::query::check::field::{Column, Target, resolve};
use crate::query::check::field_test;
use crate::query::check::filter::{Filter, NEVER};
use crate::query::check::operand::Operand;
use crate::query::error::QueryError;
use crate::query::eval::value::Comparison;
use crate::query::limits::MAX_PATTERN_BYTES;
use crate::query::limits::{MAX_LIST_VALUES, MAX_PATTERNS, MAX_WORD_BYTES, MAX_WORDS};
use crate::query::request::{Condition, Operator};
use crate::time::Timestamp;

/// How an operator compares a field with its operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Equal,
    In,
    Compare(Comparison),
    Contain,
    ContainIn,
    /// At least one of the words is not contained, as in SpaceONE.
    NotContainIn,
    Regex,
    RegexIn,
    Exists,
    Match,
    DateTime(Comparison),
    TimeDiff(Comparison),
}

/// Returns the rule of an operator, and whether it is negated. Rule: the conformance notes, "Filter operators".
const fn rule_of(operator: Operator) -> (Rule, bool) {
    use Comparison::{Gt, Gte, Lt, Lte};
    match operator {
        Operator::Eq => (Rule::Equal, false),
        Operator::Not => (Rule::Equal, true),
        Operator::Lt => (Rule::Compare(Lt), false),
        Operator::Lte => (Rule::Compare(Lte), false),
        Operator::Gt => (Rule::Compare(Gt), false),
        Operator::Gte => (Rule::Compare(Gte), false),
        Operator::In => (Rule::In, false),
        Operator::NotIn => (Rule::In, true),
        Operator::Contain => (Rule::Contain, false),
        Operator::NotContain => (Rule::Contain, true),
        Operator::ContainIn => (Rule::ContainIn, false),
        Operator::NotContainIn => (Rule::NotContainIn, false),
        Operator::Regex => (Rule::Regex, false),
        Operator::RegexIn => (Rule::RegexIn, false),
        Operator::Exists => (Rule::Exists, false),
        Operator::Match => (Rule::Match, false),
        Operator::DatetimeLt => (Rule::DateTime(Lt), false),
        Operator::DatetimeLte => (Rule::DateTime(Lte), false),
        Operator::DatetimeGt => (Rule::DateTime(Gt), false),
        Operator::DatetimeGte => (Rule::DateTime(Gte), false),
        Operator::TimediffLt => (Rule::TimeDiff(Lt), false),
        Operator::TimediffLte => (Rule::TimeDiff(Lte), false),
        Operator::TimediffGt => (Rule::TimeDiff(Gt), false),
        Operator::TimediffGte => (Rule::TimeDiff(Gte), false),
    }
}

/// Whether any condition compares with `now`, so that the answer depends on the time of the request.
#[must_use]
pub fn depends_on_clock(filter: &[Located<Condition>], filter_or: &[Located<Condition>]) -> bool {
    any_rule(filter, filter_or, |rule| matches!(rule, Rule::TimeDiff(_)))
}

/// Whether any condition has a regular expression, which may take milliseconds to compile and to match.
#[must_use]
pub fn has_patterns(filter: &[Located<Condition>], filter_or: &[Located<Condition>]) -> bool {
    any_rule(filter, filter_or, |rule| {
        matches!(rule, Rule::Regex | Rule::RegexIn)
    })
}

fn any_rule(
    filter: &[Located<Condition>],
    filter_or: &[Located<Condition>],
    is_wanted: impl Fn(Rule) -> bool,
) -> bool {
    let mut conditions = filter.iter().chain(filter_or);
    conditions.any(|condition| is_wanted(rule_of(condition.value.operator).0))
}

/// Checks the conditions of `filter` (all must hold), then `keyword` and `filter_or` (any must hold).
///
/// Rule: the conformance notes: `filter_or` is one OR group, combined with the rest by AND. Each word of `keyword`,
/// split at spaces, adds a condition to that group: `job_id` contains the word.
///
/// # Errors
/// [`QueryError`] for the first condition that has a problem.
pub fn parse(
    filter: &[Located<Condition>],
    filter_or: &[Located<Condition>],
    keyword: Option<&str>,
    now: Timestamp,
) -> Result<Filter, QueryError> {
    let mut parser = Parser {
        now,
        list_values: 0,
        patterns: 0,
        words: 0,
        word_bytes: 0,
    };
    let mut all = filter
        .iter()
        .map(|condition| parser.condition(condition))
        .collect::<Result<Vec<_>, _>>()?;
    let mut any = Vec::new();
    let words: Vec<_> = keyword
        .unwrap_or_default()
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect();
    if !words.is_empty() {
        let words = words
            .iter()
            .map(|word| parser.word(word, "query.keyword"))
            .collect::<Result<Vec<_>, _>>()?;
        any.push(field_test::contains(
            &Target::Column(Column::JobId),
            words,
            "query.keyword",
        )?);
    }
    for condition in filter_or {
        any.push(parser.condition(condition)?);
    }
    if !any.is_empty() {
        all.push(Filter::Any(any));
    }
    Ok(Filter::All(all))
}

/// A parser of conditions, with what the request has used of its limits.
struct Parser {
    now: Timestamp,
    list_values: usize,
    patterns: usize,
    words: usize,
    word_bytes: usize,
}

impl Parser {
    fn condition(
        &mut self,
        Located {
            value: condition,
            location,
        }: &Located<Condition>,
    ) -> Result<Filter, QueryError> {
        let target = resolve(&condition.key, &format!("{location}.key"))?;
        let Located {
            value: Strict(value),
            location: value_location,
        } = &condition.value;
        let is_left_out = value_location.is_empty();
        let operand = Operand {
            operator: condition.operator,
            value,
            location: &if is_left_out {
                format!("{location}.value").into()
            } else {
                Cow::from(value_location)
            },
        };
        let (rule, is_negated) = rule_of(condition.operator);
        let filter = self.test(&target, rule, &operand)?;
        Ok(if is_negated {
            Filter::Not(Box::new(filter))
        } else {
            filter
        })
    }

    fn test(
        &mut self,
        target: &Target,
        rule: Rule,
        operand: &Operand<'_>,
    ) -> Result<Filter, QueryError> {
        match rule {
            Rule::Equal => field_test::equal(target, operand.single()?, operand),
            Rule::In => {
                let list = self.list(operand)?;
                field_test::any_equal(target, list, operand)
            }
            Rule::Compare(comparison) => field_test::compare(target, comparison, operand),
            Rule::Contain => {
                let word = operand.text(operand.single()?, "a string")?;
                field_test::contains(
                    target,
                    vec![self.word(word, operand.location)?],
                    operand.location,
                )
            }
            Rule::Regex => {
                let text = operand.text(operand.single()?, "a string")?;
                field_test::matches(target, self.pattern(text, operand.location)?, operand)
            }
            Rule::ContainIn => {
                let words = self.words_of(operand)?;
                if words.is_empty() {
                    return Ok(NEVER);
                }
                field_test::contains(target, words, operand.location)
            }
            Rule::NotContainIn => {
                let words = self.words_of(operand)?;
                let none = |word| {
                    let filter = field_test::contains(target, vec![word], operand.location)?;
                    Ok(Filter::Not(Box::new(filter)))
                };
                Ok(Filter::Any(
                    words.into_iter().map(none).collect::<Result<_, _>>()?,
                ))
            }
            Rule::RegexIn => {
                let mut any = Vec::new();
                for value in self.list(operand)? {
                    let text = operand.text(value, "strings")?;
                    any.push(field_test::matches(
                        target,
                        self.pattern(text, operand.location)?,
                        operand,
                    )?);
                }
                Ok(Filter::Any(any))
            }
            Rule::Exists => match operand.single()? {
                Value::Bool(true) => Ok(field_test::exists(target)),
                Value::Bool(false) => Ok(Filter::Not(Box::new(field_test::exists(target)))),
                other => Err(QueryError::BooleanExpected {
                    location: operand.location.to_owned(),
                    operator: operand.operator.to_string(),
                    found: type_name(other),
                }),
            },
            Rule::Match => match operand.single()? {
                Value::Object(members) => Ok(field_test::has_members(target, members)),
                other => Err(QueryError::ObjectExpected {
                    location: operand.location.to_owned(),
                    operator: operand.operator.to_string(),
                    found: type_name(other),
                }),
            },
            Rule::DateTime(comparison) => {
                let time = operand.iso8601(operand.single()?)?;
                Ok(field_test::compare_time(target, comparison, time))
            }
            Rule::TimeDiff(comparison) => {
                let text =
                    operand.text(operand.single()?, "a time expression such as `now - 5d`")?;
                let time = Timestamp::parse_timediff(text, self.now)
                    .map_err(|error| operand.error(error.to_string()))?;
                Ok(field_test::compare_time(target, comparison, time))
            }
        }
    }

    /// Counts a word against the limits.
    fn word(&mut self, word: &str, location: &str) -> Result<String, QueryError> {
        self.words += 1;
        self.word_bytes += word.len();
        if self.words > MAX_WORDS || self.word_bytes > MAX_WORD_BYTES {
            let problem = format!(
                "{} words of {} bytes up to here, at most {MAX_WORDS} of {MAX_WORD_BYTES} bytes in all are allowed",
                self.words, self.word_bytes
            );
            return Err(QueryError::Parameter {
                location: location.to_owned(),
                problem,
            });
        }
        Ok(word.to_owned())
    }

    fn words_of(&mut self, operand: &Operand<'_>) -> Result<Vec<String>, QueryError> {
        let list = self.list(operand)?;
        list.iter()
            .map(|value| self.word(operand.text(value, "strings")?, operand.location))
            .collect()
    }

    fn pattern<'t>(&mut self, text: &'t str, location: &str) -> Result<&'t str, QueryError> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            let problem = format!("at most {MAX_PATTERNS} regular expressions are allowed");
            return Err(QueryError::Parameter {
                location: location.to_owned(),
                problem,
            });
        }
        limited_pattern(text, location)
    }

    fn list<'v>(&mut self, operand: &Operand<'v>) -> Result<&'v [Value], QueryError> {
        let Value::Array(items) = operand.value else {
            return Err(QueryError::ListExpected {
                location: operand.location.to_owned(),
                operator: operand.operator.to_string(),
                found: type_name(operand.value),
            });
        };
        self.list_values += items.len();
        if self.list_values > MAX_LIST_VALUES {
            return Err(QueryError::Parameter {
                location: operand.location.to_owned(),
                problem: format!(
                    "{} values in all lists up to here, at most {MAX_LIST_VALUES} are allowed",
                    self.list_values
                ),
            });
        }
        Ok(items)
    }
}

fn limited_pattern<'t>(text: &'t str, location: &str) -> Result<&'t str, QueryError> {
    if text.len() > MAX_PATTERN_BYTES {
        let problem = format!(
            "is {} bytes long, at most {} are allowed",
            text.len(),
            MAX_PATTERN_BYTES
        );
        return Err(QueryError::Language {
            location: location.to_owned(),
            problem,
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::request::JobsQuery;
    use crate::query::tenant::Tenant;
    use crate::query::where_clause::lower;

    #[track_caller]
    fn check(condition: &str, expected: &str) {
        let body = format!(r#"{{"domain_id":"d","query":{{"filter":[{condition}]}}}}"#);
        let now = Timestamp::parse_rfc3339("2022-06-20T12:00:00Z").unwrap();
        let request = JobsQuery::from_json(body.as_bytes());
        let got = match request.and_then(|request| parse(&request.query.filter, &[], None, now)) {
            Ok(filter) => {
                let sql = lower(&filter, &Tenant::new("d"));
                format!("{} {:?}", sql.text(), sql.params())
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{condition}");
    }

    #[test]
    fn conditions_on_columns_become_sql() {
        for (condition, expected) in [
            (
                r#"{"k":"status","v":"ERROR","o":"eq"}"#,
                r#"status = ? [Text("ERROR")]"#,
            ),
            (r#"{"k":"status","v":5,"o":"eq"}"#, "0 []"),
            (r#"{"k":"status","v":null,"o":"eq"}"#, "0 []"),
            (r#"{"k":"project_id","o":"eq"}"#, "project_id IS NULL []"),
            (
                r#"{"k":"project_id","v":"p","o":"not"}"#,
                r#"NOT ifnull(project_id = ?, 0) [Text("p")]"#,
            ),
            (
                r#"{"k":"project_id","v":[null,"p",3],"o":"in"}"#,
                r#"(project_id IN (SELECT value FROM json_each(?)) OR project_id IS NULL) [Text("[\"p\"]")]"#,
            ),
            (
                r#"{"k":"total_tasks","v":" 5 ","o":"gt"}"#,
                "total_tasks > ? [Integer(5)]",
            ),
            (
                r#"{"k":"total_tasks","v":2.5,"o":"lt"}"#,
                "total_tasks < ? [Real(2.5)]",
            ),
            (r#"{"k":"total_tasks","v":true,"o":"lt"}"#, "0 []"),
            (
                r#"{"k":"created_at","v":"2022-06-20","o":"gte"}"#,
                "created_at >= ? [Integer(1655683200000)]",
            ),
            (
                r#"{"k":"created_at","v":"now - 1d","o":"timediff_lt"}"#,
                "created_at < ? [Integer(1655640000000)]",
            ),
            (
                r#"{"k":"filter.x","v":"2022-06-20","o":"datetime_lt"}"#,
                "0 []",
            ),
            (
                r#"{"k":"job_id","v":"a.b","o":"contain"}"#,
                r#"matches(job_id, ?) [Text("a\\.b")]"#,
            ),
            (
                r#"{"k":"job_id","v":["a","b"],"o":"not_contain_in"}"#,
                r#"(NOT ifnull(matches(job_id, ?), 0) OR NOT ifnull(matches(job_id, ?), 0)) [Text("a"), Text("b")]"#,
            ),
            (r#"{"k":"job_id","v":[],"o":"contain_in"}"#, "0 []"),
            (
                r#"{"k":"collector_id","v":true,"o":"exists"}"#,
                "NOT ifnull(collector_id IS NULL, 0) []",
            ),
            (r#"{"k":"finished_at","v":true,"o":"exists"}"#, "1 []"),
            (r#"{"k":"status.x","v":null,"o":"eq"}"#, "1 []"),
            (
                r#"{"k":"filters.a","v":1,"o":"not"}"#,
                r#"NOT ifnull(holds(head || '}', ?), 0) [Text("{\"path\":[\"filter\",\"a\"],\"equal\":1}")]"#,
            ),
        ] {
            check(condition, expected);
        }
    }

    #[test]
    fn errors_name_the_location_in_the_request() {
        for (condition, expected) in [
            (
                r#"{"k":"status","v":"x","o":"contains"}"#,
                "query.filter[0].operator: unknown operator `contains`; did you mean `contain`?",
            ),
            (
                r#"{"k":"stats","v":"x","o":"eq"}"#,
                "query.filter[0].key: unknown field `stats`; did you mean `status`?",
            ),
            (
                r#"{"k":"status","v":["x"],"o":"eq"}"#,
                "query.filter[0].v: operator `eq` takes one value, found a list",
            ),
            (
                r#"{"k":"status","value":"x","o":"in"}"#,
                "query.filter[0].value: operator `in` takes a list, found a string",
            ),
            (
                r#"{"k":"status","v":"x","o":"exists"}"#,
                "query.filter[0].v: operator `exists` takes true or false, found a string",
            ),
            (
                r#"{"k":"errors","v":"x","o":"match"}"#,
                "query.filter[0].v: operator `match` takes an object, found a string",
            ),
            (
                r#"{"k":"status","v":1,"o":"contain"}"#,
                "query.filter[0].v: operator `contain` takes a string, found a number",
            ),
            (
                r#"{"k":"total_tasks","v":"many","o":"eq"}"#,
                "query.filter[0].v: `many` is no number",
            ),
            (
                r#"{"k":"created_at","v":"soon","o":"eq"}"#,
                "query.filter[0].v: `soon` is not an ISO 8601 time such as 2022-06-17T08:00:01.225Z",
            ),
        ] {
            check(condition, expected);
        }
        check(
            &format!(r#"{{"k":"job_id","v":"{}","o":"regex"}}"#, "a".repeat(1001)),
            "query.filter[0].v: is 1001 bytes long, at most 1000 are allowed",
        );
        check(
            &format!(
                r#"{{"k":"job_id","v":[{}1],"o":"in"}}"#,
                "1,".repeat(10_000)
            ),
            "query.filter[0].v: 10001 values in all lists up to here, at most 10000 are allowed",
        );
    }
}
