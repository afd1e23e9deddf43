//! Counts the jobs of the two periods, block by block.

use super::answer::{BucketInfo, StatusesInfo, TotalsInfo};
use super::buckets::Periods;
use super::collectors::{
    CollectorNumber, Collectors, CountedCollectors, MAX_COLLECTORS, Period, SeenJob, is_failure,
    rate,
};
use super::durations::Durations;
use super::errors::{ErrorGroups, FailedJob};
use crate::columns::{Damaged, NULL, NumberColumn, TextColumn};
use crate::job::{JobStatus, PerStatus};
use crate::query::error::QueryError;
use crate::query::scan::{BlockOrder, Consumer, Loaded, Stopped};

/// The most jobs in both periods together.
pub const MAX_JOBS: usize = 5_000_000;

/// Counts the jobs of the period and of the one before it.
#[derive(Debug)]
pub struct OverviewScan {
    periods: Periods,
    /// How many collectors are answered.
    answered: usize,
    jobs: usize,
    previous: Counts,
    buckets: Vec<Counts>,
    collectors: Collectors,
    errors: ErrorGroups,
    /// The jobs that have ended, where they are wanted.
    ended: Option<Vec<EndedJob>>,
    problem: Option<QueryError>,
}

/// A job of a collector that has ended.
#[derive(Debug, Clone, Copy)]
struct EndedJob {
    id: i64,
    collector: CollectorNumber,
    duration: i64,
}

/// The jobs of a collector that have ended, in the two periods.
#[derive(Debug)]
pub struct EndedJobs {
    pub collector_id: Box<str>,
    /// The row of each job, and how long it took, in milliseconds.
    pub jobs: Vec<(i64, i64)>,
}

/// The jobs of a period or a bucket.
#[derive(Debug, Default)]
struct Counts {
    statuses: PerStatus<u64>,
    durations: Durations,
}

/// What was counted.
#[derive(Debug)]
pub struct Counted {
    pub sums: Sums,
    pub collectors: CountedCollectors,
    /// What groups the errors of the jobs that were counted.
    pub errors: ErrorGroups,
    /// Those of each collector that has any; empty unless they were wanted.
    pub ended: Vec<EndedJobs>,
}

/// The sums of an overview.
#[derive(Debug)]
pub struct Sums {
    pub(super) totals: TotalsInfo,
    pub(super) previous: TotalsInfo,
    pub(super) buckets: Vec<BucketInfo>,
}

impl OverviewScan {
    pub(super) fn new(periods: Periods, answered: usize) -> Self {
        let buckets = periods.buckets.count();
        Self {
            periods,
            answered,
            jobs: 0,
            previous: Counts::default(),
            buckets: (0..buckets).map(|_| Counts::default()).collect(),
            collectors: Collectors::default(),
            errors: ErrorGroups::new(periods.buckets),
            ended: None,
            problem: None,
        }
    }

    /// Has it note the jobs of collectors that have ended: 24 bytes each.
    #[must_use]
    pub fn with_ended_jobs(mut self) -> Self {
        self.ended = Some(Vec::new());
        self
    }

    /// Takes the reason why the request can't be answered, where the scan ended for one.
    pub fn take_problem(&mut self) -> Option<QueryError> {
        self.problem.take()
    }

    /// Returns what was counted.
    #[must_use]
    pub fn finish(self) -> Counted {
        let ended = ended_by_collector(self.ended.unwrap_or_default(), &self.collectors);
        let mut current = Counts::default();
        let mut buckets = Vec::with_capacity(self.buckets.len());
        for (mut counts, span) in self.buckets.into_iter().zip(self.periods.buckets.spans()) {
            buckets.push(BucketInfo {
                start: span.start,
                end: span.end,
                is_part: span.is_part,
                statuses: StatusesInfo::from(&counts.statuses),
                durations: counts.durations.median_info(),
            });
            current.append(counts);
        }
        Counted {
            sums: Sums {
                totals: current.totals(),
                previous: self.previous.totals(),
                buckets,
            },
            collectors: self.collectors.finish(self.answered),
            errors: self.errors,
            ended,
        }
    }

