//! The schemas have only shapes that generators of clients read correctly.

use serde_json::{Value, json};

use super::document::{Document, everything};

/// Every schema of the document, nested ones too, with its path.
fn all_schemas(document: &Document) -> Vec<(String, &Value)> {
    fn collect<'d>(place: String, value: &'d Value, all: &mut Vec<(String, &'d Value)>) {
        let items = value.as_array().into_iter().flatten().enumerate();
        let items = items.map(|(index, item)| (index.to_string(), item));
        let members = value.as_object().into_iter().flatten();
        let members = members.filter(|(name, _)| !["example", "examples"].contains(&name.as_str()));
        for (name, part) in members
            .map(|(name, part)| (name.clone(), part))
            .chain(items)
        {
            collect(format!("{place}/{name}"), part, all);
        }
        all.push((place, value));
    }
    let mut all = Vec::new();
    collect(String::new(), &document.0["paths"], &mut all);
    collect(
        String::new(),
        &document.0["components"]["schemas"],
        &mut all,
    );
    all
}

/// From other shapes openapi-typescript 7 generated types that refuse correct requests, such as those of the documentation. The
/// shapes are checked, since the generator is no part of these tests.
#[test]
fn the_schemas_have_only_shapes_that_client_generators_read() {
    let document = everything();
    let is_typed = |schema: &Value| schema.as_object().is_some_and(|schema| !schema.is_empty());
    let (mut free, mut required) = (0, 0);
    for (place, schema) in all_schemas(&document) {
        let Some(object) = schema.as_object() else {
            continue;
        };
        // Generators apply them to the named members, too.
        assert!(!object.contains_key("patternProperties"), "{place}");
        let others = &schema["additionalProperties"];
        let has_members = schema["properties"].is_object();
        assert!(!has_members || !is_typed(others), "{place}: {others}");
        let is_object = match &schema["type"] {
            Value::Array(types) => types.contains(&json!("object")),
            one => one == "object",
        };
        if is_object && !has_members {
            // Otherwise generators allow no members.
            assert!(*others == true || is_typed(others), "{place}: {others}");
            free += 1;
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            // Generators make a property with a default required, which it is not in a request.
            assert!(property.get("default").is_none(), "{place}: {name}");
        }
        // Generators ignore a required name without a property.
        let names = schema["required"].as_array().into_iter().flatten();
        for name in names.filter_map(Value::as_str) {
            assert!(schema["properties"].get(name).is_some(), "{place}: {name}");
            required += 1;
        }
    }
    assert!(free >= 6 && required > 100, "only {free}, {required}");
    let schemas = &document.0["components"]["schemas"];
    for name in ["CollectorInfo", "PluginInfo"] {
        assert_eq!(schemas[name]["additionalProperties"], json!({}), "{name}");
    }
    // Only the other spellings of conditions are members of their own, since the documentation uses them.
    for (name, members) in [
        ("SortKey", &["key", "desc"][..]),
        ("GroupKey", &["key", "name", "date_format"]),
        ("Condition", &["k", "v", "o", "key", "operator", "value"]),
    ] {
        let properties = schemas[name]["properties"].as_object().unwrap();
        assert!(properties.keys().eq(members), "{name}: {properties:?}");
    }
    // Linters report a document without it.
    assert_eq!(document.0["security"], json!([]));
    // A written job is answered as a whole.
    for (method, status) in [("put", "200"), ("put", "201"), ("patch", "200")] {
        let operation = &document.0["paths"]["/jobdeck/jobs/{job_id}"][method];
        let content = &operation["responses"][status]["content"]["application/json"];
        assert_eq!(content["schema"]["$ref"], "#/components/schemas/Job");
    }
    assert!(
        schemas["Job"]["required"]
            .as_array()
            .unwrap()
            .contains(&json!("job_id"))
    );
    assert_eq!(schemas["JobInfo"]["required"], Value::Null);
}
