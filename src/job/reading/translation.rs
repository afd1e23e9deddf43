//! `Translation`: the kinds of change that make a text the document of a job.

use std::collections::BTreeSet;

use crate::time::TimeForm;

/// The translations of one document: each kind once, in the order of [`Translation`].
pub(super) type Translations = BTreeSet<Translation>;

/// A kind of change that makes a text the document of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Translation {
    CamelCase,
    EmptyValues,
    Failure,
    StatusNumber,
    EnumNumber,
    CollectorMembers,
    FilterName,
    CollectorName,
    ExtendedJson,
    MongoKey,
    CollectorReference,
    MarkError,
    Projects,
    WholeNumber,
    NumberInText,
    OtherTimeForm,
    TimeWithoutOffset,
    EpochSeconds,
    EpochMilliseconds,
    TimestampMessage,
}

impl Translation {
    /// Every translation.
    pub const ALL: [Self; 20] = [
        Self::CamelCase,
        Self::EmptyValues,
        Self::Failure,
        Self::StatusNumber,
        Self::EnumNumber,
        Self::CollectorMembers,
        Self::FilterName,
        Self::CollectorName,
        Self::ExtendedJson,
        Self::MongoKey,
        Self::CollectorReference,
        Self::MarkError,
        Self::Projects,
        Self::WholeNumber,
        Self::NumberInText,
        Self::OtherTimeForm,
        Self::TimeWithoutOffset,
        Self::EpochSeconds,
        Self::EpochMilliseconds,
        Self::TimestampMessage,
    ];

    /// Returns the clause by which a summary names it.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::CamelCase => "names in camelCase are read in snake_case",
            Self::EmptyValues => {
                "empty values (`\"\"`, `[]`, `NONE`, the status 0) are read as left out"
            }
            Self::Failure => "the status `FAILURE` is read as `ERROR`",
            Self::StatusNumber => "the number of a status is read as its name",
            Self::EnumNumber => "the numbers of `state` and `upgrade_mode` are read as their names",
            Self::CollectorMembers => {
                "`collector_id` and `plugin_id` become members of `collector_info`"
            }
            Self::FilterName => "`filters` is read as `filter`",
            Self::CollectorName => "`collector` is read as `collector_info`",
            Self::ExtendedJson => "MongoDB's Extended JSON is read as plain values",
            Self::MongoKey => "`_id`, the key of MongoDB, is left out",
            Self::CollectorReference => {
                "`collector`, a reference to a document of MongoDB, is left out"
            }
            Self::MarkError => "`mark_error`, a counter of SpaceONE's scheduler, is left out",
            Self::Projects => "`projects`, which SpaceONE no longer has, is left out",
            Self::WholeNumber => "whole numbers with a fraction, such as 2.0, are read as integers",
            Self::NumberInText => "numbers in quotes are read as numbers",
            Self::OtherTimeForm => "times in other forms of ISO 8601 are read",
            Self::TimeWithoutOffset => "times without an offset are read as UTC",
            Self::EpochSeconds => "numbers are read as times in seconds since 1970",
            Self::EpochMilliseconds => "numbers are read as times in milliseconds since 1970",
            Self::TimestampMessage => "objects of `seconds` and `nanos` are read as times",
        }
    }

    /// Returns the translation of a time that was written in a form; none for the form of documents.
    pub(super) fn of_time(form: TimeForm) -> Option<Self> {
        match form {
            TimeForm::Rfc3339 => None,
            TimeForm::Iso8601 => Some(Self::OtherTimeForm),
            TimeForm::NoOffset => Some(Self::TimeWithoutOffset),
            TimeForm::EpochSeconds => Some(Self::EpochSeconds),
            TimeForm::EpochMilliseconds => Some(Self::EpochMilliseconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_translation_is_listed_once() {
        let all: Translations = Translation::ALL.into_iter().collect();
        assert_eq!(all.len(), Translation::ALL.len());
        let descriptions: BTreeSet<_> = all.iter().map(|one| one.description()).collect();
        assert_eq!(descriptions.len(), all.len());
    }
}
