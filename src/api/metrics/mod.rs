//! The metrics of a server, for `/metrics`.

mod backups;
mod collectors;
mod jobs;
mod registry;

pub(crate) use self::backups::BackupMetrics;
pub(crate) use self::collectors::CollectorMetrics;
pub(in crate::api) use self::jobs::register_jobs;
pub(crate) use self::registry::Metrics;
