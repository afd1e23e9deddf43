//! Lowers a pipeline of stages to one SELECT: a fold over the stages, with one or two common table expressions a stage.
//!
//! The caller's names never become SQL: a column is `c0`, `c1` …, an element `u0` …, its position `p0` …, a term of an
//! order `o0` …. An inner ORDER BY promises nothing, so the fold carries the order and writes it only where it matters:
//! before a LIMIT, inside an accumulator that depends on it, and at the end.
//!
//! SQLite scans, filters, groups, counts, sums, sorts and limits. SQL functions of ours do what depends on MongoDB's
//! types (see [`crate::query::eval::encoding`] for the form of values in SQL): paths (`gather_at`, `member_at`,
//! `gather`, `member`), arrays as rows (`explode`), sums and means over mixed types, lists and objects as values,
//! `date_text`, and the functions of `project`. SQLite computes only what the answer needs: an error in a value that no
//! later stage reads is never raised. (Groups are in [`crate::query::stat::group`].)

use crate::query::check::field::{FieldRef, NullMeans, Root, Target, ValueType};
use crate::query::check::filter::Filter;
use crate::query::check::resolved::{
    Base, Element, Expression, GroupKey, Project, ResolvedPath, ResolvedStage, ResolvedStages,
    RowShape, ShapeColumn, SortBy, SortKey, Unwind,
};
use crate::query::check::stages::Function;
use crate::query::eval::cells::cells_param;
use crate::query::eval::path::path_param;
use crate::query::eval::sort_key::KeyPath;
use crate::query::order_by::{Term, order_by, sort_value};
use crate::query::scan::GroupScan;
use crate::query::sql::{Param, Sql};
use crate::query::stat::expr::{
    ELEMENT, Expr, Step, alias, below, column_ref, in_job, put, sort_key,
};
use crate::query::stat::output::{Output, OutputColumn, Statement};
use crate::query::stat::source::RowSource;
use crate::query::tenant::Tenant;
use crate::query::where_clause::where_clause;

/// Lowers the stages of an aggregate to one statement.
pub(super) fn lower(tenant: &Tenant, filter: &Filter, stages: &ResolvedStages) -> Statement {
    let source = RowSource::new(tenant, filter, &stages.stages);
    let mut rest = stages.stages.as_slice();
    if matches!(source, RowSource::ErrorCounters) {
        // Its rows are those of the first stage.
        rest = &rest[1..];
    }
    let mut pipeline = Pipeline::new(source, tenant, filter);
    for stage in rest {
        pipeline.apply(stage);
    }
    pipeline.finish(stages)
}

/// Lowers the stages to one statement over these jobs alone.
pub(super) fn among(
    tenant: &Tenant,
    filter: &Filter,
    stages: &ResolvedStages,
    jobs: &[i64],
) -> Statement {
    // Serialising integers can't fail.
    let jobs = serde_json::to_string(jobs).unwrap_or_default();
    let mut pipeline = Pipeline::new(RowSource::Found(jobs), tenant, filter);
    for stage in &stages.stages {
        pipeline.apply(stage);
    }
    pipeline.finish(stages)
}

/// Lowers the stages after the first `done` to one statement. For these, of which the last is a group or a count, a scan gave
/// the rows.
pub(super) fn after(
    stages: &ResolvedStages,
    done: usize,
    scan: &GroupScan,
    rows: &[Vec<Param>],
) -> Statement {
    let mut pipeline = Pipeline::after(scan, rows);
    for stage in &stages.stages[done..] {
        pipeline.apply(stage);
    }
    pipeline.finish(stages)
}

/// A common table expression.
struct Table {
    sql: Sql,
    /// Whether SQLite computes its rows once. Otherwise it copies a column's expression to each use in a later stage.
    /// With two uses a stage, the expression would outgrow the memory long before the fifty stages that are allowed.
    is_materialized: bool,
}

/// The pipeline so far.
pub(super) struct Pipeline {
    source: RowSource,
    /// The fields of the filter; `None` where it names the jobs, which are then found by their ids.
    filtered: Option<Vec<FieldRef>>,
    /// The common table expressions `s0`, `s1` ….
    tables: Vec<Table>,
    /// The numbers of the elements of unwound paths, where the rows are jobs.
    unwound: Vec<usize>,
    /// The numbers of the columns, where the rows are not jobs.
    pub(super) columns: Vec<usize>,
    /// The order of the rows. It is total: the job id, or the keys of a group, come last.
    pub(super) order: Vec<Term>,
    /// The next number of a column.
    next: usize,
}

