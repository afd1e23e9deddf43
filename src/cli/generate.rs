//! `generate`: writes made-up jobs.

use clap::Args;
use jobdeck::demo::{Timeline, World};
use jobdeck::time::Timestamp;

use super::failure::Failure;
use super::output::{OutputArgs, output_failure, progress_bar, refuse_database, write_output};

#[derive(Debug, Args)]
pub(super) struct GenerateArgs {
    #[command(flatten)]
    output: OutputArgs,
    /// The number of jobs
    #[arg(long, value_name = "N", env = "JOBDECK_JOBS", default_value = "10000")]
    jobs: u64,
    /// The seed of the made-up jobs; the same one gives the same bytes
    #[arg(long, value_name = "N", env = "JOBDECK_SEED", default_value = "1")]
    seed: u64,
    /// The number of domains; the first one has seven tenths of the jobs
    #[arg(long, value_name = "N", env = "JOBDECK_DOMAINS", default_value = "4", value_parser = clap::value_parser!(u16).range(1..))]
    domains: u16,
    /// The number of days over which the jobs are spread
    #[arg(long, value_name = "N", env = "JOBDECK_DAYS", default_value = "365", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// The time at which the days end (RFC 3339)
    #[arg(long, value_name = "INSTANT", env = "JOBDECK_NOW", default_value = "2026-01-01T00:00:00Z", value_parser = Timestamp::parse_rfc3339)]
    now: Timestamp,
}

pub(super) fn generate(args: &GenerateArgs) -> Result<(), Failure> {
    refuse_database(&args.output.output)?;
    let world = World::new(args.seed, usize::from(args.domains));
    let timeline = Timeline::before(args.now, args.days, args.jobs);
    let progress = progress_bar(Some(args.jobs), "{bar:30} {human_pos}/{human_len} jobs");
    write_output(&args.output, |name, out| {
        for index in 0..args.jobs {
            let line = world.life(&timeline, index).at(args.now).to_document();
            writeln!(out, "{line}").map_err(|source| output_failure(name, source))?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        out.flush().map_err(|source| output_failure(name, source))
    })
}
