//! Bodies: how a request's is read, and how an answer's is written.
//!
//! An answer is made in one trip to a blocking thread: connection, statement, rows. What fits into one chunk is answered
//! whole, with its length. What is longer is streamed as it is read, a few chunks ahead of the client at most, so memory
//! stays flat however many rows there are; and a client that goes away takes its query with it.

use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BodyStream, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ContentType, ETag, EntityTag,
    Header, HeaderMap, IfNoneMatch, TRANSFER_ENCODING,
};
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::App;
use super::access_log::{QueryBody, Rows};
use super::error::ApiError;
use crate::store::{CancelOnDrop, Interrupt, ReadTransaction, Store, StoreError};

/// The largest body of a query, in bytes.
pub(crate) const MAX_QUERY_BYTES: usize = 1 << 20;
/// The largest body of jobs, in bytes.
pub(crate) const MAX_WRITE_BYTES: usize = 64 << 20;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of an answer is sent at a time, in bytes; what is smaller is answered whole.
const CHUNK_BYTES: usize = 256 << 10;
/// How many chunks may wait for a client that reads slowly.
const CHUNKS_AHEAD: usize = 2;
/// What most answers fit into, in bytes: a page of thirty jobs.
const PAGE_BYTES: usize = 32 << 10;
/// How long a query may take on the worker's own thread, where others wait for it.
const AT_ONCE: Duration = Duration::from_millis(3);
/// How long a client may leave a stream standing before it is given up.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long it may make a stream wait in all: the reader and the log behind it are kept that long.
const STALLED_IN_ALL: Duration = Duration::from_mins(10);

/// Reads the body of a query: `application/json`, at most [`MAX_QUERY_BYTES`].
pub(crate) async fn read_json(request: &HttpRequest, payload: Payload) -> Result<Bytes, ApiError> {
    let body = read_body(request, payload, &["application/json"], MAX_QUERY_BYTES).await?;
    let beginning = QueryBody::beginning_of(&body);
    request.extensions_mut().insert(beginning);
    Ok(body)
}

/// Reads a body of one of these media types, without content encoding, of at most so many bytes.
pub(super) async fn read_body(
    request: &HttpRequest,
    payload: Payload,
    media_types: &'static [&'static str],
    most: usize,
) -> Result<Bytes, ApiError> {
    check_media_type(request.headers(), media_types)?;
    read_any_body(request.headers(), payload, most).await
}

/// Reads a body of at most so many bytes, whatever it holds.
pub(super) async fn read_any_body(
    headers: &HeaderMap,
    payload: Payload,
    most: usize,
) -> Result<Bytes, ApiError> {
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > most) {
        return Err(ApiError::TooLarge(most));
    }
    if declared.unwrap_or_default() == 0 && !headers.contains_key(TRANSFER_ENCODING) {
        // What comes after a CONNECT or an upgrade would be taken for a body without end.
        return Ok(Bytes::new());
    }
    let collecting = collect(payload, declared.unwrap_or_default(), most);
    match tokio::time::timeout(BODY_TIMEOUT, collecting).await {
        Err(_) => Err(ApiError::SlowBody(BODY_TIMEOUT.as_secs())),
        Ok(body) => body,
    }
}

