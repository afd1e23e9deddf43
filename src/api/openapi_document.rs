//! Builds the OpenAPI document from the operations of the routes that a server has, and what all routes share.
//!
//! Each handler describes its own operation with `#[utoipa::path]`; the table of routes says under which path and methods it
//! is. What holds of every route (the request id, the wrong method, the wrong host) is added in one place, and so is what
//! utoipa can't express.

use std::collections::BTreeSet;
use std::slice;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::app::Switches;
use super::openapi::Description;
use super::routes;
use super::schema::answers::ErrorAnswer;
use super::schema::errors;
use crate::job::Job;
use crate::query::request::{
    GetJobRequest, JobAnalyzeQuery, JobListQuery, JobRequest, JobStatQuery, JobStatisticsQuery,
    JobsQuery, SuggestionQuery, schema,
};
use crate::route::{Audience, Effect, Route};

/// What the document says of every server.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "jobdeck",
        description = "SpaceONE's inventory Job API over a SQLite file, and what jobdeck adds to it.\n\nEverything under `/inventory/v1` is SpaceONE's and behaves as SpaceONE's does; everything under `/jobdeck` is jobdeck's own. Every read is of one domain, the tenant. No token is needed.\n\nErrors have the one shape `{\"detail\": {\"code\", \"message\"}}`: the code is SpaceONE's, the message names the place in the request. An unknown path is answered 404 `ERROR_NOT_FOUND`. Every answer has an `x-request-id`, the client's where it sent one.\n\nAn unknown member is an error, in bodies and in query strings. The names of lists, statistics and exports are read in `snake_case` and in `lowerCamelCase`, and a null member is the same as one that is left out; the names of other routes are read just as described.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "./", description = "This server")),
    tags(
        (name = "SpaceONE", description = "The inventory v1 Job API, as SpaceONE answers it."),
        (name = "today", description = "The same API as SpaceONE has it today: every call a POST, four statuses, and the ids of collector and plugin at the top of a job."),
        (name = "reading", description = "What jobdeck adds to reading jobs: the domains, overviews, and exports as a file."),
        (name = "writing", description = "Adds, changes and deletes jobs (`jobdeck serve --writable`, which `--mock` implies)."),
        (name = "server", description = "What the server is, whether it is healthy, and its metrics."),
        (name = "snapshots", description = "A control of a mock (`jobdeck serve --mock`): resets, saves and restores its jobs. Faults never apply to the controls, and the journal leaves them out."),
        (name = "clock", description = "A control of a mock: sets, freezes and advances its clocks."),
        (name = "faults", description = "A control of a mock: injects errors, delays and broken connections into its answers."),
        (name = "journal", description = "A control of a mock: lists the requests of its clients, with their answers.")
    ),
    components(schemas(ErrorAnswer, Job))
)]
struct Base;

/// The schemas that [`schema::complete`] completes.
#[derive(OpenApi)]
#[openapi(components(schemas(
    JobsQuery,
    JobStatQuery,
    JobListQuery,
    JobStatisticsQuery,
    JobAnalyzeQuery,
    GetJobRequest,
    JobRequest,
    SuggestionQuery
)))]
struct Language;

/// Describes a server with these switches; `has_tokens`: it needs tokens.
#[must_use]
pub fn describe(switches: Switches, has_tokens: bool) -> Description {
    Description::new(move || document(switches, has_tokens).to_string())
}

fn document(switches: Switches, has_tokens: bool) -> Value {
    let mut api = Base::openapi();
    let mut paths = Map::new();
    for route in Route::ALL {
        if switches.bring(*route) {
            let mut described = routes::describe(*route);
            let described_paths = to_value(std::mem::take(&mut described.paths));
            api.merge(described);
            let operation = only_operation(described_paths);
            let methods = paths.entry(route.path()).or_insert_with(|| json!({}));
            for method in route.methods() {
                let mut operation = operation.clone();
                complete_operation(*route, method, switches, has_tokens, &mut operation);
                methods[method.to_ascii_lowercase()] = operation;
            }
        }
    }
    let components = api.components.get_or_insert_default();
    components.responses.extend(errors::error_responses());
    let mut document = to_value(api);
    document["paths"] = Value::Object(paths);
    remove_unused_tags(&mut document);
    complete_components(&mut document, switches.is_mock);
    suit_other_programs(&mut document);
    if has_tokens {
        add_tokens(&mut document);
    } else {
        document["security"] = json!([]);
        let responses = document["components"]["responses"].as_object_mut();
        responses.and_then(|responses| responses.shift_remove("Unauthorized"));
    }
    if !switches.is_mock {
        remove_lives(&mut document);
    }
    document
}

/// Takes out the operation that a handler describes; the table says under which path and methods it goes.
fn only_operation(mut paths: Value) -> Value {
    let first = |object: &mut Value| object.as_object_mut()?.values_mut().next().map(Value::take);
    let operation = first(&mut paths).and_then(|mut methods| first(&mut methods));
    operation.unwrap_or_default()
}

