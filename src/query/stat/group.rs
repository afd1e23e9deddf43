//! The stage `group`: its keys, its accumulators and their conditions.

use crate::query::check::field::FieldRef;
use crate::query::check::field::Kind;
use crate::query::check::field::{Column, NullMeans, Target, resolve_segments};
use crate::query::check::filter::Filter;
use crate::query::check::stages::{Accumulator, Group, GroupKey, Requirement, RequirementTest};
use crate::query::counters::group;
use crate::query::counters::group::{CounterGroup, Source};
use crate::query::counters::tables::CounterTable;
use crate::query::error::QueryError;
use crate::query::eval::path::path_param;
use crate::query::eval::value::Comparison;
use crate::query::order_by::{Term, order_by};
use crate::query::sql::Sql;
use crate::query::stat::expr::{Expr, alias, column_ref, date_text, extreme};
use crate::query::stat::pipeline::{NamedColumn, Pipeline, RowShape};
use crate::query::tenant::Tenant;
use crate::query::where_clause::comparison_sql;
use crate::time::{DAY_MILLIS, Timestamp};

/// What a group counts by, where it does nothing else.
fn countable(group: &Group) -> Option<Vec<FieldRef>> {
    if !group.only_counts() {
        return None;
    }
    let asked = |key: &GroupKey| {
        let target = resolve_segments(key.path.segments.clone(), &key.path.place).ok()?;
        match (target, &key.date_format) {
            (Target::Column(column), None) => Some(FieldRef::Column(column)),
            (Target::Document(path), None) => Some(FieldRef::from_path(&path)),
            (Target::Column(Column::CreatedAt), Some(format)) => {
                format.format.is_of_days().then_some(FieldRef::Day)
            }
            _ => None,
        }
    };
    group.keys.iter().map(asked).collect()
}

/// A group that can be told from counts in memory.
pub(super) fn counted(group: &Group, tenant: &Tenant, filter: &Filter) -> Option<CounterGroup> {
    let asked = countable(group)?;
    let source = match CounterTable::for_group(&asked, filter)? {
        CounterTable::Days => Source::Days,
        CounterTable::Collectors => Source::Collectors,
        // Of statuses there are but six; the others are asked more seldom, and are few enough.
        CounterTable::Statuses | CounterTable::CollectorInfos | CounterTable::Projects => {
            return None;
        }
    };
    let keys = group
        .keys
        .iter()
        .zip(&asked)
        .map(|(key, asked)| match &key.date_format {
            Some(format) => group::Key::Day(format.format.clone(), format.text.clone()),
            None if *asked == FieldRef::Column(Column::Status) => group::Key::Status,
            None => group::Key::Collector,
        });
    let names: Vec<&str> = group
        .keys
        .iter()
        .map(|key| key.name.as_str())
        .chain(group.fields.iter().map(|field| field.name.as_str()))
        .collect();
    CounterGroup::new(tenant, filter, source, keys.collect(), &names)
}

impl Pipeline {
    pub(super) fn group(&mut self, group: &Group) -> Result<(), QueryError> {
        if let Some(keys) = countable(group) {
            self.count_from(&keys);
        }
        let mut selected = Vec::new();
        let mut columns = Vec::new();
        let mut spans = Vec::new();
        for key in &group.keys {
            let number = self.number();
            let (expr, span) = self.group_key(key)?;
            if let Some((span, format)) = span {
                spans.push((number, span, format));
            }
            columns.push(NamedColumn::of(&key.name, number, &expr, true));
            selected.push(alias(expr.sql, number));
        }
        for field in &group.fields {
            let number = self.number();
            let expr = self.accumulate(&field.accumulator, &field.place)?;
            columns.push(NamedColumn::of(&field.name, number, &expr, false));
            selected.push(alias(expr.sql, number));
        }
        self.read_in_order();
        let mut sql = Sql::new("SELECT ");
        sql.join(", ", selected);
        self.push_from(&mut sql);
        if group.keys.is_empty() {
            sql.push(" HAVING count(*) > 0");
        } else {
            sql.push(" GROUP BY ");
            sql.join(
                ", ",
                columns
                    .iter()
                    .filter(|column| column.is_key)
                    .map(|column| column_ref("c", column.number)),
            );
        }
        self.push_table(sql);
        self.order = columns
            .iter()
            .filter(|column| column.is_key)
            .map(|column| Term::ascending(column_ref("c", column.number)))
            .collect();
        self.rows = RowShape::Columns(columns);
        self.is_counted = false;
        if !spans.is_empty() {
            self.format_spans(&spans);
        }
        Ok(())
    }

