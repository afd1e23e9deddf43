//! `backup`: copies a database, also while a server serves it.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::HumanBytes;
use jobdeck::clock::Clock;
use jobdeck::store::{
    BackupFolder, BackupStep, CheckedCopy, Mode, OnExisting, Store, checked_copy,
};

use super::args::DbArgs;
use super::failure::Failure;
use super::new_database::make_database;
use super::output::{belongs_to_database, job_count, print_line, progress_bar};

/// The most backups that a folder has.
const MAX_KEEP: usize = 10_000;

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file to write; it appears when it is whole and checked. With `--keep` the folder in which to write one, named by the
    /// database and the time in UTC
    #[arg(value_name = "DEST", value_parser = destination)]
    dest: PathBuf,
    #[command(flatten)]
    db: DbArgs,
    /// Replace DEST if it exists
    #[arg(long, env = "JOBDECK_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    force: bool,
    /// Have at most N backups of this database in the folder DEST: after a backup that is whole and checked, the oldest with such
    /// names are deleted
    #[arg(long, value_name = "N", env = "JOBDECK_KEEP", value_parser = parse_keep)]
    keep: Option<usize>,
}

/// Parses a number of backups.
pub(super) fn parse_keep(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=MAX_KEEP) => Ok(number),
        _ => Err(format!("expected a number of backups from 1 to {MAX_KEEP}")),
    }
}

fn destination(text: &str) -> Result<PathBuf, &'static str> {
    if text == "-" {
        return Err(
            "a backup is checked before it is complete, so it can't be written to standard output; name a file",
        );
    }
    Ok(text.into())
}

pub(super) fn backup(args: &BackupArgs) -> Result<(), Failure> {
    let database = &args.db.db;
    let folder = args
        .keep
        .map(|keep| (keep, BackupFolder::new(&args.dest, database)));
    if folder.is_some() && !args.dest.is_dir() {
        return Err(Failure::NoBackupFolder(args.dest.clone()));
    }
    let dest = &match &folder {
        Some((_, folder)) => folder.backup_at(Clock::SYSTEM.now()),
        None => args.dest.clone(),
    };
    let store = Store::open(database, Mode::ReadOnlyAnySchema, 1)?;
    let on_existing = check_destination(dest, database, args.force)?;
    let copied = make_database(dest, on_existing, "backed up", |made| {
        copy(&store, made, dest)
    })?;
    let checked = if copied.is_of_pages_alone {
        "of an older schema, so only its pages were checked"
    } else {
        "nothing is wrong"
    };
    let deleted = match folder {
        Some((keep, folder)) => {
            folder
                .delete_all_but(keep, dest)
                .map_err(|source| Failure::OldBackups {
                    path: args.dest.clone(),
                    source,
                })?
        }
        None => 0,
    };
    let deleted = match deleted {
        0 => String::new(),
        1 => "; 1 older backup was deleted".to_owned(),
        many => format!("; {many} older backups were deleted"),
    };
    print_line(&format!(
        "copied {}, {} to {}: {}, {checked}{deleted}",
        job_count(copied.jobs),
        database.display(),
        dest.display(),
        HumanBytes(copied.bytes)
    ))
}

/// Refuses a destination where a copy would do harm or be of no use; returns what happens to a file that is there.
fn check_destination(dest: &Path, database: &Path, force: bool) -> Result<OnExisting, Failure> {
    let io = |source| Failure::Io {
        path: dest.to_owned(),
        source,
    };
    if belongs_to_database(dest) {
        return Err(Failure::OverDatabase(dest.to_owned()));
    }
    let existing = match std::fs::symlink_metadata(dest) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(io(error)),
    };
    if let Some(existing) = &existing {
        if dest.is_dir() {
            return Err(Failure::Folder(dest.to_owned()));
        }
        let is_same = |other: std::fs::Metadata| {
            (other.dev(), other.ino()) == (existing.dev(), existing.ino())
        };
        if std::fs::metadata(database).is_ok_and(is_same) {
            return Err(Failure::OntoItself(dest.to_owned()));
        }
        if !existing.is_file() {
            return Err(Failure::NotRegular(dest.to_owned()));
        }
        if !force {
            return Err(Failure::Present(dest.to_owned()));
        }
    }
    // SQLite takes a log for that of the database with its name. An empty one does no harm.
    for ending in ["-wal", "-journal"] {
        let mut log = OsString::from(dest);
        log.push(ending);
        if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            return Err(Failure::LogOfCopy(log.into(), dest.to_owned()));
        }
    }
    Ok(if existing.is_some() {
        OnExisting::Replace
    } else {
        OnExisting::Fail
    })
}

/// Makes the copy and checks it, with a progress bar.
fn copy(store: &Store, made: &Path, dest: &Path) -> Result<CheckedCopy, Failure> {
    let progress = progress_bar(Some(0), "{bar:30} {percent}% copied {msg}");
    let copied = checked_copy(store, made, dest, &mut |step| {
        match step {
            BackupStep::Copied { pages, of } => {
                progress.set_length(of);
                progress.set_position(pages);
            }
            BackupStep::Checking => progress.set_message("and being checked"),
        }
        ControlFlow::Continue(())
    });
    progress.finish_and_clear();
    Ok(copied?)
}
