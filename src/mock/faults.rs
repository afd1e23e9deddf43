//! The faults that are set, in order, and what they have decided for a request.
//!
//! Every fault that matches a request is used: each makes it wait in its turn, gate first, then delay; of several ends
//! (an error, a dropped connection, a cut body) the first counts, and a fault whose end would come second is not used.
//! Waiting is over, too, when the fault that asked for it is gone, and when nobody waits for the answer any more. What was
//! held while its domain was reset is told so, since a write from before must not change the state after.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use super::code::Code;
use super::fault::Fault;
use super::prefer::Prefer;
use super::request::Subject;

/// The most faults at a time for each domain, and without a domain.
pub const MAX_FAULTS: usize = 1_000;

/// The faults of a server.
#[derive(Debug, Default)]
pub struct Faults {
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    set: Vec<Entry>,
    /// The waiting that a header asked for.
    passing: Vec<Passing>,
    /// The requests that wait.
    held: Vec<Held>,
    last_number: u64,
    is_stopped: bool,
}

#[derive(Debug)]
struct Entry {
    id: String,
    fault: Fault,
    used: u64,
    /// Those at the gate wait for this to be dropped.
    gate: Option<watch::Sender<()>>,
    /// Those that are delayed wait for this to be dropped; who waits for anything listens to it.
    life: watch::Sender<()>,
}

#[derive(Debug)]
struct Passing {
    domain_id: Option<String>,
    life: watch::Sender<()>,
}

/// A request that waits.
#[derive(Debug)]
struct Held {
    domain_id: Option<String>,
    /// Its plan's.
    was_reset: Weak<AtomicBool>,
}

/// A fault as it is listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// `fault-1`, `fault-2` and so on.
    pub id: String,
    #[serde(flatten)]
    pub fault: Fault,
    /// For how many requests it was used.
    pub used: u64,
    /// How many answers wait for it now, be it at its gate or for its delay.
    pub holding: usize,
}

/// There are [`MAX_FAULTS`] faults for one domain, or without a domain, and all may be used again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there are {MAX_FAULTS} faults {}, which is the most; clear some", of_scope(.0.as_deref()))]
pub struct FaultsFull(Option<String>);

fn of_scope(domain_id: Option<&str>) -> String {
    match domain_id {
        Some(domain_id) => format!("for domain `{domain_id}`"),
        None => "without a domain".to_owned(),
    }
}

/// An error answer that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedError {
    /// 400 to 599.
    pub status: u16,
    /// SpaceONE's.
    pub code: &'static str,
    pub message: String,
}

/// How an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Refuse(AskedError),
    /// Without an answer.
    Drop,
    /// After so many bytes of the body.
    Truncate(u64),
}

/// What happens to one request.
#[derive(Debug, Default)]
pub struct Plan {
    /// Which faults were used; the header's is called `prefer`.
    pub faults: Vec<String>,
    pub end: Option<End>,
    waits: Vec<Wait>,
    was_reset: Arc<AtomicBool>,
}

/// What an answer waits for.
#[derive(Debug)]
pub struct Wait {
    gate: Option<watch::Receiver<()>>,
    delay: Option<Duration>,
    life: watch::Receiver<()>,
}

impl Plan {
    /// Takes what is to be waited for, in order.
    pub fn take_waits(&mut self) -> Vec<Wait> {
        std::mem::take(&mut self.waits)
    }

    /// Whether the request's domain, or all, was reset while it waited.
    #[must_use]
    pub fn was_reset(&self) -> bool {
        self.was_reset.load(Ordering::SeqCst)
    }
}

impl Wait {
    /// Comes back when the waiting is over.
    pub async fn over(mut self) {
        // Nothing is ever sent: what ends the waiting is that the sender is gone.
        if let Some(mut gate) = self.gate {
            let _ = gate.changed().await;
        }
        if let Some(delay) = self.delay {
            let _ = tokio::time::timeout(delay, self.life.changed()).await;
        }
    }
}

impl Entry {
    fn is_spent(&self) -> bool {
        self.fault.times.is_some_and(|times| self.used >= times)
    }

    /// Whether it is the one of this id, and within a scope.
    fn is(&self, id: &str, scope: Option<&str>) -> bool {
        self.id == id && is_within(self.fault.domain_id.as_deref(), scope)
    }

    fn listed(&self) -> Listed {
        Listed {
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
            let message = message.unwrap_or_else(|| format!("{} asked for this answer", self.id));
            return Some(refuse(code, message));
        }
        if fault.drop {
            return Some(End::Drop);
        }
        fault.truncate.map(End::Truncate)
    }

