//! Resolves the paths of an aggregate: what each leads to in the rows that its stage reads.
//!
//! Rows are jobs first; `unwind` gives them elements, and `group`, `count` and `project` make columns of them. That shape
//! is carried from stage to stage. What comes out holds no path that could be wrong, so it is lowered to SQL without
//! errors.

use crate::query::check::field::{
    DocumentPath, FieldRef, Kind, NullMeans, Target, ValueType, resolve_segments,
};
use crate::query::check::stages::{self, Function, KeyFormat, PathAt, RequirementTest, Stage};
use crate::query::error::QueryError;
use crate::query::eval::arithmetic::Calculation;
use crate::query::eval::value::MongoValue;

/// The most terms of an order: a sort's keys, those of the sorts before it, and a group's keys.
const MAX_ORDER_TERMS: usize = 250;

/// The stages of an aggregate, and the shape of the rows that come out of the last.
#[derive(Debug)]
pub(in crate::query) struct ResolvedStages {
    pub(in crate::query) stages: Vec<ResolvedStage>,
    pub(in crate::query) rows: RowShape,
}

/// What the rows between two stages are.
#[derive(Debug, Clone)]
pub(in crate::query) enum RowShape {
    /// Jobs, with an element of each unwound path; the canonical paths, in the order of their stages.
    Jobs {
        unwound: Vec<Vec<String>>,
    },
    Columns(Vec<ShapeColumn>),
}

/// A column under the name that the caller gave it.
#[derive(Debug, Clone)]
pub(in crate::query) struct ShapeColumn {
    pub(in crate::query) name: String,
    pub(in crate::query) value_type: ValueType,
    /// Whether it is the key of a group.
    pub(in crate::query) is_key: bool,
}

/// A value in the rows that a stage reads.
#[derive(Debug)]
pub(in crate::query) struct ResolvedPath {
    pub(in crate::query) base: Base,
    /// The elements that replace the arrays below the value, which were unwound: which unwound path, and where below.
    pub(in crate::query) replaced: Vec<(usize, Vec<String>)>,
    pub(in crate::query) value_type: ValueType,
}

/// Where a value is.
#[derive(Debug)]
pub(in crate::query) enum Base {
    /// In the job.
    Job(Target),
    /// At a path below the element of an unwound path.
    Element { unwound: usize, below: Vec<String> },
    /// At a path below a column.
    Column { column: usize, below: Vec<String> },
}

#[derive(Debug)]
pub(in crate::query) enum ResolvedStage {
    Unwind(Unwind),
    Group(Group),
    /// One row with the number of rows.
    Count,
    Sort(Vec<SortKey>),
    /// 1 or more.
    Limit(i64),
    /// 0 or more.
    Skip(i64),
    Project(Project),
}

/// One row an element of the array at a path.
#[derive(Debug)]
pub(in crate::query) struct Unwind {
    pub(in crate::query) path: ResolvedPath,
    pub(in crate::query) element: Element,
}

/// Where a later stage reads the element of an unwound array.
#[derive(Debug)]
pub(in crate::query) enum Element {
    /// In the job, instead of the array at this canonical path.
    Job(Vec<String>),
    /// In a column, at a path below it; the type is that of the column before.
    Column {
        column: usize,
        below: Vec<String>,
        value_type: ValueType,
    },
    /// Nowhere, since the path never leads to a value.
    Nowhere,
}

#[derive(Debug)]
pub(in crate::query) struct SortKey {
    pub(in crate::query) by: SortBy,
    pub(in crate::query) desc: bool,
}

#[derive(Debug)]
pub(in crate::query) enum SortBy {
    /// A path into the document of a job.
    Document(DocumentPath),
    /// A path below a value.
    Below(ResolvedPath, Vec<String>),
    /// What is always missing.
    Nothing,
}

#[derive(Debug)]
pub(in crate::query) struct Group {
    pub(in crate::query) keys: Vec<GroupKey>,
    pub(in crate::query) fields: Vec<Accumulator>,
}

#[derive(Debug)]
pub(in crate::query) struct GroupKey {
    pub(in crate::query) path: ResolvedPath,
    pub(in crate::query) date_format: Option<KeyFormat>,
}

