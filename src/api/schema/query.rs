//! The query language in the words of JSON Schema.
//!
//! The language is read member by member (`query::members`), so there are no serde types to derive this from: these stand
//! for them, and only their shape is used. Names are given as the README has them; [`spell`] adds what else is read:
//! `lowerCamelCase`, and the short names of conditions and keys. Every conformance case is held against the outcome.

use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::query::request::MAX_SORT_KEYS;

/// What a list is asked: whose jobs, which of them, in which order, and which part.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobsQuery {
    /// The tenant: no query reaches past it.
    #[schema(min_length = 1)]
    domain_id: String,
    job_id: Option<String>,
    status: Option<StatusFilter>,
    collector_id: Option<String>,
    project_id: Option<String>,
    query: Option<Query>,
}

/// `spaceone.api.core.v1.Query`. Without a page limit the answer holds every match.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// All of these must hold; with those of `filter_or` at most 500.
    #[schema(max_items = 500)]
    filter: Option<Vec<Condition>>,
    /// Any of these must hold.
    #[schema(max_items = 500)]
    filter_or: Option<Vec<Condition>>,
    /// Words, any of which the job id contains; they join `filter_or`.
    keyword: Option<String>,
    sort: Option<Sort>,
    page: Option<Page>,
    /// Answers `job_id`, `status`, `created_at` and `finished_at` only.
    minimal: Option<bool>,
    /// Answers `total_count` and no jobs.
    count_only: Option<bool>,
    /// Answers these parts of the jobs only.
    #[schema(max_items = 100)]
    only: Option<Vec<JobPath>>,
}

/// What statistics are asked.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobStatQuery {
    /// The tenant: no query reaches past it.
    #[schema(min_length = 1)]
    domain_id: String,
    query: StatisticsQuery,
}

/// `spaceone.api.core.v1.StatisticsQuery`. One of `aggregate` and `distinct` must say something; `aggregate` wins.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatisticsQuery {
    /// All of these must hold; with those of `filter_or` at most 500.
    #[schema(max_items = 500)]
    filter: Option<Vec<Condition>>,
    /// Any of these must hold.
    #[schema(max_items = 500)]
    filter_or: Option<Vec<Condition>>,
    /// Words, any of which the job id contains; they join `filter_or`.
    keyword: Option<String>,
    /// The stages, applied in order.
    #[schema(max_items = 50)]
    aggregate: Option<Vec<Stage>>,
    /// A path into a job, whose different values are answered.
    distinct: Option<String>,
    /// With a limit the answer has a `total_count`.
    page: Option<Page>,
}

/// A condition. Its members have a short and a long name; what the value must be hangs on the operator.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    /// The same as `key`.
    #[schema(nullable = false)]
    k: Option<JobPath>,
    /// The same as `value`.
    v: Option<Value>,
    /// The same as `operator`.
    #[schema(nullable = false)]
    o: Option<Operator>,
    #[schema(nullable = false)]
    key: Option<JobPath>,
    value: Option<Value>,
    #[schema(nullable = false)]
    operator: Option<Operator>,
}

/// How a path is compared with the value: `eq`, `not`, `in`, `not_in` by type and value; `lt` to `gte` within one type;
/// `contain` and its like as parts of a text, without regard to case; `regex` in Perl's syntax, unanchored, without regard
/// to case; `exists` with true or false; `match` with an object, all of whose members an element of the array must have;
/// `datetime_…` with an ISO 8601 time; `timediff_…` with `now`, `now/d`, `now/w` or `now/m`, and perhaps ` - 5d`.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Operator {
    Eq,
    Not,
    Lt,
    Lte,
    Gt,
    Gte,
    In,
    NotIn,
    Contain,
    NotContain,
    ContainIn,
    NotContainIn,
    Regex,
    RegexIn,
    Exists,
    Match,
    DatetimeLt,
    DatetimeLte,
    DatetimeGt,
    DatetimeGte,
    TimediffLt,
    TimediffLte,
    TimediffGt,
    TimediffGte,
}

/// The order of the rows: one key, several, or an array of them. `key` wins over `keys`.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum Sort {
    Keys(#[schema(inline)] SortKeys),
    Array(Vec<SortKey>),
}

/// `{key, desc}` or `{keys: […]}`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SortKeys {
    key: Option<String>,
    desc: Option<bool>,
    #[schema(max_items = 32)]
    keys: Option<Vec<SortKey>>,
}

/// A path to sort by.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SortKey {
    #[schema(min_length = 1)]
    key: String,
    /// The largest first.
    desc: Option<bool>,
}

