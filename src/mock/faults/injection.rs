//! The effect of faults on one answer: its waits, and how it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::code::FaultCode;

/// An error that is answered on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectedError {
    /// 400 to 599.
    pub status: u16,
    /// SpaceONE's code.
    pub code: &'static str,
    pub message: String,
}

/// How an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Refuse(InjectedError),
    /// The connection is closed without an answer.
    Drop,
    /// The connection is closed after this many bytes of the body.
    Truncate(u64),
}

/// The faults injected into the answer of one request.
#[derive(Debug, Default)]
pub struct Injection {
    /// The ids of the faults that are used; that of the header `Prefer` is `prefer`.
    pub faults: Vec<String>,
    pub end: Option<End>,
    pub(super) waits: Vec<Wait>,
    /// Set when the domain of the request, or the whole server, is reset.
    pub(super) was_reset: Arc<AtomicBool>,
}

/// A wait before an answer: first for a gate, then for a delay.
#[derive(Debug)]
pub struct Wait {
    pub(super) gate: Option<watch::Receiver<()>>,
    pub(super) delay: Option<Duration>,
    /// Ends the delay early.
    pub(super) life: watch::Receiver<()>,
}

impl Injection {
    /// Takes the waits, in order.
    pub fn take_waits(&mut self) -> Vec<Wait> {
        std::mem::take(&mut self.waits)
    }

    /// Whether the domain of the request, or the whole server, was reset while it waited.
    #[must_use]
    pub fn was_reset(&self) -> bool {
        self.was_reset.load(Ordering::SeqCst)
    }
}

impl Wait {
    /// Returns when the wait is over.
    pub async fn finish(mut self) {
        // Nothing is ever sent: the wait ends when the sender is dropped.
        if let Some(mut gate) = self.gate {
            let _ = gate.changed().await;
        }
        if let Some(delay) = self.delay {
            let _ = tokio::time::timeout(delay, self.life.changed()).await;
        }
    }
}

/// Ends an answer with an error.
pub(super) fn refuse(code: FaultCode, message: String) -> End {
    End::Refuse(InjectedError {
        status: code.status(),
        code: code.name(),
        message,
    })
}
