//! `import`, `export`, `generate` and `check`: jobs in and out of a database.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use jobdeck::demo::{Timeline, World};
use jobdeck::store::{
    Interrupt, Mode, OnConflict, OpenError, Store, StoreError, log_of, refuse_log_of_another,
};
use jobdeck::time::Timestamp;
use jobdeck::transfer::{self, Imported, Source, TransferError};

use super::output::{
    OutputArgs, Present, is_dash, make_beside, output_failure, progress_bar, refuse_database, say,
    write_output,
};
use super::{DbArgs, Failure};

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    db: DbArgs,
    /// The files; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What to do with a job that is present already
    #[arg(
        long,
        value_name = "HOW",
        env = "JOBDECK_ON_CONFLICT",
        default_value = "replace"
    )]
    on_conflict: ConflictArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ConflictArg {
    /// The new one takes its place
    Replace,
    /// The old one stays
    Skip,
    /// Nothing is imported
    Fail,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(super) struct GenerateArgs {
    #[command(flatten)]
    output: OutputArgs,
    /// How many jobs
    #[arg(long, value_name = "N", env = "JOBDECK_JOBS", default_value = "10000")]
    jobs: u64,
    /// Which made-up jobs; the same seed makes the same bytes
    #[arg(long, value_name = "N", env = "JOBDECK_SEED", default_value = "1")]
    seed: u64,
    /// Over how many domains; the first has seven tenths of the jobs
    #[arg(long, value_name = "N", env = "JOBDECK_DOMAINS", default_value = "4", value_parser = clap::value_parser!(u16).range(1..))]
    domains: u16,
    /// Over how many days
    #[arg(long, value_name = "N", env = "JOBDECK_DAYS", default_value = "365", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// The moment at which the days end (RFC 3339)
    #[arg(long, value_name = "INSTANT", env = "JOBDECK_NOW", default_value = "2026-01-01T00:00:00Z", value_parser = Timestamp::parse_rfc3339)]
    now: Timestamp,
}
pub(super) fn import(args: &ImportArgs) -> Result<(), Failure> {
    let progress = progress_bar(
        input_bytes(&args.paths),
        "{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {msg}",
    );
    // Opened before the database is made, so that a misspelt path leaves nothing behind.
    let sources = args
        .paths
        .iter()
        .map(|path| source(path, &progress))
        .collect::<Result<Vec<_>, _>>()?;
    let on_conflict = match args.on_conflict {
        ConflictArg::Replace => OnConflict::Replace,
        ConflictArg::Skip => OnConflict::Skip,
        ConflictArg::Fail => OnConflict::Fail,
    };
    let database = &args.db.db;
    let fill = |path: &Path| -> Result<Imported, Failure> {
        // Whatever the path, it is about the database that was named.
        let store = Store::open(path, Mode::Create, 1).map_err(|error| match error {
            OpenError::Sqlite { source, .. } => OpenError::Sqlite {
                path: database.clone(),
                source,
            },
            other => other,
        })?;
        let store_failure = |source| Failure::Store {
            path: database.clone(),
            source,
        };
        transfer::import(&store, sources, on_conflict).map_err(|error| match error {
            TransferError::Store(source) => store_failure(source),
            // Of a store's faults only a conflict is that of a line.
            TransferError::Write { fault, .. } if !matches!(fault, StoreError::Conflict { .. }) => {
                store_failure(fault)
            }
            other => other.into(),
        })
    };
    let imported = if database.exists() {
        fill(database)
    } else {
        make_beside(database, Present::Stays, "imported", |made| {
            refuse_log_of_another(database)?;
            let imported = fill(made)?;
            if log_of(made).exists() {
                // What is committed there would stay behind: there was no room to move it into the database.
                return Err(Failure::NoRoom(database.clone()));
            }
            Ok(imported)
        })
    };
    progress.finish_and_clear();
    let imported = imported?;
    let of_these = if imported.total() == 0 {
        "; there was no job in what was read"
    } else {
        ""
    };
    say(&format!(
        "read {}, {}: {} added, {} replaced, {} skipped{of_these}",
        counted(imported.total()),
        args.db.db.display(),
        imported.added,
        imported.replaced,
        imported.skipped
    ))
}

pub(super) fn counted(jobs: u64) -> String {
    if jobs == 1 {
        "1 job".to_owned()
    } else {
        format!("{jobs} jobs")
    }
}

/// The size of all the files; `None` where standard input is among them.
fn input_bytes(paths: &[PathBuf]) -> Option<u64> {
    paths
        .iter()
        .map(|path| {
            if is_dash(path) {
                None
            } else {
                path.metadata().ok().map(|file| file.len())
            }
        })
        .sum()
}

fn source(path: &Path, progress: &ProgressBar) -> Result<Source, Failure> {
    let reader: Box<dyn Read + Send> = if is_dash(path) {
        Box::new(std::io::stdin())
    } else {
        let io = |source| Failure::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.is_dir() {
            return Err(Failure::FolderOfJobs(path.to_owned()));
        }
        Box::new(file)
    };
    let name = if is_dash(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    Ok(Source {
        name,
        reader: Box::new(progress.wrap_read(reader)),
    })
}

pub(super) fn export(args: &ExportArgs) -> Result<(), Failure> {
    refuse_database(&args.output.output)?;
    let store = Store::open(&args.db.db, Mode::ReadOnly, 1)?;
    let store_failure = |source| Failure::Store {
        path: args.db.db.clone(),
        source,
    };
    let mut reader = store
        .reader(&Arc::new(Interrupt::after(Duration::MAX)))
        .map_err(store_failure)?;
    let snapshot = reader.begin().map_err(store_failure)?;
    let progress = progress_bar(
        Some(snapshot.total().map_err(store_failure)?),
        "{bar:30} {human_pos}/{human_len} jobs",
    );
    write_output(&args.output, |name, out| {
        let mut counting = LineProgress {
            out,
            progress: &progress,
        };
        let result = transfer::export(&snapshot, name, &mut counting);
        progress.finish_and_clear();
        result.map(|_| ()).map_err(|error| match error {
            TransferError::Io { fault, .. } if fault.kind() == std::io::ErrorKind::BrokenPipe => {
                Failure::ClosedOutput
            }
            // What is read is at fault then, not what is written.
            TransferError::Store(source) => store_failure(source),
            other => other.into(),
        })
    })
}

/// Counts lines as they are written.
struct LineProgress<'p, W> {
    out: W,
    progress: &'p ProgressBar,
}

impl<W: Write> Write for LineProgress<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.progress.inc(u64::from(bytes == b"\n"));
        self.out.write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

pub(super) fn generate(args: &GenerateArgs) -> Result<(), Failure> {
    refuse_database(&args.output.output)?;
    let world = World::new(args.seed, usize::from(args.domains));
    let timeline = Timeline::before(args.now, args.days, args.jobs);
    let progress = progress_bar(Some(args.jobs), "{bar:30} {human_pos}/{human_len} jobs");
    write_output(&args.output, |name, out| {
        for index in 0..args.jobs {
            let line = world.life(&timeline, index).at(args.now).to_document();
            writeln!(out, "{line}").map_err(|source| output_failure(name, source))?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        out.flush().map_err(|source| output_failure(name, source))
    })
}

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    database: DbArgs,
    /// Make anew what is derived from the documents: columns, indexes, counts; then check
    #[arg(long, env = "JOBDECK_REPAIR", value_parser = clap::builder::BoolishValueParser::new())]
    repair: bool,
}

pub(super) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let path = &args.database.db;
    let failure = |source| Failure::Store {
        path: path.clone(),
        source,
    };
    let mode = if args.repair {
        Mode::ReadWrite
    } else {
        Mode::ReadOnly
    };
    let store = Store::open(path, mode, 1)?;
    if args.repair {
        store.repair().map_err(failure)?;
    }
    let report = store.check().map_err(failure)?;
    if report.problems.is_empty() {
        return say(&format!(
            "{}: {}, nothing is wrong",
            path.display(),
            counted(report.jobs)
        ));
    }
    for problem in &report.problems {
        say(&format!("{}: {problem}", path.display()))?;
    }
    Err(Failure::Problems(format!(
        "{}: {} found; {}",
        path.display(),
        match report.problems.len() {
            1 => "1 problem".to_owned(),
            problems => format!("{problems} problems"),
        },
        if args.repair {
            "these can't be repaired: restore a backup, or export what is whole and import it into a new database"
        } else {
            "`jobdeck check --repair` makes anew what is derived; for the rest restore a backup"
        }
    )))
}
