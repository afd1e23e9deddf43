//! Reads request bodies, with limits on media type, length and time.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use actix_web::body::{BodyStream, MessageBody};
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING,
};
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpMessage, HttpRequest};

use super::access_log::QueryBody;
use super::error::ApiError;

/// The largest body of a query, in bytes.
pub(super) const MAX_QUERY_BYTES: usize = 1 << 20;
/// The largest body of jobs, in bytes.
pub(super) const MAX_WRITE_BYTES: usize = 64 << 20;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads the body of a query: `application/json`, at most [`MAX_QUERY_BYTES`].
pub(super) async fn read_json(request: &HttpRequest, payload: Payload) -> Result<Bytes, ApiError> {
    let body = read_body(request, payload, &["application/json"], MAX_QUERY_BYTES).await?;
    let beginning = QueryBody::beginning_of(&body);
    request.extensions_mut().insert(beginning);
    Ok(body)
}

/// Reads a body of one of these media types, without content encoding, of at most `max_bytes`.
pub(super) async fn read_body(
    request: &HttpRequest,
    payload: Payload,
    media_types: &'static [&'static str],
    max_bytes: usize,
) -> Result<Bytes, ApiError> {
    check_media_type(request.headers(), media_types)?;
    read_any_body(request.headers(), payload, max_bytes).await
}

/// Reads a body of any media type, of at most `max_bytes`.
pub(super) async fn read_any_body(
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
        // The bytes after a CONNECT or an upgrade would be a body without end.
        return Ok(Bytes::new());
    }
    let collecting = collect(payload, declared.unwrap_or_default(), max_bytes);
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

fn check_media_type(headers: &HeaderMap, allowed: &'static [&'static str]) -> Result<(), ApiError> {
    let text = |name| {
        headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let media_type = text(CONTENT_TYPE).unwrap_or_default();
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if !allowed.contains(&essence.as_str()) {
        let found = if essence.is_empty() {
            "no type at all".to_owned()
        } else {
            essence.chars().take(64).collect()
        };
        return Err(ApiError::UnsupportedMediaType { allowed, found });
    }
    match text(CONTENT_ENCODING) {
        Some(encoding) if !encoding.eq_ignore_ascii_case("identity") => {
            let found = encoding.chars().take(64).collect();
            Err(ApiError::UnsupportedMediaType { allowed, found })
        }
        _ => Ok(()),
    }
}
