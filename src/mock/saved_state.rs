//! A saved state of a mock: its lives and demo, and the number of its jobs in the store; it is a snapshot or the start.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::lives::Lives;
use crate::clock::Clocks;
use crate::demo::Demo;
use crate::store::StateId;
use crate::time::Timestamp;

/// A saved state. Its jobs are in the store, under the number `state`.
#[derive(Debug, Clone)]
pub(super) struct SavedState {
    pub(super) state: StateId,
    jobs: u64,
    lives: Lives,
    demo: Option<Demo>,
    /// When it was saved, by the clock of its scope.
    at: Timestamp,
    /// The same, by the clock of each domain that has living jobs.
    domains_at: BTreeMap<String, Timestamp>,
}

impl SavedState {
    /// Describes the present state of a domain, or with `None` of the whole server.
    pub(super) fn new(
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

    /// Returns the lives, moved in time so that they continue, and the demo, which continues with the jobs after now.
    /// `server_now` is the time of the scope, `now` that of a domain.
    pub(super) fn resumed(
        &self,
        server_now: Timestamp,
        now: impl Fn(&str) -> Timestamp,
    ) -> (Lives, Option<Demo>) {
        let mut lives = self.lives.clone();
        lives.move_by(|domain| {
            let at = self.domains_at.get(domain).unwrap_or(&self.at);
            now(domain).millis() - at.millis()
        });
        let demo = self.demo.clone();
        (lives, demo.map(|demo| demo.resumed_at(server_now)))
    }

    /// Describes it as the snapshot of a name.
    pub(super) fn info(&self, name: &str, domain_id: Option<&str>) -> SnapshotInfo {
        SnapshotInfo {
            name: name.to_owned(),
            domain_id: domain_id.map(str::to_owned),
            jobs: self.jobs,
            saved_at: self.at,
        }
    }
}

/// A snapshot as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SnapshotInfo {
    pub name: String,
    /// Null: a snapshot of the whole server.
    #[schema(required = true)]
    pub domain_id: Option<String>,
    /// The number of jobs.
    pub jobs: u64,
    /// By the clock of the domain or the server.
    #[schema(value_type = String, format = DateTime)]
    pub saved_at: Timestamp,
}
