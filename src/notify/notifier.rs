//! `Notifier`: the threads that look at the database and deliver what they find.
//!
//! One thread looks, once a second, whether something was written; a delivery has a thread of its own while it lasts, so that a
//! receiver that does not answer delays its own rule alone. A thread ends when the notifier is dropped.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::backoff::{self, MAX_WAIT};
use super::counters::{Counters, Sent};
use super::deliver::deliver;
use super::event::{Event, merge};
use super::look::look;
use super::rule::Rule;
use super::rules_file::RulesFile;
use crate::clock::{Clock, Clocks};
use crate::store::notifications::Attempt;
use crate::store::{DataVersion, Interrupt, Store, StoreError};
use crate::time::Timestamp;

/// How often the thread looks whether something was written.
const TICK: Duration = Duration::from_secs(1);
/// How often the jobs are looked at while nothing is written: time alone makes a job stuck, and a success missing.
const LOOK_INTERVAL: Duration = Duration::from_mins(1);
/// How many times as long as a look took the next one waits: looking takes a twentieth of a core at the most.
const PAUSE_FACTOR: u32 = 19;
/// The longest time that a look may take.
const MAX_LOOK: Duration = Duration::from_secs(30);
/// The most events of a POST.
const MAX_EVENTS: usize = 100;

/// Notifies by the rules of a file.
#[derive(Debug)]
pub struct Notifier {
    file: Arc<RulesFile>,
    store: Arc<Store>,
    clocks: Arc<Clocks>,
    counters: Counters,
    /// The rules whose delivery is under way.
    delivering: Mutex<HashSet<String>>,
}

/// What the thread that looks remembers.
#[derive(Default)]
struct Memory {
    /// The rules that the database knows.
    rules: Option<Arc<[Arc<Rule>]>>,
    /// The version of the data at the last look.
    version: Option<DataVersion>,
    next_look: Option<Instant>,
    /// Until when no look follows, so that looking takes a small part of a core.
    rests_until: Option<Instant>,
    /// The last problem that was logged.
    problem: Option<String>,
}

impl Notifier {
    /// Begins to look and to deliver, until the notifier is dropped.
    ///
    /// # Errors
    /// When the system can't start a thread.
    pub fn start(
        file: Arc<RulesFile>,
        store: Arc<Store>,
        clocks: Arc<Clocks>,
    ) -> std::io::Result<Arc<Self>> {
        let notifier = Arc::new(Self {
            file,
            store,
            clocks,
            counters: Counters::default(),
            delivering: Mutex::default(),
        });
        let weak = Arc::downgrade(&notifier);
        std::thread::Builder::new()
            .name("notify".to_owned())
            .spawn(move || keep_looking(&weak))?;
        Ok(notifier)
    }

    /// Returns the present rules.
    #[must_use]
    pub fn rules(&self) -> Arc<[Arc<Rule>]> {
        self.file.rules()
    }

    /// Returns what was sent by a rule since the start.
    #[must_use]
    pub fn sent(&self, rule: &str) -> Sent {
        self.counters.of(rule)
    }

