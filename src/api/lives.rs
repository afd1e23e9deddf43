//! The middleware that updates the living jobs of a mock before a request reads or writes jobs.

use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError};

use super::app::App;
use super::blocking::blocking;
use crate::route::Route;

/// Writes what jobs that live have become, where the request's route depends on jobs.
pub(crate) async fn bring_up_to_date(
    app: Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let route = Route::find(request.method().as_str(), request.path());
    if route.is_some_and(Route::depends_on_jobs)
        && let Some(mock) = app.mock.as_ref().filter(|mock| mock.is_due())
    {
        let mock = Arc::clone(mock);
        if let Err(error) = blocking(move || Ok(mock.bring_up_to_date()?)).await {
            return Ok(request.into_response(error.error_response()));
        }
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}
