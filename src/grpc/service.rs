//! The services by their paths: `Job`, reflection in both versions, and health.

use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use prost::Message;
use prost::bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http;
use tonic::metadata::MetadataMap;
use tonic::server::Grpc;
use tonic::{Code, Request, Response, Status};

use super::call::{Answer, Call, CallBody, NoAnswer, Peer};
use super::codec::BytesCodec;
use super::descriptor::{JOB_SERVICE, Reflection};
use super::health::{self, HealthCheckRequest};
use super::messages::MessageCaches;
use super::method::Method;
use super::paced::{Held, pace};
use super::status;
use crate::route::Route;

/// The largest request, in bytes: that of a query by REST.
const MAX_REQUEST_BYTES: usize = 1 << 20;
/// How long a message or its JSON may be, in bytes, to be converted where other calls wait: that takes a millisecond at most.
const MAX_INLINE_BYTES: usize = 128 << 10;
/// The metadata of clients that the application reads, by the names that it has for them.
const METADATA: [(&str, &str); 4] = [
    ("x_domain_id", "x-domain-id"),
    ("x-request-id", "x-request-id"),
    // Of clients of 1.x, which send no other id.
    ("transaction_id", "x-request-id"),
    ("user-agent", "user-agent"),
];

type Pending = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

/// All services of the server.
#[derive(Clone)]
pub(super) struct Services {
    calls: mpsc::UnboundedSender<Call>,
    reflection: Reflection,
    caches: Arc<MessageCaches>,
}

impl Services {
    /// Makes the services, which send calls of `Job` to the application.
    ///
    /// # Errors
    /// Where the descriptor is none, which is a defect.
    pub(super) fn new(
        calls: mpsc::UnboundedSender<Call>,
    ) -> Result<Self, tonic_reflection::server::Error> {
        Ok(Self {
            calls,
            reflection: Reflection::new()?,
            caches: Arc::default(),
        })
    }
}

impl Service<http::Request<Body>> for Services {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pending;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Pending {
        let path = request.uri().path();
        if let Some(method) = Method::find(path) {
            return self.unary(Target::Method(method), request);
        }
        if path == health::CHECK {
            return self.unary(Target::Health, request);
        }
        if let Some(reflect) = self.reflection.find(path) {
            return reflect(request);
        }
        let path: String = path.chars().take(200).collect();
        let message = format!(
            "there is no {path} here; {JOB_SERVICE} has list, stat, get, analyze and delete"
        );
        let status = status::with_code(Code::Unimplemented, "ERROR_NOT_FOUND", &message);
        Box::pin(async { Ok(status.into_http()) })
    }
}

impl Services {
    fn unary(&self, target: Target, request: http::Request<Body>) -> Pending {
        let unary = Unary {
            target,
            calls: self.calls.clone(),
            caches: Arc::clone(&self.caches),
        };
        Box::pin(async {
            let mut grpc = Grpc::new(BytesCodec).max_decoding_message_size(MAX_REQUEST_BYTES);
            let mut response = grpc.unary(unary, request).await;
            status::complete(response.headers_mut());
            Ok(pace(response))
        })
    }
}

/// What a unary call is for.
#[derive(Debug, Clone, Copy)]
enum Target {
    Method(Method),
    Health,
}

/// A unary call, once its message is there.
struct Unary {
    target: Target,
    calls: mpsc::UnboundedSender<Call>,
    caches: Arc<MessageCaches>,
}

