//! Tests of a field: the meaning of an operator for a column, a path into the document, and a path that leads nowhere.

use serde_json::{Map, Value};

use crate::json::names::{shortened, unknown};
use crate::query::check::field::{Column, ColumnKind, DocumentPath, NullMeans, Target};
use crate::query::check::filter::{ALWAYS, ColumnTest, Filter, NEVER, ValueList};
use crate::query::check::operand::Operand;
use crate::query::check::rule::FieldType;
use crate::query::error::QueryError;
use crate::query::eval::pattern::{self, Pattern};
use crate::query::eval::predicate::Check;
use crate::query::eval::value::{Comparison, MongoValue, to_json};
use crate::query::limits::MAX_SEGMENTS;
use crate::query::request::Operator;
use crate::query::sql::Param;
use crate::time::Timestamp;

/// Tests the values at a path into the document.
fn document(path: &DocumentPath, check: Check) -> Filter {
    Filter::Document(path.clone(), check)
}

/// Tests whether a column is null or missing.
fn is_null(column: Column) -> Filter {
    match column.null_means() {
        NullMeans::NotNull => NEVER,
        NullMeans::Null | NullMeans::Missing => Filter::Column(column, ColumnTest::IsNull),
    }
}

/// Tests whether there is a value, null included.
pub(super) fn exists(target: &Target) -> Filter {
    match target {
        Target::Document(path) => document(path, Check::Exists),
        Target::NeverThere => NEVER,
        Target::Column(column) => match column.null_means() {
            NullMeans::Missing => Filter::Not(Box::new(is_null(*column))),
            NullMeans::NotNull | NullMeans::Null => ALWAYS,
        },
    }
}

/// The members of an element of `errors`.
const ERROR_MEMBERS: [&str; 3] = ["error_code", "message", "additional"];

/// Tests whether the value is an array with an element that has all these members.
///
/// Rule: mongoengine knows the members of an error, and refuses others.
///
/// A name may be a path, of as many segments as others: with more, arrays of objects whose members are named like indexes
/// would make a test take exponential time.
pub(super) fn has_members(
    target: &Target,
    members: &Map<String, Value>,
    operand: &Operand<'_>,
) -> Result<Filter, QueryError> {
    if matches!(FieldType::of(target), FieldType::Errors | FieldType::Error) {
        let mut names = members.keys().map(String::as_str);
        if let Some(name) = names.find(|name| !ERROR_MEMBERS.contains(name)) {
            return Err(operand.error(unknown("member of an error", name, &ERROR_MEMBERS)));
        }
    }
    if let Some(name) = members
        .keys()
        .find(|name| name.split('.').count() > MAX_SEGMENTS)
    {
        return Err(operand.error(format!(
            "a path has at most {MAX_SEGMENTS} segments, `{}` has more",
            shortened(name)
        )));
    }
    Ok(match target {
        Target::Document(path) => document(path, Check::Match(members.clone())),
        Target::Column(_) | Target::NeverThere => NEVER,
    })
}

/// Refuses an operand that is no object for an element of `errors`.
///
/// Rule: mongoengine makes an error of the operand, except for `eq`, where it takes the members of an object for
/// several errors.
fn check_error_operand(
    target: &Target,
    value: &Value,
    operand: &Operand<'_>,
) -> Result<(), QueryError> {
    let is_allowed = match value {
        Value::Null => true,
        Value::Object(members) => operand.operator != Operator::Eq || members.is_empty(),
        _ => false,
    };
    if is_allowed || FieldType::of(target) != FieldType::Error {
        return Ok(());
    }
    Err(operand.error(format!(
        "`{field}` is an object; compare a member of it, such as `{field}.error_code`",
        field = operand.field
    )))
}

/// Tests whether the value equals the operand by type and value.
pub(super) fn equal(target: &Target, operand: &Operand<'_>) -> Result<Filter, QueryError> {
    let value = operand.single()?;
    check_error_operand(target, value, operand)?;
    match target {
        Target::Document(path) => Ok(document(path, Check::Equal(value.clone()))),
        Target::NeverThere => Ok(if value.is_null() { ALWAYS } else { NEVER }),
        Target::Column(column) if value.is_null() => Ok(is_null(*column)),
        Target::Column(column) => Ok(match operand.typed(column.kind(), value)? {
            Some(param) => Filter::Column(*column, ColumnTest::Equal(param)),
            None => NEVER,
        }),
    }
}

