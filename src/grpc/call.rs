//! A request between the wire and the application, and its answer.

use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::Arc;

use prost::bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// A request of a client, in REST's terms. Where its answer is dropped, the client has left.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) path: &'static str,
    /// Names in small letters.
    pub(crate) headers: Vec<(&'static str, Bytes)>,
    pub(crate) body: CallBody,
    pub(crate) peer: Option<Peer>,
    pub(crate) answer: oneshot::Sender<Result<Answer, NoAnswer>>,
}

/// What a call brings.
#[derive(Debug)]
pub(crate) enum CallBody {
    /// Nothing: it is a GET. All others are a POST.
    None,
    Json(Vec<u8>),
    /// A message that can't be decoded, and why.
    Unreadable(String),
}

/// The other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// A second handle, by which the connection can be closed.
    pub(crate) socket: Arc<TcpStream>,
}

/// The application's answer to a call.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Of HTTP.
    pub(crate) status: u16,
    pub(crate) request_id: Option<Bytes>,
    /// JSON.
    pub(crate) body: Bytes,
    /// Where the jobs of a list are in the body, in their order; empty where that is not known.
    pub(crate) jobs: Vec<Range<usize>>,
    /// Of a long answer: is held until that is sent.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// It broke off; the log has the reason.
    BrokenOff,
    /// It is longer than a message may be.
    TooLong,
}
