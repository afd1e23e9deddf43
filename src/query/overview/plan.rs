//! Plans an overview: which jobs it counts, and the statements for what blocks do not have.

use super::answer::{CollectorsInfo, ErrorsInfo, Overview, PreviousInfo, RunningInfo};
use super::buckets::{Buckets, MINUTE_MILLIS, Periods};
use super::collectors::{ANSWERED, MAX_ANSWERED};
use super::running::RunningJobs;
use super::scan::{MAX_JOBS, OverviewScan, Sums};
use crate::job::JobStatus;
use crate::json::names::shortened;
use crate::query::check;
use crate::query::check::field::Column;
use crate::query::check::filter::{ColumnTest, Filter, equals};
use crate::query::error::QueryError;
use crate::query::eval::value::Comparison;
use crate::query::index_hints::scan_hint;
use crate::query::request::JobsQuery;
use crate::query::sql::{Param, Sql};
use crate::query::tenant::Tenant;
use crate::query::where_clause::where_clause;
use crate::time::{DAY_MILLIS, Timestamp, WrittenTime};

/// The period and the buckets as a request has them.
#[derive(Debug, Clone, Copy, Default)]
pub struct RangeTexts<'t> {
    pub from: Option<&'t str>,
    pub to: Option<&'t str>,
    pub bucket: Option<&'t str>,
}

/// The plan of an overview.
#[derive(Debug)]
pub struct OverviewPlan {
    tenant: Tenant,
    filter: Filter,
    periods: Periods,
    /// How many collectors are answered.
    collectors: usize,
    /// The beginning of the present minute.
    minute: Timestamp,
}

/// Returns the beginning of the minute of a time, by which running jobs are judged. A minute has one answer, so that a
/// client that polls can learn that nothing has changed.
#[must_use]
pub fn minute_of(now: Timestamp) -> Timestamp {
    now.plus_millis(-now.millis().rem_euclid(MINUTE_MILLIS))
}

impl OverviewPlan {
    /// Checks a request for an overview and plans it.
    ///
    /// # Errors
    /// [`QueryError`] for the first problem.
    pub fn new(
        query: &JobsQuery,
        range: RangeTexts<'_>,
        now: Timestamp,
    ) -> Result<Self, QueryError> {
        refuse_parts_of_a_list(query)?;
        let minute = minute_of(now);
        // What has been created by now is before it.
        let end = minute.plus_millis(MINUTE_MILLIS);
        let to = match range.to {
            Some(text) => time("to", text, minute, end)?,
            None => end,
        };
        let from = match range.from {
            Some(text) => time("from", text, minute, end)?,
            None => to.plus_millis(-DAY_MILLIS),
        };
        if from >= to {
            return Err(parameter(
                "from",
                format!("{from} is not before `to`, which is {to}"),
            ));
        }
        let periods = Periods {
            previous_from: from.plus_millis(from.millis() - to.millis()),
            from,
            to,
            buckets: Buckets::new(range.bucket, from, to)?,
        };
        let list = check::list::check(query, now)?;
        Ok(Self {
            tenant: list.tenant,
            filter: list.filter,
            periods,
            collectors: ANSWERED,
            minute,
        })
    }

    /// Has it answer at most so many collectors, [`MAX_ANSWERED`] at the most.
    #[must_use]
    pub fn with_collectors(mut self, count: usize) -> Self {
        self.collectors = count.min(MAX_ANSWERED);
        self
    }

    /// The tenant whose jobs are counted.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Returns the filter of the jobs of both periods.
    #[must_use]
    pub fn filter(&self) -> Filter {
        let created = |comparison, time: Timestamp| {
            let test = ColumnTest::Compare(comparison, Param::Integer(time.millis()));
            Filter::Column(Column::CreatedAt, test)
        };
        Filter::All(vec![
            self.filter.clone(),
            created(Comparison::Gte, self.periods.previous_from),
            created(Comparison::Lt, self.periods.to),
        ])
        .flatten()
    }

    /// Returns the times of both periods, in milliseconds, both ends included.
    #[must_use]
    pub fn range(&self) -> (i64, i64) {
        (
            self.periods.previous_from.millis(),
            self.periods.to.millis() - 1,
        )
    }

    /// Returns the times of the period, in milliseconds, both ends included.
    #[must_use]
    pub fn current_range(&self) -> (i64, i64) {
        (self.periods.from.millis(), self.periods.to.millis() - 1)
    }

