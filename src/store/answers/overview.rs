//! Reads an overview ([`crate::query::overview`]).

use std::collections::HashMap;

use rusqlite::params;
use serde::Deserialize;
use serde_json::Value;

use crate::columns::Damaged;
use crate::job::JobStatus;
use crate::query::overview::{
    Counted, CountedCollectors, Overview, OverviewPlan, OverviewScan, RunningJob, RunningJobs,
    SeenJob, UsualInfo, WorstCollector, usual_of,
};
use crate::query::scan::BlockFilter;
use crate::query::tenant::Tenant;
use crate::store::error::StoreError;
use crate::store::read::ReadTransaction;
use crate::time::Timestamp;

/// How many successes of a collector say what is usual, where the two periods do not.
const USUAL_RUNS: i64 = 30;
/// For the most collectors of which these are read.
const MAX_LOOKED_UP: usize = 1_000;

impl ReadTransaction<'_> {
    /// Answers an overview as its plan says.
    ///
    /// # Errors
    /// [`StoreError`] when a query is stopped or fails, or there is more than an overview takes.
    pub fn overview(&self, plan: &OverviewPlan) -> Result<Overview, StoreError> {
        let Counted {
            sums,
            mut collectors,
            errors,
            ended: _,
        } = self.counted(plan, &|| plan.scan())?;
        let errors = errors.answer(|job| self.job_id(job))?;
        let running = self.running_jobs(plan, &collectors)?;
        let running = running.answer(|info| self.collector_name(info))?;
        for collector in collectors.worst_mut() {
            if self.is_due() {
                return Err(StoreError::Timeout);
            }
            self.complete(plan, collector)?;
        }
        let collectors = collectors.answer(|info| self.collector_name(info))?;
        Ok(plan.answer(sums, running, collectors, errors))
    }

    /// Counts the jobs of both periods by a scan that `begin` makes.
    pub(super) fn counted(
        &self,
        plan: &OverviewPlan,
        begin: &dyn Fn() -> OverviewScan,
    ) -> Result<Counted, StoreError> {
        let mut scan = begin();
        if !self.scan(plan.tenant(), &plan.filter(), &mut scan)? {
            if let Some(problem) = scan.take_problem() {
                return Err(StoreError::Query(problem));
            }
            // Blocks do not have what the filter tests.
            let jobs = self.ids(&plan.jobs())?;
            let filter = BlockFilter::of_jobs(jobs, plan.range());
            scan = begin();
            if !self.scan_blocks(plan.tenant(), filter, &mut scan)? {
                // No test is left that needs a statement.
                let problem = scan.take_problem().map(StoreError::Query);
                return Err(problem.unwrap_or_else(|| Damaged.into()));
            }
        }
        Ok(scan.finish())
    }

    /// Judges the jobs that run.
    fn running_jobs(
        &self,
        plan: &OverviewPlan,
        collectors: &CountedCollectors,
    ) -> Result<RunningJobs, StoreError> {
        let mut running = plan.running_jobs();
        self.each_running_job(plan, collectors, &mut |job, usual| running.add(job, usual))?;
        Ok(running)
    }

    /// Passes each job that runs to `each`, with how long the jobs of its collector take.
    pub(super) fn each_running_job(
        &self,
        plan: &OverviewPlan,
        collectors: &CountedCollectors,
        each: &mut dyn FnMut(RunningJob<'_>, Option<UsualInfo>),
    ) -> Result<(), StoreError> {
        let mut looked_up = HashMap::new();
        self.each_row(&plan.running(), &mut |row| {
            let text = |index| -> rusqlite::Result<_> { Ok(row.get_ref(index)?.as_str_or_null()?) };
            let job = RunningJob {
                job_id: text(0)?.unwrap_or_default(),
                collector_id: text(1)?,
                created_at: row.get(2)?,
                info: row.get(3)?,
            };
            let mut usual = collectors.usual(job.collector_id);
            if let (None, Some(collector_id)) = (usual, job.collector_id) {
                usual = match looked_up.get(collector_id) {
                    Some(usual) => *usual,
                    None if looked_up.len() >= MAX_LOOKED_UP => None,
                    None => {
                        let usual = self.usual_of(plan.tenant(), collector_id)?;
                        looked_up.insert(collector_id.to_owned(), usual);
                        usual
                    }
                };
            }
            each(job, usual);
            Ok(())
        })
    }

    /// Adds what the two periods do not have of a collector: its last runs, and what is usual.
    fn complete(
        &self,
        plan: &OverviewPlan,
        collector: &mut WorstCollector,
    ) -> Result<(), StoreError> {
        if let Some(before) = plan.last_runs_before() {
            self.map_interrupt(self.add_earlier(plan.tenant(), before, collector))?;
        }
        if collector.needs_usual() {
            let usual = self.usual_of(plan.tenant(), collector.collector_id());
            collector.set_usual(self.map_interrupt(usual.map_err(StoreError::from))?);
        }
        Ok(())
    }

    /// Adds the last runs of a collector that began before the two periods, and counts its failures since the last success.
    fn add_earlier(
        &self,
        tenant: &Tenant,
        before: Timestamp,
        collector: &mut WorstCollector,
    ) -> Result<(), StoreError> {
        let Some(domain) = self.cache()?.domain_key(self.connection(), tenant)? else {
            return Ok(());
        };
        if collector.needs_earlier_jobs() {
            self.add_earlier_jobs(domain, before, collector)?;
        }
        if let Some(after) = collector.earlier_failures_after(before) {
            let between = after..before.millis();
            let failures = self.failures(domain, collector.collector_id(), between)?;
            collector.set_earlier_failures(failures);
        }
        Ok(())
    }

    /// Adds the newest jobs of a collector that began before a time: as many as its last runs lack, and its last success and
    /// failure where it has none.
    fn add_earlier_jobs(
        &self,
        domain: i64,
        before: Timestamp,
        collector: &mut WorstCollector,
    ) -> Result<(), StoreError> {
        let lacked = collector.lacked_runs();
        // By status, as the index is: for the newest of any status SQLite would read all jobs of the collector. The index has
        // what is needed to choose; a row takes longer than all of these.
        let mut newest = self.connection().prepare_cached(
            "SELECT created_at, job_id, id FROM jobs WHERE domain = ? AND collector_id = ? AND status = ? AND created_at < ? \
             ORDER BY created_at DESC, job_id LIMIT ?",
        )?;
        let limit = i64::try_from(lacked.max(1)).unwrap_or(i64::MAX);
        let mut found: Vec<(i64, String, i64, JobStatus)> = Vec::new();
        for status in JobStatus::ALL {
            let of_status = params![
                domain,
                collector.collector_id(),
                status.name(),
                before.millis(),
                limit
            ];
            let rows = newest.query_map(of_status, |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, status))
            })?;
            for row in rows {
                found.push(row?);
            }
        }
        found.sort_unstable_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        let mut row_of = self.connection().prepare_cached(
            "SELECT finished_at - created_at, collector_info FROM jobs WHERE id = ?",
        )?;
        for (number, (created_at, job_id, id, status)) in found.iter().enumerate() {
            if number < lacked || collector.lacks_last(*status) {
                let (duration, info) =
                    row_of.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
                collector.add_earlier(SeenJob {
                    job_id,
                    created_at: *created_at,
                    status: *status,
                    duration,
                    info,
                });
            }
        }
        Ok(())
    }

    /// Returns how long the newest successes of a collector took.
    fn usual_of(&self, tenant: &Tenant, collector_id: &str) -> rusqlite::Result<Option<UsualInfo>> {
        let Some(domain) = self.cache()?.domain_key(self.connection(), tenant)? else {
            return Ok(None);
        };
        let durations = self
            .connection()
            .prepare_cached(
                "SELECT finished_at - created_at FROM jobs WHERE domain = ? AND collector_id = ? AND status = ? \
                 AND finished_at IS NOT NULL ORDER BY created_at DESC, job_id LIMIT ?",
            )?
            .query_map(
                params![domain, collector_id, JobStatus::Success.name(), USUAL_RUNS],
                |row| row.get(0),
            )?
            .collect::<Result<Vec<i64>, _>>()?;
        Ok(usual_of(durations))
    }

    /// Returns the id of a job that this transaction has read.
    fn job_id(&self, job: i64) -> Result<String, StoreError> {
        let id = self
            .connection()
            .prepare_cached("SELECT job_id FROM jobs WHERE id = ?")?
            .query_row([job], |row| row.get(0));
        self.map_interrupt(id.map_err(StoreError::from))
    }

    /// Returns the name of a collector, by the key of its `collector_info`; `None` where it has none that is a text.
    fn collector_name(&self, info: i64) -> Result<Option<String>, StoreError> {
        #[derive(Deserialize)]
        struct Named {
            name: Option<Value>,
        }
        let info = self.cache()?.collector_info(self.connection(), info)?;
        let named = info.and_then(|info| serde_json::from_str::<Named>(&info).ok());
        match named.and_then(|named| named.name) {
            Some(Value::String(name)) => Ok(Some(name)),
            _ => Ok(None),
        }
    }
}