#[derive(Debug)]
pub(in crate::query) enum Accumulator {
    Count(Vec<Requirement>),
    /// The sum of what is never a number.
    Zero,
    Sum(ResolvedPath, Vec<Requirement>),
    Average(ResolvedPath, Vec<Requirement>),
    Max(ResolvedPath),
    Min(ResolvedPath),
    First(ResolvedPath),
    Last(ResolvedPath),
    Push(Vec<(String, ResolvedPath)>),
    AddToSet(ResolvedPath),
    /// With the location of the field in the request, for an error.
    MergeObjects(ResolvedPath, String),
}

/// A condition of `count`, `sum` or `average`, across types; the value is never null.
#[derive(Debug)]
pub(in crate::query) struct Requirement {
    pub(in crate::query) path: ResolvedPath,
    pub(in crate::query) test: RequirementTest,
    pub(in crate::query) value: MongoValue,
}

#[derive(Debug)]
pub(in crate::query) struct Project {
    /// The columns that stay as they are, by their index.
    pub(in crate::query) keys: Vec<usize>,
    pub(in crate::query) fields: Vec<Expression>,
}

#[derive(Debug)]
pub(in crate::query) enum Expression {
    Path(ResolvedPath),
    Number(MongoValue),
    /// A function of one value, with the location of its path in the request, for an error.
    Function(Function, ResolvedPath, String),
    /// A function of several values, with its location in the request, for an error.
    Calculation(Calculation, Vec<Expression>, String),
}

/// Resolves the stages of an aggregate.
///
/// # Errors
/// [`QueryError::Language`] for a path whose first segment is no field of a job, and for an order of too many terms.
pub(in crate::query) fn resolve(stages: Vec<Stage>) -> Result<ResolvedStages, QueryError> {
    let mut resolver = Resolver {
        rows: RowShape::Jobs {
            unwound: Vec::new(),
        },
        order_terms: 1,
    };
    let stages = stages.into_iter().map(|stage| resolver.stage(stage));
    let stages = stages.collect::<Result<_, _>>()?;
    Ok(ResolvedStages {
        stages,
        rows: resolver.rows,
    })
}

impl ResolvedPath {
    fn in_job(target: Target) -> Self {
        let value_type = match target {
            Target::Column(column) => ValueType::of_column(column),
            Target::Document(_) | Target::NeverThere => ValueType::ANY,
        };
        Self {
            base: Base::Job(target),
            replaced: Vec::new(),
            value_type,
        }
    }

    fn never_there() -> Self {
        Self::in_job(Target::NeverThere)
    }

    /// Whether it reads more of a job than an index has.
    pub(in crate::query) fn needs_row(&self) -> bool {
        match &self.base {
            Base::Job(Target::Column(column)) => FieldRef::Column(*column).needs_row(),
            Base::Job(Target::Document(_)) => true,
            Base::Job(Target::NeverThere) | Base::Element { .. } | Base::Column { .. } => false,
        }
    }
}

impl SortKey {
    /// As [`ResolvedPath::needs_row`].
    pub(in crate::query) fn needs_row(&self) -> bool {
        match &self.by {
            SortBy::Document(_) => true,
            SortBy::Below(path, _) => path.needs_row(),
            SortBy::Nothing => false,
        }
    }
}

impl Group {
    /// Whether every field is the number of rows.
    pub(in crate::query) fn only_counts(&self) -> bool {
        let counts = |field: &Accumulator| matches!(field, Accumulator::Count(conditions) if conditions.is_empty());
        self.fields.iter().all(counts)
    }

    /// As [`ResolvedPath::needs_row`].
    pub(in crate::query) fn needs_rows(&self) -> bool {
        self.keys.iter().any(|key| key.path.needs_row())
            || self.fields.iter().any(Accumulator::needs_row)
    }
}

impl Accumulator {
    fn needs_row(&self) -> bool {
        let any = |conditions: &[Requirement]| conditions.iter().any(|one| one.path.needs_row());
        match self {
            Self::Zero => false,
            Self::Count(conditions) => any(conditions),
            Self::Sum(path, conditions) | Self::Average(path, conditions) => {
                path.needs_row() || any(conditions)
            }
            Self::Max(path)
            | Self::Min(path)
            | Self::First(path)
            | Self::Last(path)
            | Self::AddToSet(path)
            | Self::MergeObjects(path, _) => path.needs_row(),
            Self::Push(fields) => fields.iter().any(|(_, path)| path.needs_row()),
        }
    }

