//! `Life`: the states of a job over time, from its start through its later stages.
//!
//! [`Life::at`] returns the job at any time: the past of a demo, its future, and a scripted job of a mock come from
//! this one function.

use super::document::Job;
use super::draft::Draft;
use super::error::JobError;
use super::script::Script;
use super::status::JobStatus;
use crate::time::Timestamp;

/// A job and its future.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    start: Job,
    /// In the order of time.
    stages: Vec<LifeStage>,
}

/// A change of a job at one point in time.
#[derive(Debug, Clone, PartialEq)]
pub struct LifeStage {
    pub at: Timestamp,
    pub status: JobStatus,
    /// Tasks left from then on. While a job is in progress they go down one by one to the number of the next stage.
    pub remained_tasks: i64,
    /// Added to the errors that the job has.
    pub errors: Vec<JobError>,
}

impl Life {
    /// Makes the life of a job that never changes.
    #[must_use]
    pub fn unchanging(start: Job) -> Self {
        Self::new(start, Vec::new())
    }

    /// Makes a life of a job and its stages, which are in the order of time.
    #[must_use]
    pub fn new(start: Job, stages: Vec<LifeStage>) -> Self {
        Self { start, stages }
    }

    /// Makes the life of a draft's job, which begins `now`. A draft without a script makes a job that never changes.
    ///
    /// `now` is the default of `created_at`.
    ///
    /// # Errors
    /// A sentence that names the member: an id is missing, or the script does not fit the job.
    pub fn from_draft(mut draft: Draft, now: Timestamp) -> Result<Self, String> {
        let script = draft.life.take();
        draft.created_at.get_or_insert(now);
        if script.is_some() && draft.remained_tasks.is_none() {
            draft.remained_tasks = Some(draft.total_tasks);
        }
        let start = Job::try_from(draft)?;
        match script {
            Some(script) => Self::from_script(start, script, now),
            None => Ok(Self::unchanging(start)),
        }
    }

    /// Makes a life that follows a script from `now` on.
    fn from_script(start: Job, script: Script, now: Timestamp) -> Result<Self, String> {
        let mut stages: Vec<LifeStage> = Vec::with_capacity(script.0.len() + 1);
        if start.status == JobStatus::InProgress {
            // Its tasks are done from now on.
            stages.push(LifeStage {
                at: now,
                status: start.status,
                remained_tasks: start.remained_tasks,
                errors: Vec::new(),
            });
        }
        let mut last_after = 0.0;
        for (index, step) in script.0.into_iter().enumerate() {
            let refuse = |problem: String| Err(format!("life[{index}].{problem}"));
            let last = stages.last();
            let status = last.map_or(start.status, |stage| stage.status);
            let left = last.map_or(start.remained_tasks, |stage| stage.remained_tasks);
            if status.is_final() {
                let status = status.name();
                return refuse(format!("status: the job already ended with {status}"));
            }
            if step.status == JobStatus::Created && status != JobStatus::Created {
                return refuse("status: a job in progress can't be CREATED again".to_owned());
            }
            // The script's reader has checked that this is a number of milliseconds.
            #[expect(clippy::cast_possible_truncation, reason = "at most ten years")]
            let at = now.plus_millis((step.after * 1_000.0).round() as i64);
            if last.is_some_and(|stage| at < stage.at) {
                return refuse(format!(
                    "after: {} is earlier than the {last_after} of the step before; steps are in the order of time",
                    step.after
                ));
            }
            last_after = step.after;
            let remained_tasks = match (step.remained_tasks, step.status) {
                (Some(given), _) => given,
                (None, JobStatus::Success) => left.min(0),
                (None, _) => left,
            };
            if remained_tasks > left {
                return refuse(format!(
                    "remained_tasks: {remained_tasks} is more than the {left} before; tasks can't be undone"
                ));
            }
            stages.push(LifeStage {
                at,
                status: step.status,
                remained_tasks,
                errors: step.errors,
            });
        }
        Ok(Self::new(start, stages))
    }

    /// Returns the job as it is before its first stage.
    #[must_use]
    pub fn start(&self) -> &Job {
        &self.start
    }

