//! `restore`: puts a backup in the place of a database that no program uses.

use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;
use jobdeck::clock::Clock;
use jobdeck::store::{
    BackupStep, Mode, Store, checked_copy, former_path, refuse_database_in_use, replace_database,
};

use super::args::DbArgs;
use super::failure::Failure;
use super::new_database::make_in_scratch;
use super::output::{job_count, print_line, progress_bar};

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The backup; it stays as it is
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    #[command(flatten)]
    db: DbArgs,
    /// Replace the database for good [default: the former one becomes a file next to it, named `.before-restore-` and the time]
    #[arg(long, env = "JOBDECK_FORCE", value_parser = clap::builder::BoolishValueParser::new())]
    force: bool,
}

pub(super) fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    let (backup, database) = (&args.backup, &args.db.db);
    let store = Store::open(backup, Mode::ReadOnlyAnySchema, 1)?;
    if is_same_file(backup, database) {
        return Err(Failure::OntoItself(backup.clone()));
    }
    if database.is_dir() {
        return Err(Failure::Folder(database.clone()));
    }
    // Before the work of a copy; it is checked again when the copy is there.
    refuse_database_in_use(database)?;
    let kept = (!args.force).then(|| former_path(database, Clock::SYSTEM.now()));
    let (copied, has_replaced) = make_in_scratch(
        database,
        "restored",
        |made| {
            let progress = progress_bar(Some(0), "{bar:30} {percent}% restored {msg}");
            let copied = checked_copy(&store, made, database, &mut |step| {
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
        },
        |made| Ok(replace_database(made, database, kept.as_deref())?),
    )?;
    let former = match kept {
        _ if !has_replaced => "there was no database before".to_owned(),
        Some(former) => format!("the former database is {}", former.display()),
        None => "the former database is gone".to_owned(),
    };
    let checked = if copied.is_of_pages_alone {
        "of an older schema, so only its pages were checked"
    } else {
        "nothing is wrong"
    };
    print_line(&format!(
        "restored {}, {} to {}: {checked}; {former}",
        job_count(copied.jobs),
        backup.display(),
        database.display(),
    ))
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| {
        std::fs::metadata(path)
            .map(|file| (file.dev(), file.ino()))
            .ok()
    };
    id(one).is_some_and(|one| Some(one) == id(other))
}
