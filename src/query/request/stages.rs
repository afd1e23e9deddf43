//! The stages of an aggregate as they arrive, with all operators of `group` and `project`.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::json::Strict;
use crate::json::message::{Located, OBJECT_OR_OTHER};
use crate::query::limits::MAX_CONDITIONS;
use crate::query::limits::{MAX_FIELDS, MAX_NAME_BYTES};
use crate::query::request::page::{WholeNumber, integer_or_digits};
use crate::query::request::read::list;
use crate::query::request::sort::Sort;

/// One stage of an aggregate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    rename = "stage",
    rename_all = "snake_case",
    expecting = "an object with one stage"
)]
pub enum Stage {
    Unwind(Unwind),
    Group(LocatedGroup),
    Count(Count),
    Sort(LocatedSort),
    Limit(Limit),
    Skip(Skip),
    Project(LocatedProject),
}

// utoipa takes the name of a type without parameters from the type itself.
type LocatedGroup = Located<Group>;
type LocatedSort = Located<Sort>;
type LocatedProject = Located<Project>;

/// A row for each element of an array.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unwind {
    #[schema(value_type = String, min_length = 1)]
    pub path: Located<String>,
}

/// One row with the number of rows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Count {
    pub name: Name,
}

/// A row for each combination of keys; keys or fields are required.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    #[serde(default, deserialize_with = "fields")]
    #[schema(value_type = Option<Vec<GroupKey>>, max_items = 100)]
    pub keys: Vec<GroupKey>,
    #[serde(default, deserialize_with = "fields")]
    #[schema(value_type = Option<Vec<GroupField>>, max_items = 100)]
    pub fields: Vec<Located<GroupField>>,
}

/// What rows are grouped by.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupKey {
    #[schema(value_type = String, min_length = 1)]
    pub key: Located<String>,
    pub name: Name,
    /// For a time: `year`, `month`, `day`, or a text with `%Y %m %d %H %M %S %L %j %u %w %U %V %G %z %%`.
    #[schema(value_type = Option<String>)]
    pub date_format: Option<Located<String>>,
}

/// What is computed over the rows of a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupField {
    pub name: Name,
    pub operator: Accumulator,
    /// What the operator is applied to; `count` needs none, `push` takes `fields` instead.
    #[schema(value_type = Option<String>)]
    pub key: Option<Located<String>>,
    /// Of `count`, `sum` and `average`: which rows count.
    #[serde(default, deserialize_with = "requirements")]
    #[schema(value_type = Option<Vec<Requirement>>, max_items = 500)]
    pub conditions: Vec<Requirement>,
    /// Of `push`: the members of each element.
    #[serde(default, deserialize_with = "fields")]
    #[schema(value_type = Option<Vec<PushField>>, max_items = 100)]
    pub fields: Vec<PushField>,
    /// Of `percentile`: above 0, at most 100, with at most 3 decimals.
    #[schema(value_type = Option<f64>, exclusive_minimum = 0, maximum = 100)]
    pub percent: Option<Located<f64>>,
}

/// An operator of a group's field. Only `POST /jobdeck/stat` has `median` and `percentile`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename = "operator", rename_all = "snake_case")]
pub enum Accumulator {
    Count,
    Sum,
    Average,
    Median,
    Percentile,
    Max,
    Min,
    First,
    Last,
    Push,
    AddToSet,
    MergeObjects,
}

/// A condition on the rows of a group's field. The value is not null.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    #[schema(value_type = String, min_length = 1)]
    pub key: Located<String>,
    pub operator: RequirementOperator,
    #[schema(value_type = Value)]
    pub value: Strict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename = "operator", rename_all = "snake_case")]
pub enum RequirementOperator {
    Eq,
    Lt,
    Lte,
    Gt,
    Gte,
}

/// A member of the elements that `push` makes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushField {
    #[schema(value_type = String, min_length = 1)]
    pub key: Located<String>,
    pub name: Name,
}

/// Only these fields, and the keys of the group before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Project {
    #[serde(default, deserialize_with = "fields")]
    #[schema(value_type = Vec<ProjectField>, required, min_items = 1, max_items = 100)]
    pub fields: Vec<Located<ProjectField>>,
    /// Leaves the keys of the group out.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub exclude_keys: bool,
}

/// A path (`key`), a function of a path (`operator` and `key`), or a calculation (`operator` and `fields`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectField {
    pub name: Name,
    #[schema(value_type = Option<String>)]
    pub key: Option<Located<String>>,
    pub operator: Option<ProjectOperator>,
    #[serde(default, deserialize_with = "fields")]
    #[schema(value_type = Option<Vec<Operand>>, max_items = 100)]
    pub fields: Vec<Located<Operand>>,
}