    /// Returns the time of the last change; `None` if there is no change.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.stages.last().map(|stage| stage.at)
    }

    /// Returns the job as it is at a time.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Job {
        let mut job = self.start.clone();
        let begun = self.stages_begun(now);
        let Some(stage) = self.stages[..begun].last() else {
            return job;
        };
        job.status = stage.status;
        job.remained_tasks = stage.remained_tasks;
        job.updated_at = stage.at;
        job.finished_at = stage.status.is_final().then_some(stage.at);
        for passed in &self.stages[..begun] {
            job.errors.extend_from_slice(&passed.errors);
        }
        if let Some(run) = Run::between(stage, self.stages.get(begun)) {
            let done = run.done_by(now);
            job.remained_tasks -= done;
            job.updated_at = run.time_of(done);
        }
        job
    }

    /// Returns the next time after `now` at which [`Life::at`] changes; `None` if it does not change any more.
    #[must_use]
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let begun = self.stages_begun(now);
        let next = self.stages.get(begun)?;
        let run = self.stages[..begun].last();
        let run = run.and_then(|stage| Run::between(stage, Some(next)));
        let task = run.map(|run| run.time_of(run.done_by(now) + 1));
        Some(task.map_or(next.at, |task| task.min(next.at)))
    }

    /// Moves all stages later by `millis`.
    #[must_use]
    pub fn delayed_by(mut self, millis: i64) -> Self {
        for stage in &mut self.stages {
            stage.at = stage.at.plus_millis(millis);
        }
        self
    }

    /// Returns the number of stages that have begun.
    fn stages_begun(&self, now: Timestamp) -> usize {
        self.stages.partition_point(|stage| stage.at <= now)
    }
}

/// A span of time in which tasks are done one by one, at equal intervals.
struct Run {
    from: Timestamp,
    millis: i128,
    tasks: i128,
}

impl Run {
    fn between(stage: &LifeStage, next: Option<&LifeStage>) -> Option<Self> {
        let next = next.filter(|_| stage.status == JobStatus::InProgress)?;
        let tasks = i128::from(stage.remained_tasks - next.remained_tasks);
        let millis = i128::from(next.at.millis() - stage.at.millis());
        (tasks > 0 && millis > 0).then_some(Self {
            from: stage.at,
            millis,
            tasks,
        })
    }

    /// Returns the number of tasks done by a time within the run.
    fn done_by(&self, now: Timestamp) -> i64 {
        let passed = i128::from(now.millis() - self.from.millis());
        narrow(passed * self.tasks / self.millis)
    }

    /// Returns the first millisecond at which `done` tasks are done.
    fn time_of(&self, done: i64) -> Timestamp {
        let millis = i128::from(done) * self.millis;
        self.from
            .plus_millis(narrow((millis + self.tasks - 1) / self.tasks))
    }
}

