//! `GET /openapi.json`: what this server's routes are, made from their handlers.
//!
//! Each handler has its `#[utoipa::path]`; a part below lists the handlers that come with one switch. What holds of every
//! route (the request id, the wrong method, the wrong host) is added in one place, and so is what utoipa has no words for.

#[expect(dead_code, reason = "of most types only the shape is described")]
pub(super) mod answers;
#[expect(dead_code, reason = "of most types only the shape is described")]
pub(super) mod bodies;
pub(super) mod examples;
#[expect(dead_code, reason = "of most types only the shape is described")]
pub(super) mod params;
#[expect(dead_code, reason = "of the types only the shape is described")]
pub(super) mod query;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::slice;
use std::sync::OnceLock;

use actix_web::http::header::{CACHE_CONTROL, ContentType, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::access::is_open;
use super::cors::READ_BY_POST;
use super::{App, export, faults, is_known, jobs, journal, metrics, own, states, write};
use crate::route::Audience;

/// What every server has.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "jobdeck",
        description = "SpaceONE's inventory Job API over a SQLite file, and what jobdeck adds to it.\n\nEverything under `/inventory/v1` is SpaceONE's and behaves as SpaceONE's; everything under `/jobdeck` is jobdeck's own. Every read is of one domain, the tenant. Nobody is asked for a token.\n\nErrors have the one shape `{\"detail\": {\"code\", \"message\"}}`: the code is SpaceONE's, the message names the place. A path that is not here is answered 404 `ERROR_NOT_FOUND`. Every answer carries `x-request-id`, the caller's where one was sent.\n\nWhat is not known is an error, in bodies and in query strings. Of lists, statistics and exports names are read in `snake_case` and in `lowerCamelCase`, and what is null is the same as left out; all else is read just as described.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "SpaceONE", description = "The inventory v1 Job API, as SpaceONE answers it."),
        (name = "jobdeck", description = "What jobdeck adds."),
        (name = "mock", description = "What a mock has (`jobdeck serve --mock`): states, clocks, faults, a journal. None of it is misbehaved to.")
    ),
    paths(
        jobs::list,
        jobs::search,
        jobs::stat,
        own::about,
        own::domains,
        export::export,
        own::healthz,
        own::check,
        metrics::get,
        get
    ),
    components(schemas(answers::ErrorAnswer, crate::job::Job))
)]
struct Base;

/// What `serve --writable` adds.
#[derive(OpenApi)]
#[openapi(paths(
    write::add,
    write::delete_domain,
    write::put,
    write::patch,
    write::delete
))]
struct Writable;

/// What `serve --mock` adds.
#[derive(OpenApi)]
#[openapi(paths(
    states::reset,
    states::snapshots,
    states::save,
    states::forget,
    states::restore,
    states::clock,
    states::set_clock,
    states::reset_clock,
    states::advance_clock,
    faults::list,
    faults::add,
    faults::clear,
    faults::remove,
    faults::release,
    journal::read,
    journal::clear
))]
struct Mock;

/// The schemas in which [`query::spell`] has the other spellings.
#[derive(OpenApi)]
#[openapi(components(schemas(query::JobsQuery, query::JobStatQuery)))]
struct Language;

/// The description of a server's routes. It is made when it is asked for first: a mock is to be there at once.
#[derive(Debug)]
pub struct Description {
    is_writable: bool,
    is_mock: bool,
    /// Whether it asks for tokens.
    has_tokens: bool,
    made: OnceLock<(Bytes, EntityTag)>,
}

impl Description {
    /// Of a server with these switches.
    #[must_use]
    pub fn new(is_writable: bool, is_mock: bool, has_tokens: bool) -> Self {
        Self {
            is_writable,
            is_mock,
            has_tokens,
            made: OnceLock::new(),
        }
    }

    /// The document, a JSON text.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.made().0
    }

    fn made(&self) -> &(Bytes, EntityTag) {
        self.made.get_or_init(|| {
            let text = document(self.is_writable, self.is_mock, self.has_tokens).to_string();
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            // Weak, since it is sent compressed or not.
            let tag = EntityTag::new_weak(format!("{:016x}", hasher.finish()));
            (Bytes::from(text), tag)
        })
    }
}

