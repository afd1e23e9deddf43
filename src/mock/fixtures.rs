//! Fixtures: the files whose jobs a mock starts with, and the check whether they changed.
//!
//! They are read before anything is locked: a file may be long or on a slow network.

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::job::{Draft, Life};
use crate::time::Timestamp;
use crate::transfer::{Refusal, Source, TransferError, read_jobs};

/// The endings of files that are read from a folder; a file that is named itself may have any ending.
const ENDINGS: [&str; 3] = ["json", "jsonl", "ndjson"];

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

    /// Reads every file, in the order of the paths and within a folder by name. Of several drafts of a job it takes the
    /// last.
    ///
    /// # Errors
    /// [`TransferError`] names file, line and field, also of a draft that would make no job at `now`.
    pub(super) fn read(&self, now: Timestamp) -> Result<Vec<Draft>, TransferError> {
        let fingerprints = self.fingerprints();
        {
            let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
            observed.loaded.clone_from(&fingerprints);
            observed.last = fingerprints;
        }
        let mut drafts: Vec<Option<Draft>> = Vec::new();
        let mut indexes: HashMap<(Option<String>, Option<String>), usize> = HashMap::new();
        for path in &self.paths {
            for file in files(path)? {
                let io = |error| io_error(&file, error);
                let reader = Box::new(File::open(&file).map_err(io)?);
                let name = file.display().to_string();
                let shown = name.clone();
                read_jobs(Source { name, reader }, &mut |draft: Draft| {
                    Life::from_draft(draft.clone(), now).map_err(Refusal::Job)?;
                    let key = (draft.domain_id.clone(), draft.job_id.clone());
                    if let Some(former) = indexes.insert(key, drafts.len())
                        && let Some(Draft {
                            job_id: Some(job_id),
                            ..
                        }) = drafts[former].take()
                    {
                        log::warn!("{shown}: job {job_id} is there already; the last one counts");
                    }
                    drafts.push(Some(draft));
                    Ok(())
                })?;
            }
        }
        let drafts: Vec<_> = drafts.into_iter().flatten().collect();
        log::info!("the fixtures have {} jobs", drafts.len());
        Ok(drafts)
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
            .flat_map(|path| files(path).unwrap_or_else(|_| vec![path.clone()]));
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

/// Returns the files of a path: the path itself, or the files of the folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, TransferError> {
    let io = |error| io_error(path, error);
    let metadata = std::fs::metadata(path).map_err(io)?;
    if metadata.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if !metadata.is_dir() {
        let problem = "is neither a file nor a folder";
        return Err(io(std::io::Error::new(ErrorKind::InvalidInput, problem)));
    }
    let mut files_inside = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        let ending = file.extension().and_then(|ending| ending.to_str());
        // Hidden files are those of editors and of the system.
        let name = file.file_name().unwrap_or_default();
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if !is_hidden && ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
            // An entry that is not a regular file (a pipe would never end) is refused by name.
            files_inside.extend(files(&file)?);
        }
    }
    if files_inside.is_empty() {
        let problem = format!(
            "the folder has no file that ends with .{}",
            ENDINGS.join(", .")
        );
        return Err(io(std::io::Error::new(ErrorKind::NotFound, problem)));
    }
    files_inside.sort();
    Ok(files_inside)
}

fn io_error(path: &Path, error: std::io::Error) -> TransferError {
    TransferError::Io {
        name: path.display().to_string(),
        error,
    }
}
