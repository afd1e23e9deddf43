//! The domain of a request whose body names none.
//!
//! Rule: SpaceONE's clients of today name no domain, since their token has it.

use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest};
use serde::Deserialize;
use serde_json::Value;

use crate::api::admission::Access;
use crate::api::app::App;
use crate::api::blocking::blocking;
use crate::api::error::ApiError;
use crate::api::parameters::problem;
use crate::store::{Interrupt, Store};

/// The header in which a client may name its domain.
const DOMAIN_ID: &str = "x-domain-id";

/// What was found for a request, in its extensions: a mock looks before the handler does.
#[derive(Debug, Clone)]
struct DefaultDomain(Option<String>);

/// Returns the domain that a request means if its body names none: that of `x-domain-id`, else that of its token, else the
/// only domain of a mock; `None` where none of them names one.
///
/// # Errors
/// [`ApiError`] where the header is no text, or the database can't be read.
pub(in crate::api) async fn default_domain(
    request: &HttpRequest,
    app: &App,
    access: &Access,
    body: &[u8],
) -> Result<Option<String>, ApiError> {
    let found = request.extensions().get::<DefaultDomain>().cloned();
    if let Some(DefaultDomain(domain)) = found {
        return Ok(domain);
    }
    let domain = find(request, app, access, body).await?;
    let found = DefaultDomain(domain.clone());
    request.extensions_mut().insert(found);
    Ok(domain)
}

async fn find(
    request: &HttpRequest,
    app: &App,
    access: &Access,
    body: &[u8],
) -> Result<Option<String>, ApiError> {
    if let Some(value) = request.headers().get(DOMAIN_ID) {
        let text = std::str::from_utf8(value.as_bytes());
        let text = text.map_err(|_not_utf8| problem(DOMAIN_ID, "is not UTF-8".to_owned()))?;
        if !text.is_empty() {
            return Ok(Some(text.to_owned()));
        }
    }
    if let Some(own) = access.scope()? {
        return Ok(Some(own.to_owned()));
    }
    if app.mock.is_none() || names_domain(body) {
        return Ok(None);
    }
    let interrupt = Arc::new(Interrupt::after(app.query_timeout));
    let store = Arc::clone(&app.store);
    blocking(move || only_domain(&store, &interrupt)).await
}

/// Returns the domain that has jobs, if there is exactly one.
fn only_domain(store: &Store, interrupt: &Arc<Interrupt>) -> Result<Option<String>, ApiError> {
    let mut reader = store.reader(interrupt)?;
    let mut domains = reader.begin()?.domains()?;
    let last = domains.pop().filter(|_| domains.is_empty());
    Ok(last.map(|(domain_id, _)| domain_id))
}

/// Whether a body names a domain. Any error in it is found when it is read.
fn names_domain(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Named {
        #[serde(alias = "domainId")]
        domain_id: Option<Value>,
    }
    let named: Option<Named> = serde_json::from_slice(body).ok();
    named.is_some_and(|named| named.domain_id.is_some_and(|domain| domain != ""))
}
