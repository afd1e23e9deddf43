//! Checks the stages of an aggregate, except for their paths.
//!
//! A path is only split here: its meaning depends on the stages before it (see `check::resolve`).

use crate::json::message::Located;
use crate::query::check::field::split_path;
use crate::query::error::QueryError;
use crate::query::eval::arithmetic::Calculation;
use crate::query::eval::date_format::DateFormat;
use crate::query::eval::percentile::Percent;
use crate::query::eval::value::Comparison;
use crate::query::eval::value::MongoValue;
use crate::query::limits::{MAX_CALCULATION_DEPTH, MAX_EXPRESSIONS};
use crate::query::request::Sort as Order;
use crate::query::request::stages as request;
use crate::query::request::stages::ProjectOperator;

/// A dotted path and its location in the request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PathAt {
    pub(crate) location: String,
    pub(crate) segments: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Stage {
    Unwind(PathAt),
    Group(Group),
    /// One row with the number of rows under this name.
    Count(String),
    Sort(Vec<Sort>),
    /// 1 or more.
    Limit(i64),
    /// 0 or more.
    Skip(i64),
    Project(Project),
}

#[derive(Debug)]
pub(crate) struct Sort {
    pub(crate) path: PathAt,
    pub(crate) desc: bool,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) keys: Vec<GroupKey>,
    pub(crate) fields: Vec<GroupField>,
}

#[derive(Debug)]
pub(crate) struct GroupKey {
    pub(crate) name: String,
    pub(crate) path: PathAt,
    pub(crate) date_format: Option<KeyFormat>,
}

/// A checked date format, with its text, which is bound, and its location in the request.
#[derive(Debug)]
pub(crate) struct KeyFormat {
    pub(crate) format: DateFormat,
    pub(crate) text: String,
    pub(crate) location: String,
}

#[derive(Debug)]
pub(crate) struct GroupField {
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) accumulator: Accumulator,
}

#[derive(Debug)]
pub(crate) enum Accumulator {
    Count(Vec<Requirement>),
    Sum(PathAt, Vec<Requirement>),
    Average(PathAt, Vec<Requirement>),
    Percentile(PathAt, Percent),
    Max(PathAt),
    Min(PathAt),
    First(PathAt),
    Last(PathAt),
    Push(Vec<(String, PathAt)>),
    AddToSet(PathAt),
    MergeObjects(PathAt),
}

/// A condition of `count`, `sum` or `average`, across types; the value is never null.
#[derive(Debug)]
pub(crate) struct Requirement {
    pub(crate) path: PathAt,
    pub(crate) test: RequirementTest,
    pub(crate) value: MongoValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequirementTest {
    Equal,
    Compare(Comparison),
}

#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) fields: Vec<ProjectField>,
    pub(crate) exclude_keys: bool,
}

#[derive(Debug)]
pub(crate) struct ProjectField {
    pub(crate) name: String,
    pub(crate) expression: Expression,
}

