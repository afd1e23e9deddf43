//! Tests: messages in each dialect, and the locations of their errors.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::json::message::{Dialect, Located, ReadError, from_pairs, from_value};

const SHORT: Dialect = Dialect {
    short_names: &[("key", "k")],
    ..Dialect::PROTO
};

#[derive(Debug, Deserialize)]
#[serde(rename = "operator", rename_all = "snake_case")]
enum Operator {
    Eq,
    NotIn,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown by Debug")]
#[serde(
    rename = "stage",
    rename_all = "snake_case",
    expecting = "an object with one stage"
)]
enum Stage {
    SkipRows(i64),
    Condition(Condition),
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown by Debug")]
struct Condition {
    key: String,
    operator: Option<Operator>,
    #[serde(default)]
    value: Located<Value>,
}

#[derive(Debug, Deserialize)]
struct Message {
    domain_id: String,
    page_start: Option<i64>,
    #[serde(default)]
    is_minimal: bool,
    #[serde(default)]
    stages: Vec<Stage>,
}

fn text(message: Result<Message, ReadError>) -> String {
    match message {
        Ok(read) => format!(
            "{} {:?} {} {:?}",
            read.domain_id, read.page_start, read.is_minimal, read.stages
        ),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check(dialect: Dialect, value: Value, expected: &str) {
    assert_eq!(text(from_value(value, dialect)), expected);
}

#[test]
fn proto_takes_other_spellings_nulls_and_numbers_in_strings() {
    for (value, expected) in [
        (
            json!({"domainId": "d", "page_start": "7", "isMinimal": null}),
            "d Some(7) false []",
        ),
        (
            json!({"domain_id": "d", "pageStart": 2.0}),
            "d Some(2) false []",
        ),
        (
            json!({"domain_id": "d", "pageStart": ""}),
            "d None false []",
        ),
        (json!({"domain_id": ""}), "domain_id: is required"),
        (json!({"domainId": ""}), "domain_id: is required"),
        (json!({"is_minimal": true}), "domain_id: is required"),
        (
            json!({"domain_id": "d", "is_minimal": ""}),
            "is_minimal: expected true or false, found a string",
        ),
        (
            json!({"domain_id": "d", "domainId": null}),
            "domainId: given as well as `domain_id`, which is the same member; give one of them",
        ),
        (
            json!({"domain_id": "d", "page_start": 1.5}),
            "page_start: expected an integer, found a number",
        ),
        (
            json!({"domain_id": "d", "page_start": u64::MAX}),
            "page_start: expected an integer, found a number",
        ),
    ] {
        check(SHORT, value, expected);
    }
}

#[test]
fn plain_json_takes_exact_names_and_types_only() {
    for (value, expected) in [
        (
            json!({"domain_id": "", "page_start": null, "stages": [{"skip_rows": 1}]}),
            " None false [SkipRows(1)]",
        ),
        (json!({"domainId": "d"}), "domain_id: is required"),
        (
            json!({"domain_id": "d", "pageStart": 1}),
            "pageStart: unknown member `pageStart`; did you mean `page_start`?",
        ),
        (
            json!({"domain_id": "d", "page_start": "1"}),
            "page_start: expected an integer, found a string",
        ),
        (
            json!({"domain_id": "d", "is_minimal": null}),
            "is_minimal: expected true or false, found null",
        ),
        (json!(["d"]), "expected an object, found an array"),
    ] {
        check(Dialect::PLAIN, value, expected);
    }
}

#[test]
fn the_strings_of_a_query_string_are_read_as_the_types_of_the_fields() {
    for (pairs, expected) in [
        (
            &[
                ("domain_id", "d"),
                ("page_start", "3"),
                ("is_minimal", "true"),
            ][..],
            "d Some(3) true []",
        ),
        (
            &[("domain_id", "")],
            "domain_id: must not be empty; leave it out instead",
        ),
        (
            &[("domain_id", "d"), ("domain_id", "e")],
            "domain_id: given twice",
        ),
        (
            &[("domain_id", "d"), ("page_start", "x")],
            "page_start: expected an integer, found `x`",
        ),
        (
            &[("domain_id", "d"), ("domain", "d")],
            "domain: unknown parameter `domain`; did you mean `domain_id`?",
        ),
    ] {
        assert_eq!(text(from_pairs(pairs.iter().copied())), expected);
    }
}

#[test]
fn an_error_has_the_location_as_the_client_spelt_it() {
    let message = |stage: Value| json!({"domain_id": "d", "stages": [{"skip_rows": 1}, stage]});
    for (stage, expected) in [
        (
            json!({"condition": {"k": "a", "value": {"Not_A": [null]}}}),
            r#"d None false [SkipRows(1), Condition(Condition { key: "a", operator: None, value: Located { value: Object {"Not_A": Array [Null]}, location: "stages[1].condition.value" } })]"#,
        ),
        (
            json!({"condition": {"k": "a", "operator": "notin"}}),
            "stages[1].condition.operator: unknown operator `notin`; did you mean `not_in`?",
        ),
        (
            json!({"condition": {"k": "a", "operator": 3}}),
            "stages[1].condition.operator: expected a string, found a number",
        ),
        (
            json!({"condition": {"k": 3}}),
            "stages[1].condition.k: expected a string, found a number",
        ),
        (
            json!({"condition": {"k": ""}}),
            "stages[1].condition.key: is required",
        ),
        (
            json!({"condition": {"k": "a", "key": "a"}}),
            "stages[1].condition.k: given as well as `key`, which is the same member; give one of them",
        ),
        (
            json!({"condition": {"k": "a", "x": 1}}),
            "stages[1].condition.x: unknown member `x`; known are key, k, operator, value",
        ),
        (
            json!({"skipp": 1}),
            "stages[1].skipp: unknown stage `skipp`; known are skip_rows, condition",
        ),
        (
            json!({"skip_rows": 1, "condition": {}}),
            "stages[1]: expected exactly one of the stages skip_rows, condition, found 2",
        ),
        (
            json!({"skip_rows": null}),
            "stages[1]: expected exactly one of the stages skip_rows, condition, found 0",
        ),
        (
            json!({"skipRows": 1}),
            "stages[1].skipRows: unknown stage `skipRows`; did you mean `skip_rows`?",
        ),
        (
            json!(3),
            "stages[1]: expected an object with one stage, found a number",
        ),
        (
            json!({"skip_rows": {}}),
            "stages[1].skip_rows: expected an integer, found an object",
        ),
    ] {
        check(SHORT, message(stage), expected);
    }
    check(
        SHORT,
        json!({"domain_id": "d", "stages": {}}),
        "stages: expected a list, found an object",
    );
}

#[test]
fn the_first_error_does_not_depend_on_the_order_of_the_members() {
    let expected = "page_start: expected an integer, found a boolean";
    check(
        SHORT,
        json!({"stages": 1, "page_start": true, "domain_id": "d"}),
        expected,
    );
    check(
        SHORT,
        json!({"page_start": true, "domain_id": "d", "stages": 1}),
        expected,
    );
}
