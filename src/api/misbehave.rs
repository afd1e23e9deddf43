//! What a mock does around every route of the API: it plays the faults that were set, and writes the journal.
//!
//! It stands within the compression, so bodies are seen as they were written. A request that has to wait does so before
//! it is run: it holds its connection, its body, which of a write may be large, and what the journal keeps of it; neither
//! a thread nor the database.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Extensions, Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue,
};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::web::{self, Bytes, Data};
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};

use super::App;
use super::access::Access;
use super::error::ApiError;
use super::guard::{OnPurpose, RequestId};
use super::wire::{MAX_QUERY_BYTES, MAX_WRITE_BYTES, read_any_body};
use crate::clock::Clock;
use crate::mock::{
    End, InjectedError, JournalEntry, MAX_RECORDED_BYTES, Mock, Prefer, RecordedBody, Subject,
};
use crate::query::QueryError;
use crate::route::{Audience, Route};

/// Asks for a fault (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Tells which preferences were heeded (RFC 7240).
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// What the page sends with its requests, so that faults spare them and the journal leaves them out.
const FROM_THE_PAGE: &str = "x-jobdeck-page";
/// How long a body may be, in bytes, that is looked at on the worker's own thread, where others wait.
const LOOKED_AT_ONCE: usize = 64 << 10;

/// A second handle of a connection, by which it can be closed without an answer.
#[derive(Debug)]
struct Socket(TcpStream);

/// Keeps a handle of a new connection with it.
pub(crate) fn keep_socket(connection: &dyn Any, extensions: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else {
        return;
    };
    match stream.as_fd().try_clone_to_owned() {
        Ok(handle) => {
            extensions.insert(Socket(TcpStream::from(handle)));
        }
        Err(error) => log::warn!("a connection can't be dropped by a fault: {error}"),
    }
}

