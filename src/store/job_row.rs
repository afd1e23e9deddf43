//! A row of the table `jobs`: its columns must follow schema.sql.
//!
//! The columns are spelt here alone, once in [`COLUMNS`] and in the same order in [`JobRow::from_row`] and
//! [`JobRow::values`].

use std::sync::Arc;

use rusqlite::Row;
use rusqlite::types::{ToSqlOutput, Type, ValueRef};
use serde::Deserialize;

use crate::columns::ErrorTexts;
use crate::job::{
    BEFORE_COLLECTOR_INFO, CollectorText, ImportedJob, Job, JobError, JobStatus, error_codes,
};
use crate::time::Timestamp;

/// The columns that name a job.
macro_rules! key_columns {
    () => {
        "domain, job_id"
    };
}

/// The other columns but `id`, in the order of schema.sql.
macro_rules! value_columns {
    () => {
        "status, total_tasks, remained_tasks, collector_id, project_id, created_at, updated_at, finished_at, \
         error_count, collector_info, success_tasks, failure_tasks, secret_id, request_secret_id, request_workspace_id, \
         resource_group, workspace_id, head, tail"
    };
}

/// The placeholders of [`VALUE_COLUMNS`].
macro_rules! value_placeholders {
    () => {
        "?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21"
    };
}

/// The columns of which schema.sql has no index.
macro_rules! unindexed_columns {
    () => {
        "total_tasks, remained_tasks, updated_at, finished_at, collector_info, success_tasks, failure_tasks, secret_id, \
         request_secret_id, request_workspace_id, resource_group, workspace_id, head, tail"
    };
}

/// The placeholders of these.
macro_rules! unindexed_placeholders {
    () => {
        "?4, ?5, ?9, ?10, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21"
    };
}

/// The columns but those that name a job.
pub(super) const VALUE_COLUMNS: &str = value_columns!();
/// Every column but `id`.
pub(super) const COLUMNS: &str = concat!(key_columns!(), ", ", value_columns!());
/// Every column, as [`JobRow::from_row`] reads them.
pub(super) const ALL_COLUMNS: &str = concat!("id, ", key_columns!(), ", ", value_columns!());
/// Inserts [`JobRow::values`], unless there is such a job.
pub(super) const INSERT: &str = concat!(
    "INSERT INTO jobs (",
    key_columns!(),
    ", ",
    value_columns!(),
    ") VALUES (?1, ?2, ",
    value_placeholders!(),
    ") ON CONFLICT (domain, job_id) DO NOTHING"
);
/// Inserts [`JobRow::values`], where no index finds such a job.
pub(super) const INSERT_NEW: &str = concat!(
    "INSERT INTO jobs (",
    key_columns!(),
    ", ",
    value_columns!(),
    ") VALUES (?1, ?2, ",
    value_placeholders!(),
    ")"
);
/// Updates the row `?22`, but not what names the job.
const UPDATE: &str = concat!(
    "UPDATE jobs SET (",
    value_columns!(),
    ") = (",
    value_placeholders!(),
    ") WHERE id = ?22"
);
/// The same where no indexed column changes. (SQLite writes the entries of every index of which a column is set.)
const UPDATE_UNINDEXED: &str = concat!(
    "UPDATE jobs SET (",
    unindexed_columns!(),
    ") = (",
    unindexed_placeholders!(),
    ") WHERE id = ?22"
);
/// The same where of the indexed columns only the status changes.
const UPDATE_STATUS: &str = concat!(
    "UPDATE jobs SET (status, ",
    unindexed_columns!(),
    ") = (?3, ",
    unindexed_placeholders!(),
    ") WHERE id = ?22"
);
/// Updates the row `?22` whole, unless another row is of the same job.
pub(super) const UPDATE_BY_ID: &str = concat!(
    "UPDATE OR IGNORE jobs SET (",
    key_columns!(),
    ", ",
    value_columns!(),
    ") = (?1, ?2, ",
    value_placeholders!(),
    ") WHERE id = ?22"
);
/// Finds the job `?1`, `?2` where its document is another than that of `?3` (head), `?4` (tail) and `?5` (collector).
pub(super) const SELECT_IF_CHANGED: &str = concat!(
    "SELECT id, ",
    key_columns!(),
    ", ",
    value_columns!(),
    " FROM jobs WHERE domain = ?1 AND job_id = ?2 AND (head <> ?3 OR tail <> ?4 OR collector_info IS NOT ?5)"
);