/// An operator of a project's field. The empty string is the same as none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename = "operator", rename_all = "snake_case")]
pub enum ProjectOperator {
    Size,
    Sum,
    ArrayToObject,
    ObjectToArray,
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// An operand: a path, a number, or a calculation within.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum Operand {
    Path(String),
    Number(#[schema(inline)] OperandNumber),
    Calculation(Calculation),
}

/// A number just as it was given: integers stay integers.
#[derive(Debug, Clone)]
pub struct OperandNumber(pub Number);

/// As a project's field; a name means nothing here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Calculation {
    pub name: Option<String>,
    #[schema(value_type = Option<String>)]
    pub key: Option<Located<String>>,
    pub operator: Option<ProjectOperator>,
    #[serde(default, deserialize_with = "fields")]
    #[schema(value_type = Option<Vec<Operand>>, max_items = 100, no_recursion)]
    pub fields: Vec<Located<Operand>>,
}

impl Accumulator {
    /// Whether it is jobdeck's own, which SpaceONE does not have.
    pub(crate) fn is_own(self) -> bool {
        matches!(self, Self::Median | Self::Percentile)
    }
}

/// Writes the name of the operator.
impl fmt::Display for Accumulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Writes the name of the operator.
impl fmt::Display for ProjectOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

fn fields<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    list(deserializer, MAX_FIELDS, "items")
}

fn requirements<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Requirement>, D::Error> {
    list(deserializer, MAX_CONDITIONS, "items")
}

impl<'de> Deserialize<'de> for Operand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = Operand;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_str<E: Error>(self, path: &str) -> Result<Operand, E> {
                Ok(Operand::Path(path.to_owned()))
            }
            fn visit_string<E: Error>(self, path: String) -> Result<Operand, E> {
                Ok(Operand::Path(path))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Operand, E> {
                Ok(Operand::Number(OperandNumber(number.into())))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Operand, E> {
                Ok(Operand::Number(OperandNumber(number.into())))
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Operand, E> {
                let finite = Number::from_f64(number);
                let number = finite.ok_or_else(|| E::custom("a number must be finite"))?;
                Ok(Operand::Number(OperandNumber(number)))
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Operand, A::Error> {
                let members = MapAccessDeserializer::new(members);
                Calculation::deserialize(members).map(Operand::Calculation)
            }
        }
        const FIELDS: &[&str] = &["name", "key", "operator", "fields"];
        deserializer.deserialize_struct(OBJECT_OR_OTHER, FIELDS, Forms)
    }
}

/// A name of a field of the answer: no dots, dollars, quotes or control characters; at most 256 bytes.
///
/// MongoDB or a reader of the answer would take them for something else.
#[derive(Debug, Clone, ToSchema)]
#[schema(
    description = "A name of a field of the answer: no dots, dollars, quotes or control characters; at most 256 bytes.",
    min_length = 1,
    max_length = 256,
    pattern = r#"^[^.$"'`\u0000-\u001f\u007f-\u009f]+$"#
)]
pub struct Name(pub String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// Why the text is no name.
    pub(super) fn new(name: String) -> Result<Self, String> {
        if name.len() > MAX_NAME_BYTES {
            let length = name.len();
            return Err(format!(
                "is {length} bytes long, at most {MAX_NAME_BYTES} are allowed"
            ));
        }
        let is_forbidden = |letter: &char| letter.is_control() || ".$\"'`".contains(*letter);
        match name.chars().find(is_forbidden) {
            None => Ok(Self(name)),
            Some(letter) => Err(format!(
                "a name must not contain {letter:?}; dots, dollars, quotes and control characters are not allowed"
            )),
        }
    }
}

/// The most rows to answer, 1 or more.
#[derive(Debug, Clone, Copy)]
pub struct Limit(pub i64);

/// The rows to pass over, 0 or more.
#[derive(Debug, Clone, Copy)]
pub struct Skip(pub i64);

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_i64(RowCount { least: 1 })
            .map(Self)
    }
}

impl<'de> Deserialize<'de> for Skip {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_i64(RowCount { least: 0 })
            .map(Self)
    }
}

/// Reads a number of rows.
struct RowCount {
    least: i64,
}

impl Visitor<'_> for RowCount {
    type Value = i64;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        let least = self.least;
        if number < least {
            return Err(E::custom(format_args!(
                "expected at least {least}, found {number}"
            )));
        }
        Ok(number)
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_too_large| {
            E::custom(format_args!("{number} is more than any answer has rows"))
        })
    }
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        integer_or_digits(
            1,
            r"^\+?0*[1-9][0-9]*$",
            "An integer of 1 or more, perhaps as a string.",
        )
    }
}

impl ToSchema for Limit {}

impl PartialSchema for Skip {
    fn schema() -> RefOr<Schema> {
        WholeNumber::schema()
    }
}

impl ToSchema for Skip {
    fn name() -> Cow<'static, str> {
        WholeNumber::name()
    }
}

impl PartialSchema for OperandNumber {
    fn schema() -> RefOr<Schema> {
        f64::schema()
    }
}

impl ToSchema for OperandNumber {}
