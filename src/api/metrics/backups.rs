//! `BackupMetrics`: when a backup last succeeded, and how many have failed.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::time::Timestamp;

/// The backups of a server with `--backup-dir`.
#[derive(Debug, Default)]
pub(crate) struct BackupMetrics {
    /// The time of the newest backup, also of one that was made before the server started; `None` without any.
    last_success: Mutex<Option<Timestamp>>,
    /// Since the server started.
    failures: AtomicU64,
}

impl BackupMetrics {
    /// Notes the time of the newest backup.
    pub(crate) fn succeeded(&self, at: Timestamp) {
        *self.lock() = Some(at);
    }

    /// Counts a backup that failed.
    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        self.last_success
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers the values as they are now; the time is left out where there is no backup.
    pub(in crate::api) fn register(&self, registry: &mut Registry) {
        if let Some(at) = *self.lock() {
            registry.register(
                "backup_last_success_timestamp_seconds",
                "When the newest backup of --backup-dir was begun, since 1970",
                ConstGauge::new(at.millis() / 1_000),
            );
        }
        registry.register(
            "backup_failures",
            "Backups of --backup-dir that failed",
            ConstCounter::new(self.failures.load(Ordering::Relaxed)),
        );
    }
}
