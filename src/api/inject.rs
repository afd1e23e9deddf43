//! The middleware that injects a mock's faults into requests of the API, and has the journal record them.
//!
//! It lies within the compression, so it sees bodies before they are compressed. A request that a fault delays or holds
//! waits before its handler runs: it keeps its connection, its body and its record, but neither a thread nor the database.

use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::web::{self, Bytes, Data};
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};

use super::access_log::{Endless, Injected};
use super::admission::{Access, is_preflight};
use super::app::App;
use super::body::{MAX_QUERY_BYTES, MAX_WRITE_BYTES, keep_body};
use super::error::ApiError;
use super::record::Record;
use super::today::default_domain;
use crate::mock::{End, InjectedError, Injection, Prefer, Subject};
use crate::query::QueryError;
use crate::route::{Audience, Route};

/// The header that requests a fault (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The header of an answer that names the preferences it follows (RFC 7240).
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The header of the page's own requests: faults spare them, and the journal leaves them out.
const FROM_THE_PAGE: &str = "x-jobdeck-page";
/// How long a body may be, in bytes, to be read on the worker's own thread, where other requests wait.
const MAX_INLINE_BYTES: usize = 64 << 10;

/// A second handle of a connection, by which it can be closed without an answer: among the data of the connection, or in the
/// extensions of a request that came by gRPC.
#[derive(Debug)]
pub(crate) struct Socket(Arc<TcpStream>);

impl From<Arc<TcpStream>> for Socket {
    fn from(stream: Arc<TcpStream>) -> Self {
        Self(stream)
    }
}

/// Keeps a second handle of a new connection among its extensions.
pub(crate) fn keep_socket(stream: &actix_web::rt::net::TcpStream, extensions: &mut Extensions) {
    match stream.as_fd().try_clone_to_owned() {
        Ok(handle) => {
            extensions.insert(Socket(Arc::new(handle.into())));
        }
        Err(error) => log::warn!("a connection can't be dropped by a fault: {error}"),
    }
}

/// The middleware; without a mock it does nothing.
pub(crate) async fn inject_faults(
    app: Data<App>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mock = match &app.mock {
        Some(mock) if is_subject_to_faults(&request) => Arc::clone(mock),
        _ => return Ok(next.call(request).await?.map_into_boxed_body()),
    };
    let mut record = Record::new(Arc::clone(&mock), &request);
    let (body, mut subject, refusal) = read_subject(&mut request).await;
    let access = match access_to(&app, &mut request, &mut subject, &body).await {
        Ok(access) => access,
        Err(refusal) => return Ok(request.into_response(refusal.error_response())),
    };
    if !subject.route.is_some_and(Route::is_probe) {
        let has_tokens = app.tokens.is_some();
        record.set_request(&request, &subject, &access, has_tokens, &body);
    }
    let prefer = match refusal.map_or_else(|| prefer(&request), Err) {
        Ok(prefer) => prefer,
        Err(refusal) => {
            let response = request.into_response(refusal.error_response());
            return Ok(record.finish(response));
        }
    };
    let mut injection = mock.faults.inject(&subject, prefer.as_ref());
    record.set_faults(std::mem::take(&mut injection.faults));
    // Where the client leaves meanwhile, all of this is dropped, and recorded without an answer.
    for wait in injection.take_waits() {
        wait.finish().await;
    }
    let end = end_after_waits(injection, &subject);
    answer(end, request, next, record, prefer).await
}

/// Reads the body of a request and what the request is about. A request that can't be read has an empty body or subject,
/// and the error that is its answer.
async fn read_subject(request: &mut ServiceRequest) -> (Bytes, Subject, Option<ApiError>) {
    let (body, refusal) = match take_body(request).await {
        Ok(body) => (body, None),
        Err(refusal) => (Bytes::new(), Some(refusal)),
    };
    match subject_of(request, &body).await {
        Ok(subject) => (body, subject, refusal),
        Err(error) => (body, Subject::default(), Some(error)),
    }
}

