//! Completes the derived schemas of requests: the other spellings of members, and rules between members.
//!
//! tests/api/openapi checks every conformance case against the completed schemas.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::json::message::{Located, camel_case};
use crate::query::request::read::DIALECT;

/// A pattern of the texts that `time::Timestamp::parse_timediff` reads.
const TIMEDIFF: &str = "^ ?now(/[dwm])?( | ?[+-] ?[0-9]+[smhdw] ?)?$";

/// A rule on the other members of a schema if its operator is one of these: schema, operators, rule.
type Rule = (&'static str, &'static [&'static str], fn() -> Value);

/// The rules that a derived schema can't express, by schema and operator.
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

/// Completes a derived schema: the other spellings of its members, and the rules of its operators.
///
/// The other spellings are `dependentSchemas` and `propertyNames`, which validators follow and generators of clients
/// ignore. As properties they would become further fields of a generated client, in some languages of the same name.
/// (Generators do not ignore `patternProperties`: in TypeScript every member would need one of the types there.) A
/// required member has a branch for each spelling, so that generators know that one of them is required.
pub(crate) fn complete(name: &str, schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if object.get("additionalProperties") == Some(&Value::Bool(false)) {
        complete_object(name, object);
    }
    match name {
        // Exactly one stage; the others may be null. With `additionalProperties` instead, generators of clients
        // would give the stage itself the type null, too.
        "Stage" if object.contains_key("properties") => {
            object.insert("unevaluatedProperties".to_owned(), json!({"type": "null"}));
        }
        // The empty string is the same as no operator; utoipa can't describe a variant without a name.
        "ProjectOperator" => {
            if let Some(names) = object.get_mut("enum").and_then(Value::as_array_mut) {
                names.push("".into());
            }
        }
        _ => {}
    }
    let variants = object.get_mut("oneOf").and_then(Value::as_array_mut);
    for variant in variants.into_iter().flatten() {
        complete(name, variant);
    }
}

fn complete_object(name: &str, object: &mut Map<String, Value>) {
    let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    if name == "Condition" {
        describe_short_names(properties);
    }
    let properties = properties.clone();
    let branch = |property: &str, name: &str| {
        let schema = properties.get(name).unwrap_or(&properties[property]);
        json!({"required": [name], "properties": {name: schema}})
    };
    let mut all = Vec::new();
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
        let others = other_spellings(property);
        let is_required = required.contains(&property.as_str());
        if is_required && others.is_empty() {
            only.push(property.clone());
        } else if is_required {
            let spellings = std::iter::once(property).chain(&others);
            let branches: Vec<_> = spellings.map(|name| branch(property, name)).collect();
            all.push(json!({"oneOf": branches}));
        } else {
            for other in others
                .iter()
                .filter(|other| !properties.contains_key(*other))
            {
                let schema = json!({"properties": {other: properties[property]}});
                dependent.insert(other.clone(), schema);
            }
        }
        names.extend(
            others
                .into_iter()
                .filter(|other| !properties.contains_key(other)),
        );
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

/// Puts the short names of a condition's members, which most clients use, before the long ones.
fn describe_short_names(properties: &mut Map<String, Value>) {
    let mut long_names = std::mem::take(properties);
    for (long, short) in DIALECT.short_names {
        if let Some(Value::Object(schema)) = long_names.get(*long) {
            let mut schema = schema.clone();
            schema.insert(
                "description".to_owned(),
                format!("The same as `{long}`.").into(),
            );
            properties.insert((*short).to_owned(), schema.into());
        }
    }
    properties.append(&mut long_names);
}

/// Returns the other spellings of a member: its short name, and its `lowerCamelCase`.
fn other_spellings(name: &str) -> Vec<String> {
    let short = DIALECT.short_names.iter().find(|(long, _)| *long == name);
    let short = short.map(|(_, short)| (*short).to_owned());
    let camel = Some(camel_case(name)).filter(|camel| camel != name);
    short.into_iter().chain(camel).collect()
}

/// The schema of a located value is that of the value.
impl<T: PartialSchema> PartialSchema for Located<T> {
    fn schema() -> RefOr<Schema> {
        T::schema()
    }
}

impl<T: ToSchema> ToSchema for Located<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}
