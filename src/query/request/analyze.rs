//! `AnalyzeQuery` as it arrives, and the statistics request that means the same.
//!
//! An analysis is a group with its order named: the stages that it stands for are those of an aggregate, and are checked,
//! planned and answered as such. Each part of a stage has the location of what it was made of, so that an error is in the
//! words of the analysis.
//!
//! Rule: python-core, `mongo_model`: `analyze` makes these stages in this order.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::json::message::{Located, OBJECT_OR_OTHER};
use crate::json::names::unknown;
use crate::query::error::QueryError;
use crate::query::limits::MAX_FIELDS;
use crate::query::request::condition::{Condition, conditions};
use crate::query::request::job_path::JobPath;
use crate::query::request::page::{Page, PageMembers};
use crate::query::request::read::list;
use crate::query::request::sort::{Sort, SortKey};
use crate::query::request::stages::{
    Accumulator, Calculation, Group, GroupField, GroupKey, Name, Project, ProjectField, PushField,
    Stage, Unwind,
};
use crate::query::request::stat::StatisticsQuery;

/// The names of sums over a second group begin so.
const TOTAL: &str = "_total_";
/// What each element that `field_group` makes calls its value.
const VALUE: &str = "value";

/// `spaceone.api.core.v1.AnalyzeQuery`: jobs grouped by some keys, with fields computed over each group.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeQuery {
    /// What jobs are grouped by: paths, each called by its last segment, or `{key, name}`. Without any, all are one group.
    #[serde(default, deserialize_with = "items")]
    #[schema(value_type = Option<Vec<GroupBy>>, max_items = 100)]
    pub group_by: Vec<Located<GroupBy>>,
    /// Keys of `group_by`, by name, that do not make rows of their own: rows are grouped by the other keys, and each field is
    /// then a list of `{"value": …}` with these keys. Where fields are numbers, `_total_NAME` is their sum.
    #[serde(default, deserialize_with = "items")]
    #[schema(value_type = Option<Vec<String>>, max_items = 100)]
    pub field_group: Vec<Located<String>>,
    /// All of these must hold; with those of `filter_or` at most 500.
    #[serde(default, deserialize_with = "conditions")]
    #[schema(value_type = Option<Vec<Condition>>, max_items = 500)]
    pub filter: Vec<Located<Condition>>,
    /// Any of these must hold.
    #[serde(default, deserialize_with = "conditions")]
    #[schema(value_type = Option<Vec<Condition>>, max_items = 500)]
    pub filter_or: Vec<Located<Condition>>,
    /// Words, any of which the job id contains; they join `filter_or`.
    pub keyword: Option<String>,
    /// First makes a row for each element of an array.
    #[schema(value_type = Option<Unwind>)]
    pub unwind: Option<Unwind>,
    /// What is computed over each group, by the names that the answer has.
    #[serde(default, deserialize_with = "named_or_none")]
    #[schema(value_type = Fields, required)]
    pub fields: Option<Vec<(Name, Located<AnalyzeField>)>>,
    /// The members of the rows, by name: a path into the rows of the group, or a calculation over them. The group's keys are
    /// left out unless they are named here.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<Selects>)]
    pub select: Vec<(Name, Located<Select>)>,
    /// The order of the rows, by names of the answer. With `field_group` the name of a field is that of its total.
    #[serde(default)]
    #[schema(value_type = Option<Sort>)]
    pub sort: Located<Sort>,
    /// The part of the rows to answer. With a limit the answer says whether there are `more`.
    #[serde(default)]
    #[schema(value_type = Option<PageMembers>)]
    pub page: Page,
}

/// A key that jobs are grouped by.
#[derive(Debug)]
pub enum GroupBy {
    /// A path, called by its last segment.
    Path(String),
    Named(NamedKey),
}

/// A path and what the answer calls it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedKey {
    #[schema(value_type = String, min_length = 1)]
    pub key: Located<String>,
    pub name: Name,
}

