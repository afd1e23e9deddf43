//! The recorder of the journal: begins an entry with a request, and records it when the answer is complete or given up.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::web::Bytes;

use super::admission::{Access, RequestId};
use crate::clock::Clock;
use crate::mock::{JournalEntry, MAX_RECORDED_BYTES, Mock, RecordedBody, Subject};
use crate::route::Route;
use crate::time::Timestamp;

/// An entry of the journal that is recorded when this is dropped: its answer is complete then, or given up.
pub(super) struct Record {
    mock: Arc<Mock>,
    start: Instant,
    /// When the request came, by the system's clock.
    at: Timestamp,
    /// `None`: nothing is recorded.
    entry: Option<JournalEntry>,
    /// The beginning of the answer's body, one byte longer than what is recorded, to know whether it is cut.
    answer: Vec<u8>,
    is_whole: bool,
    /// Whether a fault cut the body short.
    is_cut: bool,
    is_head: bool,
}

impl Record {
    /// Begins the record of a request.
    pub(super) fn new(mock: Arc<Mock>, request: &ServiceRequest) -> Self {
        Self {
            mock,
            start: Instant::now(),
            at: Clock::SYSTEM.now(),
            entry: None,
            answer: Vec::new(),
            is_whole: true,
            is_cut: false,
            is_head: request.method() == Method::HEAD,
        }
    }

    /// Sets what is known of the request. Without this call nothing is recorded.
    pub(super) fn set_request(
        &mut self,
        request: &ServiceRequest,
        subject: &Subject,
        access: &Access,
        has_tokens: bool,
        body: &[u8],
    ) {
        let mut entry = entry(request, subject, self.at, body);
        if has_tokens {
            hide_token(&mut entry.headers);
            if spans_domains(subject, access) {
                entry.domain_id = None;
            }
        }
        self.entry = Some(entry);
    }

    /// Sets the faults that were applied, by their ids.
    pub(super) fn set_faults(&mut self, faults: Vec<String>) {
        if let Some(entry) = &mut self.entry {
            entry.faults = faults;
        }
    }

    /// Notes that a fault cut the answer's body short.
    pub(super) fn set_cut(&mut self) {
        self.is_cut = true;
    }

    /// Records an answer: immediately where its body is there in full, and a stream at its end.
    pub(super) fn finish(mut self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
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

/// A body that is recorded while it is sent.
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
                // Recorded before the client can know that the body is complete.
                record.is_whole = true;
                self.record = None;
            }
            _ => {}
        }
        Poll::Ready(chunk)
    }
}

fn entry(request: &ServiceRequest, subject: &Subject, at: Timestamp, body: &[u8]) -> JournalEntry {
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

/// Returns the headers by name; several of one name become a list (RFC 9110).
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

/// Returns whether an answer may be about other domains than the one that its request names: for a token of `*` some routes
/// answer about all domains, whatever the request says, and a client that reads the journal of one domain may have no
/// access to the others.
fn spans_domains(subject: &Subject, access: &Access) -> bool {
    matches!(access.scope(), Ok(None)) && subject.route.is_none_or(Route::spans_domains)
}

/// Hides a token: the journal of a domain may be read by clients that hold another one.
fn hide_token(headers: &mut BTreeMap<String, String>) {
    if let Some(value) = headers.get_mut("authorization") {
        "Bearer (hidden)".clone_into(value);
    }
}
