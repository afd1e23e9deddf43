//! Bodies of long answers, which go out in small pieces as their client reads them, and not at all where it reads nothing.
//!
//! The transport buffers each piece that a body gives it, so a body of one piece would lie in memory for as long as its client
//! likes. Long answers hold a permit meanwhile, of which there are few: that bounds the memory of all.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use prost::bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Body as HttpBody, http};

use super::call::Peer;

/// The size of a piece, in bytes.
const PIECE_BYTES: usize = 64 << 10;
/// How long a client may read nothing before its connection is closed, as by HTTP.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// What a long answer holds until it is sent, in the extensions of its response.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) permit: Arc<OwnedSemaphorePermit>,
    pub(super) peer: Option<Peer>,
}

/// Makes the body of a long answer go out in pieces.
pub(super) fn pace(mut response: http::Response<Body>) -> http::Response<Body> {
    match response.extensions_mut().remove::<Held>() {
        None => response,
        Some(held) => response.map(|body| Body::new(Paced::new(body, held))),
    }
}

struct Paced {
    body: Body,
    /// What the body gave, and is not sent yet.
    rest: Bytes,
    pieces: Arc<AtomicU64>,
    watch: JoinHandle<()>,
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Paced {
    fn new(body: Body, held: Held) -> Self {
        let pieces = Arc::new(AtomicU64::new(0));
        Self {
            body,
            rest: Bytes::new(),
            watch: tokio::spawn(close_when_stalled(Arc::clone(&pieces), held.peer)),
            pieces,
            _permit: held.permit,
        }
    }
}

/// Closes a connection whose client takes no piece for too long: nothing else would end it.
async fn close_when_stalled(pieces: Arc<AtomicU64>, peer: Option<Peer>) {
    let mut before = None;
    loop {
        let sent = pieces.load(Ordering::Relaxed);
        if before == Some(sent) {
            break;
        }
        before = Some(sent);
        tokio::time::sleep(STALL_TIMEOUT).await;
    }
    if let Some(peer) = peer {
        log::warn!(
            "a client of gRPC has read nothing for {} seconds, and its connection is closed",
            STALL_TIMEOUT.as_secs()
        );
        // It may be closed already.
        drop(peer.socket.shutdown(std::net::Shutdown::Both));
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Status>>> {
        if self.rest.is_empty() {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
            match frame.map(|frame| frame.map(http_body::Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        self.pieces.fetch_add(1, Ordering::Relaxed);
        let length = self.rest.len().min(PIECE_BYTES);
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(http_body::Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    use tokio::sync::Semaphore;

    use super::*;

    /// How many pieces the answer of a test has.
    const PIECES: usize = 4;

    /// Runs a client that takes a piece of an answer after each of these waits; returns whether its connection is open then.
    fn stays_open(waits: &[Duration]) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        let socket = Arc::new(listener.accept().unwrap().0);
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let held = Held {
            permit: Arc::new(permit),
            peer: Some(Peer { address, socket }),
        };
        // Time passes at once where nothing else is left to do.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let whole = " ".repeat(PIECES * PIECE_BYTES);
            let mut paced = Paced::new(Body::new(whole), held);
            for wait in waits {
                tokio::time::sleep(*wait).await;
                let frame = poll_fn(|context| Pin::new(&mut paced).poll_frame(context)).await;
                let data = frame.unwrap().unwrap().into_data().unwrap();
                assert_eq!(data.len(), PIECE_BYTES);
            }
            client.set_nonblocking(true).unwrap();
            client
                .read(&mut [0])
                .is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
        })
    }

    #[test]
    fn a_connection_is_closed_once_its_client_takes_nothing_for_too_long() {
        let (short, long) = (STALL_TIMEOUT.mul_f64(0.9), STALL_TIMEOUT.mul_f64(2.1));
        assert!(stays_open(&[short; PIECES]));
        assert!(!stays_open(&[short, long]));
    }
}
