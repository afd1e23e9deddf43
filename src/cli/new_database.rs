//! Makes a new database file, which appears at its path only when it is complete.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use jobdeck::store::{OnExisting, ScratchFolder, place_copy};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::failure::Failure;
use super::output::{folder_of, not_made};

/// How often the removal of a folder is tried, in which the main thread may still make files.
const REMOVAL_TRIES: usize = 1_000;

/// Makes a database in a scratch folder next to `path`, and moves it to `path` when it is whole: a failure or a signal leaves
/// nothing behind, and no reader sees a part of it. `verb` is the participle of the message after a signal ("imported").
pub(super) fn make_database<T>(
    path: &Path,
    on_existing: OnExisting,
    verb: &'static str,
    make: impl FnOnce(&Path) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let place = |made: &Path| {
        place_copy(made, path, on_existing).map_err(|source| Failure::Io {
            path: path.to_owned(),
            source,
        })
    };
    let (result, ()) = make_in_scratch(path, verb, make, place)?;
    Ok(result)
}

/// Makes a database as [`make_database`] does; `place` then moves it to `path`.
pub(super) fn make_in_scratch<T, P>(
    path: &Path,
    verb: &'static str,
    make: impl FnOnce(&Path) -> Result<T, Failure>,
    place: impl FnOnce(&Path) -> Result<P, Failure>,
) -> Result<(T, P), Failure> {
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
    let placed = place(&made)?;
    Ok((result, placed))
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
