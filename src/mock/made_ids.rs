//! `MadeIds`: the ids of the jobs of a request that come without one.

use super::change::Change;
use crate::job::{Draft, job_id_of_key, random_job_id};
use crate::transfer::Refusal;

/// The most jobs of a request that come without an id: the answer names each.
const MAX_MADE: usize = 10_000;

/// Makes the ids of the jobs that come without one.
///
/// With a key an id follows from the key, the domain and the number of the job among those without an id. So nothing is
/// stored for a key, and a request that is sent again finds the jobs that it has made before.
#[derive(Debug)]
pub struct MadeIds {
    key: Option<String>,
    made: Vec<String>,
}

impl MadeIds {
    /// Begins; `key` is the `Idempotency-Key` of the request.
    #[must_use]
    pub fn new(key: Option<String>) -> Self {
        Self {
            key,
            made: Vec::new(),
        }
    }

    /// Gives a draft of a known domain an id, if it has none. Returns whether the same request has made this job before.
    ///
    /// # Errors
    /// [`Refusal::Job`] where too many jobs have none; [`Refusal::Store`] when the disk fails.
    pub fn complete(&mut self, draft: &mut Draft, change: &Change<'_>) -> Result<bool, Refusal> {
        let (None, Some(domain_id)) = (&draft.job_id, &draft.domain_id) else {
            return Ok(false);
        };
        if self.made.len() >= MAX_MADE {
            return Err(Refusal::Job(format!(
                "missing `job_id`: a request gets ids for {MAX_MADE} jobs at most"
            )));
        }
        let (job_id, is_repeated) = match &self.key {
            Some(key) => {
                let job_id = job_id_of_key(key, domain_id, self.made.len());
                let is_repeated = change.find(domain_id, &job_id)?.is_some();
                (job_id, is_repeated)
            }
            None => (new_id(domain_id, change)?, false),
        };
        self.made.push(job_id.clone());
        draft.job_id = Some(job_id);
        Ok(is_repeated)
    }

    /// Returns the ids that were made, in the order of the jobs.
    #[must_use]
    pub fn into_ids(self) -> Vec<String> {
        self.made
    }
}

/// Makes an id that no job of the domain has.
fn new_id(domain_id: &str, change: &Change<'_>) -> Result<String, Refusal> {
    loop {
        let job_id = random_job_id().map_err(|error| {
            Refusal::Job(format!(
                "the operating system returns no random bytes for an id: {error}"
            ))
        })?;
        if change.find(domain_id, &job_id)?.is_none() {
            return Ok(job_id);
        }
    }
}