    /// Adds the errors of jobs of a block, given by their positions, the newest first.
    fn add_errors(
        &mut self,
        loaded: &Loaded<'_>,
        failed: &[(usize, FailedJob)],
    ) -> Result<(), Stopped> {
        if failed.is_empty() {
            return Ok(());
        }
        let errors = loaded.errors()?;
        let (mut codes, mut messages) = (Vec::new(), Vec::new());
        errors.codes().indexes(&mut codes);
        errors.messages().indexes(&mut messages);
        for (position, job) in failed {
            if errors.in_documents().binary_search(position).is_ok() {
                for (code, message) in loaded.errors_of(job.id)?.iter().rev() {
                    self.errors.add(*job, code.as_deref(), message.as_deref());
                }
                continue;
            }
            let positions = errors.positions();
            let first = positions.partition_point(|other| other < position);
            let end = positions.partition_point(|other| other <= position);
            for number in (first..end).rev() {
                let code = errors.codes().text(codes[number]);
                let message = errors.messages().text(messages[number]);
                self.errors.add(*job, code, message);
            }
        }
        Ok(())
    }

    fn stop(&mut self, problem: String) -> Stopped {
        self.problem = Some(QueryError::Language {
            location: "query".to_owned(),
            problem,
        });
        Stopped::Unsupported
    }

    fn too_many_collectors(&mut self) -> Stopped {
        self.stop(format!(
            "the jobs of the two periods have more than {MAX_COLLECTORS} collectors, the most of an overview; narrow the filter or the period"
        ))
    }
}

/// Puts the jobs of each collector together.
fn ended_by_collector(ended: Vec<EndedJob>, collectors: &Collectors) -> Vec<EndedJobs> {
    let ids = collectors.ids().into_iter();
    let mut all: Vec<_> = ids
        .map(|collector_id| EndedJobs {
            collector_id,
            jobs: Vec::new(),
        })
        .collect();
    for job in ended {
        if let Some(of_collector) = all.get_mut(job.collector as usize) {
            of_collector.jobs.push((job.id, job.duration));
        }
    }
    all.retain(|of_collector| !of_collector.jobs.is_empty());
    all
}

impl Counts {
    fn add(&mut self, status: JobStatus, duration: Option<i64>) {
        self.statuses[status] += 1;
        if let Some(duration) = duration {
            self.durations.add(duration);
        }
    }

    fn append(&mut self, other: Self) {
        for status in JobStatus::ALL {
            self.statuses[status] += other.statuses[status];
        }
        self.durations.append(other.durations);
    }

    fn totals(mut self) -> TotalsInfo {
        let count = |is_wanted: fn(JobStatus) -> bool| -> u64 {
            let wanted = JobStatus::ALL
                .into_iter()
                .filter(|status| is_wanted(*status));
            wanted.map(|status| self.statuses[status]).sum()
        };
        TotalsInfo {
            jobs: count(|_| true),
            failed: count(is_failure),
            success_rate: rate(
                self.statuses[JobStatus::Success],
                count(JobStatus::is_final),
            ),
            statuses: StatusesInfo::from(&self.statuses),
            durations: self.durations.info(),
        }
    }
}

/// What of a block is counted, by position.
struct Columns {
    ids: Vec<i64>,
    created: Vec<i64>,
    finished: Vec<i64>,
    errors: Vec<i64>,
    infos: Vec<i64>,
    statuses: Vec<Option<JobStatus>>,
    /// The positions of the collectors' ids in the dictionary; that behind the last for none.
    collectors: Vec<i64>,
}

