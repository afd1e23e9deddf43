//! Reads a job in plain form: what nearly every document of an import is.
//!
//! What is plain means the same to the strict reader, which reads all else, and finds what is wrong with it. It takes a
//! fifth of the time: ids and times are borrowed, and a `collector_info` is read once for all the jobs that have it.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::job::imported::{ImportedJob, KnownCollectors};
use crate::job::{Job, JobError, JobStatus, MAX_ID_BYTES, MAX_TASKS};
use crate::json::{ObjectOnly, StrictObject};
use crate::time::Timestamp;

/// The members of a [`Draft`](crate::job::Draft) as they are written. A member that may not be null is no `Option`, or has
/// `given`; a text with an escape is not plain.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<'t> {
    job_id: &'t str,
    #[serde(default)]
    status: JobStatus,
    #[serde(borrow, default, deserialize_with = "given")]
    filter: Option<&'t RawValue>,
    #[serde(default)]
    total_tasks: i64,
    #[serde(default)]
    remained_tasks: i64,
    success_tasks: Option<i64>,
    failure_tasks: Option<i64>,
    #[serde(borrow, default, deserialize_with = "given")]
    errors: Option<&'t RawValue>,
    #[serde(borrow)]
    collector_info: Option<&'t RawValue>,
    secret_id: Option<&'t str>,
    request_secret_id: Option<&'t str>,
    request_workspace_id: Option<&'t str>,
    resource_group: Option<&'t str>,
    project_id: Option<&'t str>,
    workspace_id: Option<&'t str>,
    domain_id: &'t str,
    created_at: &'t str,
    updated_at: Option<&'t str>,
    finished_at: Option<&'t str>,
}

fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The text is no job in plain form, whether or not it is a job.
struct NotPlain;

impl From<serde_json::Error> for NotPlain {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

/// Reads a job in plain form; `None` for any other text.
pub(super) fn read_plain(text: &[u8], collectors: &mut KnownCollectors) -> Option<ImportedJob> {
    read(text, collectors).ok()
}

fn read(text: &[u8], collectors: &mut KnownCollectors) -> Result<ImportedJob, NotPlain> {
    // Checked at once, since the parser would check text by text.
    let text = std::str::from_utf8(text).or(Err(NotPlain))?;
    // What serde derives would also take an array.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(NotPlain);
    }
    let plain: Plain<'_> = serde_json::from_str(text)?;
    let created_at = time(plain.created_at)?;
    let collector = plain.collector_info.map(|written| {
        let collector = collectors.read(written.get());
        collector.ok_or(NotPlain)
    });
    Ok(ImportedJob {
        collector: collector.transpose()?,
        job: Job {
            job_id: id(plain.job_id)?,
            status: plain.status,
            filter: match plain.filter.map(RawValue::get) {
                None | Some("{}") => StrictObject::default(),
                Some(written) => serde_json::from_str(written)?,
            },
            total_tasks: task_count(plain.total_tasks)?,
            remained_tasks: tasks(plain.remained_tasks, i64::from(i32::MIN))?,
            success_tasks: plain.success_tasks.map(task_count).transpose()?,
            failure_tasks: plain.failure_tasks.map(task_count).transpose()?,
            errors: match plain.errors.map(RawValue::get) {
                None | Some("[]") => Vec::new(),
                Some(written) => errors(written)?,
            },
            collector_info: None,
            secret_id: plain.secret_id.map(id).transpose()?,
            request_secret_id: plain.request_secret_id.map(id).transpose()?,
            request_workspace_id: plain.request_workspace_id.map(id).transpose()?,
            resource_group: plain.resource_group.map(id).transpose()?,
            project_id: plain.project_id.map(id).transpose()?,
            workspace_id: plain.workspace_id.map(id).transpose()?,
            domain_id: id(plain.domain_id)?,
            created_at,
            updated_at: plain.updated_at.map_or(Ok(created_at), time)?,
            finished_at: plain.finished_at.map(time).transpose()?,
        },
    })
}

fn id(text: &str) -> Result<String, NotPlain> {
    match text.len() {
        1..=MAX_ID_BYTES => Ok(text.to_owned()),
        _ => Err(NotPlain),
    }
}

fn task_count(count: i64) -> Result<i64, NotPlain> {
    tasks(count, 0)
}

fn tasks(count: i64, min: i64) -> Result<i64, NotPlain> {
    if (min..=MAX_TASKS).contains(&count) {
        Ok(count)
    } else {
        Err(NotPlain)
    }
}

fn time(text: &str) -> Result<Timestamp, NotPlain> {
    Timestamp::parse_rfc3339(text).or(Err(NotPlain))
}

