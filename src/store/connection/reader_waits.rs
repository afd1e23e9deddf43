//! Counts the waits for a reader and their time: when these grow, the server has too few readers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Waits since the database was opened. Only a wait is counted, so finding an idle reader costs nothing.
#[derive(Debug, Default)]
pub(in crate::store) struct ReaderWaits {
    count: AtomicU64,
    micros: AtomicU64,
    timed_out: AtomicU64,
}

/// The readers of a database as they are now, and the waits for them so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderUsage {
    pub idle: u32,
    pub busy: u32,
    /// How often no reader was idle.
    pub waits: u64,
    /// How long was waited in all, for a reader to become free or to be opened.
    pub waited: Duration,
    /// How many waits ended without a reader.
    pub timed_out: u64,
}

impl ReaderWaits {
    pub(in crate::store) fn add(&self, waited: Duration, is_timed_out: bool) {
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        self.timed_out
            .fetch_add(u64::from(is_timed_out), Ordering::Relaxed);
    }

    /// Returns the waits, with the state of the pool; `None` where there is none now.
    pub(in crate::store) fn usage(&self, pool: Option<r2d2::State>) -> ReaderUsage {
        ReaderUsage {
            idle: pool.as_ref().map_or(0, |pool| pool.idle_connections),
            busy: pool.map_or(0, |pool| {
                pool.connections.saturating_sub(pool.idle_connections)
            }),
            waits: self.count.load(Ordering::Relaxed),
            waited: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
            timed_out: self.timed_out.load(Ordering::Relaxed),
        }
    }
}
