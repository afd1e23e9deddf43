//! `GET /jobdeck/overview`: what the jobs of a domain did in a period.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::admission::Access;
use super::answer::{LIGHT_BYTES, Weight, answer};
use super::app::App;
use super::caching::Caching;
use super::error::ApiError;
use super::parameters::{borrowed, pairs, read_pairs};
use super::schema::errors::QueryStringErrors;
use super::schema::examples;
use super::schema::params::OverviewParams;
use crate::query::check::conditions::{depends_on_clock, has_patterns};
use crate::query::overview::{Overview, OverviewPlan, minute_of};
use crate::query::request::{FilterParams, JobsQuery};
use crate::route::Route;
use crate::store::StoreError;

/// Shows what the jobs of a domain did in a period, compared with the one before it.
///
/// It takes the parameters of the list that say which jobs; a token of one domain may leave `domain_id` out. A period takes
/// the jobs that began in it. What is relative to now is that of the present minute, so that an answer stays the same for a
/// minute, unless something is written: the `ETag` changes with every write, and with the minute.
#[utoipa::path(
    method(get, head),
    path = Route::Overview.path(),
    operation_id = "getOverview",
    tag = "reading",
    params(
        OverviewParams,
        FilterParams,
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The `ETag` of an earlier answer.")
    ),
    responses(
        (status = 200, description = "The overview.", body = Overview,
            headers(("ETag" = String, description = "The version of the data and the minute; absent where a condition compares with `now`.")),
            example = json!(examples::overview())),
        (status = 304, description = "Nothing has changed since.",
            headers(("ETag" = String, description = "The version of the data and the minute."))),
        QueryStringErrors
    )
)]
pub(super) async fn overview(
    request: HttpRequest,
    app: Data<App>,
    access: Access,
) -> Result<HttpResponse, ApiError> {
    let given = pairs(&request)?;
    let (range, others): (Vec<_>, Vec<_>) = given
        .iter()
        .partition(|(name, _)| OverviewParams::NAMES.contains(&&**name));
    let range: OverviewParams = read_pairs(range.into_iter().map(borrowed))?;
    let names_domain = others
        .iter()
        .any(|(name, _)| matches!(&**name, "domain_id" | "domainId"));
    let own = access.scope()?.filter(|_| !names_domain);
    let own = own.map(|domain_id| ("domain_id", domain_id));
    let others = others.iter().copied().map(borrowed).chain(own);
    let query = JobsQuery::from_pairs_beside(&OverviewParams::NAMES, others)?;
    access.check(Some(&query.domain_id))?;
    // The address of a request with the token of a domain need not name the domain.
    let by_version = Caching::by_version(&request, &app).within(Some(&query.domain_id));
    let clock = app.clocks.clock(Some(&query.domain_id));
    let now = clock.now();
    let (filter, filter_or) = (&query.query.filter, &query.query.filter_or);
    let caching = if depends_on_clock(filter, filter_or) && !clock.is_frozen() {
        Caching::Never
    } else {
        by_version.at(minute_of(now))
    };
    let is_light = request.query_string().len() <= LIGHT_BYTES && !has_patterns(filter, filter_or);
    let compile = move || -> Result<_, ApiError> {
        let plan = OverviewPlan::new(&query, range.texts(), now);
        let plan = plan.map_err(|error| query.spellings.respelt(error))?;
        Ok(match range.collectors {
            Some(count) => plan.with_collectors(count),
            None => plan,
        })
    };
    answer(
        &app,
        (Weight::Statistics, is_light),
        caching,
        compile,
        |plan, transaction, writer| {
            let overview: Overview = transaction.overview(plan)?;
            writer.count(1);
            serde_json::to_writer(writer.buffer(), &overview)
                .map_err(|error| StoreError::Damaged(error.to_string()))
        },
    )
    .await
}
