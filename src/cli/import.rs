//! `import`: loads jobs from files into a database.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use jobdeck::store::{
    Mode, OnConflict, OpenError, Store, StoreError, log_of, refuse_log_of_another,
};
use jobdeck::transfer::{self, Imported, Source, TransferError};

use super::args::DbArgs;
use super::failure::Failure;
use super::new_database::{OnExisting, make_database};
use super::output::{is_dash, job_count, print_line, progress_bar};

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    db: DbArgs,
    /// The files; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What to do with a job that the database already has
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
    /// Replace it
    Replace,
    /// Keep it, and skip the one in the file
    Skip,
    /// Import nothing
    Fail,
}

pub(super) fn import(args: &ImportArgs) -> Result<(), Failure> {
    let progress = progress_bar(
        input_bytes(&args.paths),
        "{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {msg}",
    );
    // Opened before the database is made, so that a wrong path leaves no empty database.
    let sources = args
        .paths
        .iter()
        .map(|path| open_source(path, &progress))
        .collect::<Result<Vec<_>, _>>()?;
    let on_conflict = match args.on_conflict {
        ConflictArg::Replace => OnConflict::Replace,
        ConflictArg::Skip => OnConflict::Skip,
        ConflictArg::Fail => OnConflict::Fail,
    };
    let database = &args.db.db;
    let fill = |path: &Path| -> Result<Imported, Failure> {
        // The error names the database of the user, not the scratch file.
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
            // Only a conflict is an error of a line; the others are errors of the database.
            TransferError::Write { error, .. } if !matches!(error, StoreError::Conflict { .. }) => {
                store_failure(error)
            }
            other => other.into(),
        })
    };
    let imported = if database.exists() {
        fill(database)
    } else {
        make_database(database, OnExisting::Fail, "imported", |made| {
            refuse_log_of_another(database)?;
            let imported = fill(made)?;
            if log_of(made).exists() {
                // Commits that are still in the log would be lost: there was no room to move them into the database.
                return Err(Failure::NoRoom(database.clone()));
            }
            Ok(imported)
        })
    };
    progress.finish_and_clear();
    let imported = imported?;
    let note = if imported.total() == 0 {
        "; the input had no job"
    } else {
        ""
    };
    print_line(&format!(
        "read {}, {}: {} added, {} replaced, {} skipped{note}",
        job_count(imported.total()),
        args.db.db.display(),
        imported.added,
        imported.replaced,
        imported.skipped
    ))
}

/// The size of all files in bytes; `None` where standard input is one of them.
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

/// Opens a file to import, or standard input.
fn open_source(path: &Path, progress: &ProgressBar) -> Result<Source, Failure> {
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
