//! The fold: each stage makes of the rows so far the rows after it. (Groups are in [`crate::query::stat::group`].)

use std::cell::Cell;

use crate::query::check::field::FieldRef;
use crate::query::check::field::Kind;
use crate::query::check::field::{NullMeans, Target, resolve_segments};
use crate::query::check::filter::Filter;
use crate::query::check::stages::{
    Expression, Function, Group, GroupKey, PathAt, Project, Sort, Stage,
};
use crate::query::counters::tables;
use crate::query::error::QueryError;
use crate::query::eval::path::path_param;
use crate::query::order_by::{Term, order_by, sort_value};
use crate::query::sql::Sql;
use crate::query::stat::expr::{
    ELEMENT, Expr, Step, alias, below, column_ref, document_path, from_document, put, sort_term,
};
use crate::query::stat::output::Statement;
use crate::query::stat::output::{Output, OutputColumn};
use crate::query::tenant::Tenant;
use crate::query::where_clause::{scan_hint, where_clause};

/// The most terms that an order is made of: a sort's keys, those of the sorts before it, and a group's keys.
const MAX_ORDER_TERMS: usize = 250;

/// A column under the name that the caller gave it.
#[derive(Debug, Clone)]
pub(super) struct NamedColumn {
    pub(super) name: String,
    /// Its own name: `c` and this number.
    pub(super) number: usize,
    pub(super) kind: Kind,
    pub(super) nulls: NullMeans,
    pub(super) is_key: bool,
}

impl NamedColumn {
    /// The column of that number that holds an expression.
    pub(super) fn of(name: &str, number: usize, expr: &Expr, is_key: bool) -> Self {
        Self {
            name: name.to_owned(),
            number,
            kind: expr.kind,
            nulls: expr.nulls,
            is_key,
        }
    }
}

/// What the rows are.
#[derive(Debug)]
pub(super) enum RowShape {
    /// The rows of `jobs`; each unwound path has its element in the column `u` and the number.
    Documents {
        unwound: Vec<(Vec<String>, usize)>,
    },
    Columns(Vec<NamedColumn>),
}

/// A common table expression.
pub(super) struct Table {
    pub(super) sql: Sql,
    /// Whether its rows are computed once and kept. SQLite otherwise writes a column's expression wherever a later
    /// stage names it: twice a stage, and fifty stages are more than any memory holds.
    pub(super) is_materialized: bool,
}

/// The pipeline so far.
pub(super) struct Pipeline {
    /// The common table expressions `s0`, `s1` ….
    pub(super) tables: Vec<Table>,
    pub(super) rows: RowShape,
    /// Always total: the job id, or the keys of a group, come last.
    pub(super) order: Vec<Term>,
    /// Numbers handed out to columns that must not meet.
    pub(super) next: usize,
    tenant: Tenant,
    filter: Filter,
    /// Whether the rows are kept counts, `jobs` jobs each, and no jobs.
    pub(super) is_counted: bool,
    /// Whether something was asked of a job that no index has.
    reads_rows: Cell<bool>,
}

impl Pipeline {
    pub(super) fn new(tenant: &Tenant, filter: &Filter) -> Self {
        let mut sql = Sql::new("SELECT * FROM documents WHERE ");
        sql.append(where_clause(tenant, filter));
        Self {
            tables: vec![Table {
                sql,
                is_materialized: false,
            }],
            rows: RowShape::Documents {
                unwound: Vec::new(),
            },
            order: vec![Term::ascending(Sql::new("job_id"))],
            next: 0,
            tenant: tenant.clone(),
            filter: filter.clone(),
            is_counted: false,
            reads_rows: Cell::new(false),
        }
    }

