//! The active faults, in order.
//!
//! Every fault that matches a request is used. Their waits follow each other, in each fault the gate before the delay.
//! Of several ends (an error, a dropped connection, a truncated body) the first counts; a fault with a second end is
//! not used. A wait also ends when its fault is removed, and when the client leaves. A request that waits while its
//! domain is reset learns of it, because a write from before the reset must not change the state after it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde::Serialize;
use tokio::sync::watch;

use super::super::subject::Subject;
use super::fault::Fault;
use super::injection::{End, Injection, Wait, refuse};
use super::prefer::Prefer;

/// The largest number of faults of a domain, and of faults without a domain.
pub const MAX_FAULTS: usize = 1_000;

/// The faults of a server.
#[derive(Debug, Default)]
pub struct Faults {
    list: Mutex<FaultList>,
}

#[derive(Debug, Default)]
struct FaultList {
    active: Vec<ActiveFault>,
    prefer_waits: Vec<PreferWait>,
    waiting: Vec<WaitingRequest>,
    last_number: u64,
    is_stopped: bool,
}

/// A fault that is set.
#[derive(Debug)]
struct ActiveFault {
    id: String,
    fault: Fault,
    used: u64,
    /// Requests at the gate wait until this is dropped.
    gate: Option<watch::Sender<()>>,
    /// Every waiting request listens to this; dropping it ends their delays.
    life: watch::Sender<()>,
}

/// A wait that the header `Prefer` asked for.
#[derive(Debug)]
struct PreferWait {
    domain_id: Option<String>,
    life: watch::Sender<()>,
}

