//! Puts a database that was made elsewhere at its path, in one step.

use std::fs::File;
use std::path::Path;

/// What happens to a file that is already at the path of a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExisting {
    Fail,
    Replace,
}

/// Moves a file that is whole to its path, on the same file system, and writes its name to the disk.
///
/// # Errors
/// [`std::io::Error`]; of the kind `AlreadyExists` for a file that is there under [`OnExisting::Fail`].
pub fn place_copy(made: &Path, path: &Path, on_existing: OnExisting) -> std::io::Result<()> {
    match on_existing {
        OnExisting::Replace => std::fs::rename(made, path)?,
        // Unlike a rename, a link does not replace a file that somebody has made there in the meantime.
        OnExisting::Fail => match std::fs::hard_link(made, path) {
            // Some file systems have no links, but all have renames.
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                std::fs::rename(made, path)?;
            }
            linked => linked?,
        },
    }
    sync_folder_of(path)
}

/// Writes the names in the folder of a path to the disk.
pub(super) fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new("."))).and_then(|parent| parent.sync_all())
}
