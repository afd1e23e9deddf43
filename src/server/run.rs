//! Binds the address, wires the routes and middlewares, and starts the server with its tasks.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use actix_http::{HttpService, Request};
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::App as ActixApp;
use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::web::{self, Data};
use tokio::sync::Semaphore;

use super::backups;
use super::config::{Config, GrpcListen};
use super::connection::Connection;
use super::error::StartError;
use super::grpc::{self, GrpcServer};
use super::retain;
use super::signals::stop_at_signal;
use super::stuck;
use super::tasks::{keep_checkpointing, watch_tokens};
use crate::api::admission::{Hosts, guard};
use crate::api::app::{App, Switches};
use crate::api::events::stream::keep_watching;
use crate::api::inject::{inject_faults, keep_socket};
use crate::api::lives::bring_up_to_date;
use crate::api::metrics::CollectorMetrics;
use crate::api::stopping::MAX_STOPPING;
use crate::api::{Description, openapi_document, routes};
use crate::notify::Notifier;
use crate::store::Store;
use crate::ui;

/// How many connections each worker holds at a time.
const CONNECTIONS_PER_WORKER: usize = 1_024;
/// How long the head of the first request of a connection may take to arrive. Later ones may take as long as the connection
/// may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be idle.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may take to close a connection that the server has closed.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A server that runs.
#[expect(missing_debug_implementations, reason = "actix's server has none")]
pub struct Running {
    /// Runs while it is awaited.
    pub server: Server,
    /// Where it listens.
    pub address: SocketAddr,
    /// `None` where there is no gRPC, or its port is in use.
    pub grpc: Option<GrpcServer>,
}

/// Binds the addresses and starts to serve.
///
/// Must be called within an actix runtime. SIGTERM and SIGINT end it: no new connections, answers in flight finish. So
/// does SIGHUP, unless there are tokens: then their file is read again.
///
/// # Errors
/// [`StartError`] when the address can't be bound.
pub fn start(config: &Config, store: Arc<Store>) -> Result<Running, StartError> {
    let listen_error = |source| StartError::Listen {
        address: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen).map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let notifier = config.notify.as_ref().map(|rules| {
        let (store, clocks) = (Arc::clone(&store), Arc::clone(&config.clocks));
        Notifier::start(Arc::clone(rules), store, clocks).map_err(StartError::Server)
    });
    let app = Data::new(App {
        store: Arc::clone(&store),
        clocks: Arc::clone(&config.clocks),
        mock: config.mock.clone(),
        is_writable: config.is_writable || config.mock.is_some(),
        query_timeout: config.query_timeout,
        tokens: config.tokens.clone(),
        base_path: config.base_path.clone(),
        hosts: Hosts::new(config.allow_hosts.clone()),
        origins: config.cors.clone(),
        statistics: Arc::new(Semaphore::new(config.readers() as usize / 4)),
        streams: Arc::new(Semaphore::new(config.readers() as usize / 4)),
        events: Arc::default(),
        stopping: Arc::default(),
        metrics: Arc::default(),
        backups: config.backups.as_ref().map(|_| Arc::default()),
        collectors: config
            .collector_metrics
            .map(|max| Arc::new(CollectorMetrics::new(max))),
        slow_query: config.slow_query,
        notifier: notifier.transpose()?,
    });
    let description = Data::new(openapi_document::describe(
        app.switches(),
        config.tokens.is_some(),
    ));
    let stopping = Arc::clone(&app.stopping);
    let switches = app.switches();
    let metrics = Arc::clone(&app.metrics);
    let is_mock = config.mock.is_some();
    let builder = Server::build()
        .workers(config.workers)
        .max_concurrent_connections(CONNECTIONS_PER_WORKER)
        // Clients that have not sent their request by then, or do not read, are cut off.
        .shutdown_timeout(MAX_STOPPING.as_secs())
        .disable_signals();
    let ending = builder.graceful_shutdown_signal();
    start_backups(config, &app)?;
    serve_streams(&app, ending.clone());
    let grpc = start_grpc(config.grpc_listen, &app, &description)?;
    let serve = move || {
        let application = application(app.clone(), description.clone(), switches)
            .map_err(|error: Error| error.error_response());
        let (ending, metrics) = (ending.clone(), Arc::clone(&metrics));
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let ending = ending.clone();
                async move { ending.notified().await }
            })
            .on_connect_ext(move |connection: &Connection, extensions| {
                metrics.connected(extensions);
                if is_mock {
                    keep_socket(connection.stream(), extensions);
                }
            })
            // A client that ends its half of the connection has left: its query ends with it.
            .h1_allow_half_closed(false)
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .keep_alive(KEEP_ALIVE)
            .local_addr(address)
            // Of the address in there nothing is used.
            .h1(map_config(application, |()| AppConfig::default()));
        fn_service(async |stream: TcpStream| {
            // An answer that goes out in two writes would wait 40 ms for a client that acknowledges late.
            if let Err(error) = stream.set_nodelay(true) {
                log::debug!("a connection may wait for acknowledgements: {error}");
            }
            let client = stream.peer_addr().ok();
            Ok((Connection::new(stream), client))
        })
        .and_then(http)
    };
    let server = builder
        .listen("jobdeck", listener, serve)
        .map_err(StartError::Server)?
        .run();
    // Noticed from here on, so that a signal counts as soon as the server is known to serve.
    let ends_at_hangup = config.tokens.is_none();
    let stop = (server.handle(), config.mock.clone(), stopping);
    actix_web::rt::spawn(stop_at_signal(ends_at_hangup, stop));
    start_tasks(config, store);
    Ok(Running {
        server,
        address,
        grpc,
    })
}

