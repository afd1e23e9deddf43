//! `Events`: what the streams share.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};

use super::version::AllData;
use crate::store::StoreError;

/// How many streams may be open at a time.
const MAX_STREAMS: usize = 256;

/// What the streams share: how many are open, and the newest version.
#[derive(Debug, Default)]
pub(crate) struct Events {
    open: watch::Sender<usize>,
    latest: watch::Sender<Option<AllData>>,
    /// Wakes the task that looks when a writer of this server is done.
    written: Notify,
    /// Held while a version is read and published, so that none is published after a newer one.
    looking: Mutex<()>,
}

impl Events {
    /// Returns how many streams are open.
    pub(in crate::api) fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Takes a place for a stream; `None` where all are taken.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Place> {
        let is_free = self.open.send_if_modified(|open| {
            let is_free = *open < MAX_STREAMS;
            *open += usize::from(is_free);
            is_free
        });
        is_free.then(|| Place(Arc::clone(self)))
    }

    /// Has the task that looks do so: a writer is done.
    pub(super) fn note_write(&self) {
        self.written.notify_one();
    }

    /// Waits until a writer is done, or returns immediately if one was since the last call.
    pub(super) async fn written(&self) {
        self.written.notified().await;
    }

    /// Counts the open streams, also those to come.
    pub(super) fn watch_open(&self) -> watch::Receiver<usize> {
        self.open.subscribe()
    }

    /// Returns the newest version that was published, and each one to come.
    pub(super) fn watch_latest(&self) -> watch::Receiver<Option<AllData>> {
        self.latest.subscribe()
    }

    /// Reads the version now, and publishes it.
    pub(super) fn look(
        &self,
        read: impl FnOnce() -> Result<AllData, StoreError>,
    ) -> Result<AllData, StoreError> {
        let _alone = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let now = read()?;
        let is_new = |latest: &mut Option<AllData>| latest.replace(now) != Some(now);
        self.latest.send_if_modified(is_new);
        Ok(now)
    }
}

/// The place of an open stream.
pub(super) struct Place(Arc<Events>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}
