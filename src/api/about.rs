//! `GET /jobdeck/about` and `GET /jobdeck/domains`: what the server is, and its domains.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::admission::Access;
use super::answer::{Weight, answer, fresh};
use super::app::App;
use super::caching::Caching;
use super::error::ApiError;
use super::parameters::parameters;
use super::schema::answers::{About, DomainInfo, DomainsInfo};
use super::schema::errors::{ParameterErrors, ReadErrors};
use super::schema::params::ScopeParams;
use crate::route::Route;
use crate::store::StoreError;

/// Lists the domains by name, with the number of jobs of each.
///
/// With a token, those that it reaches. The `ETag` is the version of all data: a client that requests the list again learns
/// whether anything has changed.
#[utoipa::path(
    method(get, head),
    path = Route::ListDomains.path(),
    operation_id = "listDomains",
    tag = "reading",
    params(("If-None-Match" = Option<String>, Header, nullable = false, description = "The `ETag` of an earlier answer.")),
    responses(
        (status = 200, description = "The domains.", body = DomainsInfo,
            headers(("ETag" = String, description = "The version of the data."))),
        (status = 304, description = "Nothing has changed since.",
            headers(("ETag" = String, description = "The version of the data."))),
        ReadErrors
    )
)]
pub(super) async fn domains(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    let only = access.scope()?.map(str::to_owned);
    answer(
        &app,
        (Weight::Quick, true),
        Caching::by_version(&request, &app).within(only.as_deref()),
        || Ok(only),
        |only, transaction, writer| {
            let mut domains = transaction.domains()?;
            domains.retain(|(domain_id, _)| only.as_ref().is_none_or(|only| domain_id == only));
            writer.count(domains.len() as u64);
            let results = domains.into_iter();
            let results = results.map(|(domain_id, jobs)| DomainInfo { domain_id, jobs });
            let body = DomainsInfo {
                results: results.collect(),
            };
            serde_json::to_writer(writer.buffer(), &body)
                .map_err(|error| StoreError::Damaged(error.to_string()))
        },
    )
    .await
}

/// Describes this server.
///
/// Its version, the file that it serves, the clock of its answers (with `domain_id` that of the domain), what clients may do,
/// and what is wrong with the fixtures. For the token of a domain the clock is always that domain's, and the fixtures, which
/// may be of any domain, are left out.
#[utoipa::path(
    method(get, head),
    path = Route::About.path(),
    operation_id = "getAbout",
    tag = "server",
    params(ScopeParams),
    responses((status = 200, description = "The server.", body = About), ParameterErrors)
)]
pub(super) async fn about(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    let only = access.scope()?;
    let params: ScopeParams = parameters(&request)?;
    let domain_id = params.domain_id.or_else(|| only.map(str::to_owned));
    access.check(domain_id.as_deref())?;
    let mock = app.mock.as_ref();
    let clock = app.clocks.clock(domain_id.as_deref());
    let body = About {
        version: env!("CARGO_PKG_VERSION"),
        database: app.store.path().to_string_lossy().into_owned(),
        now: clock.now(),
        is_frozen: clock.is_frozen(),
        speed: clock.speed(),
        is_writable: app.is_writable && access.may_write(),
        is_mock: mock.is_some(),
        sends_notifications: app.notifier.is_some(),
        data_changed_at: app.store.changed_at(),
        fixtures_problem: mock
            .filter(|_| only.is_none())
            .and_then(|mock| mock.fixtures_error()),
    };
    Ok(fresh(StatusCode::OK, &body))
}
