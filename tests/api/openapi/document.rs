//! The document of a server, with validators for its schemas.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jobdeck::api::{Switches, describe};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::app::App;

/// The document, with a cache of validators for its schemas, which are slow to make.
pub(super) struct Document(pub(super) Value, RefCell<BTreeMap<String, Rc<Validator>>>);

impl Document {
    pub(super) fn of(app: &App) -> Self {
        let answer = app.get("/openapi.json");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        Self(answer.json(), RefCell::default())
    }

    /// Every operation: its path, its method, and its description.
    pub(super) fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let paths = self.0["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods
                .iter()
                .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
    }

    /// Follows a reference; returns any other value as it is.
    pub(super) fn resolve<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            None => value,
            Some(reference) => self.0.pointer(&reference[1..]).expect(reference),
        }
    }

    pub(super) fn validator(&self, schema: &Value) -> Rc<Validator> {
        let mut made = self.1.borrow_mut();
        let validator = made
            .entry(schema.to_string())
            .or_insert_with(|| Rc::new(self.make_validator(schema)));
        Rc::clone(validator)
    }

    fn make_validator(&self, schema: &Value) -> Validator {
        let mut root = schema.clone();
        root["components"] = self.0["components"].clone();
        let built = jsonschema::options()
            .should_validate_formats(true)
            .build(&root);
        built.unwrap_or_else(|error| panic!("{schema}: {error}"))
    }

    pub(super) fn named(&self, name: &str) -> Rc<Validator> {
        self.validator(&json!({"$ref": format!("#/components/schemas/{name}")}))
    }

    pub(super) fn parameters<'d>(
        &'d self,
        operation: &'d Value,
    ) -> impl Iterator<Item = &'d Value> {
        let parameters = operation["parameters"].as_array().unwrap();
        parameters.iter().map(|parameter| self.resolve(parameter))
    }
}

#[track_caller]
pub(super) fn assert_valid(validator: &Validator, value: &Value, what: &str) {
    let faults: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        faults.is_empty(),
        "{what}: {value:.2000}\n{}",
        faults.join("\n")
    );
}

/// The examples of a media type, a parameter or a header.
pub(super) fn examples(of: &Value) -> Vec<&Value> {
    let several = of["examples"].as_object().into_iter().flat_map(Map::values);
    let several = several.map(|example| &example["value"]);
    of.get("example").into_iter().chain(several).collect()
}

/// The document of a server with all switches.
pub(super) fn everything() -> Document {
    described(true, true)
}

/// The document of a server with these switches.
pub(super) fn described(is_writable: bool, is_mock: bool) -> Document {
    let description = describe(
        Switches {
            is_writable,
            is_mock,
            has_grpc: false,
        },
        false,
    );
    let document = serde_json::from_slice(description.json()).unwrap();
    Document(document, RefCell::default())
}

#[test]
fn the_document_is_openapi_3_1() {
    let document = everything();
    let text = include_str!("../../openapi/schema-3.1.json");
    let schema = serde_json::from_str(text).unwrap();
    let openapi = jsonschema::validator_for(&schema).unwrap();
    assert_valid(&openapi, &document.0, "the document");
    assert_eq!(document.0["openapi"], "3.1.0");
    assert_eq!(document.0["info"]["version"], env!("CARGO_PKG_VERSION"));
    // The schema of OpenAPI does not check the schemas of a document: each must be valid, with valid references.
    for name in document.0["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        document.named(name);
    }
    let ids: Vec<_> = document
        .operations()
        .map(|(.., operation)| operation["operationId"].as_str().unwrap())
        .collect();
    let unique: BTreeSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
    for (path, method, operation) in document.operations() {
        for member in ["summary", "tags"] {
            assert!(
                !operation[member].is_null(),
                "{method} {path} has no {member}"
            );
        }
        for parameter in document.parameters(operation) {
            let text = parameter["description"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{method} {path}: {}", parameter["name"]);
            let content = &parameter["content"]["application/json"];
            for of in [parameter, content]
                .into_iter()
                .filter(|of| !of["schema"].is_null())
            {
                let validator = document.validator(&of["schema"]);
                for example in examples(of) {
                    assert_valid(&validator, example, &parameter["name"].to_string());
                }
            }
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = document.resolve(response);
            let place = format!("{method} {path} {status}");
            assert!(!response["headers"]["x-request-id"].is_null(), "{place}");
            for (media_type, content) in response["content"].as_object().into_iter().flatten() {
                let validator = document.validator(&content["schema"]);
                // The document itself is its example.
                if status.starts_with('2') && path != "/openapi.json" {
                    let schema = document.resolve(&content["schema"]);
                    let own = examples(content).first().copied();
                    let own = own.or(schema.get("example"));
                    let own = own.unwrap_or_else(|| panic!("{place} has no example"));
                    assert_valid(&validator, own, &place);
                }
                for example in examples(content) {
                    assert_valid(&validator, example, &format!("{place} {media_type}"));
                }
            }
        }
    }
}
