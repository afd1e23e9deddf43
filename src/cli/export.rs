//! `export`: writes the jobs of a database, all of them or those that filters name.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use jobdeck::clock::Clock;
use jobdeck::query::compile_list;
use jobdeck::query::request::JobsQuery;
use jobdeck::store::{Interrupt, Mode, ReadTransaction, Store};
use jobdeck::transfer::{self, Selection, TransferError};
use serde_json::json;

use super::args::DbArgs;
use super::failure::Failure;
use super::output::{OutputArgs, progress_bar, write_output};
use super::shell::{FilterArgs, not_empty, only_domain};

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    filters: FilterArgs,
    /// Only jobs of this domain [default: of all domains; with other filters, the only one that there is]
    #[arg(long, value_name = "DOMAIN", env = "JOBDECK_DOMAIN", value_parser = not_empty)]
    domain: Option<String>,
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl ExportArgs {
    /// Checks what the arguments say together.
    pub(super) fn check(&self) -> Result<(), String> {
        self.filters.filters().map(|_| ())
    }

    /// Returns which jobs are meant, as the list of the API has them.
    fn selection(&self, transaction: &ReadTransaction<'_>) -> Result<Selection, Failure> {
        let filters = self.filters.filters().map_err(Failure::Problems)?;
        if self.domain.is_none() && filters.is_empty() {
            return Ok(Selection::All);
        }
        let path = &self.db.db;
        let domain = if let Some(domain) = &self.domain {
            domain.clone()
        } else {
            let domains = transaction.domains().map_err(|source| Failure::Store {
                path: path.clone(),
                source,
            })?;
            let domains: Vec<_> = domains.iter().map(|(domain, _)| domain.as_str()).collect();
            only_domain(&domains).map_err(|problem| Failure::Refused {
                target: path.display().to_string(),
                problem,
            })?
        };
        let body = json!({"domain_id": domain, "query": filters.query()}).to_string();
        let plan = JobsQuery::from_json(body.as_bytes())
            .and_then(|request| compile_list(&request, Clock::SYSTEM.now()))
            .map_err(|error| Failure::Problems(error.to_string()))?;
        Ok(Selection::List(Box::new(plan.without_total())))
    }
}

pub(super) fn export(args: &ExportArgs) -> Result<(), Failure> {
    args.output.check()?;
    let store = Store::open(&args.db.db, Mode::ReadOnly, 1)?;
    let store_failure = |source| Failure::Store {
        path: args.db.db.clone(),
        source,
    };
    let mut reader = store
        .reader(&Arc::new(Interrupt::after(Duration::MAX)))
        .map_err(store_failure)?;
    let transaction = reader.begin().map_err(store_failure)?;
    let selection = args.selection(&transaction)?;
    let progress = match &selection {
        Selection::All => progress_bar(
            Some(transaction.total().map_err(store_failure)?),
            "{bar:30} {human_pos}/{human_len} jobs",
        ),
        // How many there are is not known before.
        Selection::List(_) => progress_bar(None, "{human_pos} jobs"),
    };
    write_output(&args.output, |name, out| {
        let mut counting = LineProgress {
            out,
            progress: &progress,
        };
        let result = transfer::export(
            &transaction,
            &selection,
            name,
            args.output.format(),
            &mut counting,
        );
        progress.finish_and_clear();
        result.map(|_| ()).map_err(|error| match error {
            TransferError::Io { error, .. } if error.kind() == std::io::ErrorKind::BrokenPipe => {
                Failure::ClosedOutput
            }
            // An error of the database, not of the output.
            TransferError::Store(source) => store_failure(source),
            other => other.into(),
        })
    })
}

/// Counts the lines that are written.
struct LineProgress<'p, W> {
    out: W,
    progress: &'p ProgressBar,
}

impl<W: Write> Write for LineProgress<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.progress
            .inc(u64::from(bytes[..written].ends_with(b"\n")));
        Ok(written)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
