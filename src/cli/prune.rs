//! `prune`: deletes old jobs.

use std::time::Duration;

use clap::Args;
use indicatif::HumanBytes;
use jobdeck::clock::Clock;
use jobdeck::job::JobStatus;
use jobdeck::store::{Expired, Interrupt, Mode};
use jobdeck::time::Age;

use super::args::DbArgs;
use super::failure::Failure;
use super::opening::open;
use super::output::{job_count, print_line, progress_bar};

#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    #[command(flatten)]
    db: DbArgs,
    /// Delete the jobs that were created longer ago than this (`created_at`), finished or not: 12h, 90d, 2w, 1y (365 days)
    #[arg(long, value_name = "AGE", env = "JOBDECK_OLDER_THAN", value_parser = Age::parse)]
    older_than: Age,
    /// Only jobs of this domain [default: of all domains]
    #[arg(long, value_name = "DOMAIN", env = "JOBDECK_DOMAIN")]
    domain: Option<String>,
    /// Only jobs with this status; may be given several times [default: any status]
    #[arg(long = "status", value_name = "STATUS", env = "JOBDECK_STATUS", value_delimiter = ',', value_parser = parse_status)]
    statuses: Vec<JobStatus>,
    /// Print what would be deleted, and delete nothing
    #[arg(long, env = "JOBDECK_DRY_RUN", value_parser = clap::builder::BoolishValueParser::new())]
    dry_run: bool,
}

fn parse_status(text: &str) -> Result<JobStatus, String> {
    JobStatus::from_name(text).ok_or_else(|| {
        format!(
            "expected one of {}",
            JobStatus::ALL.map(JobStatus::name).join(", ")
        )
    })
}

pub(super) fn prune(args: &PruneArgs) -> Result<(), Failure> {
    let path = &args.db.db;
    let failure = |source| Failure::Store {
        path: path.clone(),
        source,
    };
    let expired = Expired {
        before: args.older_than.before(Clock::SYSTEM.now()),
        domain_id: args.domain.clone(),
        statuses: args.statuses.clone(),
    };
    let mode = if args.dry_run {
        Mode::ReadOnly
    } else {
        Mode::ReadWrite
    };
    let store = open(path, mode, 1)?;
    let counts = store.count_expired(&expired).map_err(failure)?;
    let all = |domains: &[(String, u64)]| domains.iter().map(|(_, jobs)| jobs).sum();
    let (domains, end) = if args.dry_run {
        (counts, "would be deleted; nothing was".to_owned())
    } else {
        let progress = progress_bar(Some(all(&counts)), "{bar:30} {human_pos}/{human_len} jobs");
        let forever = Interrupt::after(Duration::MAX);
        let deleted = store.delete_expired(&expired, &forever, &mut |jobs| progress.inc(jobs));
        progress.finish_and_clear();
        let deleted = deleted.map_err(failure)?;
        let free = HumanBytes(store.free_bytes().map_err(failure)?);
        (
            deleted,
            format!("deleted; {free} of the file are free for new ones"),
        )
    };
    for (domain_id, jobs) in &domains {
        print_line(&format!("{domain_id}: {}", job_count(*jobs)))?;
    }
    print_line(&format!(
        "{}: {} created before {} {end}",
        path.display(),
        job_count(all(&domains)),
        expired.before
    ))
}
