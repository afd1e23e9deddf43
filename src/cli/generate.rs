//! `generate`: writes made-up jobs.

use clap::Args;
use jobdeck::clock::Clock;
use jobdeck::demo::{Timeline, World};
use jobdeck::time::Timestamp;
use jobdeck::transfer::JobWriter;

use super::failure::Failure;
use super::output::{OutputArgs, output_failure, progress_bar, write_output};

/// The most jobs that are made at a time. The numbers of some of them are held in memory.
const MAX_JOBS: u64 = 100_000_000;

#[derive(Debug, Args)]
pub(super) struct GenerateArgs {
    #[command(flatten)]
    output: OutputArgs,
    /// The number of jobs
    #[arg(long, value_name = "N", env = "JOBDECK_JOBS", default_value = "10000", value_parser = clap::value_parser!(u64).range(..=MAX_JOBS))]
    jobs: u64,
    /// The seed of the made-up jobs; the same one gives the same bytes for the same `--now`
    #[arg(long, value_name = "N", env = "JOBDECK_SEED", default_value = "1")]
    seed: u64,
    /// The number of domains; the first one has seven tenths of the jobs
    #[arg(long, value_name = "N", env = "JOBDECK_DOMAINS", default_value = "4", value_parser = clap::value_parser!(u16).range(1..))]
    domains: u16,
    /// The number of days over which the jobs are spread
    #[arg(long, value_name = "N", env = "JOBDECK_DAYS", default_value = "365", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// The time at which the days end (RFC 3339) [default: the present time]
    #[arg(long, value_name = "INSTANT", env = "JOBDECK_NOW", value_parser = Timestamp::parse_rfc3339)]
    now: Option<Timestamp>,
}

pub(super) fn generate(args: &GenerateArgs) -> Result<(), Failure> {
    args.output.check()?;
    let now = args.now.unwrap_or_else(|| Clock::SYSTEM.now());
    let world = World::new(args.seed, usize::from(args.domains));
    let timeline = Timeline::before(now, args.days, args.jobs);
    let progress = progress_bar(Some(args.jobs), "{bar:30} {human_pos}/{human_len} jobs");
    write_output(&args.output, |name, out| {
        let failure = |source| output_failure(name, source);
        let mut writer = JobWriter::begin(out, args.output.format()).map_err(failure)?;
        for index in 0..args.jobs {
            let job = world.life(&timeline, index).at(now);
            writer.write(&job.to_document()).map_err(failure)?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        writer.finish().map_err(failure)
    })
}
