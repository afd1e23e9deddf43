//! Writes jobs as documents of SpaceONE's own collection of jobs, in the Extended JSON that `mongoimport` reads.
//!
//! Rule: the model `Job` of SpaceONE's inventory service. A document may have the members of the model alone. So what a
//! collection has no member for is left out: collectors, and today also errors, have collections of their own.

use std::io::{Error, ErrorKind, Result as IoResult};

use serde_json::{Map, Value, json};

use crate::job::{Shape, of_today};

/// The members of a job in the collection of the first generation, in their order there.
const MEMBERS_OF_SEED: [&str; 12] = [
    "job_id",
    "status",
    "filter",
    "total_tasks",
    "remained_tasks",
    "errors",
    "collector_id",
    "project_id",
    "domain_id",
    "created_at",
    "updated_at",
    "finished_at",
];
/// The same today.
const MEMBERS_OF_TODAY: [&str; 18] = [
    "job_id",
    "status",
    "total_tasks",
    "remained_tasks",
    "success_tasks",
    "failure_tasks",
    "collector_id",
    "plugin_id",
    "secret_id",
    "request_secret_id",
    "request_workspace_id",
    "resource_group",
    "project_id",
    "workspace_id",
    "domain_id",
    "created_at",
    "updated_at",
    "finished_at",
];

/// Appends the document of a job as that of a generation of SpaceONE, and a line end.
///
/// # Errors
/// Where the text is no document of a job, or has a member that MongoDB would read as a type.
pub(super) fn write_job(document: &str, shape: Shape, line: &mut Vec<u8>) -> IoResult<()> {
    let job: Map<String, Value> = serde_json::from_str(document)?;
    // Of the first generation, only the collector's id is added.
    let mut todays = of_today(job.clone());
    let (mut job, names) = match shape {
        Shape::Seed => {
            let mut job = job;
            job.extend(todays.remove_entry("collector_id"));
            (job, MEMBERS_OF_SEED.as_slice())
        }
        Shape::Today => (todays, MEMBERS_OF_TODAY.as_slice()),
    };
    let mut written = Map::new();
    for name in names {
        let Some(value) = job.remove(*name) else {
            continue;
        };
        if let Some(member) = type_name(&value) {
            let id = &written["job_id"];
            let problem = format!(
                "job {id}: `{name}` has a member `{member}`, which MongoDB reads as a type"
            );
            return Err(Error::new(ErrorKind::InvalidData, problem));
        }
        match *name {
            "filter" => written.insert("filters".to_owned(), value),
            time if time.ends_with("_at") => {
                written.insert(time.to_owned(), json!({"$date": value}))
            }
            _ => written.insert((*name).to_owned(), value),
        };
    }
    // How often SpaceONE has found an error in the job since it counted them last.
    written.insert("mark_error".to_owned(), 0.into());
    serde_json::to_writer(&mut *line, &written)?;
    line.push(b'\n');
    Ok(())
}

/// Returns a name within a value that begins with `$`, as those of the types of Extended JSON do.
fn type_name(value: &Value) -> Option<&str> {
    match value {
        Value::Array(elements) => elements.iter().find_map(type_name),
        Value::Object(members) => {
            let mut each = members.iter();
            each.find_map(|(name, value)| {
                if name.starts_with('$') {
                    Some(name.as_str())
                } else {
                    type_name(value)
                }
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;

    const JOB: &str = r#"{"job_id":"j","domain_id":"d","status":"TIMEOUT","filter":{"since":"2022-06-16T08:00:00Z","n":9007199254740993},
        "total_tasks":4,"remained_tasks":1,"errors":[{"error_code":"E","message":"한국","additional":{"k":null}}],
        "collector_info":{"collector_id":"c","name":"n","plugin_info":{"plugin_id":"p"}},"project_id":"q","workspace_id":"w",
        "created_at":"2022-06-17T08:00:01.225Z","finished_at":"2022-06-17T08:05:00Z"}"#;

    fn written(document: &str, shape: Shape) -> Value {
        let mut line = Vec::new();
        write_job(document, shape, &mut line).unwrap();
        assert_eq!(line.pop(), Some(b'\n'));
        serde_json::from_slice(&line).unwrap()
    }

    #[track_caller]
    fn check(shape: Shape, expected: &Value) {
        let job = Job::from_json(JOB.as_bytes()).unwrap();
        let written = written(&job.to_document(), shape);
        assert_eq!(written.to_string(), expected.to_string());
    }

    #[test]
    fn a_document_has_the_members_of_its_generation() {
        let errors = json!([{"error_code": "E", "message": "한국", "additional": {"k": null}}]);
        check(
            Shape::Seed,
            &json!({
                "job_id": "j", "status": "TIMEOUT",
                "filters": {"since": "2022-06-16T08:00:00Z", "n": 9_007_199_254_740_993_i64},
                "total_tasks": 4, "remained_tasks": 1, "errors": errors, "collector_id": "c", "project_id": "q", "domain_id": "d",
                "created_at": {"$date": "2022-06-17T08:00:01.225Z"}, "updated_at": {"$date": "2022-06-17T08:00:01.225Z"},
                "finished_at": {"$date": "2022-06-17T08:05:00.000Z"}, "mark_error": 0
            }),
        );
        check(
            Shape::Today,
            &json!({
                "job_id": "j", "status": "FAILURE", "total_tasks": 4, "remained_tasks": 1, "success_tasks": 2, "failure_tasks": 1,
                "collector_id": "c", "plugin_id": "p", "project_id": "q", "workspace_id": "w", "domain_id": "d",
                "created_at": {"$date": "2022-06-17T08:00:01.225Z"}, "updated_at": {"$date": "2022-06-17T08:00:01.225Z"},
                "finished_at": {"$date": "2022-06-17T08:05:00.000Z"}, "mark_error": 0
            }),
        );
    }

    #[test]
    fn a_member_that_would_be_read_as_a_type_is_refused() {
        let document = r#"{"job_id": "j", "filter": {"a": [{"$date": "x"}]}}"#;
        let refused = write_job(document, Shape::Seed, &mut Vec::new()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "job \"j\": `filter` has a member `$date`, which MongoDB reads as a type"
        );
        // Today's collection has no filter.
        assert_eq!(
            written(document, Shape::Today),
            json!({"job_id": "j", "mark_error": 0})
        );
    }
}
