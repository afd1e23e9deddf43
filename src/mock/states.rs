//! The mock itself: the states of its jobs, clocks that are set, jobs that live by a script.
//!
//! Every write goes through [`Mock::change`] or its like, which hold one lock: the jobs in the database and what is known
//! of their lives change together, or not at all.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use utoipa::ToSchema;

use super::change::Change;
use super::fixtures::Fixtures;
use super::lives::Lives;
use super::{Fault, Faults, Journal};
use crate::clock::{Clock, Clocks};
use crate::demo::Demo;
use crate::job::{Draft, Life};
use crate::store::{OnConflict, StateId, Store, StoreError};
use crate::time::Timestamp;
use crate::transfer::TransferError;

/// The most snapshots that are kept of a domain, and of the whole server.
const MAX_SNAPSHOTS: usize = 100;
/// The longest name of a snapshot, in bytes.
const MAX_NAME_BYTES: usize = 100;
/// How often the fixtures are looked at for a change.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

/// Why a mock does not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum MockError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The fixtures can't be loaded.
    #[error(transparent)]
    Fixtures(#[from] TransferError),
    #[error("there is no snapshot `{name}`{}; there {}", of_domain(.domain_id.as_deref()), listed(.known))]
    NoSnapshot {
        name: String,
        domain_id: Option<String>,
        /// Those that the scope has.
        known: Vec<String>,
    },
    #[error("`{0}` is no name of a snapshot: 1 to 100 of A-Z a-z 0-9 . _ -")]
    SnapshotName(String),
    #[error("there are {MAX_SNAPSHOTS} snapshots{}, which is the most; delete one", of_domain(.0.as_deref()))]
    ManySnapshots(Option<String>),
}

fn of_domain(domain_id: Option<&str>) -> String {
    match domain_id {
        Some(domain_id) => format!(" of domain {domain_id}"),
        None => " of the whole server".to_owned(),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "are none; PUT makes one".to_owned()
    } else {
        format!("are {}", names.join(", "))
    }
}

/// What the jobs of a mock start as, and a reset goes back to.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The seed of a demo: jobs that are there at the start, and new ones as time goes by.
    pub demo: Option<u64>,
    /// Files, or folders of them, whose jobs are put over what is in the database.
    pub fixtures: Vec<PathBuf>,
    /// Faults that are set from the start, and again by a reset.
    pub faults: Vec<Fault>,
}

/// The state of a mock beside its database.
#[derive(Debug)]
pub struct Mock {
    store: Arc<Store>,
    clocks: Arc<Clocks>,
    fixtures: Fixtures,
    state: Mutex<State>,
    /// Another number after each time that [`Mock::trouble`] has changed.
    changes: AtomicU64,
    /// Those that are set from the start.
    first_faults: Vec<Fault>,
    pub faults: Faults,
    pub journal: Journal,
}

#[derive(Debug)]
struct State {
    lives: Lives,
    demo: Option<Demo>,
    /// The jobs before the fixtures were put over them.
    origin: Saved,
    /// What a reset goes back to.
    base: Saved,
    /// Fixtures that begin anew with a reset: they live, or are made at the moment at which they are put.
    moving: Vec<Draft>,
    /// By scope and name; the scope `None` is the whole server.
    snapshots: BTreeMap<(Option<String>, String), Saved>,
    /// The newest number of a state.
    newest: StateId,
    trouble: Option<String>,
}

/// A state set aside: its jobs are in the store, under the number.
#[derive(Debug, Clone)]
struct Saved {
    state: StateId,
    jobs: u64,
    lives: Lives,
    demo: Option<Demo>,
    /// By the clock of its scope.
    at: Timestamp,
    /// By the clocks of the domains that have living jobs.
    domains_at: BTreeMap<String, Timestamp>,
}

impl Saved {
    fn new(
        state: StateId,
        jobs: u64,
        scope: Option<&str>,
        from: (&Lives, Option<&Demo>),
        clocks: &Clocks,
    ) -> Self {
        let (lives, demo) = from;
        let lives = lives.within(scope);
        let now = |domain: &str| (domain.to_owned(), clocks.now(Some(domain)));
        Self {
            state,
            jobs,
            domains_at: lives.domains().map(now).collect(),
            lives,
            demo: demo.cloned(),
            at: clocks.now(scope),
        }
    }

