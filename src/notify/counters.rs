//! How many events and attempts there were since the start, by rule.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What was sent by a rule since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// How many events were delivered.
    pub delivered: u64,
    /// How many attempts failed.
    pub failed: u64,
}

/// The counters of all rules.
#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<BTreeMap<String, Sent>>);

impl Counters {
    /// Counts events of a rule that were delivered.
    pub(super) fn delivered(&self, rule: &str, events: usize) {
        self.change(rule, |sent| sent.delivered += events as u64);
    }

    /// Counts an attempt of a rule that failed.
    pub(super) fn failed(&self, rule: &str) {
        self.change(rule, |sent| sent.failed += 1);
    }

    /// Returns the counters of a rule.
    pub(super) fn of(&self, rule: &str) -> Sent {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(rule).copied().unwrap_or_default()
    }

    fn change(&self, rule: &str, change: impl FnOnce(&mut Sent)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(rule.to_owned()).or_default());
    }
}
