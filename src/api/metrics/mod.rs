//! The metrics of a server, for `/metrics`.

mod backups;
mod registry;

pub(crate) use self::backups::BackupMetrics;
pub(crate) use self::registry::Metrics;