    /// The lives and the demo, so moved that they go on from where they stood.
    fn going_on(
        &self,
        server: Timestamp,
        now: impl Fn(&str) -> Timestamp,
    ) -> (Lives, Option<Demo>) {
        let mut lives = self.lives.clone();
        lives.move_by(|domain| {
            let at = self.domains_at.get(domain).unwrap_or(&self.at);
            now(domain).millis() - at.millis()
        });
        let millis = server.millis() - self.at.millis();
        (lives, self.demo.clone().map(|demo| demo.delayed_by(millis)))
    }
}

/// A snapshot, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, ToSchema)]
pub struct SnapshotInfo {
    pub name: String,
    /// Null: of the whole server.
    #[schema(required = true)]
    pub domain_id: Option<String>,
    /// How many it holds.
    pub jobs: u64,
    /// By the clock of the domain, or the server.
    #[schema(value_type = String, format = DateTime)]
    pub saved_at: Timestamp,
}

impl Mock {
    /// Makes a mock of a store: its jobs, those of the demo, and the fixtures over them.
    ///
    /// # Errors
    /// [`MockError`] when the fixtures can't be loaded or the store not be written to.
    pub fn start(store: Arc<Store>, clocks: Arc<Clocks>, start: Start) -> Result<Self, MockError> {
        let now = clocks.now(None);
        let (demo, born) = match start.demo {
            Some(seed) => {
                let (demo, born) = Demo::start(seed, now);
                (Some(demo), born)
            }
            None => (None, Vec::new()),
        };
        let saved = Saved::new(0, 0, None, (&Lives::default(), demo.as_ref()), &clocks);
        let mock = Self {
            fixtures: Fixtures::new(start.fixtures),
            state: Mutex::new(State {
                lives: Lives::default(),
                demo,
                origin: saved.clone(),
                base: saved,
                moving: Vec::new(),
                snapshots: BTreeMap::new(),
                newest: 0,
                trouble: None,
            }),
            changes: AtomicU64::new(0),
            first_faults: start.faults,
            faults: Faults::default(),
            journal: Journal::default(),
            store,
            clocks,
        };
        {
            let mut state = mock.lock();
            let state = &mut *state;
            let mut writer = mock.store.writer()?;
            let mut change = Change::played(writer.begin(OnConflict::Replace)?, &mock.clocks);
            for life in born {
                change.put_life(life, now)?;
            }
            let jobs = change.transaction.save_state(state.origin.state, None)?;
            change.commit_with(&mut state.lives)?;
            let from = (&state.lives, state.demo.as_ref());
            state.origin = Saved::new(state.origin.state, jobs, None, from, &mock.clocks);
            state.base = state.origin.clone();
        }
        if !mock.fixtures.is_empty() {
            mock.reload()?;
        }
        mock.faults.reset(None, &mock.first_faults);
        Ok(mock)
    }

    /// Does what `act` does, as one: where it fails, nothing has changed.
    ///
    /// # Errors
    /// What `act` returns, or [`StoreError`].
    pub fn change<T, E: From<StoreError>>(
        &self,
        on_conflict: OnConflict,
        act: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = self.lock();
        let mut writer = self.store.writer()?;
        let mut change = Change::played(writer.begin(on_conflict)?, &self.clocks);
        let done = act(&mut change)?;
        change.commit_with(&mut state.lives)?;
        Ok(done)
    }

    /// Whether a job has reached the next moment of its life, or may have: a quick look, for every request.
    #[must_use]
    pub fn is_due(&self) -> bool {
        match self.state.try_lock() {
            Ok(state) => state.is_due(&self.clocks),
            Err(_) => true,
        }
    }

    /// Writes what has become of the living jobs by now.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be written.
    pub fn bring_up_to_date(&self) -> Result<(), StoreError> {
        self.catch_up(&mut self.lock())
    }

