//! The ORDER BY clause of lists and statistics.

use crate::query::check::field::DocumentPath;
use crate::query::eval::sort_key::{KeyPath, keys_param};
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

/// Returns the expression of the key that orders jobs by a path into their documents. `keys` are all keys of the sort that
/// do so, with whether they are descending: keys that lead through one array depend on each other.
pub(super) fn sort_value(path: &DocumentPath, keys: &[(&DocumentPath, bool)]) -> Sql {
    let in_text: Vec<_> = keys
        .iter()
        .filter(|(other, _)| other.text() == path.text())
        .collect();
    let number = in_text.iter().position(|(other, _)| *other == path);
    let paths = in_text.into_iter().map(|(other, desc)| KeyPath {
        path: other
            .segments_in_text()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        desc: *desc,
    });
    let mut sql = Sql::new("sort_value(");
    sql.push(path.text()).push(", ");
    push_key(&mut sql, &paths.collect::<Vec<_>>(), number);
    sql
}

/// Appends the keys of a sort and the position of one of them: the last arguments of an SQL function, with its bracket.
pub(super) fn push_key(sql: &mut Sql, keys: &[KeyPath], number: Option<usize>) {
    sql.bind(keys_param(keys)).push(", ");
    sql.number(number.unwrap_or_default()).push(")");
}
