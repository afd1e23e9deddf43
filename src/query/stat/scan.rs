//! Statistics that a scan of the columns answers: groups by columns, and the first rows in an order by columns.

use crate::columns::NumberColumn;
use crate::query::check::field::{Kind, Root, Target};
use crate::query::check::resolved::{
    Accumulator, Base, Expression, Group, GroupKey, Project, Requirement, ResolvedPath,
    ResolvedStage, SortBy, SortKey,
};
use crate::query::check::stages::Function;
use crate::query::check::stat::CheckedStat;
use crate::query::eval::arithmetic::Number;
use crate::query::eval::value::MongoValue;
use crate::query::index_hints::is_selective;
use crate::query::scan::{
    BlockFilter, Condition, Field, GroupKey as ScanKey, GroupScan, Groups, MAX_KEYS, Source, Term,
    TopScan,
};

/// What a scan gives of statistics.
#[derive(Debug)]
pub(super) enum StatScan {
    /// The rows after the first stages.
    Groups { scan: GroupScan, stages: usize },
    /// The first jobs, of which the stages then make the same rows as of all. `is_page` is whether they are those of the
    /// page; otherwise a stage limits them.
    Top { scan: TopScan, is_page: bool },
}

/// The sources of the columns that a first `project` makes; `None` without one.
type Projected = Option<Vec<Option<Source>>>;

impl StatScan {
    /// The scan for the stages of an aggregate; `None` where a statement answers as fast, or only a statement can.
    pub(super) fn new(stat: &CheckedStat, stages: &[ResolvedStage]) -> Option<Self> {
        if is_selective(&stat.filter) {
            return None;
        }
        BlockFilter::new(&stat.tenant, &stat.filter)?;
        let (projected, mut next): (Projected, usize) = match stages.first() {
            Some(ResolvedStage::Project(project)) => (Some(project_sources(project)), 1),
            _ => (None, 0),
        };
        let mut terms = None;
        // The last of several sorts comes first, so a scan takes only one; a group of these fields takes any.
        let first_sort = next;
        while let Some(ResolvedStage::Sort(keys)) = stages.get(next) {
            terms = sort_terms(keys, &projected);
            next += 1;
        }
        let groups = |groups: Groups| Self::Groups {
            scan: GroupScan {
                tenant: stat.tenant.clone(),
                filter: stat.filter.clone(),
                groups,
            },
            stages: next + 1,
        };
        let first = |count: u64, is_page: bool| {
            (next == first_sort + 1 && count <= TopScan::MAX_COUNT).then_some(())?;
            Some(Self::Top {
                scan: TopScan {
                    tenant: stat.tenant.clone(),
                    filter: stat.filter.clone(),
                    terms: terms.clone()?,
                    count: usize::try_from(count).ok()?,
                    counts: is_page,
                },
                is_page,
            })
        };
        match stages.get(next) {
            Some(ResolvedStage::Group(group)) => Some(groups(group_of(group, &projected)?)),
            Some(ResolvedStage::Count) => Some(groups(Groups {
                keys: Vec::new(),
                fields: vec![Field::Count(Vec::new())],
            })),
            Some(ResolvedStage::Limit(limit)) => first(u64::try_from(*limit).ok()?, false),
            None => first(stat.page.skip.saturating_add(stat.page.limit?), true),
            _ => None,
        }
    }
}

/// Returns the sources of the columns that a stage `project` over jobs makes.
fn project_sources(project: &Project) -> Vec<Option<Source>> {
    let fields = project.fields.iter();
    fields.map(expression_source).collect()
}

fn expression_source(expression: &Expression) -> Option<Source> {
    match expression {
        Expression::Path(path) => path_source(path, &None),
        Expression::Number(MongoValue::Integer(integer)) => {
            Some(Source::Constant(Number::Integer(*integer)))
        }
        Expression::Number(MongoValue::Real(real)) => Some(Source::Constant(Number::Real(*real))),
        Expression::Number(_) => None,
        Expression::Function(function, path, _) => {
            let is_errors = matches!(
                &path.base,
                Base::Job(Target::Document(path)) if path.is(Root::Errors, &[])
            );
            (*function == Function::Size && is_errors && path.replaced.is_empty())
                .then_some(Source::Number(NumberColumn::ErrorCount))
        }
        Expression::Calculation(calculation, operands, _) => {
            let operands = operands.iter().map(expression_source);
            Source::calculation(*calculation, operands.collect::<Option<_>>()?)
        }
    }
}

