//! Damage to valid JSON: texts, values and renamed members.

use serde_json::{Value, json};

use crate::rounds;

/// Texts that have broken other programs.
pub(crate) const TEXTS: [&str; 44] = [
    "",
    " ",
    "'",
    "\"",
    "`",
    "\\",
    "x' OR '1'='1",
    "'; DROP TABLE jobs; --",
    "\" OR 1=1 --",
    "1) UNION SELECT head, 1, tail FROM jobs --",
    "') OR domain IN (SELECT id FROM domains) --",
    "a\"b.c'd",
    "collector_info.a\"b.c'd",
    "$[0]",
    "$.x",
    "filter.$[0]",
    "filter.\"; SELECT 1",
    "filter..a",
    "filter.",
    ".filter",
    "filter.*",
    "filter.[#-1]",
    "filter.99999999999999999999",
    "filter.-1",
    "errors.00.x",
    "a.b.c.d.e.f.g.h.i.j.k.l",
    "__proto__",
    "?1",
    ":domain",
    "%s%n%x",
    "%",
    "_",
    "now - 99999999999999999999d",
    "now/d - -1d",
    "%Y%%%Q%",
    "9999-12-31T23:59:60Z",
    "2022-02-30T00:00:00Z",
    "NaN",
    "\0",
    "a\0b",
    "\u{1}\u{7f}\u{85}\u{2028}",
    "\u{202e}\u{feff}\u{fffd}",
    "(a+)+$",
    "🦀\u{301}",
];

/// Values of every type, for locations where they are not expected.
pub(crate) fn values() -> Vec<Value> {
    let deep = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let deep_objects = (0..50).fold(json!(1), |inner, _| json!({"k": inner}));
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(""),
        json!("x"),
        json!("a".repeat(70_000)),
        json!([]),
        json!([null]),
        json!([[]]),
        json!({}),
        json!({"": null}),
        json!({"k": "status", "v": 1, "o": "eq"}),
        deep(50),
        deep(70),
        deep_objects,
        Value::Array(vec![json!({}); 600]),
    ]
}

/// Texts that are no JSON values, for locations where one is expected.
pub(crate) const RAW: [&str; 14] = [
    "",
    "1e400",
    "-1e400",
    "9223372036854775808",
    "18446744073709551616",
    "123456789012345678901234567890123456789012345678901234567890",
    "1.0000000000000000000000000000000000000000000000000000001",
    "NaN",
    "-Infinity",
    "01",
    "'x'",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "undefined",
];

/// Returns a quarter of the items, another one for each number; with more than one round, all of them.
pub(crate) fn some<T>(all: impl IntoIterator<Item = T>, number: usize) -> impl Iterator<Item = T> {
    const PARTS: usize = 4;
    let parts = if rounds() > 1 { 1 } else { PARTS };
    all.into_iter().skip(number % parts).step_by(parts)
}

/// Returns the document with another value at a location.
pub(crate) fn with(document: &Value, location: &str, new: Value) -> Value {
    let mut damaged = document.clone();
    *damaged.pointer_mut(location).unwrap() = new;
    damaged
}

/// Returns the locations of a document, as JSON pointers.
pub(crate) fn locations(document: &Value) -> Vec<String> {
    fn walk(value: &Value, location: &str, locations: &mut Vec<String>) {
        locations.push(location.to_owned());
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk(item, &format!("{location}/{index}"), locations);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    walk(member, &format!("{location}/{name}"), locations);
                }
            }
            _ => {}
        }
    }
    let mut locations = Vec::new();
    walk(document, "", &mut locations);
    locations
}

/// Calls `each` with the document once for each of its objects, with the first member of the object renamed.
pub(crate) fn with_a_member_renamed(document: &Value, name: &str, each: &mut impl FnMut(&Value)) {
    for location in locations(document) {
        let mut damaged = document.clone();
        let Some(Value::Object(members)) = damaged.pointer_mut(&location) else {
            continue;
        };
        let Some(first) = members.keys().next().cloned() else {
            continue;
        };
        let member = members.shift_remove(&first).unwrap();
        members.insert(name.to_owned(), member);
        each(&damaged);
    }
}
