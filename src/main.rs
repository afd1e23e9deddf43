//! The binary: arguments in, exit code out.

mod cli;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

/// Of Rust and of SQLite: an answer is made of many small pieces, and malloc of the C library took a fifth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // clap ends the process with 2 for wrong usage.
    let cli = cli::Cli::parse();
    let log = cli.start_log();
    let result = cli.run();
    // Whatever was logged comes before the last line.
    log.finish();
    match result {
        Ok(()) | Err(cli::Failure::ClosedOutput) => ExitCode::SUCCESS,
        Err(failure) => {
            // SQLite repeats what it can't read of a damaged schema, which is many lines.
            let line = failure.to_string().replace(['\n', '\r'], " ");
            // Where standard error is closed there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "jobdeck: {line}");
            ExitCode::FAILURE
        }
    }
}
