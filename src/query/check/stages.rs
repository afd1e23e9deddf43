//! The stages of an aggregate as they are checked: from any JSON to types that can only be right.
//!
//! A path is only split here; what it leads to depends on the stages before it, which [`crate::query::stat::plan`] knows.

use serde_json::Value;

use crate::json::type_name;
use crate::query::check::field::split_path;
use crate::query::error::{QueryError, unknown};
use crate::query::eval::arithmetic::Calculation;
use crate::query::eval::date_format::DateFormat;
use crate::query::eval::value::Comparison;
use crate::query::eval::value::MongoValue;
use crate::query::request::object::{ErrorKind, Members, as_integer, wrong_type};
use crate::query::request::sort_keys;

/// The most keys, and the most fields, of one group or project.
pub const MAX_FIELDS: usize = 100;
/// The longest name that a field may be given, in bytes.
pub const MAX_NAME_BYTES: usize = 256;
/// How deep calculations may be nested.
pub const MAX_CALCULATION_DEPTH: usize = 10;

/// A dotted path and the place where it stands in the request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PathAt {
    pub(crate) place: String,
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

impl Group {
    /// Whether every field is the number of rows.
    pub(crate) fn only_counts(&self) -> bool {
        let counts = |field: &GroupField| matches!(&field.accumulator, Accumulator::Count(conditions) if conditions.is_empty());
        self.fields.iter().all(counts)
    }
}

#[derive(Debug)]
pub(crate) struct GroupKey {
    pub(crate) name: String,
    pub(crate) path: PathAt,
    pub(crate) date_format: Option<KeyFormat>,
}

/// A checked format with its text, which is what is bound, and the place where it stands.
#[derive(Debug)]
pub(crate) struct KeyFormat {
    pub(crate) format: DateFormat,
    pub(crate) text: String,
    pub(crate) place: String,
}

#[derive(Debug)]
pub(crate) struct GroupField {
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) accumulator: Accumulator,
}

#[derive(Debug)]
pub(crate) enum Accumulator {
    Count(Vec<Requirement>),
    Sum(PathAt, Vec<Requirement>),
    Average(PathAt, Vec<Requirement>),
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
    /// A function of several expressions, and the place where it stands.
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
    /// How many keys, fields, operands and conditions it has.
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

const STAGES: [&str; 7] = [
    "unwind", "group", "count", "sort", "limit", "skip", "project",
];
const ACCUMULATORS: [&str; 10] = [
    "count",
    "sum",
    "average",
    "max",
    "min",
    "first",
    "last",
    "push",
    "add_to_set",
    "merge_objects",
];
const PROJECT_OPERATORS: [&str; 8] = [
    "size",
    "sum",
    "array_to_object",
    "object_to_array",
    "add",
    "subtract",
    "multiply",
    "divide",
];

fn language(place: &str, problem: impl Into<String>) -> QueryError {
    QueryError::Language {
        place: place.to_owned(),
        problem: problem.into(),
    }
}

fn members<'v>(value: &'v Value, place: &str) -> Result<Members<'v>, QueryError> {
    Members::new(value, place, ErrorKind::Language)
}

/// Checks one stage: `{"NAME": …}`.
pub(crate) fn parse(value: &Value, place: &str) -> Result<Stage, QueryError> {
    let Value::Object(object) = value else {
        return Err(language(
            place,
            format!(
                "expected an object with one stage, found {}",
                type_name(value)
            ),
        ));
    };
    let given: Vec<_> = object
        .iter()
        .filter(|(_, value)| !value.is_null())
        .collect();
    let [(name, argument)] = given.as_slice() else {
        let problem = format!(
            "expected exactly one of the stages {}, found {}",
            STAGES.join(", "),
            given.len()
        );
        return Err(language(place, problem));
    };
    let place = &format!("{place}.{}", name.chars().take(64).collect::<String>());
    match name.as_str() {
        "unwind" => unwind(argument, place),
        "group" => group(argument, place),
        "count" => {
            let mut members = members(argument, place)?;
            let name = self::name(&mut members)?;
            members.finish()?;
            Ok(Stage::Count(name))
        }
        "sort" => sort(argument, place),
        "limit" => Ok(Stage::Limit(number(argument, place, 1)?)),
        "skip" => Ok(Stage::Skip(number(argument, place, 0)?)),
        "project" => project(argument, place),
        other => Err(language(place, unknown("stage", other, &STAGES))),
    }
}

