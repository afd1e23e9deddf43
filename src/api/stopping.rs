//! Graceful shutdown: the server answers the requests that have arrived, and takes at most a few seconds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// How long after the signal to stop an answer may take: service managers wait ten seconds before they kill.
pub(crate) const MAX_STOPPING: Duration = Duration::from_secs(8);
/// How long no request must come until all that were sent before the signal have been read.
const QUIET: Duration = Duration::from_millis(100);
/// How many such times the server waits at most, however many requests go on coming.
const MAX_LOOKS: usize = 5;

/// Whether the server stops, and how many requests have begun.
#[derive(Debug, Default)]
pub(crate) struct Stopping {
    begun: AtomicU64,
    has_begun: watch::Sender<bool>,
    /// Whether the server ends without further answers.
    is_given_up: watch::Sender<bool>,
}

impl Stopping {
    /// Counts a request.
    pub(super) fn begin_request(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns whether the server stops: from then on an answer is the last of its connection.
    pub(super) fn has_begun(&self) -> bool {
        *self.has_begun.borrow()
    }

    /// Has answers be the last of their connections, and streams end.
    pub(crate) fn begin(&self) {
        self.has_begun.send_replace(true);
    }

    /// Waits until the server stops.
    pub(crate) async fn begun(&self) {
        // The sender is ours, so it is not gone.
        let mut has_begun = self.has_begun.subscribe();
        let _ = has_begun.wait_for(|has_begun| *has_begun).await;
    }

    /// Has the server end without further answers.
    pub(crate) fn give_up(&self) {
        self.is_given_up.send_replace(true);
    }

    /// Waits until the server ends without further answers.
    pub(crate) async fn given_up(&self) {
        let mut is_given_up = self.is_given_up.subscribe();
        let _ = is_given_up.wait_for(|is_given_up| *is_given_up).await;
    }

    /// Waits until the server stops and the time for answers is over.
    pub(super) async fn out_of_time(&self) {
        self.begun().await;
        tokio::time::sleep(MAX_STOPPING).await;
    }

    /// Has connections end with their next answer, and waits until requests that were sent before have been read: actix
    /// closes a connection immediately that is idle as far as it has read, also where a request has come meanwhile.
    pub(crate) async fn let_them_finish(&self) {
        self.begin();
        for _ in 0..MAX_LOOKS {
            let before = self.begun.load(Ordering::Relaxed);
            tokio::time::sleep(QUIET).await;
            if self.begun.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}
