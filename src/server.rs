//! From a configuration to a running server.

mod retain;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::web::{self, Data};
use actix_web::{App as ActixApp, HttpServer};

use tokio::sync::Semaphore;

use crate::api::{self, App, Description, Hosts, Origin, Stopping};
use crate::clock::Clocks;
use crate::mock::Mock;
use crate::store::Store;
use crate::time::Age;
use crate::tokens::TokenFile;
use crate::ui;

/// How many connections each worker holds at a time.
const CONNECTIONS_PER_WORKER: usize = 1_024;
/// How long the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may stand idle.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How often the file of tokens is looked at for a change.
const TOKENS_INTERVAL: Duration = Duration::from_secs(1);
/// How often the write-ahead log is moved into the database.
const CHECKPOINT_INTERVAL: Duration = Duration::from_mins(1);

/// How to serve.
#[derive(Debug, Clone)]
pub struct Config {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    pub workers: usize,
    /// What time it is, for the requests of each domain.
    pub clocks: Arc<Clocks>,
    /// No query runs longer.
    pub query_timeout: Duration,
    /// Further names under which the server may be reached.
    pub allow_hosts: Vec<String>,
    /// Whether clients may write jobs; those of a mock may in any case.
    pub is_writable: bool,
    /// Makes the server a mock, whose clocks are those above.
    pub mock: Option<Arc<Mock>>,
    /// Who may ask; without it everybody who reaches the server.
    pub tokens: Option<Arc<TokenFile>>,
    /// From when on a request is told of with its query.
    pub slow_query: Duration,
    /// How old jobs may become before they are deleted; none are without it.
    pub retain: Option<Age>,
    /// Origins whose pages may ask; without any no answer has a CORS header.
    pub cors: Vec<Origin>,
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

impl Config {
    /// How many reading connections the server has: enough that long streams leave some free.
    #[must_use]
    pub fn readers(&self) -> u32 {
        u32::try_from(self.workers * 4)
            .unwrap_or(u32::MAX)
            .clamp(8, 64)
    }
}

/// Binds the address and starts to serve; returns the server, which runs while it is awaited, and its address.
///
/// Must be called within an actix runtime. SIGTERM and SIGINT end it: no new connections, answers in flight finish. So
/// does SIGHUP, but where there are tokens it has their file read again.
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
        clocks: Arc::clone(&config.clocks),
        mock: config.mock.clone(),
        is_writable: config.is_writable || config.mock.is_some(),
        query_timeout: config.query_timeout,
        tokens: config.tokens.clone(),
        hosts: Hosts::new(&config.allow_hosts),
        origins: config.cors.clone(),
        statistics: Arc::new(Semaphore::new(config.readers() as usize / 4)),
        streams: Arc::new(Semaphore::new(config.readers() as usize / 4)),
        stopping: Arc::default(),
        description: Description::new(
            config.is_writable || config.mock.is_some(),
            config.mock.is_some(),
            config.tokens.is_some(),
        ),
        metrics: Arc::default(),
        slow_query: config.slow_query,
    });
    let stopping = Arc::clone(&app.stopping);
    let switches = api::Switches::of(&app);
    let metrics = Arc::clone(&app.metrics);
    let is_mock = config.mock.is_some();
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(app.clone())
            .wrap(Condition::new(is_mock, from_fn(api::bring_up_to_date)))
            .wrap(Condition::new(is_mock, from_fn(api::misbehave)))
            .wrap(Compress::default())
            .wrap(from_fn(api::admit))
            .wrap(api::cors(&app.origins))
            .wrap(from_fn(api::guard))
            .configure(|routes| api::routes(routes, switches))
            .configure(ui::routes)
            .default_service(web::to(api::not_found))
    })
    .on_connect(move |connection, extensions| {
        metrics.connected(extensions);
        if is_mock {
            api::keep_socket(connection, extensions);
        }
    })
    // A client that ends its half of the connection has left: its query ends with it.
    .h1_allow_half_closed(false)
    // An answer that goes out in two writes would wait 40 ms for a client that acknowledges late.
    .tcp_nodelay(true)
    .workers(config.workers)
    .max_connections(CONNECTIONS_PER_WORKER)
    .client_request_timeout(HEAD_TIMEOUT)
    .keep_alive(KEEP_ALIVE)
    // Who has not asked to the end by then, or does not read, is let go.
    .shutdown_timeout(api::MAX_STOPPING.as_secs())
    .disable_signals()
    .listen(listener)
    .map_err(StartError::Server)?
    .run();
    // Noticed from here on, so that who is told that the server serves may end it at once.
    let ends_at_hangup = config.tokens.is_none();
    let stop = (server.handle(), config.mock.clone(), stopping);
    actix_web::rt::spawn(stop_at_signal(ends_at_hangup, stop));
    if let Some(tokens) = &config.tokens {
        actix_web::rt::spawn(watch_tokens(Arc::clone(tokens)));
    }
    if let Some(age) = config.retain {
        let (store, clocks) = (Arc::clone(&store), Arc::clone(&config.clocks));
        actix_web::rt::spawn(retain::keep_pruning(store, clocks, age));
    }
    actix_web::rt::spawn(keep_checkpointing(store));
    if let Some(mock) = &config.mock {
        actix_web::rt::spawn(Arc::clone(mock).watch_fixtures());
    }
    Ok((server, address))
}