fn errors(written: &str) -> Result<Vec<JobError>, NotPlain> {
    let errors: Vec<ObjectOnly<JobError>> = serde_json::from_str(written)?;
    Ok(errors.into_iter().map(|error| error.0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::from_json;

    /// Reads texts in both ways: what is plain must be what the strict reader makes of it.
    #[test]
    fn what_is_plain_means_the_same_to_the_strict_reader() {
        let base = r#""job_id":"j","domain_id":"d","created_at":"2022-06-17T08:00:00Z""#;
        let full = crate::job::document::FULL;
        let mut collectors = KnownCollectors::default();
        let mut check = |text: &str, is_plain: bool| {
            let strict = from_json::<Job>(text.as_bytes());
            // Twice, since the second time its collector is known.
            for _ in 0..2 {
                let plain = read_plain(text.as_bytes(), &mut collectors);
                assert_eq!(plain.is_some(), is_plain, "{text}");
                let Some(plain) = plain else { continue };
                let strict = ImportedJob::from(strict.as_ref().unwrap().clone());
                assert_eq!(plain.job, strict.job, "{text}");
                let parts = |job: &ImportedJob| {
                    let collector = job.collector.as_ref();
                    collector.map(|one| (one.text.clone(), one.collector_id.clone()))
                };
                assert_eq!(parts(&plain), parts(&strict), "{text}");
            }
        };
        check(full, true);
        check(&format!(" {full}\n"), true);
        check(&full.replace(',', ", "), true);
        check(&format!("[{full}]"), false);
        check(&format!("{full}x"), false);
        check("[\"j\"]", false);
        for (members, is_plain) in [
            (
                r#""updated_at":null,"finished_at":null,"project_id":null,"workspace_id":null,"collector_info":null"#,
                true,
            ),
            (
                r#""success_tasks":null,"failure_tasks":null,"secret_id":null,"resource_group":null"#,
                true,
            ),
            (r#""filter":null"#, false),
            (r#""errors":null"#, false),
            (r#""total_tasks":null"#, false),
            (r#""remained_tasks":null"#, false),
            (r#""status":null"#, false),
            (r#""status":"DONE""#, false),
            (r#""total_tasks":-1"#, false),
            (r#""total_tasks":1.0"#, false),
            (r#""total_tasks":2147483648"#, false),
            (
                r#""remained_tasks":-2147483648,"total_tasks":2147483647"#,
                true,
            ),
            (r#""remained_tasks":-2147483649"#, false),
            (r#""success_tasks":-1"#, false),
            (r#""project_id":"""#, false),
            (r#""project_id":"a\u0041""#, false),
            (r#""project_id":"ä""#, true),
            (r#""job_id":"k""#, false),
            (r#""unknown":1"#, false),
            (r#""life":[]"#, false),
            (r#""finished_at":"2022-06-17T17:00:00+09:00""#, true),
            (r#""finished_at":"2022-06-17""#, false),
            (r#""filter":{"b":1,"a":{"c":[1.50,-0,1e2]}}"#, true),
            (r#""filter":{"a":1,"a":2}"#, false),
            (r#""filter":[]"#, false),
            (
                r#""errors":[{"error_code":"E","message":"é\n","additional":{"a":1}},{}]"#,
                true,
            ),
            (r#""errors":[["E"]]"#, false),
            (r#""errors":[{"code":1}]"#, false),
            (
                r#""collector_info":{"name":"a\/b" , "collector_id":"c","zone":[1 , 2]}"#,
                true,
            ),
            (
                r#""collector_info":{"collector_id":null,"plugin_info":null}"#,
                true,
            ),
            (r#""collector_info":{"collectorId":"c"}"#, false),
            (r#""collector_info":{"collector_id":""}"#, false),
            (r#""collector_info":{"name":"a","name":"b"}"#, false),
            (r#""collector_info":[]"#, false),
        ] {
            check(&format!("{{{base},{members}}}"), is_plain);
        }
        let without_utf8 = [b"{\"job_id\":\"".as_slice(), &[0xff], b"\"}"].concat();
        assert!(read_plain(&without_utf8, &mut KnownCollectors::default()).is_none());
    }

    #[test]
    fn remembered_collectors_are_bounded() {
        let mut collectors = KnownCollectors::default();
        let long = "x".repeat(1 << 20);
        for number in 0..9 {
            let written = format!(r#"{{"name":"{number}{long}"}}"#);
            let (one, again) = (collectors.read(&written), collectors.read(&written));
            assert_eq!(one.unwrap().number(), again.unwrap().number());
            assert!(collectors.is_bounded(), "{number}");
        }
    }
}