/// What is computed over the jobs of a group: `{operator, key}`, or for `push` `{operator, fields}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeField {
    pub operator: Accumulator,
    /// What the operator is applied to; `count` needs none.
    #[schema(value_type = Option<String>)]
    pub key: Option<Located<String>>,
    /// Of `push`: the members of each element, each a path by its name.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<Paths>)]
    pub fields: Vec<(Name, Located<String>)>,
}

/// A member of the rows: a path, or a calculation.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum Select {
    Path(String),
    Calculation(Calculation),
}

impl AnalyzeQuery {
    /// Makes the statistics request that means the same.
    ///
    /// # Errors
    /// [`QueryError`] where `fields` is missing, a name is not one, or `field_group` names no key.
    pub(super) fn into_statistics(self) -> Result<StatisticsQuery, QueryError> {
        let Some(fields) = self.fields else {
            let key = "query.fields".to_owned();
            return Err(QueryError::Required { key });
        };
        refuse_own_operator(&fields)?;
        let keys = self.group_by.into_iter().map(group_key);
        let keys: Vec<GroupKey> = keys.collect::<Result<_, _>>()?;
        check_field_group(&self.field_group, &keys, !self.select.is_empty())?;
        let mut stages: Vec<Stage> = self.unwind.into_iter().map(Stage::Unwind).collect();
        let second = second_group(&keys, &fields, &self.field_group);
        let names: Vec<String> = fields.iter().map(|(name, _)| name.0.clone()).collect();
        stages.push(Stage::Group(at(
            "query.fields",
            Group {
                keys,
                fields: fields.into_iter().map(group_field).collect(),
            },
        )));
        if !self.select.is_empty() {
            let fields = self.select.into_iter().map(selected);
            let project = Project {
                fields: fields.collect(),
                exclude_keys: true,
            };
            stages.push(Stage::Project(at("query.select", project)));
        }
        let has_second = second.is_some();
        stages.extend(second.map(Stage::Group));
        let mut sort = self.sort;
        if !sort.value.keys.is_empty() {
            if has_second {
                sort.value
                    .keys
                    .iter_mut()
                    .for_each(|key| by_total(key, &names));
            }
            stages.push(Stage::Sort(sort));
        }
        Ok(StatisticsQuery {
            filter: self.filter,
            filter_or: self.filter_or,
            aggregate: stages,
            distinct: None,
            keyword: self.keyword,
            page: self.page,
        })
    }
}

fn at<T>(location: &str, value: T) -> Located<T> {
    Located {
        value,
        location: location.to_owned(),
    }
}

fn language(location: String, problem: String) -> QueryError {
    QueryError::Language { location, problem }
}

/// Refuses an operator that SpaceONE does not have.
fn refuse_own_operator(fields: &[(Name, Located<AnalyzeField>)]) -> Result<(), QueryError> {
    let own = fields
        .iter()
        .find(|(_, field)| field.value.operator.is_own());
    let Some((_, field)) = own else {
        return Ok(());
    };
    let operator = field.value.operator;
    let problem = format!("an analysis has no `{operator}`; POST /jobdeck/stat has it");
    Err(language(format!("{}.operator", field.location), problem))
}

fn group_key(key: Located<GroupBy>) -> Result<GroupKey, QueryError> {
    let location = key.location;
    let (path, name) = match key.value {
        GroupBy::Named(NamedKey { key, name }) => (key, name),
        GroupBy::Path(path) => {
            let last = path.rsplit('.').next().unwrap_or_default();
            let name = Name::new(last.to_owned());
            let name = name.map_err(|problem| language(location.clone(), problem))?;
            let value = path;
            (Located { value, location }, name)
        }
    };
    Ok(GroupKey {
        key: path,
        name,
        date_format: None,
    })
}