impl Service<Request<Bytes>> for Unary {
    type Response = Response<Bytes>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (target, calls) = (self.target, self.calls.clone());
        let caches = Arc::clone(&self.caches);
        Box::pin(async move {
            let peer = request.extensions().get::<Peer>().cloned();
            let headers = headers(request.metadata());
            let (body, path) = match target {
                Target::Method(method) => {
                    let message = request.into_inner();
                    let length = message.len();
                    (
                        convert(length, move || body(method, &message)).await?,
                        method.path(),
                    )
                }
                Target::Health => {
                    check_service(request.get_ref())?;
                    (CallBody::None, Route::Check.path())
                }
            };
            let (answer, answered) = oneshot::channel();
            let call = Call {
                path,
                headers,
                body,
                peer: peer.clone(),
                answer,
            };
            // Where the application has ended, the answer is none, too.
            drop(calls.send(call));
            let answer = match answered.await {
                Ok(Ok(answer)) => answer,
                Ok(Err(why)) => return Err(status::of_no_answer(why)),
                Err(_) => return Err(status::of_no_answer(NoAnswer::BrokenOff)),
            };
            let length = answer.body.len();
            let Answer {
                status: http_status,
                request_id,
                body,
                jobs,
                permit,
            } = answer;
            let respond = move || target.respond(http_status, &body, &jobs, &caches);
            let mut response = convert(length, respond).await?.map(Response::new);
            if let (Ok(response), Some(permit)) = (&mut response, permit) {
                let permit = Arc::new(permit);
                response.extensions_mut().insert(Held { permit, peer });
            }
            let metadata = match &mut response {
                Ok(response) => response.metadata_mut(),
                Err(status) => status.metadata_mut(),
            };
            if let Some(id) = request_id.and_then(|id| std::str::from_utf8(&id).ok()?.parse().ok())
            {
                metadata.insert("x-request-id", id);
            }
            response
        })
    }
}

/// Converts a message or its JSON of a length in bytes: what is long on the blocking pool, since one thread serves all connections.
async fn convert<T: Send + 'static>(
    length: usize,
    act: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Status> {
    if length <= MAX_INLINE_BYTES {
        return Ok(act());
    }
    tokio::task::spawn_blocking(act).await.map_err(|error| {
        log::error!("the conversion of a message has ended: {error}");
        status::of_no_answer(NoAnswer::BrokenOff)
    })
}

fn body(method: Method, message: &[u8]) -> CallBody {
    match method.to_json(message) {
        Ok(json) => CallBody::Json(json),
        Err(problem) => CallBody::Unreadable(problem),
    }
}

impl Target {
    /// Turns an answer into a message, or into a status.
    fn respond(
        self,
        http_status: u16,
        json: &Bytes,
        jobs: &[Range<usize>],
        caches: &MessageCaches,
    ) -> Result<Bytes, Status> {
        match self {
            Self::Health => Ok(health::message(http_status == 200)),
            Self::Method(_) if http_status != 200 => Err(status::of_answer(http_status, json)),
            Self::Method(method) => method.to_message(json, jobs, caches).map_err(|error| {
                log::error!("the answer of {} is no message: {error}", method.path());
                status::of_no_answer(NoAnswer::BrokenOff)
            }),
        }
    }
}

/// Checks that a health check asks about a service that there is.
fn check_service(message: &[u8]) -> Result<(), Status> {
    let request = HealthCheckRequest::decode(message).map_err(|error| {
        status::with_code(
            Code::InvalidArgument,
            "ERROR_INVALID_PARAMETER",
            &error.to_string(),
        )
    })?;
    if request.service.is_empty() || request.service == JOB_SERVICE {
        return Ok(());
    }
    let message = format!(
        "there is no service of this name; there is {JOB_SERVICE}, and the empty name for the server"
    );
    Err(status::with_code(
        Code::NotFound,
        "ERROR_NOT_FOUND",
        &message,
    ))
}

/// Returns the headers that the metadata of a client mean.
fn headers(metadata: &MetadataMap) -> Vec<(&'static str, Bytes)> {
    let mut headers: Vec<(&'static str, Bytes)> = Vec::new();
    for (key, name) in METADATA {
        if let Some(value) = metadata.get(key)
            && !headers.iter().any(|(present, _)| *present == name)
        {
            headers.push((name, Bytes::copy_from_slice(value.as_bytes())));
        }
    }
    // Each of several, so that an ambiguous request is refused as by REST.
    for token in metadata.get_all("token") {
        let mut bearer = b"Bearer ".to_vec();
        bearer.extend_from_slice(token.as_bytes());
        headers.push(("authorization", bearer.into()));
    }
    headers
}
