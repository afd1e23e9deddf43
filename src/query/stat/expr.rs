//! Expressions over the rows of a pipeline: the SQL, and the type of its values.

use crate::query::check::field::{Kind, NullMeans, Target, ValueType};
use crate::query::eval::path::path_param;
use crate::query::eval::sort_key::KeyPath;
use crate::query::order_by::push_key;
use crate::query::sql::Sql;

/// Decodes a row of `json_each` over what `explode` returns: a number or string as it is, or a BLOB in hexadecimal.
pub(super) const ELEMENT: &str =
    "CASE e.type WHEN 'array' THEN unhex(e.value ->> 0) ELSE e.value END";

/// An expression over the rows so far, and the type of its values.
#[derive(Debug, Clone)]
pub(super) struct Expr {
    pub(super) sql: Sql,
    pub(super) value_type: ValueType,
}

impl Expr {
    /// Returns the expression as [`Kind::Any`], where SQL's NULL is a missing value.
    pub(super) fn into_any(self) -> Sql {
        let mut sql = Sql::default();
        let has_null = self.value_type.nulls == NullMeans::Null;
        if has_null {
            sql.push("ifnull(");
        }
        match self.value_type.kind {
            Kind::Time => sql.push("time_value(").append(self.sql).push(")"),
            Kind::Text | Kind::Integer | Kind::Any => sql.append(self.sql),
        };
        if has_null {
            sql.push(", x'00')");
        }
        sql
    }
}

/// How a path continues at an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It gathers the values that the elements have.
    Gather,
    /// It leads nowhere.
    Member,
}

/// Returns the value at a path into a job.
pub(super) fn in_job(target: &Target, step: Step) -> Sql {
    match target {
        Target::Column(column) => column.sql(),
        Target::NeverThere => Sql::new("NULL"),
        Target::Document(path) => {
            let mut sql = Sql::new(match step {
                Step::Gather => "gather_at(",
                Step::Member => "member_at(",
            });
            sql.append(path.arguments()).push(")");
            sql
        }
    }
}

/// Returns the value at a path below another of any type.
pub(super) fn below(value: Sql, path: &[String], step: Step) -> Sql {
    if path.is_empty() {
        return value;
    }
    let mut sql = Sql::new(match step {
        Step::Gather => "gather(",
        Step::Member => "member(",
    });
    sql.append(value)
        .push(", ")
        .bind(path_param(path))
        .push(")");
    sql
}

/// Replaces the part of a value at a path below it.
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

/// Returns the text of a date in a format.
pub(super) fn date_text(date: Expr, format: &str, location: &str) -> Sql {
    let mut sql = Sql::default();
    if date.value_type.kind == Kind::Time {
        sql.push("date_text(")
            .append(date.sql)
            .push(", ")
            .bind(format)
            .push(")");
    } else {
        sql.push("any_date_text(")
            .append(date.into_any())
            .push(", ")
            .bind(format)
            .push(", ")
            .bind(location)
            .push(")");
    }
    sql
}

/// Returns the expression of the key that orders rows by the path of a key below a value. `keys` are all keys of the sort
/// that lead below the same value.
pub(super) fn sort_key(value: Expr, key: &KeyPath, keys: &[KeyPath]) -> Sql {
    match value.value_type.kind {
        Kind::Any => {
            let mut sql = Sql::new("sort_key(");
            sql.append(value.into_any()).push(", ");
            push_key(&mut sql, keys, keys.iter().position(|other| other == key));
            sql
        }
        _ if key.path.is_empty() => value.sql,
        _ => Sql::new("NULL"),
    }
}

/// Returns a name of a prefix and a number, such as `c0`.
pub(super) fn column_ref(prefix: &'static str, number: usize) -> Sql {
    let mut sql = Sql::new(prefix);
    sql.number(number);
    sql
}

/// Names an expression as column `c` and a number.
pub(super) fn alias(mut sql: Sql, number: usize) -> Sql {
    sql.push(" AS c").number(number);
    sql
}