    fn value_type(&self) -> ValueType {
        let nullable = |path: &ResolvedPath| ValueType {
            kind: path.value_type.kind,
            nulls: NullMeans::Null,
        };
        match self {
            Self::Sum(path, _) if path.value_type.kind == Kind::Any => ValueType {
                kind: Kind::Any,
                nulls: NullMeans::NotNull,
            },
            Self::Count(_) | Self::Zero | Self::Sum(..) => ValueType::INTEGER,
            Self::Max(path) | Self::Min(path) | Self::First(path) | Self::Last(path) => {
                nullable(path)
            }
            Self::Average(..) | Self::Push(_) | Self::AddToSet(_) | Self::MergeObjects(..) => {
                ValueType::NULLABLE
            }
        }
    }
}

impl Expression {
    pub(in crate::query) fn value_type(&self) -> ValueType {
        match self {
            Self::Path(path) => path.value_type,
            Self::Number(_) | Self::Function(..) | Self::Calculation(..) => ValueType::ANY,
        }
    }
}

/// The resolution so far.
struct Resolver {
    rows: RowShape,
    /// The number of terms that the order of the rows has.
    order_terms: usize,
}

impl Resolver {
    fn stage(&mut self, stage: Stage) -> Result<ResolvedStage, QueryError> {
        Ok(match stage {
            Stage::Unwind(path) => ResolvedStage::Unwind(self.unwind(&path)?),
            Stage::Group(group) => ResolvedStage::Group(self.group(group)?),
            Stage::Count(name) => {
                self.order_terms = 0;
                self.rows = RowShape::Columns(vec![ShapeColumn {
                    name,
                    value_type: ValueType::INTEGER,
                    is_key: false,
                }]);
                ResolvedStage::Count
            }
            Stage::Sort(keys) => ResolvedStage::Sort(self.sort(&keys)?),
            Stage::Limit(limit) => ResolvedStage::Limit(limit),
            Stage::Skip(skip) => ResolvedStage::Skip(skip),
            Stage::Project(project) => ResolvedStage::Project(self.project(project)?),
        })
    }

    fn unwind(&mut self, path: &PathAt) -> Result<Unwind, QueryError> {
        let resolved = self.path(path)?;
        self.order_terms += 1;
        let element = match &mut self.rows {
            RowShape::Jobs { unwound } => {
                match resolve_segments(path.segments.clone(), &path.place)?.segments() {
                    Some(path) => {
                        unwound.push(path.clone());
                        Element::Job(path)
                    }
                    None => Element::Nowhere,
                }
            }
            RowShape::Columns(columns) => {
                let name = &path.segments[0];
                match columns.iter().position(|column| column.name == *name) {
                    Some(at) => Element::Column {
                        column: at,
                        below: path.segments[1..].to_vec(),
                        value_type: std::mem::replace(&mut columns[at].value_type, ValueType::ANY),
                    },
                    None => Element::Nowhere,
                }
            }
        };
        Ok(Unwind {
            path: resolved,
            element,
        })
    }

    fn sort(&mut self, keys: &[stages::Sort]) -> Result<Vec<SortKey>, QueryError> {
        let resolved = keys.iter().map(|key| {
            Ok(SortKey {
                by: self.sort_by(&key.path)?,
                desc: key.desc,
            })
        });
        let resolved = resolved.collect::<Result<Vec<_>, _>>()?;
        self.order_terms += resolved.len();
        if self.order_terms > MAX_ORDER_TERMS {
            let place = keys.first().map(|key| key.path.place.clone());
            return Err(QueryError::Language {
                place: place.unwrap_or_default(),
                problem: format!(
                    "with the sorts and group keys before it, more than {MAX_ORDER_TERMS} keys to sort by"
                ),
            });
        }
        Ok(resolved)
    }

    /// What puts the rows in MongoDB's order by a path, which goes into arrays.
    fn sort_by(&self, path: &PathAt) -> Result<SortBy, QueryError> {
        let (first, rest) = match &self.rows {
            RowShape::Columns(_) => (&path.segments[..1], path.segments[1..].to_vec()),
            RowShape::Jobs { unwound } => {
                let target = resolve_segments(path.segments.clone(), &path.place)?;
                if unwound.is_empty() {
                    return Ok(match target {
                        Target::Document(path) => SortBy::Document(path),
                        target => SortBy::Below(ResolvedPath::in_job(target), Vec::new()),
                    });
                }
                let Some(mut segments) = target.segments() else {
                    return Ok(SortBy::Nothing);
                };
                let below = segments.split_off(1);
                return Ok(SortBy::Below(
                    self.path(&PathAt {
                        place: path.place.clone(),
                        segments,
                    })?,
                    below,
                ));
            }
        };
        let first = PathAt {
            place: path.place.clone(),
            segments: first.to_vec(),
        };
        Ok(SortBy::Below(self.path(&first)?, rest))
    }

