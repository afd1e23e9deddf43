//! The job document: what a job may hold, how it is read, and its one canonical text.
//!
//! Everything else in jobdeck treats a document as text that was checked here. Two documents that mean the same have
//! the same text: members in the order of [`Job`], times in UTC with milliseconds, no member that has no value.

mod draft;
mod life;

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use self::draft::Draft;
pub use self::life::{Life, MAX_STEPS, Script, Stage, Step};
use crate::json::{ObjectOnly, Strict, StrictObject};
use crate::time::Timestamp;

/// The longest `job_id`, `domain_id` or `project_id`, in bytes.
pub const MAX_ID_BYTES: usize = 256;
/// The most tasks a job may have: SpaceONE's JobInfo carries them as int32.
pub const MAX_TASKS: i64 = i32::MAX as i64;

/// The state of a job, in the order of SpaceONE's proto numbers.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobStatus {
    #[default]
    Created,
    Canceled,
    InProgress,
    Success,
    Error,
    Timeout,
}

impl JobStatus {
    /// Every status; the proto number of `ALL[n]` is `n + 1`, since 0 is `JOB_STATE_NONE`.
    pub const ALL: [Self; 6] = [
        Self::Created,
        Self::Canceled,
        Self::InProgress,
        Self::Success,
        Self::Error,
        Self::Timeout,
    ];

    /// The name that documents and requests use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Canceled => "CANCELED",
            Self::InProgress => "IN_PROGRESS",
            Self::Success => "SUCCESS",
            Self::Error => "ERROR",
            Self::Timeout => "TIMEOUT",
        }
    }

    /// The name as a JSON string.
    #[must_use]
    pub(crate) fn json(self) -> &'static str {
        match self {
            Self::Created => r#""CREATED""#,
            Self::Canceled => r#""CANCELED""#,
            Self::InProgress => r#""IN_PROGRESS""#,
            Self::Success => r#""SUCCESS""#,
            Self::Error => r#""ERROR""#,
            Self::Timeout => r#""TIMEOUT""#,
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// One run of a collector.
///
/// Rule: the table "The job document" of the contract. It is read as a [`Draft`], which knows what may be left out and
/// refuses a member that is not in the table, so that a misspelt fixture does not pass silently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Draft")]
#[schema(
    description = "One run of a collector, whole. A field without a value is left out. Times are in UTC with milliseconds."
)]
pub struct Job {
    /// Unique within the domain; at most 256 bytes.
    #[schema(min_length = 1, max_length = 256)]
    pub job_id: String,
    pub status: JobStatus,
    /// What the collection was limited to; free-form.
    #[schema(value_type = Object)]
    pub filter: StrictObject,
    /// How many tasks the job has in all.
    #[schema(value_type = i32, minimum = 0)]
    pub total_tasks: i64,
    /// Tasks not yet done, within int32. SpaceONE's own data has -1 in canceled jobs, so it may be negative.
    #[schema(value_type = i32)]
    pub remained_tasks: i64,
    pub errors: Vec<JobError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<CollectorMembers>, nullable = false)]
    pub collector_info: Option<CollectorInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256, nullable = false)]
    pub project_id: Option<String>,
    /// The tenant; at most 256 bytes.
    #[schema(min_length = 1, max_length = 256)]
    pub domain_id: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last written.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Left out while the job runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub finished_at: Option<Timestamp>,
}

/// One error of a job.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobError {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Free-form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub additional: Option<StrictObject>,
}

/// The different codes of errors, sorted, and how many errors have each; `None`: those that have none.
#[must_use]
pub fn error_codes(errors: &[JobError]) -> Vec<(Option<&str>, i64)> {
    let mut codes: Vec<_> = errors
        .iter()
        .map(|error| (error.error_code.as_deref(), 1))
        .collect();
    codes.sort_unstable();
    codes.dedup_by(|(code, _), (before, errors)| {
        let is_same = code == before;
        *errors += i64::from(is_same);
        is_same
    });
    codes
}

/// The collector as it was when the job ran: SpaceONE's known members are checked for their types, others are free.
///
/// `collector_id` is a string or absent (a null is dropped), so that it can be a column; the other members are kept as
/// they came, nulls too.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct CollectorInfo(pub Map<String, Value>);

impl CollectorInfo {
    /// The collector's own id, where it has one.
    #[must_use]
    pub fn collector_id(&self) -> Option<&str> {
        self.0.get("collector_id").and_then(Value::as_str)
    }
}

