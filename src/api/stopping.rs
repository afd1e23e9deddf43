//! How a server ends: what was asked is answered, and nobody waits long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// How long after the signal to stop an answer may take: service managers wait ten seconds before they kill.
pub(crate) const MOST: Duration = Duration::from_secs(8);
/// Without a request for so long, nothing that was asked before the signal still waits to be read.
const QUIET: Duration = Duration::from_millis(100);
/// After so many of these the server stops, however many go on asking.
const MAX_LOOKS: usize = 5;

/// Whether the server stops, and how many requests it has begun to answer.
#[derive(Debug, Default)]
pub struct Stopping {
    begun: AtomicU64,
    is_told: watch::Sender<bool>,
}

impl Stopping {
    pub(super) fn begin_request(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// From here on an answer is the last of its connection.
    pub(super) fn is_told(&self) -> bool {
        *self.is_told.borrow()
    }

    /// Waits until the server stops and answers must end.
    pub(super) async fn out_of_time(&self) {
        // The sender is ours, so it is not gone.
        let _ = self.is_told.subscribe().wait_for(|is_told| *is_told).await;
        tokio::time::sleep(MOST).await;
    }

    /// Has connections end with their next answer, and waits until those have it that asked before: actix closes at once
    /// what stands idle as far as it has read, also where a request has come meanwhile.
    pub(crate) async fn let_them_finish(&self) {
        self.is_told.send_replace(true);
        for _ in 0..MAX_LOOKS {
            let before = self.begun.load(Ordering::Relaxed);
            tokio::time::sleep(QUIET).await;
            if self.begun.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}
