//! A rule: what it watches for, and where it sends what it finds.

use std::fmt;

use serde_json::json;
use ureq::http::{HeaderName, HeaderValue};
use ureq::tls::Certificate;
use url::Url;

use super::filter::Conditions;
use super::template::Template;
use crate::store::notifications::EventKind;

/// A checked rule.
#[derive(Debug)]
pub struct Rule {
    pub name: String,
    /// The tenant whose jobs it watches.
    pub domain_id: String,
    /// What it sends, in the order of [`EventKind::ALL`], each once.
    pub on: Vec<EventKind>,
    pub(super) conditions: Conditions,
    /// How long a collector may have no success, in milliseconds. It is there where the rule is for missing runs.
    pub(super) missing_after: Option<i64>,
    /// How long a job may run, in milliseconds; `None`: what is usual for its collector decides.
    pub(super) stuck_after: Option<i64>,
    pub(super) text: Option<Template>,
    /// The address of the page, for links to jobs.
    pub(super) page: Option<Url>,
    pub(super) target: Target,
}

/// Where a rule sends. Its `Debug` shows no secret.
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) allows_private: bool,
    /// The certificates of the authorities that the receiver's is from; empty for those that browsers trust.
    pub(super) authorities: Vec<Certificate<'static>>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

impl Rule {
    /// Returns whether it sends events of a kind.
    #[must_use]
    pub fn sends(&self, kind: EventKind) -> bool {
        self.on.contains(&kind)
    }

    /// Returns the host that it sends to. The path may be a secret.
    #[must_use]
    pub fn host(&self) -> &str {
        self.target.url.host_str().unwrap_or_default()
    }

    /// Returns the names of the headers that it adds. Their values may be secrets.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.target.headers.iter().map(|(name, _)| name.as_str())
    }

    /// Returns what it watches for, as JSON: rules with the same text find the same.
    pub(super) fn watches(&self) -> String {
        json!({
            "domain_id": self.domain_id,
            "on": self.on,
            "filter": self.conditions.filter,
            "filter_or": self.conditions.filter_or,
            "missing_after": self.missing_after,
            "stuck_after": self.stuck_after,
        })
        .to_string()
    }

    /// Returns the address of a job in the page.
    pub(super) fn link(&self, job_id: &str) -> Option<String> {
        let mut link = self.page.clone()?;
        link.query_pairs_mut()
            .append_pair("domain", &self.domain_id)
            .append_pair("job", job_id);
        Some(link.into())
    }

    /// Makes a rule of domain `d` that sends failures to an address where nobody listens.
    #[cfg(test)]
    pub(super) fn for_tests(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            domain_id: "d".to_owned(),
            on: vec![EventKind::Failed],
            conditions: Conditions::default(),
            missing_after: None,
            stuck_after: None,
            text: None,
            page: None,
            target: Target {
                url: Url::parse("http://127.0.0.1:1/").unwrap(),
                headers: Vec::new(),
                allows_private: true,
                authorities: Vec::new(),
            },
        }
    }
}
