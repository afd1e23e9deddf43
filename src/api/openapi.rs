//! `GET /openapi.json`: answers the OpenAPI document of this server's routes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use actix_web::http::header::{ContentType, EntityTag};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::caching::Version;
use crate::route::Route;

/// The OpenAPI document of a server. It is made at the first request for it, since it takes milliseconds that the start of a
/// mock has not.
#[derive(Debug)]
pub struct Description(LazyLock<Document, Box<dyn FnOnce() -> Document + Send>>);

#[derive(Debug)]
struct Document {
    text: Bytes,
    tag: EntityTag,
}

impl Description {
    /// Describes a server by the JSON text that `make` returns.
    pub(super) fn new(make: impl FnOnce() -> String + Send + 'static) -> Self {
        Self(LazyLock::new(Box::new(|| {
            let text = make();
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            // Weak, since it is sent compressed or not.
            let tag = EntityTag::new_weak(format!("{:016x}", hasher.finish()));
            let text = Bytes::from(text);
            Document { text, tag }
        })))
    }

    /// Returns the document, a JSON text.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.0.text
    }
}

/// Describes the routes of this server.
///
/// OpenAPI 3.1, made from the code; it has the routes of this server, which its switches decide.
#[utoipa::path(
    method(get, head),
    path = Route::OpenApi.path(),
    operation_id = "getOpenApi",
    tag = "server",
    params(("If-None-Match" = Option<String>, Header, nullable = false, description = "The `ETag` of an earlier answer.")),
    responses(
        (status = 200, description = "This document.", body = Object, headers(("ETag" = String, description = "The version of the document."))),
        (status = 304, description = "The document has not changed.", headers(("ETag" = String, description = "The version of the document.")))
    )
)]
pub(super) async fn get(request: HttpRequest, description: Data<Description>) -> HttpResponse {
    let Document { text, tag } = &*description.0;
    let version = Version::new(&request, tag.clone());
    version.answer(|response| {
        response
            .insert_header(ContentType::json())
            .body(text.clone())
    })
}
