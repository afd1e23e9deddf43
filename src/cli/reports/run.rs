//! `run`: runs a command, and reports it as a job.
//!
//! The command never waits for the server: a thread sends the reports. The end of the command is on the disk before it is sent.
//! What can't be sent by then is sent by the next `run` or `report`.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use jobdeck::clock::Clock;
use jobdeck::job::random_job_id;
use serde_json::json;

use super::process::run_command;
use super::report::{Report, ReportTarget};
use super::signals::Receiver;
use super::spool::{Outcome, Spool, deliver};
use crate::cli::args::parse_seconds;
use crate::cli::failure::Failure;
use crate::cli::shell::TargetArgs;

#[derive(Debug, Args)]
pub(in crate::cli) struct RunArgs {
    /// The collector that the job is a run of: its name, and its id
    #[arg(long, value_name = "NAME", env = "JOBDECK_RUN_COLLECTOR")]
    collector: String,
    /// The project of the job
    #[arg(long, value_name = "ID", env = "JOBDECK_RUN_PROJECT")]
    project: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    spool: SpoolArgs,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, last = true)]
    command: Vec<OsString>,
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct SpoolArgs {
    /// The folder for reports that could not be sent yet [default: jobdeck/reports in `$XDG_STATE_HOME` or `~/.local/state`]
    #[arg(long, value_name = "DIR", env = "JOBDECK_SPOOL")]
    pub(in crate::cli) spool: Option<PathBuf>,
    /// How long reports may take to be sent after the end of the command
    #[arg(long, value_name = "SECONDS", env = "JOBDECK_REPORT_TIMEOUT", default_value = "5", value_parser = parse_seconds)]
    pub(in crate::cli) report_timeout: Duration,
}

impl RunArgs {
    /// Checks what the arguments say together.
    pub(in crate::cli) fn check(&self) -> Result<(), String> {
        if self.target.domain.is_none() {
            return Err(
                "`run` needs `--domain`: the command must not wait for a look at which there are"
                    .to_owned(),
            );
        }
        if self.collector.is_empty() {
            return Err("`--collector` needs a name".to_owned());
        }
        Ok(())
    }

    /// Returns the report of the start.
    fn start(&self, target: &str) -> Report {
        let now = Clock::SYSTEM.now();
        let mut job = json!({
            "status": "IN_PROGRESS",
            "total_tasks": 1,
            "remained_tasks": 1,
            "collector_info": {"collector_id": self.collector, "name": self.collector},
            "created_at": now,
            "updated_at": now,
        });
        if let Some(project) = &self.project {
            job["project_id"] = json!(project);
        }
        Report {
            target: target.to_owned(),
            domain_id: self.target.domain.clone().unwrap_or_default(),
            job_id: new_job_id(now.millis()),
            is_end: false,
            job,
        }
    }
}

/// Makes an id of a job. Without random bytes, it is made of the time and the process, which are unique on this host.
fn new_job_id(millis: i64) -> String {
    random_job_id().unwrap_or_else(|_no_bytes| {
        let unique = millis.unsigned_abs() ^ (u64::from(std::process::id()) << 20);
        format!("job-{:012x}", unique & 0xffff_ffff_ffff)
    })
}

/// Runs the command; returns its exit code. A problem of the reports does not change it.
pub(in crate::cli) fn run(args: &RunArgs) -> ExitCode {
    // A token that can't be read does not stop the command.
    let token = args.target.token();
    let token_problem = token.as_ref().err().map(Failure::text);
    let target = ReportTarget::new(
        args.target.clone(),
        token.unwrap_or_default(),
        args.spool.report_timeout,
    );
    let spool = Spool::open(args.spool.spool.as_deref());
    let start = args.start(&target.name());
    let receiver = Receiver::default();
    if let Err(error) = receiver.listen() {
        say(&format!(
            "signals are not passed on to the command: {error}"
        ));
    }
    let reporter = Reporter::start(spool, target, start.clone());
    let ending = run_command(&args.command, &receiver);
    if let super::process::Ending::NotStarted(_, problem) = &ending {
        say(problem);
    }
    let end = start.ended(&ending, Clock::SYSTEM.now());
    for line in reporter.finish(&end, args.spool.report_timeout) {
        say(&line);
    }
    if let Some(problem) = token_problem {
        say(&problem);
    }
    ExitCode::from(ending.exit_code())
}

