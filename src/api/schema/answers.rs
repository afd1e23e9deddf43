//! The types of all answers: each is serialised as it is, and described as it is in the OpenAPI document.
//!
//! Answers that are written from the database as they are read ([`JobsInfo`], [`JobStats`]) have a schema alone.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::job::{Job, STATUSES_OF_TODAY};
use crate::mock::{Fault, JournalEntry, ListedFault, SnapshotInfo};
use crate::time::Timestamp;
use crate::transfer::Notes;

/// A list of jobs, which is written as its documents are read.
pub(crate) struct JobsInfo;

impl PartialSchema for JobsInfo {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("The jobs that match."))
            .property(
                "results",
                ArrayBuilder::new()
                    .description(Some(
                        "The jobs of the page, or all; none with `count_only`.",
                    ))
                    .items(Ref::from_schema_name("JobInfo")),
            )
            .required("results")
            .property("total_count", count("How many match in all."))
            .required("total_count")
            .into()
    }
}

impl ToSchema for JobsInfo {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((JobInfo::name().into_owned(), JobInfo::schema()));
        JobInfo::schemas(schemas);
    }
}

/// A job in an answer: a document as it is stored, or a part of it.
pub(crate) struct JobInfo;

impl PartialSchema for JobInfo {
    /// The schema of [`Job`], without required members, since `only` may have left out any.
    fn schema() -> RefOr<Schema> {
        let mut schema = Job::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.required.clear();
            object.description = Some(
                "A job as it is answered: whole, a `Job`; or with `only` and `minimal` just those parts, so any field may be missing. A field without a value is left out. Times are in UTC with milliseconds.".to_owned(),
            );
        }
        schema
    }
}

impl ToSchema for JobInfo {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Job::schemas(schemas);
    }
}

/// A list of jobs of today, which is written as its documents are read.
pub(crate) struct JobsOfToday;

impl PartialSchema for JobsOfToday {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("The jobs that match, as SpaceONE has them today."))
            .property(
                "results",
                ArrayBuilder::new()
                    .description(Some(
                        "The jobs of the page, or all; none with `count_only`.",
                    ))
                    .items(Ref::from_schema_name("JobOfToday")),
            )
            .required("results")
            .property("total_count", count("How many match in all."))
            .required("total_count")
            .into()
    }
}

impl ToSchema for JobsOfToday {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((JobOfToday::name().into_owned(), JobOfToday::schema()));
        JobOfToday::schemas(schemas);
    }
}

/// A job as SpaceONE has it today, or a part of it.
pub(crate) struct JobOfToday;

impl PartialSchema for JobOfToday {
    /// The schema of [`JobInfo`] with today's status, and the ids of collector and plugin at its top.
    fn schema() -> RefOr<Schema> {
        let mut schema = JobInfo::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.description = Some(
                "A job as SpaceONE has it today: a `JobInfo` with four statuses, with the ids of its collector and plugin, and with the numbers of its tasks.".to_owned(),
            );
            let text = |description: &str| {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(description))
            };
            let status = text("`FAILURE` is of a job that failed or ran out of time, `IN_PROGRESS` also of one that is only created.")
                .enum_values(Some(STATUSES_OF_TODAY));
            let ids = [
                ("status", status),
                ("collector_id", text("The collector.")),
                ("plugin_id", text("The plugin of the collector.")),
            ];
            for (name, schema) in ids {
                object.properties.insert(name.to_owned(), schema.into());
            }
        }
        schema
    }
}

impl ToSchema for JobOfToday {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Job::schemas(schemas);
    }
}

/// The answer of an analysis, which is written as its rows are read.
pub(crate) struct Analysis;

impl PartialSchema for Analysis {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("The result of an analysis."))
            .property(
                "results",
                ArrayBuilder::new()
                    .description(Some("The rows, each an object with the given names."))
                    .items(Value::schema()),
            )
            .required("results")
            .property(
                "more",
                ObjectBuilder::new()
                    .schema_type(Type::Boolean)
                    .description(Some(
                        "Whether there are rows after these; only with a limit.",
                    )),
            )
            .into()
    }
}

