//! Checks conditions: each operator and its operand become a [`Filter`].
//!
//! The limits here hold for all conditions of a request together.

use std::borrow::Cow;

use serde_json::Value;

use crate::json::message::Located;
use crate::json::names::shortened;
use crate::json::{Strict, type_name};
use crate::query::check::field::{Column, Target, resolve};
use crate::query::check::field_test;
use crate::query::check::filter::Filter;
use crate::query::check::operand::Operand;
use crate::query::check::python;
use crate::query::check::rule::{FieldType, Rule, rule_of};
use crate::query::error::QueryError;
use crate::query::limits::MAX_PATTERN_BYTES;
use crate::query::limits::{MAX_LIST_VALUES, MAX_PATTERNS, MAX_WORD_BYTES, MAX_WORDS};
use crate::query::request::Condition;
use crate::time::Timestamp;

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
/// Rule: the conformance notes: `filter_or` is one OR group, combined with the rest by AND. Each word of `keyword`, which
/// is stripped of white space and split at spaces, adds a condition to that group: `job_id` contains the word.
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
    let words: Vec<_> = python::strip(keyword.unwrap_or_default())
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
        let field = shortened(&condition.key);
        let operand = Operand {
            field: &field,
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
        let field_type = FieldType::of(&target);
        if let Some(fields) = rule.applies_only_to(field_type) {
            let advice = match field_type {
                FieldType::Errors | FieldType::Error => {
                    format!("; name a member, such as `{field}.error_code`")
                }
                _ => String::new(),
            };
            return Err(QueryError::Language {
                location: format!("{location}.operator"),
                problem: format!(
                    "operator `{}` applies to {fields}, which `{field}` is not{advice}",
                    condition.operator
                ),
            });
        }
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
            Rule::Equal => field_test::equal(target, operand),
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
                for value in self.filled_list(operand)? {
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
                Value::Object(members) => field_test::has_members(target, members, operand),
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
        let list = self.filled_list(operand)?;
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

    /// Reads a list that must not be empty. Rule: SpaceONE can't make a condition of no words.
    fn filled_list<'v>(&mut self, operand: &Operand<'v>) -> Result<&'v [Value], QueryError> {
        match self.list(operand)? {
            [] => Err(operand.error(format!(
                "operator `{}` takes at least one string for `{}`, found an empty list",
                operand.operator, operand.field
            ))),
            items => Ok(items),
        }
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
    use crate::query::sql::Param;
    use crate::query::tenant::Tenant;
    use crate::query::where_clause::lower;

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339("2022-06-20T12:00:00Z").unwrap()
    }

    fn compile(condition: &str) -> Result<Filter, QueryError> {
        let body = format!(r#"{{"domain_id":"d","query":{{"filter":[{condition}]}}}}"#);
        let request = JobsQuery::from_json(body.as_bytes())?;
        parse(&request.query.filter, &[], None, now())
    }

    #[track_caller]
    fn check(condition: &str, expected: &str) {
        let got = match compile(condition) {
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
                r#"{"k":"total_tasks","v":-2.5,"o":"lt"}"#,
                "total_tasks < ? [Integer(-2)]",
            ),
            (
                r#"{"k":"total_tasks","v":true,"o":"lt"}"#,
                "total_tasks < ? [Integer(1)]",
            ),
            (
                r#"{"k":"remained_tasks","v":[1.9,"1_0",false,null],"o":"not_in"}"#,
                r#"NOT ifnull((remained_tasks IN (SELECT value FROM json_each(?)) OR 0), 0) [Text("[1,10,0]")]"#,
            ),
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
            (
                r#"{"k":"collector_id","v":true,"o":"exists"}"#,
                "NOT ifnull(collector_id IS NULL, 0) []",
            ),
            (r#"{"k":"finished_at","v":true,"o":"exists"}"#, "1 []"),
            (
                r#"{"k":"finished_at","v":null,"o":"lte"}"#,
                "finished_at IS NULL []",
            ),
            (
                r#"{"k":"collector_id","o":"gte"}"#,
                "collector_id IS NULL []",
            ),
            (r#"{"k":"project_id","o":"gt"}"#, "0 []"),
            (r#"{"k":"total_tasks","o":"lte"}"#, "0 []"),
            (r#"{"k":"status","v":{"a":1},"o":"lt"}"#, "0 []"),
            (r#"{"k":"status.x","o":"lte"}"#, "1 []"),
            (r#"{"k":"status.x","o":"lt"}"#, "0 []"),
            (r#"{"k":"status","v":"now","o":"timediff_lt"}"#, "0 []"),
            (r#"{"k":"status","v":{"a":1},"o":"match"}"#, "0 []"),
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
    fn operands_that_a_field_cannot_have_are_refused() {
        for (condition, expected) in [
            (
                r#"{"k":"total_tasks","v":"many","o":"eq"}"#,
                "query.filter[0].v: `total_tasks` takes an integer, found `many`",
            ),
            (
                r#"{"k":"total_tasks","v":"2.0","o":"lt"}"#,
                "query.filter[0].v: `total_tasks` takes an integer, found `2.0`",
            ),
            (
                r#"{"k":"total_tasks","v":{},"o":"lt"}"#,
                "query.filter[0].v: `total_tasks` takes an integer, found an object",
            ),
            (
                r#"{"k":"total_tasks","v":[1,[2]],"o":"in"}"#,
                "query.filter[0].v: `total_tasks` takes an integer, found an array",
            ),
            (
                r#"{"k":"total_tasks","v":1e300,"o":"eq"}"#,
                "query.filter[0].v: `total_tasks` takes an integer of 64 bits, found `1e+300`",
            ),
            (
                r#"{"k":"total_tasks","v":9223372036854775808,"o":"eq"}"#,
                "query.filter[0].v: `total_tasks` takes an integer of 64 bits, found `9223372036854775808`",
            ),
            (
                r#"{"k":"finished_at","v":5,"o":"eq"}"#,
                "query.filter[0].v: operator `eq` takes an ISO 8601 time for `finished_at`, found a number",
            ),
            (
                r#"{"k":"finished_at","v":[null,{}],"o":"not_in"}"#,
                "query.filter[0].v: operator `not_in` takes an ISO 8601 time for `finished_at`, found an object",
            ),
            (
                r#"{"k":"finished_at","o":"datetime_lt"}"#,
                "query.filter[0].value: operator `datetime_lt` takes an ISO 8601 time for `finished_at`, found null",
            ),
            (
                r#"{"k":"errors.0","v":"x","o":"eq"}"#,
                "query.filter[0].v: `errors.0` is an object; compare a member of it, such as `errors.0.error_code`",
            ),
            (
                r#"{"k":"errors","v":{"eror_code":"x"},"o":"match"}"#,
                "query.filter[0].v: unknown member of an error `eror_code`; did you mean `error_code`?",
            ),
            (
                r#"{"k":"filter.x","v":{"0.1.2.3.4.5.6.7.8.9.a":1},"o":"match"}"#,
                "query.filter[0].v: a path has at most 10 segments, `0.1.2.3.4.5.6.7.8.9.a` has more",
            ),
            (
                r#"{"k":"filter.x","v":[],"o":"contain_in"}"#,
                "query.filter[0].v: operator `contain_in` takes at least one string for `filter.x`, found an empty list",
            ),
            (
                r#"{"k":"job_id","v":[],"o":"not_contain_in"}"#,
                "query.filter[0].v: operator `not_contain_in` takes at least one string for `job_id`, found an empty list",
            ),
            (
                r#"{"k":"job_id","v":[],"o":"regex_in"}"#,
                "query.filter[0].v: operator `regex_in` takes at least one string for `job_id`, found an empty list",
            ),
        ] {
            check(condition, expected);
        }
    }

    #[test]
    fn operators_that_do_not_apply_to_a_field_are_refused() {
        for (condition, expected) in [
            (
                r#"{"k":"total_tasks","v":"1","o":"contain"}"#,
                "query.filter[0].operator: operator `contain` applies to texts, which `total_tasks` is not",
            ),
            (
                r#"{"k":"created_at","v":["2"],"o":"not_contain_in"}"#,
                "query.filter[0].operator: operator `not_contain_in` applies to texts, which `created_at` is not",
            ),
            (
                r#"{"k":"remained_tasks","v":"2022-06","o":"datetime_lt"}"#,
                "query.filter[0].operator: operator `datetime_lt` applies to times, which `remained_tasks` is not",
            ),
            (
                r#"{"k":"total_tasks","v":{"a":1},"o":"match"}"#,
                "query.filter[0].operator: operator `match` applies to lists, which `total_tasks` is not",
            ),
            (
                r#"{"k":"errors","v":null,"o":"not"}"#,
                "query.filter[0].operator: operator `not` applies to single values, which `errors` is not; name a member, such as `errors.error_code`",
            ),
            (
                r#"{"k":"errors","v":"now","o":"timediff_lt"}"#,
                "query.filter[0].operator: operator `timediff_lt` applies to times, which `errors` is not; name a member, such as `errors.error_code`",
            ),
            (
                r#"{"k":"errors.0","v":"x","o":"contain"}"#,
                "query.filter[0].operator: operator `contain` applies to texts, which `errors.0` is not; name a member, such as `errors.0.error_code`",
            ),
        ] {
            check(condition, expected);
        }
        for condition in [
            r#"{"k":"errors","v":true,"o":"exists"}"#,
            r#"{"k":"errors","v":{"error_code":"x"},"o":"match"}"#,
            r#"{"k":"errors.0","v":null,"o":"eq"}"#,
            r#"{"k":"errors.0","v":{"error_code":"x"},"o":"not"}"#,
            r#"{"k":"errors.error_code","v":"x","o":"contain"}"#,
            r#"{"k":"total_tasks","v":"5","o":"regex"}"#,
            r#"{"k":"finished_at","v":["5"],"o":"regex_in"}"#,
            r#"{"k":"errors.0.error_code","v":5,"o":"eq"}"#,
        ] {
            assert!(compile(condition).is_ok(), "{condition}");
        }
    }

    #[test]
    fn keyword_is_stripped_and_split_at_spaces() {
        for (keyword, expected) in [
            ("\t a  b\n", "matches(job_id, ?) a|b"),
            ("\u{A0}a\tb\u{3000}", "matches(job_id, ?) a\tb"),
            ("\u{1F}", "1 "),
            ("", "1 "),
        ] {
            let filter = parse(&[], &[], Some(keyword), now()).unwrap();
            let sql = lower(&filter, &Tenant::new("d"));
            let params = sql.params().iter().map(|param| match param {
                Param::Text(text) => text.as_str(),
                other => panic!("{other:?}"),
            });
            let got = format!("{} {}", sql.text(), params.collect::<String>());
            assert_eq!(got, expected, "{keyword:?}");
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
                "query.filter[0].v: operator `contain` takes a string for `status`, found a number",
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