    fn catch_up(&self, state: &mut State) -> Result<(), StoreError> {
        if !state.is_due(&self.clocks) {
            return Ok(());
        }
        let mut demo = state.demo.clone();
        let now = self.clocks.now(None);
        let born = demo.iter_mut().flat_map(|demo| demo.born_until(now));
        let mut changed: Vec<(Life, Timestamp)> = born.map(|life| (life, now)).collect();
        for (life, last, now) in state.lives.due(&self.clocks) {
            if life.at(now) != *last {
                changed.push((life.clone(), now));
            }
        }
        if !changed.is_empty() {
            let mut writer = self.store.writer()?;
            let mut change = Change::played(writer.begin(OnConflict::Replace)?, &self.clocks);
            for (life, now) in changed {
                change.put_life(life, now)?;
            }
            change.commit_with(&mut state.lives)?;
        }
        state.lives.settle(&self.clocks);
        state.demo = demo;
        Ok(())
    }

    /// Sets the clock of a domain, or of the server, to what `set` makes of it, and brings the jobs up to it.
    ///
    /// # Errors
    /// [`StoreError`] when what the jobs have become can't be written; the clocks are as they were then.
    pub fn set_clock(
        &self,
        domain_id: Option<&str>,
        set: impl FnOnce(Clock) -> Clock,
    ) -> Result<(), StoreError> {
        self.change_clocks(|clocks| clocks.set(domain_id, set(clocks.of(domain_id))))
    }

    /// Gives a domain the server's clock again; with `None` all of them that of the start.
    ///
    /// # Errors
    /// As [`Mock::set_clock`].
    pub fn reset_clock(&self, domain_id: Option<&str>) -> Result<(), StoreError> {
        self.change_clocks(|clocks| clocks.reset(domain_id))
    }

    /// One at a time, so that two who set a clock by what it shows don't overlook each other.
    fn change_clocks(&self, change: impl FnOnce(&Clocks)) -> Result<(), StoreError> {
        let mut state = self.lock();
        let before = self.clocks.settings();
        change(&self.clocks);
        state.lives.disturb();
        self.catch_up(&mut state)
            .inspect_err(|_| self.clocks.put_back(before))
    }

    /// Makes the jobs of a domain, or all, and their clocks what they were at the start, and clears its faults, so that
    /// held answers go; returns how many jobs there are in it then. The snapshots and the journal stay.
    ///
    /// # Errors
    /// [`MockError::Store`] when it can't be written; nothing has changed then.
    pub fn reset(&self, domain_id: Option<&str>) -> Result<u64, MockError> {
        let mut state = self.lock();
        let state = &mut *state;
        let clock = match domain_id {
            Some(_) => self.clocks.of(None),
            None => self.clocks.start(),
        };
        let now = clock.now();
        let is_of = |draft: &&Draft| domain_id.is_none() || draft.domain_id.as_deref() == domain_id;
        let moving: Vec<_> = state.moving.iter().filter(is_of).cloned().collect();
        let base = state.base.clone();
        let going_on = base.going_on(now, |_| now);
        let jobs = self.go_back(state, &base, domain_id, going_on, |change| {
            for draft in moving {
                put_fixture(change, draft, now)?;
            }
            Ok(())
        })?;
        self.clocks.reset(domain_id);
        self.faults.reset(domain_id, &self.first_faults);
        Ok(jobs)
    }

    /// Lets everything go that waits here, and lets nothing wait any more: the server stops.
    pub fn stop(&self) {
        self.faults.release_all();
        self.journal.stop();
    }