/// Why a text is no job: where in the text, at which field, and what would be right.
#[derive(Debug, thiserror::Error)]
#[error("column {column}{}: {problem}", field_clause(.field))]
pub struct JobTextError {
    /// 1-based line within the text.
    pub line: usize,
    /// 1-based column within the line.
    pub column: usize,
    /// The dotted path of the field, or empty for the job itself.
    pub field: String,
    /// What was found and what was expected.
    pub problem: String,
}

fn field_clause(field: &str) -> String {
    if field.is_empty() {
        String::new()
    } else {
        format!(", field {field}")
    }
}

/// Reads a job, or a draft of one, from JSON text.
///
/// # Errors
/// [`JobTextError`] names the place: not JSON, an unknown or missing field, or a value of the wrong type.
pub fn from_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, JobTextError> {
    match serde_json::from_slice::<ObjectOnly<T>>(text) {
        Ok(read) => Ok(read.0),
        // Following the path costs time, so only a text that failed is read with it.
        Err(error) => Err(explain::<T>(text, &error)),
    }
}

fn explain<T: DeserializeOwned>(text: &[u8], first: &serde_json::Error) -> JobTextError {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let field = match serde_path_to_error::deserialize::<_, ObjectOnly<T>>(&mut deserializer) {
        Err(error) if !error.inner().is_syntax() && !error.inner().is_eof() => {
            field_name(error.path())
        }
        _ => String::new(),
    };
    let problem = first.to_string();
    let place = format!(" at line {} column {}", first.line(), first.column());
    JobTextError {
        line: first.line(),
        column: first.column(),
        field,
        problem: problem.strip_suffix(&place).unwrap_or(&problem).to_owned(),
    }
}

impl Job {
    /// Reads one job from JSON text and puts in the defaults.
    ///
    /// # Errors
    /// As [`from_json`].
    pub fn from_json(text: &[u8]) -> Result<Self, JobTextError> {
        from_json(text)
    }

    /// The canonical text: the document as it is served.
    #[must_use]
    pub fn to_document(&self) -> String {
        canonical(self)
    }

    /// The canonical text in the pieces in which it is stored.
    #[must_use]
    pub fn to_pieces(&self) -> Pieces {
        let mut head = canonical(&Head {
            job_id: &self.job_id,
            status: self.status,
            filter: &self.filter,
            total_tasks: self.total_tasks,
            remained_tasks: self.remained_tasks,
            errors: &self.errors,
        });
        head.truncate(head.len() - "}".len());
        let tail = canonical(&Tail {
            project_id: self.project_id.as_deref(),
            domain_id: &self.domain_id,
            created_at: self.created_at,
            updated_at: self.updated_at,
            finished_at: self.finished_at,
        });
        Pieces {
            head,
            collector_info: self.collector_info.as_ref().map(canonical),
            tail: format!(",{}", &tail["{".len()..]),
        }
    }

    /// The id of the job's collector, where it has one.
    #[must_use]
    pub fn collector_id(&self) -> Option<&str> {
        self.collector_info
            .as_ref()
            .and_then(CollectorInfo::collector_id)
    }
}

/// A document in pieces: what comes before its `collector_info`, that, and what comes after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// Without a comma at its end.
    pub head: String,
    /// The value alone; `None` where the job has none.
    pub collector_info: Option<String>,
    /// From its comma on.
    pub tail: String,
}

impl Pieces {
    /// How long the document is that they make, in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a document is never empty")]
    pub fn len(&self) -> usize {
        let info = self.collector_info.as_ref();
        self.head.len()
            + info.map_or(0, |info| BEFORE_COLLECTOR_INFO.len() + info.len())
            + self.tail.len()
    }
}

#[derive(Serialize)]
struct Head<'j> {
    job_id: &'j str,
    status: JobStatus,
    filter: &'j StrictObject,
    total_tasks: i64,
    remained_tasks: i64,
    errors: &'j [JobError],
}

#[derive(Serialize)]
struct Tail<'j> {
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<&'j str>,
    domain_id: &'j str,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

/// What stands between the head of a document and its `collector_info`.
pub const BEFORE_COLLECTOR_INFO: &str = ",\"collector_info\":";

fn canonical(part: &impl Serialize) -> String {
    // A Job holds only strings, finite numbers and maps with string keys: nothing that serialising refuses.
    serde_json::to_string(part).unwrap_or_default()
}

pub(crate) fn field_name(path: &serde_path_to_error::Path) -> String {
    let name = path.to_string();
    if name == "." { String::new() } else { name }
}

