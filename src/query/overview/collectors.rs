//! The collectors of an overview: their failures, and their last runs.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::answer::{
    CollectorInfo, CollectorsInfo, MedianInfo, PreviousRunsInfo, RunInfo, SeenJobInfo, UsualInfo,
};
use super::durations::Durations;
use crate::job::JobStatus;
use crate::time::Timestamp;

/// The most collectors of an overview.
pub const MAX_COLLECTORS: usize = 10_000;
/// The most collectors that are answered.
pub const MAX_ANSWERED: usize = 500;
/// How many are answered unless a request says so.
pub(super) const ANSWERED: usize = 20;
/// The most runs of a collector that are answered.
const MAX_RUNS: usize = 30;
/// The fewest runs by which a collector can be flaky.
const MIN_FLAKY_RUNS: usize = 10;
/// Of this number of runs, one must end otherwise than the run before it.
const FLAKY_SHARE: usize = 3;

/// The number of a collector in an overview.
pub(super) type CollectorNumber = u32;

/// A job of a collector.
#[derive(Debug, Clone, Copy)]
pub struct SeenJob<'j> {
    pub job_id: &'j str,
    pub created_at: i64,
    pub status: JobStatus,
    pub duration: Option<i64>,
    /// The key of its `collector_info`.
    pub info: i64,
}

/// The period of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Current,
    Previous,
}

/// All collectors.
#[derive(Debug, Default)]
pub(super) struct Collectors {
    numbers: HashMap<Box<str>, CollectorNumber, RandomState>,
    all: Vec<Collector>,
}

#[derive(Debug, Default)]
struct Collector {
    current: Runs,
    previous: Runs,
    /// How long other jobs than successes took, of both periods.
    other_durations: Durations,
    /// When the newest success began.
    success_at: Option<i64>,
    /// When the failures after it began, of the two periods.
    failures: Vec<i64>,
    /// Those from before the two periods that began after the newest success.
    earlier_failures: Failures,
    last_success: Option<Run>,
    last_failure: Option<Run>,
    /// The newest first.
    last_runs: Vec<Run>,
}

/// Failures of a collector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    pub count: u64,
    /// When the first of them began.
    pub since: Option<i64>,
}

/// The runs of a period.
#[derive(Debug, Default)]
struct Runs {
    ended: u64,
    failed: u64,
    /// How long the successes took.
    successes: Durations,
}

#[derive(Debug, Clone)]
struct Run {
    created_at: i64,
    job_id: Box<str>,
    status: JobStatus,
    duration: Option<i64>,
    info: i64,
}

impl Collectors {
    /// Returns the number of a collector; `None` where there are too many.
    pub(super) fn number(&mut self, collector_id: &str) -> Option<CollectorNumber> {
        if let Some(number) = self.numbers.get(collector_id) {
            return Some(*number);
        }
        if self.all.len() >= MAX_COLLECTORS {
            return None;
        }
        let number = CollectorNumber::try_from(self.all.len()).ok()?;
        self.numbers.insert(collector_id.into(), number);
        self.all.push(Collector::default());
        Some(number)
    }

    /// Returns the ids of the collectors, in the order of their numbers.
    pub(super) fn ids(&self) -> Vec<Box<str>> {
        let mut numbered: Vec<_> = self.numbers.iter().collect();
        numbered.sort_unstable_by_key(|(_, number)| **number);
        numbered.into_iter().map(|(id, _)| id.clone()).collect()
    }

    /// Adds a job of a collector.
    pub(super) fn add(&mut self, number: CollectorNumber, job: SeenJob<'_>, period: Period) {
        if let Some(collector) = self.all.get_mut(number as usize) {
            collector.add(job, period);
        }
    }

    /// Chooses so many of the worst collectors, and computes what is usual.
    pub(super) fn finish(mut self, answered: usize) -> CountedCollectors {
        let mut usual = HashMap::default();
        let mut ranked = Vec::new();
        for (collector_id, number) in self.numbers {
            let Some(collector) = self.all.get_mut(number as usize) else {
                continue;
            };
            let mut collector = std::mem::take(collector);
            let successes = [&mut collector.current, &mut collector.previous]
                .map(|runs| runs.successes.median_info());
            if let Some(of_collector) = collector.take_durations().usual() {
                usual.insert(collector_id.clone(), of_collector);
            }
            if collector.current.ended > 0 {
                ranked.push((collector_id, collector, successes));
            }
        }
        ranked.sort_unstable_by(|(one_id, one, _), (other_id, other, _)| {
            let (one, other) = (&one.current, &other.current);
            let by_failures = other.failed.cmp(&one.failed);
            let by_rate = (other.failed * one.ended).cmp(&(one.failed * other.ended));
            by_failures.then(by_rate).then(one_id.cmp(other_id))
        });
        let more = ranked.len().saturating_sub(answered) as u64;
        let worst = ranked.into_iter().take(answered);
        let worst = worst.map(|(collector_id, collector, successes)| WorstCollector {
            usual: usual.get(&collector_id).copied(),
            collector_id,
            collector,
            successes,
        });
        let worst = worst.collect();
        CountedCollectors { usual, worst, more }
    }
}

