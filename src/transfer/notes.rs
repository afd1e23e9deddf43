//! `Notes`: what was translated in the jobs of an import, and what in them is hardly meant.

use std::collections::BTreeMap;

use super::mistakes::JobLocation;
use crate::job::{Doubt, Translation};

/// The translations and doubts of all jobs that were read; each kind once, in a fixed order.
#[derive(Debug, Default)]
pub struct Notes {
    translations: BTreeMap<Translation, u64>,
    doubts: BTreeMap<Doubt, DoubtfulJobs>,
}

/// The jobs with the same doubt.
#[derive(Debug)]
pub struct DoubtfulJobs {
    /// How many there are.
    pub jobs: u64,
    /// Where the first one begins.
    pub first: JobLocation,
    /// The id of the first one.
    pub first_job_id: String,
}

impl Notes {
    /// Adds what was translated to read a job.
    pub fn add_translations(&mut self, translations: &[Translation]) {
        for translation in translations {
            *self.translations.entry(*translation).or_default() += 1;
        }
    }

    /// Adds what is doubtful about a job.
    pub fn add_doubts(&mut self, doubts: &[Doubt], location: &JobLocation, job_id: &str) {
        for doubt in doubts {
            let jobs = self.doubts.entry(*doubt).or_insert_with(|| DoubtfulJobs {
                jobs: 0,
                first: location.clone(),
                first_job_id: job_id.to_owned(),
            });
            jobs.jobs += 1;
        }
    }

    /// Returns each translation, and the number of jobs in which it was made.
    pub fn translations(&self) -> impl Iterator<Item = (Translation, u64)> {
        self.translations.iter().map(|(kind, jobs)| (*kind, *jobs))
    }

    /// Returns each doubt, with its jobs.
    pub fn doubts(&self) -> impl Iterator<Item = (Doubt, &DoubtfulJobs)> {
        self.doubts.iter().map(|(kind, jobs)| (*kind, jobs))
    }

    /// Returns a line for each translation.
    pub fn translation_lines(&self) -> impl Iterator<Item = String> {
        self.translations()
            .map(|(kind, jobs)| format!("{}: {}", kind.description(), job_count(jobs)))
    }

    /// Returns a line for each doubt, with its first job.
    pub fn doubt_lines(&self) -> impl Iterator<Item = String> {
        self.doubts().map(|(kind, doubtful)| {
            format!(
                "{}: {}, first {}, job {}",
                kind.description(),
                job_count(doubtful.jobs),
                doubtful.first,
                doubtful.first_job_id
            )
        })
    }
}

/// Returns "1 job", "2 jobs".
#[must_use]
pub fn job_count(jobs: u64) -> String {
    if jobs == 1 {
        "1 job".to_owned()
    } else {
        format!("{jobs} jobs")
    }
}
