//! `LocalApp`: the routes of a server over a database, for commands of this process. A request is read, checked, planned and
//! answered as one that comes by HTTP; there is no socket, no token and no log of requests.

use std::future::poll_fn;
use std::io::{Error, Read, Result as IoResult};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_http::Request;
use actix_service::boxed::{self, BoxService};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::App as ActixApp;
use actix_web::HttpMessage;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::http::{Method, Uri};
use actix_web::rt::Runtime;
use actix_web::web::{self, Bytes, Data};
use tokio::sync::Semaphore;

use super::in_process::json_request;
use crate::api::admission::{Access, Hosts};
use crate::api::app::{App, Switches};
use crate::api::{BasePath, routes};
use crate::clock::{Clock, Clocks};
use crate::store::Store;

type LocalService = BoxService<Request, ServiceResponse<BoxBody>, actix_web::Error>;

/// The routes of a server over a database.
#[expect(missing_debug_implementations, reason = "actix's service has none")]
pub struct LocalApp {
    runtime: Runtime,
    service: LocalService,
}

/// An answer; its body is read as it is made.
#[expect(missing_debug_implementations, reason = "actix's body has none")]
pub struct LocalAnswer<'a> {
    app: &'a LocalApp,
    /// Of HTTP.
    pub status: u16,
    /// Why the request was refused or failed, in full; `None` where it was answered.
    pub problem: Option<String>,
    body: Pin<Box<BoxBody>>,
    chunk: Bytes,
}

impl LocalApp {
    /// Makes the routes over a database; with `is_writable` those that write, too.
    ///
    /// # Errors
    /// Where the operating system has no resources for it.
    pub fn start(store: Arc<Store>, is_writable: bool) -> IoResult<Self> {
        let app = Data::new(App {
            store,
            clocks: Arc::new(Clocks::new(Clock::SYSTEM)),
            mock: None,
            is_writable,
            // The user of a command ends it.
            query_timeout: Duration::MAX,
            base_path: BasePath::default(),
            hosts: Hosts::new(Vec::new()),
            tokens: None,
            origins: Vec::new(),
            statistics: Arc::new(Semaphore::new(1)),
            streams: Arc::new(Semaphore::new(1)),
            events: Arc::default(),
            stopping: Arc::default(),
            metrics: Arc::default(),
            backups: None,
            collectors: None,
            slow_query: Duration::MAX,
            notifier: None,
        });
        let switches = Switches {
            has_grpc: false,
            ..app.switches()
        };
        let factory = ActixApp::new()
            .app_data(app)
            .configure(|config| routes::register(config, switches))
            .default_service(web::to(routes::not_found))
            .into_factory();
        let runtime = Runtime::new()?;
        let service = runtime
            .block_on(factory.new_service(AppConfig::default()))
            .map_err(|()| Error::other("the routes can't be made"))?;
        Ok(Self {
            runtime,
            service: boxed::service(service),
        })
    }

    /// Sends a request; `path` may have a query string, and the body is JSON or nothing.
    ///
    /// # Errors
    /// Where method or path are none, or the request is not answered.
    pub fn send(&self, method: &str, path: &str, body: Vec<u8>) -> IoResult<LocalAnswer<'_>> {
        let method = Method::from_bytes(method.as_bytes()).map_err(Error::other)?;
        let uri = Uri::try_from(path).map_err(Error::other)?;
        let request = json_request(method, uri, body.into());
        request.extensions_mut().insert(Access::Everyone);
        let response = self.runtime.block_on(self.service.call(request));
        let response = response.map_err(|error| Error::other(error.to_string()))?;
        let problem = response.response().error().map(ToString::to_string);
        Ok(LocalAnswer {
            app: self,
            status: response.status().as_u16(),
            problem,
            body: Box::pin(response.into_body()),
            chunk: Bytes::new(),
        })
    }
}

impl Read for LocalAnswer<'_> {
    fn read(&mut self, out: &mut [u8]) -> IoResult<usize> {
        while self.chunk.is_empty() {
            let body = &mut self.body;
            let next = poll_fn(|context| body.as_mut().poll_next(context));
            match self.app.runtime.block_on(next) {
                Some(chunk) => {
                    self.chunk = chunk.map_err(|error| Error::other(error.to_string()))?;
                }
                None => return Ok(0),
            }
        }
        let length = out.len().min(self.chunk.len());
        out[..length].copy_from_slice(&self.chunk.split_to(length));
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Mode;

    #[test]
    fn a_request_is_answered_as_over_http() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Create, 2).unwrap();
        let app = LocalApp::start(Arc::new(store), true).unwrap();
        let send = |method: &str, path: &str, body: &str| {
            let mut answer = app.send(method, path, body.as_bytes().to_vec()).unwrap();
            let mut text = String::new();
            answer.read_to_string(&mut text).unwrap();
            (answer.status, answer.problem.clone(), text)
        };
        let (status, problem, job) = send("PUT", "/jobdeck/jobs/j?domain_id=d", "{}");
        assert_eq!((status, problem), (201, None), "{job}");
        let search = "/inventory/v1/jobs/search";
        let (status, _, found) = send("POST", search, r#"{"domain_id":"d"}"#);
        assert_eq!(status, 200);
        assert_eq!(found, format!("{{\"results\":[{job}],\"total_count\":1}}"));
        let (status, problem, _) = send("POST", search, "{}");
        let expected = "Required parameter. (key = domain_id)".to_owned();
        assert_eq!((status, problem), (400, Some(expected)));
        assert_eq!(send("GET", "/nowhere", "").0, 404);
    }

    #[test]
    fn a_long_answer_is_read_to_its_end() {
        const JOBS: usize = 3_000;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 2).unwrap();
        let app = LocalApp::start(Arc::new(store), true).unwrap();
        let jobs = (0..JOBS).map(|number| {
            format!(r#"{{"job_id":"j{number}","created_at":"2026-01-01T00:00:00Z"}}"#)
        });
        let body = format!("[{}]", jobs.collect::<Vec<_>>().join(","));
        let added = app.send("POST", "/jobdeck/jobs?domain_id=d", body.into_bytes());
        assert_eq!(added.unwrap().status, 200);
        let answer = app.send("GET", "/inventory/v1/jobs?domain_id=d", Vec::new());
        let mut text = String::new();
        answer.unwrap().read_to_string(&mut text).unwrap();
        assert!(text.len() > 512 << 10, "else it is sent whole");
        assert!(text.ends_with(&format!("],\"total_count\":{JOBS}}}")));
    }
}