/// Describes the routes of this server.
///
/// OpenAPI 3.1, made from the code; it holds the routes that this server has, which its switches decide.
#[utoipa::path(
    method(get, head),
    path = "/openapi.json",
    operation_id = "getOpenApi",
    tag = "jobdeck",
    params(("If-None-Match" = Option<String>, Header, nullable = false, description = "The `ETag` of an answer that is at hand.")),
    responses(
        (status = 200, description = "This document.", body = Object, headers(("ETag" = String, description = "The version of the document."))),
        (status = 304, description = "The document is still the one at hand.", headers(("ETag" = String, description = "The version of the document.")))
    )
)]
pub(crate) async fn get(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let (text, tag) = app.description.made();
    let known = IfNoneMatch::parse(&request).ok();
    let is_known = is_known(known.as_ref(), tag);
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header(ETag(tag.clone()))
        .insert_header((CACHE_CONTROL, "no-cache"));
    if is_known {
        response.finish()
    } else {
        response
            .insert_header(ContentType::json())
            .body(text.clone())
    }
}

fn document(is_writable: bool, is_mock: bool, has_tokens: bool) -> Value {
    let mut api = Base::openapi();
    if is_writable {
        api.merge(Writable::openapi());
    }
    if is_mock {
        api.merge(Mock::openapi());
    }
    let components = api.components.get_or_insert_default();
    components.responses.extend(answers::error_responses());
    // Strings, numbers, and maps with strings as keys: nothing that serialising refuses.
    let mut document = serde_json::to_value(api).unwrap_or_default();
    complete_components(&mut document, is_mock);
    suit_other_programs(&mut document);
    if has_tokens {
        ask_for_tokens(&mut document);
    } else {
        // Nobody is asked for a token.
        document["security"] = json!([]);
        let responses = document["components"]["responses"].as_object_mut();
        responses.and_then(|responses| responses.shift_remove("Unauthorized"));
    }
    let paths = document["paths"].as_object_mut();
    for (path, methods) in paths.into_iter().flatten() {
        let is_misbehaved_to =
            is_mock && matches!(Audience::of(path), Audience::Api | Audience::Probe);
        for (method, operation) in methods.as_object_mut().into_iter().flatten() {
            if is_misbehaved_to {
                add_preferences(operation);
            }
            let asks_for_token = has_tokens && !is_open(path);
            if has_tokens && !asks_for_token {
                operation["security"] = json!([]);
            }
            complete_operation(path, method, asks_for_token, operation);
        }
    }
    if !is_mock {
        leave_lives_out(&mut document);
    }
    document
}

/// What is another where the server has tokens.
fn ask_for_tokens(document: &mut Value) {
    document["security"] = json!([{"token": []}]);
    document["components"]["securitySchemes"] = json!({"token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of one domain, or of `*`, which is every domain and the whole server; it may read, or write, too. `jobdeck token new` makes one."
    }});
    let description = &mut document["info"]["description"];
    if let Some(text) = description.as_str() {
        let asked = "Whoever asks sends a token, and reaches only its domain; where `domain_id` is left out, the whole server is meant, which takes a token of `*`.";
        *description = text.replace("Nobody is asked for a token.", asked).into();
    }
    let forbidden = &mut document["components"]["responses"]["Forbidden"];
    forbidden["description"] = json!(
        "The token is of another domain, or may only read; or a page of another site asks for a change, and `--cors` does not let it in."
    );
    forbidden["content"]["application/json"]["example"]["detail"]["message"] =
        json!("token `ci` is of domain `domain-1` alone, and this is about domain `domain-2`");
}

