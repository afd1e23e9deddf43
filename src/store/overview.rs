//! Reads an overview ([`crate::query::overview`]).

use serde::Deserialize;
use serde_json::Value;

use super::error::StoreError;
use super::read::ReadTransaction;
use crate::columns::Damaged;
use crate::query::overview::{
    Counted, CountedCollectors, Overview, OverviewPlan, RunningJob, RunningJobs,
};
use crate::query::scan::BlockFilter;

impl ReadTransaction<'_> {
    /// Answers an overview as its plan says.
    ///
    /// # Errors
    /// [`StoreError`] when a query is stopped or fails, or there is more than an overview takes.
    pub fn overview(&self, plan: &OverviewPlan) -> Result<Overview, StoreError> {
        let Counted {
            sums,
            collectors,
            errors,
        } = self.counted(plan)?;
        let errors = errors.answer(|job| self.job_id(job))?;
        let running = self.running_jobs(plan, &collectors)?;
        let running = running.answer(|info| self.collector_name(info))?;
        let collectors = collectors.answer(|info| self.collector_name(info))?;
        Ok(plan.answer(sums, running, collectors, errors))
    }

    /// Counts the jobs of both periods.
    fn counted(&self, plan: &OverviewPlan) -> Result<Counted, StoreError> {
        let mut scan = plan.scan();
        if !self.scan(plan.tenant(), &plan.filter(), &mut scan)? {
            if let Some(problem) = scan.take_problem() {
                return Err(StoreError::Query(problem));
            }
            // Blocks do not have what the filter tests.
            let jobs = self.ids(&plan.jobs())?;
            let filter = BlockFilter::of_jobs(jobs, plan.range());
            scan = plan.scan();
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
        self.each_row(&plan.running(), &mut |row| {
            let text = |index| -> rusqlite::Result<_> { Ok(row.get_ref(index)?.as_str_or_null()?) };
            let job = RunningJob {
                job_id: text(0)?.unwrap_or_default(),
                collector_id: text(1)?,
                created_at: row.get(2)?,
                info: row.get(3)?,
            };
            running.add(job, collectors);
            Ok(())
        })?;
        Ok(running)
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
