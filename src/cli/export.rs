//! `export`: writes the jobs of a database.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use jobdeck::store::{Interrupt, Mode, Store};
use jobdeck::transfer::{self, TransferError};

use super::args::DbArgs;
use super::failure::Failure;
use super::output::{OutputArgs, progress_bar, write_output};

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    output: OutputArgs,
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
    let progress = progress_bar(
        Some(transaction.total().map_err(store_failure)?),
        "{bar:30} {human_pos}/{human_len} jobs",
    );
    write_output(&args.output, |name, out| {
        let mut counting = LineProgress {
            out,
            progress: &progress,
        };
        let result = transfer::export(&transaction, name, args.output.format(), &mut counting);
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
