//! Fixtures: the files whose jobs a mock starts with, and whether they have changed.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::job::Draft;
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
type Marks = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

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

    /// Reads every file, in the order of the paths and within a folder by name, and hands each draft on.
    pub(super) fn read(
        &self,
        each: &mut impl FnMut(Draft) -> Result<(), Refusal>,
    ) -> Result<(), TransferError> {
        let marks = self.marks();
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.loaded.clone_from(&marks);
            seen.last = marks;
        }
        for path in &self.paths {
            for file in files(path)? {
                let io = |fault| io_fault(&file, fault);
                let reader = Box::new(File::open(&file).map_err(io)?);
                let name = file.display().to_string();
                read_jobs(Source { name, reader }, each)?;
            }
        }
        Ok(())
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
                let mark = std::fs::metadata(&file)
                    .and_then(|metadata| Ok((metadata.modified()?, metadata.len())));
                (file, mark.ok())
            })
            .collect()
    }
}

/// The files at a path: itself, or those of the folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, TransferError> {
    let io = |fault| io_fault(path, fault);
    if !std::fs::metadata(path).map_err(io)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        let ending = file.extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
            found.push(file);
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
