//! What a command writes: to a file that is whole or not there, to standard output, and how far it has come.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;

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
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|error| io(error.kind().into()))?;
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
    // The write-ahead log and its index belong to the database that they are named after.
    let is_log = ["-wal", "-shm", "-journal"].iter().any(|ending| {
        let name = output.to_string_lossy();
        name.strip_suffix(ending)
            .is_some_and(|database| Path::new(database).exists())
    });
    if is_database || is_log {
        Err(Failure::OverDatabase(output.to_owned()))
    } else {
        Ok(())
    }
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
