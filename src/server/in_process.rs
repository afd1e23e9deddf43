//! Answers calls of gRPC by the application itself: each is a request that goes the way of one that came by HTTP, with the same
//! guards, faults, journal, metrics and log.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_http::Request;
use actix_service::Service;
use actix_web::HttpMessage;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri, Version};
use actix_web::rt;
use actix_web::web::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::api::answer::RowPlaces;
use crate::api::body::UnreadableMessage;
use crate::api::inject::Socket;
use crate::grpc::{Answer, Call, CallBody, NoAnswer};

/// The longest answer, in bytes of JSON. A message is in memory as a whole, and once more as what it is made of.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// From which length on an answer is a long one, in bytes: more than a page of a thousand jobs has.
const LONG_BYTES: usize = 1 << 20;
/// How many long answers there may be at a time.
const LONG_ANSWERS: usize = 2;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers calls until there are no more, each in a task of its own. A call whose client leaves is dropped, and so its query ends.
pub(super) async fn answer_calls<S>(service: S, mut calls: mpsc::UnboundedReceiver<Call>)
where
    S: Service<Request, Response = ServiceResponse<BoxBody>> + 'static,
{
    let service = Rc::new(service);
    let long = Arc::new(Semaphore::new(LONG_ANSWERS));
    while let Some(call) = calls.recv().await {
        let (service, long) = (Rc::clone(&service), Arc::clone(&long));
        rt::spawn(async move {
            let (request, mut answer) = request(call);
            let answered = tokio::select! {
                answered = respond(&*service, request, &long) => answered,
                () = answer.closed() => return,
            };
            // The client may have left meanwhile.
            drop(answer.send(answered));
        });
    }
}

/// Makes a request with a body of JSON, which may be empty.
pub(super) fn json_request(method: Method, uri: Uri, json: Bytes) -> Request {
    let length = json.len();
    let mut request = Request::with_payload(actix_http::Payload::from(json));
    let head = request.head_mut();
    head.method = method;
    head.uri = uri;
    head.headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.headers.insert(CONTENT_LENGTH, length.into());
    request
}

type Sender = tokio::sync::oneshot::Sender<Result<Answer, NoAnswer>>;

/// Makes the request that a call means; returns it with the way back.
fn request(call: Call) -> (Request, Sender) {
    let mut json = Bytes::new();
    let mut problem = None;
    let method = match call.body {
        CallBody::None => Method::GET,
        CallBody::Json(body) => {
            json = body.into();
            Method::POST
        }
        CallBody::Unreadable(reason) => {
            problem = Some(UnreadableMessage(reason));
            Method::POST
        }
    };
    let mut request = json_request(method, Uri::from_static(call.path), json);
    let head = request.head_mut();
    head.version = Version::HTTP_2;
    head.peer_addr = call.peer.as_ref().map(|peer| peer.address);
    for (name, value) in call.headers {
        // HTTP/2 has the same letters in values.
        if let Ok(value) = HeaderValue::from_maybe_shared(value) {
            head.headers.append(HeaderName::from_static(name), value);
        }
    }
    let mut extensions = request.extensions_mut();
    if let Some(problem) = problem {
        extensions.insert(problem);
    }
    if let Some(peer) = call.peer {
        extensions.insert(Socket::from(peer.socket));
    }
    drop(extensions);
    (request, call.answer)
}

async fn respond<S>(
    service: &S,
    request: Request,
    long: &Arc<Semaphore>,
) -> Result<Answer, NoAnswer>
where
    S: Service<Request, Response = ServiceResponse<BoxBody>>,
{
    let mut response = service
        .call(request)
        .await
        .map_err(|_unanswered| NoAnswer::BrokenOff)?;
    let status = response.status().as_u16();
    let request_id = response.headers().get(REQUEST_ID);
    let request_id = request_id.map(|id| Bytes::copy_from_slice(id.as_bytes()));
    let promised = response.headers().get(CONTENT_LENGTH);
    let promised: Option<usize> = promised.and_then(|length| length.to_str().ok()?.parse().ok());
    let places = response.response_mut().extensions_mut().remove();
    let RowPlaces(jobs) = places.unwrap_or_default();
    let (body, permit) = match response.into_body().try_into_bytes() {
        Ok(body) => (body, None),
        Err(body) => collect(body, long).await?,
    };
    // A fault has cut it short.
    if promised.is_some_and(|length| length != body.len()) {
        return Err(NoAnswer::BrokenOff);
    }
    Ok(Answer {
        status,
        request_id,
        body,
        jobs,
        permit,
    })
}

/// Collects a body that is streamed; a long one waits for a permit, which it then holds.
async fn collect(
    body: BoxBody,
    long: &Arc<Semaphore>,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), NoAnswer> {
    let mut chunks = pin!(body);
    let (mut collected, mut permit) = (BytesMut::new(), None);
    while let Some(chunk) = poll_fn(|context| chunks.as_mut().poll_next(context)).await {
        // The log has the reason, where the rows were read.
        let chunk = chunk.map_err(|_broken_off| NoAnswer::BrokenOff)?;
        if collected.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(NoAnswer::TooLong);
        }
        collected.extend_from_slice(&chunk);
        if collected.len() > LONG_BYTES && permit.is_none() {
            // The semaphore is never closed. Who waits too long is broken off as a client that reads nothing.
            permit = Arc::clone(long).acquire_owned().await.ok();
        }
    }
    Ok((collected.freeze(), permit))
}
