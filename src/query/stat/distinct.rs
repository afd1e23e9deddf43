//! `distinct`: the distinct values at a path.
//!
//! Rule: the conformance notes: an array gives its elements, a missing value nothing, and null is a value.

use crate::query::check::field::{Column, FieldRef, NullMeans, Root, Target, ValueType};
use crate::query::check::filter::Filter;
use crate::query::counters::tables;
use crate::query::index_hints::{scan_hint, sorts_without_index};
use crate::query::sql::Sql;
use crate::query::stat::expr::ELEMENT;
use crate::query::stat::output::{Output, Statement};
use crate::query::tenant::Tenant;
use crate::query::where_clause::where_clause;

/// Lowers `distinct` to one statement.
pub(super) fn lower(tenant: &Tenant, filter: &Filter, target: &Target) -> Statement {
    let (sql, value_type) = match target {
        Target::Column(column) => {
            let sql = in_column(tenant, filter, *column);
            (sql, ValueType::of_column(*column))
        }
        Target::NeverThere => (Sql::new("SELECT NULL AS c0 WHERE 0"), ValueType::ANY),
        Target::Document(path) => {
            let counters = tables::rows(&[FieldRef::from_path(path)], tenant, filter);
            let mut sql = Sql::new("SELECT DISTINCT ");
            sql.push(ELEMENT).push(" AS c0 FROM ");
            let rest = if let Some(counters) = counters {
                sql.push("(").append(counters).push(")");
                // The counters are already filtered.
                Sql::new("1")
            } else {
                sql.push("jobs");
                where_clause(tenant, filter)
            };
            sql.push(", json_each(reached(")
                .append(path.arguments())
                .push(")) AS e WHERE ")
                .append(rest);
            if path.root == Root::Errors && !path.below.is_empty() {
                sql.push(" AND error_count > 0");
            }
            sql.push(" ORDER BY nullif(c0, x'00'), c0");
            (sql, ValueType::ANY)
        }
    };
    Statement {
        sql,
        output: Output::Values(value_type),
    }
}

/// Selects the distinct values of a column.
fn in_column(tenant: &Tenant, filter: &Filter, column: Column) -> Sql {
    let field = FieldRef::from_column(column);
    let mut sql = Sql::new("SELECT DISTINCT ");
    if let Some(counters) = tables::rows(&[field], tenant, filter) {
        sql.append(column.sql())
            .push(" AS c0 FROM (")
            .append(counters)
            .push(") WHERE 1");
    } else {
        let hint = if filter.needs_rows() || field.needs_row() {
            scan_hint(filter)
        } else {
            ""
        };
        if hint.is_empty() && !filter.has_job_ids() && sorts_without_index(column, &filter.fields())
        {
            sql.push("+");
        }
        sql.append(column.sql())
            .push(" AS c0 FROM jobs")
            .push(hint)
            .push(" WHERE ")
            .append(where_clause(tenant, filter));
    }
    if column.null_means() == NullMeans::Missing {
        sql.push(" AND ").append(column.sql()).push(" IS NOT NULL");
    }
    sql.push(" ORDER BY c0");
    sql
}
