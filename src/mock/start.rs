//! Starts a mock, and resets it to its start.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use super::change::Change;
use super::error::MockError;
use super::faults::{Fault, Faults};
use super::fixtures::Fixtures;
use super::journal::Journal;
use super::lives::Lives;
use super::reload::put_fixture;
use super::saved_state::SavedState;
use super::state::{Mock, State};
use crate::clock::Clocks;
use crate::demo::Demo;
use crate::job::Draft;
use crate::store::{OnConflict, Store};

/// The jobs and faults that a mock starts with, and that a reset restores.
#[derive(Debug, Clone, Default)]
pub struct MockConfig {
    /// The seed of a demo: jobs at the start, and new ones as time passes.
    pub demo: Option<u64>,
    /// Files, or folders of files, whose jobs are put over those in the database.
    pub fixtures: Vec<PathBuf>,
    /// Faults that are set at the start, and again by a reset.
    pub faults: Vec<Fault>,
}

impl Mock {
    /// Starts a mock on a store: adds the jobs of the demo, then puts the fixtures over all.
    ///
    /// # Errors
    /// [`MockError`] when the fixtures can't be loaded or the store can't be written.
    pub fn start(
        store: Arc<Store>,
        clocks: Arc<Clocks>,
        config: MockConfig,
    ) -> Result<Self, MockError> {
        let now = clocks.now(None);
        let (demo, new_jobs) = match config.demo {
            Some(seed) => {
                let (demo, new_jobs) = Demo::start(seed, now);
                (Some(demo), new_jobs)
            }
            None => (None, Vec::new()),
        };
        let saved = SavedState::new(0, 0, None, (&Lives::default(), demo.as_ref()), &clocks);
        let mock = Self {
            fixtures: Fixtures::new(config.fixtures),
            state: Mutex::new(State {
                lives: Lives::default(),
                demo,
                origin: saved.clone(),
                base: saved,
                relative_fixtures: Vec::new(),
                snapshots: BTreeMap::new(),
                last_state_id: 0,
                fixtures_error: None,
            }),
            version: AtomicU64::new(0),
            initial_faults: config.faults,
            faults: Faults::default(),
            journal: Journal::default(),
            store,
            clocks,
        };
        {
            let mut state = mock.lock();
            let state = &mut *state;
            let mut writer = mock.store.writer()?;
            let mut change = Change::with_lives(writer.begin(OnConflict::Replace)?, &mock.clocks);
            for life in new_jobs {
                change.put_life(life, now)?;
            }
            let jobs = change.transaction.save_state(state.origin.state, None)?;
            change.commit_with(&mut state.lives)?;
            let from = (&state.lives, state.demo.as_ref());
            state.origin = SavedState::new(state.origin.state, jobs, None, from, &mock.clocks);
            state.base = state.origin.clone();
        }
        if !mock.fixtures.is_empty() {
            mock.reload()?;
        }
        mock.faults.reset(None, &mock.initial_faults);
        Ok(mock)
    }

    /// Resets the jobs, clocks and faults of a domain, or all, to the start, which ends the waits of held answers.
    /// Returns the number of jobs of the domain, or of all. Snapshots and the journal stay.
    ///
    /// # Errors
    /// [`MockError::Store`] when the store can't be written; nothing is changed then.
    pub fn reset(&self, domain_id: Option<&str>) -> Result<u64, MockError> {
        let mut state = self.lock();
        let state = &mut *state;
        let clock = match domain_id {
            Some(_) => self.clocks.clock(None),
            None => self.clocks.initial(),
        };
        let now = clock.now();
        let is_of = |draft: &&Draft| domain_id.is_none() || draft.domain_id.as_deref() == domain_id;
        let relative: Vec<_> = state
            .relative_fixtures
            .iter()
            .filter(is_of)
            .cloned()
            .collect();
        let base = state.base.clone();
        let resumed = base.resumed(now, |_| now);
        let jobs = self.go_back(state, &base, domain_id, resumed, |change| {
            for draft in relative {
                put_fixture(change, draft, now)?;
            }
            Ok(())
        })?;
        self.clocks.reset(domain_id);
        self.faults.reset(domain_id, &self.initial_faults);
        Ok(jobs)
    }
}