/// The part of the rows to answer. Without a limit, or with 0, it is all of them.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// The first row to answer, counted from 1.
    start: Option<WholeNumber>,
    limit: Option<WholeNumber>,
}

/// One stage of an aggregate.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    Unwind(Unwind),
    Group(Group),
    Project(Project),
    Sort(Sort),
    Limit(Limit),
    Skip(WholeNumber),
    Count(Count),
}

/// A row for each element of an array.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unwind {
    #[schema(min_length = 1)]
    path: String,
}

/// One row with the number of rows.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Count {
    name: Name,
}

/// A row for each combination of keys; keys or fields are required.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    #[schema(max_items = 100)]
    keys: Option<Vec<GroupKey>>,
    #[schema(max_items = 100)]
    fields: Option<Vec<GroupField>>,
}

/// What rows are grouped by.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupKey {
    #[schema(min_length = 1)]
    key: String,
    name: Name,
    /// For a time: `year`, `month`, `day`, or a text with `%Y %m %d %H %M %S %L %j %u %w %U %V %G %z %%`.
    date_format: Option<String>,
}

/// What is computed over the rows of a group.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupField {
    name: Name,
    operator: Accumulator,
    /// What the operator is applied to; `count` needs none, `push` takes `fields` instead.
    key: Option<String>,
    /// Of `count`, `sum` and `average`: which rows count.
    #[schema(max_items = 500)]
    conditions: Option<Vec<Requirement>>,
    /// Of `push`: the members of each element.
    #[schema(max_items = 100)]
    fields: Option<Vec<PushField>>,
}

/// An operator of a group's field.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Accumulator {
    Count,
    Sum,
    Average,
    Max,
    Min,
    First,
    Last,
    Push,
    AddToSet,
    MergeObjects,
}

/// A condition on the rows of a group's field. The value is not null.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Requirement {
    #[schema(min_length = 1)]
    key: String,
    operator: RequirementOperator,
    value: Value,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum RequirementOperator {
    Eq,
    Lt,
    Lte,
    Gt,
    Gte,
}

/// A member of the elements that `push` makes.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PushField {
    #[schema(min_length = 1)]
    key: String,
    name: Name,
}

/// Only these fields, and the keys of the group before.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Project {
    #[schema(min_items = 1, max_items = 100)]
    fields: Vec<ProjectField>,
    /// Leaves the keys of the group out.
    exclude_keys: Option<bool>,
}

/// A path (`key`), a function of a path (`operator` and `key`), or a calculation (`operator` and `fields`).
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectField {
    name: Name,
    key: Option<String>,
    operator: Option<ProjectOperator>,
    #[schema(max_items = 100)]
    fields: Option<Vec<Operand>>,
}

/// An operator of a project's field. The empty string is the same as none.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ProjectOperator {
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
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum Operand {
    Path(String),
    Number(f64),
    Calculation(Calculation),
}

/// As a project's field; a name means nothing here.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Calculation {
    name: Option<String>,
    key: Option<String>,
    operator: Option<ProjectOperator>,
    #[schema(max_items = 100, no_recursion)]
    fields: Option<Vec<Operand>>,
}

/// A name of a field of the answer: no dots, dollars, quotes or control characters; at most 256 bytes.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 256,
    pattern = r#"^[^.$"'`\u0000-\u001f\u007f-\u009f]+$"#
)]
pub(crate) struct Name(String);

/// A path into a job.
pub(crate) struct JobPath;

/// The first segments that a path may have; `query::field` has the rule.
const ROOTS: &str = "job_id|status|filter|total_tasks|remained_tasks|errors|collector_info|project_id|domain_id|created_at|updated_at|finished_at|collector_id|collector|filters";

impl PartialSchema for JobPath {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "A dotted path into a job, such as `errors.error_code`. It goes into arrays, where any element will do and a number is an index. `collector_id`, `collector.…` and `filters.…` are short for `collector_info.collector_id`, `collector_info.…` and `filter.…`.",
            ))
            .pattern(Some(format!(r"^({ROOTS})(\.[^.]+){{0,9}}$")))
            .into()
    }
}

impl ToSchema for JobPath {}

/// An integer of 0 or more, or its digits as a string.
pub(crate) struct WholeNumber;

impl PartialSchema for WholeNumber {
    fn schema() -> RefOr<Schema> {
        whole_number(
            0,
            r"^(\+?[0-9]+|-0+)?$",
            "An integer of 0 or more; as proto's JSON has it, perhaps as a string.",
        )
    }
}

impl ToSchema for WholeNumber {}