impl<'de> Deserialize<'de> for CollectorInfo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = deserializer.deserialize_map(Members {
            kind_of: collector_member,
        })?;
        Ok(Self(members))
    }
}

/// The collector as it was when the job ran. Other members are kept as they came.
// The table `collector_member` in the words of the API's description.
#[derive(ToSchema)]
#[schema(as = CollectorInfo)]
#[expect(dead_code, reason = "only its shape is described")]
pub(crate) struct CollectorMembers {
    collector_id: Option<String>,
    name: Option<String>,
    state: Option<String>,
    provider: Option<String>,
    project_id: Option<String>,
    is_public: Option<bool>,
    #[schema(value_type = Option<Object>)]
    capability: Option<Value>,
    #[schema(value_type = Option<PluginMembers>)]
    plugin_info: Option<Value>,
    #[serde(flatten)]
    others: HashMap<String, Value>,
}

/// The plugin that did the work. Other members are kept as they came.
#[derive(ToSchema)]
#[schema(as = PluginInfo)]
#[expect(dead_code, reason = "only its shape is described")]
pub(crate) struct PluginMembers {
    plugin_id: Option<String>,
    version: Option<String>,
    #[schema(value_type = Option<Object>)]
    options: Option<Value>,
    #[serde(flatten)]
    others: HashMap<String, Value>,
}

/// What a known member must hold; every one may also be null.
#[derive(Clone, Copy)]
enum MemberKind {
    /// A string whose null is dropped.
    Key,
    Text,
    Boolean,
    Object,
    PluginInfo,
    Free,
}

fn collector_member(name: &str) -> MemberKind {
    match name {
        "collector_id" => MemberKind::Key,
        "name" | "state" | "provider" | "project_id" => MemberKind::Text,
        "is_public" => MemberKind::Boolean,
        "capability" => MemberKind::Object,
        "plugin_info" => MemberKind::PluginInfo,
        _ => MemberKind::Free,
    }
}

fn plugin_member(name: &str) -> MemberKind {
    match name {
        "plugin_id" | "version" => MemberKind::Text,
        "options" => MemberKind::Object,
        _ => MemberKind::Free,
    }
}

/// Reads an object whose known members have known types, keeping the order in which they came.
struct Members {
    kind_of: fn(&str) -> MemberKind,
}

impl<'de> Visitor<'de> for Members {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        struct PluginInfo(#[serde(deserialize_with = "plugin_info")] Map<String, Value>);

        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            let value = match (self.kind_of)(&name) {
                MemberKind::Key => match access.next_value::<Option<String>>()? {
                    Some(key) => Value::String(key),
                    None => continue,
                },
                MemberKind::Text => access
                    .next_value::<Option<String>>()?
                    .map_or(Value::Null, Value::String),
                MemberKind::Boolean => access
                    .next_value::<Option<bool>>()?
                    .map_or(Value::Null, Value::Bool),
                MemberKind::Object => access
                    .next_value::<Option<StrictObject>>()?
                    .map_or(Value::Null, |object| Value::Object(object.0)),
                MemberKind::PluginInfo => access
                    .next_value::<Option<PluginInfo>>()?
                    .map_or(Value::Null, |plugin| Value::Object(plugin.0)),
                MemberKind::Free => access.next_value::<Strict>()?.0,
            };
            members.insert(name, value);
        }
        Ok(members)
    }
}

