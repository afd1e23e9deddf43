//! The story of the made-up jobs: what somebody who looks at them can find out.

use crate::time::Timestamp;

/// What happens in the domain with the most jobs, by name, so that it can be shown, documented and tested by value.
///
/// In addition, most jobs start in a nightly wave between 01:00 and 04:00 UTC, weekends are quiet, about one job in forty fails
/// for a common reason (quota, rate, access, secret, timeout), and a few are canceled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The domain with the most jobs.
    pub domain_id: String,
    /// The collector whose jobs alternate: two of five fail, with `flaky_error_code`.
    pub flaky: CollectorName,
    pub flaky_error_code: &'static str,
    /// The collector that takes three times as long at the end as at the start.
    pub slow: CollectorName,
    /// The hourly collector of which one job in twenty fails because it exceeds a quota, with `limited_error_code`.
    pub limited: CollectorName,
    pub limited_error_code: &'static str,
    pub outage: Outage,
    pub broken_plugin: BrokenPlugin,
    pub stuck: StuckJob,
}

/// How to find a collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorName {
    pub collector_id: String,
    pub name: String,
}

/// Some hours on the last whole Tuesday (UTC) in which nearly all jobs of a provider fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    pub from: Timestamp,
    pub to: Timestamp,
    pub provider: &'static str,
    /// The region that the messages name.
    pub region: &'static str,
    /// The code of these failures, which no other job has.
    pub error_code: &'static str,
}

/// A plugin that fails in two of five jobs from a new version on; before, it fails as any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenPlugin {
    pub plugin_id: String,
    pub old_version: String,
    /// The messages of the failures name it.
    pub new_version: String,
    /// The time from which jobs have the new version.
    pub since: Timestamp,
    /// The code of these failures, which no other job has.
    pub error_code: &'static str,
}

/// A job that has been in progress for 30 hours or more (or since the first of all jobs), where its collector usually takes 11
/// minutes. It never ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StuckJob {
    pub job_id: String,
    pub collector: CollectorName,
    pub created_at: Timestamp,
}