    /// Goes back to a saved state with these lives, does what `then` does after it, and returns how many jobs the scope
    /// has.
    fn go_back(
        &self,
        state: &mut State,
        saved: &Saved,
        domain_id: Option<&str>,
        (lives, demo): (Lives, Option<Demo>),
        then: impl FnOnce(&mut Change<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let mut writer = self.store.writer()?;
        let mut change = Change::played(writer.begin(OnConflict::Replace)?, &self.clocks);
        change.transaction.restore_state(saved.state, domain_id)?;
        then(&mut change)?;
        let jobs = change.transaction.count(domain_id)?;
        let mut kept = state.lives.clone();
        kept.replace(lives, domain_id);
        change.commit_with(&mut kept)?;
        state.lives = kept;
        if domain_id.is_none() {
            state.demo = demo;
        }
        Ok(jobs)
    }

    /// Saves the jobs of a domain, or all, under a name; one of that name is replaced. Tells whether there was one.
    ///
    /// # Errors
    /// [`MockError`]: not a name, too many snapshots, or no memory.
    pub fn save(
        &self,
        name: &str,
        domain_id: Option<&str>,
    ) -> Result<(SnapshotInfo, bool), MockError> {
        let is_name = (1..=MAX_NAME_BYTES).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if !is_name {
            return Err(MockError::SnapshotName(
                name.chars().take(MAX_NAME_BYTES).collect(),
            ));
        }
        let mut state = self.lock();
        let state = &mut *state;
        self.catch_up(state)?;
        let key = (domain_id.map(str::to_owned), name.to_owned());
        let former = state.snapshots.get(&key).map(|saved| saved.state);
        let of_scope = state.snapshots.keys().filter(|(scope, _)| *scope == key.0);
        if former.is_none() && of_scope.count() >= MAX_SNAPSHOTS {
            return Err(MockError::ManySnapshots(key.0));
        }
        let mut writer = self.store.writer()?;
        let mut transaction = writer.begin(OnConflict::Replace)?;
        if let Some(former) = former {
            transaction.remove_state(former)?;
        }
        let number = state.newest + 1;
        let jobs = transaction.save_state(number, domain_id)?;
        transaction.commit()?;
        state.newest = number;
        let from = (&state.lives, state.demo.as_ref());
        let saved = Saved::new(number, jobs, domain_id, from, &self.clocks);
        let info = info(&key, &saved);
        state.snapshots.insert(key, saved);
        Ok((info, former.is_some()))
    }

    /// Makes the jobs of a domain, or all, what they were when the snapshot was saved; lives go on from where they
    /// stood. Returns how many jobs there are in it then.
    ///
    /// # Errors
    /// [`MockError::NoSnapshot`]; [`MockError::Store`] when it can't be written.
    pub fn restore(&self, name: &str, domain_id: Option<&str>) -> Result<u64, MockError> {
        let mut state = self.lock();
        let state = &mut *state;
        let key = (domain_id.map(str::to_owned), name.to_owned());
        let saved = state.snapshots.get(&key).cloned();
        let saved = saved.ok_or_else(|| state.no_snapshot(name, domain_id))?;
        let now = |domain: &str| self.clocks.now(Some(domain));
        let going_on = saved.going_on(self.clocks.now(domain_id), now);
        Ok(self.go_back(state, &saved, domain_id, going_on, |_| Ok(()))?)
    }

    /// Forgets a snapshot.
    ///
    /// # Errors
    /// [`MockError::NoSnapshot`].
    pub fn forget(&self, name: &str, domain_id: Option<&str>) -> Result<(), MockError> {
        let mut state = self.lock();
        let key = (domain_id.map(str::to_owned), name.to_owned());
        let Some(number) = state.snapshots.get(&key).map(|saved| saved.state) else {
            return Err(state.no_snapshot(name, domain_id));
        };
        let mut writer = self.store.writer()?;
        let mut transaction = writer.begin(OnConflict::Replace)?;
        transaction.remove_state(number)?;
        transaction.commit()?;
        state.snapshots.remove(&key);
        Ok(())
    }

    /// The snapshots of a domain, or with `None` all: first those of the whole server, then by domain and name.
    #[must_use]
    pub fn snapshots(&self, domain_id: Option<&str>) -> Vec<SnapshotInfo> {
        let state = self.lock();
        let all = state.snapshots.iter();
        all.filter(|((domain, _), _)| domain_id.is_none() || domain.as_deref() == domain_id)
            .map(|(key, saved)| info(key, saved))
            .collect()
    }

    /// What is wrong with the fixtures since they were changed, where the state before still holds.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    /// Another number after each change that is not in the database.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Loads the fixtures: the jobs become what they are at the start with these put over them.
    ///
    /// # Errors
    /// [`MockError`] names the file, line and field; nothing has changed then.
    pub fn reload(&self) -> Result<(), MockError> {
        let drafts = self.fixtures.read(self.clocks.now(None))?;
        let mut state = self.lock();
        let state = &mut *state;
        let now = self.clocks.now(None);
        let number = state.newest + 1;
        let (mut lives, demo) = state
            .origin
            .going_on(now, |domain| self.clocks.now(Some(domain)));
        let mut writer = self.store.writer()?;
        let mut change = Change::played(writer.begin(OnConflict::Replace)?, &self.clocks);
        change.transaction.restore_state(state.origin.state, None)?;
        let moves = |draft: &&Draft| draft.life.is_some() || draft.created_at.is_none();
        let moving: Vec<_> = drafts.iter().filter(moves).cloned().collect();
        for draft in drafts {
            let now = self.clocks.now(draft.domain_id.as_deref());
            put_fixture(&mut change, draft, now)?;
        }
        if state.base.state != state.origin.state {
            change.transaction.remove_state(state.base.state)?;
        }
        let jobs = change.transaction.save_state(number, None)?;
        for draft in &moving {
            if let (Some(domain_id), Some(job_id)) = (&draft.domain_id, &draft.job_id) {
                change
                    .transaction
                    .exclude_from_state(number, domain_id, job_id)?;
            }
        }
        change.commit_with(&mut lives)?;
        state.newest = number;
        state.base = Saved::new(number, jobs, None, (&lives, demo.as_ref()), &self.clocks);
        state.lives = lives;
        state.demo = demo;
        state.moving = moving;
        Ok(())
    }

    /// Loads the fixtures whenever their files change; ends at once where there are none. A change that can't be loaded
    /// keeps what was, is logged, and stands in [`Mock::trouble`] until the next that can.
    pub async fn watch_fixtures(self: Arc<Self>) {
        if self.fixtures.is_empty() {
            return;
        }
        let mut interval = tokio::time::interval(WATCH_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let mock = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || mock.look()).await {
                log::error!("a look at the fixtures ended in a panic: {error}");
            }
        }
    }