/// A row of `jobs`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct JobRow {
    /// 0 until the row is inserted.
    pub(super) id: i64,
    /// `domains.id`; 0 until it is looked up.
    pub(super) domain: i64,
    pub(super) job_id: String,
    pub(super) status: JobStatus,
    pub(super) total_tasks: i64,
    pub(super) remained_tasks: i64,
    pub(super) collector_id: Option<String>,
    pub(super) project_id: Option<String>,
    /// In milliseconds, as are the other times.
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) finished_at: Option<i64>,
    pub(super) error_count: i64,
    /// `collector_infos.id`; `None` until it is looked up, or for a job without a collector.
    pub(super) collector_info: Option<i64>,
    pub(super) success_tasks: Option<i64>,
    pub(super) failure_tasks: Option<i64>,
    pub(super) secret_id: Option<String>,
    pub(super) request_secret_id: Option<String>,
    pub(super) request_workspace_id: Option<String>,
    pub(super) resource_group: Option<String>,
    pub(super) workspace_id: Option<String>,
    pub(super) head: String,
    pub(super) tail: String,
    /// The errors in `head`: no column, but `error_counts`, `job_errors` and `job_columns` are made of them.
    pub(super) errors: Errors,
}

/// What the derived tables have of a job's errors.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Errors {
    /// As [`error_codes`] returns them.
    pub(super) codes: Vec<(Option<String>, i64)>,
    /// The code and the message of each error, in the order of the document.
    pub(super) texts: Vec<ErrorTexts>,
}

impl Errors {
    fn new(errors: &[JobError]) -> Self {
        let codes = error_codes(errors);
        let codes = codes.iter();
        let texts = errors.iter();
        Self {
            codes: codes
                .map(|(code, errors)| (code.map(str::to_owned), *errors))
                .collect(),
            texts: texts
                .map(|error| (error.error_code.clone(), error.message.clone()))
                .collect(),
        }
    }

    /// Reads the errors of the document that begins with this head.
    pub(super) fn from_head(head: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Head {
            errors: Vec<JobError>,
        }
        let Head { errors } = serde_json::from_str(&format!("{head}}}"))?;
        Ok(Self::new(&errors))
    }
}