#[derive(Debug)]
pub(crate) enum Expression {
    Path(PathAt),
    Number(MongoValue),
    /// A function of one path.
    Function(Function, PathAt),
    /// A function of several expressions, and its location in the request.
    Calculation(Calculation, Vec<Expression>, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Size,
    Sum,
    ArrayToObject,
    ObjectToArray,
}

impl Stage {
    /// Returns the number of keys, fields, operands and conditions.
    pub(crate) fn expressions(&self) -> usize {
        match self {
            Self::Unwind(_) | Self::Count(_) | Self::Limit(_) | Self::Skip(_) => 1,
            Self::Sort(keys) => keys.len(),
            Self::Group(group) => {
                let of_field = |field: &GroupField| match &field.accumulator {
                    Accumulator::Count(conditions)
                    | Accumulator::Sum(_, conditions)
                    | Accumulator::Average(_, conditions) => 1 + conditions.len(),
                    Accumulator::Push(fields) => 1 + fields.len(),
                    _ => 1,
                };
                group.keys.len() + group.fields.iter().map(of_field).sum::<usize>()
            }
            Self::Project(project) => project
                .fields
                .iter()
                .map(|field| field.expression.expressions())
                .sum(),
        }
    }
}

impl Expression {
    fn expressions(&self) -> usize {
        match self {
            Self::Path(_) | Self::Number(_) | Self::Function(..) => 1,
            Self::Calculation(_, operands, _) => {
                1 + operands.iter().map(Self::expressions).sum::<usize>()
            }
        }
    }
}

/// Checks the stages of an aggregate.
///
/// # Errors
/// [`QueryError::Language`] for the first problem.
pub(crate) fn check(stages: &[request::Stage]) -> Result<Vec<Stage>, QueryError> {
    let stages = stages
        .iter()
        .map(check_stage)
        .collect::<Result<Vec<_>, _>>()?;
    let count: usize = stages.iter().map(Stage::expressions).sum();
    if count > MAX_EXPRESSIONS {
        let problem = format!(
            "{count} keys, fields, operands and conditions in all, at most {MAX_EXPRESSIONS} are allowed"
        );
        return Err(language("query.aggregate", problem));
    }
    Ok(stages)
}

fn check_stage(stage: &request::Stage) -> Result<Stage, QueryError> {
    Ok(match stage {
        request::Stage::Unwind(unwind) => Stage::Unwind(path(&unwind.path)?),
        request::Stage::Group(group) => Stage::Group(check_group(group)?),
        request::Stage::Count(count) => Stage::Count(count.name.0.clone()),
        request::Stage::Sort(sort) => Stage::Sort(check_sort(sort)?),
        request::Stage::Limit(limit) => Stage::Limit(limit.0),
        request::Stage::Skip(skip) => Stage::Skip(skip.0),
        request::Stage::Project(project) => Stage::Project(check_project(project)?),
    })
}

/// Returns an error of the language.
fn language(location: &str, problem: impl Into<String>) -> QueryError {
    QueryError::Language {
        location: location.to_owned(),
        problem: problem.into(),
    }
}

/// Returns an error at a member of the message at `location`.
fn at_member(location: &str, name: &str, problem: impl Into<String>) -> QueryError {
    language(&format!("{location}.{name}"), problem)
}

fn path(text: &Located<String>) -> Result<PathAt, QueryError> {
    Ok(PathAt {
        segments: split_path(&text.value, &text.location)?,
        location: text.location.clone(),
    })
}

/// Checks the path of a message at `location`, which its operator requires.
fn required_path(key: Option<&Located<String>>, location: &str) -> Result<PathAt, QueryError> {
    path(key.ok_or_else(|| at_member(location, "key", "is required"))?)
}

fn refuse_duplicates<'n>(
    names: impl Iterator<Item = &'n str>,
    location: &str,
) -> Result<(), QueryError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(language(
                location,
                format!("the name `{name}` is given twice"),
            ));
        }
    }
    Ok(())
}

fn check_sort(sort: &Located<Order>) -> Result<Vec<Sort>, QueryError> {
    if sort.value.keys.is_empty() {
        return Err(language(&sort.location, "a key to sort by is required"));
    }
    let keys = sort.value.keys.iter().map(|key| {
        Ok(Sort {
            path: path(&key.key)?,
            desc: key.desc,
        })
    });
    keys.collect()
}

fn check_group(group: &Located<request::Group>) -> Result<Group, QueryError> {
    let Located {
        value: group,
        location,
    } = group;
    if group.keys.is_empty() && group.fields.is_empty() {
        return Err(language(location, "keys or fields are required"));
    }
    let keys = group.keys.iter().map(check_group_key);
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let fields = group.fields.iter().map(check_group_field);
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    let names = keys
        .iter()
        .map(|key| key.name.as_str())
        .chain(fields.iter().map(|field| field.name.as_str()));
    refuse_duplicates(names, location)?;
    Ok(Group { keys, fields })
}

