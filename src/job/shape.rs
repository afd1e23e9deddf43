//! `Shape`: the generation of SpaceONE whose names and members a job has in requests and answers.
//!
//! Jobs are stored in the shape of the seed. [`of_today`] turns a stored document into one as today's SpaceONE answers it;
//! `query::check` gives conditions, keys and sorts the same meaning, so that they agree with what is answered.

use serde_json::{Map, Value};

use super::status::JobStatus;

/// The shape of jobs in a request and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// As jobs are stored: six statuses, the collector's ids in `collector_info` alone.
    #[default]
    Seed,
    /// As SpaceONE has them today: four statuses, and at the top also the ids of the collector and its plugin, and how many
    /// tasks succeeded and failed.
    Today,
}

/// The statuses that a job may have today, by name.
pub const STATUSES_OF_TODAY: [&str; 4] = ["IN_PROGRESS", "SUCCESS", "FAILURE", "CANCELED"];

impl JobStatus {
    /// Returns the name that the status has today.
    ///
    /// Rule: SpaceONE 2.x has no `CREATED`, and `FAILURE` for a job that failed in any way.
    #[must_use]
    pub fn name_of_today(self) -> &'static str {
        match self {
            Self::Created | Self::InProgress => "IN_PROGRESS",
            Self::Canceled => "CANCELED",
            Self::Success => "SUCCESS",
            Self::Error | Self::Timeout => "FAILURE",
        }
    }
}

/// Turns a stored document, or a part of it, into that of today.
///
/// The status has its name of today. `collector_id` and `plugin_id` are added where `collector_info` has them, and
/// `success_tasks` and `failure_tasks` where the document has not its own, by the rule of `task_counts`; all other members stay.
#[must_use]
pub fn of_today(document: Map<String, Value>) -> Map<String, Value> {
    let counts = task_counts(&document);
    let ids = ids(&document);
    let mut job = Map::with_capacity(document.len() + 4);
    for (name, value) in document {
        match name.as_str() {
            "status" => {
                let status = value.as_str().and_then(JobStatus::from_name);
                let name_of_today = status.map(|status| Value::from(status.name_of_today()));
                job.insert(name, name_of_today.unwrap_or(value));
            }
            "remained_tasks" => {
                job.insert(name, value);
                insert_all(&mut job, counts.iter().flatten());
            }
            // They follow the remained tasks.
            "success_tasks" | "failure_tasks" if counts.is_some() => {}
            "collector_info" => {
                job.insert(name, value);
                insert_all(&mut job, ids.iter());
            }
            _ => {
                job.insert(name, value);
            }
        }
    }
    job
}

fn insert_all<'m>(
    job: &mut Map<String, Value>,
    members: impl IntoIterator<Item = &'m (&'static str, Value)>,
) {
    for (name, value) in members {
        job.insert((*name).to_owned(), value.clone());
    }
}

/// Returns the ids in a document's `collector_info`.
fn ids(document: &Map<String, Value>) -> Vec<(&'static str, Value)> {
    let Some(info) = document.get("collector_info") else {
        return Vec::new();
    };
    let ids = [
        ("collector_id", &info["collector_id"]),
        ("plugin_id", &info["plugin_info"]["plugin_id"]),
    ];
    let ids = ids.into_iter().filter(|(_, id)| id.is_string());
    ids.map(|(name, id)| (name, id.clone())).collect()
}

/// Returns how many tasks of a document succeeded and failed; `None` where it has not the numbers for it.
///
/// The stored numbers win. Otherwise each error is a failed task, of those that are done, and the rest of these succeeded: so
/// the three numbers make the total, as in SpaceONE. (`TodayColumn::sql` in `query::check::field` is the same rule in SQL.)
fn task_counts(document: &Map<String, Value>) -> Option<[(&'static str, Value); 2]> {
    let number = |name: &str| document.get(name).and_then(Value::as_i64);
    let errors = document.get("errors").and_then(Value::as_array)?.len();
    let remained = number("remained_tasks")?.max(0);
    let done = (number("total_tasks")? - remained).max(0);
    let (success, failure) = (number("success_tasks"), number("failure_tasks"));
    let not_succeeded = success.map(|success| (done - success).max(0));
    let by_errors = || i64::try_from(errors).unwrap_or(i64::MAX).min(done);
    let failure = failure.or(not_succeeded).unwrap_or_else(by_errors);
    let success = success.unwrap_or_else(|| (done - failure).max(0));
    Some([
        ("success_tasks", success.into()),
        ("failure_tasks", failure.into()),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(document: &Value, expected: &Value) {
        let job = of_today(document.as_object().unwrap().clone());
        assert_eq!(Value::Object(job).to_string(), expected.to_string());
    }

    #[test]
    fn a_job_has_todays_members_at_its_top() {
        check(
            &json!({
                "job_id": "j", "status": "TIMEOUT", "filter": {}, "total_tasks": 9, "remained_tasks": 2, "errors": [{}, {}],
                "collector_info": {"collector_id": "c", "plugin_info": {"plugin_id": "p"}}, "workspace_id": "w"
            }),
            &json!({
                "job_id": "j", "status": "FAILURE", "filter": {}, "total_tasks": 9, "remained_tasks": 2,
                "success_tasks": 5, "failure_tasks": 2, "errors": [{}, {}],
                "collector_info": {"collector_id": "c", "plugin_info": {"plugin_id": "p"}},
                "collector_id": "c", "plugin_id": "p", "workspace_id": "w"
            }),
        );
        check(
            &json!({"job_id": "j", "collector_info": {"plugin_info": null}}),
            &json!({"job_id": "j", "collector_info": {"plugin_info": null}}),
        );
    }

    #[test]
    fn tasks_that_are_not_counted_are_derived() {
        for (total, remained, errors, stored, expected) in [
            (5, 0, 0, json!({}), [5, 0]),
            (5, 5, 0, json!({}), [0, 0]),
            (5, 1, 2, json!({}), [2, 2]),
            (5, 4, 3, json!({}), [0, 1]),
            (0, 0, 3, json!({}), [0, 0]),
            (5, -1, 0, json!({}), [5, 0]),
            (1, 3, 1, json!({}), [0, 0]),
            (5, 0, 1, json!({"success_tasks": 2}), [2, 3]),
            (5, 0, 0, json!({"failure_tasks": 4}), [1, 4]),
            (5, 0, 9, json!({"success_tasks": 9}), [9, 0]),
            (
                5,
                0,
                9,
                json!({"success_tasks": 1, "failure_tasks": 2}),
                [1, 2],
            ),
        ] {
            let mut document = json!({
                "total_tasks": total, "remained_tasks": remained, "errors": vec![json!({}); errors]
            });
            document
                .as_object_mut()
                .unwrap()
                .extend(stored.as_object().unwrap().clone());
            let job = of_today(document.as_object().unwrap().clone());
            assert_eq!(
                [&job["success_tasks"], &job["failure_tasks"]],
                expected.map(Value::from).each_ref(),
                "{document}"
            );
        }
    }

    #[test]
    fn every_status_has_a_name_of_today() {
        let names = JobStatus::ALL.map(JobStatus::name_of_today);
        assert!(names.iter().all(|name| STATUSES_OF_TODAY.contains(name)));
        assert!(STATUSES_OF_TODAY.iter().all(|name| names.contains(name)));
    }
}