/// Notices signals from now on; what it returns stops the server at the first when what was asked is answered, at a second
/// one at once.
fn stop_at_signal(
    ends_at_hangup: bool,
    (server, mock, stopping): (ServerHandle, Option<Arc<Mock>>, Arc<Stopping>),
) -> impl Future<Output = ()> {
    let first = stop_signal(ends_at_hangup);
    async move {
        first.await;
        log::info!("stopping: what was asked is answered first, a second signal ends at once");
        let stopped = server.clone();
        actix_web::rt::spawn(async move {
            stopping.let_them_finish().await;
            stop(stopped, mock).await;
        });
        stop_signal(ends_at_hangup).await;
        server.stop(false).await;
    }
}

/// Stops a server when what was asked is answered; what a mock makes wait is let go first.
pub async fn stop(server: ServerHandle, mock: Option<Arc<Mock>>) {
    if let Some(mock) = mock {
        mock.stop();
    }
    server.stop(true).await;
}

/// Notices SIGTERM and SIGINT from now on, and SIGHUP where it is to end something; what it returns waits for the first of
/// them.
///
/// Must be called within an actix runtime.
pub fn stop_signal(ends_at_hangup: bool) -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ];
    let signals = kinds.map(signal);
    async move {
        match signals {
            [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hangup.recv(), if ends_at_hangup => {}
                }
            }
            faults => {
                let fault = faults.into_iter().find_map(Result::err);
                log::error!("signals can't be waited for: {fault:?}");
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Notices SIGHUP from now on; what it returns reads the file of tokens at each, and whenever it changes.
fn watch_tokens(tokens: Arc<TokenFile>) -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let hangup = signal(SignalKind::hangup());
    async move {
        let mut hangup = hangup
            .inspect_err(|error| log::error!("SIGHUP can't be waited for: {error}"))
            .ok();
        let mut next_hangup = async || match &mut hangup {
            Some(hangup) => hangup.recv().await,
            None => std::future::pending().await,
        };
        let mut interval = tokio::time::interval(TOKENS_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let act = tokio::select! {
                _ = next_hangup() => TokenFile::reload,
                _ = interval.tick() => TokenFile::look,
            };
            let tokens = Arc::clone(&tokens);
            if let Err(error) = tokio::task::spawn_blocking(move || act(&tokens)).await {
                log::error!("a look at the tokens ended in a panic: {error}");
            }
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
