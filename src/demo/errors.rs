//! The errors of made-up jobs: texts that people search for, with numbers and ids that vary.

use rand::{Rng, RngExt};
use serde_json::{Map, json};

use super::catalog::Plugin;
use super::random::{hex, pick};
use crate::job::JobError;
use crate::json::StrictObject;

/// Why a made-up job fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Failures that any collector may have.
    Quota,
    Rate,
    Access,
    Secret,
    Answer,
    Format,
    /// The job ran too long.
    Limit {
        seconds: i64,
        left: i64,
    },
    /// The failure of the collector that fails now and then.
    Connection,
    /// The failure of the outage.
    Unavailable,
    /// The failure of the new version of a plugin.
    Exception,
}

impl Cause {
    /// The failures that any collector may have.
    pub(super) const COMMON: [Self; 6] = [
        Self::Quota,
        Self::Rate,
        Self::Access,
        Self::Secret,
        Self::Answer,
        Self::Format,
    ];

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Quota => "ERROR_QUOTA_EXCEEDED",
            Self::Rate => "ERROR_RATE_EXCEEDED",
            Self::Access => "ERROR_PERMISSION_DENIED",
            Self::Secret => "ERROR_AUTHENTICATE_FAILURE",
            Self::Answer => "ERROR_COLLECTOR_TIMEOUT",
            Self::Format => "ERROR_RESOURCE_FORMAT",
            Self::Limit { .. } => "ERROR_JOB_TIMEOUT",
            Self::Connection => "ERROR_PLUGIN_CALL",
            Self::Unavailable => "ERROR_SERVICE_UNAVAILABLE",
            Self::Exception => "ERROR_UNHANDLED_EXCEPTION",
        }
    }

    /// Draws how many errors a job has because of this; most have one.
    pub(super) fn errors(self, random: &mut impl Rng) -> usize {
        match self {
            Self::Limit { .. } | Self::Exception => 1,
            _ => *pick(random, &[1, 1, 2, 3]),
        }
    }

    /// Makes the error of a job of a plugin, of which it has this version.
    pub(super) fn error(
        self,
        random: &mut impl Rng,
        plugin: &Plugin,
        version: &str,
        outage_region: &str,
    ) -> JobError {
        let region = match self {
            Self::Unavailable => outage_region,
            _ => *pick(random, plugin.regions),
        };
        let message = match self {
            Self::Quota => {
                let allowed = random.random_range(1..=20) * 100;
                let wanted = allowed + random.random_range(1..=90);
                format!("Quota exceeded: {wanted} of {allowed} requests a minute in {region}.")
            }
            Self::Rate => {
                let (id, attempt) = (hex(random, 12), random.random_range(3..=5));
                format!("Throttled: rate exceeded, request {id}, attempt {attempt} of 5.")
            }
            Self::Access => {
                let account: u64 = random.random_range(100_000_000_000..1_000_000_000_000);
                format!(
                    "Access denied: account {account} may not list {}.",
                    plugin.resource_type
                )
            }
            Self::Secret => {
                let (id, days) = (hex(random, 8), random.random_range(2..=30));
                format!("Expired secret: secret-{id} expired {days} days ago.")
            }
            Self::Answer => {
                let page = random.random_range(2..=90);
                format!("Timeout: the plugin did not answer within 600 seconds, page {page}.")
            }
            Self::Format => format!("Resource {} has no region code.", hex(random, 8)),
            Self::Limit { seconds, left } => format!(
                "Timeout: the job did not finish within {seconds} seconds, {left} tasks were left."
            ),
            Self::Connection => {
                let (host, page) = (random.random_range(2..250), random.random_range(2..=90));
                format!("Connection reset by 10.20.4.{host}:443 after 3 retries, page {page}.")
            }
            Self::Unavailable => {
                let id = hex(random, 12);
                format!("503 Service Unavailable: no answer from region {region}, request {id}.")
            }
            Self::Exception => {
                let (id, line) = (hex(random, 8), random.random_range(200..240));
                format!(
                    "{} {version}: unhandled exception: KeyError 'zone' in resource {id}, line {line}.",
                    plugin.id()
                )
            }
        };
        let mut additional = Map::new();
        additional.insert("region".to_owned(), json!(region));
        additional.insert("retry".to_owned(), json!(random.random_range(0..4)));
        JobError {
            error_code: Some(self.code().to_owned()),
            message: Some(message),
            additional: match self {
                Self::Limit { .. } => None,
                _ => Some(StrictObject(additional)),
            },
        }
    }
}