fn number(value: &Value, place: &str, least: i64) -> Result<i64, QueryError> {
    // Rule: the conformance case E-error-request-023: what is no number is a fault of the request, not of the language.
    if value.is_u64() && !value.is_i64() {
        return Err(language(
            place,
            format!("{value} is more than any answer has rows"),
        ));
    }
    let Some(number) = as_integer(value) else {
        return Err(wrong_type(ErrorKind::Parameter, place, "an integer", value));
    };
    if number < least {
        return Err(language(
            place,
            format!("expected at least {least}, found {number}"),
        ));
    }
    Ok(number)
}

fn path(members: &mut Members<'_>, spellings: &[&'static str]) -> Result<PathAt, QueryError> {
    match members.string(spellings)? {
        Some((text, place)) => Ok(PathAt {
            segments: split_path(text, &place)?,
            place,
        }),
        None => Err(members.required(spellings[0])),
    }
}

/// A name for a field of the answer: no dots, dollars, quotes or control characters, which MongoDB or a reader of the
/// answer would take for something else.
fn name(members: &mut Members<'_>) -> Result<String, QueryError> {
    let Some((name, place)) = members.string(&["name", "n"])? else {
        return Err(members.required("name"));
    };
    if name.len() > MAX_NAME_BYTES {
        return Err(language(
            &place,
            format!(
                "is {} bytes long, at most {MAX_NAME_BYTES} are allowed",
                name.len()
            ),
        ));
    }
    match name
        .chars()
        .find(|letter| letter.is_control() || ".$\"'`".contains(*letter))
    {
        None => Ok(name.to_owned()),
        Some(letter) => Err(language(
            &place,
            format!(
                "a name must not contain {letter:?}; dots, dollars, quotes and control characters are not allowed"
            ),
        )),
    }
}

fn unique<'n>(names: impl Iterator<Item = &'n str>, place: &str) -> Result<(), QueryError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(language(place, format!("the name `{name}` is given twice")));
        }
    }
    Ok(())
}

fn unwind(value: &Value, place: &str) -> Result<Stage, QueryError> {
    let mut members = members(value, place)?;
    let path = path(&mut members, &["path"])?;
    members.finish()?;
    Ok(Stage::Unwind(path))
}

fn sort(value: &Value, place: &str) -> Result<Stage, QueryError> {
    let keys = sort_keys(value, place, ErrorKind::Language)?;
    if keys.is_empty() {
        return Err(language(place, "a key to sort by is required"));
    }
    let sorts = keys.into_iter().map(|key| {
        let segments = split_path(&key.key, &key.place)?;
        Ok(Sort {
            path: PathAt {
                place: key.place,
                segments,
            },
            desc: key.desc,
        })
    });
    Ok(Stage::Sort(sorts.collect::<Result<_, _>>()?))
}

fn group(value: &Value, place: &str) -> Result<Stage, QueryError> {
    let mut members = members(value, place)?;
    let keys = members.array("keys", MAX_FIELDS)?;
    let fields = members.array("fields", MAX_FIELDS)?;
    members.finish()?;
    if keys.is_empty() && fields.is_empty() {
        return Err(language(place, "keys or fields are required"));
    }
    let keys = keys
        .into_iter()
        .map(|(key, place)| group_key(key, &place))
        .collect::<Result<Vec<_>, _>>()?;
    let fields = fields
        .into_iter()
        .map(|(field, place)| group_field(field, place))
        .collect::<Result<Vec<_>, _>>()?;
    let names = keys
        .iter()
        .map(|key| key.name.as_str())
        .chain(fields.iter().map(|field| field.name.as_str()));
    unique(names, place)?;
    Ok(Stage::Group(Group { keys, fields }))
}

