//! The stage `group`: its keys, its accumulators and their conditions.

use crate::query::check::field::{FieldRef, Kind, NullMeans, Target, ValueType};
use crate::query::check::resolved::{Accumulator, Base, Group, GroupKey, Requirement};
use crate::query::check::stages::RequirementTest;
use crate::query::eval::path::path_param;
use crate::query::eval::value::Comparison;
use crate::query::index_hints::sorts_without_index;
use crate::query::order_by::{Term, order_by};
use crate::query::sql::Sql;
use crate::query::stat::expr::{Expr, alias, column_ref, date_text};
use crate::query::stat::pipeline::Pipeline;
use crate::query::where_clause::comparison_sql;
use crate::time::{DAY_MILLIS, Timestamp};

/// A date key with a format: rows are grouped by the number of the span of time, which is formatted afterwards.
struct SpanKey {
    /// The number of its column.
    number: usize,
    /// The length of a span, in ms.
    millis: i64,
    format: String,
}

impl Pipeline {
    /// Appends the stage.
    pub(super) fn group(&mut self, group: &Group) {
        let mut selected = Vec::with_capacity(group.keys.len() + group.fields.len());
        let mut columns = Vec::with_capacity(group.keys.len() + group.fields.len());
        let mut span_keys = Vec::new();
        for key in &group.keys {
            let number = self.number();
            let (sql, span) = self.group_key(key, number);
            span_keys.extend(span);
            columns.push(number);
            selected.push(alias(sql, number));
        }
        for field in &group.fields {
            let number = self.number();
            columns.push(number);
            selected.push(alias(self.accumulate(field), number));
        }
        let keys = &columns[..group.keys.len()];
        let mut sql = Sql::new("SELECT ");
        sql.join(", ", selected);
        self.push_from(&mut sql);
        if keys.is_empty() {
            sql.push(" HAVING count(*) > 0");
        } else {
            let fields = self.fields_of(&group.keys);
            let terms = group.keys.iter().zip(keys).map(|(key, number)| {
                let sorts = fields.as_ref().is_some_and(|fields| sorts(key, fields));
                let mut term = Sql::new(if sorts { "+" } else { "" });
                term.append(column_ref("c", *number));
                term
            });
            sql.push(" GROUP BY ").join(", ", terms);
        }
        self.push_table(sql);
        let keys = keys.iter();
        self.order = keys
            .map(|number| Term::ascending(column_ref("c", *number)))
            .collect();
        self.columns = columns;
        if !span_keys.is_empty() {
            self.format_spans(&span_keys);
        }
    }

    /// Returns the expression of a group key. For a date whose format follows a span of time it is the number of the
    /// span.
    fn group_key(&self, key: &GroupKey, number: usize) -> (Sql, Option<SpanKey>) {
        let mut date = self.resolve(&key.path);
        let Some(format) = &key.date_format else {
            let is_any = date.value_type.kind == Kind::Any;
            // A null that is SQL's NULL and one that is encoded are one group.
            return if is_any && date.value_type.nulls == NullMeans::Null {
                (date.into_any(), None)
            } else {
                (date.sql, None)
            };
        };
        let span = match date.value_type.kind {
            Kind::Time => format.format.span(),
            Kind::Text | Kind::Integer | Kind::Any => None,
        };
        let Some(span) = span else {
            if self.has_counters() {
                date.sql = Sql::new("day * ");
                date.sql
                    .bind(DAY_MILLIS)
                    .push(" + ")
                    .bind(Timestamp::MIN.millis());
            }
            return (date_text(date, &format.text, &format.location), None);
        };
        let mut sql = Sql::default();
        if self.has_counters() {
            sql.push("day");
        } else {
            // Counted from the year 0000, so that the division always rounds down.
            sql.push("(")
                .append(date.sql)
                .push(" - ")
                .bind(Timestamp::MIN.millis())
                .push(") / ")
                .bind(span.millis());
        }
        let span_key = SpanKey {
            number,
            millis: span.millis(),
            format: format.text.clone(),
        };
        (sql, Some(span_key))
    }

    /// Formats the numbers of spans, once a group instead of once a row.
    fn format_spans(&mut self, span_keys: &[SpanKey]) {
        let selected = self.columns.iter().map(|number| {
            let column = column_ref("c", *number);
            let Some(key) = span_keys.iter().find(|key| key.number == *number) else {
                return column;
            };
            let mut start = column;
            start
                .push(" * ")
                .bind(key.millis)
                .push(" + ")
                .bind(Timestamp::MIN.millis());
            let start = Expr {
                sql: start,
                value_type: ValueType {
                    kind: Kind::Time,
                    nulls: NullMeans::Null,
                },
            };
            alias(date_text(start, &key.format, ""), *number)
        });
        let mut sql = Sql::new("SELECT ");
        sql.join(", ", selected);
        self.push_from(&mut sql);
        self.push_table(sql);
    }

