//! `page` as it arrives: the first row and the number of rows to answer.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The part of the rows to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "PageMembers")]
pub struct Page {
    /// The number of rows to skip; 0 unless there is a limit.
    pub skip: u64,
    /// The most rows to answer; `None` for all.
    pub limit: Option<u64>,
}

/// The part of the rows to answer. Without a limit, or with 0, it is all of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Page)]
pub(crate) struct PageMembers {
    /// The first row to answer, counted from 1.
    start: Option<WholeNumber>,
    limit: Option<WholeNumber>,
}

impl From<PageMembers> for Page {
    fn from(PageMembers { start, limit }: PageMembers) -> Self {
        match limit {
            None | Some(WholeNumber(0)) => Self::default(),
            Some(WholeNumber(limit)) => Self {
                skip: start.map_or(0, |WholeNumber(start)| start.saturating_sub(1)),
                limit: Some(limit),
            },
        }
    }
}

impl Page {
    /// Whether the row at an index, counted from 0, is of the page.
    #[must_use]
    pub fn has(&self, index: u64) -> bool {
        let end = self.limit.map(|limit| self.skip.saturating_add(limit));
        index >= self.skip && end.is_none_or(|end| index < end)
    }

    /// The number of rows of the page, out of `rows` in all.
    #[must_use]
    pub fn of(&self, rows: u64) -> u64 {
        let rest = rows.saturating_sub(self.skip);
        self.limit.map_or(rest, |limit| rest.min(limit))
    }
}

/// An integer of 0 or more, or its digits as a string.
#[derive(Clone, Copy)]
pub(crate) struct WholeNumber(u64);

impl<'de> Deserialize<'de> for WholeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        u64::try_from(number).map(Self).map_err(|_negative| {
            D::Error::custom(format_args!("{number} is negative; 0 or more is allowed"))
        })
    }
}

impl PartialSchema for WholeNumber {
    fn schema() -> RefOr<Schema> {
        integer_or_digits(
            0,
            r"^(\+?[0-9]+|-0+)?$",
            "An integer of 0 or more; as proto's JSON has it, perhaps as a string.",
        )
    }
}

impl ToSchema for WholeNumber {}

/// The schema of an integer of at least `least`, or its digits as a string.
pub(super) fn integer_or_digits(least: i64, pattern: &str, description: &str) -> RefOr<Schema> {
    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(least));
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern));
    OneOfBuilder::new()
        .description(Some(description))
        .item(number)
        .item(text)
        .into()
}