    /// Counts one use, and says what there is to wait for.
    fn take(&mut self) -> Option<Wait> {
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

fn refuse(code: Code, message: String) -> End {
    End::Refuse(AskedError {
        status: code.status(),
        code: code.name(),
        message,
    })
}

/// Whether what names this domain belongs to a scope: a domain, or with `None` all.
fn is_within(named: Option<&str>, scope: Option<&str>) -> bool {
    scope.is_none() || named == scope
}

impl List {
    fn push(&mut self, fault: Fault) -> Listed {
        self.last_number += 1;
        let entry = Entry {
            id: format!("fault-{}", self.last_number),
            gate: fault.hold.then(|| watch::Sender::new(())),
            life: watch::Sender::new(()),
            fault,
            used: 0,
        };
        let listed = entry.listed();
        self.set.push(entry);
        listed
    }

    fn clear(&mut self, domain_id: Option<&str>) -> usize {
        let before = self.set.len();
        self.set
            .retain(|entry| !is_within(entry.fault.domain_id.as_deref(), domain_id));
        self.passing
            .retain(|passing| !is_within(passing.domain_id.as_deref(), domain_id));
        before - self.set.len()
    }
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, List> {
        // Nothing is left half done where it could panic.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a fault behind the others. Where there is no room in its scope, one that is used up makes it.
    ///
    /// # Errors
    /// [`FaultsFull`].
    pub fn add(&self, fault: Fault) -> Result<Listed, FaultsFull> {
        let mut list = self.lock();
        let is_of_scope = |entry: &&Entry| entry.fault.domain_id == fault.domain_id;
        if list.set.iter().filter(is_of_scope).count() >= MAX_FAULTS {
            let is_over = |entry: &Entry| {
                is_of_scope(&entry) && entry.is_spent() && entry.life.receiver_count() == 0
            };
            match list.set.iter().position(is_over) {
                Some(oldest) => list.set.remove(oldest),
                None => return Err(FaultsFull(fault.domain_id)),
            };
        }
        Ok(list.push(fault))
    }

    /// The faults in their order, those that are used up too; `domain_id` asks for those of one domain only.
    #[must_use]
    pub fn list(&self, domain_id: Option<&str>) -> Vec<Listed> {
        self.lock()
            .set
            .iter()
            .filter(|entry| is_within(entry.fault.domain_id.as_deref(), domain_id))
            .map(Entry::listed)
            .collect()
    }

    /// Takes a fault away and lets go what it held; whether there was one. With a domain only one that is for it.
    pub fn remove(&self, id: &str, domain_id: Option<&str>) -> bool {
        let mut list = self.lock();
        let before = list.set.len();
        list.set.retain(|entry| !entry.is(id, domain_id));
        list.set.len() < before
    }

    /// Opens the gate of a fault, and takes the gate away: what else the fault does, it goes on doing. Says how many
    /// answers were let go; `None` when there is no such fault, or with a domain none that is for it.
    pub fn release(&self, id: &str, domain_id: Option<&str>) -> Option<usize> {
        let mut list = self.lock();
        let index = list.set.iter().position(|entry| entry.is(id, domain_id))?;
        let entry = list.set.get_mut(index)?;
        let gate = entry.gate.take();
        entry.fault.hold = false;
        let released = gate.map_or(0, |gate| gate.receiver_count());
        if entry.fault.is_harmless() {
            list.set.remove(index);
        }
        Some(released)
    }

    /// Takes all faults away, or all that are for one domain, and lets go what they held. Says how many they were.
    pub fn clear(&self, domain_id: Option<&str>) -> usize {
        self.lock().clear(domain_id)
    }

    /// Makes the faults of a domain, or all, those of `first` that are for it. What the others held is let go, and
    /// whatever waits there is told of the reset.
    pub fn reset(&self, domain_id: Option<&str>, first: &[Fault]) {
        let mut list = self.lock();
        // Before anything goes, so that it knows.
        for held in &list.held {
            if is_within(held.domain_id.as_deref(), domain_id)
                && let Some(was_reset) = held.was_reset.upgrade()
            {
                was_reset.store(true, Ordering::SeqCst);
            }
        }
        list.clear(domain_id);
        for fault in first {
            if is_within(fault.domain_id.as_deref(), domain_id) {
                list.push(fault.clone());
            }
        }
    }

    /// Lets everything go, and makes nothing wait from now on: the server stops.
    pub fn release_all(&self) {
        let mut list = self.lock();
        list.is_stopped = true;
        list.passing.clear();
        for entry in &mut list.set {
            entry.gate = None;
            entry.life = watch::Sender::new(());
        }
    }

    /// Decides what happens to a request, and counts it.
    pub fn take(&self, subject: &Subject, prefer: Option<&Prefer>) -> Plan {
        let mut plan = Plan::default();
        let mut list = self.lock();
        // What is said for this one request comes first.
        if let Some(prefer) = prefer {
            plan.faults.push("prefer".to_owned());
            plan.end = prefer
                .code
                .map(|code| refuse(code, "the header Prefer asked for this answer".to_owned()));
            if let Some(delay) = prefer.delay {
                list.passing.retain(|one| one.life.receiver_count() > 0);
                let life = watch::Sender::new(());
                plan.waits.push(Wait {
                    gate: None,
                    delay: Some(delay),
                    life: life.subscribe(),
                });
                list.passing.push(Passing {
                    domain_id: subject.domain_id.clone(),
                    life,
                });
            }
        }
        for entry in &mut list.set {
            let is_second_end = plan.end.is_some() && entry.fault.has_end();
            if entry.is_spent() || is_second_end || !entry.fault.matches(subject) {
                continue;
            }
            plan.faults.push(entry.id.clone());
            plan.waits.extend(entry.take());
            if plan.end.is_none() {
                plan.end = entry.end();
            }
        }
        if list.is_stopped {
            plan.waits.clear();
        }
        if !plan.waits.is_empty() {
            list.held.retain(|held| held.was_reset.strong_count() > 0);
            list.held.push(Held {
                domain_id: subject.domain_id.clone(),
                was_reset: Arc::downgrade(&plan.was_reset),
            });
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(faults: &Faults, text: &str) -> String {
        faults.add(Fault::from_option(text).unwrap()).unwrap().id
    }

    fn search(domain: &str) -> Subject {
        let body = format!(r#"{{"domain_id":"{domain}"}}"#);
        Subject::of("POST", "/inventory/v1/jobs/search", "", body.as_bytes())
    }

    fn used(faults: &Faults) -> Vec<(u64, usize)> {
        let list = faults.list(None);
        list.iter().map(|one| (one.used, one.holding)).collect()
    }

    /// Polls every wait once; whether all are over.
    fn is_over(waits: &mut Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>>) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        waits.retain_mut(|wait| wait.as_mut().poll(&mut context).is_pending());
        waits.is_empty()
    }

    fn waiting(plan: &mut Plan) -> Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>> {
        let waits = plan.take_waits().into_iter();
        waits.map(|wait| Box::pin(wait.over()) as _).collect()
    }

    #[test]
    fn a_fault_is_used_so_many_times() {
        let faults = Faults::default();
        let id = set(&faults, "code=503,times=2,domain_id=d");
        assert!(faults.take(&search("e"), None).end.is_none());
        for _ in 0..2 {
            let plan = faults.take(&search("d"), None);
            assert_eq!(plan.faults, [id.as_str()]);
            let refusal = AskedError {
                status: 503,
                code: "ERROR_UNAVAILABLE",
                message: "fault-1 asked for this answer".to_owned(),
            };
            assert_eq!(plan.end, Some(End::Refuse(refusal)));
        }
        let plan = faults.take(&search("d"), None);
        assert!(plan.faults.is_empty() && plan.end.is_none());
        assert_eq!(used(&faults), [(2, 0)]);
    }

    #[test]
    fn of_several_ends_the_first_counts_and_the_header_comes_before_all() {
        let faults = Faults::default();
        set(&faults, "delay=600");
        set(&faults, "drop,times=1");
        set(&faults, "truncate=5");
        let mut plan = faults.take(&search("d"), None);
        assert_eq!(plan.faults, ["fault-1", "fault-2"]);
        assert_eq!(plan.end, Some(End::Drop));
        assert_eq!(plan.take_waits().len(), 1);
        let plan = faults.take(&search("d"), None);
        assert_eq!(plan.faults, ["fault-1", "fault-3"]);
        assert_eq!(plan.end, Some(End::Truncate(5)));
        drop(plan);
        let prefer = Prefer::parse(["code=404, delay=5"]).unwrap();
        let mut plan = faults.take(&search("d"), prefer.as_ref());
        assert_eq!(plan.faults, ["prefer", "fault-1"]);
        assert!(matches!(&plan.end, Some(End::Refuse(refusal)) if refusal.status == 404));
        assert_eq!(plan.take_waits().len(), 2);
        drop(plan);
        assert_eq!(used(&faults), [(3, 0), (1, 0), (1, 0)]);
    }

    #[test]
    fn a_gate_holds_until_it_is_released_removed_or_cleared() {
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
            let mut plans = [
                faults.take(&search("d"), None),
                faults.take(&search("d"), None),
            ];
            let mut waits: Vec<_> = plans.iter_mut().flat_map(waiting).collect();
            assert!(!is_over(&mut waits));
            assert_eq!(used(&faults), [(2, 2)]);
            assert_eq!(faults.clear(Some("e")), 0);
            assert!(!is_over(&mut waits));
            open(&faults);
            assert!(is_over(&mut waits));
            let mut late = faults.take(&search("d"), None);
            assert!(is_over(&mut waiting(&mut late)), "nothing waits any more");
        }
    }

    #[test]
    fn who_leaves_is_no_longer_held() {
        let faults = Faults::default();
        set(&faults, "hold");
        let mut plan = faults.take(&search("d"), None);
        let mut waits = waiting(&mut plan);
        assert!(!is_over(&mut waits));
        drop(waits);
        assert_eq!(used(&faults), [(1, 0)]);
    }

    #[test]
    fn a_released_gate_leaves_what_else_the_fault_does() {
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
    async fn delays_last_as_long_as_was_asked() {
        let faults = Faults::default();
        set(&faults, "delay=100");
        let prefer = Prefer::parse(["delay=20"]).unwrap();
        let start = tokio::time::Instant::now();
        for wait in faults.take(&search("d"), prefer.as_ref()).take_waits() {
            wait.over().await;
        }
        assert_eq!(start.elapsed().as_secs(), 120);
    }

    #[test]
    fn what_a_header_asked_to_wait_for_is_cleared_with_its_domain() {
        let faults = Faults::default();
        let prefer = Prefer::parse(["delay=600"]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let _entered = runtime.enter();
        let mut waits = waiting(&mut faults.take(&search("d"), prefer.as_ref()));
        assert!(!is_over(&mut waits));
        faults.clear(Some("e"));
        assert!(!is_over(&mut waits));
        faults.clear(Some("d"));
        assert!(is_over(&mut waits));
    }

    #[test]
    fn a_reset_is_told_to_what_waits_within_it_and_sets_the_first_faults_again() {
        let faults = Faults::default();
        let first: Vec<_> = ["code=500", "code=501,domain_id=d", "code=502,domain_id=e"]
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
            let mut plan = faults.take(&search("d"), prefer.as_ref());
            let waits = waiting(&mut plan);
            (plan, waits)
        };
        let (plan, mut waits) = held(&faults);
        faults.reset(Some("e"), &first);
        assert!(!is_over(&mut waits) && !plan.was_reset());
        faults.reset(Some("d"), &first);
        assert!(is_over(&mut waits) && plan.was_reset());
        let codes = |faults: &Faults| {
            let list = faults.list(None).into_iter();
            list.map(|one| one.fault.code.map(Code::status))
                .collect::<Vec<_>>()
        };
        assert_eq!(codes(&faults), [Some(502), Some(501)]);
        assert!(!faults.take(&search("d"), None).was_reset());

        set(&faults, "hold,domain_id=d");
        let (plan, mut waits) = held(&faults);
        faults.clear(Some("d"));
        assert!(is_over(&mut waits) && !plan.was_reset(), "not by a reset");
        // What another scope's gate goes on holding knows in the end.
        set(&faults, "hold");
        let (plan, mut waits) = held(&faults);
        faults.reset(Some("d"), &first);
        assert!(!is_over(&mut waits) && plan.was_reset());
        faults.reset(None, &first);
        assert!(is_over(&mut waits));
        assert_eq!(codes(&faults), [Some(500), Some(501), Some(502)]);

        // The faults of the start have room, however many there are.
        let many = vec![first[0].clone(); MAX_FAULTS + 1];
        faults.reset(None, &many);
        assert_eq!(faults.list(None).len(), MAX_FAULTS + 1);
    }

    #[test]
    fn there_is_room_for_so_many_faults() {
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
            "there are 1000 faults without a domain, which is the most; clear some"
        );
        faults.remove("fault-1", None);
        let last = set(&faults, "code=503,route=about");
        assert_eq!(last, "fault-1001");
        faults.take(&search("d"), None);
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
