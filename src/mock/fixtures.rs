//! Fixtures: the files whose jobs a mock starts with, and whether they have changed.
//!
//! They are read before anything is locked: a file may be long, or lie behind a slow network.

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::job::{Draft, Life};
use crate::time::Timestamp;
use crate::transfer::{Refusal, Source, TransferError, read_jobs};

/// What a file of jobs ends with, within a folder; a file that is named itself may end with anything.
const ENDINGS: [&str; 3] = ["json", "jsonl", "ndjson"];

/// Files, and folders of them.
#[derive(Debug)]
pub(super) struct Fixtures {
    paths: Vec<PathBuf>,
    seen: Mutex<Seen>,
}

/// What the files looked like. Looking again and again is plain, and works where no file system tells of changes: in
/// containers, over networks.
#[derive(Debug, Default)]
struct Seen {
    loaded: Marks,
    /// As of the last look.
    last: Marks,
}

/// A mark of each file, which another content changes.
type Marks = Vec<(PathBuf, Option<Mark>)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds, as is the next.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fixtures {
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            seen: Mutex::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Reads every file, in the order of the paths and within a folder by name; of several drafts of a job the last.
    ///
    /// # Errors
    /// [`TransferError`] names file, line and field: also of a draft that would make no job at `now`.
    pub(super) fn read(&self, now: Timestamp) -> Result<Vec<Draft>, TransferError> {
        let marks = self.marks();
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.loaded.clone_from(&marks);
            seen.last = marks;
        }
        let mut drafts: Vec<Option<Draft>> = Vec::new();
        let mut places: HashMap<(Option<String>, Option<String>), usize> = HashMap::new();
        for path in &self.paths {
            for file in files(path)? {
                let io = |fault| io_fault(&file, fault);
                let reader = Box::new(File::open(&file).map_err(io)?);
                let name = file.display().to_string();
                let shown = name.clone();
                read_jobs(Source { name, reader }, &mut |draft: Draft| {
                    Life::from_draft(draft.clone(), now).map_err(Refusal::Job)?;
                    let key = (draft.domain_id.clone(), draft.job_id.clone());
                    if let Some(former) = places.insert(key, drafts.len())
                        && let Some(Draft {
                            job_id: Some(job_id),
                            ..
                        }) = drafts[former].take()
                    {
                        log::warn!("{shown}: job {job_id} is there already; the last is taken");
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

    /// Whether the files are others than those that were read last, and have been so for two looks: one that is being
    /// written is left until it stands still.
    pub(super) fn have_changed(&self) -> bool {
        let marks = self.marks();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_steady = marks == seen.last;
        let is_other = marks != seen.loaded;
        seen.last = marks;
        is_steady && is_other
    }

    fn marks(&self) -> Marks {
        let files = self
            .paths
            .iter()
            // A folder that can't be listed has no files for now; reading it says why.
            .flat_map(|path| files(path).unwrap_or_else(|_| vec![path.clone()]));
        files
            .map(|file| {
                let mark = std::fs::metadata(&file).ok().map(|metadata| Mark {
                    inode: metadata.ino(),
                    bytes: metadata.size(),
                    modified: (metadata.mtime(), metadata.mtime_nsec()),
                    changed: (metadata.ctime(), metadata.ctime_nsec()),
                });
                (file, mark)
            })
            .collect()
    }
}

/// The files at a path: itself, or those of the folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, TransferError> {
    let io = |fault| io_fault(path, fault);
    let metadata = std::fs::metadata(path).map_err(io)?;
    if metadata.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if !metadata.is_dir() {
        let problem = "is neither a file nor a folder";
        return Err(io(std::io::Error::new(ErrorKind::InvalidInput, problem)));
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        let ending = file.extension().and_then(|ending| ending.to_str());
        // What an editor or a system keeps beside a file begins with a dot.
        let name = file.file_name().unwrap_or_default();
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if !is_hidden && ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
            // What is no regular file (a pipe would never end) is refused by name.
            found.extend(files(&file)?);
        }
    }
    if found.is_empty() {
        let problem = format!(
            "the folder has no file that ends with .{}",
            ENDINGS.join(", .")
        );
        return Err(io(std::io::Error::new(ErrorKind::NotFound, problem)));
    }
    found.sort();
    Ok(found)
}

fn io_fault(path: &Path, fault: std::io::Error) -> TransferError {
    TransferError::Io {
        name: path.display().to_string(),
        fault,
    }
}