    pub(super) fn apply(&mut self, stage: &Stage) -> Result<(), QueryError> {
        match stage {
            Stage::Unwind(path) => self.unwind(path),
            Stage::Group(group) => self.group(group),
            Stage::Count(name) => {
                self.count(name);
                Ok(())
            }
            Stage::Sort(keys) => self.sort(keys),
            Stage::Limit(limit) => {
                self.cut(*limit, 0);
                Ok(())
            }
            Stage::Skip(skip) => {
                self.cut(-1, *skip);
                Ok(())
            }
            Stage::Project(project) => self.project(project),
        }
    }

    /// The last statement: the columns of the answer, in order.
    pub(super) fn finish(self) -> Statement {
        let mut sql = Sql::new("WITH ");
        let last = self.tables.len() - 1;
        sql.join(
            ", ",
            self.tables.into_iter().enumerate().map(|(number, table)| {
                let mut named = Sql::new("s");
                named.number(number);
                named.push(if table.is_materialized {
                    " AS MATERIALIZED ("
                } else {
                    " AS ("
                });
                named.append(table.sql).push(")");
                named
            }),
        );
        sql.push(" SELECT ");
        let output = match self.rows {
            RowShape::Documents { unwound } => {
                sql.push("document");
                for (_, number) in &unwound {
                    sql.push(", u").number(*number);
                }
                Output::Documents(unwound.into_iter().map(|(path, _)| path).collect())
            }
            RowShape::Columns(columns) => {
                sql.join(
                    ", ",
                    columns.iter().map(|column| column_ref("c", column.number)),
                );
                let column = |column: NamedColumn| OutputColumn {
                    name: column.name,
                    kind: column.kind,
                    nulls: column.nulls,
                };
                Output::RowShape(columns.into_iter().map(column).collect())
            }
        };
        sql.push(" FROM s").number(last);
        if !self.order.is_empty() {
            sql.push(" ORDER BY ").append(order_by(&self.order));
        }
        Statement { sql, output }
    }

