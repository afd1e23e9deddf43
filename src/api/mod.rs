//! The HTTP API: every route on one screen.

mod error;
mod export;
mod guard;
mod jobs;
mod own;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, ResponseError, web};

use self::error::ApiError;
pub use self::guard::Hosts;
pub(crate) use self::guard::guard as guard_requests;
pub(crate) use self::wire::is_known;
use crate::store::Store;
use crate::time::Timestamp;

/// What the handlers share.
#[derive(Debug)]
pub struct App {
    pub store: Arc<Store>,
    pub clock: Clock,
    /// No query runs longer.
    pub query_timeout: Duration,
    pub hosts: Hosts,
    /// Places for statistics: a quarter of the readers, so that a quick answer always finds one.
    pub statistics: Arc<tokio::sync::Semaphore>,
    /// Places for lists without a limit, as many: their clients may be slow.
    pub streams: Arc<tokio::sync::Semaphore>,
}

/// Where `now` comes from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    System,
    Frozen(Timestamp),
}

impl Clock {
    /// The moment by which a request is answered.
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self {
            Self::Frozen(now) => now,
            Self::System => {
                let since = std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap_or_default();
                let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
                Timestamp::from_millis(millis).unwrap_or(Timestamp::MAX)
            }
        }
    }
}

/// The routes of the API.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            only("/inventory/v1/jobs", "GET, HEAD", web::get().to(jobs::list))
                .route(web::head().to(jobs::list)),
        )
        .service(only(
            "/inventory/v1/jobs/search",
            "POST",
            web::post().to(jobs::search),
        ))
        .service(only(
            "/inventory/v1/jobs/stat",
            "POST",
            web::post().to(jobs::stat),
        ))
        .service(only("/jobdeck/about", "GET", web::get().to(own::about)))
        .service(only("/jobdeck/domains", "GET", web::get().to(own::domains)))
        .service(only(
            "/jobdeck/export",
            "GET",
            web::get().to(export::export),
        ))
        .service(
            only("/healthz", "GET, HEAD", web::get().to(own::healthz))
                .route(web::head().to(own::healthz)),
        );
}

/// A resource with one method; any other is answered with what is allowed.
fn only(path: &str, allow: &'static str, route: actix_web::Route) -> actix_web::Resource {
    web::resource(path).route(route).default_service(web::to(
        move |request: HttpRequest| async move { method_not_allowed(&request, allow) },
    ))
}

pub(crate) fn method_not_allowed(request: &HttpRequest, allow: &'static str) -> HttpResponse {
    ApiError::MethodNotAllowed {
        method: request.method().to_string(),
        allow,
    }
    .error_response()
}

/// Answers what no route is for.
pub(crate) async fn not_found(request: HttpRequest) -> HttpResponse {
    ApiError::NotFound(request.path().chars().take(200).collect()).error_response()
}
