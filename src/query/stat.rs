//! Statistics: a pipeline of stages folded into one SELECT, one common table expression a stage or two.
//!
//! The fold carries what it calls rows: what the rows are after the stages so far (job documents, or columns of ours under names
//! of the caller's), and the order in which they stand. The caller's names stay there; in SQL a column is `c0`, `c1` ….
//! An inner ORDER BY promises nothing, so the order is only written where it matters: before a LIMIT, inside an
//! accumulator that depends on it, and at the very end.
//!
//! What SQLite does: scan, filter, group, count, sum, sort, distinct, limit. What it can't do exactly is done by small
//! SQL functions of ours, since only they know MongoDB's types (see [`super::value`] for how those travel): paths into
//! documents (`value_at`, `member_at`, `get`, `member`), arrays as rows (`explode`), sums and means over mixed types,
//! lists and objects as values, `date_text`, and the functions of `project`. SQLite computes only what the answer needs:
//! a fault in a value that no later stage reads goes unseen.

use super::error::QueryError;
use super::field::{Column, ColumnKind, NullMeans, Target, resolve_segments};
use super::filter::{self, Comparison, Filter};
use super::list::path_param;
use super::output::{Output, OutputColumn};
use super::request::{JobStatQuery, Page, Question};
use super::scope::Scope;
use super::sql::Sql;
use super::stage::{
    self, Accumulator, Expression, Function, Group, GroupKey, PathAt, Project, Requirement,
    RequirementTest, Sort, Stage,
};
use crate::time::Timestamp;

/// The most stages of an aggregate.
pub const MAX_STAGES: usize = 50;
/// The most terms that an order is made of: a sort's keys, those of the sorts before it, and a group's keys.
const MAX_ORDER_TERMS: usize = 250;
/// The most keys, fields, operands and conditions in all the stages of an aggregate together.
pub const MAX_EXPRESSIONS: usize = 2_000;

/// Compiled statistics.
#[derive(Debug, Clone, PartialEq)]
pub struct Stat {
    pub sql: Sql,
    /// How a row of the statement becomes a row of the answer.
    pub output: Output,
    /// Which rows to answer; `total_count` is answered where it has a limit.
    pub page: Page,
}

/// What a column of the pipeline holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    /// Milliseconds since the epoch.
    Time,
    /// Any value, as [`super::value`] lets it travel; SQL's NULL is a missing one.
    Any,
}

/// Compiles statistics.
///
/// # Errors
/// [`QueryError`] for the first fault of the language.
pub fn compile(request: &JobStatQuery, now: Timestamp) -> Result<Stat, QueryError> {
    let scope = Scope::new(&request.domain_id);
    let filter = filter::parse(
        &request.filter,
        &request.filter_or,
        request.keyword.as_deref(),
        now,
    )?
    .flatten();
    let (sql, output) = match &request.question {
        Question::Distinct(key) => distinct(&scope, &filter, key)?,
        Question::Aggregate(stages) => {
            let stages = stages
                .iter()
                .map(|(stage, place)| stage::parse(stage, place))
                .collect::<Result<Vec<_>, _>>()?;
            let count: usize = stages.iter().map(Stage::expressions).sum();
            if count > MAX_EXPRESSIONS {
                let problem = format!(
                    "{count} keys, fields, operands and conditions in all, at most {MAX_EXPRESSIONS} are allowed"
                );
                return Err(QueryError::Language {
                    place: "query.aggregate".to_owned(),
                    problem,
                });
            }
            let mut pipeline = Pipeline::new(&scope, &filter);
            for stage in &stages {
                pipeline.apply(stage)?;
            }
            pipeline.finish()
        }
    };
    Ok(Stat {
        sql,
        output,
        page: request.page,
    })
}

