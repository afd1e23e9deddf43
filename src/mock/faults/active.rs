//! Active faults: adds, lists and removes them.
//!
//! A wait also ends when its fault is removed, and when the client leaves. A request that waits while its domain is reset
//! learns of it, because a write from before the reset must not change the state after it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use serde::Serialize;
use tokio::sync::watch;

use super::fault::Fault;

/// The largest number of faults of a domain, and of faults without a domain.
pub const MAX_FAULTS: usize = 1_000;

/// The faults of a server.
#[derive(Debug, Default)]
pub struct Faults {
    list: Mutex<FaultList>,
}

#[derive(Debug, Default)]
pub(super) struct FaultList {
    pub(super) active: Vec<ActiveFault>,
    pub(super) prefer_waits: Vec<PreferWait>,
    pub(super) waiting: Vec<WaitingRequest>,
    pub(super) last_number: u64,
    pub(super) is_stopped: bool,
}

/// A fault that is set.
#[derive(Debug)]
pub(super) struct ActiveFault {
    pub(super) id: String,
    pub(super) fault: Fault,
    pub(super) used: u64,
    /// Requests at the gate wait until this is dropped.
    pub(super) gate: Option<watch::Sender<()>>,
    /// Every waiting request listens to this; dropping it ends their delays.
    pub(super) life: watch::Sender<()>,
}

/// A wait that the header `Prefer` asked for.
#[derive(Debug)]
pub(super) struct PreferWait {
    pub(super) domain_id: Option<String>,
    pub(super) life: watch::Sender<()>,
}

/// A request that waits.
#[derive(Debug)]
pub(super) struct WaitingRequest {
    pub(super) domain_id: Option<String>,
    /// That of its injection.
    pub(super) was_reset: Weak<AtomicBool>,
}

/// A fault as it is listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedFault {
    /// `fault-1`, `fault-2` and so on.
    pub id: String,
    #[serde(flatten)]
    pub fault: Fault,
    /// The number of requests that it was used for.
    pub used: u64,
    /// The number of answers that wait for it now, at its gate or for its delay.
    pub holding: usize,
}

/// The error of adding a fault where there are [`MAX_FAULTS`], none of them used up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there are {MAX_FAULTS} faults {}, and no more are allowed; clear some", of_scope(.0.as_deref()))]
pub struct FaultsFull(pub(super) Option<String>);

fn of_scope(domain_id: Option<&str>) -> String {
    match domain_id {
        Some(domain_id) => format!("for domain `{domain_id}`"),
        None => "without a domain".to_owned(),
    }
}

impl ActiveFault {
    /// Whether it has been used as often as its `times` says.
    pub(super) fn is_spent(&self) -> bool {
        self.fault.times.is_some_and(|times| self.used >= times)
    }

    /// Whether it has this id and belongs to a scope.
    fn is(&self, id: &str, scope: Option<&str>) -> bool {
        self.id == id && is_within(self.fault.domain_id.as_deref(), scope)
    }

    fn listed(&self) -> ListedFault {
        ListedFault {
            id: self.id.clone(),
            fault: self.fault.clone(),
            used: self.used,
            holding: self.life.receiver_count(),
        }
    }
}

/// Whether something of this domain belongs to a scope; the scope `None` is the whole server.
fn is_within(named: Option<&str>, scope: Option<&str>) -> bool {
    scope.is_none() || named == scope
}

impl FaultList {
    fn push(&mut self, fault: Fault) -> ListedFault {
        self.last_number += 1;
        let fault = ActiveFault {
            id: format!("fault-{}", self.last_number),
            gate: fault.hold.then(|| watch::Sender::new(())),
            life: watch::Sender::new(()),
            fault,
            used: 0,
        };
        let listed = fault.listed();
        self.active.push(fault);
        listed
    }

    fn clear(&mut self, domain_id: Option<&str>) -> usize {
        let before = self.active.len();
        self.active
            .retain(|active| !is_within(active.fault.domain_id.as_deref(), domain_id));
        self.prefer_waits
            .retain(|wait| !is_within(wait.domain_id.as_deref(), domain_id));
        before - self.active.len()
    }
}

impl Faults {
    pub(super) fn lock(&self) -> MutexGuard<'_, FaultList> {
        // No change of the list panics half way.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault after the others. If its domain has no room, the oldest fault that is used up is removed.
    ///
    /// # Errors
    /// [`FaultsFull`].
    pub fn add(&self, fault: Fault) -> Result<ListedFault, FaultsFull> {
        let mut list = self.lock();
        let is_of_scope = |active: &&ActiveFault| active.fault.domain_id == fault.domain_id;
        if list.active.iter().filter(is_of_scope).count() >= MAX_FAULTS {
            let is_over = |active: &ActiveFault| {
                is_of_scope(&active) && active.is_spent() && active.life.receiver_count() == 0
            };
            match list.active.iter().position(is_over) {
                Some(oldest) => list.active.remove(oldest),
                None => return Err(FaultsFull(fault.domain_id)),
            };
        }
        Ok(list.push(fault))
    }

    /// Lists the faults in their order, those that are used up included; with a domain only its own.
    #[must_use]
    pub fn list(&self, domain_id: Option<&str>) -> Vec<ListedFault> {
        self.lock()
            .active
            .iter()
            .filter(|active| is_within(active.fault.domain_id.as_deref(), domain_id))
            .map(ActiveFault::listed)
            .collect()
    }

    /// Removes a fault and ends its waits; returns whether it existed. With a domain only a fault of that domain.
    pub fn remove(&self, id: &str, domain_id: Option<&str>) -> bool {
        let mut list = self.lock();
        let before = list.active.len();
        list.active.retain(|active| !active.is(id, domain_id));
        list.active.len() < before
    }

    /// Opens the gate of a fault for good; its other effects stay. Returns the number of answers that waited at the
    /// gate; `None` if there is no such fault, or with a domain no such fault of that domain.
    pub fn release(&self, id: &str, domain_id: Option<&str>) -> Option<usize> {
        let mut list = self.lock();
        let index = list
            .active
            .iter()
            .position(|active| active.is(id, domain_id))?;
        let active = list.active.get_mut(index)?;
        let gate = active.gate.take();
        active.fault.hold = false;
        let released = gate.map_or(0, |gate| gate.receiver_count());
        if active.fault.does_nothing() {
            list.active.remove(index);
        }
        Some(released)
    }

    /// Removes all faults, or those of a domain, and ends their waits; returns their number.
    pub fn clear(&self, domain_id: Option<&str>) -> usize {
        self.lock().clear(domain_id)
    }

    /// Replaces the faults of a domain, or all, by those of `initial`. Ends the waits of the old faults, and marks
    /// every waiting request of the domain as reset.
    pub fn reset(&self, domain_id: Option<&str>, initial: &[Fault]) {
        let mut list = self.lock();
        // Before any wait ends, so that the request sees it.
        for request in &list.waiting {
            if is_within(request.domain_id.as_deref(), domain_id)
                && let Some(was_reset) = request.was_reset.upgrade()
            {
                was_reset.store(true, Ordering::SeqCst);
            }
        }
        list.clear(domain_id);
        for fault in initial {
            if is_within(fault.domain_id.as_deref(), domain_id) {
                list.push(fault.clone());
            }
        }
    }

    /// Ends all waits and allows no new ones: the server stops.
    pub fn release_all(&self) {
        let mut list = self.lock();
        list.is_stopped = true;
        list.prefer_waits.clear();
        for active in &mut list.active {
            active.gate = None;
            active.life = watch::Sender::new(());
        }
    }
}