fn check_group_key(key: &request::GroupKey) -> Result<GroupKey, QueryError> {
    let date_format = key.date_format.as_ref().map(|text| {
        let format = DateFormat::new(&text.value);
        Ok(KeyFormat {
            format: format.map_err(|problem| language(&text.location, problem))?,
            text: text.value.clone(),
            location: text.location.clone(),
        })
    });
    Ok(GroupKey {
        name: key.name.0.clone(),
        path: path(&key.key)?,
        date_format: date_format.transpose()?,
    })
}

fn check_group_field(field: &Located<request::GroupField>) -> Result<GroupField, QueryError> {
    use request::Accumulator as Operator;
    let Located {
        value: field,
        location,
    } = field;
    let operator = field.operator;
    let has_conditions = !field.conditions.is_empty();
    if has_conditions
        && !matches!(
            operator,
            Operator::Count | Operator::Sum | Operator::Average
        )
    {
        let problem = format!("`{operator}` takes none; count, sum and average do");
        return Err(at_member(location, "conditions", problem));
    }
    if !field.fields.is_empty() && operator != Operator::Push {
        let problem = format!("`{operator}` takes none; push does");
        return Err(at_member(location, "fields", problem));
    }
    if let Some(percent) = &field.percent
        && operator != Operator::Percentile
    {
        let problem = format!("`{operator}` takes none; percentile does");
        return Err(language(&percent.location, problem));
    }
    let conditions = field.conditions.iter().map(check_requirement);
    let conditions = conditions.collect::<Result<Vec<_>, _>>()?;
    let key = || required_path(field.key.as_ref(), location);
    let accumulator = match operator {
        // A key is allowed with `count`, as in SpaceONE, and ignored.
        Operator::Count => Accumulator::Count(conditions),
        Operator::Sum => Accumulator::Sum(key()?, conditions),
        Operator::Average => Accumulator::Average(key()?, conditions),
        Operator::Median => Accumulator::Percentile(key()?, Percent::MEDIAN),
        Operator::Percentile => {
            Accumulator::Percentile(key()?, check_percent(field.percent.as_ref(), location)?)
        }
        Operator::Max => Accumulator::Max(key()?),
        Operator::Min => Accumulator::Min(key()?),
        Operator::First => Accumulator::First(key()?),
        Operator::Last => Accumulator::Last(key()?),
        Operator::AddToSet => Accumulator::AddToSet(key()?),
        Operator::MergeObjects => Accumulator::MergeObjects(key()?),
        Operator::Push => Accumulator::Push(check_push_fields(&field.fields, location)?),
    };
    Ok(GroupField {
        name: field.name.0.clone(),
        location: location.clone(),
        accumulator,
    })
}

/// Checks the percent of a field at `location`, which needs one.
fn check_percent(percent: Option<&Located<f64>>, location: &str) -> Result<Percent, QueryError> {
    let percent = percent.ok_or_else(|| at_member(location, "percent", "is required"))?;
    Percent::new(percent.value).ok_or_else(|| {
        let found = percent.value;
        let problem = format!(
            "a number above 0 and at most 100, with at most 3 decimals, is expected, found {found}"
        );
        language(&percent.location, problem)
    })
}

fn check_push_fields(
    fields: &[request::PushField],
    location: &str,
) -> Result<Vec<(String, PathAt)>, QueryError> {
    if fields.is_empty() {
        return Err(at_member(location, "fields", "is required"));
    }
    let names = fields.iter().map(|field| field.name.0.as_str());
    refuse_duplicates(names, &format!("{location}.fields"))?;
    let fields = fields
        .iter()
        .map(|field| Ok((field.name.0.clone(), path(&field.key)?)));
    fields.collect()
}