impl ToSchema for Analysis {}

/// An answer without members.
#[derive(Serialize, ToSchema)]
pub(crate) struct Nothing {}

/// Values that a user may mean.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"results": [{"key": "job-3f1c6a0d92b4", "name": "job-3f1c6a0d92b4"}], "total_count": 1}))]
pub(crate) struct Suggestions<'r> {
    pub(crate) results: Vec<Suggestion<'r>>,
    /// How many values there are in all; only with a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, nullable = false)]
    pub(crate) total_count: Option<u64>,
}

/// A value that a user may mean, and what it is called: the value itself.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"key": "job-3f1c6a0d92b4", "name": "job-3f1c6a0d92b4"}))]
pub(crate) struct Suggestion<'r> {
    #[schema(value_type = Value)]
    pub(crate) key: &'r RawValue,
    #[schema(value_type = Value)]
    pub(crate) name: &'r RawValue,
}

/// The calls that a client may make.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"apis": [{"path": "/inventory/job/list", "name": "list", "method": ["POST"]}]}))]
pub(crate) struct Apis {
    pub(crate) apis: Vec<Api>,
}

/// A call that a client may make.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"path": "/inventory/job/list", "name": "list", "method": ["POST"]}))]
pub(crate) struct Api {
    pub(crate) path: &'static str,
    /// The verb, which is the last segment of the path.
    pub(crate) name: &'static str,
    /// The methods that the path has.
    pub(crate) method: &'static [&'static str],
}

/// The answer of statistics, which is written as its rows are read.
pub(crate) struct JobStats;

impl PartialSchema for JobStats {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("The result of statistics."))
            .property(
                "results",
                ArrayBuilder::new()
                    .description(Some("The rows of the last stage, each an object with the given names; with `distinct` the values. Times have six fraction digits, or none where they are zero."))
                    .items(Value::schema()),
            )
            .required("results")
            .property(
                "total_count",
                count("How many rows there are in all; only with a page."),
            )
            .into()
    }
}

impl ToSchema for JobStats {}

fn count(description: &str) -> ObjectBuilder {
    use utoipa::openapi::{KnownFormat, SchemaFormat};
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some(description))
        .minimum(Some(0))
}

/// The domains, by name.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"results": [{"domain_id": "domain-67094cea8ca4", "jobs": 3500}]}))]
pub(crate) struct DomainsInfo {
    pub(crate) results: Vec<DomainInfo>,
}

/// A domain that has jobs.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"domain_id": "domain-67094cea8ca4", "jobs": 3500}))]
pub(crate) struct DomainInfo {
    pub(crate) domain_id: String,
    /// The number of its jobs.
    #[schema(minimum = 0)]
    pub(crate) jobs: i64,
}

/// The program and its database.
#[expect(
    clippy::struct_excessive_bools,
    reason = "clients read each by its name"
)]
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "version": env!("CARGO_PKG_VERSION"), "database": "jobdeck.db", "now": "2026-01-01T12:00:00.000Z", "is_frozen": true,
    "speed": 1, "is_writable": true, "is_mock": false, "sends_notifications": false, "data_changed_at": null,
    "fixtures_problem": null
}))]
pub(crate) struct About {
    /// The version of jobdeck.
    pub(crate) version: &'static str,
    /// The file as it was named.
    pub(crate) database: String,
    /// The clock of the answers.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) now: Timestamp,
    /// Whether the clock is frozen.
    pub(crate) is_frozen: bool,
    /// How many times as fast as life the clock runs; 1 if it is frozen.
    #[schema(minimum = 1)]
    pub(crate) speed: u16,
    /// Whether the client may write jobs.
    pub(crate) is_writable: bool,
    /// Whether the server is a mock.
    pub(crate) is_mock: bool,
    /// Whether the server sends notifications.
    pub(crate) sends_notifications: bool,
    /// When the database file last changed, on a server to which another program brings the data (`--replica`); null on any other,
    /// and where the file is gone.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub(crate) data_changed_at: Option<Timestamp>,
    /// Why the fixtures, which have changed, can't be loaded; null where nothing is wrong.
    #[schema(required = true)]
    pub(crate) fixtures_problem: Option<String>,
}