/// What only a mock plays.
fn leave_lives_out(document: &mut Value) {
    for (place, name) in [
        ("/components/schemas", "Step"),
        ("/components/schemas/JobDraft/properties", "life"),
        ("/components/schemas/JobPatch/properties", "life"),
        (
            "/paths/~1jobdeck~1jobs~1{job_id}/put/requestBody/content/application~1json/examples",
            "life",
        ),
    ] {
        let members = document.pointer_mut(place).and_then(Value::as_object_mut);
        members.and_then(|members| members.shift_remove(name));
    }
}

fn complete_components(document: &mut Value, is_mock: bool) {
    let components = &mut document["components"];
    let language = Language::openapi().components.unwrap_or_default();
    for name in language.schemas.keys() {
        if let Some(schema) = components["schemas"].get_mut(name) {
            query::spell(name, schema);
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
        "description": "The id of the request, which the log has too.",
        "schema": id,
        "example": "7f3c2b9e10d4a856"
    }});
    components["parameters"] = json!({"RequestId": {
        "name": "x-request-id",
        "in": "header",
        "description": "An id of the caller's own, which the answer carries back: 1 to 64 letters, digits, dots, hyphens and underscores. Any other is passed over.",
        // Nothing that is sent is refused, so nothing is forbidden.
        "schema": {"type": "string"}
    }});
    if is_mock {
        components["headers"]["PreferenceApplied"] = json!({
            "description": "Which preferences of `Prefer` were heeded (RFC 7240); where there were any.",
            "schema": {"type": "string"},
            "example": "delay=0.01"
        });
        components["parameters"]["Prefer"] = json!({
            "name": "prefer",
            "in": "header",
            "description": "Asks for one answer that misbehaves (RFC 7240): `code=503` or `code=ERROR_DB_QUERY` for an error, `delay=2` for seconds to wait, from 0 to 600; or both, with a comma. Others are passed over.",
            "schema": {"type": "string"},
            "example": "delay=0.01"
        });
        components["responses"]["Asked"] = json!({
            "description": "The error that `Prefer` or a fault asked for, of any status from 400 to 599; or one that any request may meet.",
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

/// Says in every schema what other programs would else get wrong. Makers of clients, such as openapi-typescript, take an
/// object without members for one that can have none, and a member with a default for one that is always there; checkers
/// of examples, such as Redocly's, take a part of a rule for all that there may be.
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

/// What utoipa has no words for, by schema: which members go together. `mock::fault` and `api::states` have the rules.
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

/// Adds that an operation can be asked to misbehave.
fn add_preferences(operation: &mut Value) {
    add_parameter(operation, "Prefer");
    let responses = operation["responses"].as_object_mut();
    for response in responses.into_iter().flat_map(Map::values_mut) {
        if response.get("$ref").is_none() {
            response["headers"]["preference-applied"] =
                json!({"$ref": "#/components/headers/PreferenceApplied"});
        }
    }
    operation["responses"]["default"] = json!({"$ref": "#/components/responses/Asked"});
}

fn add_parameter(operation: &mut Value, name: &str) {
    let reference = json!({"$ref": format!("#/components/parameters/{name}")});
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(reference);
    } else {
        operation["parameters"] = json!([reference]);
    }
}

/// Adds what holds of every operation.
fn complete_operation(path: &str, method: &str, asks_for_token: bool, operation: &mut Value) {
    add_parameter(operation, "RequestId");
    let is_read = matches!(method, "get" | "head") || READ_BY_POST.contains(&path);
    let statuses: &[u16] = match (asks_for_token, is_read) {
        (true, _) => &[401, 403, 405, 421],
        (false, true) => &[405, 421],
        (false, false) => &[403, 405, 421],
    };
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, reference) in answers::errors(statuses) {
            responses.insert(status, serde_json::to_value(reference).unwrap_or_default());
        }
        responses.sort_keys();
        responses.values_mut().for_each(add_request_id);
    }
    if method == "head" {
        answer_without_body(operation);
    }
}

fn add_request_id(response: &mut Value) {
    if response.get("$ref").is_none() {
        response["headers"]["x-request-id"] = json!({"$ref": "#/components/headers/RequestId"});
    }
}

/// HEAD is GET without the body, under an id of its own.
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
