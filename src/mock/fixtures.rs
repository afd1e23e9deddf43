//! Fixtures: the files whose jobs a mock starts with, and the check whether they changed.
//!
//! They are read before anything is locked: a file may be long or on a slow network.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use crate::job::{Doubt, Draft, ImportedJob, Job, KnownCollectors, Life, ReadJob, Readable};
use crate::time::Timestamp;
use crate::transfer::{
    LazyFile, LocatedJob, Mistakes, Notes, Refusal, Source, TransferError, files_of, read_jobs,
};

/// The job of a fixture.
#[derive(Debug, Deserialize)]
#[serde(from = "Draft")]
pub(super) enum Fixture {
    /// A whole job, which is the same at any time.
    Plain(Box<ImportedJob>),
    Draft(Box<Draft>),
}

impl From<Draft> for Fixture {
    fn from(draft: Draft) -> Self {
        Self::Draft(Box::new(draft))
    }
}

impl Readable for Fixture {
    const REQUIRED: &'static [&'static str] = Draft::REQUIRED;

    fn from_draft(draft: Draft) -> Result<Self, String> {
        Ok(Self::from(draft))
    }

    fn read_plain(text: &[u8], collectors: &mut KnownCollectors) -> Option<Self> {
        let imported = ImportedJob::read_plain(text, collectors)?;
        Some(Self::Plain(Box::new(imported)))
    }
}

/// Files and folders of files, and how they looked when they were last read.
#[derive(Debug)]
pub(super) struct Fixtures {
    paths: Vec<PathBuf>,
    observed: Mutex<Observed>,
}

/// How the files looked. Polling works where a file system reports no changes: in containers and over networks.
#[derive(Debug, Default)]
struct Observed {
    loaded: Fingerprints,
    /// At the last poll.
    last: Fingerprints,
}

/// The fingerprint of each file; `None` if it can't be read.
type Fingerprints = Vec<(PathBuf, Option<Fingerprint>)>;

/// The metadata of a file that change with its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint {
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// Seconds and nanoseconds.
    changed: (i64, i64),
}

impl Fixtures {
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            observed: Mutex::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Reads every file, in the order of the paths and within a folder by their paths. Of several fixtures of a job it takes
    /// the last.
    ///
    /// # Errors
    /// [`TransferError`] lists every mistake, also a draft that would make no job at `now`.
    pub(super) fn read(&self, now: Timestamp) -> Result<Vec<Fixture>, TransferError> {
        let fingerprints = self.fingerprints();
        {
            let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
            observed.loaded.clone_from(&fingerprints);
            observed.last = fingerprints;
        }
        let (mut mistakes, mut notes) = (Mistakes::default(), Notes::default());
        let mut fixtures: Vec<Option<Fixture>> = Vec::new();
        let mut indexes: HashMap<(String, String), usize> = HashMap::new();
        for path in &self.paths {
            for file in files_of(path)? {
                let source = Source::new(file.display().to_string(), LazyFile::new(file));
                read_jobs(source, &mut mistakes, &mut |located: LocatedJob<
                    '_,
                    Fixture,
                >| {
                    let LocatedJob { read, location, .. } = located;
                    let ReadJob {
                        job: fixture,
                        translations,
                    } = read;
                    notes.add_translations(&translations);
                    let mut note = |job: &Job| {
                        notes.add_doubts(&Doubt::of(job, now), location, &job.job_id);
                        (job.domain_id.clone(), job.job_id.clone())
                    };
                    let key = match &fixture {
                        Fixture::Plain(imported) => note(&imported.job),
                        Fixture::Draft(draft) => {
                            let life = Life::from_draft(Draft::clone(draft), now);
                            note(&life.map_err(Refusal::Job)?.at(now))
                        }
                    };
                    let next = fixtures.len();
                    match indexes.entry(key) {
                        Entry::Vacant(entry) => {
                            entry.insert(next);
                        }
                        Entry::Occupied(mut entry) => {
                            let (_, job_id) = entry.key();
                            log::warn!(
                                "{location}: job {job_id} is there already; the last one counts"
                            );
                            fixtures[entry.insert(next)] = None;
                        }
                    }
                    fixtures.push(Some(fixture));
                    Ok(())
                })?;
            }
        }
        mistakes.into_result()?;
        for line in notes.translation_lines() {
            log::info!("the fixtures: {line}");
        }
        for line in notes.doubt_lines() {
            log::warn!("the fixtures: {line}");
        }
        let fixtures: Vec<_> = fixtures.into_iter().flatten().collect();
        log::info!("the fixtures have {} jobs", fixtures.len());
        Ok(fixtures)
    }

    /// Whether the files differ from those that were read, and are the same as at the last call. The second condition
    /// lets a file be written to its end.
    pub(super) fn poll_changed(&self) -> bool {
        let fingerprints = self.fingerprints();
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_steady = fingerprints == observed.last;
        let is_changed = fingerprints != observed.loaded;
        observed.last = fingerprints;
        is_steady && is_changed
    }

    fn fingerprints(&self) -> Fingerprints {
        let files = self
            .paths
            .iter()
            // A folder that can't be listed counts as a file; reading it reports the error.
            .flat_map(|path| files_of(path).unwrap_or_else(|_| vec![path.clone()]));
        files
            .map(|file| {
                let fingerprint = std::fs::metadata(&file).ok().map(|metadata| Fingerprint {
                    inode: metadata.ino(),
                    bytes: metadata.size(),
                    modified: (metadata.mtime(), metadata.mtime_nsec()),
                    changed: (metadata.ctime(), metadata.ctime_nsec()),
                });
                (file, fingerprint)
            })
            .collect()
    }
}