fn plugin_info<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    deserializer.deserialize_map(Members {
        kind_of: plugin_member,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{"job_id":"job-1","status":"ERROR","filter":{"a":[1,{"b":null}]},"total_tasks":3,"remained_tasks":1,"errors":[{"error_code":"E","message":"m","additional":{"x":true}}],"collector_info":{"collector_id":"c","plugin_info":{"version":"1","options":{}},"project_id":null,"zone":[1]},"project_id":"p","domain_id":"d","created_at":"2022-06-17T08:00:01.225Z","updated_at":"2022-06-17T08:00:02.000Z","finished_at":"2022-06-17T08:00:03.000Z"}"#;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let got = match Job::from_json(text.as_bytes()) {
            Ok(job) => job.to_document(),
            Err(error) => format!("line {} {error}", error.line),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn the_canonical_text_is_a_fixed_point() {
        check(FULL, FULL);
    }

    #[test]
    fn the_pieces_make_the_document() {
        let without = r#"{"created_at":"2022-06-17T17:00:00+09:00","domain_id":"d","job_id":"j"}"#;
        for (text, has_info) in [(FULL, true), (without, false)] {
            let job = Job::from_json(text.as_bytes()).unwrap();
            let pieces = job.to_pieces();
            assert_eq!(pieces.collector_info.is_some(), has_info);
            let length = pieces.len();
            let info = pieces
                .collector_info
                .map(|info| format!("{BEFORE_COLLECTOR_INFO}{info}"));
            let whole = format!("{}{}{}", pieces.head, info.unwrap_or_default(), pieces.tail);
            assert_eq!(whole, job.to_document());
            assert_eq!(whole.len(), length);
        }
    }

    #[test]
    fn defaults_are_filled_in_and_nulls_are_left_out() {
        check(
            r#"{"created_at":"2022-06-17T17:00:00+09:00","domain_id":"d","job_id":"j","finished_at":null,"project_id":null,"collector_info":{"collector_id":null}}"#,
            r#"{"job_id":"j","status":"CREATED","filter":{},"total_tasks":0,"remained_tasks":0,"errors":[],"collector_info":{},"domain_id":"d","created_at":"2022-06-17T08:00:00.000Z","updated_at":"2022-06-17T08:00:00.000Z"}"#,
        );
    }

    #[test]
    fn faults_name_their_place() {
        let base = |extra: &str| {
            format!(
                r#"{{"job_id":"j","domain_id":"d","created_at":"2022-06-17T08:00:00Z"{extra}}}"#
            )
        };
        for (text, expected) in [
            (
                base(r#","stauts":"ERROR""#),
                "line 1 column 74, field stauts: unknown field `stauts`",
            ),
            (
                base(r#","status":"DONE""#),
                "line 1 column 81, field status: unknown variant `DONE`",
            ),
            (
                base(r#","total_tasks":-1"#),
                "line 1 column 82, field total_tasks: invalid value: integer `-1`, expected an integer from 0 to 2147483647",
            ),
            (
                base(r#","total_tasks":"3""#),
                "line 1 column 83, field total_tasks: invalid type: string \"3\", expected an integer",
            ),
            (
                base(r#","errors":[{"error_code":"E"},{"code":1}]"#),
                "line 1 column 102, field errors[1].code: unknown field `code`",
            ),
            (
                base(r#","collector_info":{"plugin_info":{"version":1}}"#),
                "line 1 column 110, field collector_info.plugin_info.version: invalid type: integer `1`",
            ),
            (
                base(r#","filter":{"a":{"b":1,"b":2}}"#),
                "line 1 column 93, field filter.a: duplicate field `b`",
            ),
            (
                base(r#","finished_at":"soon""#),
                "line 1 column 86, field finished_at: `soon` is not an RFC 3339 time",
            ),
            (
                base(r#","project_id":"""#),
                "line 1 column 82, field project_id: must not be empty",
            ),
            (
                base(r#","job_id":"k""#),
                "line 1 column 74: duplicate field `job_id`",
            ),
            (base(","), "line 1 column 67: trailing comma"),
            (
                r#"{"job_id":"j","domain_id":"d"}"#.to_owned(),
                "line 1 column 30: missing field `created_at`",
            ),
            (
                "[1]".to_owned(),
                "line 1 column 0: invalid type: sequence, expected an object",
            ),
            ("{}x".to_owned(), "line 1 column 2: missing field `job_id`"),
        ] {
            let got = Job::from_json(text.as_bytes()).map_or_else(
                |error| format!("line {} {error}", error.line),
                |job| job.to_document(),
            );
            assert!(
                got.starts_with(expected),
                "{text}\n got: {got}\nwant: {expected}"
            );
        }
    }

    #[test]
    fn errors_are_counted_by_code() {
        let error = |code: Option<&str>| JobError {
            error_code: code.map(str::to_owned),
            ..JobError::default()
        };
        let errors = [
            error(Some("b")),
            error(None),
            error(Some("a")),
            error(Some("b")),
        ];
        assert_eq!(
            error_codes(&errors),
            [(None, 1), (Some("a"), 1), (Some("b"), 2)]
        );
    }

    #[test]
    fn status_names_and_numbers_go_together() {
        for (index, status) in JobStatus::ALL.into_iter().enumerate() {
            assert_eq!(status as usize, index);
            assert_eq!(JobStatus::from_name(status.name()), Some(status));
            assert_eq!(serde_json::to_string(&status).unwrap(), status.json());
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
    }
}