/// Puts the chunks of a body together: in one place that is as large as was declared, since a buffer that grows is
/// copied, and for a while there twice. What comes in one chunk is handed on as it is.
async fn collect(payload: Payload, declared: usize, most: usize) -> Result<Bytes, ApiError> {
    let mut chunks = pin!(BodyStream::new(payload));
    let mut body = BytesMut::new();
    while let Some(chunk) = poll_fn(|context| chunks.as_mut().poll_next(context)).await {
        let chunk = chunk.map_err(|error| ApiError::BrokenBody(error.to_string()))?;
        if body.len() + chunk.len() > most {
            return Err(ApiError::TooLarge(most));
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

/// An answer that nobody keeps.
pub(super) fn fresh(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(body)
}

/// How long a light request may be, in bytes; it also has no regular expressions.
pub(super) const LIGHT_BYTES: usize = 4 << 10;

/// How much work an answer may be, and so which places it must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// A page, a count: always finds a reader.
    Quick,
    Statistics,
    /// A list without a limit.
    Stream,
}

/// Whether an answer may be kept by who asked.
#[derive(Debug, Clone)]
pub(crate) enum Caching {
    Never,
    /// Under the version of the data; who has that of now is told so, and no query is run.
    ByVersion {
        /// What was sent as `If-None-Match`.
        known: Option<IfNoneMatch>,
        /// [`App::changes`], read before anything that they might have changed.
        changes: u64,
    },
}

impl Caching {
    /// What a request says of the version that it has.
    ///
    /// To be called before a clock is read.
    pub(crate) fn by_version(request: &HttpRequest, app: &App) -> Self {
        Self::ByVersion {
            known: IfNoneMatch::parse(request).ok(),
            changes: app.changes(),
        }
    }

    /// Of an answer that is another for who reaches one domain only: its version is another, too.
    pub(crate) fn within(mut self, domain_id: Option<&str>) -> Self {
        if let (Self::ByVersion { changes, .. }, Some(domain_id)) = (&mut self, domain_id) {
            let mut hasher = DefaultHasher::new();
            domain_id.hash(&mut hasher);
            *changes ^= hasher.finish();
        }
        self
    }

    /// The tag of the version of now, and whether who asked has it.
    fn look(&self, store: &Store) -> Result<Option<(EntityTag, bool)>, StoreError> {
        let Self::ByVersion { known, changes } = self else {
            return Ok(None);
        };
        // Weak, since what is sent may be compressed or not.
        let tag = EntityTag::new_weak(format!("{}-{changes:x}", store.version()?));
        let is_known = is_known(known.as_ref(), &tag);
        Ok(Some((tag, is_known)))
    }
}

/// Whether a tag is among those that were sent with a request.
pub(crate) fn is_known(known: Option<&IfNoneMatch>, tag: &EntityTag) -> bool {
    match known {
        None => false,
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|one| one.weak_eq(tag)),
    }
}

/// Answers with what `produce` writes, reading from one transaction of the database.
///
/// A light request is answered at once, on the worker's own thread: a hop to a blocking thread and back costs more than
/// a page of an index does. What proves not to be quick begins anew on a blocking thread, so `produce` may run twice.
pub(crate) async fn answer<Q: Send + 'static>(
    app: &App,
    (weight, is_light): (Weight, bool),
    caching: Caching,
    compile: impl FnOnce() -> Result<Q, ApiError> + Send + 'static,
    produce: impl Fn(&Q, &ReadTransaction<'_>, &mut AnswerWriter) -> Result<(), StoreError>
    + Send
    + 'static,
) -> Result<HttpResponse, ApiError> {
    let compile: Compile<_> = if is_light {
        let query = compile()?;
        if let Some(head) = at_once(&app.store, &caching, &query, &produce) {
            return respond(head, None);
        }
        Box::new(move || Ok(query))
    } else {
        Box::new(compile)
    };
    let interrupt = Arc::new(Interrupt::after(app.query_timeout));
    // Ends the query when the answer is no longer wanted.
    let guard = CancelOnDrop(Arc::clone(&interrupt));
    let places = match weight {
        Weight::Quick => None,
        Weight::Statistics => Some(&app.statistics),
        Weight::Stream => Some(&app.streams),
    };
    let place = match places {
        None => None,
        Some(places) => {
            let free = Arc::clone(places).acquire_owned();
            let waited = tokio::time::timeout(app.query_timeout, free).await;
            Some(waited.map_err(|_elapsed| ApiError::Crowded)?)
        }
    };
    let (head, answered) = oneshot::channel();
    let (store, metrics) = (Arc::clone(&app.store), Arc::clone(&app.metrics));
    tokio::task::spawn_blocking(move || {
        match compile() {
            Ok(query) => {
                let mut writer = AnswerWriter::new(State::Whole(head), interrupt);
                let result = writer.produce(&store, &caching, &query, &produce);
                metrics.ended(&result);
                writer.finish(result);
            }
            Err(refusal) => {
                // Whoever asked may have gone; then nobody waits for this.
                let _ = head.send(Head {
                    tag: None,
                    rows: Rows::default(),
                    answer: Answer::Refused(refusal),
                });
            }
        }
        drop(place);
    });
    // The sender is dropped unanswered only by a panic.
    let head = tokio::select! {
        head = answered => head.map_err(|_closed| ApiError::Internal("a query ended in a panic"))?,
        () = app.stopping.out_of_time() => return Err(ApiError::Stopping),
    };
    respond(head, Some(guard))
}

/// What makes a query of a request, or has made it already.
type Compile<Q> = Box<dyn FnOnce() -> Result<Q, ApiError> + Send>;

/// Answers what is quick; `None` where that can't be said of it, or no reader is idle.
fn at_once<Q>(
    store: &Store,
    caching: &Caching,
    query: &Q,
    produce: &impl Fn(&Q, &ReadTransaction<'_>, &mut AnswerWriter) -> Result<(), StoreError>,
) -> Option<Head> {
    let interrupt = Arc::new(Interrupt::after(AT_ONCE));
    let mut writer = AnswerWriter::new(State::AtOnce, interrupt);
    let result = writer.produce_at_once(store, caching, query, produce)?;
    let answer = match result {
        Ok(()) if writer.is_known => Answer::NotModified,
        Ok(()) => Answer::Whole(Ok(Bytes::from(writer.buffer))),
        // It takes longer than that, is longer than what is held at a time, or meets a lock that may go away.
        Err(
            StoreError::Timeout
            | StoreError::Cancelled
            | StoreError::Busy
            | StoreError::Unavailable { .. },
        ) => return None,
        Err(error) => Answer::Whole(Err(error)),
    };
    Some(Head {
        tag: writer.tag,
        rows: writer.rows,
        answer,
    })
}

fn respond(head: Head, guard: Option<CancelOnDrop>) -> Result<HttpResponse, ApiError> {
    let Head { tag, rows, answer } = head;
    let mut response = match answer {
        Answer::NotModified => HttpResponse::NotModified(),
        Answer::Refused(_) | Answer::Whole(_) | Answer::Streamed(_) => HttpResponse::Ok(),
    };
    match tag {
        // Kept, but never shown without asking again.
        Some(tag) => response
            .insert_header((CACHE_CONTROL, "no-cache"))
            .insert_header(ETag(tag)),
        None => response.insert_header((CACHE_CONTROL, "no-store")),
    };
    let mut response = match answer {
        Answer::Refused(refusal) => return Err(refusal),
        Answer::NotModified => return Ok(response.finish()),
        Answer::Whole(result) => response.insert_header(ContentType::json()).body(result?),
        Answer::Streamed(chunks) => response.insert_header(ContentType::json()).body(Streamed {
            chunks,
            _guard: guard,
        }),
    };
    response.extensions_mut().insert(rows);
    Ok(response)
}

/// What is known once the first chunk is full, or all is written.
struct Head {
    /// The version of the data, where it is told.
    tag: Option<EntityTag>,
    /// How many results there are so far.
    rows: Rows,
    answer: Answer,
}

enum Answer {
    /// No query came of the request.
    Refused(ApiError),
    NotModified,
    Whole(Result<Bytes, StoreError>),
    Streamed(mpsc::Receiver<Result<Bytes, StoreError>>),
}

/// Where an answer goes as it is written, on a blocking thread.
pub(crate) struct AnswerWriter {
    buffer: Vec<u8>,
    state: State,
    tag: Option<EntityTag>,
    rows: Rows,
    /// Whether who asked has what there is.
    is_known: bool,
    /// How long the client has made us wait so far.
    stalled: Duration,
    interrupt: Arc<Interrupt>,
}

enum State {
    /// On the worker's thread: what does not fit is not sent.
    AtOnce,
    Whole(oneshot::Sender<Head>),
    Streamed(mpsc::Sender<Result<Bytes, StoreError>>),
    Gone,
}

impl AnswerWriter {
    /// The buffer to append to; [`AnswerWriter::flush_if_full`] sends it on.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Notes results that were written, for whoever tells of the answer.
    pub(crate) fn count(&self, rows: u64) {
        self.rows.add(rows);
    }

    /// Sends a full chunk on; waits for a client that is slow, but not for ever.
    ///
    /// # Errors
    /// [`StoreError::Cancelled`] when the client has gone, or stood still too long.
    pub(crate) fn flush_if_full(&mut self) -> Result<(), StoreError> {
        if self.buffer.len() < CHUNK_BYTES {
            Ok(())
        } else {
            self.flush()
        }
    }

    fn new(state: State, interrupt: Arc<Interrupt>) -> Self {
        Self {
            buffer: Vec::with_capacity(PAGE_BYTES),
            state,
            tag: None,
            rows: Rows::default(),
            is_known: false,
            stalled: Duration::ZERO,
            interrupt,
        }
    }

    fn produce<Q>(
        &mut self,
        store: &Store,
        caching: &Caching,
        query: &Q,
        produce: &impl Fn(&Q, &ReadTransaction<'_>, &mut Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.look(store, caching)?;
        if self.is_known {
            return Ok(());
        }
        let mut reader = store.reader(&self.interrupt)?;
        let transaction = reader.begin()?;
        produce(query, &transaction, self)
    }

    /// The same on the worker's thread, where there is a reader for that.
    fn produce_at_once<Q>(
        &mut self,
        store: &Store,
        caching: &Caching,
        query: &Q,
        produce: &impl Fn(&Q, &ReadTransaction<'_>, &mut Self) -> Result<(), StoreError>,
    ) -> Option<Result<(), StoreError>> {
        let mut run = || {
            self.look(store, caching)?;
            if self.is_known {
                return Ok(Some(()));
            }
            let Some(mut reader) = store.inline_reader(&self.interrupt) else {
                return Ok(None);
            };
            let transaction = reader.begin()?;
            produce(query, &transaction, self).map(Some)
        };
        run().transpose()
    }

    /// Notes the version of the data, and whether who asked has it.
    fn look(&mut self, store: &Store, caching: &Caching) -> Result<(), StoreError> {
        if let Some((tag, is_known)) = caching.look(store)? {
            self.tag = Some(tag);
            self.is_known = is_known;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if let State::Whole(_) = &self.state {
            let (chunks, received) = mpsc::channel(CHUNKS_AHEAD);
            if let State::Whole(head) = std::mem::replace(&mut self.state, State::Streamed(chunks))
            {
                let (tag, rows) = (self.tag.take(), self.rows.clone());
                let answer = Answer::Streamed(received);
                head.send(Head { tag, rows, answer })
                    .map_err(|_unsent| StoreError::Cancelled)?;
            }
        }
        let chunk = Bytes::from(std::mem::take(&mut self.buffer));
        self.send(Ok(chunk))
    }

    fn send(&mut self, chunk: Result<Bytes, StoreError>) -> Result<(), StoreError> {
        let State::Streamed(chunks) = &self.state else {
            return Err(StoreError::Cancelled);
        };
        let since = Instant::now();
        let sending = tokio::time::timeout(STALL_TIMEOUT, chunks.send(chunk));
        let sent = tokio::runtime::Handle::current().block_on(sending);
        // While the client made us wait, the query stood still.
        let waited = since.elapsed();
        self.interrupt.extend(waited);
        self.stalled += waited;
        if self.stalled > STALLED_IN_ALL {
            return Err(StoreError::Cancelled);
        }
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(StoreError::Cancelled),
        }
    }

    /// Ends the answer. A fault after the first chunk can only be shown by breaking the connection off.
    fn finish(mut self, result: Result<(), StoreError>) {
        match (std::mem::replace(&mut self.state, State::Gone), result) {
            (State::Whole(head), result) => {
                // Whoever asked may have gone; then nobody waits for this.
                let answer = match result {
                    Ok(()) if self.is_known => Answer::NotModified,
                    result => Answer::Whole(result.map(|()| Bytes::from(self.buffer))),
                };
                let _ = head.send(Head {
                    tag: self.tag,
                    rows: self.rows,
                    answer,
                });
            }
            (State::Streamed(chunks), Ok(())) => {
                self.state = State::Streamed(chunks);
                if !self.buffer.is_empty() {
                    let _ = self.flush();
                }
            }
            (State::Streamed(_), Err(StoreError::Cancelled)) => {
                log::debug!("a stream ended early: the client went away or stood still");
            }
            (State::Streamed(chunks), Err(error)) => {
                log::error!("a stream was broken off: {error}");
                self.state = State::Streamed(chunks);
                let _ = self.send(Err(error));
            }
            (State::AtOnce | State::Gone, _) => {}
        }
    }
}

/// A body that is read as it is made.
struct Streamed {
    chunks: mpsc::Receiver<Result<Bytes, StoreError>>,
    _guard: Option<CancelOnDrop>,
}

impl MessageBody for Streamed {
    type Error = StoreError;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, StoreError>>> {
        self.get_mut().chunks.poll_recv(context)
    }
}