fn group_key(value: &Value, place: &str) -> Result<GroupKey, QueryError> {
    let mut members = members(value, place)?;
    let key = GroupKey {
        path: path(&mut members, &["key", "k"])?,
        name: name(&mut members)?,
        date_format: match members.string(&["date_format"])? {
            None => None,
            Some((text, place)) => match DateFormat::new(text) {
                Ok(format) => Some(KeyFormat {
                    format,
                    text: text.to_owned(),
                    place,
                }),
                Err(problem) => return Err(language(&place, problem)),
            },
        },
    };
    members.finish()?;
    Ok(key)
}

fn group_field(value: &Value, place: String) -> Result<GroupField, QueryError> {
    let mut members = members(value, &place)?;
    let name = name(&mut members)?;
    let Some((operator, operator_place)) = members.string(&["operator", "o"])? else {
        return Err(members.required("operator"));
    };
    let conditions = members.array("conditions", crate::query::request::MAX_CONDITIONS)?;
    let sub_fields = members.array("fields", MAX_FIELDS)?;
    let is_conditional = matches!(operator, "count" | "sum" | "average");
    if !conditions.is_empty() && !is_conditional {
        return Err(members.problem(
            "conditions",
            format!("`{operator}` takes none; count, sum and average do"),
        ));
    }
    if !sub_fields.is_empty() && operator != "push" {
        return Err(members.problem("fields", format!("`{operator}` takes none; push does")));
    }
    let conditions = conditions
        .into_iter()
        .map(|(item, place)| requirement(item, &place))
        .collect::<Result<Vec<_>, _>>()?;
    let mut key = || path(&mut members, &["key", "k"]);
    let accumulator = match operator {
        "count" => {
            // A key is allowed beside `count`, as in SpaceONE, and means nothing.
            members.string(&["key", "k"])?;
            Accumulator::Count(conditions)
        }
        "sum" => Accumulator::Sum(key()?, conditions),
        "average" => Accumulator::Average(key()?, conditions),
        "max" => Accumulator::Max(key()?),
        "min" => Accumulator::Min(key()?),
        "first" => Accumulator::First(key()?),
        "last" => Accumulator::Last(key()?),
        "add_to_set" => Accumulator::AddToSet(key()?),
        "merge_objects" => Accumulator::MergeObjects(key()?),
        "push" if sub_fields.is_empty() => return Err(members.required("fields")),
        "push" => {
            let fields = sub_fields
                .into_iter()
                .map(|(item, place)| sub_field(item, &place))
                .collect::<Result<Vec<_>, _>>()?;
            unique(
                fields.iter().map(|(name, _)| name.as_str()),
                &members.place_of("fields"),
            )?;
            Accumulator::Push(fields)
        }
        other => {
            return Err(language(
                &operator_place,
                unknown("operator", other, &ACCUMULATORS),
            ));
        }
    };
    members.finish()?;
    Ok(GroupField {
        name,
        place,
        accumulator,
    })
}

fn sub_field(value: &Value, place: &str) -> Result<(String, PathAt), QueryError> {
    let mut members = members(value, place)?;
    let path = path(&mut members, &["key", "k"])?;
    let name = name(&mut members)?;
    members.finish()?;
    Ok((name, path))
}

fn requirement(value: &Value, place: &str) -> Result<Requirement, QueryError> {
    let mut members = members(value, place)?;
    let path = path(&mut members, &["key", "k"])?;
    let Some((operator, operator_place)) = members.string(&["operator", "o"])? else {
        return Err(members.required("operator"));
    };
    let test = match operator {
        "eq" => RequirementTest::Equal,
        "lt" => RequirementTest::Compare(Comparison::Lt),
        "lte" => RequirementTest::Compare(Comparison::Lte),
        "gt" => RequirementTest::Compare(Comparison::Gt),
        "gte" => RequirementTest::Compare(Comparison::Gte),
        other => {
            return Err(language(
                &operator_place,
                unknown("operator", other, &["eq", "lt", "lte", "gt", "gte"]),
            ));
        }
    };
    let Some((value, _)) = members.value(&["value", "v"])? else {
        return Err(members.required("value"));
    };
    members.finish()?;
    Ok(Requirement {
        path,
        test,
        value: MongoValue::from(value),
    })
}

