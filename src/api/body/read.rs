//! Reads request bodies, with limits on media type, length and time, and decodes them.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use actix_web::body::{BodyStream, MessageBody};
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpMessage, HttpRequest};

use super::decode::{encodings, is_utf_16, undo, without_mark};
use super::form::Form;
use crate::api::access_log::QueryBody;
use crate::api::blocking::blocking;
use crate::api::error::ApiError;
use crate::query::QueryError;

/// The largest body of a query, in bytes.
pub(in crate::api) const MAX_QUERY_BYTES: usize = 1 << 20;
/// The largest body of jobs, in bytes.
pub(in crate::api) const MAX_WRITE_BYTES: usize = 64 << 20;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a body may be, in bytes, to be turned into UTF-8 on the worker's own thread, where other requests wait.
const MAX_INLINE_BYTES: usize = 64 << 10;
/// The longest body of a route that takes none, in bytes: more than white space and an empty object have.
const MAX_EMPTY_BYTES: usize = 1 << 10;

/// A body that was read before the handler, decoded, in the request's extensions.
#[derive(Debug)]
struct ReadBody(Bytes);

/// A message of gRPC that can't be decoded, with the reason, in the request's extensions: it is refused where a body is read.
#[derive(Debug)]
pub(crate) struct UnreadableMessage(pub(crate) String);

/// Reads the body of a query: JSON, at most [`MAX_QUERY_BYTES`].
pub(in crate::api) async fn read_json(
    request: &HttpRequest,
    payload: Payload,
) -> Result<Bytes, ApiError> {
    let body = read_body(request, payload, Form::Json, MAX_QUERY_BYTES).await?;
    let beginning = QueryBody::beginning_of(&body);
    request.extensions_mut().insert(beginning);
    Ok(body)
}

/// Reads a body of a form, of at most `max_bytes`, also after it is decoded.
pub(in crate::api) async fn read_body(
    request: &HttpRequest,
    payload: Payload,
    form: Form,
    max_bytes: usize,
) -> Result<Bytes, ApiError> {
    form.check(request.headers())?;
    read_any_body(request, payload, max_bytes).await
}

/// Refuses a body where none is read: a client that puts a `domain_id` there means one domain, and must not change all. What
/// clients send where they have nothing to say (white space, `{}`, `null`) is nothing.
pub(in crate::api) async fn no_body(
    request: &HttpRequest,
    payload: Payload,
) -> Result<(), ApiError> {
    let body = match read_any_body(request, payload, MAX_EMPTY_BYTES).await {
        Ok(body) => body,
        Err(
            ApiError::TooLarge(_) | ApiError::UnknownEncoding(_) | ApiError::BrokenEncoding { .. },
        ) => return Err(unexpected_body()),
        Err(error) => return Err(error),
    };
    let body = body.trim_ascii();
    let members = body
        .strip_prefix(b"{")
        .and_then(|body| body.strip_suffix(b"}"));
    match members {
        Some(members) if members.trim_ascii().is_empty() => Ok(()),
        None if body.is_empty() || body == b"null" => Ok(()),
        _ => Err(unexpected_body()),
    }
}

fn unexpected_body() -> ApiError {
    ApiError::Query(QueryError::Parameter {
        location: "body".to_owned(),
        problem: "this route takes none; `?domain_id=` in the address says which domain".to_owned(),
    })
}

/// Reads a body before its handler does, and keeps it for the handler.
pub(in crate::api) async fn keep_body(
    request: &HttpRequest,
    payload: Payload,
    max_bytes: usize,
) -> Result<Bytes, ApiError> {
    let body = read_any_body(request, payload, max_bytes).await?;
    request.extensions_mut().insert(ReadBody(body.clone()));
    Ok(body)
}

/// Reads a body of any media type, decoded, of at most `max_bytes`.
async fn read_any_body(
    request: &HttpRequest,
    payload: Payload,
    max_bytes: usize,
) -> Result<Bytes, ApiError> {
    if let Some(UnreadableMessage(problem)) = request.extensions_mut().remove() {
        return Err(ApiError::UnreadableMessage(problem));
    }
    let read = request.extensions_mut().remove::<ReadBody>();
    if let Some(ReadBody(body)) = read {
        return if body.len() <= max_bytes {
            Ok(body)
        } else {
            Err(ApiError::TooLarge(max_bytes))
        };
    }
    let body = receive(request.headers(), payload, max_bytes).await?;
    if body.is_empty() {
        return Ok(body);
    }
    let encodings = encodings(request.headers())?;
    if encodings.is_empty() && (body.len() <= MAX_INLINE_BYTES || !is_utf_16(&body)) {
        return without_mark(body, max_bytes);
    }
    blocking(move || without_mark(undo(&encodings, body, max_bytes)?, max_bytes)).await
}

/// Receives a body as it was sent.
async fn receive(
    headers: &HeaderMap,
    payload: Payload,
    max_bytes: usize,
) -> Result<Bytes, ApiError> {
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > max_bytes) {
        return Err(ApiError::TooLarge(max_bytes));
    }
    if declared.unwrap_or_default() == 0 && !headers.contains_key(TRANSFER_ENCODING) {
        // The bytes after a CONNECT would be a body without end.
        return Ok(Bytes::new());
    }
    let mut collecting = pin!(collect(payload, declared.unwrap_or_default(), max_bytes));
    // A short body comes with the head, and needs no timer.
    let first_poll = poll_fn(|context| Poll::Ready(collecting.as_mut().poll(context)));
    if let Poll::Ready(body) = first_poll.await {
        return body;
    }
    match tokio::time::timeout(BODY_TIMEOUT, collecting).await {
        Err(_) => Err(ApiError::SlowBody(BODY_TIMEOUT.as_secs())),
        Ok(body) => body,
    }
}

/// Joins the chunks of a body in one buffer of the declared length, since a buffer that grows is copied, and takes its memory
/// twice meanwhile. A body of one chunk is returned without a copy.
async fn collect(payload: Payload, declared: usize, max_bytes: usize) -> Result<Bytes, ApiError> {
    let mut chunks = pin!(BodyStream::new(payload));
    let mut body = BytesMut::new();
    while let Some(chunk) = poll_fn(|context| chunks.as_mut().poll_next(context)).await {
        let chunk = chunk.map_err(|error| ApiError::BrokenBody(error.to_string()))?;
        if body.len() + chunk.len() > max_bytes {
            return Err(ApiError::TooLarge(max_bytes));
        }
        if body.is_empty() && chunk.len() == declared {
            return Ok(chunk);
        }
        if body.is_empty() {
            body.reserve(declared);
        }
        body.extend_from_slice(&chunk);
        if body.len() == declared {
            break;
        }
    }
    Ok(body.freeze())
}