/// Starts the tasks that run beside the requests.
fn start_tasks(config: &Config, store: Arc<Store>) {
    if let Some(tokens) = &config.tokens {
        actix_web::rt::spawn(watch_tokens(Arc::clone(tokens)));
    }
    if let Some(age) = config.retain {
        let (store, clocks) = (Arc::clone(&store), Arc::clone(&config.clocks));
        actix_web::rt::spawn(retain::keep_pruning(store, clocks, age));
    }
    if let Some(age) = config.stuck_after {
        let (store, clocks) = (Arc::clone(&store), Arc::clone(&config.clocks));
        actix_web::rt::spawn(stuck::keep_ending(store, clocks, age));
    }
    actix_web::rt::spawn(keep_checkpointing(store));
    if let Some(mock) = &config.mock {
        actix_web::rt::spawn(Arc::clone(mock).watch_fixtures());
    }
}

/// Starts to make backups, where there is a folder for them, until the server stops.
fn start_backups(config: &Config, app: &App) -> Result<(), StartError> {
    let (Some(plan), Some(metrics)) = (&config.backups, &app.backups) else {
        return Ok(());
    };
    let (running, stop) = mpsc::channel();
    backups::start(plan, Arc::clone(&app.store), Arc::clone(metrics), stop)?;
    let stopping = Arc::clone(&app.stopping);
    actix_web::rt::spawn(async move {
        stopping.begun().await;
        drop(running);
    });
    Ok(())
}

/// Starts gRPC, where it is to listen and can.
fn start_grpc(
    listen: GrpcListen,
    app: &Data<App>,
    description: &Data<Description>,
) -> Result<Option<GrpcServer>, StartError> {
    let Some(listener) = listen.bind()? else {
        return Ok(None);
    };
    let (app, description) = (app.clone(), description.clone());
    let (metrics, stopping) = (Arc::clone(&app.metrics), Arc::clone(&app.stopping));
    let switches = Switches {
        has_grpc: true,
        ..app.switches()
    };
    let server = grpc::start(
        listener,
        move || application(app, description, switches),
        move || metrics.grpc_connected(),
        stopping,
    )?;
    Ok(Some(server))
}

/// Makes the application, with the routes that the switches bring.
fn application(
    app: Data<App>,
    description: Data<Description>,
    switches: Switches,
) -> impl ServiceFactory<
    Request,
    Config = AppConfig,
    Response = ServiceResponse<BoxBody>,
    Error = Error,
    InitError = (),
    Service = impl Service<Request, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
> {
    let is_mock = app.mock.is_some();
    ActixApp::new()
        .app_data(app)
        .app_data(description)
        .wrap(Condition::new(is_mock, from_fn(bring_up_to_date)))
        .wrap(Condition::new(is_mock, from_fn(inject_faults)))
        .wrap(Compress::default())
        .wrap(from_fn(guard))
        .configure(|config| routes::register(config, switches))
        .configure(ui::page)
        .configure(ui::documentation)
        .default_service(web::to(routes::not_found))
        .into_factory()
}

/// Starts the tasks that the streams of events need: one publishes the changes, one ends the streams however the server is told
/// to stop.
fn serve_streams(app: &Data<App>, ending: GracefulShutdownSignal) {
    actix_web::rt::spawn(keep_watching(app.clone()));
    let app = app.clone();
    actix_web::rt::spawn(async move {
        ending.notified().await;
        app.stopping.begin();
    });
}
