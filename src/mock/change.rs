//! Writing jobs together with what is known of their lives.

use super::lives::{Lives, Playing};
use crate::clock::Clocks;
use crate::job::{Draft, Job, LIFE_NEEDS_MOCK, Life};
use crate::store::{StoreError, WriteTransaction, Written};
use crate::time::Timestamp;
use crate::transfer::Refusal;

/// Jobs being written, with their lives; nothing holds until it is committed.
#[derive(Debug)]
pub struct Change<'w> {
    pub(super) transaction: WriteTransaction<'w>,
    clocks: &'w Clocks,
    /// What becomes of the lives; `None` where none are played.
    lives: Option<Vec<LifeChange>>,
}

#[derive(Debug)]
enum LifeChange {
    /// A job was written or deleted; it plays this life from now on.
    Job(String, String, Option<Box<Playing>>),
    Domain(String),
}

impl<'w> Change<'w> {
    /// Writes without a mock: a draft with a life is refused.
    #[must_use]
    pub fn plain(transaction: WriteTransaction<'w>, clocks: &'w Clocks) -> Self {
        Self {
            transaction,
            clocks,
            lives: None,
        }
    }

    pub(super) fn played(transaction: WriteTransaction<'w>, clocks: &'w Clocks) -> Self {
        Self {
            transaction,
            clocks,
            lives: Some(Vec::new()),
        }
    }

    /// Writes the job of a draft; its life, if it has one, begins now.
    ///
    /// # Errors
    /// [`Refusal::Job`] where the draft makes no job; else as [`WriteTransaction::put`].
    pub fn put(&mut self, draft: Draft) -> Result<(Written, Job), Refusal> {
        let now = self.clocks.now(draft.domain_id.as_deref());
        if draft.life.is_some() && self.lives.is_none() {
            return Err(Refusal::Job(LIFE_NEEDS_MOCK.to_owned()));
        }
        let life = Life::from_draft(draft, now).map_err(Refusal::Job)?;
        Ok(self.put_life(life, now)?)
    }

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
            let playing = Playing::new(life, &job, now).map(Box::new);
            lives.push(LifeChange::Job(domain_id, job_id, playing));
        }
        Ok((written, job))
    }

    /// The document of a job.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn find(&self, domain_id: &str, job_id: &str) -> Result<Option<String>, StoreError> {
        self.transaction.find(domain_id, job_id)
    }

    /// The moment by the clock of a domain.
    #[must_use]
    pub fn now(&self, domain_id: &str) -> Timestamp {
        self.clocks.now(Some(domain_id))
    }

    /// Deletes a job; tells whether there was one.
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

    /// Deletes every job of a domain; returns how many there were.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full.
    pub fn delete_domain(&mut self, domain_id: &str) -> Result<u64, StoreError> {
        if let Some(lives) = &mut self.lives {
            lives.push(LifeChange::Domain(domain_id.to_owned()));
        }
        self.transaction.delete_domain(domain_id)
    }

    /// Makes all of it hold.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full; nothing was written then.
    pub fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit()
    }

    pub(super) fn commit_with(self, lives: &mut Lives) -> Result<(), StoreError> {
        self.transaction.commit()?;
        for change in self.lives.into_iter().flatten() {
            match change {
                LifeChange::Job(domain_id, job_id, playing) => {
                    lives.set(&domain_id, &job_id, playing.map(|playing| *playing));
                }
                LifeChange::Domain(domain_id) => lives.remove_domain(&domain_id),
            }
        }
        Ok(())
    }
}