/// Serialises what utoipa made: strings, numbers and maps with strings as keys, none of which can fail.
fn to_value(made: impl serde::Serialize) -> Value {
    serde_json::to_value(made).unwrap_or_default()
}

/// Adds what the document says of a server that needs tokens.
fn add_tokens(document: &mut Value) {
    document["security"] = json!([{"token": []}]);
    document["components"]["securitySchemes"] = json!({"token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of one domain, or of `*`, which is every domain and the whole server; it may read, or write, too. `jobdeck token new` makes one."
    }});
    let description = &mut document["info"]["description"];
    if let Some(text) = description.as_str() {
        let tokens = "Requests need a token, which reaches one domain; where `domain_id` is left out, the whole server is meant, which takes a token of `*`.";
        *description = text.replace("No token is needed.", tokens).into();
    }
    let forbidden = &mut document["components"]["responses"]["Forbidden"];
    forbidden["description"] = json!(
        "The token is for another domain, or may only read; or a page of another site tries to change something, and `--cors` does not let it in."
    );
    forbidden["content"]["application/json"]["example"]["detail"]["message"] =
        json!("token `ci` is of domain `domain-1` alone, and this is about domain `domain-2`");
}

/// Removes the lives of jobs, which only a mock plays.
fn remove_lives(document: &mut Value) {
    for (pointer, name) in [
        ("/components/schemas", "Step"),
        ("/components/schemas/JobDraft/properties", "life"),
        ("/components/schemas/JobPatch/properties", "life"),
        (
            "/paths/~1jobdeck~1jobs~1{job_id}/put/requestBody/content/application~1json/examples",
            "life",
        ),
    ] {
        let members = document.pointer_mut(pointer).and_then(Value::as_object_mut);
        members.and_then(|members| members.shift_remove(name));
    }
}

/// Removes the tags of routes that the server does not have.
fn remove_unused_tags(document: &mut Value) {
    let paths = document["paths"].as_object().into_iter();
    let operations = paths.flat_map(Map::values).filter_map(Value::as_object);
    let tags = operations
        .flat_map(Map::values)
        .map(|operation| &operation["tags"]);
    let used: BTreeSet<_> = tags
        .filter_map(|tags| tags.get(0)?.as_str().map(str::to_owned))
        .collect();
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.retain(|tag| tag["name"].as_str().is_some_and(|name| used.contains(name)));
    }
}

fn complete_components(document: &mut Value, is_mock: bool) {
    let components = &mut document["components"];
    let language = Language::openapi().components.unwrap_or_default();
    for name in language.schemas.keys() {
        if let Some(schema) = components["schemas"].get_mut(name) {
            schema::complete(name, schema);
        }
    }
    for (name, rules) in own_rules() {
        if let Some(Value::Object(schema)) = components["schemas"].get_mut(name) {
            schema.insert("allOf".to_owned(), rules);
        }
    }
    let responses = components["responses"].as_object_mut();
    for response in responses.into_iter().flat_map(Map::values_mut) {
        add_request_id(response);
    }
    let id = json!({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"});
    components["headers"] = json!({"RequestId": {
        "description": "The id of the request, which the log has, too.",
        "schema": id,
        "example": "7f3c2b9e10d4a856"
    }});
    components["parameters"] = json!({"RequestId": {
        "name": "x-request-id",
        "in": "header",
        "description": "The client's own id, which the answer returns: 1 to 64 letters, digits, dots, hyphens and underscores. Any other is ignored.",
        // No value is refused, so none is forbidden.
        "schema": {"type": "string"}
    }});
    if is_mock {
        components["headers"]["PreferenceApplied"] = json!({
            "description": "The preferences of `Prefer` that the answer follows (RFC 7240); only where there are any.",
            "schema": {"type": "string"},
            "example": "delay=0.01"
        });
        components["parameters"]["Prefer"] = json!({
            "name": "prefer",
            "in": "header",
            "description": "Injects a fault into this answer (RFC 7240): `code=503` or `code=ERROR_DB_QUERY` for an error, `delay=2` for seconds to wait, from 0 to 600; or both, with a comma. Other preferences are ignored.",
            "schema": {"type": "string"},
            "example": "delay=0.01"
        });
        components["responses"]["Injected"] = json!({
            "description": "The error that `Prefer` or a fault injected, of any status from 400 to 599; or one that any request may meet.",
            "headers": {
                "x-request-id": {"$ref": "#/components/headers/RequestId"},
                "preference-applied": {"$ref": "#/components/headers/PreferenceApplied"}
            },
            "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/ErrorAnswer"},
                "example": {"detail": {"code": "ERROR_UNAVAILABLE", "message": "the inventory restarts"}}
            }}
        });
    }
}