    /// The expression of a group key; of a date in a format that follows a span of time, the number of the span.
    fn group_key(&self, key: &GroupKey) -> Result<(Expr, Option<(i64, String)>), QueryError> {
        let expr = self.resolve(&key.path)?;
        let Some(format) = &key.date_format else {
            return Ok((expr, None));
        };
        let mut expr = expr;
        if self.is_counted {
            expr.sql = Sql::new("day * ");
            expr.sql
                .bind(DAY_MILLIS)
                .push(" + ")
                .bind(Timestamp::MIN.millis());
        }
        if let (Kind::Time, Some(span)) = (expr.kind, format.format.span()) {
            let mut sql = Sql::default();
            if self.is_counted {
                sql.push("day");
            } else {
                // CounterGroup from the year 0000, so that the division always rounds down.
                sql.push("(")
                    .append(expr.sql)
                    .push(" - ")
                    .bind(Timestamp::MIN.millis())
                    .push(") / ")
                    .bind(span.millis());
            }
            let expr = Expr {
                sql,
                kind: Kind::Integer,
                nulls: NullMeans::Null,
            };
            return Ok((expr, Some((span.millis(), format.text.clone()))));
        }
        Ok((date_text(expr, &format.text, &format.place), None))
    }

    /// Makes texts of the numbers of spans, once a group instead of once a row.
    fn format_spans(&mut self, spans: &[(usize, i64, String)]) {
        let RowShape::Columns(columns) = &self.rows else {
            return;
        };
        let mut columns = columns.clone();
        let mut selected = Vec::new();
        for column in &mut columns {
            let own = column_ref("c", column.number);
            let Some((_, span, format)) =
                spans.iter().find(|(number, ..)| *number == column.number)
            else {
                selected.push(own);
                continue;
            };
            let mut moment = own;
            moment
                .push(" * ")
                .bind(*span)
                .push(" + ")
                .bind(Timestamp::MIN.millis());
            let time = Expr {
                sql: moment,
                kind: Kind::Time,
                nulls: NullMeans::Null,
            };
            let text = date_text(time, format, "");
            selected.push(alias(text.sql, column.number));
            (column.kind, column.nulls) = (text.kind, text.nulls);
        }
        let mut sql = Sql::new("SELECT ");
        sql.join(", ", selected);
        self.push_from(&mut sql);
        self.push_table(sql);
        self.rows = RowShape::Columns(columns);
    }

