//! The files of jobs that a path names: the file itself, or those of a folder and its folders.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::error::TransferError;

/// The endings of files that are read from a folder; a file that is named itself may have any.
const ENDINGS: [&str; 4] = ["json", "jsonl", "ndjson", "csv"];
/// What may follow these endings: the file is compressed.
const COMPRESSED: [&str; 2] = ["gz", "zst"];

/// Returns the files of a path, sorted by their paths: the path itself, or the files of jobs of a folder and its
/// folders, by their endings. Hidden ones are left out: they are those of editors and of the system.
///
/// # Errors
/// [`TransferError::Io`] where there is no such path, a folder has no file of jobs, or can't be read.
pub fn files_of(path: &Path) -> Result<Vec<PathBuf>, TransferError> {
    let io = |error| io_error(path, error);
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_dir() {
        return refuse_irregular(path, metadata.is_file()).map(|()| vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    let walk = WalkDir::new(path).follow_links(true).into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name())) {
        let entry = match entry {
            Ok(entry) => entry,
            // A link to a folder that it is in: its files are read already.
            Err(error) if error.loop_ancestor().is_some() => continue,
            Err(error) => {
                let broken = error.path().unwrap_or(path).to_owned();
                // A broken link matters only if it names a file of jobs. Editors make hidden ones.
                let name = broken.file_name().unwrap_or_default();
                let is_left_out = is_hidden(name) || !is_file_of_jobs(&broken) && !broken.is_dir();
                if broken != path && is_left_out {
                    continue;
                }
                return Err(io_error(&broken, error.into()));
            }
        };
        if entry.file_type().is_dir() || !is_file_of_jobs(entry.path()) {
            continue;
        }
        // A pipe would never end.
        refuse_irregular(entry.path(), entry.file_type().is_file())?;
        files.push(entry.into_path());
    }
    if files.is_empty() {
        let problem = format!(
            "the folder has no file that ends with .{} (or these with .{})",
            ENDINGS.join(", ."),
            COMPRESSED.join(", .")
        );
        return Err(io(Error::new(ErrorKind::NotFound, problem)));
    }
    files.sort();
    Ok(files)
}

fn refuse_irregular(path: &Path, is_file: bool) -> Result<(), TransferError> {
    if is_file {
        return Ok(());
    }
    let problem = "is neither a file nor a folder";
    Err(io_error(path, Error::new(ErrorKind::InvalidInput, problem)))
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn is_file_of_jobs(path: &Path) -> bool {
    let ending = |path: &Path| {
        let ending = path.extension()?.to_str()?;
        Some(ending.to_ascii_lowercase())
    };
    let is_one_of = |path: &Path, endings: &[&str]| {
        ending(path).is_some_and(|ending| endings.contains(&ending.as_str()))
    };
    is_one_of(path, &ENDINGS)
        || is_one_of(path, &COMPRESSED) && is_one_of(&path.with_extension(""), &ENDINGS)
}

fn io_error(path: &Path, error: Error) -> TransferError {
    TransferError::Io {
        name: path.display().to_string(),
        error,
    }
}

/// A file that is opened when it is read: a folder may have more files than a process may open.
pub struct LazyFile {
    path: PathBuf,
    file: Option<File>,
}

impl LazyFile {
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }
}

impl Read for LazyFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.file {
            Some(file) => file.read(buffer),
            None => self.file.insert(File::open(&self.path)?).read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_folder_are_those_of_jobs() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        for name in ["b/c", ".hidden", "b.json"] {
            std::fs::create_dir_all(here.join(name)).unwrap();
        }
        for name in [
            "z.json",
            "b/c/A.JSONL.gz",
            "b/x.ndjson",
            "b.json/y.csv.zst",
            "a.txt",
            "a.gz",
            "b/.x.json",
            ".hidden/x.json",
            "a.json~",
        ] {
            std::fs::write(here.join(name), "").unwrap();
        }
        std::os::unix::fs::symlink("..", here.join("b/loop")).unwrap();
        std::os::unix::fs::symlink("missing", here.join("b/broken")).unwrap();
        std::os::unix::fs::symlink("missing", here.join(".#z.json")).unwrap();
        std::os::unix::fs::symlink("../z.json", here.join("b/link.json")).unwrap();
        let found = files_of(here).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(here).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "b/c/A.JSONL.gz",
                "b/link.json",
                "b/x.ndjson",
                "b.json/y.csv.zst",
                "z.json"
            ]
        );
        assert_eq!(files_of(&here.join("a.txt")).unwrap(), [here.join("a.txt")]);
        for (name, expected) in [
            ("none", "none: No such file or directory"),
            (".hidden", ""),
            ("b/c", ""),
        ] {
            let got = files_of(&here.join(name)).map_err(|error| error.to_string());
            let problem = got.err().unwrap_or_default();
            assert!(problem.contains(expected), "{name}: {problem}");
        }
        std::os::unix::fs::symlink("missing", here.join("b/broken.json")).unwrap();
        let problem = files_of(here).unwrap_err().to_string();
        assert!(problem.contains("b/broken.json: "), "{problem}");
        std::fs::create_dir(here.join("empty")).unwrap();
        let problem = files_of(&here.join("empty")).unwrap_err().to_string();
        assert!(
            problem.ends_with(
                "empty: the folder has no file that ends with .json, .jsonl, .ndjson, .csv (or these with .gz, .zst)"
            ),
            "{problem}"
        );
    }
}
