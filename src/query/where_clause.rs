//! The WHERE clause: the tenant's domain and the filter.
//!
//! Lowering cannot fail: each operand already has the type of the column that it is compared with. A positive test may
//! give NULL, which WHERE, AND and OR take for false; a negation tests `ifnull(…, 0)`, so it is the exact complement.
//! NULL is decided here and nowhere else.
//!
//! A member with a column of its own is tested by SQL's operators on that column. Values deeper in the document, where
//! arrays and types matter, are tested by our SQL function `holds(document, test)`: see
//! [`crate::query::eval::predicate`].

use crate::query::check::field::{Column, DocumentPath, HEAD, Root};
use crate::query::check::filter::{ColumnTest, Filter, requires_error};
use crate::query::eval::pattern;
use crate::query::eval::predicate::{Check, predicate_param};
use crate::query::eval::value::Comparison;
use crate::query::sql::Sql;
use crate::query::tenant::Tenant;

/// Returns the condition that a row is the tenant's and passes a filter.
///
/// The domain comes first, and the filter is in brackets of its own, so that nothing a client sends can widen it.
pub(super) fn where_clause(tenant: &Tenant, filter: &Filter) -> Sql {
    let mut sql = tenant.condition();
    if !filter.is_always() {
        sql.push(" AND (")
            .append(lower_unbracketed(filter, tenant))
            .push(")");
    }
    sql
}

/// Returns the condition over a row of `jobs`, in brackets where it needs them.
pub(super) fn lower(filter: &Filter, tenant: &Tenant) -> Sql {
    match filter {
        Filter::All(filters) => join(filters, tenant, "1", " AND "),
        Filter::Any(filters) => join(filters, tenant, "0", " OR "),
        Filter::Not(filter) => {
            let mut sql = Sql::new("NOT ifnull(");
            sql.append(lower(filter, tenant)).push(", 0)");
            sql
        }
        Filter::Column(column, test) => lower_column(*column, test),
        Filter::Document(path, check) => lower_document(path, check, tenant),
    }
}

/// Returns the condition as [`lower`] does, without brackets, which the caller writes.
fn lower_unbracketed(filter: &Filter, tenant: &Tenant) -> Sql {
    match filter {
        Filter::All(filters) if filters.len() > 1 => join_unbracketed(filters, tenant, " AND "),
        Filter::Any(filters) if filters.len() > 1 => join_unbracketed(filters, tenant, " OR "),
        other => lower(other, tenant),
    }
}

fn join(filters: &[Filter], tenant: &Tenant, none: &'static str, separator: &'static str) -> Sql {
    match filters {
        [] => Sql::new(none),
        [only] => lower(only, tenant),
        several => {
            let mut sql = Sql::new("(");
            sql.append(join_unbracketed(several, tenant, separator))
                .push(")");
            sql
        }
    }
}

/// Joins at least two filters. Very many are split into halves in brackets: SQLite limits the depth of an expression,
/// and a chain is as deep as it is long.
fn join_unbracketed(filters: &[Filter], tenant: &Tenant, separator: &'static str) -> Sql {
    const MAX_CHAIN: usize = 50;
    let mut sql = Sql::default();
    if filters.len() <= MAX_CHAIN {
        sql.join(
            separator,
            filters.iter().map(|filter| lower(filter, tenant)),
        );
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

/// Lowers a test of a value inside the document: `holds` over the smallest text that has the value.
fn lower_document(path: &DocumentPath, check: &Check, tenant: &Tenant) -> Sql {
    let mut sql = Sql::default();
    let (start, end) = match path.root {
        // The test runs once for each collector, not once for each of its jobs.
        Root::CollectorInfo => {
            let passes_without = check.passes_missing();
            if passes_without {
                sql.push("(collector_info IS NULL OR ");
            }
            sql.push("collector_info IN (SELECT id FROM collector_infos WHERE ")
                .append(tenant.condition())
                .push(" AND holds(info, ")
                .bind(predicate_param(&path.below, check))
                .push("))")
                .push(if passes_without { ")" } else { "" });
            return sql;
        }
        Root::Errors if requires_error(path, check) => ("(error_count > 0 AND ", ")"),
        Root::Errors | Root::Filter => ("", ""),
    };
    sql.push(start)
        .push("holds(")
        .push(HEAD)
        .push(", ")
        .bind(predicate_param(&path.segments(), check))
        .push(")")
        .push(end);
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
            .bind(list.json())
            .push("))"),
        ColumnTest::Compare(comparison, value) => sql
            .append(column.sql())
            .push(comparison_sql(*comparison))
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

/// Returns the operator in SQL, with spaces around it.
pub(super) fn comparison_sql(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Lt => " < ",
        Comparison::Lte => " <= ",
        Comparison::Gt => " > ",
        Comparison::Gte => " >= ",
    }
}