    /// Looks and delivers, if something is due.
    fn tick(self: &Arc<Self>, memory: &mut Memory) -> Result<(), StoreError> {
        self.file.poll();
        let rules = self.rules();
        if !memory
            .rules
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, &rules))
        {
            self.register(&rules)?;
            memory.rules = Some(Arc::clone(&rules));
            memory.next_look = None;
        }
        let now = Instant::now();
        let version = self.store.version()?;
        let is_due = memory.version != Some(version)
            || memory.next_look.is_none_or(|next_look| now >= next_look);
        if is_due && memory.rests_until.is_none_or(|rest| now >= rest) {
            let is_noted = self.look_at_all(&rules)?;
            // Something else was noted meanwhile: all is looked at again.
            memory.version = is_noted.then_some(version);
            memory.next_look = Some(now + LOOK_INTERVAL);
            memory.rests_until = Some(Instant::now() + now.elapsed() * PAUSE_FACTOR);
        }
        self.deliver_due(&rules)
    }

    /// Has the database forget the rules that are gone.
    fn register(&self, rules: &[Arc<Rule>]) -> Result<(), StoreError> {
        let names = rules.iter().map(|rule| rule.name.as_str()).collect();
        let dropped = self.store.writer()?.retain_rules(&names)?;
        if dropped > 0 {
            log::warn!("{dropped} notifications of rules that are gone from the file were dropped");
        }
        Ok(())
    }

    /// Looks at the jobs for each rule; returns whether all that was found is noted.
    fn look_at_all(&self, rules: &[Arc<Rule>]) -> Result<bool, StoreError> {
        let mut is_noted = true;
        for rule in rules {
            let now = self.clocks.now(Some(&rule.domain_id));
            let interrupt = Arc::new(Interrupt::after(MAX_LOOK));
            let found = look(&self.store.reader(&interrupt)?.begin()?, rule, now)?;
            let Some(found) = found else { continue };
            let notes = (&found.before, &found.after);
            let mut writer = self.store.writer()?;
            match writer.note(&rule.name, notes, &found.events, merge)? {
                None => is_noted = false,
                Some(0) => {}
                Some(dropped) => log::error!(
                    "notifications by rule `{}`: too many wait for its receiver, and the oldest {dropped} were dropped",
                    rule.name
                ),
            }
        }
        Ok(is_noted)
    }

    /// Starts the deliveries that are due.
    fn deliver_due(self: &Arc<Self>, rules: &[Arc<Rule>]) -> Result<(), StoreError> {
        let pending = self.pending()?;
        for rule in rules {
            if !pending.contains_key(&rule.name) || !self.is_due(rule)? {
                continue;
            }
            let mut delivering = self.lock();
            if !delivering.insert(rule.name.clone()) {
                continue;
            }
            drop(delivering);
            let (notifier, rule) = (Arc::clone(self), Arc::clone(rule));
            let name = rule.name.clone();
            let thread = std::thread::Builder::new().name("notify-deliver".to_owned());
            let started = thread.spawn(move || {
                let delivered = catch_unwind(AssertUnwindSafe(|| notifier.deliver(&rule)));
                notifier.lock().remove(&rule.name);
                match delivered {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => log::error!("notifications by rule `{}`: {error}", rule.name),
                    Err(_) => log::error!("notifications by rule `{}`: a panic", rule.name),
                }
            });
            if let Err(error) = started {
                self.lock().remove(&name);
                log::error!("notifications by rule `{name}`: no thread can be started: {error}");
            }
        }
        Ok(())
    }

    /// Returns how many events of each rule are not delivered yet.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn pending(&self) -> Result<HashMap<String, u64>, StoreError> {
        let interrupt = Arc::new(Interrupt::after(MAX_LOOK));
        self.store.reader(&interrupt)?.begin()?.pending_counts()
    }

    /// Whether the next attempt of a rule is due. One that is further away than any wait is due, too: the clock was set back.
    fn is_due(&self, rule: &Rule) -> Result<bool, StoreError> {
        let interrupt = Arc::new(Interrupt::after(MAX_LOOK));
        let open = self
            .store
            .reader(&interrupt)?
            .begin()?
            .open_delivery(&rule.name)?;
        let now = Clock::SYSTEM.now().millis();
        let longest = millis(MAX_WAIT);
        Ok(open.is_none_or(|(_, next_at)| now >= next_at || next_at - now > longest))
    }

    /// Delivers the events of a rule, until none is left or an attempt fails.
    fn deliver(&self, rule: &Rule) -> Result<(), StoreError> {
        loop {
            let interrupt = Arc::new(Interrupt::after(MAX_LOOK));
            let mut reader = self.store.reader(&interrupt)?;
            let transaction = reader.begin()?;
            let pending = transaction.pending_events(&rule.name, MAX_EVENTS)?;
            let attempts = transaction.open_delivery(&rule.name)?;
            drop(transaction);
            drop(reader);
            if pending.is_empty() {
                return Ok(());
            }
            let attempts = attempts.map_or(0, |(attempts, _)| attempts);
            let events: Vec<(i64, Event)> = pending
                .iter()
                .filter_map(|(id, body)| Some((*id, serde_json::from_str(body).ok()?)))
                .collect();
            if events.len() < pending.len() {
                log::error!(
                    "notifications by rule `{}`: {} can't be read, and are left out",
                    rule.name,
                    pending.len() - events.len()
                );
            }
            let answer = deliver(rule, &events);
            let now = Clock::SYSTEM.now();
            let next_at = answer.failed().map(|failed| {
                let random = getrandom::u32().unwrap_or_default();
                let wait = backoff::wait(attempts.saturating_add(1), failed, random);
                now.plus_millis(millis(wait))
            });
            self.count(rule, events.len(), &answer.text, next_at);
            let attempt = Attempt {
                events: pending.into_iter().map(|(id, _)| id).collect(),
                at: now.millis(),
                status: answer.status,
                answer: answer.text,
                next_at: next_at.map(Timestamp::millis),
            };
            self.store.writer()?.record_attempt(&rule.name, &attempt)?;
            if next_at.is_some() {
                return Ok(());
            }
        }
    }

    fn count(&self, rule: &Rule, events: usize, answer: &str, next_at: Option<Timestamp>) {
        let name = &rule.name;
        match next_at {
            None => {
                self.counters.delivered(name, events);
                log::info!("notifications by rule `{name}`: {events} were delivered");
            }
            Some(next_at) => {
                self.counters.failed(name);
                log::warn!(
                    "notifications by rule `{name}`: {} did not take them: {answer}; the next attempt is at {next_at}",
                    rule.host()
                );
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.delivering
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks and delivers every second, until the notifier is dropped.
fn keep_looking(notifier: &Weak<Notifier>) {
    let mut memory = Memory::default();
    while let Some(notifier) = notifier.upgrade() {
        let ticked = catch_unwind(AssertUnwindSafe(|| notifier.tick(&mut memory)));
        drop(notifier);
        let problem = match ticked {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("a panic".to_owned()),
        };
        if problem != memory.problem {
            match &problem {
                Some(problem) => log::error!("notifications: {problem}; it is tried again"),
                None => log::info!("notifications: the database answers again"),
            }
            memory.problem = problem;
        }
        std::thread::sleep(TICK);
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