    /// Returns the beginning of the two periods, where the last runs of a collector may be older than that. `None` where the
    /// filter tests anything but collectors: then nearly all older jobs might be read for the few that pass.
    #[must_use]
    pub fn last_runs_before(&self) -> Option<Timestamp> {
        let is_of_collectors =
            |filter: &Filter| matches!(filter, Filter::Column(Column::CollectorId, _));
        let takes_all = self.filter.conjuncts().iter().all(is_of_collectors);
        takes_all.then_some(self.periods.previous_from)
    }

    /// Begins the scan of the jobs.
    #[must_use]
    pub fn scan(&self) -> OverviewScan {
        OverviewScan::new(self.periods, self.collectors)
    }

    /// Compiles the ids of the jobs, where only a statement can decide the filter: one more than a scan takes at the most.
    #[must_use]
    pub fn jobs(&self) -> Sql {
        let filter = self.filter();
        let mut sql = Sql::new("SELECT id FROM jobs");
        sql.push(scan_hint(&filter))
            .push(" WHERE ")
            .append(where_clause(&self.tenant, &filter))
            .push(" LIMIT ")
            .bind(
                i64::try_from(MAX_JOBS)
                    .unwrap_or(i64::MAX)
                    .saturating_add(1),
            );
        sql
    }

    /// Compiles the jobs that run now, the newest first: `job_id`, `collector_id`, `created_at`, `collector_info`.
    #[must_use]
    pub fn running(&self) -> Sql {
        let status = equals(Column::Status, JobStatus::InProgress.name());
        let filter = Filter::All(vec![self.filter.clone(), status]).flatten();
        let mut sql =
            Sql::new("SELECT job_id, collector_id, created_at, collector_info FROM jobs WHERE ");
        sql.append(where_clause(&self.tenant, &filter))
            .push(" ORDER BY created_at DESC, job_id");
        sql
    }

    /// Returns the time by which running jobs are judged.
    #[must_use]
    pub fn minute(&self) -> Timestamp {
        self.minute
    }

    /// Begins to judge the jobs that run.
    #[must_use]
    pub fn running_jobs(&self) -> RunningJobs {
        RunningJobs::new(self.minute)
    }

    /// Puts the answer together.
    #[must_use]
    pub fn answer(
        &self,
        sums: Sums,
        (running, stuck): (RunningInfo, RunningInfo),
        collectors: CollectorsInfo,
        errors: ErrorsInfo,
    ) -> Overview {
        Overview {
            from: self.periods.from,
            to: self.periods.to,
            bucket: self.periods.buckets.length(),
            totals: sums.totals,
            previous: PreviousInfo {
                from: self.periods.previous_from,
                to: self.periods.from,
                totals: sums.previous,
            },
            buckets: sums.buckets,
            running,
            stuck,
            collectors,
            errors,
        }
    }
}

/// Refuses what only a list has.
fn refuse_parts_of_a_list(query: &JobsQuery) -> Result<(), QueryError> {
    let list = &query.query;
    let parts = [
        (
            "query.page",
            list.page.limit.is_some() || list.page.skip > 0,
        ),
        ("query.sort", !list.sort.keys.is_empty()),
        ("query.only", !list.only.is_empty()),
        ("query.minimal", list.minimal),
        ("query.count_only", list.count_only),
    ];
    match parts.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((location, _)) => {
            let problem = "an overview counts jobs and does not list them; leave it out";
            Err(parameter(location, problem.to_owned()))
        }
    }
}

/// Reads a time, or one relative to now: to `minute`, where it is the beginning of a day, week or month, and to `end`
/// otherwise.
fn time(
    location: &'static str,
    text: &str,
    minute: Timestamp,
    end: Timestamp,
) -> Result<Timestamp, QueryError> {
    let now = if text.contains('/') { minute } else { end };
    let relative = Timestamp::parse_timediff(text, now);
    let read = relative.or_else(|_| WrittenTime::from_text(text).map(|written| written.time));
    read.map_err(|_neither| {
        parameter(
            location,
            format!(
                "expected a time such as 2022-06-17T08:00:00Z, or one such as `now - 7d`, found `{}`",
                shortened(text)
            ),
        )
    })
}

fn parameter(location: &str, problem: String) -> QueryError {
    QueryError::Parameter {
        location: location.to_owned(),
        problem,
    }
}