impl JobRow {
    /// Reads a row of [`ALL_COLUMNS`].
    ///
    /// # Errors
    /// Where a column has another type, or the status is unknown.
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let error_count = row.get(11)?;
        let head: String = row.get(20)?;
        Ok(Self {
            id: row.get(0)?,
            domain: row.get(1)?,
            job_id: row.get(2)?,
            status: status_from_row(row, 3)?,
            total_tasks: row.get(4)?,
            remained_tasks: row.get(5)?,
            collector_id: row.get(6)?,
            project_id: row.get(7)?,
            created_at: row.get(8)?,
            updated_at: row.get(9)?,
            finished_at: row.get(10)?,
            error_count,
            collector_info: row.get(12)?,
            success_tasks: row.get(13)?,
            failure_tasks: row.get(14)?,
            secret_id: row.get(15)?,
            request_secret_id: row.get(16)?,
            request_workspace_id: row.get(17)?,
            resource_group: row.get(18)?,
            workspace_id: row.get(19)?,
            // A damaged head has no errors, so that its job can still be replaced, deleted and repaired.
            errors: if error_count > 0 {
                Errors::from_head(&head).unwrap_or_default()
            } else {
                Errors::default()
            },
            head,
            tail: row.get(21)?,
        })
    }

    /// Returns the values of [`COLUMNS`].
    pub(super) fn values(&self) -> [ToSqlOutput<'_>; 21] {
        fn text(text: &str) -> ToSqlOutput<'_> {
            ToSqlOutput::from(text)
        }
        fn nullable<'v>(value: Option<impl Into<ToSqlOutput<'v>>>) -> ToSqlOutput<'v> {
            value.map_or(ToSqlOutput::Borrowed(ValueRef::Null), Into::into)
        }
        [
            self.domain.into(),
            text(&self.job_id),
            text(self.status.name()),
            self.total_tasks.into(),
            self.remained_tasks.into(),
            nullable(self.collector_id.as_deref()),
            nullable(self.project_id.as_deref()),
            self.created_at.into(),
            self.updated_at.into(),
            nullable(self.finished_at),
            self.error_count.into(),
            nullable(self.collector_info),
            nullable(self.success_tasks),
            nullable(self.failure_tasks),
            nullable(self.secret_id.as_deref()),
            nullable(self.request_secret_id.as_deref()),
            nullable(self.request_workspace_id.as_deref()),
            nullable(self.resource_group.as_deref()),
            nullable(self.workspace_id.as_deref()),
            text(&self.head),
            text(&self.tail),
        ]
    }

    /// Returns the statement that makes a row of the same job this one: `?22` is its `id`.
    pub(super) fn update_of(&self, former: &Self) -> &'static str {
        let are_same = self.collector_id == former.collector_id
            && self.project_id == former.project_id
            && self.created_at == former.created_at
            && self.error_count == former.error_count;
        match (are_same, self.status == former.status) {
            (true, true) => UPDATE_UNINDEXED,
            (true, false) => UPDATE_STATUS,
            (false, _) => UPDATE,
        }
    }

    /// Takes the keys of another row, which no document says: what `==` then compares is all derived from documents.
    pub(super) fn with_keys_of(self, other: &Self) -> Self {
        Self {
            id: other.id,
            domain: other.domain,
            collector_info: other.collector_info,
            ..self
        }
    }

    /// Returns the codes under which the job is in `job_errors`.
    pub(super) fn codes(&self) -> impl Iterator<Item = &str> {
        let codes = self.errors.codes.iter();
        codes.filter_map(|(code, _)| code.as_deref())
    }
}

/// A job to be written: its row, and the texts whose keys the row still lacks. It needs no database, so an import makes it
/// on the thread that reads.
#[derive(Debug)]
pub struct NewJob {
    pub(super) domain_id: String,
    pub(super) collector: Option<Arc<CollectorText>>,
    pub(super) row: JobRow,
    document_bytes: usize,
}

impl NewJob {
    #[must_use]
    pub fn new(job: &Job) -> Self {
        let info = job.collector_info.as_ref();
        Self::with_collector(job, info.map(|info| Arc::new(CollectorText::of(info))))
    }

    /// Makes it of a job whose `collector_info` is apart from it.
    #[must_use]
    pub fn of_import(imported: &ImportedJob) -> Self {
        Self::with_collector(&imported.job, imported.collector.clone())
    }

