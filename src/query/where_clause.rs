//! The WHERE clause: the tenant's domain and the filter.
//!
//! Lowering cannot fail: every operand has the type of what it is compared with already. A positive test may come out
//! NULL, which WHERE, AND and OR take for false; a negation tests `ifnull(…, 0)`, so it is the exact complement. NULL is
//! decided here and nowhere else.
//!
//! A member with a column of its own is tested by SQL's operators on that column. What lies deeper in the document, where
//! arrays and types matter, is tested by our SQL function `holds(document, test)`: see [`crate::query::eval::predicate`].

use crate::query::check::field::{Column, DocumentPath, HEAD, Root};
use crate::query::check::filter::{ColumnTest, Filter};
use crate::query::eval::pattern;
use crate::query::eval::predicate::{Check, predicate_param};
use crate::query::eval::value::Comparison;
use crate::query::sql::Sql;
use crate::query::tenant::Tenant;

/// Returns the condition of a tenant's rows that pass a filter.
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

/// The condition over a row of `jobs`, in brackets where it needs them.
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

/// As [`lower`], for a condition that is in brackets already.
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

/// Joins at least two. Very many are halved into brackets first: SQLite limits the depth of an expression, and a chain is
/// as deep as it is long.
fn join_unbracketed(filters: &[Filter], tenant: &Tenant, separator: &'static str) -> Sql {
    const LONGEST_CHAIN: usize = 50;
    let mut sql = Sql::default();
    if filters.len() <= LONGEST_CHAIN {
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

/// A test inside the document, made on the smallest part that holds what it tests.
fn lower_document(path: &DocumentPath, check: &Check, tenant: &Tenant) -> Sql {
    let mut sql = Sql::default();
    let (start, end) = match path.root {
        // Once for each collector, not once for each of its jobs.
        Root::CollectorInfo => {
            let holds_without = check.holds_of_missing();
            if holds_without {
                sql.push("(collector_info IS NULL OR ");
            }
            sql.push("collector_info IN (SELECT id FROM collector_infos WHERE ")
                .append(tenant.condition())
                .push(" AND holds(info, ")
                .bind(predicate_param(&path.below, check))
                .push("))")
                .push(if holds_without { ")" } else { "" });
            return sql;
        }
        // An empty array has nothing below it.
        Root::Errors if !path.below.is_empty() || matches!(check, Check::Match(_)) => {
            ("(error_count > 0 AND ", ")")
        }
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

/// The operator as SQL writes it, with blanks around it.
pub(super) fn comparison_sql(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Lt => " < ",
        Comparison::Lte => " <= ",
        Comparison::Gt => " > ",
        Comparison::Gte => " >= ",
    }
}
