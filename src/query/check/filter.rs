//! Checked filters: trees of tests whose operands have the types of the fields.

use crate::query::check::field::{Column, DocumentPath, FieldRef, Root};
use crate::query::eval::predicate::Check;
use crate::query::eval::value::{Comparison, MongoValue};
use crate::query::sql::Param;

/// A checked filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// True if all filters are; true without any.
    All(Vec<Filter>),
    /// True if any filter is; false without any.
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Column(Column, ColumnTest),
    /// A test of the values at a path into the document.
    Document(DocumentPath, Check),
}

/// A test of a column; the operands have the column's own type.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnTest {
    IsNull,
    Equal(Param),
    In(ValueList),
    Compare(Comparison, Param),
    /// The text matches a pattern, which compiles.
    Matches(String),
    /// The text contains any of these words, without regard to case.
    Contains(Vec<String>),
}

/// The values of the operator `in`: numbers or strings.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueList {
    /// All values as a JSON array, the form in which they are bound.
    json: String,
    /// The number of different strings, and of other values.
    count: usize,
    /// The strings, ascending, each once: a test in memory of a collector, of which there may be thousands, is a binary
    /// search.
    texts: Vec<String>,
}

impl ValueList {
    #[must_use]
    pub fn new(values: Vec<serde_json::Value>) -> Self {
        let texts = values.iter().filter_map(serde_json::Value::as_str);
        let mut texts: Vec<_> = texts.map(str::to_owned).collect();
        texts.sort_unstable();
        texts.dedup();
        let others = values.iter().filter(|value| !value.is_string());
        Self {
            count: texts.len() + others.count(),
            json: serde_json::Value::Array(values).to_string(),
            texts,
        }
    }

    /// All values as a JSON array.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Whether all values are strings.
    pub(in crate::query) fn has_only_texts(&self) -> bool {
        self.count == self.texts.len()
    }

    /// Returns the values, if all are numbers.
    pub(in crate::query) fn numbers(&self) -> Option<Vec<MongoValue>> {
        let values: Vec<serde_json::Value> = serde_json::from_str(&self.json).ok()?;
        let numbers = values.iter().map(|value| match value {
            serde_json::Value::Number(number) => Some(number.into()),
            _ => None,
        });
        numbers.collect()
    }

    /// The strings, ascending, each once.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}

/// The filter that nothing passes.
pub(in crate::query) const NEVER: Filter = Filter::Any(Vec::new());
/// The filter that everything passes.
pub(in crate::query) const ALWAYS: Filter = Filter::All(Vec::new());

/// Returns a test for equality with a string, as for the members `status`, `job_id` and the like of a request.
#[must_use]
pub fn equals(column: Column, text: &str) -> Filter {
    Filter::Column(column, ColumnTest::Equal(text.into()))
}

/// Whether a test is one of an error: an empty array has nothing below it.
pub(crate) fn requires_error(path: &DocumentPath, check: &Check) -> bool {
    path.root == Root::Errors && (!path.below.is_empty() || matches!(check, Check::Match(_)))
}

impl Filter {
    /// Whether every job passes it.
    #[must_use]
    pub fn is_always(&self) -> bool {
        *self == ALWAYS
    }

    /// Without AND within AND, OR within OR, and brackets around one.
    #[must_use]
    pub fn flatten(self) -> Self {
        let parts = |filters: Vec<Self>, same: fn(Self) -> Result<Vec<Self>, Self>| -> Vec<Self> {
            filters
                .into_iter()
                .map(Self::flatten)
                .flat_map(|filter| same(filter).unwrap_or_else(|other| vec![other]))
                .collect()
        };
        let mut flat = match self {
            Self::All(filters) => Self::All(parts(filters, |filter| match filter {
                Self::All(inner) => Ok(inner),
                other => Err(other),
            })),
            Self::Any(filters) => Self::Any(parts(filters, |filter| match filter {
                Self::Any(inner) => Ok(inner),
                other => Err(other),
            })),
            Self::Not(filter) => Self::Not(Box::new(filter.flatten())),
            test => return test,
        };
        match &mut flat {
            Self::All(filters) | Self::Any(filters) if filters.len() == 1 => filters.remove(0),
            _ => flat,
        }
    }

    /// Returns the filters that must all hold: those of [`Filter::All`], or the filter itself.
    #[must_use]
    pub(crate) fn conjuncts(&self) -> &[Self] {
        match self {
            Self::All(filters) => filters,
            one => std::slice::from_ref(one),
        }
    }

    /// Whether only jobs with errors pass. The condition in SQL then says so, as the index `jobs_with_errors` requires.
    #[must_use]
    pub(crate) fn requires_error(&self) -> bool {
        matches!(self, Self::Document(path, check) if requires_error(path, check))
    }

    /// Whether it names the jobs by their ids.
    #[must_use]
    pub(crate) fn has_job_ids(&self) -> bool {
        let has_ids = |filter: &Self| {
            matches!(
                filter,
                Self::Column(Column::JobId, ColumnTest::Equal(_) | ColumnTest::In(_))
            )
        };
        self.conjuncts().iter().any(has_ids)
    }

    /// Whether it refers to a field that no index of `jobs` has.
    #[must_use]
    pub(crate) fn needs_rows(&self) -> bool {
        self.fields().into_iter().any(FieldRef::needs_row)
    }

    /// Returns the fields to which it refers, one for each test.
    #[must_use]
    pub(crate) fn fields(&self) -> Vec<FieldRef> {
        match self {
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().flat_map(Self::fields).collect()
            }
            Self::Not(filter) => filter.fields(),
            Self::Column(column, _) => vec![FieldRef::Column(*column)],
            Self::Document(path, _) => vec![FieldRef::from_path(path)],
        }
    }

    /// Whether [`Filter::holds`] can decide it: it tests text columns, and has no pattern.
    #[must_use]
    pub(crate) fn is_decidable_in_memory(&self) -> bool {
        match self {
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().all(Self::is_decidable_in_memory)
            }
            Self::Not(filter) => filter.is_decidable_in_memory(),
            Self::Column(_, ColumnTest::IsNull | ColumnTest::In(_)) => true,
            Self::Column(_, ColumnTest::Equal(value) | ColumnTest::Compare(_, value)) => {
                matches!(value, Param::Text(_))
            }
            Self::Column(_, ColumnTest::Matches(_) | ColumnTest::Contains(_))
            | Self::Document(..) => false,
        }
    }

    /// Whether a row with these texts passes. The filter must be decidable in memory.
    #[must_use]
    pub(crate) fn holds<'t>(&self, text_of: &impl Fn(Column) -> Option<&'t str>) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.holds(text_of)),
            Self::Any(filters) => filters.iter().any(|filter| filter.holds(text_of)),
            Self::Not(filter) => !filter.holds(text_of),
            Self::Column(column, test) => match (text_of(*column), test) {
                (text, ColumnTest::IsNull) => text.is_none(),
                (Some(text), ColumnTest::Equal(Param::Text(value))) => text == value,
                // Both compare bytes.
                (Some(text), ColumnTest::Compare(comparison, Param::Text(value))) => {
                    comparison.holds(text.cmp(value))
                }
                (Some(text), ColumnTest::In(list)) => list
                    .texts
                    .binary_search_by(|value| value.as_str().cmp(text))
                    .is_ok(),
                _ => false,
            },
            Self::Document(..) => false,
        }
    }
}