/// Adds to every schema what other programs would otherwise get wrong. Generators of clients, such as openapi-typescript,
/// take an object without members for one that can have none, and a member with a default for one that is always present;
/// validators of examples, such as Redocly's, take a part of a rule for the whole.
fn suit_other_programs(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(suit_other_programs),
        Value::Object(object) => {
            suit_in_schema(object);
            let members = object.iter_mut();
            for (_, member) in
                members.filter(|(name, _)| !["example", "examples"].contains(&name.as_str()))
            {
                suit_other_programs(member);
            }
        }
        _ => {}
    }
}

fn suit_in_schema(object: &mut Map<String, Value>) {
    let types = object.get("type");
    let types = types.map(|types| {
        types
            .as_array()
            .map_or(slice::from_ref(types), Vec::as_slice)
    });
    let is_object = types.is_some_and(|types| types.contains(&"object".into()));
    let is_part = types.is_none() || object.contains_key("propertyNames");
    let Some(Value::Object(properties)) = object.get_mut("properties") else {
        if is_object {
            let others = object.entry("additionalProperties");
            others.or_insert(true.into());
        }
        return;
    };
    for property in properties.values_mut().filter_map(Value::as_object_mut) {
        property.shift_remove("default");
    }
    if is_part && !object.contains_key("additionalProperties") {
        object.insert("unevaluatedProperties".to_owned(), true.into());
    }
}

/// The rules that utoipa can't express, by schema: which members go together. `mock::faults` and `api::clock` check them.
fn own_rules() -> [(&'static str, Value); 2] {
    let given =
        |name: &str| json!({"required": [name], "properties": {name: {"not": {"type": "null"}}}});
    let is = |name: &str, value: Value| json!({"required": [name], "properties": {name: value}});
    let yes = |name| is(name, json!({"const": true}));
    let clock = json!([{"anyOf": [given("now"), given("is_frozen")]}]);
    let ends = [given("code"), yes("drop"), given("truncate")];
    let [code, dropped, cut] = &ends;
    let fault = json!([
        {"anyOf": [code, dropped, cut, given("delay"), yes("hold")]},
        {"not": {"anyOf": [
            {"allOf": [code, dropped]}, {"allOf": [code, cut]}, {"allOf": [dropped, cut]}
        ]}},
        {"if": given("message"), "then": code},
        {"if": given("seed"), "then": is("delay", json!({"type": "array"}))}
    ]);
    [("ClockSetting", clock), ("Fault", fault)]
}

/// Adds that a fault can be injected into the answer of an operation.
fn add_preferences(operation: &mut Value) {
    add_parameter(operation, "Prefer");
    let responses = operation["responses"].as_object_mut();
    for response in responses.into_iter().flat_map(Map::values_mut) {
        if response.get("$ref").is_none() {
            response["headers"]["preference-applied"] =
                json!({"$ref": "#/components/headers/PreferenceApplied"});
        }
    }
    operation["responses"]["default"] = json!({"$ref": "#/components/responses/Injected"});
}

fn add_parameter(operation: &mut Value, name: &str) {
    let reference = json!({"$ref": format!("#/components/parameters/{name}")});
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(reference);
    } else {
        operation["parameters"] = json!([reference]);
    }
}

/// Adds what holds of every operation, or of all of one kind.
fn complete_operation(
    route: Route,
    method: &str,
    switches: Switches,
    has_tokens: bool,
    operation: &mut Value,
) {
    let is_open = matches!(route.audience(), Audience::Page | Audience::Probe);
    if switches.is_mock && matches!(route.audience(), Audience::Api | Audience::Probe) {
        add_preferences(operation);
    }
    if has_tokens && is_open {
        operation["security"] = json!([]);
    }
    if route.effect() == Effect::Writes {
        // The method alone does not say it: search and stat, which read, are POST, too.
        operation["x-writes"] = json!(true);
    }
    add_parameter(operation, "RequestId");
    let statuses: &[u16] = match (has_tokens && !is_open, route.effect()) {
        (true, _) => &[401, 403, 405, 421],
        (false, Effect::Reads) => &[405, 421],
        (false, Effect::Writes) => &[403, 405, 421],
    };
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, reference) in errors::errors(statuses) {
            responses.insert(status, to_value(reference));
        }
        responses.sort_keys();
        responses.values_mut().for_each(add_request_id);
    }
    if method == "HEAD" {
        answer_without_body(operation);
    }
}

fn add_request_id(response: &mut Value) {
    if response.get("$ref").is_none() {
        response["headers"]["x-request-id"] = json!({"$ref": "#/components/headers/RequestId"});
    }
}

/// Turns the operation of a GET into that of a HEAD: no bodies, and an id of its own.
fn answer_without_body(operation: &mut Value) {
    if let Some(Value::String(id)) = operation.get_mut("operationId") {
        id.push_str("Head");
    }
    let responses = operation["responses"].as_object_mut();
    for response in responses.into_iter().flat_map(Map::values_mut) {
        response
            .as_object_mut()
            .and_then(|response| response.remove("content"));
    }
}
