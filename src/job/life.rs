//! How a job goes: what it is at the start, and what becomes of it when. [`Life::at`] is the job as it stands at a
//! moment, so the past of a demo, its future, and a scripted job of a mock come from one function.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use utoipa::ToSchema;

use super::draft::{errors, int32};
use super::{Job, JobError, JobStatus};
use crate::json::ObjectOnly;
use crate::time::Timestamp;

/// The most steps that a script may have.
pub const MAX_STEPS: usize = 100;
/// The latest that a step may come, in seconds: ten years.
const MAX_SECONDS: f64 = 315_360_000.0;

/// A job and its future.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    start: Job,
    /// In the order of time.
    stages: Vec<Stage>,
}

/// What becomes of a job at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    pub at: Timestamp,
    pub status: JobStatus,
    /// Tasks left from then on. While a job is in progress they go down one by one to what the next stage leaves.
    pub remained_tasks: i64,
    /// They are added to those that the job has.
    pub errors: Vec<JobError>,
}

/// The future of a job as it is written: an array of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Script(Vec<Step>);

/// One step of a job's life. Steps are in the order of time, and none comes after an end.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Seconds after the job was put; fractions down to milliseconds.
    #[schema(minimum = 0, maximum = 315_360_000)]
    after: f64,
    status: JobStatus,
    /// Left out: 0 with SUCCESS, else as many as before. While a job is in progress they go down one by one to what the
    /// next step leaves.
    #[serde(default, deserialize_with = "int32")]
    #[schema(value_type = Option<i32>, minimum = -2_147_483_648, maximum = 2_147_483_647, nullable = false)]
    remained_tasks: Option<i64>,
    /// They are added to those that the job has.
    #[serde(default, deserialize_with = "errors")]
    errors: Vec<JobError>,
}

impl Life {
    /// A job to which nothing happens.
    #[must_use]
    pub fn still(start: Job) -> Self {
        Self::new(start, Vec::new())
    }

    /// A job and its stages, in the order of time.
    #[must_use]
    pub fn new(start: Job, stages: Vec<Stage>) -> Self {
        Self { start, stages }
    }

    #[must_use]
    pub fn start(&self) -> &Job {
        &self.start
    }

    /// When nothing happens any more; `None` where nothing ever does.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.stages.last().map(|stage| stage.at)
    }

    /// The job as it stands at a moment.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Job {
        let mut job = self.start.clone();
        let begun = self.begun(now);
        let Some(stage) = self.stages[..begun].last() else {
            return job;
        };
        job.status = stage.status;
        job.remained_tasks = stage.remained_tasks;
        job.updated_at = stage.at;
        job.finished_at = is_final(stage.status).then_some(stage.at);
        for passed in &self.stages[..begun] {
            job.errors.extend_from_slice(&passed.errors);
        }
        if let Some(run) = Run::between(stage, self.stages.get(begun)) {
            let done = run.done(now);
            job.remained_tasks -= done;
            job.updated_at = run.moment(done);
        }
        job
    }

    /// The next moment at which [`Life::at`] changes; `None` when nothing happens any more.
    #[must_use]
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let begun = self.begun(now);
        let next = self.stages.get(begun)?;
        let run = self.stages[..begun].last();
        let run = run.and_then(|stage| Run::between(stage, Some(next)));
        let task = run.map(|run| run.moment(run.done(now) + 1));
        Some(task.map_or(next.at, |task| task.min(next.at)))
    }

    /// The same life, with all that is to come so much later.
    #[must_use]
    pub fn later(mut self, millis: i64) -> Self {
        for stage in &mut self.stages {
            stage.at = stage.at.plus_millis(millis);
        }
        self
    }

    /// How many stages have begun.
    fn begun(&self, now: Timestamp) -> usize {
        self.stages.partition_point(|stage| stage.at <= now)
    }
}

/// The time in which tasks are done one by one, evenly.
struct Run {
    from: Timestamp,
    millis: i128,
    tasks: i128,
}

impl Run {
    fn between(stage: &Stage, next: Option<&Stage>) -> Option<Self> {
        let next = next.filter(|_| stage.status == JobStatus::InProgress)?;
        let tasks = i128::from(stage.remained_tasks - next.remained_tasks);
        let millis = i128::from(next.at.millis() - stage.at.millis());
        (tasks > 0 && millis > 0).then_some(Self {
            from: stage.at,
            millis,
            tasks,
        })
    }

    /// How many tasks are done by a moment within the run.
    fn done(&self, now: Timestamp) -> i64 {
        let passed = i128::from(now.millis() - self.from.millis());
        narrow(passed * self.tasks / self.millis)
    }

    /// The first millisecond by which so many tasks are done.
    fn moment(&self, done: i64) -> Timestamp {
        let millis = i128::from(done) * self.millis;
        self.from
            .plus_millis(narrow((millis + self.tasks - 1) / self.tasks))
    }
}

