//! Resolved stages: each path is resolved to a column or a part of the document, so lowering to SQL cannot fail.
//!
//! Rows are jobs first; `unwind` gives them elements, and `group`, `count` and `project` make columns of them.

use crate::job::Shape;
use crate::query::check::field::{DocumentPath, FieldRef, Kind, NullMeans, Target, ValueType};
use crate::query::check::stages::{Function, KeyFormat, RequirementTest};
use crate::query::eval::arithmetic::Calculation;
use crate::query::eval::percentile::Percent;
use crate::query::eval::value::MongoValue;

/// The stages of an aggregate, and the shape of the rows that come out of the last.
#[derive(Debug)]
pub(in crate::query) struct ResolvedStages {
    pub(in crate::query) stages: Vec<ResolvedStage>,
    pub(in crate::query) rows: RowShape,
    /// The shape in which whole jobs are answered.
    pub(in crate::query) shape: Shape,
}

/// The shape of the rows between two stages.
#[derive(Debug, Clone)]
pub(in crate::query) enum RowShape {
    /// Jobs, with an element of each unwound path: the canonical paths, in the order of their stages.
    Jobs {
        unwound: Vec<Vec<String>>,
    },
    Columns(Vec<ShapeColumn>),
}

/// A column under the name that the caller gave it. The key of a group and a field that a later `project` made may have
/// one name: paths then lead to the key, and the answer has the field, or where that is missing the key.
#[derive(Debug, Clone)]
pub(in crate::query) struct ShapeColumn {
    pub(in crate::query) name: String,
    pub(in crate::query) value_type: ValueType,
    /// Whether it is the key of a group.
    pub(in crate::query) is_key: bool,
}

/// A value in the rows that a stage reads.
#[derive(Debug, PartialEq)]
pub(in crate::query) struct ResolvedPath {
    pub(in crate::query) base: Base,
    /// The unwound arrays below the value, which their elements replace: the index of the unwound path, and the path
    /// below the value.
    pub(in crate::query) replaced: Vec<(usize, Vec<String>)>,
    pub(in crate::query) value_type: ValueType,
}

/// The origin of a value.
#[derive(Debug, PartialEq)]
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

/// One row for each element of the array at a path.
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

#[derive(Debug, PartialEq)]
pub(in crate::query) enum SortBy {
    /// A path into the document of a job.
    Document(DocumentPath),
    /// A path below a value.
    Below(ResolvedPath, Vec<String>),
    /// A value that is always missing.
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
    /// The sum of a field that is never a number.
    Zero,
    Sum(ResolvedPath, Vec<Requirement>),
    Average(ResolvedPath, Vec<Requirement>),
    Percentile(ResolvedPath, Percent),
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

impl ResolvedPath {
    pub(super) fn in_job(target: Target) -> Self {
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

    pub(super) fn never_there() -> Self {
        Self::in_job(Target::NeverThere)
    }

    /// Whether it reads a field that no index of `jobs` has.
    pub(in crate::query) fn needs_row(&self) -> bool {
        match &self.base {
            Base::Job(Target::Column(column)) => FieldRef::from_column(*column).needs_row(),
            Base::Job(Target::Document(_)) => true,
            Base::Job(Target::NeverThere) | Base::Element { .. } | Base::Column { .. } => false,
        }
    }
}

impl SortKey {
    /// Whether it reads a field that no index of `jobs` has.
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

    /// Whether it reads a field that no index of `jobs` has.
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
            Self::Percentile(path, _)
            | Self::Max(path)
            | Self::Min(path)
            | Self::First(path)
            | Self::Last(path)
            | Self::AddToSet(path)
            | Self::MergeObjects(path, _) => path.needs_row(),
            Self::Push(fields) => fields.iter().any(|(_, path)| path.needs_row()),
        }
    }

    pub(super) fn value_type(&self) -> ValueType {
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
            Self::Average(..)
            | Self::Percentile(..)
            | Self::Push(_)
            | Self::AddToSet(_)
            | Self::MergeObjects(..) => ValueType::NULLABLE,
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
