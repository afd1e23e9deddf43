//! The snapshots of a mock: saves, restores, lists and deletes saved states under a name.

use super::error::{MAX_SNAPSHOTS, MockError};
use super::saved_state::{SavedState, SnapshotInfo};
use super::state::{Mock, State};
use crate::store::OnConflict;

/// The longest name of a snapshot, in bytes.
const MAX_NAME_BYTES: usize = 100;

impl Mock {
    /// Saves the jobs of a domain, or all, as a snapshot; replaces one of the same name. Returns whether it replaced
    /// one.
    ///
    /// # Errors
    /// [`MockError`] when the name is not allowed, there are too many snapshots, or the store can't be written.
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
            return Err(MockError::TooManySnapshots(key.0));
        }
        let mut writer = self.store.writer()?;
        let mut transaction = writer.begin(OnConflict::Replace)?;
        if let Some(former) = former {
            transaction.remove_state(former)?;
        }
        let number = state.last_state_id + 1;
        let jobs = transaction.save_state(number, domain_id)?;
        transaction.commit()?;
        state.last_state_id = number;
        let from = (&state.lives, state.demo.as_ref());
        let saved = SavedState::new(number, jobs, domain_id, from, &self.clocks);
        let info = saved.info(name, domain_id);
        state.snapshots.insert(key, saved);
        Ok((info, former.is_some()))
    }

    /// Restores the jobs of a domain, or all, from a snapshot; their lives continue. Returns the number of jobs of the
    /// domain, or of all.
    ///
    /// # Errors
    /// [`MockError::NoSnapshot`]; [`MockError::Store`] when the store can't be written.
    pub fn restore(&self, name: &str, domain_id: Option<&str>) -> Result<u64, MockError> {
        let mut state = self.lock();
        let state = &mut *state;
        let key = (domain_id.map(str::to_owned), name.to_owned());
        let saved = state.snapshots.get(&key).cloned();
        let saved = saved.ok_or_else(|| state.no_snapshot(name, domain_id))?;
        let now = |domain: &str| self.clocks.now(Some(domain));
        let resumed = saved.resumed(self.clocks.now(domain_id), now);
        Ok(self.go_back(state, &saved, domain_id, resumed, |_| Ok(()))?)
    }

    /// Deletes a snapshot.
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

    /// Lists the snapshots of a domain, or with `None` all: first those of the whole server, then by domain and name.
    #[must_use]
    pub fn snapshots(&self, domain_id: Option<&str>) -> Vec<SnapshotInfo> {
        let state = self.lock();
        let all = state.snapshots.iter();
        all.filter(|((domain, _), _)| domain_id.is_none() || domain.as_deref() == domain_id)
            .map(|((domain, name), saved)| saved.info(name, domain.as_deref()))
            .collect()
    }
}

impl State {
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
