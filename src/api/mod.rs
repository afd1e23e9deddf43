//! The HTTP API: every route on one screen.

mod access;
mod access_log;
mod cors;
mod error;
mod export;
mod faults;
mod guard;
mod jobs;
mod journal;
mod metrics;
mod misbehave;
mod openapi;
mod own;
mod parameters;
mod states;
mod stopping;
mod wire;
mod write;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

pub use self::cors::Origin;
pub(crate) use self::cors::cors;
use self::error::ApiError;
pub use self::guard::Hosts;
pub(crate) use self::guard::{admit, guard};
pub use self::metrics::Metrics;
pub(crate) use self::misbehave::{keep_socket, misbehave};
pub use self::openapi::Description;
pub(crate) use self::states::bring_up_to_date;
pub(crate) use self::stopping::MOST as MAX_STOPPING;
pub use self::stopping::Stopping;
pub(crate) use self::wire::is_known;
use crate::clock::Clocks;
use crate::mock::Mock;
use crate::route::{Audience, Route};
use crate::store::Store;
use crate::tokens::TokenFile;

/// What the handlers share.
#[derive(Debug)]
pub struct App {
    pub store: Arc<Store>,
    pub clocks: Arc<Clocks>,
    /// What makes the server a mock; without it none of its routes exists.
    pub mock: Option<Arc<Mock>>,
    /// Whether clients may write jobs.
    pub is_writable: bool,
    /// No query runs longer.
    pub query_timeout: Duration,
    pub hosts: Hosts,
    /// Who may ask; without it everybody who reaches the server.
    pub tokens: Option<Arc<TokenFile>>,
    /// Whose pages may ask from elsewhere.
    pub origins: Vec<Origin>,
    /// Places for statistics: a quarter of the readers, so that a quick answer always finds one.
    pub statistics: Arc<tokio::sync::Semaphore>,
    /// Places for lists without a limit, as many: their clients may be slow.
    pub streams: Arc<tokio::sync::Semaphore>,
    pub stopping: Arc<Stopping>,
    /// What `/openapi.json` answers.
    pub description: Description,
    pub metrics: Arc<Metrics>,
    /// From when on a request is told of with its query.
    pub slow_query: Duration,
}

impl App {
    /// Another number after each change that is not in the database, yet changes answers.
    fn changes(&self) -> u64 {
        let of_mock = self.mock.as_ref().map_or(0, |mock| mock.version());
        self.clocks.version() + of_mock
    }
}

/// Which routes a server has beside those that read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Switches {
    is_writable: bool,
    is_mock: bool,
}

impl Switches {
    pub(crate) fn of(app: &App) -> Self {
        Self {
            is_writable: app.is_writable,
            is_mock: app.mock.is_some(),
        }
    }
}

/// The routes of the API.
pub(crate) fn routes(config: &mut web::ServiceConfig, switches: Switches) {
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
        )
        .service(
            only("/check", "GET, HEAD", web::get().to(own::check))
                .route(web::head().to(own::check)),
        )
        .service(
            only("/metrics", "GET, HEAD", web::get().to(metrics::get))
                .route(web::head().to(metrics::get)),
        )
        .service(
            only("/openapi.json", "GET, HEAD", web::get().to(openapi::get))
                .route(web::head().to(openapi::get)),
        );
    if switches.is_writable {
        writing_routes(config);
    }
    if switches.is_mock {
        mock_routes(config);
    }
}

fn writing_routes(config: &mut web::ServiceConfig) {
    config
        .service(
            only("/jobdeck/jobs", "POST, DELETE", web::post().to(write::add))
                .route(web::delete().to(write::delete_domain)),
        )
        .service(
            only(
                "/jobdeck/jobs/{job_id}",
                "PUT, PATCH, DELETE",
                web::put().to(write::put),
            )
            .route(web::patch().to(write::patch))
            .route(web::delete().to(write::delete)),
        );
}

fn mock_routes(config: &mut web::ServiceConfig) {
    config
        .service(only(
            "/jobdeck/reset",
            "POST",
            web::post().to(states::reset),
        ))
        .service(only(
            "/jobdeck/snapshots",
            "GET",
            web::get().to(states::snapshots),
        ))
        .service(
            only(
                "/jobdeck/snapshots/{name}",
                "PUT, DELETE",
                web::put().to(states::save),
            )
            .route(web::delete().to(states::forget)),
        )
        .service(only(
            "/jobdeck/snapshots/{name}/restore",
            "POST",
            web::post().to(states::restore),
        ))
        .service(
            only(
                "/jobdeck/clock",
                "GET, PUT, DELETE",
                web::get().to(states::clock),
            )
            .route(web::put().to(states::set_clock))
            .route(web::delete().to(states::reset_clock)),
        )
        .service(only(
            "/jobdeck/clock/advance",
            "POST",
            web::post().to(states::advance_clock),
        ))
        .service(
            only(
                "/jobdeck/faults",
                "GET, POST, DELETE",
                web::get().to(faults::list),
            )
            .route(web::post().to(faults::add))
            .route(web::delete().to(faults::clear)),
        )
        .service(only(
            "/jobdeck/faults/{id}",
            "DELETE",
            web::delete().to(faults::remove),
        ))
        .service(only(
            "/jobdeck/faults/{id}/release",
            "POST",
            web::post().to(faults::release),
        ))
        .service(
            only(
                "/jobdeck/journal",
                "GET, DELETE",
                web::get().to(journal::read),
            )
            .route(web::delete().to(journal::clear)),
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

/// Answers what no route is for; of one that a switch would bring it says so.
pub(crate) async fn not_found(request: HttpRequest, app: Data<App>) -> HttpResponse {
    let path: String = request.path().chars().take(200).collect();
    let is_control = Audience::of(request.path()) == Audience::Control;
    let route = Route::find(request.method().as_str(), request.path());
    let is_write = route.is_some_and(Route::writes_jobs);
    let switch = if is_control && app.mock.is_none() {
        Some("--mock")
    } else if is_write && !app.is_writable {
        Some("--writable")
    } else {
        None
    };
    match switch {
        Some(switch) => ApiError::NeedsSwitch { path, switch },
        None => ApiError::NotFound(path),
    }
    .error_response()
}