    fn accumulate(&self, accumulator: &Accumulator) -> Sql {
        match accumulator {
            Accumulator::Count(conditions) => {
                let mut sql = self.count_expr();
                self.filter_clause(&mut sql, conditions);
                sql
            }
            // It must be an aggregate, so that each group is one row.
            Accumulator::Zero => Sql::new("count(NULL)"),
            Accumulator::Sum(path, conditions) => {
                let value = self.resolve(path);
                let mut sql = Sql::new(match value.value_type.kind {
                    Kind::Any => "ifnull(sum_numbers(",
                    Kind::Text | Kind::Integer | Kind::Time => "ifnull(sum(",
                });
                sql.append(value.sql).push(")");
                self.filter_clause(&mut sql, conditions);
                sql.push(", 0)");
                sql
            }
            Accumulator::Average(path, conditions) => {
                let value = self.resolve(path);
                let (function, number) = match value.value_type.kind {
                    Kind::Text | Kind::Time => ("avg(", Sql::new("NULL")),
                    Kind::Integer => ("avg(", value.sql),
                    Kind::Any => ("average_numbers(", value.sql),
                };
                let mut sql = Sql::new(function);
                if conditions.is_empty() {
                    sql.append(number);
                } else {
                    // Rule: SpaceONE's `$avg` over `$cond` counts the rows that fail as 0.
                    sql.push("CASE WHEN ")
                        .append(self.requirements(conditions))
                        .push(" THEN ");
                    sql.append(number).push(" ELSE 0 END");
                }
                sql.push(")");
                sql
            }
            Accumulator::Percentile(path, percent) => {
                let value = self.resolve(path);
                let number = match value.value_type.kind {
                    Kind::Text | Kind::Time => Sql::new("NULL"),
                    Kind::Integer | Kind::Any => value.sql,
                };
                let mut sql = Sql::new("percentile(");
                sql.append(number)
                    .push(", ")
                    .bind(percent.thousandths())
                    .push(")");
                sql
            }
            Accumulator::Max(path) => extreme("max(", self.resolve(path)),
            Accumulator::Min(path) => extreme("min(", self.resolve(path)),
            Accumulator::First(path) => self.in_order("first(", self.resolve(path).sql),
            Accumulator::Last(path) => self.in_order("last(", self.resolve(path).sql),
            Accumulator::Push(fields) => {
                let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
                let mut object = Sql::new("object_of(");
                object.bind(path_param(&names));
                for (_, path) in fields {
                    object.push(", ").append(self.resolve(path).into_any());
                }
                object.push(")");
                self.in_order("push(", object)
            }
            Accumulator::AddToSet(path) => {
                let mut sql = Sql::new("push(DISTINCT ");
                let value = self.resolve(path).into_any();
                sql.append(value.clone())
                    .push(" ORDER BY ")
                    .append(value)
                    .push(")");
                sql
            }
            Accumulator::MergeObjects(path, location) => {
                let mut arguments = self.resolve(path).into_any();
                arguments.push(", ").bind(location.as_str());
                self.in_order("merge_objects(", arguments)
            }
        }
    }

    /// Returns an accumulator that depends on the order of the rows.
    fn in_order(&self, function: &'static str, arguments: Sql) -> Sql {
        let mut sql = Sql::new(function);
        sql.append(arguments);
        if !self.order.is_empty() {
            sql.push(" ORDER BY ").append(order_by(&self.order));
        }
        sql.push(")");
        sql
    }

    fn filter_clause(&self, sql: &mut Sql, conditions: &[Requirement]) {
        if !conditions.is_empty() {
            sql.push(" FILTER (WHERE ")
                .append(self.requirements(conditions))
                .push(")");
        }
    }

    /// Returns the condition that all requirements hold, in the order of types: missing < null < numbers < strings <
    /// objects < arrays < booleans < datetimes.
    fn requirements(&self, conditions: &[Requirement]) -> Sql {
        let mut all = Sql::default();
        let conditions = conditions.iter();
        all.join(" AND ", conditions.map(|one| self.requirement(one)));
        all
    }

    fn requirement(&self, condition: &Requirement) -> Sql {
        let expr = self.resolve(&condition.path);
        let ValueType { kind, nulls } = expr.value_type;
        let can_be_null = kind == Kind::Any || nulls == NullMeans::Null;
        // A plus removes the column's affinity; otherwise SQLite would compare 5 and '5' as equal.
        let value = || {
            let mut sql = Sql::new("+");
            sql.append(expr.clone().into_any());
            sql
        };
        let mut sql = Sql::new("(");
        sql.append(value())
            .push(match condition.test {
                RequirementTest::Equal => " = ",
                RequirementTest::Compare(comparison) => comparison_sql(comparison),
            })
            .bind(condition.value.clone().into_param());
        match condition.test {
            RequirementTest::Equal => {}
            RequirementTest::Compare(Comparison::Gt | Comparison::Gte) => {
                if can_be_null {
                    sql.push(" AND ").append(value()).push(" <> x'00'");
                }
            }
            RequirementTest::Compare(Comparison::Lt | Comparison::Lte) => {
                if nulls != NullMeans::NotNull {
                    sql.push(" OR ").append(value()).push(" IS NULL");
                }
                if can_be_null {
                    sql.push(" OR ").append(value()).push(" = x'00'");
                }
            }
        }
        sql.push(")");
        sql
    }
}

/// Whether SQLite is to sort by a key, rather than read the jobs in the order of an index.
fn sorts(key: &GroupKey, fields: &[FieldRef]) -> bool {
    matches!(&key.path.base, Base::Job(Target::Column(column)) if sorts_without_index(*column, fields))
}

/// Returns the largest or smallest value that is not null.
fn extreme(function: &'static str, value: Expr) -> Sql {
    let mut sql = Sql::new(function);
    match value.value_type.kind {
        Kind::Any => sql.push("nullif(").append(value.sql).push(", x'00')"),
        Kind::Text | Kind::Integer | Kind::Time => sql.append(value.sql),
    };
    sql.push(")");
    sql
}
