//! The faults that are set, in order, and what they have decided for a request.
//!
//! Every fault that matches a request is used: each makes it wait in its turn, gate first, then delay; of several ends
//! (an error, a dropped connection, a cut body) the first counts, and a fault whose end would come second is not used.
//! Waiting is over, too, when the fault that asked for it is gone, and when nobody waits for the answer any more.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use super::code::Code;
use super::fault::Fault;
use super::prefer::Prefer;
use super::request::Subject;

/// The most faults at a time.
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

/// There are [`MAX_FAULTS`] faults, and all may be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are {MAX_FAULTS} faults, which is the most; clear some")]
pub struct FaultsFull;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 400 to 599.
    pub status: u16,
    /// SpaceONE's.
    pub code: &'static str,
    pub message: String,
}

/// How an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Refuse(Refusal),
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
    End::Refuse(Refusal {
        status: code.status(),
        code: code.name(),
        message,
    })
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, List> {
        // Nothing is left half done where it could panic.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a fault behind the others. Where there is no room, one that is used up makes it.
    ///
    /// # Errors
    /// [`FaultsFull`].
    pub fn add(&self, fault: Fault) -> Result<Listed, FaultsFull> {
        let mut list = self.lock();
        if list.set.len() >= MAX_FAULTS {
            let is_over = |entry: &Entry| entry.is_spent() && entry.life.receiver_count() == 0;
            let oldest = list.set.iter().position(is_over).ok_or(FaultsFull)?;
            list.set.remove(oldest);
        }
        list.last_number += 1;
        let entry = Entry {
            id: format!("fault-{}", list.last_number),
            gate: fault.hold.then(|| watch::Sender::new(())),
            life: watch::Sender::new(()),
            fault,
            used: 0,
        };
        let listed = entry.listed();
        list.set.push(entry);
        Ok(listed)
    }

    /// The faults in their order, those that are used up too; `domain_id` asks for those of one domain only.
    #[must_use]
    pub fn list(&self, domain_id: Option<&str>) -> Vec<Listed> {
        self.lock()
            .set
            .iter()
            .filter(|entry| domain_id.is_none() || entry.fault.domain_id.as_deref() == domain_id)
            .map(Entry::listed)
            .collect()
    }

    /// Takes a fault away and lets go what it held; whether there was one.
    pub fn remove(&self, id: &str) -> bool {
        let mut list = self.lock();
        let before = list.set.len();
        list.set.retain(|entry| entry.id != id);
        list.set.len() < before
    }

    /// Opens the gate of a fault, and takes the gate away: what else the fault does, it goes on doing. Says how many
    /// answers were let go; `None` when there is no such fault.
    pub fn release(&self, id: &str) -> Option<usize> {
        let mut list = self.lock();
        let index = list.set.iter().position(|entry| entry.id == id)?;
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
        let mut list = self.lock();
        let before = list.set.len();
        let is_other =
            |named: &Option<String>| domain_id.is_some() && named.as_deref() != domain_id;
        list.set.retain(|entry| is_other(&entry.fault.domain_id));
        list.passing.retain(|passing| is_other(&passing.domain_id));
        before - list.set.len()
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
            let refusal = Refusal {
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
            |faults| assert_eq!(faults.release("fault-1"), Some(2)),
            |faults| assert!(faults.remove("fault-1")),
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
        assert_eq!(faults.release(&gate), Some(0));
        assert_eq!(faults.release(&both), Some(0));
        assert_eq!(faults.release(&gate), None);
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
    fn there_is_room_for_so_many_faults() {
        let faults = Faults::default();
        set(&faults, "code=503");
        set(&faults, "code=503,times=1,route=stat");
        set(&faults, "drop,times=1,route=search");
        while faults.list(None).len() < MAX_FAULTS {
            set(&faults, "code=503,route=about");
        }
        let one_more = || faults.add(Fault::from_option("code=504").unwrap());
        assert_eq!(one_more().unwrap_err(), FaultsFull);
        faults.remove("fault-1");
        let last = set(&faults, "code=503,route=about");
        assert_eq!(last, "fault-1001");
        faults.take(&search("d"), None);
        assert_eq!(one_more().unwrap().id, "fault-1002");
        let ids: Vec<_> = faults.list(None).into_iter().map(|one| one.id).collect();
        assert_eq!((ids[0].as_str(), ids[1].as_str()), ("fault-2", "fault-4"));
        assert_eq!(one_more().unwrap_err(), FaultsFull);
    }
}
