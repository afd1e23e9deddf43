//! The jobs that run now, and those of them that are stuck.

use std::collections::VecDeque;

use super::answer::{RunningInfo, RunningJobInfo, UsualInfo};
use crate::time::Timestamp;

/// The most jobs of each kind that are answered.
const MAX_ANSWERED: usize = 20;

/// Judges the jobs that run, which come the newest first.
#[derive(Debug)]
pub struct RunningJobs {
    now: Timestamp,
    count: u64,
    newest: Vec<ListedJob>,
    stuck_count: u64,
    /// The newest first.
    oldest_stuck: VecDeque<ListedJob>,
}

/// A job that runs.
#[derive(Debug, Clone, Copy)]
pub struct RunningJob<'j> {
    pub job_id: &'j str,
    pub collector_id: Option<&'j str>,
    pub created_at: i64,
    /// The key of its `collector_info`.
    pub info: Option<i64>,
}

/// Returns whether a job that runs takes longer than nearly all jobs of its collector did; not where too few of them say
/// what is usual.
#[must_use]
pub fn is_stuck(now: Timestamp, created_at: i64, usual: Option<UsualInfo>) -> bool {
    usual.is_some_and(|usual| now.millis() - created_at > usual.p95)
}

#[derive(Debug)]
struct ListedJob {
    job_id: String,
    collector_id: Option<String>,
    created_at: i64,
    info: Option<i64>,
    usual: Option<UsualInfo>,
}

impl RunningJobs {
    /// Begins, at the time by which jobs are stuck.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            now,
            count: 0,
            newest: Vec::new(),
            stuck_count: 0,
            oldest_stuck: VecDeque::new(),
        }
    }

    /// Adds a job, with how long the jobs of its collector usually take.
    pub fn add(&mut self, job: RunningJob<'_>, usual: Option<UsualInfo>) {
        let listed = || ListedJob {
            job_id: job.job_id.to_owned(),
            collector_id: job.collector_id.map(str::to_owned),
            created_at: job.created_at,
            info: job.info,
            usual,
        };
        self.count += 1;
        if self.newest.len() < MAX_ANSWERED {
            self.newest.push(listed());
        }
        if is_stuck(self.now, job.created_at, usual) {
            self.stuck_count += 1;
            self.oldest_stuck.push_back(listed());
            if self.oldest_stuck.len() > MAX_ANSWERED {
                self.oldest_stuck.pop_front();
            }
        }
    }

    /// Returns the jobs that run, and those that are stuck; `name` finds the name of a collector by the key of its
    /// `collector_info`.
    ///
    /// # Errors
    /// Those of `name`.
    pub fn answer<E>(
        self,
        mut name: impl FnMut(i64) -> Result<Option<String>, E>,
    ) -> Result<(RunningInfo, RunningInfo), E> {
        let mut info = |job: ListedJob| {
            Ok(RunningJobInfo {
                job_id: job.job_id,
                collector_id: job.collector_id,
                name: job.info.map_or(Ok(None), &mut name)?,
                since: Timestamp::from_millis(job.created_at).unwrap_or(Timestamp::MIN),
                usual: job.usual,
            })
        };
        let running = RunningInfo {
            count: self.count,
            jobs: self
                .newest
                .into_iter()
                .map(&mut info)
                .collect::<Result<_, E>>()?,
        };
        let stuck = RunningInfo {
            count: self.stuck_count,
            jobs: self
                .oldest_stuck
                .into_iter()
                .rev()
                .map(info)
                .collect::<Result<_, E>>()?,
        };
        Ok((running, stuck))
    }
}
