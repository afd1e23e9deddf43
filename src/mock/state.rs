//! `Mock` and its state: jobs, their lives, and clocks.
//!
//! Every write holds one lock: the jobs in the database and their lives in memory change together or not at all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::change::Change;
use super::faults::{Fault, Faults};
use super::fixtures::Fixtures;
use super::journal::Journal;
use super::lives::Lives;
use super::saved_state::SavedState;
use crate::clock::{Clock, Clocks};
use crate::demo::Demo;
use crate::job::{Draft, Life};
use crate::store::{OnConflict, StateId, Store, StoreError};
use crate::time::Timestamp;

/// A mock: its jobs are in the store, all else is in memory.
#[derive(Debug)]
pub struct Mock {
    pub(super) store: Arc<Store>,
    pub(super) clocks: Arc<Clocks>,
    pub(super) fixtures: Fixtures,
    pub(super) state: Mutex<State>,
    /// How often [`Mock::fixtures_error`] was set.
    pub(super) version: AtomicU64,
    /// The faults that are set at the start, and again by a reset.
    pub(super) initial_faults: Vec<Fault>,
    pub faults: Faults,
    pub journal: Journal,
}

/// The state of a mock in memory.
#[derive(Debug)]
pub(super) struct State {
    pub(super) lives: Lives,
    pub(super) demo: Option<Demo>,
    /// The jobs before the fixtures are put over them.
    pub(super) origin: SavedState,
    /// The state that a reset restores, without the relative fixtures.
    pub(super) base: SavedState,
    /// The fixtures with a life or without `created_at`: a reset puts them again, at its own time.
    pub(super) relative_fixtures: Vec<Draft>,
    /// By scope and name; the scope `None` is the whole server.
    pub(super) snapshots: BTreeMap<(Option<String>, String), SavedState>,
    pub(super) last_state_id: StateId,
    pub(super) fixtures_error: Option<String>,
}

impl Mock {
    /// Runs `act` in one transaction: if it fails, nothing is changed.
    ///
    /// # Errors
    /// The error of `act`, or [`StoreError`].
    pub fn change<T, E: From<StoreError>>(
        &self,
        on_conflict: OnConflict,
        act: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = self.lock();
        let mut writer = self.store.writer()?;
        let mut change = Change::with_lives(writer.begin(on_conflict)?, &self.clocks);
        let done = act(&mut change)?;
        change.commit_with(&mut state.lives)?;
        Ok(done)
    }

    /// Whether a job may have reached the next change of its life. Quick, because it runs for every request.
    #[must_use]
    pub fn is_due(&self) -> bool {
        match self.state.try_lock() {
            Ok(state) => state.is_due(&self.clocks),
            Err(_) => true,
        }
    }

    /// Writes the living jobs as they are now.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be written.
    pub fn bring_up_to_date(&self) -> Result<(), StoreError> {
        self.catch_up(&mut self.lock())
    }

    /// As [`Mock::bring_up_to_date`], under the lock.
    pub(super) fn catch_up(&self, state: &mut State) -> Result<(), StoreError> {
        if !state.is_due(&self.clocks) {
            return Ok(());
        }
        let mut demo = state.demo.clone();
        let now = self.clocks.now(None);
        let new_jobs = demo.iter_mut().flat_map(|demo| demo.jobs_until(now));
        let mut changed: Vec<(Life, Timestamp)> = new_jobs.map(|life| (life, now)).collect();
        for (life, last, now) in state.lives.due(&self.clocks) {
            if life.at(now) != *last {
                changed.push((life.clone(), now));
            }
        }
        if !changed.is_empty() {
            let mut writer = self.store.writer()?;
            let mut change = Change::with_lives(writer.begin(OnConflict::Replace)?, &self.clocks);
            for (life, now) in changed {
                change.put_life(life, now)?;
            }
            change.commit_with(&mut state.lives)?;
        }
        state.lives.mark_written(&self.clocks);
        state.demo = demo;
        Ok(())
    }

    /// Replaces the clock of a domain, or of the server, by what `set` returns for it, and brings the jobs up to date.
    ///
    /// # Errors
    /// [`StoreError`] when the jobs can't be written; the clocks are unchanged then.
    pub fn set_clock(
        &self,
        domain_id: Option<&str>,
        set: impl FnOnce(Clock) -> Clock,
    ) -> Result<(), StoreError> {
        self.change_clocks(|clocks| clocks.set(domain_id, set(clocks.clock(domain_id))))
    }

    /// Removes the clock of a domain, so that it has the server's; with `None` resets all clocks to the start.
    ///
    /// # Errors
    /// As [`Mock::set_clock`].
    pub fn reset_clock(&self, domain_id: Option<&str>) -> Result<(), StoreError> {
        self.change_clocks(|clocks| clocks.reset(domain_id))
    }

    /// Changes the clocks under the lock, so that two requests that advance a clock both count.
    fn change_clocks(&self, change: impl FnOnce(&Clocks)) -> Result<(), StoreError> {
        let mut state = self.lock();
        let before = self.clocks.settings();
        change(&self.clocks);
        state.lives.check_all();
        self.catch_up(&mut state)
            .inspect_err(|_| self.clocks.restore(before))
    }

    /// Ends all waits and allows no new ones: the server stops.
    pub fn stop(&self) {
        self.faults.release_all();
        self.journal.stop();
    }

    /// Restores a saved state with these lives and runs `then` in the same transaction. Returns the number of jobs of
    /// the domain, or of all.
    pub(super) fn go_back(
        &self,
        state: &mut State,
        saved: &SavedState,
        domain_id: Option<&str>,
        (lives, demo): (Lives, Option<Demo>),
        then: impl FnOnce(&mut Change<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let mut writer = self.store.writer()?;
        let mut change = Change::with_lives(writer.begin(OnConflict::Replace)?, &self.clocks);
        change.transaction.restore_state(saved.state, domain_id)?;
        then(&mut change)?;
        let jobs = change.transaction.count(domain_id)?;
        let mut new_lives = state.lives.clone();
        new_lives.replace(lives, domain_id);
        change.commit_with(&mut new_lives)?;
        state.lives = new_lives;
        if domain_id.is_none() {
            state.demo = demo;
        }
        Ok(jobs)
    }

    /// Returns why the changed fixtures could not be loaded; `None` if they are loaded.
    #[must_use]
    pub fn fixtures_error(&self) -> Option<String> {
        self.lock().fixtures_error.clone()
    }

    /// Returns a number that differs after each change that is not in the database.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic within a change has rolled back its transaction and changed nothing in memory.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_due(&self, clocks: &Clocks) -> bool {
        let has_new_job = |demo: &Demo| demo.is_due(clocks.now(None));
        self.lives.is_due(clocks) || self.demo.as_ref().is_some_and(has_new_job)
    }
}