    fn with_collector(job: &Job, collector: Option<Arc<CollectorText>>) -> Self {
        let (head, tail) = (job.head(), job.tail());
        let info = collector.as_ref();
        Self {
            domain_id: job.domain_id.clone(),
            document_bytes: head.len()
                + info.map_or(0, |info| BEFORE_COLLECTOR_INFO.len() + info.text.len())
                + tail.len(),
            row: JobRow {
                id: 0,
                domain: 0,
                job_id: job.job_id.clone(),
                status: job.status,
                total_tasks: job.total_tasks,
                remained_tasks: job.remained_tasks,
                collector_id: info.and_then(|info| info.collector_id.clone()),
                project_id: job.project_id.clone(),
                created_at: job.created_at.millis(),
                updated_at: job.updated_at.millis(),
                finished_at: job.finished_at.map(Timestamp::millis),
                error_count: i64::try_from(job.errors.len()).unwrap_or(i64::MAX),
                collector_info: None,
                success_tasks: job.success_tasks,
                failure_tasks: job.failure_tasks,
                secret_id: job.secret_id.clone(),
                request_secret_id: job.request_secret_id.clone(),
                request_workspace_id: job.request_workspace_id.clone(),
                resource_group: job.resource_group.clone(),
                workspace_id: job.workspace_id.clone(),
                head,
                tail,
                errors: Errors::new(&job.errors),
            },
            collector,
        }
    }

    /// Returns the ids of the domain and of the job.
    #[must_use]
    pub fn ids(&self) -> (&str, &str) {
        (&self.domain_id, &self.row.job_id)
    }

    /// Returns the length of the document, in bytes.
    #[must_use]
    pub fn document_bytes(&self) -> usize {
        self.document_bytes
    }
}

/// Reads a status.
///
/// # Errors
/// Where the column has no text, or none that names a status.
pub(super) fn status_from_row(row: &Row<'_>, column: usize) -> rusqlite::Result<JobStatus> {
    let name = row.get_ref(column)?.as_str()?;
    JobStatus::from_name(name).ok_or_else(|| {
        let problem = format!("unknown status {name}");
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, problem.into())
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::query::check::field::Column;
    use crate::store::{Mode, OnConflict, Store};

    #[test]
    fn a_row_that_is_read_is_the_row_that_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        let job = br#"{"job_id":"j","domain_id":"d","status":"ERROR","total_tasks":5,"remained_tasks":3,"project_id":"p",
            "success_tasks":1,"failure_tasks":0,"secret_id":"s","request_secret_id":"rs","request_workspace_id":"rw",
            "resource_group":"WORKSPACE","workspace_id":"w","collector_info":{"collector_id":"c"},"errors":[{"error_code":"E","message":"m"},{}],"created_at":"2022-06-17T08:00:00Z",
            "updated_at":"2022-06-17T09:00:00Z","finished_at":"2022-06-17T10:00:00Z"}"#;
        let mut new = NewJob::new(&Job::from_json(job).unwrap());
        transaction.put_new(&mut new).unwrap();
        transaction.commit().unwrap();
        let read = writer
            .connection
            .query_row(
                &format!("SELECT {ALL_COLUMNS} FROM jobs"),
                [],
                JobRow::from_row,
            )
            .unwrap();
        assert_eq!(read, new.row);
        assert_eq!((read.id, read.domain, read.collector_info), (1, 1, Some(1)));
        assert_eq!(read.errors.codes, [(None, 1), (Some("E".to_owned()), 1)]);
        let message = (Some("E".to_owned()), Some("m".to_owned()));
        assert_eq!(read.errors.texts, [message, (None, None)]);
    }

    fn columns_of_jobs() -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        drop(Store::open(&path, Mode::Create, 1).unwrap());
        let connection = Connection::open(&path).unwrap();
        let mut statement = connection
            .prepare("SELECT name FROM pragma_table_info('jobs')")
            .unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    }

    #[test]
    fn the_columns_are_those_of_the_schema() {
        assert_eq!(columns_of_jobs().join(", "), ALL_COLUMNS);
    }

    #[test]
    fn the_columns_are_those_of_the_query_language() {
        let mut columns = columns_of_jobs();
        let internal = ["id", "error_count", "collector_info", "head", "tail"];
        columns.retain(|name| !internal.contains(&name.as_str()));
        columns.sort();
        let mut known: Vec<_> = Column::ALL
            .into_iter()
            .map(|column| column.name().replace("domain_id", "domain"))
            .collect();
        known.sort();
        assert_eq!(columns, known);
    }
}
