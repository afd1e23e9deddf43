//! Loads the fixtures of a mock at the start, and again when their files change.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::change::Change;
use super::error::MockError;
use super::fixtures::Fixture;
use super::saved_state::SavedState;
use super::state::Mock;
use crate::job::{Draft, Life};
use crate::store::{OnConflict, StoreError};
use crate::time::Timestamp;

/// The interval between two checks of the fixtures for a change.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

impl Mock {
    /// Loads the fixtures: restores the jobs of the start, and puts those of the fixtures over them.
    ///
    /// # Errors
    /// [`MockError`] names the file, line and field; nothing is changed then.
    pub fn reload(&self) -> Result<(), MockError> {
        let fixtures = self.fixtures.read(self.clocks.now(None))?;
        let mut state = self.lock();
        let state = &mut *state;
        let now = self.clocks.now(None);
        let number = state.last_state_id + 1;
        let (mut lives, demo) = state
            .origin
            .resumed(now, |domain| self.clocks.now(Some(domain)));
        let mut writer = self.store.writer()?;
        let mut change = Change::with_lives(writer.begin(OnConflict::Replace)?, &self.clocks);
        change.transaction.restore_state(state.origin.state, None)?;
        let is_relative = |draft: &Draft| draft.life.is_some() || draft.created_at.is_none();
        let mut relative = Vec::new();
        for fixture in fixtures {
            match fixture {
                Fixture::Plain(imported) => change.put_imported(&imported)?,
                Fixture::Draft(draft) => {
                    if is_relative(&draft) {
                        relative.push(Draft::clone(&draft));
                    }
                    let now = self.clocks.now(draft.domain_id.as_deref());
                    put_fixture(&mut change, *draft, now)?;
                }
            }
        }
        if state.base.state != state.origin.state {
            change.transaction.remove_state(state.base.state)?;
        }
        let jobs = change.transaction.save_state(number, None)?;
        for draft in &relative {
            if let (Some(domain_id), Some(job_id)) = (&draft.domain_id, &draft.job_id) {
                change
                    .transaction
                    .exclude_from_state(number, domain_id, job_id)?;
            }
        }
        change.commit_with(&mut lives)?;
        state.last_state_id = number;
        state.base = SavedState::new(number, jobs, None, (&lives, demo.as_ref()), &self.clocks);
        state.lives = lives;
        state.demo = demo;
        state.relative_fixtures = relative;
        Ok(())
    }

    /// Loads the fixtures whenever their files change; returns immediately if there are none. If a change can't be
    /// loaded, the jobs stay as they are, and the problem is logged and is [`Mock::fixtures_error`] until the next good
    /// change.
    pub async fn watch_fixtures(self: Arc<Self>) {
        if self.fixtures.is_empty() {
            return;
        }
        let mut interval = tokio::time::interval(WATCH_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let mock = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || mock.reload_if_changed()).await
            {
                log::error!("loading the fixtures panicked: {error}");
            }
        }
    }

    fn reload_if_changed(&self) {
        if !self.fixtures.poll_changed() {
            return;
        }
        let error = match self.reload() {
            Ok(()) => {
                log::info!("the fixtures have changed and were loaded");
                None
            }
            Err(error) => {
                log::error!(
                    "the fixtures have changed, but can't be loaded; the jobs stay as they were: {error}"
                );
                Some(error.to_string())
            }
        };
        self.lock().fixtures_error = error;
        self.version.fetch_add(1, Ordering::SeqCst);
    }
}

/// Writes the job of a fixture, whose draft was checked when it was read.
pub(super) fn put_fixture(
    change: &mut Change<'_>,
    draft: Draft,
    now: Timestamp,
) -> Result<(), StoreError> {
    match Life::from_draft(draft, now) {
        Ok(life) => change.put_life(life, now).map(|_| ()),
        Err(problem) => {
            log::error!("a fixture makes no job any more and is left out: {problem}");
            Ok(())
        }
    }
}
