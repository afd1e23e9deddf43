//! Answers calls of gRPC by the application itself: each is a request that goes the way of one that came by HTTP, with the same
//! guards, faults, journal, metrics and log.

use std::rc::Rc;

use actix_http::Request;
use actix_service::Service;
use actix_web::HttpMessage;
use actix_web::body::{BoxBody, MessageBody, to_bytes_limited};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri, Version};
use actix_web::rt;
use actix_web::web::Bytes;
use tokio::sync::mpsc;

use crate::api::body::UnreadableMessage;
use crate::api::inject::Socket;
use crate::grpc::{Answer, Call, CallBody, NoAnswer};

/// The longest answer, in bytes of JSON: clients take messages of at most 256 MiB, which are shorter.
const MAX_ANSWER_BYTES: usize = 256 << 20;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers calls until there are no more, each in a task of its own. A call whose client leaves is dropped, and so its query ends.
pub(super) async fn answer_calls<S>(service: S, mut calls: mpsc::UnboundedReceiver<Call>)
where
    S: Service<Request, Response = ServiceResponse<BoxBody>> + 'static,
{
    let service = Rc::new(service);
    while let Some(call) = calls.recv().await {
        let service = Rc::clone(&service);
        rt::spawn(async move {
            let (request, mut answer) = request(call);
            let answered = tokio::select! {
                answered = respond(&*service, request) => answered,
                () = answer.closed() => return,
            };
            // The client may have left meanwhile.
            drop(answer.send(answered));
        });
    }
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
    let length = json.len();
    let mut request = Request::with_payload(actix_http::Payload::from(json));
    let head = request.head_mut();
    head.method = method;
    // TEMPORARY
    head.uri = Uri::from_static(match call.path {
        "/spaceone.api.inventory.v1.Job/list" => "/inventory/v1/jobs/search",
        "/spaceone.api.inventory.v1.Job/stat" => "/inventory/v1/jobs/stat",
        path => path,
    });
    head.version = Version::HTTP_2;
    head.peer_addr = call.peer.as_ref().map(|peer| peer.address);
    head.headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.headers.insert(CONTENT_LENGTH, length.into());
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

async fn respond<S>(service: &S, request: Request) -> Result<Answer, NoAnswer>
where
    S: Service<Request, Response = ServiceResponse<BoxBody>>,
{
    let response = service
        .call(request)
        .await
        .map_err(|_unanswered| NoAnswer::BrokenOff)?;
    let status = response.status().as_u16();
    let request_id = response.headers().get(REQUEST_ID);
    let request_id = request_id.map(|id| Bytes::copy_from_slice(id.as_bytes()));
    let body = match response.into_body().try_into_bytes() {
        Ok(body) => body,
        Err(body) => match to_bytes_limited(body, MAX_ANSWER_BYTES).await {
            Ok(Ok(body)) => body,
            // The log has the reason, where it was read.
            Ok(Err(_)) => return Err(NoAnswer::BrokenOff),
            Err(_too_long) => return Err(NoAnswer::TooLong),
        },
    };
    Ok(Answer {
        status,
        request_id,
        body,
    })
}