/// Whether the database answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    pub(crate) status: HealthStatus,
    pub(crate) version: &'static str,
    /// How many jobs there are; where the database answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, nullable = false)]
    pub(crate) jobs: Option<u64>,
    /// How long the database file is, in bytes; where the database answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, nullable = false)]
    pub(crate) database_bytes: Option<u64>,
    /// How long the write-ahead log is, in bytes; where the database answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, nullable = false)]
    pub(crate) wal_bytes: Option<u64>,
    /// When the database file last changed, where another program brings the data (`--replica`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, nullable = false)]
    pub(crate) data_changed_at: Option<Timestamp>,
    /// What is wrong, where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) problem: Option<&'static str>,
}

impl Health {
    /// Makes an answer of this status, and nothing more.
    pub(crate) fn new(status: HealthStatus) -> Self {
        Self {
            status,
            version: env!("CARGO_PKG_VERSION"),
            jobs: None,
            database_bytes: None,
            wal_bytes: None,
            data_changed_at: None,
            problem: None,
        }
    }
}

/// Whether the database answers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HealthStatus {
    Ok,
    Error,
}

/// Whether the database answers, in the words of gRPC's health check.
#[derive(Serialize, ToSchema)]
pub(crate) struct Serving {
    pub(crate) status: ServingStatus,
}

/// Whether the database answers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ServingStatus {
    Serving,
    NotServing,
}

/// How many jobs were added, replaced and skipped.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct AddedInfo {
    /// Those that are new.
    pub(crate) added: u64,
    /// Those that replaced another.
    pub(crate) replaced: u64,
    /// Those that existed already, and stayed as they are.
    pub(crate) skipped: u64,
    /// The ids of the jobs that came without one, in their order; left out where all had one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) job_ids: Vec<String>,
    /// What was translated to read them, each kind once; left out where nothing was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) translations: Vec<TranslationInfo>,
    /// What in them is hardly meant, each kind once; left out where nothing is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) warnings: Vec<WarningInfo>,
}

impl AddedInfo {
    /// Adds what was noted about the jobs.
    pub(crate) fn with_notes(mut self, notes: &Notes) -> Self {
        self.translations = notes
            .translations()
            .map(|(kind, jobs)| TranslationInfo {
                translation: kind.description(),
                jobs,
            })
            .collect();
        self.warnings = notes
            .doubts()
            .map(|(kind, doubtful)| WarningInfo {
                warning: kind.description(),
                jobs: doubtful.jobs,
                line: doubtful.first.line(),
                job_id: doubtful.first_job_id.clone(),
            })
            .collect();
        self
    }
}

/// A translation, and in how many jobs it was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct TranslationInfo {
    /// What was translated, in words.
    pub(crate) translation: &'static str,
    pub(crate) jobs: u64,
}

/// Something that is hardly meant, and in how many jobs it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct WarningInfo {
    /// What it is, in words.
    pub(crate) warning: &'static str,
    pub(crate) jobs: u64,
    /// The line of the body on which the first of these jobs begins.
    pub(crate) line: usize,
    /// The id of the first of these jobs.
    pub(crate) job_id: String,
}

/// How many were deleted.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeletedInfo {
    pub(crate) deleted: u64,
}

/// The number of jobs of the domain, or of the server.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobsCount {
    pub(crate) jobs: u64,
}

