//! From a configuration to a running server.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Data};
use actix_web::{App as ActixApp, HttpServer};

use crate::api::{self, App, Clock, Hosts};
use crate::store::Store;
use crate::ui;

/// How many connections each worker holds at a time.
const CONNECTIONS_PER_WORKER: usize = 1_024;
/// How long the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may stand idle.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long answers in flight may take after the signal to stop.
const SHUTDOWN_SECONDS: u64 = 8;
/// How often the write-ahead log is moved into the database.
const CHECKPOINT_INTERVAL: Duration = Duration::from_mins(1);

/// How to serve.
#[derive(Debug, Clone)]
pub struct Config {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    pub workers: usize,
    /// Freezes "now".
    pub now: Option<crate::time::Timestamp>,
    /// No query runs longer.
    pub query_timeout: Duration,
    /// Further names under which the server may be reached.
    pub allow_hosts: Vec<String>,
}

/// Why the server can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "{address}: can't listen there: {source}; another program may use the port, `--listen 127.0.0.1:0` takes a free one"
    )]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("the server can't start: {0}")]
    Server(std::io::Error),
}

/// How many reading connections a server with so many workers has: enough that long streams leave some free.
#[must_use]
pub fn reader_count(workers: usize) -> u32 {
    u32::try_from(workers * 4).unwrap_or(u32::MAX).clamp(8, 64)
}

/// Binds the address and starts to serve; returns the server, which runs while it is awaited, and its address.
///
/// Must be called within an actix runtime. SIGTERM and SIGINT end it: no new connections, answers in flight finish.
///
/// # Errors
/// [`StartError`] when the address can't be had.
pub fn start(config: &Config, store: Arc<Store>) -> Result<(Server, SocketAddr), StartError> {
    let listen_error = |source| StartError::Listen {
        address: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen).map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let app = Data::new(App {
        store: Arc::clone(&store),
        clock: config.now.map_or(Clock::System, Clock::Frozen),
        query_timeout: config.query_timeout,
        hosts: Hosts::new(&config.allow_hosts),
    });
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(app.clone())
            .wrap(Compress::default())
            .wrap(from_fn(api::guard_requests))
            .configure(api::routes)
            .configure(ui::routes)
            .default_service(web::to(api::not_found))
    })
    .workers(config.workers)
    .max_connections(CONNECTIONS_PER_WORKER)
    .client_request_timeout(HEAD_TIMEOUT)
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .shutdown_signal(stop_signal())
    .listen(listener)
    .map_err(StartError::Server)?
    .run();
    actix_web::rt::spawn(keep_checkpointing(store));
    Ok((server, address))
}

/// Ends at the first SIGTERM or SIGINT; a second one ends the process at once.
async fn stop_signal() {
    wait_for_signal().await;
    log::info!("stopping: answers in flight finish, a second signal ends at once");
    actix_web::rt::spawn(async {
        wait_for_signal().await;
        std::process::exit(1);
    });
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        (terminate, interrupt) => {
            log::error!(
                "signals can't be waited for: {:?}",
                terminate.err().or(interrupt.err())
            );
            std::future::pending::<()>().await;
        }
    }
}

async fn keep_checkpointing(store: Arc<Store>) {
    let mut interval = tokio::time::interval(CHECKPOINT_INTERVAL);
    interval.tick().await;
    loop {
        interval.tick().await;
        let store = Arc::clone(&store);
        match tokio::task::spawn_blocking(move || store.checkpoint()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                log::warn!("the write-ahead log can't be moved into the database: {error}");
            }
            Err(error) => log::error!("a checkpoint ended in a panic: {error}"),
        }
    }
}