/// `distinct`: the different values at a path. Rule: the conformance notes: arrays give their elements, missing gives
/// nothing, null is a value.
fn distinct(scope: &Scope, filter: &Filter, key: &str) -> Result<(Sql, Output), QueryError> {
    let mut sql = Sql::default();
    let column = |sql: &mut Sql, column: Column| {
        sql.push("SELECT DISTINCT ")
            .append(column.sql())
            .push(" AS c0 FROM jobs WHERE ")
            .append(scope.lower(filter));
        if column.null_means() == NullMeans::Missing {
            sql.push(" AND ").append(column.sql()).push(" IS NOT NULL");
        }
        sql.push(" ORDER BY c0");
        Output::Values(kind_of(column), column.null_means())
    };
    let segments = super::field::split_path(key, "query.distinct")?;
    let output = match resolve_segments(segments, "query.distinct")? {
        Target::Column(chosen) => column(&mut sql, chosen),
        Target::Nowhere => {
            sql.push("SELECT NULL AS c0 WHERE 0");
            Output::Values(Kind::Any, NullMeans::Missing)
        }
        Target::Document(path) => {
            sql.push("SELECT DISTINCT ")
                .push(ELEMENT)
                .push(" AS c0 FROM jobs, json_each(reached(document, ");
            sql.bind(path_param(&path))
                .push(")) AS e WHERE ")
                .append(scope.lower(filter));
            sql.push(" ORDER BY nullif(c0, x'00'), c0");
            Output::Values(Kind::Any, NullMeans::Missing)
        }
    };
    Ok((sql, output))
}

fn kind_of(column: Column) -> Kind {
    match column.kind() {
        ColumnKind::Text => Kind::Text,
        ColumnKind::Integer => Kind::Integer,
        ColumnKind::Time => Kind::Time,
    }
}

/// A row of `json_each` over what `explode` made: scalars as they are, all else as a BLOB in hexadecimal.
const ELEMENT: &str = "CASE e.type WHEN 'array' THEN unhex(e.value ->> 0) ELSE e.value END";

/// An expression over the rows so far, with what its values are.
#[derive(Debug, Clone)]
struct Expr {
    sql: Sql,
    kind: Kind,
    nulls: NullMeans,
}

impl Expr {
    fn any(sql: Sql) -> Self {
        Self {
            sql,
            kind: Kind::Any,
            nulls: NullMeans::Missing,
        }
    }

    fn missing() -> Self {
        Self::any(Sql::new("NULL"))
    }