    fn group(&mut self, group: stages::Group) -> Result<Group, QueryError> {
        let mut columns = Vec::with_capacity(group.keys.len() + group.fields.len());
        let mut keys = Vec::with_capacity(group.keys.len());
        for key in group.keys {
            let path = self.path(&key.path)?;
            columns.push(ShapeColumn {
                name: key.name,
                value_type: match &key.date_format {
                    Some(_) => ValueType::NULLABLE,
                    None => path.value_type,
                },
                is_key: true,
            });
            keys.push(GroupKey {
                path,
                date_format: key.date_format,
            });
        }
        let mut fields = Vec::with_capacity(group.fields.len());
        for field in group.fields {
            let accumulator = self.accumulator(field.accumulator, field.place)?;
            columns.push(ShapeColumn {
                name: field.name,
                value_type: accumulator.value_type(),
                is_key: false,
            });
            fields.push(accumulator);
        }
        self.order_terms = keys.len();
        self.rows = RowShape::Columns(columns);
        Ok(Group { keys, fields })
    }

    fn accumulator(
        &self,
        accumulator: stages::Accumulator,
        place: String,
    ) -> Result<Accumulator, QueryError> {
        use stages::Accumulator as Checked;
        Ok(match accumulator {
            Checked::Count(conditions) => Accumulator::Count(self.requirements(conditions)?),
            Checked::Sum(path, conditions) => {
                let path = self.path(&path)?;
                if matches!(path.value_type.kind, Kind::Text | Kind::Time) {
                    return Ok(Accumulator::Zero);
                }
                Accumulator::Sum(path, self.requirements(conditions)?)
            }
            Checked::Average(path, conditions) => {
                Accumulator::Average(self.path(&path)?, self.requirements(conditions)?)
            }
            Checked::Max(path) => Accumulator::Max(self.path(&path)?),
            Checked::Min(path) => Accumulator::Min(self.path(&path)?),
            Checked::First(path) => Accumulator::First(self.path(&path)?),
            Checked::Last(path) => Accumulator::Last(self.path(&path)?),
            Checked::Push(fields) => {
                let fields = fields.into_iter();
                let fields = fields.map(|(name, path)| Ok((name, self.path(&path)?)));
                Accumulator::Push(fields.collect::<Result<_, _>>()?)
            }
            Checked::AddToSet(path) => Accumulator::AddToSet(self.path(&path)?),
            Checked::MergeObjects(path) => Accumulator::MergeObjects(self.path(&path)?, place),
        })
    }

    fn requirements(
        &self,
        conditions: Vec<stages::Requirement>,
    ) -> Result<Vec<Requirement>, QueryError> {
        let conditions = conditions.into_iter().map(|condition| {
            Ok(Requirement {
                path: self.path(&condition.path)?,
                test: condition.test,
                value: condition.value,
            })
        });
        conditions.collect()
    }

    fn project(&mut self, project: stages::Project) -> Result<Project, QueryError> {
        let mut columns = Vec::new();
        let mut keys = Vec::new();
        if let (RowShape::Columns(before), false) = (&self.rows, project.exclude_keys) {
            let is_replaced = |name: &str| project.fields.iter().any(|field| field.name == name);
            let stay = before.iter().enumerate();
            let stay = stay.filter(|(_, column)| column.is_key && !is_replaced(&column.name));
            for (at, column) in stay {
                keys.push(at);
                columns.push(column.clone());
            }
        }
        let mut fields = Vec::with_capacity(project.fields.len());
        for field in project.fields {
            let expression = self.expression(field.expression)?;
            columns.push(ShapeColumn {
                name: field.name,
                value_type: expression.value_type(),
                is_key: false,
            });
            fields.push(expression);
        }
        self.rows = RowShape::Columns(columns);
        Ok(Project { keys, fields })
    }

    fn expression(&self, expression: stages::Expression) -> Result<Expression, QueryError> {
        use stages::Expression as Checked;
        Ok(match expression {
            Checked::Path(path) => Expression::Path(self.path(&path)?),
            Checked::Number(number) => Expression::Number(number),
            Checked::Function(function, path) => {
                Expression::Function(function, self.path(&path)?, path.place)
            }
            Checked::Calculation(calculation, operands, place) => {
                let operands = operands.into_iter().map(|operand| self.expression(operand));
                Expression::Calculation(calculation, operands.collect::<Result<_, _>>()?, place)
            }
        })
    }

