//! Writes answers from the database: on the worker's own thread where they are quick, else on a blocking thread, which
//! streams what is long. Without the hop to a blocking thread a page takes 38 µs of CPU instead of 83 to 112.
//!
//! An answer that fits into one chunk is sent whole, with its length. A longer one is streamed as it is read, a few chunks
//! ahead of the client at most, so memory stays flat however many rows there are. When its client leaves, its query ends.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, UNIX_EPOCH};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, ContentType, HeaderValue, HttpDate, LAST_MODIFIED, TryIntoHeaderValue,
};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::access_log::Rows;
use super::app::App;
use super::caching::{Caching, Version};
use super::error::ApiError;
use super::pieces;
use crate::store::{CancelOnDrop, DataVersion, Interrupt, ReadTransaction, Store, StoreError};
use crate::time::Timestamp;

/// How much of an answer is sent at a time, in bytes; a smaller answer is sent whole.
const CHUNK_BYTES: usize = 256 << 10;
/// How many chunks may wait for a client that reads slowly.
const CHUNKS_AHEAD: usize = 2;
/// The size of the first buffer, in bytes, which most answers fit into: a page of a hundred jobs, a group of 500 rows. An
/// answer that outgrows it is copied.
const PAGE_BYTES: usize = 64 << 10;
/// How long a query may take on the worker's own thread, where other requests wait for it.
const INLINE_BUDGET: Duration = Duration::from_millis(3);
/// How long a client may read nothing of a stream before it is given up.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may make a stream wait in all: meanwhile it occupies a reader, and the write-ahead log can't shrink.
const MAX_STALLED: Duration = Duration::from_mins(10);

/// Answers a message that caches must not store.
pub(super) fn fresh(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(body)
}

/// How long a light request may be, in bytes; it has no regular expressions either.
pub(super) const LIGHT_BYTES: usize = 4 << 10;

/// How much work an answer may be, which decides whether it needs a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// A page or a count: needs none.
    Quick,
    Statistics,
    /// A list without a limit.
    Stream,
}

/// Answers with what `produce` writes, reading from one transaction of the database.
///
/// A light request is answered on the worker's own thread. Where it takes too long it starts again on a blocking thread, so `produce` may run twice.
pub(super) async fn answer<Q: Send + 'static>(
    app: &App,
    (weight, is_light): (Weight, bool),
    caching: Caching,
    compile: impl FnOnce() -> Result<Q, ApiError> + Send + 'static,
    produce: impl Fn(&Q, &ReadTransaction<'_>, &mut AnswerWriter) -> Result<(), StoreError>
    + Send
    + 'static,
) -> Result<HttpResponse, ApiError> {
    // Read before the answer is: so that is of this time, or of a later one.
    let changed_at = app.store.changed_at();
    let compile: Compile<_> = if is_light {
        let query = compile()?;
        if let Some(head) = answer_inline(&app.store, &caching, &query, &produce) {
            return respond(head, None, changed_at);
        }
        Box::new(move || Ok(query))
    } else {
        Box::new(compile)
    };
    let interrupt = Arc::new(Interrupt::after(app.query_timeout));
    // Ends the query when the answer is no longer wanted.
    let guard = CancelOnDrop(Arc::clone(&interrupt));
    let permits = match weight {
        Weight::Quick => None,
        Weight::Statistics => Some(&app.statistics),
        Weight::Stream => Some(&app.streams),
    };
    let permit = match permits {
        None => None,
        Some(permits) => {
            let free = Arc::clone(permits).acquire_owned();
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
                // The client may have left; then nobody waits for this.
                let _ = head.send(Head {
                    version: None,
                    rows: Rows::default(),
                    places: RowPlaces::default(),
                    answer: Answer::Refused(refusal),
                });
            }
        }
        drop(permit);
    });
    // The sender is dropped unanswered only by a panic.
    let head = tokio::select! {
        head = answered => head.map_err(|_closed| ApiError::Internal("a query ended in a panic"))?,
        () = app.stopping.out_of_time() => return Err(ApiError::Stopping),
    };
    respond(head, Some(guard), changed_at)
}

/// Compiles a request to a query, or returns the one compiled before.
type Compile<Q> = Box<dyn FnOnce() -> Result<Q, ApiError> + Send>;

