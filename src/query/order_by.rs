//! The ORDER BY clause of lists and statistics.

use crate::query::check::field::DocumentPath;
use crate::query::sql::Sql;

/// A term of ORDER BY.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) sql: Sql,
    pub(super) desc: bool,
}

impl Term {
    /// An ascending term.
    pub(super) fn ascending(sql: Sql) -> Self {
        Self { sql, desc: false }
    }
}

/// Joins the terms of an order with commas, without the words ORDER BY.
pub(super) fn order_by<'t>(terms: impl IntoIterator<Item = &'t Term>) -> Sql {
    let terms = terms.into_iter().map(|term| {
        let mut sql = term.sql.clone();
        if term.desc {
            sql.push(" DESC");
        }
        sql
    });
    let mut sql = Sql::default();
    sql.join(", ", terms);
    sql
}

/// Returns the expression of the key that orders jobs by a path into their documents.
pub(super) fn sort_value(path: &DocumentPath, desc: bool) -> Sql {
    let mut sql = Sql::new("sort_value(");
    sql.append(path.arguments())
        .push(", ")
        .bind(i64::from(desc))
        .push(")");
    sql
}
