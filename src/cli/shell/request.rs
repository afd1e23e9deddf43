//! `Request`: a request of the API, as it is sent and as it is shown.

use jobdeck::route::Route;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};

/// What is encoded in a part of an address: all but the letters that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Encodes a part of an address.
pub(in crate::cli) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A request of the API.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Request {
    pub(in crate::cli) method: &'static str,
    /// With a query string where it has one.
    pub(in crate::cli) path: String,
    pub(in crate::cli) body: Option<Json>,
}

impl Request {
    /// A search of the jobs of a domain.
    pub(in crate::cli) fn search(domain_id: &str, query: &Map<String, Json>) -> Self {
        Self::query(Route::SearchJobs, domain_id, query)
    }

    /// A request whose body is a query.
    pub(in crate::cli) fn query(route: Route, domain_id: &str, query: &Map<String, Json>) -> Self {
        Self {
            method: "POST",
            path: route.path().to_owned(),
            body: Some(json!({"domain_id": domain_id, "query": query})),
        }
    }

    pub(in crate::cli) fn get(path: &str) -> Self {
        Self {
            method: "GET",
            path: path.to_owned(),
            body: None,
        }
    }

    /// A change of a job; `route` has its id in the path.
    pub(in crate::cli) fn of_job(
        method: &'static str,
        (domain_id, job_id): (&str, &str),
        body: Json,
    ) -> Self {
        let path = Route::PutJob.path().replace("{job_id}", &encoded(job_id));
        Self {
            method,
            path: format!("{path}?domain_id={}", encoded(domain_id)),
            body: Some(body),
        }
    }

    /// Returns the curl command that sends the request to a server.
    pub(in crate::cli) fn curl(&self, base: &str, token_file: Option<&str>) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let method = match (self.method, &self.body) {
            ("GET", None) | ("POST", Some(_)) => String::new(),
            (method, _) => format!(" -X {method}"),
        };
        let address = quoted(&format!("{base}{}", self.path));
        let token = token_file.map_or_else(String::new, |file| {
            format!(" -H \"authorization: Bearer $(cat {})\"", quoted(file))
        });
        let body = self.body.as_ref().map_or_else(String::new, |body| {
            let body = quoted(&body.to_string());
            format!(" -H 'content-type: application/json' --data-raw {body}")
        });
        // Brackets in an address are literal with -g, and an @ at the start of a body with --data-raw.
        format!("curl -sg{method} {address}{token}{body}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_shown_as_a_command_that_sends_it() {
        let request = Request::query(Route::SearchJobs, "it's", &Map::new());
        assert_eq!(
            request.curl("http://127.0.0.1:8080", None),
            r#"curl -sg 'http://127.0.0.1:8080/inventory/v1/jobs/search' -H 'content-type: application/json' --data-raw '{"domain_id":"it'\''s","query":{}}'"#
        );
        let request = Request::of_job("PATCH", ("a b", "j/1"), json!({}));
        assert_eq!(
            request.curl("https://jobs.example", Some("t")),
            r#"curl -sg -X PATCH 'https://jobs.example/jobdeck/jobs/j%2F1?domain_id=a%20b' -H "authorization: Bearer $(cat 't')" -H 'content-type: application/json' --data-raw '{}'"#
        );
    }
}