/// The middleware of a mock; without one it does nothing.
pub(crate) async fn misbehave(
    app: Data<App>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mock = match &app.mock {
        Some(mock) if is_misbehaved_to(&request) => Arc::clone(mock),
        _ => return Ok(next.call(request).await?.map_into_boxed_body()),
    };
    let start = Instant::now();
    let at = Clock::SYSTEM.now();
    let (body, refusal) = match take_body(&mut request).await {
        Ok(body) => (body, None),
        Err(refusal) => (Bytes::new(), Some(refusal)),
    };
    let (subject, refusal) = match subject_of(&request, &body).await {
        Ok(subject) => (subject, refusal),
        Err(fault) => (Subject::default(), Some(fault)),
    };
    // Nobody uses up the faults of another's domain, or stands in its journal.
    let access = match request.extract::<Access>().await {
        Ok(access) => access,
        Err(fault) => return Ok(request.into_response(fault.error_response())),
    };
    if let Some(domain_id) = &subject.domain_id
        && let Err(refusal) = access.check(Some(domain_id))
    {
        return Ok(request.into_response(refusal.error_response()));
    }
    let mut record = Record {
        mock: Arc::clone(&mock),
        start,
        entry: None,
        answer: Vec::new(),
        is_whole: true,
        is_cut: false,
        is_head: request.method() == Method::HEAD,
    };
    if !subject.route.is_some_and(Route::is_probe) {
        let mut entry = entry(&request, &subject, at, &body);
        if app.tokens.is_some() {
            hide_token(&mut entry.headers);
            if tells_of_all(&subject, &access) {
                entry.domain_id = None;
            }
        }
        record.entry = Some(entry);
    }
    let prefer = match refusal {
        Some(refusal) => Err(refusal),
        None => prefer(&request),
    };
    let prefer = match prefer {
        Ok(prefer) => prefer,
        Err(refusal) => {
            let response = request.into_response(refusal.error_response());
            return Ok(record.write_down(response));
        }
    };

    let mut plan = mock.faults.inject(&subject, prefer.as_ref());
    if let Some(entry) = &mut record.entry {
        entry.faults = std::mem::take(&mut plan.faults);
    }
    // Who leaves meanwhile takes all of this along, and is recorded without an answer.
    for wait in plan.take_waits() {
        wait.finish().await;
    }
    // Run now, a write from before a reset would change the state after it.
    let is_late = plan.was_reset() && subject.route.is_some_and(Route::writes_jobs);
    let end = match plan.end {
        None | Some(End::Truncate(_)) if is_late => Some(End::Refuse(late_write())),
        end => end,
    };
    let mut response = match end {
        None => next.call(request).await?.map_into_boxed_body(),
        Some(End::Refuse(asked)) => {
            let mut response = ApiError::Asked(asked).error_response();
            response.extensions_mut().insert(OnPurpose);
            request.into_response(response)
        }
        Some(End::Truncate(bytes)) => {
            let response = next.call(request).await?.map_into_boxed_body();
            let (response, is_cut) = truncate(response, bytes, record.is_head).await;
            record.is_cut = is_cut;
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
    Ok(record.write_down(response))
}

/// The answer to a write that was held until a reset.
fn late_write() -> InjectedError {
    InjectedError {
        status: 503,
        code: "ERROR_UNAVAILABLE",
        message: "the mock was reset while this write was held; it was not done".to_owned(),
    }
}

/// Whether faults apply to a request and the journal remembers it. The page's own requests are none of the client's, and
/// neither is a browser's preflight: they would use up what is meant for those.
fn is_misbehaved_to(request: &ServiceRequest) -> bool {
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    !is_preflight
        && !request.headers().contains_key(FROM_THE_PAGE)
        && matches!(
            Audience::of(request.path()),
            Audience::Api | Audience::Probe
        )
}

/// What a request is about; looks at a large body where nobody waits for it.
async fn subject_of(request: &ServiceRequest, body: &Bytes) -> Result<Subject, ApiError> {
    let (method, path, query) = (
        request.method().as_str(),
        request.path(),
        request.query_string(),
    );
    if body.len() <= LOOKED_AT_ONCE {
        return Ok(Subject::from_request(method, path, query, body));
    }
    let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
    let body = body.clone();
    tokio::task::spawn_blocking(move || Subject::from_request(&method, &path, &query, &body))
        .await
        .map_err(|error| {
            log::error!("a look at a body ended in a panic: {error}");
            ApiError::Internal("a look at a body ended in a panic")
        })
}

/// Reads the body of a request, and lays it back for the route.
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
    let body = read_any_body(request.headers(), payload, limit).await?;
    request.set_payload(Payload::from(body.clone()));
    Ok(body)
}

fn prefer(request: &ServiceRequest) -> Result<Option<Prefer>, ApiError> {
    let values = request.headers().get_all(PREFER);
    Prefer::parse(values.filter_map(|value| value.to_str().ok())).map_err(|problem| {
        ApiError::Query(QueryError::Parameter {
            place: "header Prefer".to_owned(),
            problem,
        })
    })
}

fn entry(
    request: &ServiceRequest,
    subject: &Subject,
    at: crate::time::Timestamp,
    body: &[u8],
) -> JournalEntry {
    let (body, is_body_cut) = RecordedBody::from_bytes(body);
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .map(|id| id.0.clone());
    JournalEntry {
        id: 0,
        at,
        request_id: request_id.unwrap_or_default(),
        method: request.method().to_string(),
        path: subject.path.clone(),
        query: request.query_string().to_owned(),
        headers: headers(request),
        route: subject.route.and_then(Route::name),
        domain_id: subject.domain_id.clone(),
        job_id: subject.job_id.clone(),
        body,
        is_body_cut,
        status: None,
        answer: RecordedBody::Nothing,
        is_answer_cut: false,
        milliseconds: 0.0,
        faults: Vec::new(),
    }
}

/// The headers by name; several of one name become a list (RFC 9110).
fn headers(request: &ServiceRequest) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|values| *values = format!("{values}, {value}"))
            .or_insert_with(|| value.into_owned());
    }
    headers
}

/// Whether an answer may be about other domains than the one that its request names: to a token of `*` there are routes that
/// tell of them all, whatever the request says, and who reads the journal of a domain may reach none of the others.
fn tells_of_all(subject: &Subject, access: &Access) -> bool {
    matches!(access.scope(), Ok(None))
        && matches!(
            subject.route,
            None | Some(Route::ListDomains | Route::About | Route::OpenApi)
        )
}

/// The tokens of this server are for those who hold them, and the journal of a domain is for others, too.
fn hide_token(headers: &mut BTreeMap<String, String>) {
    if let Some(value) = headers.get_mut("authorization") {
        "Bearer (hidden)".clone_into(value);
    }
}

