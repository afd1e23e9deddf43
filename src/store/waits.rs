//! How often a reader was not at hand: what tells an operator that the server asks more of the database than it has
//! readers for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts since the database was opened. Only waiting is counted, so who finds a reader idle pays nothing.
#[derive(Debug, Default)]
pub(super) struct Waits {
    times: AtomicU64,
    micros: AtomicU64,
    in_vain: AtomicU64,
}

/// The readers of a database at a moment, and what was waited for them so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadersNow {
    pub idle: u32,
    pub busy: u32,
    /// How often none was idle.
    pub waits: u64,
    /// How long was waited in all, for one to be free or to be opened.
    pub waited: Duration,
    /// How often none was free in time.
    pub waits_in_vain: u64,
}

impl Waits {
    pub(super) fn add(&self, waited: Duration, is_in_vain: bool) {
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.times.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        self.in_vain
            .fetch_add(u64::from(is_in_vain), Ordering::Relaxed);
    }

    /// With the readers as they are now.
    pub(super) fn with(&self, pool: &r2d2::State) -> ReadersNow {
        ReadersNow {
            idle: pool.idle_connections,
            busy: pool.connections.saturating_sub(pool.idle_connections),
            waits: self.times.load(Ordering::Relaxed),
            waited: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
            waits_in_vain: self.in_vain.load(Ordering::Relaxed),
        }
    }
}
