//! The answer of an overview: serialised as it is, and described as it is in the OpenAPI document.

use serde::Serialize;
use utoipa::ToSchema;

use crate::job::{JobStatus, PerStatus};
use crate::time::Timestamp;

/// What the jobs of a domain did in a period.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The beginning of the period, which it includes.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Its end, which it does not include.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// The length of a bucket.
    #[schema(pattern = "^[1-9][0-9]*[mhd]$")]
    pub bucket: String,
    /// The jobs of the period.
    pub totals: TotalsInfo,
    /// The period of equal length before it.
    pub previous: PreviousInfo,
    /// The jobs of the period by time, the oldest first; none is left out.
    pub buckets: Vec<BucketInfo>,
    /// The jobs that run now, whenever they began: the newest first.
    pub running: RunningInfo,
    /// Those of them that have run for longer than their collector's usual `p95`: the oldest first.
    pub stuck: RunningInfo,
    /// The collectors with the most failures, then with the highest rate.
    pub collectors: CollectorsInfo,
    /// The errors of the period in groups by code and message: those of the most jobs first.
    pub errors: ErrorsInfo,
}

/// The jobs of a period.
#[derive(Debug, Serialize, ToSchema)]
pub struct TotalsInfo {
    pub jobs: u64,
    pub statuses: StatusesInfo,
    /// Those with the status `ERROR` or `TIMEOUT`.
    pub failed: u64,
    /// The share of `SUCCESS` among the jobs that have ended (`SUCCESS`, `ERROR`, `TIMEOUT` and `CANCELED`); null without any.
    #[schema(required = true, minimum = 0, maximum = 1)]
    pub success_rate: Option<f64>,
    pub durations: DurationsInfo,
}

/// The period before, which has the same length.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviousInfo {
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    pub totals: TotalsInfo,
}

/// The number of jobs of each status.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct StatusesInfo {
    pub created: u64,
    pub canceled: u64,
    pub in_progress: u64,
    pub success: u64,
    pub error: u64,
    pub timeout: u64,
}

/// The durations of the jobs that have a `finished_at`, from `created_at`, in milliseconds. A percentile is that of the
/// nearest rank. All are null where no job has one.
#[derive(Debug, Serialize, ToSchema)]
pub struct DurationsInfo {
    /// The number of these jobs.
    pub count: u64,
    #[schema(required = true)]
    pub average: Option<f64>,
    #[schema(required = true)]
    pub median: Option<i64>,
    #[schema(required = true)]
    pub p90: Option<i64>,
    #[schema(required = true)]
    pub p95: Option<i64>,
    #[schema(required = true)]
    pub p99: Option<i64>,
    #[schema(required = true)]
    pub max: Option<i64>,
}

/// The jobs of a bucket.
#[derive(Debug, Serialize, ToSchema)]
pub struct BucketInfo {
    /// The beginning, a multiple of the length since 1970, or that of the period.
    #[schema(value_type = String, format = DateTime)]
    pub start: Timestamp,
    /// The end, which it does not include.
    #[schema(value_type = String, format = DateTime)]
    pub end: Timestamp,
    /// Whether the period has only a part of the bucket.
    pub is_part: bool,
    pub statuses: StatusesInfo,
    pub durations: MedianInfo,
}

/// How long some jobs took, in milliseconds; null where none of them has a duration.
#[derive(Debug, Serialize, ToSchema)]
pub struct MedianInfo {
    /// How many of them have a duration.
    pub count: u64,
    #[schema(required = true)]
    pub median: Option<i64>,
    #[schema(required = true)]
    pub p95: Option<i64>,
}

/// How long the jobs of a collector take, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct UsualInfo {
    pub median: i64,
    pub p95: i64,
}

/// Some of the jobs that run.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunningInfo {
    /// How many there are in all.
    pub count: u64,
    #[schema(max_items = 20)]
    pub jobs: Vec<RunningJobInfo>,
}

/// A job that runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunningJobInfo {
    pub job_id: String,
    #[schema(required = true)]
    pub collector_id: Option<String>,
    /// The name of the collector.
    #[schema(required = true)]
    pub name: Option<String>,
    /// When it began: its `created_at`.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// How long the jobs of its collector take in the two periods; where fewer than five of them have a duration, its thirty
    /// newest successes of all times. Null where fewer than five of these have one, too.
    #[schema(required = true)]
    pub usual: Option<UsualInfo>,
}