/// Writes a line to standard error, which may be closed.
pub(super) fn say(line: &str) {
    let line = line.replace(['\n', '\r'], " ");
    let _ = writeln!(std::io::stderr(), "jobdeck: {line}");
}

/// Sends the reports of a job by a thread of its own.
struct Reporter {
    spool: std::io::Result<Spool>,
    ends: mpsc::Sender<Report>,
    done: mpsc::Receiver<std::io::Result<Outcome>>,
    /// The name of the job and of the target, for messages.
    job_id: String,
    target: String,
}

impl Reporter {
    fn start(spool: std::io::Result<Spool>, target: ReportTarget, start: Report) -> Self {
        let (ends, ended) = mpsc::channel::<Report>();
        let (finished, done) = mpsc::channel();
        let (job_id, name) = (start.job_id.clone(), start.target.clone());
        let timeout = target.timeout;
        let of_thread = spool.as_ref().ok().cloned();
        thread::spawn(move || {
            let send = |report: &Report, is_saved: bool| match &of_thread {
                Some(spool) => {
                    if !is_saved {
                        spool.save(report)?;
                    }
                    spool.send(&target, Instant::now() + timeout)
                }
                None => Ok(send_directly(&target, report)),
            };
            // Whether the start was taken is of no interest: the end says all that it says. But the end may be saved, and sent,
            // while the start is.
            let mut refused = Vec::new();
            let end = ended.try_recv().or_else(|_| {
                if let Ok(sent) = send(&start, false) {
                    refused = sent.refused;
                }
                ended.recv()
            });
            if let Ok(end) = end {
                let sent = send(&end, true).map(|sent| Outcome {
                    refused: merged(refused, sent.refused),
                    ..sent
                });
                let _ = finished.send(sent);
            }
        });
        Self {
            spool,
            ends,
            done,
            job_id,
            target: name,
        }
    }

    /// Saves the end, has it sent, and waits for that, but not for long; returns lines that say what went wrong.
    fn finish(self, end: &Report, timeout: Duration) -> Vec<String> {
        let mut lines = Vec::new();
        let saved = self.spool.and_then(|spool| {
            spool.save(end)?;
            Ok(spool)
        });
        // The thread lives until it has this.
        let _ = self.ends.send(end.clone());
        let sent = self.done.recv_timeout(timeout).unwrap_or_else(|error| {
            let problem = match error {
                RecvTimeoutError::Timeout => "no answer in time",
                RecvTimeoutError::Disconnected => "the report could not be sent",
            };
            Ok(Outcome {
                left: 1,
                problem: Some(problem.to_owned()),
                ..Outcome::default()
            })
        });
        let (left, problem) = match sent {
            Ok(sent) => {
                lines.extend(sent.refused);
                (sent.left, sent.problem)
            }
            Err(error) => (1, Some(error.to_string())),
        };
        if left == 0 {
            return lines;
        }
        let problem = problem.unwrap_or_else(|| "no answer".to_owned());
        let problem = problem
            .strip_prefix(&format!("{}: ", self.target))
            .unwrap_or(&problem);
        lines.push(match saved {
            Ok(spool) => format!(
                "{}: {problem}; the next `jobdeck run` or `jobdeck report` sends the report of job {}, which is in {}",
                self.target,
                self.job_id,
                spool.folder().display()
            ),
            Err(error) => format!(
                "{}: {problem}; the report of job {} is lost, since it could not be saved: {error}",
                self.target, self.job_id
            ),
        });
        lines
    }
}

/// Returns lines, and those of others that are not among them.
fn merged(mut lines: Vec<String>, others: Vec<String>) -> Vec<String> {
    for line in others {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// Sends a report that could not be saved.
fn send_directly(target: &ReportTarget, report: &Report) -> Outcome {
    let sent = target.open().and_then(|target| deliver(&target, report));
    match sent {
        Ok(()) => Outcome {
            sent: 1,
            ..Outcome::default()
        },
        Err(error) => Outcome {
            left: 1,
            problem: Some(error.into_problem()),
            ..Outcome::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_that_of_a_job() {
        let made = new_job_id(0);
        let digits = made.strip_prefix("job-").unwrap();
        assert_eq!(digits.len(), 12);
        assert!(digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_ne!(made, new_job_id(0));
    }
}