    fn look(&self) {
        if !self.fixtures.have_changed() {
            return;
        }
        let trouble = match self.reload() {
            Ok(()) => {
                log::info!("the fixtures have changed and were loaded");
                None
            }
            Err(error) => {
                log::error!("the fixtures have changed, but what was before still holds: {error}");
                Some(error.to_string())
            }
        };
        self.lock().trouble = trouble;
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic within a change has rolled its transaction back and has not touched the rest.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_due(&self, clocks: &Clocks) -> bool {
        let is_born = |demo: &Demo| demo.next_birth() <= clocks.now(None);
        self.lives.is_due(clocks) || self.demo.as_ref().is_some_and(is_born)
    }

    fn no_snapshot(&self, name: &str, domain_id: Option<&str>) -> MockError {
        let of_scope = self
            .snapshots
            .keys()
            .filter(|(domain, _)| domain.as_deref() == domain_id);
        MockError::NoSnapshot {
            name: name.chars().take(MAX_NAME_BYTES).collect(),
            domain_id: domain_id.map(str::to_owned),
            known: of_scope.map(|(_, name)| name.clone()).collect(),
        }
    }
}

/// Writes a fixture, which was found to make a job when it was read.
fn put_fixture(change: &mut Change<'_>, draft: Draft, now: Timestamp) -> Result<(), StoreError> {
    match Life::from_draft(draft, now) {
        Ok(life) => change.put_life(life, now).map(|_| ()),
        Err(problem) => {
            log::error!("a fixture makes no job any more, and is left out: {problem}");
            Ok(())
        }
    }
}

fn info((domain_id, name): &(Option<String>, String), saved: &Saved) -> SnapshotInfo {
    SnapshotInfo {
        name: name.clone(),
        domain_id: domain_id.clone(),
        jobs: saved.jobs,
        saved_at: saved.at,
    }
}
