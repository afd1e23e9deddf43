//! `backup`: copies a database, also while a server serves it.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::HumanBytes;
use jobdeck::store::{Mode, Store};

use super::args::DbArgs;
use super::failure::Failure;
use super::new_database::{OnExisting, make_database};
use super::output::{belongs_to_database, job_count, print_line, progress_bar};

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file to write; it appears when it is whole and checked
    #[arg(value_name = "DEST", value_parser = destination)]
    dest: PathBuf,
    #[command(flatten)]
    db: DbArgs,
    /// Replace DEST if it exists
    #[arg(long, env = "JOBDECK_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    force: bool,
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
    let (database, dest) = (&args.db.db, &args.dest);
    let store = Store::open(database, Mode::ReadOnlyAnySchema, 1)?;
    let on_existing = check_destination(dest, database, args.force)?;
    let (jobs, bytes, is_older) = make_database(dest, on_existing, "backed up", |made| {
        copy(&store, made, dest)
    })?;
    let checked = if is_older {
        "of an older schema, so only its pages were checked"
    } else {
        "nothing is wrong"
    };
    print_line(&format!(
        "copied {}, {} to {}: {}, {checked}",
        job_count(jobs),
        database.display(),
        dest.display(),
        HumanBytes(bytes)
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

/// Makes the copy and checks it; returns its number of jobs, its size in bytes, and whether its schema is an older one.
fn copy(store: &Store, made: &Path, dest: &Path) -> Result<(u64, u64, bool), Failure> {
    let io = |source| Failure::Io {
        path: dest.to_owned(),
        source,
    };
    let failure = |source| Failure::Copy {
        database: store.path().to_owned(),
        dest: dest.to_owned(),
        source,
    };
    let progress = progress_bar(Some(0), "{bar:30} {percent}% copied {msg}");
    store
        .copy_to(made, &mut |copied, pages| {
            progress.set_length(pages);
            progress.set_position(copied);
        })
        .map_err(failure)?;
    progress.set_message("and being checked");
    let report = Store::open(made, Mode::ReadOnlyAnySchema, 1)?
        .check()
        .map_err(failure)?;
    progress.finish_and_clear();
    if let Some(problem) = report.problems.first() {
        return Err(Failure::BadCopy {
            database: store.path().to_owned(),
            problem: problem.clone(),
        });
    }
    // The copy is readable only by users who may read the database, and whom the umask allows to read new files.
    let file = File::open(made).map_err(io)?;
    let of_database = std::fs::metadata(store.path()).map_err(io)?.permissions();
    let of_new_files = file.metadata().map_err(io)?.permissions();
    let mode = of_database.mode() & of_new_files.mode();
    file.set_permissions(Permissions::from_mode(mode))
        .map_err(io)?;
    file.sync_all().map_err(io)?;
    let bytes = file.metadata().map_err(io)?.len();
    Ok((report.jobs, bytes, report.is_of_pages_alone))
}
