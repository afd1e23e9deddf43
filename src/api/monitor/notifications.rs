//! `GET /jobdeck/notifications`: the rules of `serve --notify`, and the last deliveries.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::api::admission::Access;
use crate::api::answer::fresh;
use crate::api::app::App;
use crate::api::blocking::blocking;
use crate::api::error::ApiError;
use crate::api::schema::answers::{DeliveryInfo, NotificationRuleInfo, NotificationsInfo};
use crate::api::schema::errors::ReadErrors;
use crate::api::schema::examples;
use crate::notify::{Notifier, Rule};
use crate::route::Route;
use crate::store::notifications::{Delivery, MAX_DELIVERIES};
use crate::store::{Interrupt, Store, StoreError};
use crate::time::Timestamp;

/// Lists the rules by which the server sends notifications, and the last deliveries.
///
/// With the token of a domain, those of that domain. Of where a rule sends to, the host and the names of the headers are
/// answered, since the rest may be secret. Without `--notify` there are none.
#[utoipa::path(
    method(get, head),
    path = Route::Notifications.path(),
    operation_id = "listNotifications",
    tag = "server",
    responses(
        (status = 200, description = "The rules and the deliveries.", body = NotificationsInfo, example = json!(examples::notifications())),
        ReadErrors
    )
)]
pub(in crate::api) async fn list(app: Data<App>, access: Access) -> Result<HttpResponse, ApiError> {
    let only = access.scope()?.map(str::to_owned);
    let is_reached =
        move |rule: &Arc<Rule>| only.as_ref().is_none_or(|only| rule.domain_id == *only);
    let rules = app.notifier.as_ref().map(|notifier| notifier.rules());
    let rules: Vec<_> = rules
        .iter()
        .flat_map(|rules| rules.iter())
        .cloned()
        .collect();
    let rules: Vec<_> = rules.into_iter().filter(is_reached).collect();
    let Some(notifier) = app.notifier.clone().filter(|_| !rules.is_empty()) else {
        return Ok(fresh(StatusCode::OK, &NotificationsInfo::default()));
    };
    let (store, timeout) = (Arc::clone(&app.store), app.query_timeout);
    let reading = move || Ok(read(&store, &Arc::new(Interrupt::after(timeout)))?);
    let (pending, mut deliveries) = blocking(reading).await?;
    deliveries.retain(|delivery| rules.iter().any(|rule| rule.name == delivery.rule));
    let max = usize::try_from(MAX_DELIVERIES).unwrap_or(usize::MAX);
    let body = NotificationsInfo {
        rules: rules
            .iter()
            .map(|rule| rule_info(rule, &notifier, &pending))
            .collect(),
        deliveries: deliveries
            .into_iter()
            .take(max)
            .map(delivery_info)
            .collect(),
    };
    Ok(fresh(StatusCode::OK, &body))
}

type Pending = HashMap<String, u64>;

fn read(store: &Store, interrupt: &Arc<Interrupt>) -> Result<(Pending, Vec<Delivery>), StoreError> {
    let mut reader = store.reader(interrupt)?;
    let transaction = reader.begin()?;
    Ok((transaction.pending_counts()?, transaction.deliveries()?))
}

fn rule_info(rule: &Rule, notifier: &Notifier, pending: &Pending) -> NotificationRuleInfo {
    let sent = notifier.sent(&rule.name);
    NotificationRuleInfo {
        name: rule.name.clone(),
        domain_id: rule.domain_id.clone(),
        on: rule.on.iter().map(|kind| kind.name()).collect(),
        host: rule.host().to_owned(),
        headers: rule.headers().map(str::to_owned).collect(),
        pending: pending.get(&rule.name).copied().unwrap_or_default(),
        delivered: sent.delivered,
        failed: sent.failed,
    }
}

fn delivery_info(delivery: Delivery) -> DeliveryInfo {
    let time = |millis| Timestamp::from_millis(millis).unwrap_or(Timestamp::MIN);
    DeliveryInfo {
        rule: delivery.rule,
        events: delivery.events,
        attempts: delivery.attempts,
        first_at: time(delivery.first_at),
        last_at: time(delivery.last_at),
        next_at: delivery.next_at.map(time),
        status: delivery.status,
        answer: delivery.answer,
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RuleLabels {
    rule: String,
}

/// Adds the metrics of each rule; how many events wait is left out where the database does not answer.
pub(in crate::api) async fn register(registry: &mut Registry, notifier: &Arc<Notifier>) {
    let (delivered, failed) = (
        Family::<_, Counter>::default(),
        Family::<_, Counter>::default(),
    );
    let waiting = Family::<_, Gauge>::default();
    let reader = Arc::clone(notifier);
    let pending = tokio::task::spawn_blocking(move || reader.pending()).await;
    let pending = pending.ok().and_then(|read| {
        read.inspect_err(|error| log::error!("the pending notifications can't be counted: {error}"))
            .ok()
    });
    for rule in notifier.rules().iter() {
        let labels = RuleLabels {
            rule: rule.name.clone(),
        };
        let sent = notifier.sent(&rule.name);
        delivered.get_or_create(&labels).inc_by(sent.delivered);
        failed.get_or_create(&labels).inc_by(sent.failed);
        if let Some(pending) = &pending {
            let count = pending.get(&rule.name).copied().unwrap_or_default();
            waiting.get_or_create(&labels).set(count.cast_signed());
        }
    }
    registry.register(
        "notifications_delivered",
        "Events that receivers of notifications took, by rule",
        delivered,
    );
    registry.register(
        "notifications_failed",
        "Attempts to deliver notifications that failed, by rule",
        failed,
    );
    registry.register(
        "notifications_pending",
        "Events that wait to be delivered, by rule",
        waiting,
    );
}
