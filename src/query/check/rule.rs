//! Rules: what each operator does, and the fields that it can't be applied to.

use crate::query::check::field::{ColumnKind, DocumentPath, Root, Target};
use crate::query::eval::path::is_numeric;
use crate::query::eval::value::Comparison;
use crate::query::request::Operator;

/// How an operator compares a field with its operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
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
pub(super) const fn rule_of(operator: Operator) -> (Rule, bool) {
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

/// What the values of a field are, where that is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldType {
    Integer,
    Time,
    /// `errors`: a list of objects.
    Errors,
    /// `errors.0`: an object of that list.
    Error,
    /// A text, or anything.
    Other,
}

impl FieldType {
    pub(super) fn of(target: &Target) -> Self {
        match target {
            Target::Column(column) => match column.kind() {
                ColumnKind::Text => Self::Other,
                ColumnKind::Integer => Self::Integer,
                ColumnKind::Time => Self::Time,
            },
            Target::Document(DocumentPath {
                root: Root::Errors,
                below,
            }) => match below.as_slice() {
                [] => Self::Errors,
                indexes if indexes.iter().all(|index| is_numeric(index)) => Self::Error,
                _ => Self::Other,
            },
            Target::Document(_) | Target::NeverThere => Self::Other,
        }
    }
}

impl Rule {
    /// Returns what the rule applies to, in the plural for an error, where a field is something else; `None` where it
    /// applies to the field.
    ///
    /// SpaceONE refuses most of these, because mongoengine can't convert the operand to the type of the field. The
    /// others compare in another way there, such as `contain` with a number; they are refused, too, so that a mistake
    /// shows. A regular expression finds nothing in a number or a time, as in SpaceONE.
    pub(super) fn applies_only_to(self, field: FieldType) -> Option<&'static str> {
        use FieldType::{Error, Errors, Integer, Time};
        match (self, field) {
            (
                Self::Contain | Self::ContainIn | Self::NotContainIn,
                Integer | Time | Errors | Error,
            ) => Some("texts"),
            (Self::DateTime(_) | Self::TimeDiff(_), Integer | Errors | Error) => Some("times"),
            (Self::Match, Integer | Time) => Some("lists"),
            (Self::Equal | Self::In | Self::Compare(_), Errors) => Some("single values"),
            _ => None,
        }
    }
}
