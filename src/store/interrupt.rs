//! `Interrupt`: ends a query at its deadline, or when its client leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A deadline and a cancel flag, which SQLite's progress handler checks.
#[derive(Debug)]
pub struct Interrupt {
    start: Instant,
    /// Microseconds after `start`.
    deadline_micros: AtomicU64,
    cancelled: AtomicBool,
}

impl Interrupt {
    /// Makes an interrupt that is due after `timeout`.
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        Self {
            start: Instant::now(),
            deadline_micros: AtomicU64::new(micros(timeout)),
            cancelled: AtomicBool::new(false),
        }
    }

    /// Makes it due immediately: the client has gone.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Moves the deadline: time in which the query waited does not count.
    pub fn extend(&self, by: Duration) {
        self.deadline_micros
            .fetch_add(micros(by), Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn is_due(&self) -> bool {
        self.is_cancelled() || self.remaining().is_zero()
    }

    /// Returns the time until the deadline.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        Duration::from_micros(self.deadline_micros.load(Ordering::Relaxed))
            .saturating_sub(self.start.elapsed())
    }
}

/// Cancels an interrupt when dropped: nobody waits for the work any more.
#[derive(Debug)]
pub struct CancelOnDrop(pub Arc<Interrupt>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 2)
}