    /// The same value as [`Kind::Any`], where NULL is a missing one.
    fn into_any(self) -> Sql {
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

/// One term of an order.
#[derive(Debug, Clone)]
struct Term {
    sql: Sql,
    desc: bool,
}

impl Term {
    fn ascending(sql: Sql) -> Self {
        Self { sql, desc: false }
    }
}

/// A column under the name that the caller gave it.
#[derive(Debug, Clone)]
struct NamedColumn {
    name: String,
    /// Its own name: `c` and this number.
    number: usize,
    kind: Kind,
    nulls: NullMeans,
    is_key: bool,
}

/// What the rows are.
#[derive(Debug)]
enum Rows {
    /// The rows of `jobs`; each unwound path has its element in the column `u` and the number.
    Documents {
        unwound: Vec<(Vec<String>, usize)>,
    },
    Columns(Vec<NamedColumn>),
}

/// A common table expression.
struct Table {
    sql: Sql,
    /// Whether its rows are computed once and kept. SQLite otherwise writes a column's expression wherever a later
    /// stage names it: twice a stage, and fifty stages are more than any memory holds.
    is_kept: bool,
}

/// The pipeline so far.
struct Pipeline {
    /// The common table expressions `s0`, `s1` ….
    tables: Vec<Table>,
    rows: Rows,
    /// Always total: the job id, or the keys of a group, come last.
    order: Vec<Term>,
    /// Numbers handed out to columns that must not meet.
    next: usize,
}

impl Pipeline {
    fn new(scope: &Scope, filter: &Filter) -> Self {
        let mut sql = Sql::new("SELECT * FROM jobs WHERE ");
        sql.append(scope.lower(filter));
        Self {
            tables: vec![Table {
                sql,
                is_kept: false,
            }],
            rows: Rows::Documents {
                unwound: Vec::new(),
            },
            order: vec![Term::ascending(Sql::new("job_id"))],
            next: 0,
        }
    }

    fn apply(&mut self, stage: &Stage) -> Result<(), QueryError> {
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
    fn finish(self) -> (Sql, Output) {
        let mut sql = Sql::new("WITH ");
        let last = self.tables.len() - 1;
        sql.join(
            ", ",
            self.tables.into_iter().enumerate().map(|(number, table)| {
                let mut named = Sql::new("s");
                named.number(number);
                named.push(if table.is_kept {
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
            Rows::Documents { unwound } => {
                sql.push("document");
                for (_, number) in &unwound {
                    sql.push(", u").number(*number);
                }
                Output::Documents(unwound.into_iter().map(|(path, _)| path).collect())
            }
            Rows::Columns(columns) => {
                sql.join(
                    ", ",
                    columns.iter().map(|column| numbered("c", column.number)),
                );
                let column = |column: NamedColumn| OutputColumn {
                    name: column.name,
                    kind: column.kind,
                    nulls: column.nulls,
                };
                Output::Rows(columns.into_iter().map(column).collect())
            }
        };
        sql.push(" FROM s").number(last);
        if !self.order.is_empty() {
            sql.push(" ORDER BY ").append(order_by(&self.order));
        }
        (sql, output)
    }

    fn number(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    fn push_table(&mut self, sql: Sql) {
        self.tables.push(Table {
            sql,
            is_kept: false,
        });
    }

    /// ` FROM s` and the number of the last table.
    fn push_from(&self, sql: &mut Sql) {
        sql.push(" FROM s").number(self.tables.len() - 1);
    }

    fn cut(&mut self, limit: i64, skip: i64) {
        let mut sql = Sql::new("SELECT *");
        self.push_from(&mut sql);
        if !self.order.is_empty() {
            sql.push(" ORDER BY ").append(order_by(&self.order));
        }
        sql.push(" LIMIT ").bind(limit).push(" OFFSET ").bind(skip);
        self.push_table(sql);
    }

    fn sort(&mut self, keys: &[Sort]) -> Result<(), QueryError> {
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
    fn sort_term(&self, key: &Sort) -> Result<Term, QueryError> {
        let segments = &key.path.segments;
        let (base, rest) = match &self.rows {
            Rows::Documents { unwound } if unwound.is_empty() => {
                match resolve_segments(segments.clone(), &key.path.place)? {
                    Target::Document(path) => {
                        let mut sql = Sql::new("sort_value(document, ");
                        sql.bind(path_param(&path)).push(", ");
                        sql.bind(i64::from(key.desc)).push(")");
                        return Ok(Term {
                            sql,
                            desc: key.desc,
                        });
                    }
                    target => (from_document(target, Step::Member), &[][..]),
                }
            }
            Rows::Documents { .. } => {
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
            Rows::Columns(_) => {
                let root = PathAt {
                    place: key.path.place.clone(),
                    segments: vec![segments[0].clone()],
                };
                (self.resolve(&root)?, &segments[1..])
            }
        };
        Ok(sort_term(base, rest, key.desc))
    }

    fn count(&mut self, name: &str) {
        let number = self.number();
        let mut sql = Sql::new("SELECT count(*) AS c");
        sql.number(number);
        self.push_from(&mut sql);
        sql.push(" HAVING count(*) > 0");
        self.push_table(sql);
        self.order.clear();
        self.rows = Rows::Columns(vec![NamedColumn {
            name: name.to_owned(),
            number,
            kind: Kind::Integer,
            nulls: NullMeans::Nothing,
            is_key: false,
        }]);
    }

    /// One row per element: `json_each` over the array that `explode` makes of the value.
    fn unwind(&mut self, path: &PathAt) -> Result<(), QueryError> {
        let number = self.number();
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
        self.push_table(sql);
        self.order.push(Term::ascending(numbered("p", number)));
        let element = numbered("u", number);
        match &mut self.rows {
            Rows::Documents { unwound } => {
                if let Some(path) = document_path(&path.segments, &path.place)? {
                    unwound.push((path, number));
                }
            }
            Rows::Columns(columns) => {
                // The element takes the array's place within its column.
                let Some(at) = columns
                    .iter()
                    .position(|column| column.name == path.segments[0])
                else {
                    return Ok(());
                };
                let replaced = self.number();
                let Rows::Columns(columns) = &mut self.rows else {
                    return Ok(());
                };
                let column = &mut columns[at];
                let whole = Expr {
                    sql: numbered("c", column.number),
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
    fn elements(&self, path: &PathAt) -> Result<Sql, QueryError> {
        let mut sql = Sql::default();
        let from_document = match &self.rows {
            Rows::Documents { unwound } if unwound.is_empty() => {
                match resolve_segments(path.segments.clone(), &path.place)? {
                    Target::Document(path) => Some(path),
                    Target::Column(_) | Target::Nowhere => None,
                }
            }
            _ => None,
        };
        if let Some(path) = from_document {
            sql.push("elements_at(document, ").bind(path_param(&path));
        } else {
            let value = self.resolve_with(path, Step::Member)?.into_any();
            sql.push("explode(").append(value);
        }
        sql.push(")");
        Ok(sql)
    }

    fn group(&mut self, group: &Group) -> Result<(), QueryError> {
        let mut selected = Vec::new();
        let mut columns = Vec::new();
        let mut spans = Vec::new();
        for key in &group.keys {
            let number = self.number();
            let (expr, span) = self.group_key(key)?;
            if let Some((span, format)) = span {
                spans.push((number, span, format));
            }
            selected.push(named(expr.sql, number));
            columns.push(NamedColumn {
                name: key.name.clone(),
                number,
                kind: expr.kind,
                nulls: expr.nulls,
                is_key: true,
            });
        }
        for field in &group.fields {
            let number = self.number();
            let expr = self.accumulate(&field.accumulator, &field.place)?;
            selected.push(named(expr.sql, number));
            columns.push(NamedColumn {
                name: field.name.clone(),
                number,
                kind: expr.kind,
                nulls: expr.nulls,
                is_key: false,
            });
        }
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
                    .map(|column| numbered("c", column.number)),
            );
        }
        self.push_table(sql);
        self.order = columns
            .iter()
            .filter(|column| column.is_key)
            .map(|column| Term::ascending(numbered("c", column.number)))
            .collect();
        self.rows = Rows::Columns(columns);
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
        if let (Kind::Time, Some(span)) = (expr.kind, format.format.span()) {
            let mut sql = Sql::new("(");
            // Counted from the year 0000, so that the division always rounds down.
            sql.append(expr.sql)
                .push(" - ")
                .bind(Timestamp::MIN.millis())
                .push(") / ")
                .bind(span.millis());
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
        let Rows::Columns(columns) = &self.rows else {
            return;
        };
        let mut columns = columns.clone();
        let mut selected = Vec::new();
        for column in &mut columns {
            let own = numbered("c", column.number);
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
            selected.push(named(text.sql, column.number));
            (column.kind, column.nulls) = (text.kind, text.nulls);
        }
        let mut sql = Sql::new("SELECT ");
        sql.join(", ", selected);
        self.push_from(&mut sql);
        self.push_table(sql);
        self.rows = Rows::Columns(columns);
    }

    fn accumulate(&self, accumulator: &Accumulator, place: &str) -> Result<Expr, QueryError> {
        let integer = |sql: Sql| Expr {
            sql,
            kind: Kind::Integer,
            nulls: NullMeans::Nothing,
        };
        Ok(match accumulator {
            Accumulator::Count(conditions) => {
                let mut sql = Sql::new("count(*)");
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
                    nulls: NullMeans::Nothing,
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
                sql.push(if comparison == Comparison::Gt {
                    " > "
                } else {
                    " >= "
                })
                .bind(operand);
                if may_be_null_value {
                    sql.push(" AND ").append(value()).push(" <> x'00'");
                }
                &mut sql
            }
            RequirementTest::Compare(comparison) => {
                sql.push(if comparison == Comparison::Lt {
                    " < "
                } else {
                    " <= "
                })
                .bind(operand);
                if expr.nulls != NullMeans::Nothing {
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

    fn project(&mut self, project: &Project) -> Result<(), QueryError> {
        let mut columns = Vec::new();
        let mut selected = Vec::new();
        if let (Rows::Columns(before), false) = (&self.rows, project.exclude_keys) {
            let is_replaced = |name: &str| project.fields.iter().any(|field| field.name == name);
            for column in before
                .iter()
                .filter(|column| column.is_key && !is_replaced(&column.name))
            {
                selected.push(numbered("c", column.number));
                columns.push(column.clone());
            }
        }
        for field in &project.fields {
            let number = self.number();
            let expr = self.expression(&field.expression)?;
            selected.push(named(expr.sql, number));
            columns.push(NamedColumn {
                name: field.name.clone(),
                number,
                kind: expr.kind,
                nulls: expr.nulls,
                is_key: false,
            });
        }
        // The order outlives the columns that it was made of.
        let mut order = Vec::with_capacity(self.order.len());
        for term in std::mem::take(&mut self.order) {
            let number = self.number();
            let mut kept = term.sql;
            kept.push(" AS o").number(number);
            selected.push(kept);
            order.push(Term {
                sql: numbered("o", number),
                desc: term.desc,
            });
        }
        let mut sql = Sql::new("SELECT ");
        sql.join(", ", selected);
        self.push_from(&mut sql);
        self.tables.push(Table { sql, is_kept: true });
        self.order = order;
        self.rows = Rows::Columns(columns);
        Ok(())
    }

    fn expression(&self, expression: &Expression) -> Result<Expr, QueryError> {
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
    fn resolve(&self, path: &PathAt) -> Result<Expr, QueryError> {
        self.resolve_with(path, Step::Gather)
    }

    fn resolve_with(&self, path: &PathAt, step: Step) -> Result<Expr, QueryError> {
        match &self.rows {
            Rows::Documents { unwound } => {
                if unwound.is_empty() {
                    return Ok(from_document(
                        resolve_segments(path.segments.clone(), &path.place)?,
                        step,
                    ));
                }
                Self::resolve_unwound(path, unwound, step)
            }
            Rows::Columns(columns) => {
                let (name, rest) = (&path.segments[0], &path.segments[1..]);
                let Some(column) = columns.iter().find(|column| column.name == *name) else {
                    return Ok(Expr::missing());
                };
                let expr = Expr {
                    sql: numbered("c", column.number),
                    kind: column.kind,
                    nulls: column.nulls,
                };
                Ok(below(expr, rest, step))
            }
        }
    }

    /// As in a document, but an unwound array is its element.
    fn resolve_unwound(
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
            let element = Expr::any(numbered("u", *number));
            below(element, &segments[unwound.len()..], step)
        });
        let mut expr = match start {
            Some(expr) => expr,
            None => from_document(resolve_segments(segments.clone(), &path.place)?, step),
        };
        // What was unwound further down since stands in the value as its element, too.
        let since = above.map_or(0, |(_, number)| number + 1);
        for (inner, number) in unwound.iter().filter(|(inner, number)| {
            *number >= since && inner.len() > segments.len() && inner.starts_with(&segments)
        }) {
            let element = numbered("u", *number);
            expr = Expr::any(put(expr.into_any(), &inner[segments.len()..], element));
        }
        Ok(expr)
    }
}

/// How a path goes on at an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It gathers what it finds in the elements.
    Gather,
    /// It ends there.
    Member,
}

/// The canonical path into a document; `None` for one that leads nowhere.
fn document_path(segments: &[String], place: &str) -> Result<Option<Vec<String>>, QueryError> {
    Ok(match resolve_segments(segments.to_vec(), place)? {
        Target::Document(path) => Some(path),
        Target::Column(Column::CollectorId) => {
            Some(vec!["collector_info".to_owned(), "collector_id".to_owned()])
        }
        Target::Column(column) => Some(vec![column.name().to_owned()]),
        Target::Nowhere => None,
    })
}

fn from_document(target: Target, step: Step) -> Expr {
    match target {
        Target::Column(column) => Expr {
            sql: column.sql(),
            kind: kind_of(column),
            nulls: column.null_means(),
        },
        Target::Nowhere => Expr::missing(),
        Target::Document(path) => {
            let mut sql = Sql::new(if step == Step::Gather {
                "value_at(document, "
            } else {
                "member_at(document, "
            });
            sql.bind(path_param(&path)).push(")");
            Expr::any(sql)
        }
    }
}

/// The value at a path below another.
fn below(expr: Expr, rest: &[String], step: Step) -> Expr {
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
fn put(whole: Sql, path: &[String], part: Sql) -> Sql {
    let mut sql = Sql::new("put(");
    sql.append(whole)
        .push(", ")
        .bind(path_param(path))
        .push(", ")
        .append(part)
        .push(")");
    sql
}

fn date_text(expr: Expr, format: &str, place: &str) -> Expr {
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
fn sort_term(base: Expr, rest: &[String], desc: bool) -> Term {
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

fn extreme(function: &'static str, expr: Expr) -> Expr {
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

fn numbered(prefix: &'static str, number: usize) -> Sql {
    let mut sql = Sql::new(prefix);
    sql.number(number);
    sql
}

fn named(mut sql: Sql, number: usize) -> Sql {
    sql.push(" AS c").number(number);
    sql
}

fn order_by(order: &[Term]) -> Sql {
    let mut sql = Sql::default();
    sql.join(
        ", ",
        order.iter().map(|term| {
            let mut one = term.sql.clone();
            if term.desc {
                one.push(" DESC");
            }
            one
        }),
    );
    sql
}
