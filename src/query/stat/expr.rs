//! Expressions over the rows of a pipeline: the SQL, and what its values are.

use crate::query::check::field::{Kind, NullMeans, Target, resolve_segments};
use crate::query::error::QueryError;
use crate::query::eval::path::path_param;
use crate::query::order_by::Term;
use crate::query::sql::Sql;

/// A row of `json_each` over what `explode` made: scalars as they are, all else as a BLOB in hexadecimal.
pub(super) const ELEMENT: &str =
    "CASE e.type WHEN 'array' THEN unhex(e.value ->> 0) ELSE e.value END";

/// An expression over the rows so far, with what its values are.
#[derive(Debug, Clone)]
pub(super) struct Expr {
    pub(super) sql: Sql,
    pub(super) kind: Kind,
    pub(super) nulls: NullMeans,
}

impl Expr {
    pub(super) fn any(sql: Sql) -> Self {
        Self {
            sql,
            kind: Kind::Any,
            nulls: NullMeans::Missing,
        }
    }

    pub(super) fn missing() -> Self {
        Self::any(Sql::new("NULL"))
    }

    /// The same value as [`Kind::Any`], where NULL is a missing one.
    pub(super) fn into_any(self) -> Sql {
        let mut sql = Sql::default();
        let null = self.nulls == NullMeans::Null;
        if null {
            sql.push("ifnull(");
        }
        match self.kind {
            Kind::Time => sql.push("time_value(").append(self.sql).push(")"),
            _ => sql.append(self.sql),
        };
        if null {
            sql.push(", x'00')");
        }
        sql
    }
}

/// How a path goes on at an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It gathers what it finds in the elements.
    Gather,
    /// It ends there.
    Member,
}

/// The canonical path into a document; `None` for one that leads nowhere.
pub(super) fn document_path(
    segments: &[String],
    place: &str,
) -> Result<Option<Vec<String>>, QueryError> {
    Ok(resolve_segments(segments.to_vec(), place)?.segments())
}

pub(super) fn from_document(target: Target, step: Step) -> Expr {
    match target {
        Target::Column(column) => Expr {
            sql: column.sql(),
            kind: Kind::of_column(column),
            nulls: column.null_means(),
        },
        Target::NeverThere => Expr::missing(),
        Target::Document(path) => {
            let mut sql = Sql::new(if step == Step::Gather {
                "value_at("
            } else {
                "member_at("
            });
            sql.append(path.arguments()).push(")");
            Expr::any(sql)
        }
    }
}

/// The value at a path below another.
pub(super) fn below(expr: Expr, rest: &[String], step: Step) -> Expr {
    if rest.is_empty() {
        return expr;
    }
    if expr.kind != Kind::Any {
        return Expr::missing();
    }
    let mut sql = Sql::new(if step == Step::Gather {
        "get("
    } else {
        "member("
    });
    sql.append(expr.sql)
        .push(", ")
        .bind(path_param(rest))
        .push(")");
    Expr::any(sql)
}

/// The value with another put in at a path below it.
pub(super) fn put(whole: Sql, path: &[String], part: Sql) -> Sql {
    let mut sql = Sql::new("put(");
    sql.append(whole)
        .push(", ")
        .bind(path_param(path))
        .push(", ")
        .append(part)
        .push(")");
    sql
}

pub(super) fn date_text(expr: Expr, format: &str, place: &str) -> Expr {
    let mut sql = Sql::default();
    if expr.kind == Kind::Time {
        sql.push("date_text(")
            .append(expr.sql)
            .push(", ")
            .bind(format)
            .push(")");
    } else {
        sql.push("any_date_text(")
            .append(expr.into_any())
            .push(", ")
            .bind(format)
            .push(", ")
            .bind(place)
            .push(")");
    }
    Expr {
        sql,
        kind: Kind::Any,
        nulls: NullMeans::Null,
    }
}

/// The term for a path below an expression.
pub(super) fn sort_term(base: Expr, rest: &[String], desc: bool) -> Term {
    let sql = match base.kind {
        Kind::Any => {
            let mut sql = Sql::new("sort_key(");
            sql.append(base.into_any())
                .push(", ")
                .bind(path_param(rest));
            sql.push(", ").bind(i64::from(desc)).push(")");
            sql
        }
        _ if rest.is_empty() => base.sql,
        _ => Sql::new("NULL"),
    };
    Term { sql, desc }
}

pub(super) fn extreme(function: &'static str, expr: Expr) -> Expr {
    let mut sql = Sql::new(function);
    match expr.kind {
        Kind::Any => sql.push("nullif(").append(expr.sql).push(", x'00')"),
        _ => sql.append(expr.sql),
    };
    sql.push(")");
    Expr {
        sql,
        kind: expr.kind,
        nulls: NullMeans::Null,
    }
}

pub(super) fn column_ref(prefix: &'static str, number: usize) -> Sql {
    let mut sql = Sql::new(prefix);
    sql.number(number);
    sql
}

pub(super) fn alias(mut sql: Sql, number: usize) -> Sql {
    sql.push(" AS c").number(number);
    sql
}