/// Narrows a result that lies between two numbers of 64 bits.
fn narrow(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::from_json::from_json;
    use super::*;

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339(NOW).unwrap()
    }

    fn life(members: &str) -> Result<Life, String> {
        let text = format!(r#"{{"job_id":"j","domain_id":"d",{members}}}"#);
        let draft: Draft = from_json(text.as_bytes()).map_err(|error| error.to_string())?;
        Life::from_draft(draft, now())
    }

    /// The job at each change, as `milliseconds status remained errors`.
    fn story(life: &Life) -> Vec<String> {
        let mut times = vec![now()];
        while let Some(next) = life.next_change(times[times.len() - 1]) {
            times.push(next);
        }
        let lines = times.into_iter().map(|time| {
            let job = life.at(time);
            let millis = time.millis() - now().millis();
            if millis > 0 {
                let before = life.at(time.plus_millis(-1));
                assert_ne!(job, before, "the job changes at {millis} ms");
                assert_eq!(job.updated_at, time);
            }
            assert_eq!(job.finished_at.is_some(), job.status.is_final());
            let (status, left) = (job.status.name(), job.remained_tasks);
            format!("{millis} {status} {left} {}", job.errors.len())
        });
        lines.collect()
    }

    #[test]
    fn tasks_are_done_one_by_one() {
        let life = life(
            r#""total_tasks":3,"life":[{"after":2,"status":"IN_PROGRESS"},{"after":12,"status":"SUCCESS"}]"#,
        );
        assert_eq!(
            story(&life.unwrap())[1..],
            [
                "2000 IN_PROGRESS 3 0",
                "5334 IN_PROGRESS 2 0",
                "8667 IN_PROGRESS 1 0",
                "12000 SUCCESS 0 0",
            ]
        );
    }

    #[test]
    fn a_life_may_pause_and_end_with_errors() {
        let life = life(
            r#""total_tasks":4,"created_at":"2020-01-01T00:00:00Z","life":[
                {"after":0,"status":"IN_PROGRESS"},{"after":1,"status":"IN_PROGRESS","remained_tasks":2},
                {"after":60.5,"status":"ERROR","errors":[{"error_code":"E"}]}]"#,
        )
        .unwrap();
        assert_eq!(
            life.start().created_at.to_string(),
            "2020-01-01T00:00:00.000Z"
        );
        assert_eq!(
            story(&life),
            [
                "0 IN_PROGRESS 4 0",
                "500 IN_PROGRESS 3 0",
                "1000 IN_PROGRESS 2 0",
                "60500 ERROR 2 1"
            ]
        );
        let later = life.clone().delayed_by(5_000);
        assert_eq!(later.at(now().plus_millis(5_500)).remained_tasks, 3);
    }

    #[test]
    fn a_job_may_be_in_progress_from_the_start() {
        let life = life(
            r#""status":"IN_PROGRESS","total_tasks":4,"remained_tasks":2,"life":[{"after":8,"status":"SUCCESS"}]"#,
        );
        assert_eq!(
            story(&life.unwrap()),
            [
                "0 IN_PROGRESS 2 0",
                "4000 IN_PROGRESS 1 0",
                "8000 SUCCESS 0 0"
            ]
        );
    }

    #[test]
    fn what_a_script_does_not_change_stays() {
        let members = r#""success_tasks":1,"failure_tasks":0,"secret_id":"s","request_secret_id":"rs",
            "request_workspace_id":"rw","resource_group":"WORKSPACE","workspace_id":"w""#;
        let life = life(&format!(
            r#""total_tasks":2,{members},"life":[{{"after":0,"status":"IN_PROGRESS"}},{{"after":9,"status":"ERROR"}}]"#
        ))
        .unwrap();
        for seconds in [0, 5, 9] {
            let job = life.at(now().plus_millis(seconds * 1_000));
            let expected = Job {
                status: job.status,
                remained_tasks: job.remained_tasks,
                updated_at: job.updated_at,
                finished_at: job.finished_at,
                ..life.start().clone()
            };
            assert_eq!(job, expected, "after {seconds} s");
            assert_eq!(job.workspace_id.as_deref(), Some("w"));
            assert_eq!((job.success_tasks, job.failure_tasks), (Some(1), Some(0)));
        }
    }

    #[test]
    fn a_job_without_a_script_never_changes() {
        let life = life(r#""status":"ERROR","total_tasks":4"#).unwrap();
        assert_eq!(life.next_change(now()), None);
        assert_eq!(life.ends_at(), None);
        let job = life.at(Timestamp::MAX);
        assert_eq!((job.remained_tasks, job.created_at), (0, now()));
    }

    #[test]
    fn a_wrong_script_is_refused_with_its_step_and_member() {
        for (script, expected) in [
            ("[]", "field life: has 0 steps; a life has 1 to 100"),
            (
                r#"[{"after":-1,"status":"ERROR"}]"#,
                "field life: [0].after: -1 is not a number of seconds from 0 to 315360000",
            ),
            (
                r#"[{"after":1,"status":"GONE"}]"#,
                "field life[0].status: unknown variant `GONE`",
            ),
            (
                r#"[{"after":1,"state":"ERROR"}]"#,
                "field life[0].state: unknown field `state`",
            ),
            (
                r#"[{"after":1,"status":"ERROR"},{"after":2,"status":"SUCCESS"}]"#,
                "life[1].status: the job already ended with ERROR",
            ),
            (
                r#"[{"after":1,"status":"IN_PROGRESS"},{"after":2,"status":"CREATED"}]"#,
                "life[1].status: a job in progress can't be CREATED again",
            ),
            (
                r#"[{"after":5,"status":"IN_PROGRESS"},{"after":2,"status":"SUCCESS"}]"#,
                "life[1].after: 2 is earlier than the 5 of the step before; steps are in the order of time",
            ),
            (
                r#"[{"after":1,"status":"IN_PROGRESS","remained_tasks":7}]"#,
                "life[0].remained_tasks: 7 is more than the 0 before; tasks can't be undone",
            ),
        ] {
            let error = life(&format!(r#""life":{script}"#)).unwrap_err();
            assert!(
                error.contains(expected),
                "{script}\n got: {error}\nwant: {expected}"
            );
        }
    }
}