/// Tests whether the value equals any of a list.
pub(super) fn any_equal(
    target: &Target,
    values: &[Value],
    operand: &Operand<'_>,
) -> Result<Filter, QueryError> {
    for value in values {
        check_error_operand(target, value, operand)?;
    }
    let has_null = values.iter().any(Value::is_null);
    let column = match target {
        Target::Document(path) => return Ok(document(path, Check::In(values.to_vec()))),
        Target::NeverThere => return Ok(if has_null { ALWAYS } else { NEVER }),
        Target::Column(column) => *column,
    };
    let mut list = Vec::with_capacity(values.len());
    for value in values.iter().filter(|value| !value.is_null()) {
        if let Some(param) = operand.typed(column.kind(), value)? {
            list.push(
                MongoValue::from_param(param)
                    .as_ref()
                    .map_or(Value::Null, to_json),
            );
        }
    }
    let listed = Filter::Column(column, ColumnTest::In(ValueList::new(list)));
    Ok(if has_null {
        Filter::Any(vec![listed, is_null(column)])
    } else {
        listed
    })
}

/// Tests whether the value has the operand's type and the comparison holds.
///
/// Rule: MongoDB's comparison: null and a missing value equal null, and are neither smaller nor larger.
pub(super) fn compare(
    target: &Target,
    comparison: Comparison,
    operand: &Operand<'_>,
) -> Result<Filter, QueryError> {
    let value = operand.single()?;
    check_error_operand(target, value, operand)?;
    let null_passes = value.is_null() && matches!(comparison, Comparison::Lte | Comparison::Gte);
    Ok(match target {
        Target::Document(path) => document(path, Check::Compare(comparison, value.clone())),
        Target::NeverThere if null_passes => ALWAYS,
        Target::NeverThere => NEVER,
        Target::Column(column) if null_passes => is_null(*column),
        Target::Column(_) if value.is_null() => NEVER,
        Target::Column(column) => match operand.typed(column.kind(), value)? {
            Some(param) => Filter::Column(*column, ColumnTest::Compare(comparison, param)),
            None => NEVER,
        },
    })
}

/// Tests whether the value is a datetime and the comparison holds.
pub(super) fn compare_time(target: &Target, comparison: Comparison, time: Timestamp) -> Filter {
    match target {
        Target::Column(column) if column.kind() == ColumnKind::Time => Filter::Column(
            *column,
            ColumnTest::Compare(comparison, Param::Integer(time.millis())),
        ),
        // Only the three times of a job are datetimes; a text elsewhere that looks like a time is a string.
        _ => NEVER,
    }
}

/// Tests whether the value is a string that contains any of some words, without regard to case.
pub(super) fn contains(
    target: &Target,
    words: Vec<String>,
    location: &str,
) -> Result<Filter, QueryError> {
    let pattern = checked_pattern(&pattern::any_word(&words), location)?;
    Ok(match target {
        Target::Document(path) => document(path, Check::Matches(pattern)),
        Target::Column(column) if column.kind() == ColumnKind::Text => {
            Filter::Column(*column, ColumnTest::Contains(words))
        }
        Target::Column(_) | Target::NeverThere => NEVER,
    })
}

/// Tests whether the value is a string that a regular expression matches.
pub(super) fn matches(
    target: &Target,
    pattern: &str,
    operand: &Operand<'_>,
) -> Result<Filter, QueryError> {
    let pattern = checked_pattern(pattern, operand.location)?;
    Ok(match target {
        Target::Document(path) => document(path, Check::Matches(pattern)),
        Target::Column(column) if column.kind() == ColumnKind::Text => {
            Filter::Column(*column, ColumnTest::Matches(pattern))
        }
        Target::Column(_) | Target::NeverThere => NEVER,
    })
}

/// Returns a pattern that compiles.
fn checked_pattern(text: &str, location: &str) -> Result<String, QueryError> {
    match Pattern::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(problem) => Err(QueryError::Language {
            location: location.to_owned(),
            problem,
        }),
    }
}
