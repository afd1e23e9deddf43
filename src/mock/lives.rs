//! The living jobs of a mock, and the time of the next change of each.

use std::collections::BTreeMap;

use crate::clock::Clocks;
use crate::job::{Job, Life};
use crate::time::Timestamp;

/// A job that still changes.
#[derive(Debug, Clone)]
pub(super) struct LivingJob {
    life: Life,
    /// The job as it was last written.
    last: Job,
    /// The time of the next change.
    next: Timestamp,
}

impl LivingJob {
    /// Makes a living job, which was written now; `None` if it does not change any more.
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
    domains: BTreeMap<String, BTreeMap<String, LivingJob>>,
    /// Whether a clock was set: then every job may have changed.
    must_check_all: bool,
}

impl Lives {
    /// Sets or removes the life of a job.
    pub(super) fn set(&mut self, domain_id: &str, job_id: &str, job: Option<LivingJob>) {
        match job {
            Some(job) => {
                let jobs = self.domains.entry(domain_id.to_owned()).or_default();
                jobs.insert(job_id.to_owned(), job);
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

    /// Makes every job due, because a clock was set.
    pub(super) fn check_all(&mut self) {
        self.must_check_all = true;
    }

    pub(super) fn is_due(&self, clocks: &Clocks) -> bool {
        self.must_check_all
            || self.domains.iter().any(|(domain_id, jobs)| {
                let now = clocks.now(Some(domain_id));
                jobs.values().any(|job| job.next <= now)
            })
    }

    /// Returns the lives whose jobs may have changed, each with its job as it was last written and the time of its
    /// domain.
    pub(super) fn due(&self, clocks: &Clocks) -> Vec<(&Life, &Job, Timestamp)> {
        let mut due = Vec::new();
        for (domain_id, jobs) in &self.domains {
            let now = clocks.now(Some(domain_id));
            let of_domain = jobs
                .values()
                .filter(|job| self.must_check_all || job.next <= now)
                .map(|job| (&job.life, &job.last, now));
            due.extend(of_domain);
        }
        due
    }

    /// Notes that all due jobs are written.
    pub(super) fn mark_written(&mut self, clocks: &Clocks) {
        if std::mem::take(&mut self.must_check_all) {
            for (domain_id, jobs) in &mut self.domains {
                let now = clocks.now(Some(domain_id));
                for job in jobs.values_mut() {
                    // After a clock was set back the next change is earlier, even if the job is the same.
                    job.next = job.life.next_change(now).unwrap_or(job.next);
                }
            }
        }
    }

    /// Moves all future changes later, by `millis` of each domain.
    pub(super) fn move_by(&mut self, millis: impl Fn(&str) -> i64) {
        for (domain_id, jobs) in &mut self.domains {
            let millis = millis(domain_id);
            for job in jobs.values_mut() {
                job.life = job.life.clone().delayed_by(millis);
                job.next = job.next.plus_millis(millis);
            }
        }
    }

    /// Returns the domains that have living jobs.
    pub(super) fn domains(&self) -> impl Iterator<Item = &str> {
        self.domains.keys().map(String::as_str)
    }

    /// Returns the living jobs of a domain, or with `None` all.
    pub(super) fn within(&self, domain_id: Option<&str>) -> Self {
        let is_within = |(domain, _): &(&String, &_)| domain_id.is_none_or(|id| id == *domain);
        let domains = self.domains.iter().filter(is_within);
        Self {
            domains: domains
                .map(|(id, jobs)| (id.clone(), jobs.clone()))
                .collect(),
            must_check_all: false,
        }
    }

    /// Replaces the living jobs of a domain, or with `None` all, by those of `other`.
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
