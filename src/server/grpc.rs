//! The gRPC server of `--grpc-listen`: a thread with a runtime of its own, since its transport wants tasks that may move, and the
//! application in it, which is built there as in each worker of HTTP.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_http::Request;
use actix_service::{Service, ServiceFactory};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::rt::Runtime;
use tokio::sync::{mpsc, oneshot};

use super::config::GrpcListen;
use super::error::StartError;
use super::in_process::answer_calls;
use crate::api::stopping::{MAX_STOPPING, Stopping};
use crate::grpc;

/// A gRPC server that runs.
#[derive(Debug)]
pub struct GrpcServer {
    address: SocketAddr,
    ended: oneshot::Receiver<()>,
    stopping: Arc<Stopping>,
}

impl GrpcServer {
    /// Returns the address where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until what clients have requested is answered, at most as long as HTTP does, and until a second signal.
    pub async fn ended(self) {
        tokio::select! {
            // An error is an end, too.
            _ = self.ended => {}
            () = self.stopping.given_up() => {}
            () = tokio::time::sleep(MAX_STOPPING) => {}
        }
    }
}

impl GrpcListen {
    /// Binds the address; `None` where there is none, or another program has it.
    pub(super) fn bind(self) -> Result<Option<TcpListener>, StartError> {
        let (address, may_be_used) = match self {
            Self::Off => return Ok(None),
            Self::At(address) => (address, false),
            Self::IfFree(address) => (address, true),
        };
        match TcpListener::bind(address) {
            Ok(listener) => Ok(Some(listener)),
            Err(error) if may_be_used && error.kind() == ErrorKind::AddrInUse => Ok(None),
            Err(source) => Err(StartError::Listen { address, source }),
        }
    }
}

/// Serves gRPC until the server stops, by an application that `build` makes.
pub(super) fn start<F, G>(
    listener: TcpListener,
    build: impl FnOnce() -> F + Send + 'static,
    count: impl Fn() -> G + Send + 'static,
    stopping: Arc<Stopping>,
) -> Result<GrpcServer, StartError>
where
    F: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse<BoxBody>,
            InitError = (),
        >,
    F::Service: Service<Request, Response = ServiceResponse<BoxBody>> + 'static,
    G: Send + Unpin + 'static,
{
    let address = listener.local_addr().map_err(StartError::Server)?;
    let (ending, ended) = oneshot::channel();
    let stop = {
        let stopping = Arc::clone(&stopping);
        async move { stopping.begun().await }
    };
    let serve = move || {
        let served = Runtime::new().and_then(|runtime| {
            runtime.block_on(async {
                let service = build().new_service(AppConfig::default()).await;
                let service = service.map_err(|()| std::io::Error::other("no application"))?;
                let (calls, received) = mpsc::unbounded_channel();
                actix_web::rt::spawn(answer_calls(service, received));
                grpc::serve(listener, calls, count, stop).await
            })
        });
        if let Err(error) = served {
            log::error!("the gRPC server has ended: {error}");
        }
        drop(ending);
    };
    std::thread::Builder::new()
        .name("grpc".to_owned())
        .spawn(serve)
        .map_err(StartError::Server)?;
    Ok(GrpcServer {
        address,
        ended,
        stopping,
    })
}
