//! `Change`: a transaction that writes jobs together with their lives.

use super::lives::{Lives, LivingJob};
use crate::clock::Clocks;
use crate::job::{Draft, ImportedJob, Job, LIFE_NEEDS_MOCK, Life};
use crate::store::{NewJob, StoreError, WriteTransaction, Written};
use crate::time::Timestamp;
use crate::transfer::Refusal;

/// A transaction that writes jobs and their lives.
#[derive(Debug)]
pub struct Change<'w> {
    pub(super) transaction: WriteTransaction<'w>,
    clocks: &'w Clocks,
    /// The changes of lives, made at the commit; `None` if there is no mock.
    lives: Option<Vec<LifeChange>>,
}

/// A change of the living jobs.
#[derive(Debug)]
enum LifeChange {
    /// Sets or removes the life of a job: domain, job and life.
    Job(String, String, Option<Box<LivingJob>>),
    /// Removes all lives of a domain.
    Domain(String),
}

impl<'w> Change<'w> {
    /// Makes a change without a mock, which refuses a draft with a life.
    #[must_use]
    pub fn without_lives(transaction: WriteTransaction<'w>, clocks: &'w Clocks) -> Self {
        Self {
            transaction,
            clocks,
            lives: None,
        }
    }

    /// Makes a change of a mock; [`Change::commit_with`] commits it.
    pub(super) fn with_lives(transaction: WriteTransaction<'w>, clocks: &'w Clocks) -> Self {
        Self {
            transaction,
            clocks,
            lives: Some(Vec::new()),
        }
    }

    /// Writes the job of a draft; its life, if it has one, begins now.
    ///
    /// # Errors
    /// [`Refusal::Job`] when the draft makes no job; else as [`WriteTransaction::put`].
    pub fn put(&mut self, draft: Draft) -> Result<(Written, Job), Refusal> {
        let now = self.clocks.now(draft.domain_id.as_deref());
        self.put_at(draft, now)
    }

    /// Writes the job that a client reports: as [`Change::put`], but a job that has ended gets its `finished_at`.
    ///
    /// # Errors
    /// As [`Change::put`], and those of [`Draft::settle_end`].
    pub fn put_reported(&mut self, mut draft: Draft) -> Result<(Written, Job), Refusal> {
        let now = self.clocks.now(draft.domain_id.as_deref());
        draft.settle_end(now).map_err(Refusal::Job)?;
        self.put_at(draft, now)
    }

    fn put_at(&mut self, draft: Draft, now: Timestamp) -> Result<(Written, Job), Refusal> {
        if draft.life.is_some() && self.lives.is_none() {
            return Err(Refusal::Job(LIFE_NEEDS_MOCK.to_owned()));
        }
        let life = Life::from_draft(draft, now).map_err(Refusal::Job)?;
        Ok(self.put_life(life, now)?)
    }

    /// Writes the job of a life as it is `now`, and plays the life from then on.
    pub(super) fn put_life(
        &mut self,
        life: Life,
        now: Timestamp,
    ) -> Result<(Written, Job), StoreError> {
        let job = life.at(now);
        let written = self.transaction.put(&job)?;
        if written != Written::Skipped
            && let Some(lives) = &mut self.lives
        {
            let (domain_id, job_id) = (job.domain_id.clone(), job.job_id.clone());
            let living = LivingJob::new(life, &job, now).map(Box::new);
            lives.push(LifeChange::Job(domain_id, job_id, living));
        }
        Ok((written, job))
    }

    /// Writes a whole job, which has no life.
    pub(super) fn put_imported(&mut self, imported: &ImportedJob) -> Result<(), StoreError> {
        let written = self.transaction.put_new(&mut NewJob::of_import(imported))?;
        if written != Written::Skipped
            && let Some(lives) = &mut self.lives
        {
            let (domain_id, job_id) = (&imported.job.domain_id, &imported.job.job_id);
            lives.push(LifeChange::Job(domain_id.clone(), job_id.clone(), None));
        }
        Ok(())
    }

    /// Returns the document of a job.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn find(&self, domain_id: &str, job_id: &str) -> Result<Option<String>, StoreError> {
        self.transaction.find(domain_id, job_id)
    }

    /// Returns the present time by the clock of a domain.
    #[must_use]
    pub fn now(&self, domain_id: &str) -> Timestamp {
        self.clocks.now(Some(domain_id))
    }

    /// Deletes a job; returns whether it existed.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full.
    pub fn delete(&mut self, domain_id: &str, job_id: &str) -> Result<bool, StoreError> {
        if let Some(lives) = &mut self.lives {
            lives.push(LifeChange::Job(
                domain_id.to_owned(),
                job_id.to_owned(),
                None,
            ));
        }
        self.transaction.delete(domain_id, job_id)
    }

    /// Deletes every job of a domain; returns their number.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full.
    pub fn delete_domain(&mut self, domain_id: &str) -> Result<u64, StoreError> {
        if let Some(lives) = &mut self.lives {
            lives.push(LifeChange::Domain(domain_id.to_owned()));
        }
        self.transaction.delete_domain(domain_id)
    }

    /// Commits the change.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full; nothing is written then.
    pub fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit()
    }

    /// Commits the change, then changes the living jobs.
    pub(super) fn commit_with(self, lives: &mut Lives) -> Result<(), StoreError> {
        self.transaction.commit()?;
        for change in self.lives.into_iter().flatten() {
            match change {
                LifeChange::Job(domain_id, job_id, living) => {
                    lives.set(&domain_id, &job_id, living.map(|living| *living));
                }
                LifeChange::Domain(domain_id) => lives.remove_domain(&domain_id),
            }
        }
        Ok(())
    }
}
