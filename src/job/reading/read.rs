//! Reads one job from JSON text, or finds all that is wrong with it.

use serde_json::{Map, Value};

use super::field_path::FieldPath;
use super::findings::{MAX_MISTAKES, Mistake};
use super::locate::{Location, locate};
use super::plain;
use super::translate::{Purpose, Translator};
use super::translation::Translation;
use crate::job::{Draft, ImportedJob, Job, JobTextError, KnownCollectors, from_json};
use crate::json::{self, ObjectOnly, names::shortened};

/// The most values of a document that is translated.
const MAX_VALUES: usize = 1_000_000;
/// The most text that is read again in search of further mistakes, in bytes.
const MAX_BYTES_AGAIN: usize = 4 << 20;

/// A job that was read, and what was translated to read it.
#[derive(Debug)]
pub struct ReadJob<T> {
    /// The job.
    pub job: T,
    /// Each kind once, in order; none for a document that is read as it is.
    pub translations: Vec<Translation>,
}

/// What a text of a job is read as: a whole [`Job`], or a [`Draft`].
pub trait Readable: serde::de::DeserializeOwned {
    /// The members without which there is none.
    const REQUIRED: &'static [&'static str];

    /// Makes it of a draft that has them.
    ///
    /// # Errors
    /// A sentence that names the member which is wrong.
    fn from_draft(draft: Draft) -> Result<Self, String>;

    /// Reads one of many jobs in plain form, if there is a quick way; `None` for any other text.
    fn read_plain(_text: &[u8], _collectors: &mut KnownCollectors) -> Option<Self> {
        None
    }
}

impl Readable for Job {
    const REQUIRED: &'static [&'static str] = &["job_id", "domain_id", "created_at"];

    fn from_draft(draft: Draft) -> Result<Self, String> {
        Self::try_from(draft)
    }
}

impl Readable for ImportedJob {
    const REQUIRED: &'static [&'static str] = Job::REQUIRED;

    fn from_draft(draft: Draft) -> Result<Self, String> {
        Self::try_from(draft)
    }

    fn read_plain(text: &[u8], collectors: &mut KnownCollectors) -> Option<Self> {
        plain::read_plain(text, collectors)
    }
}

impl Readable for Draft {
    const REQUIRED: &'static [&'static str] = &[];

    fn from_draft(draft: Draft) -> Result<Self, String> {
        Ok(draft)
    }
}

/// Reads a job from JSON text in any of the forms that the documentation lists.
///
/// # Errors
/// Everything that is wrong, in the order of the text; lines and columns count from its beginning.
pub fn read_job<T: Readable>(text: &[u8]) -> Result<ReadJob<T>, Vec<JobTextError>> {
    let first = match from_json(text) {
        Ok(job) => {
            return Ok(ReadJob {
                job,
                translations: Vec::new(),
            });
        }
        Err(error) => error,
    };
    match json::read(text, MAX_VALUES) {
        Ok(Value::Object(members)) => read_members(members, text.len(), &|mistake| {
            locate(text, &mistake.path, mistake.is_name)
        }),
        Ok(_) => Err(vec![first]),
        Err(error) => Err(vec![JobTextError::from_json_error(&error)]),
    }
}

/// As [`read_job`], with what was learnt from the jobs before.
///
/// # Errors
/// As [`read_job`].
pub fn read_one_of_many<T: Readable>(
    text: &[u8],
    collectors: &mut KnownCollectors,
) -> Result<ReadJob<T>, Vec<JobTextError>> {
    match T::read_plain(text, collectors) {
        Some(job) => Ok(ReadJob {
            job,
            translations: Vec::new(),
        }),
        None => read_job(text),
    }
}

/// As [`read_job`], from the members of an object. Line and column of the mistakes are 0.
///
/// # Errors
/// As [`read_job`], in the order of the members.
pub fn read_job_members<T: Readable>(
    members: Map<String, Value>,
) -> Result<ReadJob<T>, Vec<JobTextError>> {
    read_members(members, 0, &|_| Location { line: 0, column: 0 })
}

/// Translates the members of a merge patch (RFC 7396), so that they are those of a document. Nulls stay.
///
/// # Errors
/// As [`read_job`], as far as a patch alone can be wrong.
pub fn translate_patch(
    text: &[u8],
    members: Map<String, Value>,
) -> Result<Map<String, Value>, Vec<JobTextError>> {
    let translator = Translator::translate(members, Purpose::Patch);
    if translator.findings.mistakes.is_empty() {
        return Ok(translator.members);
    }
    let location = |mistake: &Mistake| locate(text, &mistake.path, mistake.is_name);
    Err(in_order(translator.findings.mistakes, None, &location))
}