/// Answers on the worker's own thread; `None` where that takes too long, or no reader is idle.
fn answer_inline<Q>(
    store: &Store,
    caching: &Caching,
    query: &Q,
    produce: &impl Fn(&Q, &ReadTransaction<'_>, &mut AnswerWriter) -> Result<(), StoreError>,
) -> Option<Head> {
    let interrupt = Arc::new(Interrupt::after(INLINE_BUDGET));
    let mut writer = AnswerWriter::new(State::Inline, interrupt);
    let result = writer.produce_inline(store, caching, query, produce)?;
    let answer = match result {
        Ok(()) => Answer::Whole(Ok(Bytes::from(writer.buffer))),
        // It takes too long, is longer than a chunk, or meets a lock that may go away.
        Err(
            StoreError::Timeout
            | StoreError::Cancelled
            | StoreError::Busy
            | StoreError::Unavailable { .. },
        ) => return None,
        Err(error) => Answer::Whole(Err(error)),
    };
    Some(Head {
        version: writer.version,
        rows: writer.rows,
        places: writer.places,
        answer,
    })
}

/// Makes the response. On a replica it says how old its data are at most.
fn respond(
    head: Head,
    guard: Option<CancelOnDrop>,
    changed_at: Option<Timestamp>,
) -> Result<HttpResponse, ApiError> {
    let Head {
        version,
        rows,
        places,
        answer,
    } = head;
    let body = match answer {
        Answer::Refused(refusal) => return Err(refusal),
        Answer::Whole(result) => pieces::body(result?),
        Answer::Streamed(chunks) => BoxBody::new(Streamed {
            chunks,
            _guard: guard,
        }),
    };
    let is_known = version.as_ref().is_some_and(Version::is_known);
    let mut response = if let Some(version) = version {
        version.answer(|response| json(response, body))
    } else {
        let mut response = HttpResponse::Ok();
        response.insert_header((CACHE_CONTROL, "no-store"));
        json(&mut response, body)
    };
    if !is_known {
        let mut extensions = response.extensions_mut();
        extensions.insert(rows);
        if !places.0.is_empty() {
            extensions.insert(places);
        }
    }
    if let Some(value) = changed_at.and_then(http_date) {
        response.headers_mut().insert(LAST_MODIFIED, value);
    }
    Ok(response)
}

/// Returns a time as headers have it; `None` before 1970.
fn http_date(time: Timestamp) -> Option<HeaderValue> {
    let since_1970 = Duration::from_millis(u64::try_from(time.millis()).ok()?);
    HttpDate::from(UNIX_EPOCH + since_1970)
        .try_into_value()
        .ok()
}

fn json(response: &mut HttpResponseBuilder, body: BoxBody) -> HttpResponse {
    response.insert_header(ContentType::json()).body(body)
}

/// What is known once the first chunk is full, or all is written.
struct Head {
    /// The version of the data, where the answer has one.
    version: Option<Version>,
    /// How many results there are so far.
    rows: Rows,
    places: RowPlaces,
    answer: Answer,
}

/// Where the results of a whole answer are in its body, in bytes and in their order, in its extensions.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowPlaces(pub(crate) Vec<Range<usize>>);

enum Answer {
    /// The request did not compile to a query.
    Refused(ApiError),
    /// Empty where the client has the version of the head.
    Whole(Result<Bytes, StoreError>),
    Streamed(mpsc::Receiver<Result<Bytes, StoreError>>),
}

/// Collects an answer as it is written, and sends it in chunks where it is long.
pub(super) struct AnswerWriter {
    buffer: Vec<u8>,
    state: State,
    version: Option<Version>,
    rows: Rows,
    /// Of the rows that were added while the answer may be sent whole.
    places: RowPlaces,
    /// How long the client has made us wait so far.
    stalled: Duration,
    interrupt: Arc<Interrupt>,
}

enum State {
    /// On the worker's thread: an answer that does not fit is not sent.
    Inline,
    Whole(oneshot::Sender<Head>),
    Streamed(mpsc::Sender<Result<Bytes, StoreError>>),
    Gone,
}

impl AnswerWriter {
    /// The buffer to append to; [`AnswerWriter::flush_if_full`] sends it on.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Counts results that were written, for the access log.
    pub(super) fn count(&self, rows: u64) {
        self.rows.add(rows);
    }

    /// Counts the result that was written last, as [`AnswerWriter::count`] does, and remembers its place.
    pub(super) fn add_row(&mut self, start: usize) {
        self.count(1);
        if matches!(self.state, State::Inline | State::Whole(_)) {
            self.places.0.push(start..self.buffer.len());
        }
    }

    /// Sends a full chunk; waits for a slow client, but not for ever.
    ///
    /// # Errors
    /// [`StoreError::Cancelled`] when the client has left, or read nothing for too long.
    pub(super) fn flush_if_full(&mut self) -> Result<(), StoreError> {
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
            version: None,
            rows: Rows::default(),
            places: RowPlaces::default(),
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
        if self.has_current_version(caching, || store.version())? {
            return Ok(());
        }
        let mut reader = store.reader(&self.interrupt)?;
        let transaction = reader.begin()?;
        produce(query, &transaction, self)
    }

    /// The same on the worker's thread; `None` where no reader is idle.
    fn produce_inline<Q>(
        &mut self,
        store: &Store,
        caching: &Caching,
        query: &Q,
        produce: &impl Fn(&Q, &ReadTransaction<'_>, &mut Self) -> Result<(), StoreError>,
    ) -> Option<Result<(), StoreError>> {
        let mut run = || {
            if self.has_current_version(caching, || store.version_at_once())? {
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

    /// Reads the current version of the data; returns whether the client has it, and so needs no body.
    fn has_current_version(
        &mut self,
        caching: &Caching,
        version: impl FnOnce() -> Result<DataVersion, StoreError>,
    ) -> Result<bool, StoreError> {
        self.version = caching.current_tag(version)?;
        Ok(self.version.as_ref().is_some_and(Version::is_known))
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if let State::Whole(_) = &self.state {
            let (chunks, received) = mpsc::channel(CHUNKS_AHEAD);
            if let State::Whole(head) = std::mem::replace(&mut self.state, State::Streamed(chunks))
            {
                head.send(Head {
                    version: self.version.take(),
                    rows: self.rows.clone(),
                    places: RowPlaces::default(),
                    answer: Answer::Streamed(received),
                })
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
        // The query did not run while the client made us wait.
        let waited = since.elapsed();
        self.interrupt.extend(waited);
        self.stalled += waited;
        if self.stalled > MAX_STALLED {
            return Err(StoreError::Cancelled);
        }
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(StoreError::Cancelled),
        }
    }

    /// Ends the answer. An error after the first chunk can only be shown by breaking the connection off.
    fn finish(mut self, result: Result<(), StoreError>) {
        match (std::mem::replace(&mut self.state, State::Gone), result) {
            (State::Whole(head), result) => {
                // The client may have left; then nobody waits for this.
                let _ = head.send(Head {
                    version: self.version,
                    rows: self.rows,
                    places: self.places,
                    answer: Answer::Whole(result.map(|()| Bytes::from(self.buffer))),
                });
            }
            (State::Streamed(chunks), Ok(())) => {
                self.state = State::Streamed(chunks);
                if !self.buffer.is_empty() {
                    let _ = self.flush();
                }
            }
            (State::Streamed(_), Err(StoreError::Cancelled)) => {
                log::debug!("a stream ended early: the client left, or read nothing for too long");
            }
            (State::Streamed(chunks), Err(error)) => {
                log::error!("a stream was broken off: {error}");
                self.state = State::Streamed(chunks);
                let _ = self.send(Err(error));
            }
            (State::Inline | State::Gone, _) => {}
        }
    }
}

/// A body that is sent as it is made.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes two rows in a state; returns where they are.
    fn places(state: State) -> Vec<String> {
        let mut writer = AnswerWriter::new(state, Arc::new(Interrupt::after(INLINE_BUDGET)));
        writer.buffer().extend(b"{\"results\":[");
        for row in ["{\"a\":1}", ",{}"] {
            let start = writer.buffer().len() + row.find('{').unwrap();
            writer.buffer().extend(row.bytes());
            writer.add_row(start);
        }
        let places = writer.places.0.iter().cloned();
        places
            .map(|place| String::from_utf8_lossy(&writer.buffer[place]).into_owned())
            .collect()
    }

    #[test]
    fn a_whole_answer_has_the_places_of_its_rows_and_a_streamed_one_has_none() {
        let rows = ["{\"a\":1}", "{}"];
        assert_eq!(places(State::Inline), rows);
        assert_eq!(places(State::Whole(oneshot::channel().0)), rows);
        assert!(places(State::Streamed(mpsc::channel(1).0)).is_empty());
    }
}
