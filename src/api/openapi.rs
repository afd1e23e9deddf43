//! `GET /openapi.json`: what this server's routes are, made from their handlers.
//!
//! Each handler has its `#[utoipa::path]`; a part below lists the handlers that come with one switch. What holds of every
//! route (the request id, the wrong method, the wrong host) is added in one place, and so is what utoipa has no words for.

#[expect(dead_code, reason = "of most types only the shape is described")]
pub(super) mod answers;
pub(super) mod examples;
#[expect(dead_code, reason = "of most types only the shape is described")]
pub(super) mod params;
#[expect(dead_code, reason = "of the types only the shape is described")]
pub(super) mod query;

use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::http::header::{CACHE_CONTROL, ContentType, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::{App, export, is_known, jobs, own};

/// What every server has.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "jobdeck",
        description = "SpaceONE's inventory Job API over a SQLite file, and what jobdeck adds to it.\n\nEverything under `/inventory/v1` is SpaceONE's and behaves as SpaceONE's; everything under `/jobdeck` is jobdeck's own. Every read is of one domain, the tenant. Nobody is asked for a token.\n\nErrors have the one shape `{\"detail\": {\"code\", \"message\"}}`: the code is SpaceONE's, the message names the place. A path that is not here is answered 404 `ERROR_NOT_FOUND`. Every answer carries `x-request-id`, the caller's where one was sent.\n\nIn JSON bodies and query strings names are read in `snake_case` and in `lowerCamelCase`; a member that is null is the same as one left out, and a member that is not known is an error.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "SpaceONE", description = "The inventory v1 Job API, as SpaceONE answers it."),
        (name = "jobdeck", description = "What jobdeck adds.")
    ),
    paths(
        jobs::list,
        jobs::search,
        jobs::stat,
        own::about,
        own::domains,
        export::export,
        own::healthz,
        get
    ),
    components(schemas(answers::ErrorAnswer))
)]
struct Base;

/// What `serve --writable` adds: its handlers go into `paths(…)`.
#[derive(OpenApi)]
#[openapi(paths())]
struct Writable;

/// What `serve --mock` adds: its handlers go into `paths(…)`.
#[derive(OpenApi)]
#[openapi(paths())]
struct Mock;

/// The schemas in which [`query::spell`] has the other spellings.
#[derive(OpenApi)]
#[openapi(components(schemas(query::JobsQuery, query::JobStatQuery)))]
struct Language;

/// The description of a server's routes, as it is served.
#[derive(Debug)]
pub struct Description {
    text: Bytes,
    tag: EntityTag,
}

impl Description {
    /// Of a server with these switches.
    #[must_use]
    pub fn new(is_writable: bool, is_mock: bool) -> Self {
        let text = document(is_writable, is_mock).to_string();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self {
            // Weak, since it is sent compressed or not.
            tag: EntityTag::new_weak(format!("{:016x}", hasher.finish())),
            text: Bytes::from(text),
        }
    }

    /// The document, a JSON text.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.text
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
    let Description { text, tag } = &app.description;
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

fn document(is_writable: bool, is_mock: bool) -> Value {
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
    complete_components(&mut document);
    let operations = document["paths"]
        .as_object_mut()
        .into_iter()
        .flat_map(|paths| paths.values_mut())
        .filter_map(Value::as_object_mut);
    for methods in operations {
        for (method, operation) in methods {
            complete_operation(method, operation);
        }
    }
    document
}

fn complete_components(document: &mut Value) {
    let components = &mut document["components"];
    let language = Language::openapi().components.unwrap_or_default();
    for name in language.schemas.keys() {
        if let Some(schema) = components["schemas"].get_mut(name) {
            query::spell(name, schema);
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
        "schema": id
    }});
}

/// Adds what holds of every operation.
fn complete_operation(method: &str, operation: &mut Value) {
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(json!({"$ref": "#/components/parameters/RequestId"}));
    } else {
        operation["parameters"] = json!([{"$ref": "#/components/parameters/RequestId"}]);
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, reference) in answers::errors(&[405, 421]) {
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
