//! `report`: changes a job by hand, and sends the reports that wait.

use std::time::Instant;

use clap::Args;
use jobdeck::job::JobStatus;
use serde_json::{Map, Value as Json, json};

use super::report::ReportTarget;
use super::run::{SpoolArgs, say};
use super::spool::Spool;
use crate::cli::failure::Failure;
use crate::cli::shell::{Access, Request, Target, TargetArgs, print_lines};

#[derive(Debug, Args)]
pub(in crate::cli) struct ReportArgs {
    /// The id of the job to change [default: none, and the reports are sent that wait]
    #[arg(value_name = "JOB")]
    job: Option<String>,
    /// The new status
    #[arg(long, value_name = "STATUS", env = "JOBDECK_REPORT_STATUS", value_parser = parse_status)]
    status: Option<JobStatus>,
    /// The message of an error, which takes the place of the errors that the job has
    #[arg(long, value_name = "MESSAGE", env = "JOBDECK_REPORT_ERROR")]
    error: Option<String>,
    /// The code of that error
    #[arg(long, value_name = "CODE", env = "JOBDECK_REPORT_ERROR_CODE")]
    error_code: Option<String>,
    /// The number of all tasks
    #[arg(long, value_name = "N", env = "JOBDECK_REPORT_TASKS")]
    tasks: Option<u32>,
    /// The number of the tasks that remain
    #[arg(long, value_name = "N", env = "JOBDECK_REPORT_REMAINED")]
    remained: Option<u32>,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    spool: SpoolArgs,
}

fn parse_status(text: &str) -> Result<JobStatus, String> {
    JobStatus::from_name(&text.to_uppercase()).ok_or_else(|| {
        let names = JobStatus::ALL.map(JobStatus::name).join(", ");
        format!("expected one of {names}")
    })
}

impl ReportArgs {
    /// Checks what the arguments say together.
    pub(in crate::cli) fn check(&self) -> Result<(), String> {
        match (&self.job, self.patch().is_empty()) {
            (Some(_), true) => Err(
                "a change is needed: `--status`, `--error`, `--error-code`, `--tasks` or `--remained`"
                    .to_owned(),
            ),
            (None, false) => Err("name the job to change".to_owned()),
            _ => Ok(()),
        }
    }

    /// Returns the members to change.
    fn patch(&self) -> Map<String, Json> {
        let mut patch = Map::new();
        let mut set = |name: &str, value: Option<Json>| {
            if let Some(value) = value {
                patch.insert(name.to_owned(), value);
            }
        };
        set("status", self.status.map(|status| json!(status.name())));
        set("total_tasks", self.tasks.map(|tasks| json!(tasks)));
        set("remained_tasks", self.remained.map(|tasks| json!(tasks)));
        let mut error = Map::new();
        for (name, value) in [("error_code", &self.error_code), ("message", &self.error)] {
            error.extend(value.iter().map(|value| (name.to_owned(), json!(value))));
        }
        set("errors", (!error.is_empty()).then(|| json!([error])));
        patch
    }
}

pub(in crate::cli) fn report(args: &ReportArgs) -> Result<(), Failure> {
    send_waiting(args)?;
    let Some(job_id) = &args.job else {
        return Ok(());
    };
    let target = args.target.open(Access::Write)?;
    let domain = target.domain(args.target.domain.as_deref())?;
    change(&target, (&domain, job_id), args.patch())
}

fn change(target: &Target, ids: (&str, &str), patch: Map<String, Json>) -> Result<(), Failure> {
    let job = target.json(&Request::of_job("PATCH", ids, patch.into()))?;
    let status = job["status"].as_str().unwrap_or_default();
    print_lines(&[format!("{}: {}: {status}", target.name(), ids.1)])
}

fn report_count(count: usize) -> String {
    match count {
        1 => "1 report".to_owned(),
        count => format!("{count} reports"),
    }
}

/// Sends the reports that wait for this target. With a job to change, a problem of them is a line of its own.
fn send_waiting(args: &ReportArgs) -> Result<(), Failure> {
    let is_alone = args.job.is_none();
    let spool = match Spool::open(args.spool.spool.as_deref()) {
        Ok(spool) => spool,
        Err(error) if is_alone => return Err(Failure::Problems(error.to_string())),
        // Then there are none.
        Err(_) => return Ok(()),
    };
    let target = ReportTarget::new(
        args.target.clone(),
        args.target.token()?,
        args.spool.report_timeout,
    );
    let deadline = Instant::now() + args.spool.report_timeout;
    let sent = spool
        .send(&target, deadline)
        .map_err(|source| Failure::Io {
            path: spool.folder().to_owned(),
            source,
        })?;
    for line in &sent.refused {
        say(line);
    }
    if sent.left > 0 {
        let problem = sent.problem.unwrap_or_default();
        let line = format!(
            "{}: {problem}; {} left in {}",
            target.name(),
            report_count(sent.left),
            spool.folder().display()
        );
        if is_alone {
            return Err(Failure::Problems(line));
        }
        say(&line);
    } else if is_alone {
        print_lines(&[format!(
            "{}: {} sent",
            target.name(),
            report_count(sent.sent)
        )])?;
    }
    Ok(())
}
