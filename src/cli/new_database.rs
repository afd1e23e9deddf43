//! Makes a new database file, which appears at its path only when it is complete.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::failure::Failure;
use super::output::{folder_of, not_made};
use super::scratch_folder::ScratchFolder;

/// How often the removal of a folder is tried, in which the main thread may still make files.
const REMOVAL_TRIES: usize = 1_000;

/// What happens to a file that is already at the path of a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnExisting {
    Fail,
    Replace,
}

/// Makes a database in a scratch folder next to `path`, and moves it to `path` when it is whole: a failure or a signal leaves
/// nothing behind, and no reader sees a part of it. `verb` is the participle of the message after a signal ("imported").
pub(super) fn make_database<T>(
    path: &Path,
    on_existing: OnExisting,
    verb: &'static str,
    make: impl FnOnce(&Path) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let io = |source: std::io::Error| Failure::Io {
        path: path.to_owned(),
        source,
    };
    let parent = folder_of(path);
    // Before the folder is made: a signal that comes from here on waits for the thread, which then removes the folder.
    let signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(io)?;
    let folder = ScratchFolder::make(parent).map_err(|error| not_made(path, error.kind()))?;
    let is_stopping = remove_at_signal(signals, folder.path().to_owned(), verb).map_err(io)?;
    let made = folder.path().join("jobs.db");
    let result = make(&made);
    while is_stopping.load(Ordering::SeqCst) {
        // The folder is being removed, so any error comes from that, and the process is about to end.
        thread::park();
    }
    let result = result?;
    match on_existing {
        OnExisting::Replace => std::fs::rename(&made, path).map_err(io)?,
        // Unlike a rename, a link does not replace a file that somebody has made there in the meantime.
        OnExisting::Fail => match std::fs::hard_link(&made, path) {
            // Some file systems have no links, but all have renames.
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                std::fs::rename(&made, path).map_err(io)?;
            }
            linked => linked.map_err(io)?,
        },
    }
    // Writes the name of the file to the disk, too.
    File::open(parent)
        .and_then(|parent| parent.sync_all())
        .map_err(io)?;
    Ok(result)
}

/// Starts a thread that removes the folder and ends the process at the first signal. What it returns becomes true before the
/// folder is removed.
fn remove_at_signal(
    mut signals: Signals,
    folder: PathBuf,
    verb: &'static str,
) -> std::io::Result<Arc<AtomicBool>> {
    let is_stopping = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&is_stopping);
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            if signals.forever().next().is_none() {
                return;
            }
            stopping.store(true, Ordering::SeqCst);
            let is_gone = |_: &usize| std::fs::remove_dir_all(&folder).is_ok() || !folder.exists();
            let _ = (0..REMOVAL_TRIES).find(is_gone);
            let _ = writeln!(std::io::stderr(), "jobdeck: stopped; nothing was {verb}");
            std::process::exit(1);
        })?;
    Ok(is_stopping)
}