/// Returns the source of the values at a path, before a `project` or after it.
fn path_source(path: &ResolvedPath, projected: &Projected) -> Option<Source> {
    if !path.replaced.is_empty() {
        return None;
    }
    match (&path.base, projected) {
        (Base::Job(target), None) => Source::of_target(target),
        (Base::Column { column, below }, Some(sources)) if below.is_empty() => {
            sources.get(*column)?.clone()
        }
        _ => None,
    }
}

/// Returns the terms of a sort, with the job id last; `None` where blocks do not have a value.
fn sort_terms(keys: &[SortKey], projected: &Projected) -> Option<Vec<Term>> {
    let mut terms = Vec::with_capacity(keys.len() + 1);
    for key in keys {
        let source = match &key.by {
            SortBy::Document(path) => Source::of_target(&Target::Document(path.clone()))?,
            SortBy::Below(path, below) if below.is_empty() => {
                // A value of a collector may be an array, whose elements then order the rows.
                let source = path_source(path, projected)?;
                (!matches!(source, Source::Collector(_))).then_some(source)?
            }
            SortBy::Below(..) => return None,
            SortBy::Nothing => continue,
        };
        terms.push(Term {
            key: source,
            desc: key.desc,
        });
    }
    terms.push(Term {
        key: Source::JobId,
        desc: false,
    });
    Some(terms)
}

/// Returns the groups of a stage; `None` where blocks do not have a value, or a field depends on the order of the rows.
fn group_of(group: &Group, projected: &Projected) -> Option<Groups> {
    let keys = group.keys.iter().map(|key| key_of(key, projected));
    let fields = group.fields.iter().map(|field| field_of(field, projected));
    let keys: Vec<_> = keys.collect::<Option<_>>()?;
    (keys.len() <= MAX_KEYS).then_some(())?;
    Some(Groups {
        keys,
        fields: fields.collect::<Option<_>>()?,
    })
}

fn key_of(key: &GroupKey, projected: &Projected) -> Option<ScanKey> {
    let source = path_source(&key.path, projected)?;
    match (&key.date_format, &source) {
        // Each job would be a group.
        (_, Source::JobId) => None,
        (None, _) => Some(ScanKey::Value(source)),
        (Some(format), Source::Time(_)) => {
            format.format.unit()?;
            Some(ScanKey::Date(source, format.format.clone()))
        }
        (Some(_), _) => None,
    }
}

fn field_of(field: &Accumulator, projected: &Projected) -> Option<Field> {
    let number = |path: &ResolvedPath| {
        let source = path_source(path, projected)?;
        let kind = path.value_type.kind;
        let is_number = source.is_number() && matches!(kind, Kind::Integer | Kind::Any);
        is_number.then_some((source, kind))
    };
    let extreme = |path: &ResolvedPath| {
        let source = path_source(path, projected)?;
        source.has_values().then_some(source)
    };
    let conditions = |conditions: &[Requirement]| -> Option<Vec<Condition>> {
        let conditions = conditions.iter().map(|condition| {
            let source = path_source(&condition.path, projected)?;
            Condition::new(source, condition.test, &condition.value)
        });
        conditions.collect()
    };
    Some(match field {
        Accumulator::Count(requirements) => Field::Count(conditions(requirements)?),
        Accumulator::Zero => Field::Zero,
        Accumulator::Sum(path, requirements) => {
            let (source, kind) = number(path)?;
            Field::Sum(source, kind, conditions(requirements)?)
        }
        Accumulator::Average(path, requirements) => {
            let (source, kind) = number(path)?;
            Field::Average(source, kind, conditions(requirements)?)
        }
        Accumulator::Percentile(path, percent) => Field::Percentile(number(path)?.0, *percent),
        Accumulator::Max(path) => Field::Max(extreme(path)?),
        Accumulator::Min(path) => Field::Min(extreme(path)?),
        Accumulator::First(_)
        | Accumulator::Last(_)
        | Accumulator::Push(_)
        | Accumulator::AddToSet(_)
        | Accumulator::MergeObjects(..) => return None,
    })
}
