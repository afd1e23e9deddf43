//! Filters, and the WHERE clause that one becomes.
//!
//! `Filter::lower` cannot fail: every operand has the type of what it is compared with already. A positive test may come
//! out NULL, which WHERE, AND and OR take for false; a negation asks `ifnull(…, 0)` first, so it is the exact complement.
//! NULL is decided here and nowhere else.
//!
//! A member with a column of its own is tested by SQL's operators on that column. What lies deeper in the document, where
//! arrays and types must be looked at, is tested by our SQL function `holds(document, test)`: see [`crate::query::eval::predicate`].

use crate::query::check::field::{Column, HEAD};
use crate::query::counters::tables::FieldRef;
use crate::query::eval::pattern;
use crate::query::eval::predicate::{Check, Predicate};
use crate::query::eval::value::Comparison;
use crate::query::sql::{Param, Sql};
use crate::query::tenant::Tenant;

/// A checked filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// True where all are; true where there is none.
    All(Vec<Filter>),
    /// True where any is; false where there is none.
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Column(Column, ColumnTest),
    Document(Predicate),
}

/// A test of a column; the operands have the column's own type.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnTest {
    IsNull,
    Equal(Param),
    In(List),
    Compare(Comparison, Param),
    /// A pattern that was compiled once, to see that it can be.
    Matches(String),
    /// Any of these words, without regard to case.
    Contains(Vec<String>),
}

/// The values of a test for being one of several: numbers or strings.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// All of them as they are bound: a JSON array.
    json: String,
    /// The strings, ascending, each once: whoever asks in memory may ask of each of many thousand collectors.
    texts: Vec<String>,
}

impl List {
    #[must_use]
    pub fn new(values: Vec<serde_json::Value>) -> Self {
        let texts = values.iter().filter_map(serde_json::Value::as_str);
        let mut texts: Vec<_> = texts.map(str::to_owned).collect();
        texts.sort_unstable();
        texts.dedup();
        Self {
            json: serde_json::Value::Array(values).to_string(),
            texts,
        }
    }

    /// The strings, ascending, each once.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}

pub(in crate::query) const NEVER: Filter = Filter::Any(Vec::new());
pub(in crate::query) const ALWAYS: Filter = Filter::All(Vec::new());

/// A test for equality with a string, as the plain members of a request ask it.
#[must_use]
pub fn equals(column: Column, text: &str) -> Filter {
    Filter::Column(column, ColumnTest::Equal(text.into()))
}

impl Filter {
    /// The condition as SQL over a row of `jobs`, in brackets where it needs them; NULL counts as false.
    #[must_use]
    pub(crate) fn lower(&self, tenant: &Tenant) -> Sql {
        match self {
            Self::All(filters) => join(filters, tenant, "1", " AND "),
            Self::Any(filters) => join(filters, tenant, "0", " OR "),
            Self::Not(filter) => {
                let mut sql = Sql::new("NOT ifnull(");
                sql.append(filter.lower(tenant)).push(", 0)");
                sql
            }
            Self::Column(column, test) => lower_column(*column, test),
            Self::Document(test) => lower_document(test, tenant),
        }
    }

    /// Whether it asks for nothing.
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

    /// The filters of which all must hold; itself where it is no such list.
    #[must_use]
    pub(crate) fn conjuncts(&self) -> &[Self] {
        match self {
            Self::All(filters) => filters,
            one => std::slice::from_ref(one),
        }
    }

    /// What must stand behind the name of `jobs` where the rows of all matches are read: their order in the file is about
    /// that of time, so any other index would read each page again and again. SQLite does not know that.
    #[must_use]
    pub(crate) fn scan_hint(&self) -> &'static str {
        let is_indexed = |filter: &Self| match filter {
            Self::Column(
                Column::JobId | Column::Status | Column::CollectorId | Column::ProjectId,
                test,
            ) => matches!(test, ColumnTest::Equal(_) | ColumnTest::In(_)),
            Self::Document(test) => test.path.first().is_some_and(|root| root == "errors"),
            _ => false,
        };
        if self.conjuncts().iter().any(is_indexed) {
            ""
        } else {
            " INDEXED BY jobs_by_time"
        }
    }

    /// Whether it asks more than an index of `jobs` has.
    #[must_use]
    pub(crate) fn needs_rows(&self) -> bool {
        self.fields().into_iter().any(FieldRef::needs_row)
    }