/// Ends the connection. What is returned reaches nobody.
fn drop_connection(request: ServiceRequest) -> ServiceResponse<BoxBody> {
    let ended = match request.conn_data::<Socket>() {
        Some(Socket(stream)) => stream.shutdown(Shutdown::Both),
        None => Err(std::io::ErrorKind::NotConnected.into()),
    };
    if let Err(error) = ended {
        // Either the client was faster, or there is no handle, and then this at least is no whole answer.
        log::debug!("a connection was not dropped: {error}");
    }
    let mut response = HttpResponse::InternalServerError().force_close().finish();
    response.extensions_mut().insert(OnPurpose);
    request.into_response(response)
}

/// Cuts a body short, while the head tells the length of the whole; whether there was anything to cut.
async fn truncate(
    response: ServiceResponse<BoxBody>,
    bytes: u64,
    is_head: bool,
) -> (ServiceResponse<BoxBody>, bool) {
    let has_body = !matches!(
        response.response().body().size(),
        BodySize::None | BodySize::Sized(0)
    );
    if is_head || !has_body {
        return (response, false);
    }
    let most = usize::try_from(bytes).unwrap_or(usize::MAX);
    let (request, response) = response.into_parts();
    let (mut response, body) = response.into_parts();
    let (head, length) = match head_of(body, most).await {
        Ok(found) => found,
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
    let response = response.set_body(BoxBody::new(Cut(Some(Bytes::from(head)))));
    (ServiceResponse::new(request, response), true)
}

/// Reads a body to its end; keeps its first bytes and says how many there were.
async fn head_of(
    mut body: BoxBody,
    most: usize,
) -> Result<(Vec<u8>, usize), Box<dyn std::error::Error>> {
    let (mut head, mut length) = (Vec::new(), 0);
    while let Some(chunk) =
        std::future::poll_fn(|context| body.as_pin_mut().poll_next(context)).await
    {
        let chunk = chunk?;
        length += chunk.len();
        let room = (most - head.len()).min(chunk.len());
        head.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
    Ok((head, length))
}

/// What is sent of a body.
struct Cut(Option<Bytes>);

impl MessageBody for Cut {
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

/// What becomes an entry of the journal when the answer is done with, or given up.
struct Record {
    mock: Arc<Mock>,
    start: Instant,
    /// `None`: nothing is to be recorded.
    entry: Option<JournalEntry>,
    /// The beginning of the answer's body, one byte more than what is kept of it.
    answer: Vec<u8>,
    is_whole: bool,
    /// By a fault.
    is_cut: bool,
    is_head: bool,
}

impl Record {
    /// Records an answer: what is there in full at once, and a stream at its end.
    fn write_down(mut self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        let Some(entry) = &mut self.entry else {
            return response;
        };
        entry.status = Some(response.status().as_u16());
        response.map_body(|_, body| match body.try_into_bytes() {
            Ok(bytes) => {
                self.keep(&bytes);
                drop(self);
                BoxBody::new(bytes)
            }
            Err(body) => {
                self.is_whole = false;
                BoxBody::new(Recorded {
                    body,
                    record: Some(self),
                })
            }
        })
    }

    fn keep(&mut self, chunk: &[u8]) {
        let room = (MAX_RECORDED_BYTES + 1).saturating_sub(self.answer.len());
        if !self.is_head {
            let head = chunk.get(..room.min(chunk.len())).unwrap_or_default();
            self.answer.extend_from_slice(head);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let Some(mut entry) = self.entry.take() else {
            return;
        };
        let (answer, is_long) = RecordedBody::from_bytes(&self.answer);
        entry.answer = answer;
        entry.is_answer_cut = is_long || self.is_cut || !self.is_whole;
        // To the microsecond.
        entry.milliseconds = (self.start.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        self.mock.journal.record(entry);
    }
}

/// A body that is recorded as it is sent.
struct Recorded {
    body: BoxBody,
    record: Option<Record>,
}

impl MessageBody for Recorded {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let chunk = ready!(self.body.as_pin_mut().poll_next(context));
        match (&chunk, &mut self.record) {
            (Some(Ok(chunk)), Some(record)) => record.keep(chunk),
            (None, Some(record)) => {
                // Before the client can know that this was all.
                record.is_whole = true;
                self.record = None;
            }
            _ => {}
        }
        Poll::Ready(chunk)
    }
}