impl Pipeline {
    fn new(source: RowSource, tenant: &Tenant, filter: &Filter) -> Self {
        let mut pipeline = Self {
            source,
            filtered: (!filter.has_job_ids()).then(|| filter.fields()),
            tables: Vec::new(),
            unwound: Vec::new(),
            columns: Vec::new(),
            order: vec![Term::ascending(Sql::new("job_id"))],
            next: 0,
        };
        let mut sql = Sql::default();
        match &pipeline.source {
            RowSource::Documents => sql
                .push("SELECT * FROM documents WHERE ")
                .append(where_clause(tenant, filter)),
            RowSource::Found(jobs) => sql
                .push("SELECT jobs.* FROM json_each(")
                .bind(jobs.as_str())
                .push(") AS found CROSS JOIN documents AS jobs ON jobs.id = found.value WHERE ")
                .append(where_clause(tenant, filter)),
            RowSource::Jobs { scan_hint } => sql
                .push("SELECT * FROM jobs")
                .push(scan_hint)
                .push(" WHERE ")
                .append(where_clause(tenant, filter)),
            RowSource::Counters(counters) => sql.append(counters.clone()),
            RowSource::ErrorCounters => {
                let number = pipeline.number();
                pipeline.unwound.push(number);
                sql.push("SELECT object_of(")
                    .bind(path_param(&["error_code"]))
                    .push(", error_code) AS u")
                    .number(number)
                    .push(", errors AS jobs FROM error_counts WHERE ")
                    .append(where_clause(tenant, filter))
                    .push(" AND errors > 0")
            }
        };
        pipeline.push_table(sql);
        pipeline
    }

    /// A pipeline whose first rows are those of a scan, in the order of the keys of its groups.
    fn after(scan: &GroupScan, rows: &[Vec<Param>]) -> Self {
        let (keys, width) = (scan.keys(), scan.width());
        let mut sql = Sql::new("SELECT ");
        let cells = (0..width).map(|number| {
            let mut cell = Sql::new("cell(e.value, ");
            cell.number(number).push(")");
            alias(cell, number)
        });
        sql.join(", ", cells)
            .push(" FROM json_each(")
            .bind(cells_param(rows))
            .push(") AS e");
        let mut pipeline = Self {
            source: RowSource::Documents,
            filtered: None,
            tables: Vec::new(),
            unwound: Vec::new(),
            columns: (0..width).collect(),
            order: (0..keys)
                .map(|number| Term::ascending(column_ref("c", number)))
                .collect(),
            next: width,
        };
        pipeline.push_table(sql);
        pipeline
    }

    fn apply(&mut self, stage: &ResolvedStage) {
        match stage {
            ResolvedStage::Unwind(unwind) => self.unwind(unwind),
            ResolvedStage::Group(group) => self.group(group),
            ResolvedStage::Count => self.count(),
            ResolvedStage::Sort(keys) => self.sort(keys),
            ResolvedStage::Limit(limit) => self.limit(*limit, 0),
            ResolvedStage::Skip(skip) => self.limit(-1, *skip),
            ResolvedStage::Project(project) => self.project(project),
        }
    }

