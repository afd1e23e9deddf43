//! Serves a listener until the server stops.

use std::net::TcpListener;
use std::time::Duration;

use tokio::sync::mpsc;
use tonic::transport::Server;

use super::call::Call;
use super::listener::connections;
use super::service::Services;

/// How many calls of one connection are in work at a time; a client keeps further ones back.
const MAX_CONCURRENT_STREAMS: u32 = 256;
/// How much metadata a call may have, in bytes, as gRPC's own default is.
const MAX_METADATA_BYTES: u32 = 8 << 10;
/// How often a quiet connection is asked whether its client is still there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(75);

/// Serves gRPC until `stop`: then no connection is accepted, clients get a GOAWAY, and the calls that have come are answered.
///
/// Calls go to the application by `calls`; each connection holds what `count` makes while it is open.
///
/// # Errors
/// Where the listener can't be used.
pub(crate) async fn serve<G: Send + Unpin + 'static>(
    listener: TcpListener,
    calls: mpsc::UnboundedSender<Call>,
    count: impl Fn() -> G + Send + 'static,
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let services = Services::new(calls).map_err(std::io::Error::other)?;
    Server::builder()
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .http2_max_header_list_size(MAX_METADATA_BYTES)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .serve_with_incoming_shutdown(services, connections(listener, count), stop)
        .await
        .map_err(std::io::Error::other)
}