impl Collector {
    /// Counts a job of a period.
    fn add(&mut self, job: SeenJob<'_>, period: Period) {
        let runs = match period {
            Period::Current => &mut self.current,
            Period::Previous => &mut self.previous,
        };
        runs.ended += u64::from(job.status.is_final());
        runs.failed += u64::from(is_failure(job.status));
        if let Some(duration) = job.duration {
            let durations = match job.status {
                JobStatus::Success => &mut runs.successes,
                _ => &mut self.other_durations,
            };
            durations.add(duration);
        }
        let is_after_success = |success| success < job.created_at;
        if is_failure(job.status) && self.success_at.is_none_or(is_after_success) {
            self.failures.push(job.created_at);
        }
        self.note(job);
    }

    /// Notes a job among the last runs, failures and successes, where it is one of these.
    fn note(&mut self, job: SeenJob<'_>) {
        if is_failure(job.status) {
            job.take_if_newer(&mut self.last_failure);
        } else if job.status == JobStatus::Success {
            if self
                .success_at
                .is_none_or(|success| success < job.created_at)
            {
                self.success_at = Some(job.created_at);
                self.failures.retain(|failure| *failure > job.created_at);
            }
            job.take_if_newer(&mut self.last_success);
        }
        let is_full = self.last_runs.len() == MAX_RUNS;
        let is_older = |run: &Run| !job.is_newer_than(run);
        if is_full && self.last_runs.last().is_some_and(is_older) {
            return;
        }
        let position = self.last_runs.partition_point(is_older);
        self.last_runs.truncate(MAX_RUNS - 1);
        self.last_runs.insert(position, job.run());
    }

    /// Takes the durations of all its jobs.
    fn take_durations(&mut self) -> Durations {
        let mut all = std::mem::take(&mut self.other_durations);
        for runs in [&mut self.current, &mut self.previous] {
            all.append(std::mem::take(&mut runs.successes));
        }
        all
    }

    fn info(
        &self,
        collector_id: &str,
        name: Option<String>,
        usual: Option<UsualInfo>,
        [successes, previous_successes]: [MedianInfo; 2],
    ) -> CollectorInfo {
        let seen = |run: &Option<Run>| run.as_ref().map(Run::seen);
        let first_failure = self.failures.iter().min().copied();
        let streak_since = self.earlier_failures.since.or(first_failure);
        CollectorInfo {
            collector_id: collector_id.to_owned(),
            name,
            runs: self.current.ended,
            failed: self.current.failed,
            rate: rate(self.current.failed, self.current.ended).unwrap_or(0.0),
            streak: self.failures.len() as u64 + self.earlier_failures.count,
            streak_since: streak_since.and_then(Timestamp::from_millis),
            is_flaky: is_flaky(&self.last_runs),
            last_success: seen(&self.last_success),
            last_failure: seen(&self.last_failure),
            usual,
            successes,
            previous: PreviousRunsInfo {
                runs: self.previous.ended,
                failed: self.previous.failed,
                successes: previous_successes,
            },
            last_runs: self.last_runs.iter().map(Run::info).collect(),
        }
    }
}

impl SeenJob<'_> {
    /// Whether it comes before a run in a list, newest first.
    fn is_newer_than(&self, run: &Run) -> bool {
        (run.created_at, self.job_id) < (self.created_at, &*run.job_id)
    }

    fn run(&self) -> Run {
        Run {
            created_at: self.created_at,
            job_id: self.job_id.into(),
            status: self.status,
            duration: self.duration,
            info: self.info,
        }
    }

    fn take_if_newer(&self, last: &mut Option<Run>) {
        if last.as_ref().is_none_or(|last| self.is_newer_than(last)) {
            *last = Some(self.run());
        }
    }
}

impl Run {
    fn created_at(&self) -> Timestamp {
        Timestamp::from_millis(self.created_at).unwrap_or(Timestamp::MIN)
    }

    fn seen(&self) -> SeenJobInfo {
        SeenJobInfo {
            job_id: self.job_id.to_string(),
            created_at: self.created_at(),
        }
    }

    fn info(&self) -> RunInfo {
        RunInfo {
            job_id: self.job_id.to_string(),
            status: self.status,
            created_at: self.created_at(),
            duration: self.duration,
        }
    }
}

