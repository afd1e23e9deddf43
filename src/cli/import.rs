//! `import`: loads jobs from files into a database.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use jobdeck::clock::Clock;
use jobdeck::store::{
    Mode, OnConflict, OnExisting, OpenError, ScratchFolder, Store, log_of, refuse_log_of_another,
};
use jobdeck::transfer::{
    self, ImportFilter, ImportRules, Imported, LazyFile, Source, TransferError, files_of,
};

use super::args::DbArgs;
use super::failure::Failure;
use super::new_database::make_database;
use super::opening::open;
use super::output::{is_dash, job_count, print_line, progress_bar};
use super::shell::{FilterOptions, not_empty};

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    db: DbArgs,
    /// The files, or folders with their folders; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    filters: FilterOptions,
    /// What the search box of the page takes: `message~quota`, `-status:SUCCESS`, plain words; may be given several times; see
    /// `jobdeck docs page`
    #[arg(
        long = "term",
        value_name = "TERM",
        env = "JOBDECK_TERM",
        allow_hyphen_values = true
    )]
    terms: Vec<String>,
    /// Only jobs of this domain [default: of all domains]
    #[arg(long, value_name = "DOMAIN", env = "JOBDECK_DOMAIN", value_parser = not_empty)]
    domain: Option<String>,
    /// What to do with a job that the database already has
    #[arg(
        long,
        value_name = "HOW",
        env = "JOBDECK_ON_CONFLICT",
        default_value = "replace"
    )]
    on_conflict: ConflictArg,
    /// Read and check everything, say what would be imported, and write nothing
    #[arg(long, env = "JOBDECK_DRY_RUN", value_parser = clap::builder::BoolishValueParser::new())]
    dry_run: bool,
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

impl ImportArgs {
    /// Checks what the arguments say together.
    pub(super) fn check(&self) -> Result<(), String> {
        self.filters.filters(&self.terms).map(|_| ())
    }

    /// Returns how jobs are imported, of which those that match the filters are meant.
    fn rules(&self) -> Result<ImportRules, Failure> {
        let now = Clock::SYSTEM.now();
        let filters = self.filters.filters(&self.terms);
        let query = filters.map_err(Failure::Problems)?.query();
        let filter = if self.domain.is_none() && query.is_empty() {
            None
        } else {
            let filter = ImportFilter::new(self.domain.clone(), &query, now);
            Some(filter.map_err(|error| Failure::Problems(error.to_string()))?)
        };
        let on_conflict = match self.on_conflict {
            ConflictArg::Replace => OnConflict::Replace,
            ConflictArg::Skip => OnConflict::Skip,
            ConflictArg::Fail => OnConflict::Fail,
        };
        Ok(ImportRules {
            on_conflict,
            filter,
            now,
        })
    }
}

pub(super) fn import(args: &ImportArgs) -> Result<(), Failure> {
    let rules = args.rules()?;
    let is_filtered = rules.filter.is_some();
    let inputs = inputs(&args.paths)?;
    let progress = progress_bar(
        input_bytes(&inputs),
        "{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {msg}",
    );
    // Opened before the database is made, so that a wrong path leaves no empty database.
    let sources = inputs
        .into_iter()
        .map(|path| open_source(path, &progress))
        .collect::<Result<Vec<_>, _>>()?;
    let database = &args.db.db;
    let imported = if args.dry_run {
        dry_run(database, sources, rules)
    } else {
        write(database, sources, rules)
    };
    progress.finish_and_clear();
    let imported = imported?;
    let verb = if args.dry_run {
        "would be added"
    } else {
        "added"
    };
    let unmatched = if is_filtered {
        format!("; {} did not match", imported.unmatched)
    } else {
        String::new()
    };
    let mut lines = vec![format!(
        "read {}, {}: {} {verb}, {} replaced, {} skipped{unmatched}",
        job_count(imported.total()),
        database.display(),
        imported.added,
        imported.replaced,
        imported.skipped
    )];
    if imported.total() == 0 {
        lines[0].push_str("; the input had no job");
    }
    if args.dry_run {
        lines[0].push_str("; nothing was written");
    }
    lines.extend(imported.notes.translation_lines());
    let doubts = imported.notes.doubt_lines();
    lines.extend(doubts.map(|line| format!("warning: {line}")));
    print_line(&lines.join("\n"))
}

/// Imports the sources into a database, which is made where there is none.
fn write(database: &Path, sources: Vec<Source>, rules: ImportRules) -> Result<Imported, Failure> {
    let fill = |path: &Path, mode: Mode| -> Result<Imported, Failure> {
        // The error names the database of the user, not the scratch file.
        let store = open(path, mode, 1).map_err(|error| match error {
            OpenError::Sqlite { source, .. } => OpenError::Sqlite {
                path: database.to_owned(),
                source,
            },
            other => other,
        })?;
        let imported =
            transfer::import(&store, sources, rules).map_err(|error| failure(database, error))?;
        if mode == Mode::Build {
            let completed = store.writer().and_then(|writer| writer.complete());
            completed.map_err(|source| Failure::Store {
                path: database.to_owned(),
                source,
            })?;
        }
        Ok(imported)
    };
    if database.exists() {
        return fill(database, Mode::Create);
    }
    make_database(database, OnExisting::Fail, "imported", |made| {
        refuse_log_of_another(database)?;
        let imported = fill(made, Mode::Build)?;
        if log_of(made).exists() {
            // Commits that are still in the log would be lost: there was no room to move them into the database.
            return Err(Failure::NoRoom(database.to_owned()));
        }
        Ok(imported)
    })
}

/// Counts what an import would write. The database is only read, also one of an older schema; none is made.
fn dry_run(database: &Path, sources: Vec<Source>, rules: ImportRules) -> Result<Imported, Failure> {
    let present = match Store::open(database, Mode::ReadOnlyAnySchema, 1) {
        Ok(store) => Some(store),
        Err(OpenError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let path = std::env::temp_dir();
    let folder = ScratchFolder::make(&path).map_err(|source| Failure::Io { path, source })?;
    let scratch = Store::open(&folder.path().join("scratch.db"), Mode::Scratch, 1)?;
    transfer::dry_run(present.as_ref(), &scratch, sources, rules)
        .map_err(|error| failure(database, error))
}

fn failure(database: &Path, error: TransferError) -> Failure {
    match error {
        TransferError::Store(source) => Failure::Store {
            path: database.to_owned(),
            source,
        },
        other => other.into(),
    }
}

/// Returns the files that the paths name, with those of folders.
fn inputs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !is_dash(path) && path.is_dir() {
            files.extend(files_of(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
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
fn open_source(path: PathBuf, progress: &ProgressBar) -> Result<Source, Failure> {
    if is_dash(&path) {
        return Ok(Source::new(
            "standard input",
            progress.wrap_read(std::io::stdin()),
        ));
    }
    let io = |source| Failure::Io {
        path: path.clone(),
        source,
    };
    let name = path.display().to_string();
    let file = File::open(&path).map_err(io)?;
    // A pipe can be opened once only. Of regular files there may be more than can be open at the same time.
    if file.metadata().map_err(io)?.is_file() {
        drop(file);
        return Ok(Source::new(name, progress.wrap_read(LazyFile::new(path))));
    }
    Ok(Source::new(name, progress.wrap_read(file)))
}