/// The worst collectors.
#[derive(Debug, Serialize, ToSchema)]
pub struct CollectorsInfo {
    /// At most as many as the request asks for.
    #[schema(max_items = 500)]
    pub results: Vec<CollectorInfo>,
    /// How many more have runs in the period.
    pub more: u64,
}

/// A collector.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CollectorOverview)]
pub struct CollectorInfo {
    pub collector_id: String,
    /// The name in its newest job.
    #[schema(required = true)]
    pub name: Option<String>,
    /// How many of its jobs of the period have ended.
    #[schema(minimum = 1)]
    pub runs: u64,
    /// How many of these failed.
    pub failed: u64,
    /// The share of these.
    #[schema(minimum = 0, maximum = 1)]
    pub rate: f64,
    /// How many of its jobs failed since its last success; of those before the two periods, at most ten thousand of each status
    /// count.
    pub streak: u64,
    /// When the first of these began: its `created_at`.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub streak_since: Option<Timestamp>,
    /// Whether it fails now and then: at least ten of the last runs have ended, and of these at least every third ended
    /// otherwise than the one before it. Canceled runs do not count.
    pub is_flaky: bool,
    /// The newest success; null if there is none.
    #[schema(required = true)]
    pub last_success: Option<SeenJobInfo>,
    /// The newest failure; null if there is none.
    #[schema(required = true)]
    pub last_failure: Option<SeenJobInfo>,
    /// How long its jobs take in the two periods; where fewer than five of them have a duration, its thirty newest successes
    /// of all times. Null where fewer than five of these have one, too.
    #[schema(required = true)]
    pub usual: Option<UsualInfo>,
    /// How long its successes of the period took.
    pub successes: MedianInfo,
    /// What it did in the period before.
    pub previous: PreviousRunsInfo,
    /// Its newest jobs that began before `to`, of any status: the newest first. Where the filter tests anything but collectors,
    /// those of the two periods alone.
    #[schema(max_items = 30)]
    pub last_runs: Vec<RunInfo>,
}

/// The runs of a collector in the period before.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviousRunsInfo {
    /// How many of its jobs have ended.
    pub runs: u64,
    /// How many of these failed.
    pub failed: u64,
    /// How long its successes took.
    pub successes: MedianInfo,
}

/// A job, and when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SeenJobInfo {
    pub job_id: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A run of a collector.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunInfo {
    pub job_id: String,
    pub status: JobStatus,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// In milliseconds; null where it has no `finished_at`.
    #[schema(required = true)]
    pub duration: Option<i64>,
}

/// The groups of errors.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorsInfo {
    #[schema(max_items = 50)]
    pub results: Vec<ErrorGroupInfo>,
    /// How many more groups there are.
    pub more: u64,
    /// How many errors are in no group, because there are too many groups: none but the newest 5,000 are formed.
    pub ungrouped: u64,
}

/// A group of errors.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErrorGroup)]
pub struct ErrorGroupInfo {
    #[schema(required = true)]
    pub error_code: Option<String>,
    /// The message that the errors have in common; `<n>`, `<address>`, `<time>` and `<value>` are what differs.
    #[schema(required = true)]
    pub message: Option<String>,
    /// How many errors there are; a job may have several.
    #[schema(minimum = 1)]
    pub errors: u64,
    /// How many jobs have such an error.
    #[schema(minimum = 1)]
    pub jobs: u64,
    /// How many collectors have such a job.
    pub collectors: u64,
    /// When the first of these jobs in the period began.
    #[schema(value_type = String, format = DateTime)]
    pub first_seen: Timestamp,
    /// When the last one began.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen: Timestamp,
    /// The newest of the errors.
    pub example: ErrorExampleInfo,
    /// How many of the errors each bucket has, in the order of `buckets`.
    pub counts: Vec<u64>,
}

/// An error of a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorExampleInfo {
    pub job_id: String,
    /// The message as the job has it, cut after 1,000 characters.
    #[schema(required = true)]
    pub message: Option<String>,
}

impl From<&PerStatus<u64>> for StatusesInfo {
    fn from(jobs: &PerStatus<u64>) -> Self {
        Self {
            created: jobs[JobStatus::Created],
            canceled: jobs[JobStatus::Canceled],
            in_progress: jobs[JobStatus::InProgress],
            success: jobs[JobStatus::Success],
            error: jobs[JobStatus::Error],
            timeout: jobs[JobStatus::Timeout],
        }
    }
}