    /// The value at a path.
    fn path(&self, path: &PathAt) -> Result<ResolvedPath, QueryError> {
        match &self.rows {
            RowShape::Jobs { unwound } => {
                let target = resolve_segments(path.segments.clone(), &path.place)?;
                Ok(in_jobs(target, unwound))
            }
            RowShape::Columns(columns) => Ok(in_columns(&path.segments, columns)),
        }
    }
}

/// As in the job, but an unwound array is its element.
fn in_jobs(target: Target, unwound: &[Vec<String>]) -> ResolvedPath {
    let Some(segments) = target.segments() else {
        return ResolvedPath::never_there();
    };
    let above = unwound
        .iter()
        .rposition(|unwound| segments.starts_with(unwound));
    // What was unwound further down since is its element in the value, too.
    let since = above.map_or(0, |at| at + 1);
    let inner = unwound.iter().enumerate().skip(since);
    let replaced: Vec<_> = inner
        .filter(|(_, inner)| inner.len() > segments.len() && inner.starts_with(&segments))
        .map(|(at, inner)| (at, inner[segments.len()..].to_vec()))
        .collect();
    let in_job = match above {
        None => ResolvedPath::in_job(target),
        Some(at) => ResolvedPath {
            base: Base::Element {
                unwound: at,
                below: segments[unwound[at].len()..].to_vec(),
            },
            ..ResolvedPath::never_there()
        },
    };
    ResolvedPath { replaced, ..in_job }
}

fn in_columns(segments: &[String], columns: &[ShapeColumn]) -> ResolvedPath {
    let (name, below) = (&segments[0], &segments[1..]);
    let column = columns.iter().position(|column| column.name == *name);
    let Some(at) = column else {
        return ResolvedPath::never_there();
    };
    let value_type = columns[at].value_type;
    if !below.is_empty() && value_type.kind != Kind::Any {
        return ResolvedPath::never_there();
    }
    ResolvedPath {
        base: Base::Column {
            column: at,
            below: below.to_vec(),
        },
        replaced: Vec::new(),
        value_type: if below.is_empty() {
            value_type
        } else {
            ValueType::ANY
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::query::check::stat;
    use crate::query::request::JobStatQuery;
    use crate::time::Timestamp;

    #[track_caller]
    fn check(stages: &str, expected: &str) {
        let body = format!(r#"{{"domain_id":"d","query":{{"aggregate":[{stages}]}}}}"#);
        let request = JobStatQuery::from_json(body.as_bytes()).unwrap();
        let got = match stat::check(&request, Timestamp::MIN) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{stages}");
    }

    #[test]
    fn only_paths_into_jobs_must_begin_with_a_field() {
        let unknown = "unknown field `stauts`; did you mean `status`?";
        check(
            r#"{"sort":{"key":"stauts"}}"#,
            &format!("query.aggregate[0].sort.key: {unknown}"),
        );
        check(
            r#"{"unwind":{"path":"errors"}},{"unwind":{"path":"stauts"}}"#,
            &format!("query.aggregate[1].unwind.path: {unknown}"),
        );
        check(
            r#"{"count":{"name":"n"}},{"sort":{"key":"stauts"}},{"unwind":{"path":"n.x"}}"#,
            "",
        );
    }

    #[test]
    fn conditions_of_a_sum_of_no_numbers_are_not_read() {
        let sum = |key: &str| {
            format!(
                r#"{{"group":{{"fields":[{{"name":"n","operator":"sum","key":"{key}","conditions":[{{"key":"stauts","operator":"eq","value":1}}]}}]}}}}"#
            )
        };
        check(&sum("job_id"), "");
        check(
            &sum("total_tasks"),
            "query.aggregate[0].group.fields[0].conditions[0].key: unknown field `stauts`; did you mean `status`?",
        );
    }

    #[test]
    fn an_order_has_a_limited_number_of_terms() {
        let sort = |keys: usize| {
            let keys = vec![r#"{"key":"status"}"#; keys].join(",");
            format!(r#"{{"sort":{{"keys":[{keys}]}}}}"#)
        };
        // The job id is the first term.
        let most = [vec![sort(32); 7], vec![sort(25)]].concat();
        check(&most.join(","), "");
        check(
            &[most, vec![sort(1)]].concat().join(","),
            "query.aggregate[8].sort.keys[0].key: with the sorts and group keys before it, more than 250 keys to sort by",
        );
    }
}