fn group_field((name, field): (Name, Located<AnalyzeField>)) -> Located<GroupField> {
    let AnalyzeField {
        operator,
        key,
        fields,
    } = field.value;
    let fields = fields.into_iter();
    let value = GroupField {
        name,
        operator,
        key,
        conditions: Vec::new(),
        fields: fields.map(|(name, key)| PushField { key, name }).collect(),
        percent: None,
    };
    Located {
        value,
        location: field.location,
    }
}

fn selected((name, select): (Name, Located<Select>)) -> Located<ProjectField> {
    let Located { value, location } = select;
    let field = match value {
        Select::Path(value) => ProjectField {
            name,
            key: Some(Located {
                value,
                location: location.clone(),
            }),
            operator: None,
            fields: Vec::new(),
        },
        Select::Calculation(calculation) => ProjectField {
            name,
            key: calculation.key,
            operator: calculation.operator,
            fields: calculation.fields,
        },
    };
    Located {
        value: field,
        location,
    }
}

/// Checks that `field_group` names keys; what `select` makes may have any name.
fn check_field_group(
    field_group: &[Located<String>],
    keys: &[GroupKey],
    has_select: bool,
) -> Result<(), QueryError> {
    let known: Vec<_> = keys.iter().map(|key| key.name.0.as_str()).collect();
    for (index, Located { value, location }) in field_group.iter().enumerate() {
        let problem = if value.starts_with(TOTAL) {
            format!("a key must not begin with `{TOTAL}`, which is what totals are called")
        } else if value == VALUE {
            format!("a key must not be called `{VALUE}`, as the value of each element is")
        } else if !has_select && !known.contains(&value.as_str()) {
            format!("{} of `group_by`", unknown("key", value, &known))
        } else if field_group[..index]
            .iter()
            .any(|other| other.value == *value)
        {
            format!("the key `{value}` is given twice")
        } else {
            continue;
        };
        return Err(language(location.clone(), problem));
    }
    Ok(())
}

/// Makes the group by the keys that `field_group` does not name; `None` where it names none.
///
/// Rule: python-core, `_make_field_group_fields`: a total is the sum of sums and counts, the mean of means, the largest of
/// the largest, the smallest of the smallest; other fields have none.
fn second_group(
    keys: &[GroupKey],
    fields: &[(Name, Located<AnalyzeField>)],
    field_group: &[Located<String>],
) -> Option<Located<Group>> {
    let first = field_group.first()?;
    let is_named = |key: &&GroupKey| field_group.iter().any(|name| name.value == key.name.0);
    let by_name = |name: &Name, location: &str| Located {
        value: name.0.clone(),
        location: location.to_owned(),
    };
    let others = keys.iter().filter(|key| !is_named(key));
    let others = others.map(|key| GroupKey {
        key: by_name(&key.name, &key.key.location),
        name: key.name.clone(),
        date_format: None,
    });
    let mut computed = Vec::with_capacity(2 * fields.len());
    for (name, field) in fields {
        let own = by_name(name, &field.location);
        let of_field = |name: Name, operator: Accumulator| GroupField {
            name,
            operator,
            key: None,
            conditions: Vec::new(),
            fields: Vec::new(),
            percent: None,
        };
        let total = match field.value.operator {
            Accumulator::Count | Accumulator::Sum => Some(Accumulator::Sum),
            same @ (Accumulator::Average | Accumulator::Max | Accumulator::Min) => Some(same),
            _ => None,
        };
        computed.extend(total.map(|operator| GroupField {
            key: Some(own.clone()),
            ..of_field(Name(format!("{TOTAL}{}", name.0)), operator)
        }));
        let mut members = vec![PushField {
            key: own,
            name: Name(VALUE.to_owned()),
        }];
        members.extend(field_group.iter().map(|key| PushField {
            key: key.clone(),
            name: Name(key.value.clone()),
        }));
        computed.push(GroupField {
            fields: members,
            ..of_field(name.clone(), Accumulator::Push)
        });
    }
    let computed = computed.into_iter();
    let group = Group {
        keys: others.collect(),
        fields: computed
            .map(|field| at("query.field_group", field))
            .collect(),
    };
    Some(at(&first.location, group))
}