/// A request that waits.
#[derive(Debug)]
struct WaitingRequest {
    domain_id: Option<String>,
    /// That of its injection.
    was_reset: Weak<AtomicBool>,
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
pub struct FaultsFull(Option<String>);

fn of_scope(domain_id: Option<&str>) -> String {
    match domain_id {
        Some(domain_id) => format!("for domain `{domain_id}`"),
        None => "without a domain".to_owned(),
    }
}

impl ActiveFault {
    fn is_spent(&self) -> bool {
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

    fn end(&self) -> Option<End> {
        let fault = &self.fault;
        if let Some(code) = fault.code {
            let message = fault.message.clone();
            let message = message.unwrap_or_else(|| format!("injected by {}", self.id));
            return Some(refuse(code, message));
        }
        if fault.drop {
            return Some(End::Drop);
        }
        fault.truncate.map(End::Truncate)
    }

    /// Counts one use and returns its wait.
    fn use_once(&mut self) -> Option<Wait> {
        let index = self.used;
        self.used += 1;
        let delay = self
            .fault
            .delay
            .map(|delay| delay.draw(self.fault.seed.unwrap_or_default(), index));
        let gate = self.gate.as_ref().map(watch::Sender::subscribe);
        (gate.is_some() || delay.is_some()).then(|| Wait {
            gate,
            delay,
            life: self.life.subscribe(),
        })
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
    fn lock(&self) -> MutexGuard<'_, FaultList> {
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

    /// Decides which faults are injected into the answer of a request, and counts their use.
    pub fn inject(&self, subject: &Subject, prefer: Option<&Prefer>) -> Injection {
        let mut injection = Injection::default();
        let mut list = self.lock();
        // The fault of this one request comes first.
        if let Some(prefer) = prefer {
            injection.faults.push("prefer".to_owned());
            injection.end = prefer
                .code
                .map(|code| refuse(code, "injected by the header Prefer".to_owned()));
            if let Some(delay) = prefer.delay {
                list.prefer_waits
                    .retain(|wait| wait.life.receiver_count() > 0);
                let life = watch::Sender::new(());
                injection.waits.push(Wait {
                    gate: None,
                    delay: Some(delay),
                    life: life.subscribe(),
                });
                list.prefer_waits.push(PreferWait {
                    domain_id: subject.domain_id.clone(),
                    life,
                });
            }
        }
        for active in &mut list.active {
            let is_second_end = injection.end.is_some() && active.fault.has_end();
            if active.is_spent() || is_second_end || !active.fault.matches(subject) {
                continue;
            }
            injection.faults.push(active.id.clone());
            injection.waits.extend(active.use_once());
            if injection.end.is_none() {
                injection.end = active.end();
            }
        }
        if list.is_stopped {
            injection.waits.clear();
        }
        if !injection.waits.is_empty() {
            list.waiting
                .retain(|request| request.was_reset.strong_count() > 0);
            list.waiting.push(WaitingRequest {
                domain_id: subject.domain_id.clone(),
                was_reset: Arc::downgrade(&injection.was_reset),
            });
        }
        injection
    }
}

#[cfg(test)]
mod tests {
    use super::super::code::FaultCode;
    use super::super::injection::InjectedError;
    use super::*;

    fn set(faults: &Faults, text: &str) -> String {
        faults.add(Fault::from_option(text).unwrap()).unwrap().id
    }

    fn search(domain: &str) -> Subject {
        let body = format!(r#"{{"domain_id":"{domain}"}}"#);
        Subject::from_request("POST", "/inventory/v1/jobs/search", "", body.as_bytes())
    }

    fn used(faults: &Faults) -> Vec<(u64, usize)> {
        let list = faults.list(None);
        list.iter().map(|one| (one.used, one.holding)).collect()
    }

    /// Polls every wait once, and returns whether all are over.
    fn is_over(waits: &mut Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>>) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        waits.retain_mut(|wait| wait.as_mut().poll(&mut context).is_pending());
        waits.is_empty()
    }

    fn waiting(injection: &mut Injection) -> Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>> {
        let waits = injection.take_waits().into_iter();
        waits.map(|wait| Box::pin(wait.finish()) as _).collect()
    }

    #[test]
    fn a_fault_is_used_as_often_as_its_times_say() {
        let faults = Faults::default();
        let id = set(&faults, "code=503,times=2,domain_id=d");
        assert!(faults.inject(&search("e"), None).end.is_none());
        for _ in 0..2 {
            let injection = faults.inject(&search("d"), None);
            assert_eq!(injection.faults, [id.as_str()]);
            let refusal = InjectedError {
                status: 503,
                code: "ERROR_UNAVAILABLE",
                message: "injected by fault-1".to_owned(),
            };
            assert_eq!(injection.end, Some(End::Refuse(refusal)));
        }
        let injection = faults.inject(&search("d"), None);
        assert!(injection.faults.is_empty() && injection.end.is_none());
        assert_eq!(used(&faults), [(2, 0)]);
    }

    #[test]
    fn the_first_end_counts_and_the_header_comes_first() {
        let faults = Faults::default();
        set(&faults, "delay=600");
        set(&faults, "drop,times=1");
        set(&faults, "truncate=5");
        let mut injection = faults.inject(&search("d"), None);
        assert_eq!(injection.faults, ["fault-1", "fault-2"]);
        assert_eq!(injection.end, Some(End::Drop));
        assert_eq!(injection.take_waits().len(), 1);
        let injection = faults.inject(&search("d"), None);
        assert_eq!(injection.faults, ["fault-1", "fault-3"]);
        assert_eq!(injection.end, Some(End::Truncate(5)));
        drop(injection);
        let prefer = Prefer::parse(["code=404, delay=5"]).unwrap();
        let mut injection = faults.inject(&search("d"), prefer.as_ref());
        assert_eq!(injection.faults, ["prefer", "fault-1"]);
        assert!(matches!(&injection.end, Some(End::Refuse(refusal)) if refusal.status == 404));
        assert_eq!(injection.take_waits().len(), 2);
        drop(injection);
        assert_eq!(used(&faults), [(3, 0), (1, 0), (1, 0)]);
    }

    #[test]
    fn a_gate_holds_until_its_fault_is_released_removed_or_cleared() {
        let open: [fn(&Faults); 5] = [
            |faults| assert_eq!(faults.release("fault-1", None), Some(2)),
            |faults| assert!(faults.remove("fault-1", None)),
            |faults| assert_eq!(faults.clear(None), 1),
            |faults| assert_eq!(faults.clear(Some("d")), 1),
            Faults::release_all,
        ];
        for open in open {
            let faults = Faults::default();
            set(&faults, "hold,domain_id=d");
            let mut injections = [
                faults.inject(&search("d"), None),
                faults.inject(&search("d"), None),
            ];
            let mut waits: Vec<_> = injections.iter_mut().flat_map(waiting).collect();
            assert!(!is_over(&mut waits));
            assert_eq!(used(&faults), [(2, 2)]);
            assert_eq!(faults.clear(Some("e")), 0);
            assert!(!is_over(&mut waits));
            open(&faults);
            assert!(is_over(&mut waits));
            let mut late = faults.inject(&search("d"), None);
            assert!(is_over(&mut waiting(&mut late)), "nothing waits any more");
        }
    }

    #[test]
    fn a_client_that_leaves_does_not_wait_any_more() {
        let faults = Faults::default();
        set(&faults, "hold");
        let mut injection = faults.inject(&search("d"), None);
        let mut waits = waiting(&mut injection);
        assert!(!is_over(&mut waits));
        drop(waits);
        assert_eq!(used(&faults), [(1, 0)]);
    }

    #[test]
    fn a_released_fault_keeps_its_other_effects() {
        let faults = Faults::default();
        let gate = set(&faults, "hold");
        let both = set(&faults, "hold,code=503");
        assert_eq!(faults.release(&gate, None), Some(0));
        assert_eq!(faults.release(&both, None), Some(0));
        assert_eq!(faults.release(&gate, None), None);
        let list = faults.list(None);
        let shown = serde_json::to_string(&list).unwrap();
        assert_eq!(
            shown,
            r#"[{"id":"fault-2","code":503,"used":0,"holding":0}]"#
        );
    }

    #[tokio::test(start_paused = true)]
    async fn delays_follow_each_other() {
        let faults = Faults::default();
        set(&faults, "delay=100");
        let prefer = Prefer::parse(["delay=20"]).unwrap();
        let start = tokio::time::Instant::now();
        for wait in faults.inject(&search("d"), prefer.as_ref()).take_waits() {
            wait.finish().await;
        }
        assert_eq!(start.elapsed().as_secs(), 120);
    }

    #[test]
    fn the_delay_of_a_header_is_cleared_with_its_domain() {
        let faults = Faults::default();
        let prefer = Prefer::parse(["delay=600"]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let _entered = runtime.enter();
        let mut waits = waiting(&mut faults.inject(&search("d"), prefer.as_ref()));
        assert!(!is_over(&mut waits));
        faults.clear(Some("e"));
        assert!(!is_over(&mut waits));
        faults.clear(Some("d"));
        assert!(is_over(&mut waits));
    }

    #[test]
    fn a_reset_marks_the_waiting_requests_and_sets_the_initial_faults() {
        let faults = Faults::default();
        let initial: Vec<_> = ["code=500", "code=501,domain_id=d", "code=502,domain_id=e"]
            .map(|text| Fault::from_option(text).unwrap())
            .into();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let _entered = runtime.enter();
        let prefer = Prefer::parse(["delay=600"]).unwrap();
        set(&faults, "hold,domain_id=d");
        let held = |faults: &Faults| {
            let mut injection = faults.inject(&search("d"), prefer.as_ref());
            let waits = waiting(&mut injection);
            (injection, waits)
        };
        let (injection, mut waits) = held(&faults);
        faults.reset(Some("e"), &initial);
        assert!(!is_over(&mut waits) && !injection.was_reset());
        faults.reset(Some("d"), &initial);
        assert!(is_over(&mut waits) && injection.was_reset());
        let codes = |faults: &Faults| {
            let list = faults.list(None).into_iter();
            list.map(|one| one.fault.code.map(FaultCode::status))
                .collect::<Vec<_>>()
        };
        assert_eq!(codes(&faults), [Some(502), Some(501)]);
        assert!(!faults.inject(&search("d"), None).was_reset());

        set(&faults, "hold,domain_id=d");
        let (injection, mut waits) = held(&faults);
        faults.clear(Some("d"));
        assert!(
            is_over(&mut waits) && !injection.was_reset(),
            "clearing is not a reset"
        );
        // A request that waits at the gate of another scope is marked, too.
        set(&faults, "hold");
        let (injection, mut waits) = held(&faults);
        faults.reset(Some("d"), &initial);
        assert!(!is_over(&mut waits) && injection.was_reset());
        faults.reset(None, &initial);
        assert!(is_over(&mut waits));
        assert_eq!(codes(&faults), [Some(500), Some(501), Some(502)]);

        // The initial faults are set, however many there are.
        let many = vec![initial[0].clone(); MAX_FAULTS + 1];
        faults.reset(None, &many);
        assert_eq!(faults.list(None).len(), MAX_FAULTS + 1);
    }

    #[test]
    fn each_domain_has_room_for_a_number_of_faults() {
        let faults = Faults::default();
        set(&faults, "code=503");
        set(&faults, "code=503,times=1,route=stat");
        set(&faults, "drop,times=1,route=search");
        while faults.list(None).len() < MAX_FAULTS {
            set(&faults, "code=503,route=about");
        }
        let one_more = || faults.add(Fault::from_option("code=504").unwrap());
        assert_eq!(
            one_more().unwrap_err().to_string(),
            "there are 1000 faults without a domain, and no more are allowed; clear some"
        );
        faults.remove("fault-1", None);
        let last = set(&faults, "code=503,route=about");
        assert_eq!(last, "fault-1001");
        faults.inject(&search("d"), None);
        assert_eq!(one_more().unwrap().id, "fault-1002");
        let ids: Vec<_> = faults.list(None).into_iter().map(|one| one.id).collect();
        assert_eq!((ids[0].as_str(), ids[1].as_str()), ("fault-2", "fault-4"));
        assert_eq!(one_more().unwrap_err(), FaultsFull(None));
        // Each domain has its own.
        for _ in 0..MAX_FAULTS {
            set(&faults, "code=503,domain_id=d");
        }
        let of = |domain: &str| {
            faults.add(Fault::from_option(&format!("code=503,domain_id={domain}")).unwrap())
        };
        assert_eq!(of("d").unwrap_err(), FaultsFull(Some("d".to_owned())));
        assert!(of("e").is_ok());
    }
}