/// Both results lie between two numbers of 64 bits.
fn narrow(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn is_final(status: JobStatus) -> bool {
    !matches!(status, JobStatus::Created | JobStatus::InProgress)
}

impl Script {
    /// Begins the life of a job now.
    pub(super) fn begin(self, start: Job, now: Timestamp) -> Result<Life, String> {
        let mut stages: Vec<Stage> = Vec::with_capacity(self.0.len() + 1);
        if start.status == JobStatus::InProgress {
            // It runs from now on.
            stages.push(Stage {
                at: now,
                status: start.status,
                remained_tasks: start.remained_tasks,
                errors: Vec::new(),
            });
        }
        for (index, step) in self.0.into_iter().enumerate() {
            let fault = |problem: String| Err(format!("life[{index}].{problem}"));
            let last = stages.last();
            let status = last.map_or(start.status, |stage| stage.status);
            let left = last.map_or(start.remained_tasks, |stage| stage.remained_tasks);
            if is_final(status) {
                let status = status.name();
                return fault(format!("status: the job has ended with {status} before"));
            }
            if step.status == JobStatus::Created && status != JobStatus::Created {
                return fault("status: a job in progress can't be CREATED again".to_owned());
            }
            // A moment that is not a number of milliseconds was refused when the script was read.
            #[allow(clippy::cast_possible_truncation)]
            let at = now.plus_millis((step.after * 1_000.0).round() as i64);
            if last.is_some_and(|stage| at < stage.at) {
                return fault(format!(
                    "after: {} is before the step before it; a life goes forwards",
                    step.after
                ));
            }
            let remained_tasks = match (step.remained_tasks, step.status) {
                (Some(given), _) => given,
                (None, JobStatus::Success) => left.min(0),
                (None, _) => left,
            };
            if remained_tasks > left {
                return fault(format!(
                    "remained_tasks: {remained_tasks} are more than the {left} before; tasks are not undone"
                ));
            }
            stages.push(Stage {
                at,
                status: step.status,
                remained_tasks,
                errors: step.errors,
            });
        }
        Ok(Life::new(start, stages))
    }
}

impl<'de> Deserialize<'de> for Script {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let steps = Vec::<ObjectOnly<Step>>::deserialize(deserializer)?;
        if steps.is_empty() || steps.len() > MAX_STEPS {
            return Err(D::Error::custom(format_args!(
                "has {} steps; a life has 1 to {MAX_STEPS}",
                steps.len()
            )));
        }
        for (index, ObjectOnly(step)) in steps.iter().enumerate() {
            if !(0.0..=MAX_SECONDS).contains(&step.after) {
                return Err(D::Error::custom(format_args!(
                    "[{index}].after: {} is not a number of seconds from 0 to {MAX_SECONDS}",
                    step.after
                )));
            }
        }
        Ok(Self(steps.into_iter().map(|step| step.0).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Draft, from_json};
    use super::*;

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339(NOW).unwrap()
    }

    fn life(members: &str) -> Result<Life, String> {
        let text = format!(r#"{{"job_id":"j","domain_id":"d",{members}}}"#);
        let draft: Draft = from_json(text.as_bytes()).map_err(|error| error.to_string())?;
        draft.into_life(now())
    }

    /// What the job is at each change, as `seconds status remained errors`.
    fn story(life: &Life) -> Vec<String> {
        let mut moments = vec![now()];
        while let Some(next) = life.next_change(moments[moments.len() - 1]) {
            moments.push(next);
        }
        let told = moments.into_iter().map(|moment| {
            let job = life.at(moment);
            let millis = moment.millis() - now().millis();
            if millis > 0 {
                let before = life.at(moment.plus_millis(-1));
                assert_ne!(job, before, "at {millis} ms it changes");
                assert_eq!(job.updated_at, moment);
            }
            assert_eq!(job.finished_at.is_some(), is_final(job.status));
            let (status, left) = (job.status.name(), job.remained_tasks);
            format!("{millis} {status} {left} {}", job.errors.len())
        });
        told.collect()
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
    fn a_life_may_stop_half_way_and_end_with_errors() {
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
        let later = life.clone().later(5_000);
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
    fn without_a_script_nothing_happens() {
        let life = life(r#""status":"ERROR","total_tasks":4"#).unwrap();
        assert_eq!(life.next_change(now()), None);
        assert_eq!(life.ends_at(), None);
        let job = life.at(Timestamp::MAX);
        assert_eq!((job.remained_tasks, job.created_at), (0, now()));
    }

    #[test]
    fn scripts_that_make_no_sense_are_refused_by_their_place() {
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
                "life[1].status: the job has ended with ERROR before",
            ),
            (
                r#"[{"after":1,"status":"IN_PROGRESS"},{"after":2,"status":"CREATED"}]"#,
                "life[1].status: a job in progress can't be CREATED again",
            ),
            (
                r#"[{"after":5,"status":"IN_PROGRESS"},{"after":2,"status":"SUCCESS"}]"#,
                "life[1].after: 2 is before the step before it; a life goes forwards",
            ),
            (
                r#"[{"after":1,"status":"IN_PROGRESS","remained_tasks":7}]"#,
                "life[0].remained_tasks: 7 are more than the 0 before; tasks are not undone",
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
