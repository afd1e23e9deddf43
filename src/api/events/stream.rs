//! `GET /jobdeck/events`: a stream with an event at each change of the data, so that a client need not ask for changes.
//!
//! One task looks at the version for all streams: when a writer of this server is done, and once a second for what other
//! programs write and for what a mock changes beside the database. While no stream is open, it waits. A stream holds a
//! connection of HTTP, but neither a thread nor a connection to the database; where its client reads slowly, only the newest
//! version is pending.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ContentEncoding, HeaderName};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::hub::Place;
use super::version::AllData;
use crate::api::access_log::Endless;
use crate::api::admission::Access;
use crate::api::app::App;
use crate::api::blocking::blocking;
use crate::api::error::ApiError;
use crate::api::parameters::parameters;
use crate::api::schema::errors::ParameterErrors;
use crate::api::schema::params::EventsParams;
use crate::route::Route;

/// How often changes of other programs are looked for.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The shortest time between two events: writes within it are one.
const MIN_PAUSE: Duration = Duration::from_millis(50);
/// How long a stream is silent at most: less than proxies wait, and dead connections are noticed by it.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// The first bytes, which show a client that no proxy holds the stream back, and tell a browser when to come again.
const GREETING: &str = "retry: 3000\n\n";
/// A comment, which clients skip.
const COMMENT: &str = ":\n\n";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells nginx to pass on what it gets immediately.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Publishes the versions of the data while streams are open, for as long as it is awaited.
pub(crate) async fn keep_watching(app: Data<App>) {
    let events = Arc::clone(&app.events);
    app.store.on_write(move || events.note_write());
    let mut open = app.events.watch_open();
    let mut is_failing = false;
    // The sender is the app's, so it is not gone.
    while open.wait_for(|open| *open > 0).await.is_ok() {
        let mut next = interval(LOOK_INTERVAL);
        next.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while *open.borrow_and_update() > 0 {
            tokio::select! {
                _ = next.tick() => {}
                () = app.events.written() => {}
                _ = open.changed() => continue,
            }
            let looked = app.clone();
            let result = blocking(move || look(&looked)).await;
            if let Err(error) = &result
                && !is_failing
            {
                log::warn!("the streams of events learn of no changes for now: {error}");
            }
            is_failing = result.is_err();
            sleep(MIN_PAUSE).await;
        }
    }
}

/// Brings the living jobs of a mock up to date, as a request would, and publishes the version.
fn look(app: &App) -> Result<(), ApiError> {
    if let Some(mock) = app.mock.as_ref().filter(|mock| mock.is_due()) {
        mock.bring_up_to_date()?;
    }
    app.events.look(|| app.all_data())?;
    Ok(())
}

/// Sends an event at each change of the data, as server-sent events.
///
/// The stream has no end. The `id` of an event is the version of all data, the same as the `ETag` of `/jobdeck/domains`, and
/// its data has it as `version`. A client that sends the last `id` as `Last-Event-ID` gets an event immediately if there is
/// another version by now, and otherwise none until the next change; without it, it gets the present version first. Writes
/// within 50 milliseconds may be one event. Every 20 seconds without an event there is a comment.
#[utoipa::path(
    method(get, head),
    path = Route::Events.path(),
    operation_id = "streamEvents",
    tag = "reading",
    params(
        EventsParams,
        ("Last-Event-ID" = Option<String>, Header, nullable = false, description = "The `id` of the last event that the client had, or the `ETag` of `/jobdeck/domains`.")
    ),
    responses(
        (status = 200, description = "The stream of events.", body = String, content_type = "text/event-stream",
            example = "retry: 3000\n\nid: W/\"00c0ffee00c0ffee-2-0\"\nevent: change\ndata: {\"version\":\"W/\\\"00c0ffee00c0ffee-2-0\\\"\"}\n\n"),
        ParameterErrors
    )
)]
pub(in crate::api) async fn events(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    let own = access.scope()?.map(str::to_owned);
    let EventsParams { domain_id } = parameters(&request)?;
    let domain_id = domain_id.or_else(|| own.clone());
    access.check(domain_id.as_deref())?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((ACCEL_BUFFERING, "no"))
        // A compressor would hold events back.
        .insert_header(ContentEncoding::Identity);
    if request.method() == Method::HEAD {
        return Ok(response.finish());
    }
    let place = app.events.enter().ok_or(ApiError::ManyStreams)?;
    // Before the version is read, so that no change after it is missed.
    let latest = app.events.watch_latest();
    let looked = app.clone();
    let now = blocking(move || Ok(looked.events.look(|| looked.all_data())?)).await?;
    let known = request.headers().get(LAST_EVENT_ID);
    let mut stream = Stream {
        app,
        access,
        own,
        latest,
        sent: known.and_then(|id| Some(id.to_str().ok()?.trim().to_owned())),
        _place: place,
    };
    let mut first = GREETING.to_owned();
    first.extend(stream.event(now));
    let body = Body(Box::pin(async move { Some((first.into(), stream)) }));
    let mut response = response.body(BoxBody::new(body));
    response.extensions_mut().insert(Endless);
    Ok(response)
}

/// An open stream.
struct Stream {
    app: Data<App>,
    access: Access,
    /// The only domain that the client's token reaches.
    own: Option<String>,
    latest: watch::Receiver<Option<AllData>>,
    /// The id of the last event, or what the client said it is.
    sent: Option<String>,
    _place: Place,
}

impl Stream {
    /// Makes the event of a version; `None` where the client has it.
    fn event(&mut self, version: AllData) -> Option<String> {
        let id = version.within(self.own.as_deref()).tag().to_string();
        if self.sent.as_ref() == Some(&id) {
            return None;
        }
        let data = serde_json::json!({"version": id});
        let event = format!("id: {id}\nevent: change\ndata: {data}\n\n");
        self.sent = Some(id);
        Some(event)
    }

    /// Waits for what comes next; `None` where the stream ends, since the server stops or the tokens have
    /// changed: whoever may come again does so.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            let is_change = tokio::select! {
                biased;
                () = self.app.stopping.begun() => return None,
                changed = self.latest.changed() => changed.map(|()| true).ok()?,
                () = sleep(HEARTBEAT) => false,
            };
            if !self.access.is_still_granted(&self.app) {
                return None;
            }
            if !is_change {
                return Some((COMMENT.into(), self));
            }
            let latest = *self.latest.borrow_and_update();
            if let Some(event) = latest.and_then(|version| self.event(version)) {
                return Some((event.into(), self));
            }
        }
    }
}

/// What comes next in a stream, and the stream after that.
type Next = dyn Future<Output = Option<(Bytes, Stream)>>;

/// A body that asks its stream for the next bytes only when these can be sent.
struct Body(Pin<Box<Next>>);

impl MessageBody for Body {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = ready!(self.0.as_mut().poll(context));
        Poll::Ready(next.map(|(bytes, stream)| {
            self.0 = Box::pin(stream.next());
            Ok(bytes)
        }))
    }
}