/// Reads a job from its members, which are in a text of this length.
fn read_members<T: Readable>(
    members: Map<String, Value>,
    text_bytes: usize,
    location: &dyn Fn(&Mistake) -> Location,
) -> Result<ReadJob<T>, Vec<JobTextError>> {
    let mut translator = Translator::translate(members, Purpose::Document);
    let job_id = match translator.members.get("job_id") {
        Some(Value::String(id)) if !id.is_empty() => Some(shortened(id)),
        _ => None,
    };
    let read = read_strictly::<T>(&mut translator, text_bytes);
    match read {
        Some(job) => Ok(ReadJob {
            job,
            translations: translator.findings.translations.into_iter().collect(),
        }),
        None => Err(in_order(
            translator.findings.mistakes,
            job_id.as_deref(),
            location,
        )),
    }
}

/// Reads a job from translated members; `None` where there are mistakes.
///
/// The reader stops at a mistake. What is wrong is taken out, and the rest is read again, until all mistakes are known; of
/// a long text only the first ones are.
fn read_strictly<T: Readable>(translator: &mut Translator, text_bytes: usize) -> Option<T> {
    let findings = &mut translator.findings;
    for name in T::REQUIRED {
        let written = findings.written(&FieldPath::of(&[name]));
        let is_there = translator.members.contains_key(*name)
            || findings.mistakes.iter().any(|one| one.path == written);
        if !is_there {
            findings.wrong(FieldPath::default(), format!("missing field `{name}`"));
        }
    }
    let most_readings = 1 + MAX_BYTES_AGAIN
        .checked_div(text_bytes)
        .unwrap_or(MAX_MISTAKES);
    let mut members = Value::Object(std::mem::take(&mut translator.members));
    for _ in 0..most_readings {
        let (path, problem) = match serde_path_to_error::deserialize(&members) {
            Ok(ObjectOnly(draft)) if findings.mistakes.is_empty() => match T::from_draft(draft) {
                Ok(job) => return Some(job),
                Err(problem) => (FieldPath::default(), problem),
            },
            Ok(_) => return None,
            Err(error) => (
                FieldPath::from_reader(error.path()),
                error.inner().to_string(),
            ),
        };
        findings.wrong(findings.written(&path), problem);
        if findings.mistakes.len() == MAX_MISTAKES || !path.take_out(&mut members) {
            break;
        }
    }
    None
}