/// Returns the access of the client, if it reaches the domain of its request, which the subject has afterwards. A client uses up no faults of a domain that
/// it can't reach, and gets no entry in its journal.
async fn access_to(
    app: &App,
    request: &mut ServiceRequest,
    subject: &mut Subject,
    body: &[u8],
) -> Result<Access, ApiError> {
    let access = request.extract::<Access>().await?;
    if subject.domain_id.is_none() && subject.route.is_some_and(Route::may_omit_domain) {
        subject.domain_id = default_domain(request.request(), app, &access, body).await?;
    }
    if let Some(domain_id) = &subject.domain_id {
        access.check(Some(domain_id))?;
    }
    Ok(access)
}

/// Returns how an answer ends after its waits: a write from before a reset would change the state after it, so it is
/// refused.
fn end_after_waits(injection: Injection, subject: &Subject) -> Option<End> {
    let is_late = injection.was_reset() && subject.route.is_some_and(Route::writes_jobs);
    match injection.end {
        None | Some(End::Truncate(_)) if is_late => Some(End::Refuse(late_write())),
        end => end,
    }
}

/// Answers a request with the end that faults give it, and completes its record.
async fn answer(
    end: Option<End>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    mut record: Record,
    prefer: Option<Prefer>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut response = match end {
        None => next.call(request).await?.map_into_boxed_body(),
        Some(End::Refuse(error)) => {
            let mut response = ApiError::Injected(error).error_response();
            response.extensions_mut().insert(Injected);
            request.into_response(response)
        }
        Some(End::Truncate(bytes)) => {
            let response = next.call(request).await?.map_into_boxed_body();
            let is_head = *response.request().method() == Method::HEAD;
            let (response, is_cut) = truncate(response, bytes, is_head).await;
            if is_cut {
                record.set_cut();
            }
            response
        }
        Some(End::Drop) => {
            // Recorded before the client can notice.
            drop(record);
            return Ok(drop_connection(request));
        }
    };
    if let Some(prefer) = prefer
        && let Ok(applied) = HeaderValue::try_from(prefer.applied)
    {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    Ok(record.finish(response))
}

/// Makes the answer to a write that was held until a reset.
fn late_write() -> InjectedError {
    InjectedError {
        status: 503,
        code: "ERROR_UNAVAILABLE",
        message: "the mock was reset while this write was held; it was not done".to_owned(),
    }
}

/// Returns whether faults apply to a request and the journal records it. The page's own requests and a browser's preflights
/// are not the client's: they would use up faults that are meant for the client.
fn is_subject_to_faults(request: &ServiceRequest) -> bool {
    !is_preflight(request)
        && !request.headers().contains_key(FROM_THE_PAGE)
        && matches!(
            Audience::of(request.path()),
            Audience::Api | Audience::Probe
        )
}

/// Returns what a request is about; reads a large body on the blocking pool.
async fn subject_of(request: &ServiceRequest, body: &Bytes) -> Result<Subject, ApiError> {
    let (method, path, query) = (
        request.method().as_str(),
        request.path(),
        request.query_string(),
    );
    if body.len() <= MAX_INLINE_BYTES {
        return Ok(Subject::from_request(method, path, query, body));
    }
    let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
    let body = body.clone();
    tokio::task::spawn_blocking(move || Subject::from_request(&method, &path, &query, &body))
        .await
        .map_err(|error| {
            log::error!("reading a body for the mock ended in a panic: {error}");
            ApiError::Internal("reading a body for the mock ended in a panic")
        })
}

/// Reads the body of a request, decoded, and keeps it for the handler.
async fn take_body(request: &mut ServiceRequest) -> Result<Bytes, ApiError> {
    let route = Route::find(request.method().as_str(), request.path());
    let limit = if route.is_some_and(Route::has_jobs_in_body) {
        MAX_WRITE_BYTES
    } else {
        MAX_QUERY_BYTES
    };
    let payload = request
        .extract::<web::Payload>()
        .await
        .map_err(|error| ApiError::BrokenBody(error.to_string()))?;
    keep_body(request.request(), payload, limit).await
}

fn prefer(request: &ServiceRequest) -> Result<Option<Prefer>, ApiError> {
    let values = request.headers().get_all(PREFER);
    Prefer::parse(values.filter_map(|value| value.to_str().ok())).map_err(|problem| {
        ApiError::Query(QueryError::Parameter {
            location: "header Prefer".to_owned(),
            problem,
        })
    })
}

/// Closes the connection. The answer that is returned reaches nobody.
fn drop_connection(request: ServiceRequest) -> ServiceResponse<BoxBody> {
    let extensions = request.extensions();
    let ended = match request.conn_data().or_else(|| extensions.get()) {
        Some(Socket(stream)) => stream.shutdown(Shutdown::Both),
        None => Err(std::io::ErrorKind::NotConnected.into()),
    };
    drop(extensions);
    if let Err(error) = ended {
        // Either the client was faster, or there is no handle; then the answer below at least has no body.
        log::debug!("a connection was not dropped: {error}");
    }
    let mut response = HttpResponse::InternalServerError().force_close().finish();
    response.extensions_mut().insert(Injected);
    request.into_response(response)
}

/// Cuts a body short, while the head gives the length of the whole; returns whether there was anything to cut.
async fn truncate(
    response: ServiceResponse<BoxBody>,
    bytes: u64,
    is_head: bool,
) -> (ServiceResponse<BoxBody>, bool) {
    let has_body = !matches!(
        response.response().body().size(),
        BodySize::None | BodySize::Sized(0)
    );
    // Of a stream without an end, no length is known that could be promised.
    let is_endless = response.response().extensions().contains::<Endless>();
    if is_head || !has_body || is_endless {
        return (response, false);
    }
    let limit = usize::try_from(bytes).unwrap_or(usize::MAX);
    let (request, response) = response.into_parts();
    let (mut response, body) = response.into_parts();
    let (head, length) = match head_of(body, limit).await {
        Ok(read) => read,
        Err(error) => {
            log::error!("an answer that is to be cut short broke off: {error}");
            let error = ApiError::Internal("an answer that is to be cut short broke off");
            let response = ServiceResponse::new(request, error.error_response());
            return (response, false);
        }
    };
    if head.len() == length {
        let response = response.set_body(BoxBody::new(Bytes::from(head)));
        return (ServiceResponse::new(request, response), false);
    }
    // Sent as a body that ends with its connection, so that every byte goes out before it ends; and not compressed, since
    // that would make a whole body of it again.
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("identity"));
    response.head_mut().no_chunking(true);
    response
        .head_mut()
        .set_connection_type(ConnectionType::Close);
    let response = response.set_body(BoxBody::new(Truncated(Some(Bytes::from(head)))));
    (ServiceResponse::new(request, response), true)
}

/// Reads a body to its end; returns its first `limit` bytes and the length of the whole.
async fn head_of(
    mut body: BoxBody,
    limit: usize,
) -> Result<(Vec<u8>, usize), Box<dyn std::error::Error>> {
    let (mut head, mut length) = (Vec::new(), 0);
    while let Some(chunk) =
        std::future::poll_fn(|context| body.as_pin_mut().poll_next(context)).await
    {
        let chunk = chunk?;
        length += chunk.len();
        let room = (limit - head.len()).min(chunk.len());
        head.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
    Ok((head, length))
}

/// The beginning of a body, sent as one that ends with its connection.
struct Truncated(Option<Bytes>);

impl MessageBody for Truncated {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(
            self.get_mut()
                .0
                .take()
                .filter(|bytes| !bytes.is_empty())
                .map(Ok),
        )
    }
}