fn project(value: &Value, place: &str) -> Result<Stage, QueryError> {
    let mut members = members(value, place)?;
    let fields = members.array("fields", MAX_FIELDS)?;
    let exclude_keys = members.boolean("exclude_keys")?;
    let missing = members.required("fields");
    members.finish()?;
    if fields.is_empty() {
        return Err(missing);
    }
    let fields = fields
        .into_iter()
        .map(|(field, place)| project_field(field, &place))
        .collect::<Result<Vec<_>, _>>()?;
    unique(fields.iter().map(|field| field.name.as_str()), place)?;
    Ok(Stage::Project(Project {
        fields,
        exclude_keys,
    }))
}

fn project_field(value: &Value, place: &str) -> Result<ProjectField, QueryError> {
    let mut members = members(value, place)?;
    let name = name(&mut members)?;
    let expression = expression(&mut members, place, 0)?;
    members.finish()?;
    Ok(ProjectField { name, expression })
}

/// Reads `{key}`, `{operator, key}` or `{operator, fields}`.
fn expression(
    members: &mut Members<'_>,
    place: &str,
    depth: usize,
) -> Result<Expression, QueryError> {
    if depth > MAX_CALCULATION_DEPTH {
        return Err(language(
            place,
            format!("calculations may be nested {MAX_CALCULATION_DEPTH} deep"),
        ));
    }
    let fields = members.array("fields", MAX_FIELDS)?;
    let Some((operator, operator_place)) = members.string(&["operator", "o"])? else {
        if !fields.is_empty() {
            return Err(members.required("operator"));
        }
        return Ok(Expression::Path(path(members, &["key", "k"])?));
    };
    let function = match operator {
        "size" => Some(Function::Size),
        "array_to_object" => Some(Function::ArrayToObject),
        "object_to_array" => Some(Function::ObjectToArray),
        "sum" if fields.is_empty() => Some(Function::Sum),
        _ => None,
    };
    if let Some(function) = function {
        if !fields.is_empty() {
            return Err(members.problem("fields", format!("`{operator}` takes a key instead")));
        }
        return Ok(Expression::Function(
            function,
            path(members, &["key", "k"])?,
        ));
    }
    let Some(calculation) = Calculation::ALL
        .into_iter()
        .find(|calculation| calculation.name() == operator)
    else {
        return Err(language(
            &operator_place,
            unknown("operator", operator, &PROJECT_OPERATORS),
        ));
    };
    let takes_two = matches!(calculation, Calculation::Subtract | Calculation::Divide);
    if fields.is_empty() || (takes_two && fields.len() != 2) {
        let expected = if takes_two { "exactly 2" } else { "at least 1" };
        return Err(members.problem(
            "fields",
            format!("`{operator}` takes {expected}, found {}", fields.len()),
        ));
    }
    let operands = fields
        .into_iter()
        .map(|(item, place)| operand(item, &place, depth + 1))
        .collect::<Result<_, _>>()?;
    Ok(Expression::Calculation(
        calculation,
        operands,
        place.to_owned(),
    ))
}

/// Reads an operand: a path as a string, a number, or an object with a key or a calculation.
fn operand(value: &Value, place: &str, depth: usize) -> Result<Expression, QueryError> {
    match value {
        Value::Number(number) => Ok(Expression::Number(MongoValue::from(number))),
        Value::String(text) => Ok(Expression::Path(PathAt {
            segments: split_path(text, place)?,
            place: place.to_owned(),
        })),
        other => {
            let mut members = members(other, place)?;
            // A name is allowed on every field and means nothing here.
            members.string(&["name", "n"])?;
            let expression = expression(&mut members, place, depth)?;
            members.finish()?;
            Ok(expression)
        }
    }
}