/// An integer of 1 or more, or its digits as a string.
pub(crate) struct Limit;

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        whole_number(
            1,
            r"^\+?0*[1-9][0-9]*$",
            "An integer of 1 or more, perhaps as a string.",
        )
    }
}

impl ToSchema for Limit {}

fn whole_number(least: i64, pattern: &str, description: &str) -> RefOr<Schema> {
    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(least));
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern));
    OneOfBuilder::new()
        .description(Some(description))
        .item(number)
        .item(text)
        .into()
}

/// A status by its name or proto number.
pub(crate) struct StatusFilter;

impl PartialSchema for StatusFilter {
    fn schema() -> RefOr<Schema> {
        let names = ["", "JOB_STATE_NONE"].into_iter();
        let names = names.chain(crate::job::JobStatus::ALL.map(crate::job::JobStatus::name));
        let name = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(names));
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(6));
        let schema = OneOfBuilder::new()
            .description(Some(
                "A status by its name or proto number; `JOB_STATE_NONE`, 0 and the empty string are the same as none.",
            ))
            .item(name)
            .item(number);
        schema.into()
    }
}

impl ToSchema for StatusFilter {}

/// What `time::Timestamp::parse_timediff` reads.
const TIMEDIFF: &str = "^ ?now(/[dwm])?( | ?[+-] ?[0-9]+[smhdw] ?)?$";

