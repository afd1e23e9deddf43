//! `check`: verifies a database.

use clap::Args;
use jobdeck::store::Mode;

use super::args::DbArgs;
use super::failure::Failure;
use super::opening::open;
use super::output::{job_count, print_line};

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    database: DbArgs,
    /// Rebuild what is derived from the documents (columns, indexes, counts), then verify
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
    let store = open(path, mode, 1)?;
    if args.repair {
        store.repair().map_err(failure)?;
    }
    let report = store.check().map_err(failure)?;
    if report.problems.is_empty() {
        return print_line(&format!(
            "{}: {}, nothing is wrong",
            path.display(),
            job_count(report.jobs)
        ));
    }
    for problem in &report.problems {
        print_line(&format!("{}: {problem}", path.display()))?;
    }
    Err(Failure::Problems(format!(
        "{}: {} found; {}",
        path.display(),
        match report.problems.len() {
            1 => "1 problem".to_owned(),
            problems => format!("{problems} problems"),
        },
        if args.repair {
            "these can't be repaired: restore a backup, or export what can still be read and import it into a new database"
        } else {
            "`jobdeck check --repair` rebuilds what is derived; for the rest restore a backup"
        }
    )))
}