    pub(super) fn number(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    pub(super) fn push_table(&mut self, sql: Sql) {
        self.tables.push(Table {
            sql,
            is_materialized: false,
        });
    }

    /// ` FROM s` and the number of the last table.
    pub(super) fn push_from(&self, sql: &mut Sql) {
        sql.push(" FROM s").number(self.tables.len() - 1);
    }

    pub(super) fn cut(&mut self, limit: i64, skip: i64) {
        let mut sql = Sql::new("SELECT *");
        self.push_from(&mut sql);
        if !self.order.is_empty() {
            sql.push(" ORDER BY ").append(order_by(&self.order));
        }
        sql.push(" LIMIT ").bind(limit).push(" OFFSET ").bind(skip);
        self.push_table(sql);
    }

    pub(super) fn sort(&mut self, keys: &[Sort]) -> Result<(), QueryError> {
        let mut order = keys
            .iter()
            .map(|key| self.sort_term(key))
            .collect::<Result<Vec<_>, _>>()?;
        // The order so far decides between equals.
        order.append(&mut self.order);
        if order.len() > MAX_ORDER_TERMS {
            return Err(QueryError::Language {
                place: keys
                    .first()
                    .map(|key| key.path.place.clone())
                    .unwrap_or_default(),
                problem: format!(
                    "with the sorts and group keys before it, more than {MAX_ORDER_TERMS} keys to sort by"
                ),
            });
        }
        self.order = order;
        Ok(())
    }

    /// What ORDER BY takes to put the rows in MongoDB's order by a path, which goes into arrays.
    pub(super) fn sort_term(&self, key: &Sort) -> Result<Term, QueryError> {
        let segments = &key.path.segments;
        let (base, rest) = match &self.rows {
            RowShape::Documents { unwound } if unwound.is_empty() => {
                match resolve_segments(segments.clone(), &key.path.place)? {
                    Target::Document(path) => {
                        self.reads_rows.set(true);
                        return Ok(Term {
                            sql: sort_value(&path, key.desc),
                            desc: key.desc,
                        });
                    }
                    target => (self.of_job(target, Step::Member), &[][..]),
                }
            }
            RowShape::Documents { .. } => {
                let Some(path) = document_path(segments, &key.path.place)? else {
                    return Ok(Term {
                        sql: Sql::new("NULL"),
                        desc: key.desc,
                    });
                };
                let root = PathAt {
                    place: key.path.place.clone(),
                    segments: vec![path[0].clone()],
                };
                let base = self.resolve_with(&root, Step::Member)?;
                return Ok(sort_term(base, &path[1..], key.desc));
            }
            RowShape::Columns(_) => {
                let root = PathAt {
                    place: key.path.place.clone(),
                    segments: vec![segments[0].clone()],
                };
                (self.resolve(&root)?, &segments[1..])
            }
        };
        Ok(sort_term(base, rest, key.desc))
    }

    /// What stands at a place of a job.
    fn of_job(&self, target: Target, step: Step) -> Expr {
        let needs_row = match &target {
            Target::Column(column) => FieldRef::Column(*column).needs_row(),
            Target::Document(_) => true,
            Target::NeverThere => false,
        };
        self.reads_rows.set(self.reads_rows.get() || needs_row);
        from_document(target, step)
    }

    /// Has the rows of jobs that a first group needs read in the order of the file, and not in that of an index with the
    /// group's keys: that would spare the sorting of the groups, and read each page again and again.
    pub(super) fn read_in_order(&mut self) {
        if !self.is_first() || self.is_counted || !self.reads_rows.get() {
            return;
        }
        let mut sql = Sql::new("SELECT * FROM jobs");
        sql.push(scan_hint(&self.filter))
            .push(" WHERE ")
            .append(where_clause(&self.tenant, &self.filter));
        self.tables[0].sql = sql;
    }

    /// Whether no stage has been applied.
    fn is_first(&self) -> bool {
        matches!(&self.rows, RowShape::Documents { unwound } if unwound.is_empty())
            && self.tables.len() == 1
    }

    /// Takes kept counts for rows where the first stage only counts, by what they are kept by.
    pub(super) fn count_from(&mut self, keys: &[FieldRef]) {
        if self.is_first()
            && let Some(sql) = tables::rows(keys, &self.tenant, &self.filter)
        {
            self.tables[0].sql = sql;
            self.is_counted = true;
        }
    }

    /// Takes kept counts for the rows of `unwind` over all errors, where the group behind it only counts them by code:
    /// each is an error of the code and nothing else, as many times as there are.
    pub(super) fn count_errors(&mut self, unwound: &PathAt, group: &Group) -> bool {
        let is_by_code = |key: &GroupKey| {
            key.path.segments == ["errors", "error_code"] && key.date_format.is_none()
        };
        let is_known = self.filter.is_always()
            && unwound.segments == ["errors"]
            && group.only_counts()
            && group.keys.iter().all(is_by_code);
        if is_known {
            let number = self.number();
            let mut sql = Sql::new("SELECT object_of(");
            sql.bind(path_param(&["error_code".to_owned()]))
                .push(", error_code) AS u")
                .number(number)
                .push(", errors AS jobs FROM error_counts WHERE ")
                .append(where_clause(&self.tenant, &self.filter))
                .push(" AND errors > 0");
            self.tables[0].sql = sql;
            self.rows = RowShape::Documents {
                unwound: vec![(unwound.segments.clone(), number)],
            };
            self.is_counted = true;
        }
        is_known
    }

    /// The number of jobs that the rows of a group are.
    pub(super) fn count_expr(&self) -> Sql {
        Sql::new(if self.is_counted {
            "sum(jobs)"
        } else {
            "count(*)"
        })
    }

    pub(super) fn count(&mut self, name: &str) {
        self.count_from(&[]);
        let number = self.number();
        let mut sql = Sql::new("SELECT ");
        sql.append(self.count_expr()).push(" AS c").number(number);
        self.is_counted = false;
        self.push_from(&mut sql);
        sql.push(" HAVING count(*) > 0");
        self.push_table(sql);
        self.order.clear();
        self.rows = RowShape::Columns(vec![NamedColumn {
            name: name.to_owned(),
            number,
            kind: Kind::Integer,
            nulls: NullMeans::NotNull,
            is_key: false,
        }]);
    }

    /// One row per element: `json_each` over the array that `explode` makes of the value.
    pub(super) fn unwind(&mut self, path: &PathAt) -> Result<(), QueryError> {
        let number = self.number();
        let is_of_errors = matches!(self.rows, RowShape::Documents { .. })
            && path.segments.first().is_some_and(|root| root == "errors");
        let elements = self.elements(path)?;
        let mut sql = Sql::new("SELECT s");
        let last = self.tables.len() - 1;
        sql.number(last)
            .push(".*, ")
            .push(ELEMENT)
            .push(" AS u")
            .number(number)
            .push(", e.key AS p")
            .number(number);
        sql.push(" FROM s")
            .number(last)
            .push(", json_each(")
            .append(elements)
            .push(") AS e");
        if is_of_errors {
            // Most jobs have none, and those are found without looking into the others.
            sql.push(" WHERE s").number(last).push(".error_count > 0");
        }
        self.push_table(sql);
        self.order.push(Term::ascending(column_ref("p", number)));
        let element = column_ref("u", number);
        match &mut self.rows {
            RowShape::Documents { unwound } => {
                if let Some(path) = document_path(&path.segments, &path.place)? {
                    unwound.push((path, number));
                }
            }
            RowShape::Columns(columns) => {
                // The element takes the array's place within its column.
                let Some(at) = columns
                    .iter()
                    .position(|column| column.name == path.segments[0])
                else {
                    return Ok(());
                };
                let replaced = self.number();
                let RowShape::Columns(columns) = &mut self.rows else {
                    return Ok(());
                };
                let column = &mut columns[at];
                let whole = Expr {
                    sql: column_ref("c", column.number),
                    kind: column.kind,
                    nulls: column.nulls,
                };
                let new = if path.segments.len() == 1 {
                    element
                } else {
                    put(whole.into_any(), &path.segments[1..], element)
                };
                column.number = replaced;
                column.kind = Kind::Any;
                column.nulls = NullMeans::Missing;
                let mut sql = Sql::new("SELECT *, ");
                sql.append(new).push(" AS c").number(replaced);
                self.push_from(&mut sql);
                self.push_table(sql);
            }
        }
        Ok(())
    }

    /// The elements of what stands at a path, as `json_each` takes them.
    pub(super) fn elements(&self, path: &PathAt) -> Result<Sql, QueryError> {
        let mut sql = Sql::default();
        let from_document = match &self.rows {
            RowShape::Documents { unwound } if unwound.is_empty() => {
                match resolve_segments(path.segments.clone(), &path.place)? {
                    Target::Document(path) => Some(path),
                    Target::Column(_) | Target::NeverThere => None,
                }
            }
            _ => None,
        };
        if let Some(path) = from_document {
            sql.push("elements_at(").append(path.arguments());
        } else {
            let value = self.resolve_with(path, Step::Member)?.into_any();
            sql.push("explode(").append(value);
        }
        sql.push(")");
        Ok(sql)
    }
    pub(super) fn project(&mut self, project: &Project) -> Result<(), QueryError> {
        let mut columns = Vec::new();
        let mut selected = Vec::new();
        if let (RowShape::Columns(before), false) = (&self.rows, project.exclude_keys) {
            let is_replaced = |name: &str| project.fields.iter().any(|field| field.name == name);
            for column in before
                .iter()
                .filter(|column| column.is_key && !is_replaced(&column.name))
            {
                selected.push(column_ref("c", column.number));
                columns.push(column.clone());
            }
        }
        for field in &project.fields {
            let number = self.number();
            let expr = self.expression(&field.expression)?;
            columns.push(NamedColumn::of(&field.name, number, &expr, false));
            selected.push(alias(expr.sql, number));
        }
        // The order outlives the columns that it was made of.
        let mut order = Vec::with_capacity(self.order.len());
        for term in std::mem::take(&mut self.order) {
            let number = self.number();
            let mut kept = term.sql;
            kept.push(" AS o").number(number);
            selected.push(kept);
            order.push(Term {
                sql: column_ref("o", number),
                desc: term.desc,
            });
        }
        let mut sql = Sql::new("SELECT ");
        sql.join(", ", selected);
        self.push_from(&mut sql);
        self.tables.push(Table {
            sql,
            is_materialized: true,
        });
        self.order = order;
        self.rows = RowShape::Columns(columns);
        Ok(())
    }

    pub(super) fn expression(&self, expression: &Expression) -> Result<Expr, QueryError> {
        Ok(match expression {
            Expression::Path(path) => self.resolve(path)?,
            Expression::Number(number) => {
                let mut sql = Sql::default();
                sql.bind(number.clone().into_param());
                Expr::any(sql)
            }
            Expression::Function(function, path) => {
                let mut sql = Sql::new(match function {
                    Function::Size => "size_of(",
                    Function::Sum => "sum_of(",
                    Function::ArrayToObject => "array_to_object(",
                    Function::ObjectToArray => "object_to_array(",
                });
                sql.append(self.resolve(path)?.into_any());
                if *function != Function::Sum {
                    sql.push(", ").bind(path.place.as_str());
                }
                sql.push(")");
                Expr::any(sql)
            }
            Expression::Calculation(calculation, operands, place) => {
                let mut sql = Sql::new("calculate(");
                sql.bind(calculation.name()).push(", ").bind(place.as_str());
                for operand in operands {
                    sql.push(", ").append(self.expression(operand)?.into_any());
                }
                sql.push(")");
                Expr::any(sql)
            }
        })
    }

    /// The value at a path, gathered through arrays as expressions do.
    pub(super) fn resolve(&self, path: &PathAt) -> Result<Expr, QueryError> {
        self.resolve_with(path, Step::Gather)
    }

    pub(super) fn resolve_with(&self, path: &PathAt, step: Step) -> Result<Expr, QueryError> {
        match &self.rows {
            RowShape::Documents { unwound } => {
                if unwound.is_empty() {
                    let target = resolve_segments(path.segments.clone(), &path.place)?;
                    return Ok(self.of_job(target, step));
                }
                self.resolve_unwound(path, unwound, step)
            }
            RowShape::Columns(columns) => {
                let (name, rest) = (&path.segments[0], &path.segments[1..]);
                let Some(column) = columns.iter().find(|column| column.name == *name) else {
                    return Ok(Expr::missing());
                };
                let expr = Expr {
                    sql: column_ref("c", column.number),
                    kind: column.kind,
                    nulls: column.nulls,
                };
                Ok(below(expr, rest, step))
            }
        }
    }

    /// As in a document, but an unwound array is its element.
    pub(super) fn resolve_unwound(
        &self,
        path: &PathAt,
        unwound: &[(Vec<String>, usize)],
        step: Step,
    ) -> Result<Expr, QueryError> {
        let Some(segments) = document_path(&path.segments, &path.place)? else {
            return Ok(Expr::missing());
        };
        let above = unwound
            .iter()
            .rev()
            .find(|(unwound, _)| segments.starts_with(unwound));
        let start = above.map(|(unwound, number)| {
            let element = Expr::any(column_ref("u", *number));
            below(element, &segments[unwound.len()..], step)
        });
        let mut expr = match start {
            Some(expr) => expr,
            None => self.of_job(resolve_segments(segments.clone(), &path.place)?, step),
        };
        // What was unwound further down since stands in the value as its element, too.
        let since = above.map_or(0, |(_, number)| number + 1);
        for (inner, number) in unwound.iter().filter(|(inner, number)| {
            *number >= since && inner.len() > segments.len() && inner.starts_with(&segments)
        }) {
            let element = column_ref("u", *number);
            expr = Expr::any(put(expr.into_any(), &inner[segments.len()..], element));
        }
        Ok(expr)
    }
}