fn check_requirement(requirement: &request::Requirement) -> Result<Requirement, QueryError> {
    use request::RequirementOperator as Operator;
    Ok(Requirement {
        path: path(&requirement.key)?,
        test: match requirement.operator {
            Operator::Eq => RequirementTest::Equal,
            Operator::Lt => RequirementTest::Compare(Comparison::Lt),
            Operator::Lte => RequirementTest::Compare(Comparison::Lte),
            Operator::Gt => RequirementTest::Compare(Comparison::Gt),
            Operator::Gte => RequirementTest::Compare(Comparison::Gte),
        },
        value: MongoValue::from(&requirement.value.0),
    })
}

fn check_project(project: &Located<request::Project>) -> Result<Project, QueryError> {
    let Located {
        value: project,
        location,
    } = project;
    if project.fields.is_empty() {
        return Err(at_member(location, "fields", "is required"));
    }
    let fields = project.fields.iter().map(|Located { value, location }| {
        Ok(ProjectField {
            name: value.name.0.clone(),
            expression: check_expression(
                value.operator,
                value.key.as_ref(),
                &value.fields,
                location,
                0,
            )?,
        })
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    refuse_duplicates(fields.iter().map(|field| field.name.as_str()), location)?;
    Ok(Project {
        fields,
        exclude_keys: project.exclude_keys,
    })
}

/// Checks `{key}`, `{operator, key}` or `{operator, fields}` at `location`.
fn check_expression(
    operator: Option<ProjectOperator>,
    key: Option<&Located<String>>,
    fields: &[Located<request::Operand>],
    location: &str,
    depth: usize,
) -> Result<Expression, QueryError> {
    if depth > MAX_CALCULATION_DEPTH {
        let problem = format!("calculations may be nested {MAX_CALCULATION_DEPTH} deep");
        return Err(language(location, problem));
    }
    let Some(operator) = operator else {
        if !fields.is_empty() {
            return Err(at_member(location, "operator", "is required"));
        }
        return Ok(Expression::Path(required_path(key, location)?));
    };
    let calculation = match operator {
        ProjectOperator::Size => Err(Function::Size),
        ProjectOperator::ArrayToObject => Err(Function::ArrayToObject),
        ProjectOperator::ObjectToArray => Err(Function::ObjectToArray),
        ProjectOperator::Sum if fields.is_empty() => Err(Function::Sum),
        ProjectOperator::Sum => Ok(Calculation::Sum),
        ProjectOperator::Add => Ok(Calculation::Add),
        ProjectOperator::Subtract => Ok(Calculation::Subtract),
        ProjectOperator::Multiply => Ok(Calculation::Multiply),
        ProjectOperator::Divide => Ok(Calculation::Divide),
    };
    let calculation = match calculation {
        Ok(calculation) => calculation,
        Err(_) if !fields.is_empty() => {
            let problem = format!("`{operator}` takes a key instead");
            return Err(at_member(location, "fields", problem));
        }
        Err(function) => {
            return Ok(Expression::Function(
                function,
                required_path(key, location)?,
            ));
        }
    };
    let takes_two = matches!(calculation, Calculation::Subtract | Calculation::Divide);
    if fields.is_empty() || (takes_two && fields.len() != 2) {
        let expected = if takes_two { "exactly 2" } else { "at least 1" };
        let problem = format!("`{operator}` takes {expected}, found {}", fields.len());
        return Err(at_member(location, "fields", problem));
    }
    let operands = fields
        .iter()
        .map(|operand| check_operand(operand, depth + 1));
    let operands = operands.collect::<Result<_, _>>()?;
    Ok(Expression::Calculation(
        calculation,
        operands,
        location.to_owned(),
    ))
}

fn check_operand(
    Located { value, location }: &Located<request::Operand>,
    depth: usize,
) -> Result<Expression, QueryError> {
    match value {
        request::Operand::Number(number) => Ok(Expression::Number(MongoValue::from(&number.0))),
        request::Operand::Path(text) => Ok(Expression::Path(PathAt {
            segments: split_path(text, location)?,
            location: location.clone(),
        })),
        request::Operand::Calculation(inner) => check_expression(
            inner.operator,
            inner.key.as_ref(),
            &inner.fields,
            location,
            depth,
        ),
    }
}