/// The snapshots.
#[derive(Serialize, ToSchema)]
pub(crate) struct SnapshotsInfo {
    pub(crate) results: Vec<SnapshotInfo>,
}

/// A clock.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"now": "2026-01-01T12:00:00.000Z", "is_frozen": true}))]
pub(crate) struct ClockInfo {
    /// The time of the clock.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) now: Timestamp,
    /// Whether the clock is frozen.
    pub(crate) is_frozen: bool,
}

/// The faults that are set.
#[derive(Serialize, ToSchema)]
pub(crate) struct FaultsInfo {
    #[schema(value_type = Vec<FaultInfo>)]
    pub(crate) results: Vec<ListedFault>,
    pub(crate) total_count: u64,
}

/// The schema of [`ListedFault`]: flattened, it would be that of [`Fault`], which refuses further members.
pub(crate) struct FaultInfo;

impl PartialSchema for FaultInfo {
    fn schema() -> RefOr<Schema> {
        let count = |description| {
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(0))
                .description(Some(description))
                .build()
        };
        let mut schema = Fault::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.description = Some("A fault as it is set.".to_owned());
            for (name, member) in [
                ("id", Object::with_type(Type::String)),
                ("used", count("For how many requests it was used.")),
                ("holding", count("How many answers wait for it now.")),
            ] {
                object.properties.insert(name.to_owned(), member.into());
                object.required.push(name.to_owned());
            }
        }
        schema
    }
}

impl ToSchema for FaultInfo {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Fault::schemas(schemas);
    }
}

/// How many answers were released.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleasedInfo {
    pub(crate) released: u64,
}

/// The requests that match.
#[derive(Serialize, ToSchema)]
pub(crate) struct JournalInfo<'e> {
    /// The oldest first.
    #[schema(value_type = Vec<JournalEntry>)]
    pub(crate) results: Vec<&'e JournalEntry>,
    /// How many match in all.
    pub(crate) total_count: usize,
}

/// The rules by which notifications are sent, and the last deliveries.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct NotificationsInfo {
    /// In the order of the file.
    pub(crate) rules: Vec<NotificationRuleInfo>,
    /// The newest first, by their last attempt.
    #[schema(max_items = 50)]
    pub(crate) deliveries: Vec<DeliveryInfo>,
}

/// A rule.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotificationRuleInfo {
    pub(crate) name: String,
    /// The domain whose jobs it watches.
    pub(crate) domain_id: String,
    /// What it sends: `failed`, `recovered`, `stuck` or `missing`.
    pub(crate) on: Vec<&'static str>,
    /// The host that it sends to.
    pub(crate) host: String,
    /// The names of the headers that it adds.
    pub(crate) headers: Vec<String>,
    /// How many events wait to be delivered.
    pub(crate) pending: u64,
    /// How many events were delivered since the start of the server.
    pub(crate) delivered: u64,
    /// How many attempts have failed since then.
    pub(crate) failed: u64,
}

/// A delivery: one POST, which is repeated until the receiver takes it.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryInfo {
    pub(crate) rule: String,
    /// How many events the last attempt had.
    pub(crate) events: u64,
    #[schema(minimum = 1)]
    pub(crate) attempts: u32,
    /// When it was first tried.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) first_at: Timestamp,
    /// When it was last tried.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) last_at: Timestamp,
    /// When it is tried next; null: the receiver has taken it.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub(crate) next_at: Option<Timestamp>,
    /// The status of the last answer; null where there was none.
    #[schema(required = true)]
    pub(crate) status: Option<u16>,
    /// The beginning of the last answer, or why there was none.
    pub(crate) answer: String,
}

/// Every error has this shape.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorAnswer {
    pub(crate) detail: ErrorDetail,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    /// SpaceONE's code.
    #[schema(pattern = "^ERROR_[A-Z_]+$")]
    pub(crate) code: &'static str,
    /// The place in the request, what is there, and what would be right.
    pub(crate) message: String,
}