    /// Ends the statement: selects the columns of the answer, in order.
    fn finish(mut self, ResolvedStages { rows, shape, .. }: &ResolvedStages) -> Statement {
        let mut sql = Sql::new("WITH ");
        let tables = std::mem::take(&mut self.tables);
        let last = tables.len() - 1;
        sql.join(
            ", ",
            tables.into_iter().enumerate().map(|(number, table)| {
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
        let output = match rows {
            RowShape::Jobs { unwound } => {
                sql.push("document");
                for number in &self.unwound {
                    sql.push(", u").number(*number);
                }
                Output::Documents {
                    unwound: unwound.clone(),
                    shape: *shape,
                }
            }
            RowShape::Columns(columns) => {
                let exprs = columns.iter().enumerate();
                let answered: Vec<_> = exprs
                    .filter_map(|(at, column)| Some((column, self.answered(at, columns)?)))
                    .collect();
                let selected = answered.iter().map(|(_, expr)| expr.sql.clone());
                sql.join(", ", selected);
                let columns = answered.iter().map(|(column, expr)| OutputColumn {
                    name: column.name.clone(),
                    value_type: expr.value_type,
                });
                Output::Columns(columns.collect())
            }
        };
        sql.push(" FROM s").number(last);
        if !self.order.is_empty() {
            sql.push(" ORDER BY ").append(order_by(&self.order));
        }
        Statement { sql, output }
    }

    /// Returns what the answer has of a column; `None` where another column is answered for it.
    ///
    /// A field with the name of a key is answered in the key's position, and where it is missing, the key is answered.
    fn answered(&self, at: usize, columns: &[ShapeColumn]) -> Option<Expr> {
        let expr = |at: usize| Expr {
            sql: column_ref("c", self.columns[at]),
            value_type: columns[at].value_type,
        };
        let of_same_name = |is_key: bool| {
            let has_name =
                |other: &ShapeColumn| other.is_key == is_key && other.name == columns[at].name;
            columns.iter().position(has_name)
        };
        if !columns[at].is_key {
            return of_same_name(true).is_none().then(|| expr(at));
        }
        let Some(field) = of_same_name(false) else {
            return Some(expr(at));
        };
        if expr(field).value_type.nulls != NullMeans::Missing {
            return Some(expr(field));
        }
        let mut sql = Sql::new("ifnull(");
        sql.append(expr(field).into_any())
            .push(", ")
            .append(expr(at).into_any())
            .push(")");
        Some(Expr {
            sql,
            value_type: ValueType::ANY,
        })
    }

    /// Returns a new number for a column.
    pub(super) fn number(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// Appends a common table expression.
    pub(super) fn push_table(&mut self, sql: Sql) {
        self.tables.push(Table {
            sql,
            is_materialized: false,
        });
    }

    /// Appends ` FROM s` and the number of the last table.
    pub(super) fn push_from(&self, sql: &mut Sql) {
        sql.push(" FROM s").number(self.tables.len() - 1);
    }

    /// Whether the rows are counters, `jobs` jobs each. The first group or count replaces them by other rows.
    pub(super) fn has_counters(&self) -> bool {
        self.tables.len() == 1 && self.source.is_counters()
    }

    /// Returns the fields that decide which jobs there are, and in which groups; `None` where it is decided how they are read.
    pub(super) fn fields_of(&self, keys: &[GroupKey]) -> Option<Vec<FieldRef>> {
        if !matches!(
            self.source,
            RowSource::Documents | RowSource::Jobs { scan_hint: "" }
        ) {
            return None;
        }
        let filtered = self.filtered.as_ref()?.iter().copied();
        let unwound = self.unwound.iter().map(|_| FieldRef::Elsewhere);
        let keys = keys.iter().filter_map(|key| match &key.path.base {
            Base::Job(Target::Column(column)) => Some(FieldRef::from_column(*column)),
            Base::Job(Target::Document(path)) => Some(FieldRef::from_path(path)),
            Base::Job(Target::NeverThere) | Base::Element { .. } | Base::Column { .. } => None,
        });
        Some(filtered.chain(unwound).chain(keys).collect())
    }

    /// Returns the number of jobs in the rows of a group.
    pub(super) fn count_expr(&self) -> Sql {
        Sql::new(if self.has_counters() {
            "sum(jobs)"
        } else {
            "count(*)"
        })
    }

    /// Appends `LIMIT` and `OFFSET`; a limit of -1 is none.
    fn limit(&mut self, limit: i64, skip: i64) {
        let mut sql = Sql::new("SELECT *");
        self.push_from(&mut sql);
        if !self.order.is_empty() {
            sql.push(" ORDER BY ").append(order_by(&self.order));
        }
        sql.push(" LIMIT ").bind(limit).push(" OFFSET ").bind(skip);
        self.push_table(sql);
    }

    fn sort(&mut self, keys: &[SortKey]) {
        let terms = keys.iter().map(|key| Term {
            sql: self.sort_key(key, keys),
            desc: key.desc,
        });
        let mut order: Vec<_> = terms.collect();
        // The order so far decides between rows with equal keys.
        order.append(&mut self.order);
        self.order = order;
    }

    /// Returns the expression of one key of a sort.
    fn sort_key(&self, key: &SortKey, keys: &[SortKey]) -> Sql {
        match &key.by {
            SortBy::Document(path) => {
                let in_documents = keys.iter().filter_map(|key| match &key.by {
                    SortBy::Document(path) => Some((path, key.desc)),
                    _ => None,
                });
                sort_value(path, &in_documents.collect::<Vec<_>>())
            }
            SortBy::Below(path, below) => {
                let below_the_same = keys.iter().filter_map(|key| match &key.by {
                    SortBy::Below(other, below) if other == path => Some(KeyPath {
                        path: below.clone(),
                        desc: key.desc,
                    }),
                    _ => None,
                });
                let one = KeyPath {
                    path: below.clone(),
                    desc: key.desc,
                };
                let value = self.value(path, Step::Member);
                sort_key(value, &one, &below_the_same.collect::<Vec<_>>())
            }
            SortBy::Nothing => Sql::new("NULL"),
        }
    }

    fn count(&mut self) {
        let number = self.number();
        let mut sql = Sql::new("SELECT ");
        sql.append(self.count_expr()).push(" AS c").number(number);
        self.push_from(&mut sql);
        sql.push(" HAVING count(*) > 0");
        self.push_table(sql);
        self.order.clear();
        self.columns = vec![number];
    }

    /// Makes one row per element: `json_each` over the array that `explode` makes of the value.
    fn unwind(&mut self, unwind: &Unwind) {
        let number = self.number();
        let elements = self.elements(&unwind.path);
        let last = self.tables.len() - 1;
        let mut sql = Sql::new("SELECT s");
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
        if matches!(&unwind.element, Element::Job(path) if path[0] == Root::Errors.name()) {
            // Most jobs have no errors. Their documents need not be read.
            sql.push(" WHERE s").number(last).push(".error_count > 0");
        }
        self.push_table(sql);
        self.order.push(Term::ascending(column_ref("p", number)));
        match &unwind.element {
            Element::Job(_) => self.unwound.push(number),
            Element::Column {
                column,
                below,
                value_type,
            } => {
                let element = column_ref("u", number);
                let new = if below.is_empty() {
                    element
                } else {
                    let whole = Expr {
                        sql: column_ref("c", self.columns[*column]),
                        value_type: *value_type,
                    };
                    put(whole.into_any(), below, element)
                };
                let replaced = self.number();
                self.columns[*column] = replaced;
                let mut sql = Sql::new("SELECT *, ");
                sql.append(alias(new, replaced));
                self.push_from(&mut sql);
                self.push_table(sql);
            }
            Element::Nowhere => {}
        }
    }

    /// Returns the elements of the array at a path, as `json_each` takes them.
    fn elements(&self, path: &ResolvedPath) -> Sql {
        let mut sql = Sql::default();
        match &path.base {
            Base::Job(Target::Document(path)) if self.unwound.is_empty() => {
                sql.push("elements_at(").append(path.arguments())
            }
            _ => sql
                .push("explode(")
                .append(self.value(path, Step::Member).into_any()),
        };
        sql.push(")");
        sql
    }

    fn project(&mut self, project: &Project) {
        let keys = project.keys.iter().map(|key| self.columns[*key]);
        let mut columns: Vec<_> = keys.collect();
        let mut selected: Vec<_> = columns
            .iter()
            .map(|number| column_ref("c", *number))
            .collect();
        for field in &project.fields {
            let number = self.number();
            selected.push(alias(self.expression(field), number));
            columns.push(number);
        }
        // The order stays when its columns are gone, so its terms become columns.
        let mut order = Vec::with_capacity(self.order.len());
        for term in std::mem::take(&mut self.order) {
            let number = self.number();
            let mut sql = term.sql;
            sql.push(" AS o").number(number);
            selected.push(sql);
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
        self.columns = columns;
    }

    fn expression(&self, expression: &Expression) -> Sql {
        match expression {
            Expression::Path(path) => self.resolve(path).sql,
            Expression::Number(number) => {
                let mut sql = Sql::default();
                sql.bind(number.clone().into_param());
                sql
            }
            Expression::Function(function, path, location) => {
                let mut sql = Sql::new(match function {
                    Function::Size => "size_of(",
                    Function::Sum => "sum_of(",
                    Function::ArrayToObject => "array_to_object(",
                    Function::ObjectToArray => "object_to_array(",
                });
                sql.append(self.resolve(path).into_any());
                if *function != Function::Sum {
                    sql.push(", ").bind(location.as_str());
                }
                sql.push(")");
                sql
            }
            Expression::Calculation(calculation, operands, location) => {
                let mut sql = Sql::new("calculate(");
                sql.bind(calculation.name())
                    .push(", ")
                    .bind(location.as_str());
                for operand in operands {
                    let value = Expr {
                        sql: self.expression(operand),
                        value_type: operand.value_type(),
                    };
                    sql.push(", ").append(value.into_any());
                }
                sql.push(")");
                sql
            }
        }
    }

    /// Returns the value at a path, gathered through arrays as in expressions.
    pub(super) fn resolve(&self, path: &ResolvedPath) -> Expr {
        self.value(path, Step::Gather)
    }

    fn value(&self, path: &ResolvedPath, step: Step) -> Expr {
        let base = match &path.base {
            Base::Job(target) => in_job(target, step),
            Base::Element {
                unwound,
                below: path,
            } => below(column_ref("u", self.unwound[*unwound]), path, step),
            Base::Column {
                column,
                below: path,
            } => below(column_ref("c", self.columns[*column]), path, step),
        };
        let replaced = path.replaced.iter();
        let sql = replaced.fold(base, |whole, (unwound, below)| {
            put(whole, below, column_ref("u", self.unwound[*unwound]))
        });
        Expr {
            sql,
            value_type: path.value_type,
        }
    }
}