    /// What it asks of a job.
    #[must_use]
    pub(crate) fn fields(&self) -> Vec<FieldRef> {
        match self {
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().flat_map(Self::fields).collect()
            }
            Self::Not(filter) => filter.fields(),
            Self::Column(column, _) => vec![FieldRef::Column(*column)],
            Self::Document(test) => vec![FieldRef::of_path(&test.path)],
        }
    }

    /// Whether [`Filter::holds`] can tell: it asks about text columns, and for no pattern.
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
            | Self::Document(_) => false,
        }
    }

    /// What [`Filter::lower`] says of a row with these texts, where the filter is plain.
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
            Self::Document(_) => false,
        }
    }

    /// As [`Filter::lower`], for where brackets stand around it already.
    #[must_use]
    pub(crate) fn lower_unbracketed(&self, tenant: &Tenant) -> Sql {
        match self {
            Self::All(filters) if filters.len() > 1 => join_unbracketed(filters, tenant, " AND "),
            Self::Any(filters) if filters.len() > 1 => join_unbracketed(filters, tenant, " OR "),
            other => other.lower(tenant),
        }
    }
}

fn join(filters: &[Filter], tenant: &Tenant, none: &'static str, separator: &'static str) -> Sql {
    match filters {
        [] => Sql::new(none),
        [only] => only.lower(tenant),
        several => {
            let mut sql = Sql::new("(");
            sql.append(join_unbracketed(several, tenant, separator))
                .push(")");
            sql
        }
    }
}

/// Joins at least two. Very many are halved into brackets first: SQLite bounds how deep an expression is, and a chain is
/// as deep as it is long.
fn join_unbracketed(filters: &[Filter], tenant: &Tenant, separator: &'static str) -> Sql {
    const LONGEST_CHAIN: usize = 50;
    let mut sql = Sql::default();
    if filters.len() <= LONGEST_CHAIN {
        sql.join(separator, filters.iter().map(|filter| filter.lower(tenant)));
        return sql;
    }
    let (left, right) = filters.split_at(filters.len() / 2);
    sql.push("(")
        .append(join_unbracketed(left, tenant, separator))
        .push(")")
        .push(separator);
    sql.push("(")
        .append(join_unbracketed(right, tenant, separator))
        .push(")");
    sql
}

/// A test inside the document, asked of as little of it as it is about.
fn lower_document(test: &Predicate, tenant: &Tenant) -> Sql {
    let (root, below) = test
        .path
        .split_first()
        .map_or(("", &[][..]), |(root, below)| (root.as_str(), below));
    let mut sql = Sql::default();
    if root == "collector_info" {
        // Once for each collector, not once for each of its jobs.
        let is_in_one = Predicate {
            path: below.to_vec(),
            check: test.check.clone(),
        };
        let holds_without = test.check.holds_of_missing();
        if holds_without {
            sql.push("(collector_info IS NULL OR ");
        }
        sql.push("collector_info IN (SELECT id FROM collector_infos WHERE ")
            .append(tenant.lower(&ALWAYS))
            .push(" AND holds(info, ")
            .bind(is_in_one.to_text())
            .push("))");
        if holds_without {
            sql.push(")");
        }
        return sql;
    }
    // Nothing is found below an array that is empty.
    let needs_errors =
        root == "errors" && (!below.is_empty() || matches!(test.check, Check::Match(_)));
    if needs_errors {
        sql.push("(error_count > 0 AND ");
    }
    sql.push("holds(")
        .push(HEAD)
        .push(", ")
        .bind(test.to_text())
        .push(")");
    if needs_errors {
        sql.push(")");
    }
    sql
}

fn lower_column(column: Column, test: &ColumnTest) -> Sql {
    let mut sql = Sql::default();
    match test {
        ColumnTest::IsNull => sql.append(column.sql()).push(" IS NULL"),
        ColumnTest::Equal(value) => sql.append(column.sql()).push(" = ").bind(value.clone()),
        ColumnTest::In(list) => sql
            .append(column.sql())
            .push(" IN (SELECT value FROM json_each(")
            .bind(list.json.as_str())
            .push("))"),
        ColumnTest::Compare(comparison, value) => sql
            .append(column.sql())
            .push(comparison.sql())
            .bind(value.clone()),
        ColumnTest::Matches(pattern) => lower_pattern(&mut sql, column, pattern),
        ColumnTest::Contains(words) => lower_pattern(&mut sql, column, &pattern::any_word(words)),
    };
    sql
}

fn lower_pattern<'s>(sql: &'s mut Sql, column: Column, pattern: &str) -> &'s mut Sql {
    sql.push("matches(")
        .append(column.sql())
        .push(", ")
        .bind(pattern)
        .push(")")
}
