//! The extractors of mock routes: the mock, the domain of the request, and its body.

use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::web::{self, Data};
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use super::admission::Access;
use super::app::App;
use super::body::{no_body, read_json};
use super::error::ApiError;
use super::parameters::{read_message, scope_parameter};
use crate::mock::Mock;

/// A request to a control that takes no body.
pub(super) struct MockControl {
    pub(super) mock: Arc<Mock>,
    /// `None` is the whole server.
    pub(super) domain_id: Option<String>,
}

/// A request to a control that takes a setting as its body.
pub(super) struct MockSetting<T> {
    pub(super) control: MockControl,
    pub(super) body: T,
}

impl MockControl {
    /// Reads the domain, and checks that the client may reach it.
    fn new(request: &HttpRequest) -> Result<Self, ApiError> {
        let app = request.app_data::<Data<App>>();
        let app = app.ok_or(ApiError::Internal("a request without its server"))?;
        Ok(Self {
            mock: Arc::clone(app.mock()?),
            domain_id: scope_parameter(request, &Access::of(request)?)?,
        })
    }
}

impl FromRequest for MockControl {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = take(&request, payload);
        Box::pin(async move {
            // The body of a GET means nothing (RFC 9110).
            if !matches!(*request.method(), Method::GET | Method::HEAD) {
                no_body(&request, payload?).await?;
            }
            Self::new(&request)
        })
    }
}

impl<T: DeserializeOwned> FromRequest for MockSetting<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = take(&request, payload);
        Box::pin(async move {
            let control = MockControl::new(&request)?;
            let text = read_json(&request, payload?).await?;
            let body = read_message(&text)?;
            Ok(Self { control, body })
        })
    }
}

/// Takes the body of a request out of it.
fn take(request: &HttpRequest, payload: &mut Payload) -> Result<web::Payload, ApiError> {
    let payload = web::Payload::from_request(request, payload).into_inner();
    payload.map_err(|error| ApiError::BrokenBody(error.to_string()))
}