/// Whether a job of this status failed.
pub(super) fn is_failure(status: JobStatus) -> bool {
    matches!(status, JobStatus::Error | JobStatus::Timeout)
}

/// Returns a share; `None` of nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of jobs are far below 2^53"
)]
pub(super) fn rate(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

/// Whether runs fail now and then: `CollectorInfo::is_flaky` has the rule.
fn is_flaky(runs: &[Run]) -> bool {
    let outcomes = runs.iter().filter_map(|run| match run.status {
        JobStatus::Success => Some(true),
        JobStatus::Error | JobStatus::Timeout => Some(false),
        JobStatus::Created | JobStatus::Canceled | JobStatus::InProgress => None,
    });
    let outcomes: Vec<bool> = outcomes.collect();
    let pairs = outcomes.len().saturating_sub(1);
    let changes = outcomes.windows(2).filter(|pair| pair[0] != pair[1]);
    outcomes.len() >= MIN_FLAKY_RUNS && changes.count() * FLAKY_SHARE >= pairs
}

/// What was counted of the collectors.
#[derive(Debug)]
pub struct CountedCollectors {
    usual: HashMap<Box<str>, UsualInfo, RandomState>,
    worst: Vec<WorstCollector>,
    more: u64,
}

/// A collector that is answered.
#[derive(Debug)]
pub struct WorstCollector {
    collector_id: Box<str>,
    collector: Collector,
    usual: Option<UsualInfo>,
    /// How long its successes took, in the period and in the one before.
    successes: [MedianInfo; 2],
}

impl CountedCollectors {
    /// Returns how long the jobs of a collector take; `None` where too few have a duration.
    #[must_use]
    pub fn usual(&self, collector_id: Option<&str>) -> Option<UsualInfo> {
        self.usual.get(collector_id?).copied()
    }

    /// The collectors that are answered, the worst first, for what the two periods do not have of them.
    pub fn worst_mut(&mut self) -> &mut [WorstCollector] {
        &mut self.worst
    }

    /// Returns the answer; `name` finds the name of a collector by the key of its `collector_info`.
    ///
    /// # Errors
    /// Those of `name`.
    pub fn answer<E>(
        self,
        mut name: impl FnMut(i64) -> Result<Option<String>, E>,
    ) -> Result<CollectorsInfo, E> {
        let mut results = Vec::with_capacity(self.worst.len());
        for worst in self.worst {
            let name = match worst.collector.last_runs.first() {
                Some(newest) => name(newest.info)?,
                None => None,
            };
            let WorstCollector {
                collector_id,
                collector,
                usual,
                successes,
            } = worst;
            results.push(collector.info(&collector_id, name, usual, successes));
        }
        Ok(CollectorsInfo {
            results,
            more: self.more,
        })
    }
}

impl WorstCollector {
    #[must_use]
    pub fn collector_id(&self) -> &str {
        &self.collector_id
    }

    /// Whether it lacks last runs, a last success or a last failure.
    #[must_use]
    pub fn needs_earlier_jobs(&self) -> bool {
        let kinds = [JobStatus::Success, JobStatus::Error];
        self.lacked_runs() > 0 || kinds.into_iter().any(|kind| self.lacks_last(kind))
    }

    /// How many jobs its last runs lack.
    #[must_use]
    pub fn lacked_runs(&self) -> usize {
        MAX_RUNS.saturating_sub(self.collector.last_runs.len())
    }

    /// Whether a job of a status would be its last success, or its last failure, since it has none.
    #[must_use]
    pub fn lacks_last(&self, status: JobStatus) -> bool {
        match status {
            JobStatus::Success => self.collector.last_success.is_none(),
            JobStatus::Error | JobStatus::Timeout => self.collector.last_failure.is_none(),
            JobStatus::Created | JobStatus::Canceled | JobStatus::InProgress => false,
        }
    }

    /// Adds a job from before the two periods: to the last runs, failures and successes, and to no number of a period.
    pub fn add_earlier(&mut self, job: SeenJob<'_>) {
        self.collector.note(job);
    }

    /// Returns the time after which its earlier failures count for the streak: when its last success began, and the beginning of
    /// time without one. `None` where that was in the two periods, which begin at `from`.
    #[must_use]
    pub fn earlier_failures_after(&self, from: Timestamp) -> Option<i64> {
        let after = self.collector.success_at.unwrap_or(i64::MIN);
        (after < from.millis()).then_some(after)
    }

    /// Sets its failures from before the two periods.
    pub fn set_earlier_failures(&mut self, failures: Failures) {
        self.collector.earlier_failures = failures;
    }

    /// Whether too few of its jobs in the two periods have a duration.
    #[must_use]
    pub fn needs_usual(&self) -> bool {
        self.usual.is_none()
    }

    /// Sets how long its jobs take.
    pub fn set_usual(&mut self, usual: Option<UsualInfo>) {
        self.usual = usual;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(job_id: &str, created_at: i64, status: JobStatus) -> SeenJob<'_> {
        SeenJob {
            job_id,
            created_at,
            status,
            duration: None,
            info: created_at,
        }
    }

    /// A letter a run, the newest first.
    fn runs(letters: &str) -> Vec<Run> {
        let statuses = letters.chars().map(|letter| match letter {
            's' => JobStatus::Success,
            'e' => JobStatus::Error,
            't' => JobStatus::Timeout,
            'c' => JobStatus::Canceled,
            'n' => JobStatus::Created,
            _ => JobStatus::InProgress,
        });
        statuses.map(|status| job("j", 0, status).run()).collect()
    }

    #[test]
    fn a_collector_is_flaky_where_every_third_run_ends_otherwise() {
        for (letters, expected) in [
            ("", false),
            ("sesesese", false),
            ("ssssssssss", false),
            ("eeeeeeeeee", false),
            // Ten runs have nine pairs, of which three must differ.
            ("sssssessee", true),
            ("ssssssseee", false),
            ("ssssstssss", false),
            ("sssstsssst", true),
            // What has not ended, and what was canceled, does not count.
            ("secsecseicsescnses", true),
            ("secsecse", false),
            ("cccccccccc", false),
        ] {
            assert_eq!(is_flaky(&runs(letters)), expected, "{letters}");
        }
    }

    #[test]
    fn the_last_runs_are_the_newest_in_whatever_order_they_come() {
        let mut jobs: Vec<(String, i64)> = (0..100).map(|n| (format!("j{n:02}"), n / 3)).collect();
        let mut expected = jobs.clone();
        expected.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
        let expected: Vec<_> = expected
            .into_iter()
            .take(MAX_RUNS)
            .map(|(id, _)| id)
            .collect();
        for step in [1, 3, 7, 11, 37, 99] {
            let mut collector = Collector::default();
            for n in 0..jobs.len() {
                let (job_id, at) = &jobs[n * step % jobs.len()];
                collector.add(job(job_id, *at, JobStatus::Success), Period::Current);
            }
            let found: Vec<_> = collector
                .last_runs
                .iter()
                .map(|run| run.job_id.to_string())
                .collect();
            assert_eq!(found, expected, "{step}");
            assert_eq!(
                collector
                    .last_success
                    .map(|run| run.job_id.to_string())
                    .as_ref(),
                expected.first()
            );
        }
        jobs.clear();
    }

    #[test]
    fn a_streak_is_what_failed_since_the_last_success() {
        for (letters, expected) in [
            ("eetcei", 4),
            ("se", 0),
            ("ees", 2),
            ("cs", 0),
            ("ecesee", 2),
        ] {
            let statuses = runs(letters).into_iter().map(|run| run.status);
            let mut jobs: Vec<_> = statuses.zip((0..10).rev()).collect();
            for _ in 0..2 {
                let mut collector = Collector::default();
                for (status, at) in &jobs {
                    collector.add(job("j", *at, *status), Period::Current);
                }
                assert_eq!(collector.failures.len(), expected, "{letters}");
                jobs.reverse();
            }
        }
    }

    #[test]
    fn the_worst_have_the_most_failures_then_the_highest_rate() {
        let mut collectors = Collectors::default();
        for (id, letters) in [
            ("a", "esss"),
            ("b", "es"),
            ("c", "ee"),
            ("d", "ssss"),
            ("e", "i"),
            ("f", "es"),
        ] {
            let number = collectors.number(id).unwrap();
            for run in runs(letters) {
                collectors.add(number, job("j", 0, run.status), Period::Current);
            }
        }
        let counted = collectors.finish(4);
        let order: Vec<_> = counted
            .worst
            .iter()
            .map(WorstCollector::collector_id)
            .collect();
        assert_eq!((&order[..], counted.more), (&["c", "b", "f", "a"][..], 1));
    }

    #[test]
    fn there_may_be_too_many_collectors() {
        let mut collectors = Collectors::default();
        for number in 0..MAX_COLLECTORS {
            assert!(collectors.number(&number.to_string()).is_some());
        }
        assert_eq!(collectors.number("one more"), None);
        assert_eq!(collectors.number("7"), Some(7));
        let counted = collectors.finish(MAX_ANSWERED);
        assert_eq!((counted.worst.len(), counted.more), (0, 0));
    }
}
