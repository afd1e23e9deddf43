//! Connections as they are accepted: bounded in number, and known by their peer.

use std::io;
use std::net;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use super::call::Peer;

/// How many connections there are at a time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 1_024;
/// How long the listener waits after an error, such as too many open files, until it accepts again.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until the stream is dropped. `count` makes what each holds while it is open.
pub(super) fn connections<G: Send + 'static>(
    listener: TcpListener,
    count: impl Fn() -> G + Send + 'static,
) -> ReceiverStream<io::Result<Connection<G>>> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        // The semaphore is never closed.
        while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = sender.closed() => return,
            };
            match accepted
                .and_then(|(stream, address)| Connection::new(stream, address, count(), permit))
            {
                Ok(connection) => drop(sender.send(Ok(connection)).await),
                Err(error) => {
                    log::warn!("a connection for gRPC can't be accepted: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    });
    ReceiverStream::new(receiver)
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection<G> {
    stream: TcpStream,
    peer: Peer,
    _counted: G,
    _permit: OwnedSemaphorePermit,
}

impl<G> Connection<G> {
    fn new(
        stream: TcpStream,
        address: net::SocketAddr,
        counted: G,
        permit: OwnedSemaphorePermit,
    ) -> io::Result<Self> {
        // An answer that goes out in two writes would wait for a client that acknowledges late.
        stream.set_nodelay(true)?;
        let socket = stream.as_fd().try_clone_to_owned()?.into();
        Ok(Self {
            stream,
            peer: Peer {
                address,
                socket: Arc::new(socket),
            },
            _counted: counted,
            _permit: permit,
        })
    }
}

impl<G> Connected for Connection<G> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl<G: Unpin> AsyncRead for Connection<G> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<G: Unpin> AsyncWrite for Connection<G> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