/// Returns mistakes in the order of the text.
fn in_order(
    mistakes: Vec<Mistake>,
    job_id: Option<&str>,
    location: &dyn Fn(&Mistake) -> Location,
) -> Vec<JobTextError> {
    let errors = mistakes.into_iter().map(|mistake| {
        let Location { line, column } = location(&mistake);
        JobTextError {
            line,
            column,
            job_id: job_id.map(str::to_owned),
            field: mistake.path.to_string(),
            problem: mistake.problem,
        }
    });
    let mut errors: Vec<_> = errors.collect();
    errors.sort_by_key(|error| (error.line, error.column));
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let got = match read_job::<Job>(text.as_bytes()) {
            Ok(read) => format!("{} {:?}", read.job.to_document(), read.translations),
            Err(errors) => {
                let errors = errors.iter().map(|error| format!("{} {error}", error.line));
                errors.collect::<Vec<_>>().join("\n")
            }
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn a_document_of_today_is_translated() {
        check(
            r#"{"job_id":"job-1","status":"FAILURE","total_tasks":3,"remained_tasks":0,"success_tasks":2,"failure_tasks":1,"resource_group":"WORKSPACE","domain_id":"d","workspace_id":"w","collector_id":"c","plugin_id":"p","created_at":"2026-01-01T08:00:00Z","finished_at":null}"#,
            r#"{"job_id":"job-1","status":"ERROR","filter":{},"total_tasks":3,"remained_tasks":0,"success_tasks":2,"failure_tasks":1,"errors":[],"collector_info":{"collector_id":"c","plugin_info":{"plugin_id":"p"}},"resource_group":"WORKSPACE","workspace_id":"w","domain_id":"d","created_at":"2026-01-01T08:00:00.000Z","updated_at":"2026-01-01T08:00:00.000Z"} [Failure, CollectorMembers]"#,
        );
    }

    /// The document that the texts below are translated to.
    const JOB: &str = r#"{"job_id":"j","status":"SUCCESS","filter":{},"total_tasks":2,"remained_tasks":0,"errors":[],"domain_id":"d","created_at":"2026-01-01T08:00:00.000Z","updated_at":"2026-01-01T08:00:00.000Z"}"#;

    #[test]
    fn a_document_is_the_same_in_every_spelling() {
        for (text, translations) in [
            (JOB, "[]"),
            (
                r#"{"jobId":"j","status":4,"totalTasks":2.0,"domainId":"d","createdAt":"2026-01-01T08:00:00","errors":null,"filter":[],"projectId":""}"#,
                "[CamelCase, EmptyValues, StatusNumber, WholeNumber, TimeWithoutOffset]",
            ),
            (
                r#"{"_id":{"$oid":"62ac32c1f0a1b2c3d4e5f601"},"job_id":"j","status":"SUCCESS","filters":{},"total_tasks":{"$numberInt":"2"},"remained_tasks":{"$numberInt":"0"},"errors":[],"collector":{"$oid":"62ac32c1f0a1b2c3d4e5f602"},"projects":[],"project_id":null,"domain_id":"d","created_at":{"$date":{"$numberLong":"1767254400000"}},"mark_error":{"$numberInt":"0"}}"#,
                "[FilterName, ExtendedJson, MongoKey, CollectorReference, MarkError, Projects]",
            ),
            (
                r#"{"job_id":"j","status":"SUCCESS","total_tasks":"2","collector":{"$ref":"collector","$id":"x"},"domain_id":"d","created_at":1767254400}"#,
                "[CollectorReference, NumberInText, EpochSeconds]",
            ),
        ] {
            check(text, &format!("{JOB} {translations}"));
        }
    }

    #[test]
    fn a_collector_is_read_in_every_spelling() {
        let text = |members: &str| {
            format!(
                r#"{{"job_id":"j","domain_id":"d","created_at":"2026-01-01T08:00:00Z",{members}}}"#
            )
        };
        for (members, expected) in [
            (
                r#""collector_info":{"collectorId":"c","pluginInfo":{"pluginId":"p","options":{"regionName":""},"upgradeMode":2},"isPublic":false,"state":1,"name":"","zoneName":[]}"#,
                r#"{"collector_id":"c","plugin_info":{"plugin_id":"p","options":{"regionName":""},"upgrade_mode":"AUTO"},"is_public":false,"state":"ENABLED","name":"","zoneName":[]} [CamelCase, EnumNumber]"#,
            ),
            (
                r#""projectId":"","collectorInfo":{"collectorId":"c","name":"","state":"NONE","pluginInfo":{"pluginId":"p","version":"","upgradeMode":0}}"#,
                r#"{"collector_id":"c","plugin_info":{"plugin_id":"p"}} [CamelCase, EmptyValues, EnumNumber]"#,
            ),
            (
                r#""collector":{"collector_id":"c","name":"n"},"plugin_id":"p""#,
                r#"{"collector_id":"c","name":"n","plugin_info":{"plugin_id":"p"}} [CollectorMembers, CollectorName]"#,
            ),
            (
                r#""collectorId":"c","collector_info":null"#,
                r#"{"collector_id":"c"} [CamelCase, CollectorMembers]"#,
            ),
            (
                r#""collector_id":"c","collector_info":{"collector_id":"c","name":"n"}"#,
                r#"{"collector_id":"c","name":"n"} [CollectorMembers]"#,
            ),
        ] {
            let read = read_job::<Job>(text(members).as_bytes()).unwrap();
            let info = serde_json::to_string(&read.job.collector_info).unwrap();
            assert_eq!(
                format!("{info} {:?}", read.translations),
                expected,
                "{members}"
            );
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let text = |members: &str| {
            format!(
                r#"{{"job_id":"j","domain_id":"d","created_at":"2026-01-01T08:00:00Z",{members}}}"#
            )
        };
        for (members, expected) in [
            (
                r#""jobId":"k""#,
                "1 column 67, field jobId: repeats `job_id`, which is given in another spelling",
            ),
            (
                r#""errors":[{"errorCode":"E","error_code":"F"}]"#,
                "1 column 94, field errors[0].error_code: repeats `error_code`, which is given in another spelling",
            ),
            (
                r#""collector_info":{"collectorId":"a","collector_id":"b"}"#,
                "1 column 103, field collector_info.collector_id: repeats `collector_id`, which is given in another spelling",
            ),
            (
                r#""collector_id":"a","collector_info":{"collector_id":"b"}"#,
                r#"1 column 82, field collector_id: is "a" here and "b" in `collector_info`; they must agree"#,
            ),
            (
                r#""plugin_id":"a","collector_info":{"plugin_info":{"plugin_id":null,"pluginId":"b"}}"#,
                "1 column 133, field collector_info.plugin_info.pluginId: repeats `plugin_id`, which is given in another spelling",
            ),
            (
                r#""collector_id":7"#,
                "1 column 82, field collector_id: invalid type: integer `7`, expected a string",
            ),
            (
                r#""collector_id":"c","collector_info":5"#,
                "1 column 103, field collector_info: invalid type: integer `5`, expected an object",
            ),
        ] {
            check(&text(members), expected);
        }
        check(
            "[]",
            "1 column 1: invalid type: sequence, expected an object",
        );
        check(r#"{"job_id":"j",}"#, "1 column 15: trailing comma");
        check(
            r#"{"job_id":"j","job_id":"j"}"#,
            "1 column 27: duplicate field `job_id`",
        );
    }

    #[test]
    fn a_patch_may_remove_members() {
        let patch = |text: &str| {
            let Value::Object(members) = serde_json::from_str(text).unwrap() else {
                panic!("an object")
            };
            match translate_patch(text.as_bytes(), members) {
                Ok(members) => Value::Object(members).to_string(),
                Err(errors) => format!("{} {}", errors[0].line, errors[0]),
            }
        };
        for (text, expected) in [
            (
                r#"{"projectId":null,"finishedAt":"2026-01-01 08:00","collector_info":{"name":null}}"#,
                r#"{"project_id":null,"finished_at":"2026-01-01T08:00:00.000Z","collector_info":{"name":null}}"#,
            ),
            (
                r#"{"collector_id":null,"status":"FAILURE"}"#,
                r#"{"status":"ERROR","collector_info":{"collector_id":null}}"#,
            ),
            (
                r#"{"project_id":""}"#,
                "1 column 15, field project_id: is empty; null removes the member",
            ),
            (
                r#"{"collector_id":"c","collector_info":null}"#,
                "1 column 17, field collector_id: `collector_info` is null in the same patch; remove it in a patch of its own",
            ),
            (
                r#"{"stauts":"ERROR"}"#,
                "1 column 2, field stauts: unknown field `stauts`; did you mean `status`?",
            ),
        ] {
            assert_eq!(patch(text), expected);
        }
    }

    #[test]
    fn a_job_of_nothing_but_mistakes_is_refused_soon() {
        let errors = format!(r#"{{"errors":[{}{{}}]}}"#, r#"{"x":1},"#.repeat(100_000));
        let names: Vec<_> = (0..100_000).map(|n| format!("\"{n}\":1")).collect();
        for text in [errors, format!("{{{}}}", names.join(","))] {
            let mistakes = read_job::<Draft>(text.as_bytes()).unwrap_err();
            assert!(mistakes.len() <= MAX_MISTAKES, "{}", mistakes.len());
        }
    }

    #[test]
    fn all_mistakes_are_found_and_located() {
        check(
            "{\"jobId\": \"j\", \"stauts\": 1,\n \"status\": \"DONE\", \"createdAt\": \"soon\",\n \"totalTasks\": -1, \"errors\": [{}, 3, {\"errorCode\": 1, \"code\": 2}],\n \"collectorInfo\": {\"pluginInfo\": {\"version\": 1}}}",
            "1 column 1: missing field `domain_id`\n\
             1 column 16, field stauts: unknown field `stauts`; did you mean `status`?\n\
             2 column 12, field status: unknown status `DONE`; known are CREATED, CANCELED, IN_PROGRESS, SUCCESS, ERROR, TIMEOUT\n\
             2 column 33, field createdAt: `soon` is not an RFC 3339 time such as 2022-06-17T08:00:01.225Z\n\
             3 column 16, field totalTasks: invalid value: integer `-1`, expected an integer from 0 to 2147483647\n\
             3 column 35, field errors[1]: invalid type: integer `3`, expected an object\n\
             3 column 52, field errors[2].errorCode: invalid type: integer `1`, expected a string\n\
             3 column 55, field errors[2].code: unknown field `code`; known are error_code, message, additional\n\
             4 column 46, field collectorInfo.pluginInfo.version: invalid type: integer `1`, expected a string",
        );
    }
}
