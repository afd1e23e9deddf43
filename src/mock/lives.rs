//! The jobs that are going on, and when each of them changes next.

use std::collections::BTreeMap;

use crate::clock::Clocks;
use crate::job::{Job, Life};
use crate::time::Timestamp;

/// A job that has not come to its end.
#[derive(Debug, Clone)]
pub(super) struct Playing {
    life: Life,
    /// As it was last written.
    last: Job,
    /// When it is another.
    next: Timestamp,
}

impl Playing {
    /// A life whose job was written now; `None` where nothing happens any more.
    pub(super) fn new(life: Life, job: &Job, now: Timestamp) -> Option<Self> {
        let next = life.next_change(now)?;
        Some(Self {
            life,
            last: job.clone(),
            next,
        })
    }
}

/// Living jobs by domain and id.
#[derive(Debug, Clone, Default)]
pub(super) struct Lives {
    domains: BTreeMap<String, BTreeMap<String, Playing>>,
    /// Whether a clock was set: then every job is looked at.
    is_disturbed: bool,
}

impl Lives {
    /// Gives a job a life, or takes it.
    pub(super) fn set(&mut self, domain_id: &str, job_id: &str, playing: Option<Playing>) {
        match playing {
            Some(playing) => {
                let jobs = self.domains.entry(domain_id.to_owned()).or_default();
                jobs.insert(job_id.to_owned(), playing);
            }
            None => {
                if let Some(jobs) = self.domains.get_mut(domain_id) {
                    jobs.remove(job_id);
                    if jobs.is_empty() {
                        self.domains.remove(domain_id);
                    }
                }
            }
        }
    }

    pub(super) fn remove_domain(&mut self, domain_id: &str) {
        self.domains.remove(domain_id);
    }

    /// Has every job looked at the next time, since a clock was set.
    pub(super) fn disturb(&mut self) {
        self.is_disturbed = true;
    }

    pub(super) fn is_due(&self, clocks: &Clocks) -> bool {
        self.is_disturbed
            || self.domains.iter().any(|(domain_id, jobs)| {
                let now = clocks.now(Some(domain_id));
                jobs.values().any(|playing| playing.next <= now)
            })
    }

    /// The lives whose jobs may have changed, each with its job as it was last written and the moment of its domain.
    pub(super) fn due(&self, clocks: &Clocks) -> Vec<(&Life, &Job, Timestamp)> {
        let mut due = Vec::new();
        for (domain_id, jobs) in &self.domains {
            let now = clocks.now(Some(domain_id));
            let of_domain = jobs
                .values()
                .filter(|playing| self.is_disturbed || playing.next <= now)
                .map(|playing| (&playing.life, &playing.last, now));
            due.extend(of_domain);
        }
        due
    }

    /// Notes that all that was due is written.
    pub(super) fn settle(&mut self, clocks: &Clocks) {
        if std::mem::take(&mut self.is_disturbed) {
            for (domain_id, jobs) in &mut self.domains {
                let now = clocks.now(Some(domain_id));
                for playing in jobs.values_mut() {
                    // A clock that was set back makes the next change come earlier, even where the job is the same.
                    playing.next = playing.life.next_change(now).unwrap_or(playing.next);
                }
            }
        }
    }

    /// Moves all that is to come, by so many milliseconds in each domain, so that a state goes on from where it stood.
    pub(super) fn move_by(&mut self, millis: impl Fn(&str) -> i64) {
        for (domain_id, jobs) in &mut self.domains {
            let millis = millis(domain_id);
            for playing in jobs.values_mut() {
                playing.life = playing.life.clone().delayed_by(millis);
                playing.next = playing.next.plus_millis(millis);
            }
        }
    }

    /// The domains that have living jobs.
    pub(super) fn domains(&self) -> impl Iterator<Item = &str> {
        self.domains.keys().map(String::as_str)
    }

    /// Those of a domain, or all.
    pub(super) fn within(&self, domain_id: Option<&str>) -> Self {
        let is_within = |(domain, _): &(&String, &_)| domain_id.is_none_or(|id| id == *domain);
        let domains = self.domains.iter().filter(is_within);
        Self {
            domains: domains
                .map(|(id, jobs)| (id.clone(), jobs.clone()))
                .collect(),
            is_disturbed: false,
        }
    }

    /// Takes the lives of a domain, or all, from another state.
    pub(super) fn replace(&mut self, other: Self, domain_id: Option<&str>) {
        match domain_id {
            None => *self = other,
            Some(domain_id) => {
                self.domains.remove(domain_id);
                self.domains.extend(other.within(Some(domain_id)).domains);
            }
        }
    }
}