impl Columns {
    fn new(loaded: &Loaded<'_>) -> Result<Self, Damaged> {
        let count = loaded.block.len();
        let numbers = |column| {
            let mut values = Vec::with_capacity(count);
            loaded.block.numbers(column, &mut values);
            values
        };
        let texts = |column| {
            let dictionary = loaded.block.texts(column)?;
            let mut indexes = Vec::with_capacity(count);
            dictionary.indexes(&mut indexes);
            Ok::<_, Damaged>((dictionary, indexes))
        };
        let (statuses, of_jobs) = texts(TextColumn::Status)?;
        let names = statuses.texts().iter();
        let known: Vec<_> = names.map(|name| JobStatus::from_name(name)).collect();
        let status = |index: i64| known.get(usize::try_from(index).ok()?).copied().flatten();
        let mut ids = Vec::with_capacity(count);
        loaded.block.ids(&mut ids);
        Ok(Self {
            ids,
            created: numbers(NumberColumn::CreatedAt),
            finished: numbers(NumberColumn::FinishedAt),
            errors: numbers(NumberColumn::ErrorCount),
            infos: numbers(NumberColumn::CollectorInfo),
            statuses: of_jobs.into_iter().map(status).collect(),
            collectors: texts(TextColumn::CollectorId)?.1,
        })
    }
}

impl Consumer for OverviewScan {
    fn needs_collectors(&self) -> bool {
        false
    }

    fn needs_job_ids(&self) -> bool {
        true
    }

    fn order(&self) -> BlockOrder {
        // The last runs of a collector come first, so that few others are noted.
        BlockOrder::NewestFirst
    }

    fn add_collector(&mut self, _: i64, _: &str) -> Result<(), Stopped> {
        Ok(())
    }

    fn add_jobs(&mut self, loaded: &Loaded<'_>, positions: &[usize]) -> Result<(), Stopped> {
        if positions.is_empty() {
            return Ok(());
        }
        self.jobs += positions.len();
        if self.jobs > MAX_JOBS {
            return Err(self.stop(format!(
                "the two periods have more than {MAX_JOBS} jobs, the most of an overview; narrow the filter or the period"
            )));
        }
        let columns = Columns::new(loaded)?;
        let job_ids = loaded.job_ids()?;
        let collector_ids = loaded.block.texts(TextColumn::CollectorId)?;
        let mut numbers: Vec<Option<CollectorNumber>> = vec![None; collector_ids.texts().len()];
        let mut failed = Vec::new();
        for position in positions.iter().rev().copied() {
            let created_at = columns.created[position];
            let status = columns.statuses[position].ok_or(Damaged)?;
            let finished_at = columns.finished[position];
            let duration = (finished_at != NULL).then(|| finished_at.wrapping_sub(created_at));
            let is_current = created_at >= self.periods.from.millis();
            let counts = if is_current {
                let bucket = self.periods.buckets.of(created_at);
                self.buckets.get_mut(bucket).unwrap_or(&mut self.previous)
            } else {
                &mut self.previous
            };
            counts.add(status, duration);
            let index = usize::try_from(columns.collectors[position]).unwrap_or(usize::MAX);
            let collector = match collector_ids.texts().get(index) {
                None => None,
                Some(collector_id) => Some(match numbers[index] {
                    Some(number) => number,
                    None => match self.collectors.number(collector_id) {
                        Some(number) => *numbers[index].insert(number),
                        None => return Err(self.too_many_collectors()),
                    },
                }),
            };
            if let Some(number) = collector {
                let job = SeenJob {
                    job_id: job_ids.get(position).unwrap_or_default(),
                    created_at,
                    status,
                    duration,
                    info: columns.infos[position],
                };
                let period = if is_current {
                    Period::Current
                } else {
                    Period::Previous
                };
                self.collectors.add(number, job, period);
                if let (Some(ended), Some(duration), true) =
                    (&mut self.ended, duration, status.is_final())
                {
                    ended.push(EndedJob {
                        id: columns.ids[position],
                        collector: number,
                        duration,
                    });
                }
            }
            if is_current && columns.errors[position] > 0 {
                let job = FailedJob {
                    id: columns.ids[position],
                    created_at,
                    collector,
                };
                failed.push((position, job));
            }
        }
        self.add_errors(loaded, &failed)
    }
}
