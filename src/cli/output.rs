//! What a command writes: to a file that is whole or not there, to standard output, and how far it has come.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jobdeck::server;

use super::Failure;
use super::aside::Aside;

#[derive(Debug, Args)]
pub(super) struct OutputArgs {
    /// Where to write; `-` is standard output
    #[arg(
        long,
        short,
        value_name = "FILE",
        env = "JOBDECK_OUTPUT",
        default_value = "-"
    )]
    pub(super) output: PathBuf,
}

pub(super) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

pub(super) fn output_failure(name: &str, source: std::io::Error) -> Failure {
    match source.kind() {
        std::io::ErrorKind::BrokenPipe => Failure::ClosedOutput,
        _ => Failure::Io {
            path: name.into(),
            source,
        },
    }
}

/// Lets `write` write to standard output, or to a file that only takes its place when it is whole.
///
/// What is there and is no regular file (a pipe, a device, a link) is written to as it is.
pub(super) fn write_output(
    args: &OutputArgs,
    write: impl FnOnce(&str, &mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    const BUFFER_BYTES: usize = 1 << 18;

    if is_dash(&args.output) {
        let mut out = std::io::BufWriter::with_capacity(BUFFER_BYTES, std::io::stdout().lock());
        return write("standard output", &mut out);
    }
    let path = &args.output;
    let name = path.display().to_string();
    let io = |source: std::io::Error| Failure::Io {
        path: path.clone(),
        source,
    };
    let present = match std::fs::symlink_metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(io(error)),
    };
    if present.as_ref().is_some_and(|metadata| !metadata.is_file()) {
        let file = std::fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(path)
            .map_err(io)?;
        return write(
            &name,
            &mut std::io::BufWriter::with_capacity(BUFFER_BYTES, file),
        );
    }
    let mut file = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder_of(path))
        .map_err(|error| not_made(path, error.kind()))?;
    write(
        &name,
        &mut std::io::BufWriter::with_capacity(BUFFER_BYTES, &mut file),
    )?;
    if let Some(metadata) = present {
        file.as_file()
            .set_permissions(metadata.permissions())
            .map_err(io)?;
    }
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    Ok(())
}

/// What becomes of a file that stands where a new one belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Present {
    Stays,
    IsReplaced,
}

/// Makes a new database in a folder beside the place where it belongs, and puts it there when it is whole: what fails or is
/// stopped leaves nothing, and nobody sees a part. `done` is what is said not to have been done when it is stopped.
pub(super) fn make_beside<T>(
    place: &Path,
    present: Present,
    done: &'static str,
    make: impl FnOnce(&Path) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let io = |source: std::io::Error| Failure::Io {
        path: place.to_owned(),
        source,
    };
    let beside = folder_of(place);
    let (folders, is_stopping) = remove_at_signal(done);
    let folder = Aside::make(beside).map_err(|error| not_made(place, error.kind()))?;
    // A thread that has ended has nothing to remove.
    let _ = folders.send(folder.path().to_owned());
    let made = folder.path().join("jobs.db");
    let result = make(&made);
    while is_stopping.load(Ordering::SeqCst) {
        // Its folder is being taken away: whatever went wrong is no fault to tell, and the process is about to end.
        std::thread::park();
    }
    let result = result?;
    match present {
        Present::IsReplaced => std::fs::rename(&made, place).map_err(io)?,
        // Unlike a rename, a link takes the place of nothing that came to stand there meanwhile.
        Present::Stays => match std::fs::hard_link(&made, place) {
            // A file system without links has renames at least.
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                std::fs::rename(&made, place).map_err(io)?;
            }
            linked => linked.map_err(io)?,
        },
    }
    // Its name is on the disk, too.
    File::open(beside)
        .and_then(|folder| folder.sync_all())
        .map_err(io)?;
    Ok(result)
}

/// When the process is told to stop, removes the folder that was sent and ends it. Signals are noticed from when this
/// returns.
fn remove_at_signal(done: &'static str) -> (mpsc::Sender<PathBuf>, Arc<AtomicBool>) {
    let is_stopping = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&is_stopping);
    let (folders, sent) = mpsc::channel::<PathBuf>();
    let (ready, is_ready) = mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let stop = server::stop_signal(true);
            let _ = ready.send(());
            stop.await;
        });
        stopping.store(true, Ordering::SeqCst);
        if let Ok(folder) = sent.try_recv() {
            // The work goes on meanwhile and may put a file into it just then; without the folder it can't.
            const TRIES: usize = 1_000;
            let is_gone = |_: &usize| std::fs::remove_dir_all(&folder).is_ok() || !folder.exists();
            let _ = (0..TRIES).find(is_gone);
        }
        let _ = writeln!(std::io::stderr(), "jobdeck: stopped; nothing was {done}");
        std::process::exit(1);
    });
    // Where the thread could not start, there is no removing, and no need to wait.
    let _ = is_ready.recv();
    (folders, is_stopping)
}

/// Why there is nothing beside the place of a file. What tempfile says itself names the temporary path.
pub(super) fn not_made(place: &Path, kind: std::io::ErrorKind) -> Failure {
    let path = place.to_owned();
    match kind {
        std::io::ErrorKind::NotFound => Failure::NoFolder(path, folder_of(place).to_owned()),
        kind => Failure::Io {
            path,
            source: kind.into(),
        },
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Refuses to write over a database: the one that is read, or any other.
pub(super) fn refuse_database(output: &Path) -> Result<(), Failure> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let mut start = [0; MAGIC.len()];
    let is_file = std::fs::metadata(output).is_ok_and(|metadata| metadata.is_file());
    let is_database = is_file
        && File::open(output)
            .and_then(|mut file| file.read_exact(&mut start))
            .is_ok()
        && start == MAGIC;
    if is_database || belongs_to_database(output) {
        Err(Failure::OverDatabase(output.to_owned()))
    } else {
        Ok(())
    }
}

/// The write-ahead log and its index belong to the database that they are named after.
pub(super) fn belongs_to_database(path: &Path) -> bool {
    let name = path.to_string_lossy();
    ["-wal", "-shm", "-journal"].iter().any(|ending| {
        name.strip_suffix(ending)
            .is_some_and(|database| Path::new(database).exists())
    })
}

pub(super) fn say(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}")
        .map_err(|source| output_failure("standard output", source))
}

/// A bar on standard error where that is a terminal, else nothing.
pub(super) fn progress_bar(length: Option<u64>, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length.unwrap_or(0));
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}