    fn accumulate(&self, accumulator: &Accumulator, place: &str) -> Result<Expr, QueryError> {
        let integer = |sql: Sql| Expr {
            sql,
            kind: Kind::Integer,
            nulls: NullMeans::NotNull,
        };
        Ok(match accumulator {
            Accumulator::Count(conditions) => {
                let mut sql = self.count_expr();
                self.filter_clause(&mut sql, conditions)?;
                integer(sql)
            }
            Accumulator::Sum(path, conditions) => {
                let expr = self.resolve(path)?;
                let kind = if expr.kind == Kind::Any {
                    Kind::Any
                } else {
                    Kind::Integer
                };
                let mut sql = Sql::default();
                match expr.kind {
                    // None of them is a number. It must still be an aggregate, so that there is one row a group.
                    Kind::Text | Kind::Time => return Ok(integer(Sql::new("count(NULL)"))),
                    Kind::Integer => sql.push("ifnull(sum(").append(expr.sql).push(")"),
                    Kind::Any => sql.push("ifnull(sum_numbers(").append(expr.sql).push(")"),
                };
                self.filter_clause(&mut sql, conditions)?;
                sql.push(", 0)");
                Expr {
                    sql,
                    kind,
                    nulls: NullMeans::NotNull,
                }
            }
            Accumulator::Average(path, conditions) => {
                let expr = self.resolve(path)?;
                let (function, number) = match expr.kind {
                    Kind::Text | Kind::Time => ("avg(", Sql::new("NULL")),
                    Kind::Integer => ("avg(", expr.sql),
                    Kind::Any => ("average_numbers(", expr.sql),
                };
                let mut sql = Sql::new(function);
                if conditions.is_empty() {
                    sql.append(number);
                } else {
                    // Rule: SpaceONE's `$avg` over `$cond` gives the rows that fail as 0.
                    sql.push("CASE WHEN ")
                        .append(self.requirements(conditions)?)
                        .push(" THEN ");
                    sql.append(number).push(" ELSE 0 END");
                }
                sql.push(")");
                Expr {
                    sql,
                    kind: Kind::Any,
                    nulls: NullMeans::Null,
                }
            }
            Accumulator::Max(path) => extreme("max(", self.resolve(path)?),
            Accumulator::Min(path) => extreme("min(", self.resolve(path)?),
            Accumulator::First(path) => self.in_order("first(", self.resolve(path)?),
            Accumulator::Last(path) => self.in_order("last(", self.resolve(path)?),
            Accumulator::Push(fields) => {
                let names: Vec<_> = fields.iter().map(|(name, _)| name.clone()).collect();
                let mut object = Sql::new("object_of(");
                object.bind(path_param(&names));
                for (_, path) in fields {
                    object.push(", ").append(self.resolve(path)?.into_any());
                }
                object.push(")");
                Expr {
                    nulls: NullMeans::Null,
                    ..self.in_order("push(", Expr::any(object))
                }
            }
            Accumulator::AddToSet(path) => {
                let mut sql = Sql::new("push(DISTINCT ");
                let value = self.resolve(path)?.into_any();
                sql.append(value.clone())
                    .push(" ORDER BY ")
                    .append(value)
                    .push(")");
                Expr {
                    sql,
                    kind: Kind::Any,
                    nulls: NullMeans::Null,
                }
            }
            Accumulator::MergeObjects(path) => {
                let value = Expr::any(self.resolve(path)?.into_any());
                let mut with_place = value.sql;
                with_place.push(", ").bind(place);
                Expr {
                    nulls: NullMeans::Null,
                    ..self.in_order("merge_objects(", Expr::any(with_place))
                }
            }
        })
    }

    /// An accumulator that depends on the order of the rows.
    fn in_order(&self, function: &'static str, expr: Expr) -> Expr {
        let mut sql = Sql::new(function);
        sql.append(expr.sql);
        if !self.order.is_empty() {
            sql.push(" ORDER BY ").append(order_by(&self.order));
        }
        sql.push(")");
        Expr {
            sql,
            kind: expr.kind,
            nulls: NullMeans::Null,
        }
    }

    fn filter_clause(&self, sql: &mut Sql, conditions: &[Requirement]) -> Result<(), QueryError> {
        if !conditions.is_empty() {
            sql.push(" FILTER (WHERE ")
                .append(self.requirements(conditions)?)
                .push(")");
        }
        Ok(())
    }

    /// All the conditions, across types: missing < null < numbers < strings < objects < arrays < booleans < datetimes.
    fn requirements(&self, conditions: &[Requirement]) -> Result<Sql, QueryError> {
        let mut all = Sql::default();
        let lowered = conditions
            .iter()
            .map(|condition| self.requirement(condition))
            .collect::<Result<Vec<_>, _>>()?;
        all.join(" AND ", lowered);
        Ok(all)
    }

    fn requirement(&self, condition: &Requirement) -> Result<Sql, QueryError> {
        let expr = self.resolve(&condition.path)?;
        let may_be_null_value = expr.kind == Kind::Any || expr.nulls == NullMeans::Null;
        // A plus takes the column's affinity away: else SQLite would compare 5 and '5' as equal.
        let value = || {
            let mut sql = Sql::new("+");
            sql.append(expr.clone().into_any());
            sql
        };
        let operand = condition.value.clone().into_param();
        let mut sql = Sql::new("(");
        sql.append(value());
        match condition.test {
            RequirementTest::Equal => sql.push(" = ").bind(operand),
            RequirementTest::Compare(comparison @ (Comparison::Gt | Comparison::Gte)) => {
                sql.push(comparison_sql(comparison)).bind(operand);
                if may_be_null_value {
                    sql.push(" AND ").append(value()).push(" <> x'00'");
                }
                &mut sql
            }
            RequirementTest::Compare(comparison) => {
                sql.push(comparison_sql(comparison)).bind(operand);
                if expr.nulls != NullMeans::NotNull {
                    sql.push(" OR ").append(value()).push(" IS NULL");
                }
                if may_be_null_value {
                    sql.push(" OR ").append(value()).push(" = x'00'");
                }
                &mut sql
            }
        };
        sql.push(")");
        Ok(sql)
    }
}