/// What an operator asks of its neighbours, where it is one of these.
type Rule = (&'static str, &'static [&'static str], fn() -> Value);

/// The rules that the shapes above can't hold, by schema and operator.
const RULES: [Rule; 14] = [
    (
        "Condition",
        &["eq", "not", "lt", "lte", "gt", "gte"],
        || json!({"properties": {"v": {"not": {"type": "array"}}, "value": {"not": {"type": "array"}}}}),
    ),
    ("Condition", &["in", "not_in"], || {
        value_is(&json!({"type": "array", "maxItems": 10_000}))
    }),
    (
        "Condition",
        &["contain_in", "not_contain_in", "regex_in"],
        || value_is(&json!({"type": "array", "items": {"type": "string"}})),
    ),
    (
        "Condition",
        &[
            "contain",
            "not_contain",
            "regex",
            "datetime_lt",
            "datetime_lte",
            "datetime_gt",
            "datetime_gte",
        ],
        || value_is(&json!({"type": "string"})),
    ),
    (
        "Condition",
        &["timediff_lt", "timediff_lte", "timediff_gt", "timediff_gte"],
        || value_is(&json!({"type": "string", "pattern": TIMEDIFF})),
    ),
    ("Condition", &["exists"], || {
        value_is(&json!({"type": "boolean"}))
    }),
    ("Condition", &["match"], || {
        value_is(&json!({"type": "object"}))
    }),
    (
        "GroupField",
        &[
            "sum",
            "average",
            "max",
            "min",
            "first",
            "last",
            "add_to_set",
            "merge_objects",
        ],
        || one_of_required(&["key", "k"]),
    ),
    (
        "GroupField",
        &[
            "max",
            "min",
            "first",
            "last",
            "add_to_set",
            "merge_objects",
            "push",
        ],
        || json!({"properties": {"conditions": {"maxItems": 0}}}),
    ),
    (
        "GroupField",
        &[
            "count",
            "sum",
            "average",
            "max",
            "min",
            "first",
            "last",
            "add_to_set",
            "merge_objects",
        ],
        || json!({"properties": {"fields": {"maxItems": 0}}}),
    ),
    (
        "GroupField",
        &["push"],
        || json!({"required": ["fields"], "properties": {"fields": {"type": "array", "minItems": 1}}}),
    ),
    (
        "ProjectField",
        &["size", "array_to_object", "object_to_array"],
        || one_of_required(&["key", "k"]),
    ),
    (
        "ProjectField",
        &["subtract", "divide"],
        || json!({"required": ["fields"], "properties": {"fields": {"type": "array", "minItems": 2, "maxItems": 2}}}),
    ),
    (
        "ProjectField",
        &["add", "multiply"],
        || json!({"required": ["fields"], "properties": {"fields": {"type": "array", "minItems": 1}}}),
    ),
];

fn value_is(schema: &Value) -> Value {
    json!({"properties": {"v": schema, "value": schema}, "anyOf": required(&["value", "v"])})
}

fn one_of_required(names: &[&str]) -> Value {
    json!({"oneOf": required(names)})
}

fn required(names: &[&str]) -> Vec<Value> {
    names
        .iter()
        .map(|name| json!({"required": [name], "properties": {(*name): {}}}))
        .collect()
}

/// Completes a schema of the language: the other spellings of its members, and what operators ask.
///
/// The other spellings are `dependentSchemas` and `propertyNames`, which validators go by and makers of clients leave alone:
/// two members that are one would be two fields, and in some languages of the same name. (`patternProperties` they don't
/// leave alone: in TypeScript every member would have to be of the types there.) Of a member that is required each
/// spelling has a branch that names it, so that makers of clients know that one is.
pub(in crate::api) fn spell(name: &str, schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if object.get("additionalProperties") == Some(&Value::Bool(false)) {
        spell_object(name, object);
    }
    match name {
        // Exactly one stage, beside nulls. As `additionalProperties`, makers of clients would ask null of the stage, too.
        "Stage" if object.contains_key("properties") => {
            object.insert("unevaluatedProperties".to_owned(), json!({"type": "null"}));
        }
        "Sort" if object.contains_key("items") => {
            object.insert("maxItems".to_owned(), MAX_SORT_KEYS.into());
        }
        // The empty string is the same as none; utoipa has no variant without a name.
        "ProjectOperator" => {
            if let Some(names) = object.get_mut("enum").and_then(Value::as_array_mut) {
                names.push("".into());
            }
        }
        _ => {}
    }
    let variants = object.get_mut("oneOf").and_then(Value::as_array_mut);
    for variant in variants.into_iter().flatten() {
        spell(name, variant);
    }
}

fn spell_object(name: &str, object: &mut Map<String, Value>) {
    let Some(properties) = object.get("properties").and_then(Value::as_object) else {
        return;
    };
    let branch = |property: &str, name: &str| json!({"required": [name], "properties": {name: properties[property]}});
    let mut all = Vec::new();
    if name == "Condition" {
        for spellings in [["key", "k"], ["operator", "o"]] {
            all.push(json!({"oneOf": spellings.map(|name| branch(name, name))}));
        }
    }
    let required = object.get("required").and_then(Value::as_array);
    let required: Vec<_> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut only = Vec::new();
    let mut names: Vec<_> = properties.keys().cloned().collect();
    let mut dependent = Map::new();
    for property in properties.keys() {
        let mut others = other_spellings(property);
        others.retain(|other| !properties.contains_key(other));
        let is_required = required.contains(&property.as_str());
        if is_required && others.is_empty() {
            only.push(property.clone());
        } else if is_required {
            let spellings = std::iter::once(property).chain(&others);
            let branches: Vec<_> = spellings.map(|name| branch(property, name)).collect();
            all.push(json!({"oneOf": branches}));
        } else {
            for other in &others {
                let schema = json!({"properties": {other: properties[property]}});
                dependent.insert(other.clone(), schema);
            }
        }
        names.extend(others);
    }
    let has_others = names.len() > properties.len();
    object.shift_remove("required");
    if !only.is_empty() {
        object.insert("required".to_owned(), json!(only));
    }
    match name {
        "StatisticsQuery" => all.push(json!({"anyOf": [
            {"required": ["aggregate"], "properties": {"aggregate": {"type": "array", "minItems": 1}}},
            {"required": ["distinct"], "properties": {"distinct": {"type": "string", "minLength": 1}}}
        ]})),
        "Group" => all.push(json!({"anyOf": [
            {"required": ["keys"], "properties": {"keys": {"type": "array", "minItems": 1}}},
            {"required": ["fields"], "properties": {"fields": {"type": "array", "minItems": 1}}}
        ]})),
        "Requirement" => all.push(json!({"properties": {
            "value": {"not": {"type": "null"}}, "v": {"not": {"type": "null"}}
        }})),
        _ => {}
    }
    for (_, operators, rule) in RULES.iter().filter(|(schema, ..)| *schema == name) {
        let is = |member: &str| json!({"required": [member], "properties": {member: {"enum": operators}}});
        all.push(json!({"if": {"anyOf": [is("operator"), is("o")]}, "then": rule()}));
    }
    if has_others {
        object.shift_remove("additionalProperties");
        object.insert("propertyNames".to_owned(), json!({"enum": names}));
    }
    if !dependent.is_empty() {
        object.insert("dependentSchemas".to_owned(), Value::Object(dependent));
    }
    if !all.is_empty() {
        object.insert("allOf".to_owned(), Value::Array(all));
    }
}

/// How else a member may be spelt.
fn other_spellings(name: &str) -> Vec<String> {
    let short = match name {
        "key" => Some("k"),
        "value" => Some("v"),
        "operator" => Some("o"),
        "name" => Some("n"),
        _ => None,
    };
    let camel = crate::query::camel_case(name);
    let camel = (camel != name).then_some(camel);
    short.map(str::to_owned).into_iter().chain(camel).collect()
}
