//! The output of commands: to a file that appears only when it is whole, to standard output, and as a progress bar.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jobdeck::job::Shape;
pub(super) use jobdeck::transfer::job_count;
use jobdeck::transfer::{Compression, Compressor, ExportFormat};

use super::failure::Failure;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatArg {
    /// One job, as JSON, a line
    Ndjson,
    /// For spreadsheets
    Csv,
    /// For `mongoimport` into the collection of jobs of SpaceONE 2
    Mongodb,
    /// For that of SpaceONE 1
    #[value(name = "mongodb-1")]
    MongodbOfSeed,
}

#[derive(Debug, Args)]
pub(super) struct OutputArgs {
    /// The file to write, compressed if it ends with .gz or .zst; `-` is standard output
    #[arg(
        long,
        short,
        value_name = "FILE",
        env = "JOBDECK_OUTPUT",
        default_value = "-"
    )]
    output: PathBuf,
    /// Replace the file if it exists
    #[arg(long, env = "JOBDECK_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    force: bool,
    /// The format of the jobs [default: csv for a file that ends with .csv (or .csv.gz, .csv.zst), otherwise ndjson]
    #[arg(long, value_name = "FORMAT", env = "JOBDECK_FORMAT")]
    format: Option<FormatArg>,
}

impl OutputArgs {
    /// Returns the format of the jobs.
    pub(super) fn format(&self) -> ExportFormat {
        match self.format {
            Some(FormatArg::Ndjson) => ExportFormat::Ndjson,
            Some(FormatArg::Csv) => ExportFormat::Csv,
            Some(FormatArg::Mongodb) => ExportFormat::Mongodb(Shape::Today),
            Some(FormatArg::MongodbOfSeed) => ExportFormat::Mongodb(Shape::Seed),
            None => ExportFormat::of_name(&self.output),
        }
    }

    /// Refuses an output that would replace a database, or without `--force` any other file, before there is work for it.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let path = &self.output;
        if is_dash(path) {
            return Ok(());
        }
        refuse_database(path)?;
        let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        if is_file && !self.force {
            return Err(Failure::Present(path.clone()));
        }
        Ok(())
    }
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

/// Calls `write` with standard output, or with a temporary file that is moved to its path when it is whole. A file whose
/// name ends with `.gz` or `.zst` is compressed.
///
/// A path that exists and is no regular file (a pipe, a device, a link) is written to directly.
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
    let write = |file: &mut dyn Write| {
        let buffer = std::io::BufWriter::with_capacity(BUFFER_BYTES, file);
        let mut compressor = Compressor::new(buffer, Compression::of_name(path));
        write(&name, &mut compressor)?;
        compressor
            .finish()
            .map_err(|source| output_failure(&name, source))
    };
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
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(path)
            .map_err(io)?;
        return write(&mut file);
    }
    let mut file = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder_of(path))
        .map_err(|error| not_made(path, error.kind()))?;
    write(&mut file)?;
    if let Some(metadata) = present {
        file.as_file()
            .set_permissions(metadata.permissions())
            .map_err(io)?;
    }
    file.as_file().sync_all().map_err(io)?;
    let persisted = if args.force {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    match persisted {
        Ok(_) => Ok(()),
        // Somebody has made it in the meantime.
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Failure::Present(path.clone()))
        }
        Err(error) => Err(io(error.error)),
    }
}

/// The failure to make a temporary file or folder next to `path`; the error of tempfile would name the temporary path.
pub(super) fn not_made(path: &Path, kind: std::io::ErrorKind) -> Failure {
    match kind {
        std::io::ErrorKind::NotFound => {
            Failure::NoFolder(path.to_owned(), folder_of(path).to_owned())
        }
        kind => Failure::Io {
            path: path.to_owned(),
            source: kind.into(),
        },
    }
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Refuses to write to a database: the one that is read, or any other.
fn refuse_database(output: &Path) -> Result<(), Failure> {
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

/// Whether a path is a log, or the index of a log, of a database that exists.
pub(super) fn belongs_to_database(path: &Path) -> bool {
    let name = path.to_string_lossy();
    ["-wal", "-shm", "-journal"].iter().any(|ending| {
        name.strip_suffix(ending)
            .is_some_and(|database| Path::new(database).exists())
    })
}

/// Writes a line to standard output.
pub(super) fn print_line(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}")
        .map_err(|source| output_failure("standard output", source))
}

/// A progress bar on standard error, hidden where that is no terminal.
pub(super) fn progress_bar(length: Option<u64>, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length.unwrap_or(0));
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}
