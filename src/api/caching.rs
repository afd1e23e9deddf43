//! HTTP caching of answers: `ETag`, `If-None-Match` and 304.

use actix_web::http::header::{
    CACHE_CONTROL, ETag, EntityTag, Header, HeaderMap, HeaderValue, IfNoneMatch, VARY,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use super::app::App;
use super::events::version::{AllData, hash};
use crate::store::{DataVersion, StoreError};
use crate::time::Timestamp;

/// The version of an answer, and whether the client has it already.
#[derive(Debug)]
pub(crate) struct Version {
    tag: EntityTag,
    is_known: bool,
}

impl Version {
    /// Compares the version `tag` with the request's `If-None-Match`.
    pub(crate) fn new(request: &HttpRequest, tag: EntityTag) -> Self {
        Self::compare(tag, IfNoneMatch::parse(request).ok().as_ref())
    }

    fn compare(tag: EntityTag, known: Option<&IfNoneMatch>) -> Self {
        let is_known = match known {
            None => false,
            Some(IfNoneMatch::Any) => true,
            Some(IfNoneMatch::Items(tags)) => tags.iter().any(|one| one.weak_eq(&tag)),
        };
        Self { tag, is_known }
    }

    /// Makes the version one that the client does not have, unless `holds`.
    pub(super) fn only_if(mut self, holds: bool) -> Self {
        self.is_known &= holds;
        self
    }

    /// Returns whether the client has this version, so that no body is needed.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Answers 304 where the client has this version, else 200 with what `body` makes. Caches may store the answer, but
    /// have to revalidate it before each use.
    pub(crate) fn answer(
        self,
        body: impl FnOnce(&mut HttpResponseBuilder) -> HttpResponse,
    ) -> HttpResponse {
        let mut response = if self.is_known {
            HttpResponse::NotModified()
        } else {
            HttpResponse::Ok()
        };
        response
            .insert_header(ETag(self.tag))
            .insert_header((CACHE_CONTROL, "no-cache"));
        if self.is_known {
            response.finish()
        } else {
            body(&mut response)
        }
    }
}

/// Whether clients may store an answer.
#[derive(Debug, Clone)]
pub(super) enum Caching {
    Never,
    /// Under the version of the data: a client that has the current one is answered 304, and no query runs.
    ByVersion {
        /// The request's `If-None-Match`.
        known: Option<IfNoneMatch>,
        /// [`App::changes`], read before anything that they might have changed.
        changes: u64,
    },
}

impl Caching {
    /// Reads the version that a request has. To be called before a clock is read.
    pub(super) fn by_version(request: &HttpRequest, app: &App) -> Self {
        Self::ByVersion {
            known: IfNoneMatch::parse(request).ok(),
            changes: app.changes(),
        }
    }

    /// Makes the version another one for a client that reaches one domain only, since its answer is another one, too.
    pub(super) fn within(mut self, domain_id: Option<&str>) -> Self {
        if let (Self::ByVersion { changes, .. }, Some(domain_id)) = (&mut self, domain_id) {
            *changes ^= hash(domain_id);
        }
        self
    }

    /// Makes the version another one at another time, for an answer that depends on it.
    pub(super) fn at(mut self, time: Timestamp) -> Self {
        if let Self::ByVersion { changes, .. } = &mut self {
            *changes ^= hash(time);
        }
        self
    }

    /// Returns the current version, of which `data` reads that of the data; `None` where the answer has none.
    pub(super) fn current_tag(
        &self,
        data: impl FnOnce() -> Result<DataVersion, StoreError>,
    ) -> Result<Option<Version>, StoreError> {
        let Self::ByVersion { known, changes } = self else {
            return Ok(None);
        };
        let version = AllData {
            data: data()?,
            changes: *changes,
        };
        Ok(Some(Version::compare(version.tag(), known.as_ref())))
    }
}

/// Adds the name of a request's header to `Vary`, so that no cache gives the answer to a request with another value.
pub(super) fn vary_by(headers: &mut HeaderMap, name: &'static str) {
    // In one header, since middlewares that add to it read the first only.
    let mut names: Vec<_> = headers.get_all(VARY).map(HeaderValue::as_bytes).collect();
    names.push(name.as_bytes());
    if let Ok(names) = HeaderValue::from_bytes(&names.join(&b", "[..])) {
        headers.insert(VARY, names);
    }
}
