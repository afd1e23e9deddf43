//! The binary: arguments in, exit code out.

mod cli;

use std::io::Write;
use std::process::ExitCode;

/// The allocator of Rust and of SQLite: an answer is made of many small pieces, for which malloc of the C library took a
/// fifth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::from_arguments();
    let log = cli.start_log();
    let result = cli.run();
    // The log is written before the last line.
    log.finish();
    match result {
        Ok(code) => code,
        Err(cli::Failure::ClosedOutput) => ExitCode::SUCCESS,
        Err(failure) => {
            // Standard error may be closed.
            let _ = writeln!(std::io::stderr(), "jobdeck: {}", failure.text());
            ExitCode::FAILURE
        }
    }
}
