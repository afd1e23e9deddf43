//! Decides which faults act on a request, and how.
//!
//! Every fault that matches a request is used. Their waits follow each other, in each fault the gate before the delay.
//! Of several ends (an error, a dropped connection, a truncated body) the first counts; a fault with a second end is
//! not used. The header `Prefer` comes before the active faults.

use std::sync::Arc;

use tokio::sync::watch;

use super::super::subject::Subject;
use super::active::{ActiveFault, FaultList, Faults, PreferWait, WaitingRequest};
use super::injection::{End, Injection, Wait, refuse};
use super::prefer::Prefer;

impl ActiveFault {
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

impl FaultList {
    /// Injects the fault of the header `Prefer`, which acts on this one request.
    fn inject_preferred(&mut self, injection: &mut Injection, subject: &Subject, prefer: &Prefer) {
        injection.faults.push("prefer".to_owned());
        injection.end = prefer
            .code
            .map(|code| refuse(code, "injected by the header Prefer".to_owned()));
        let Some(delay) = prefer.delay else {
            return;
        };
        self.prefer_waits
            .retain(|wait| wait.life.receiver_count() > 0);
        let life = watch::Sender::new(());
        injection.waits.push(Wait {
            gate: None,
            delay: Some(delay),
            life: life.subscribe(),
        });
        self.prefer_waits.push(PreferWait {
            domain_id: subject.domain_id.clone(),
            life,
        });
    }

    /// Injects the active faults that match a request, and counts their use.
    fn inject_active(&mut self, injection: &mut Injection, subject: &Subject) {
        for active in &mut self.active {
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
    }

    /// Lists a request as waiting, so that a reset marks it.
    fn add_waiting(&mut self, injection: &Injection, subject: &Subject) {
        self.waiting
            .retain(|request| request.was_reset.strong_count() > 0);
        self.waiting.push(WaitingRequest {
            domain_id: subject.domain_id.clone(),
            was_reset: Arc::downgrade(&injection.was_reset),
        });
    }
}

impl Faults {
    /// Decides which faults are injected into the answer of a request, and counts their use.
    pub fn inject(&self, subject: &Subject, prefer: Option<&Prefer>) -> Injection {
        let mut injection = Injection::default();
        let mut list = self.lock();
        if let Some(prefer) = prefer {
            list.inject_preferred(&mut injection, subject, prefer);
        }
        list.inject_active(&mut injection, subject);
        if list.is_stopped {
            injection.waits.clear();
        }
        if !injection.waits.is_empty() {
            list.add_waiting(&injection, subject);
        }
        injection
    }
}