/// Lets a sort key that names a field mean its total.
fn by_total(key: &mut SortKey, fields: &[String]) {
    if fields.contains(&key.key.value) {
        key.key.value.insert_str(0, TOTAL);
    }
}

fn items<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    list(deserializer, MAX_FIELDS, "items")
}

/// Reads an object whose member names are the client's, in their order.
fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<(Name, T)>, D::Error> {
    struct Members<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
        type Value = Vec<(Name, T)>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(name) = access.next_key::<Name>()? {
                if members.len() == MAX_FIELDS {
                    return Err(A::Error::custom(format_args!(
                        "at most {MAX_FIELDS} members are allowed"
                    )));
                }
                members.push((name, access.next_value()?));
            }
            Ok(members)
        }
    }
    deserializer.deserialize_map(Members(PhantomData))
}

fn named_or_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Vec<(Name, T)>>, D::Error> {
    named(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for GroupBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = GroupBy;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path or an object")
            }
            fn visit_str<E: Error>(self, path: &str) -> Result<GroupBy, E> {
                Ok(GroupBy::Path(path.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<GroupBy, A::Error> {
                NamedKey::deserialize(MapAccessDeserializer::new(members)).map(GroupBy::Named)
            }
        }
        deserializer.deserialize_struct(OBJECT_OR_OTHER, &["key", "name"], Forms)
    }
}

impl PartialSchema for GroupBy {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .description(Some(
                "A key that jobs are grouped by: a path, called by its last segment, or a path with a name.",
            ))
            .item(JobPath::schema())
            .item(Ref::from_schema_name(NamedKey::name()))
            .into()
    }
}

impl ToSchema for GroupBy {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((NamedKey::name().into_owned(), NamedKey::schema()));
        NamedKey::schemas(schemas);
    }
}

impl<'de> Deserialize<'de> for Select {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = Select;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path or an object")
            }
            fn visit_str<E: Error>(self, path: &str) -> Result<Select, E> {
                Ok(Select::Path(path.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Select, A::Error> {
                let members = MapAccessDeserializer::new(members);
                Calculation::deserialize(members).map(Select::Calculation)
            }
        }
        const FIELDS: &[&str] = &["name", "key", "operator", "fields"];
        deserializer.deserialize_struct(OBJECT_OR_OTHER, FIELDS, Forms)
    }
}

/// The schema of an object whose member names are the client's.
fn by_name(member: RefOr<Schema>, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .description(Some(description))
        .additional_properties(Some(member))
        .into()
}

/// The schema of `fields`.
struct Fields;

impl PartialSchema for Fields {
    fn schema() -> RefOr<Schema> {
        let field = Ref::from_schema_name(AnalyzeField::name());
        by_name(
            field.into(),
            "What is computed over each group, by name; at most 100.",
        )
    }
}

impl ToSchema for Fields {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((AnalyzeField::name().into_owned(), AnalyzeField::schema()));
        AnalyzeField::schemas(schemas);
    }
}

/// The schema of `select`.
struct Selects;

impl PartialSchema for Selects {
    fn schema() -> RefOr<Schema> {
        let select = Ref::from_schema_name(Select::name());
        by_name(
            select.into(),
            "The members of the rows, by name; at most 100.",
        )
    }
}

impl ToSchema for Selects {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Select::name().into_owned(), Select::schema()));
        Select::schemas(schemas);
    }
}

/// The schema of the `fields` of `push`.
struct Paths;

impl PartialSchema for Paths {
    fn schema() -> RefOr<Schema> {
        by_name(
            String::schema(),
            "Paths, by the names that the elements have for them; at most 100.",
        )
    }
}

impl ToSchema for Paths {}
