//! A row of the table `jobs`: its columns must follow schema.sql.
//!
//! The columns are spelt here alone, once in [`COLUMNS`] and in the same order in [`JobRow::from_row`] and
//! [`JobRow::values`].

use rusqlite::Row;
use rusqlite::types::{ToSqlOutput, Type, ValueRef};
use serde::Deserialize;

use crate::job::{Job, JobError, JobStatus, error_codes};
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
         error_count, collector_info, head, tail"
    };
}

/// The placeholders of [`VALUE_COLUMNS`].
macro_rules! value_placeholders {
    () => {
        "?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14"
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
/// Updates the job that [`JobRow::values`] names. (The columns that name it are left out: their index is not written.)
pub(super) const UPDATE: &str = concat!(
    "UPDATE jobs SET (",
    value_columns!(),
    ") = (",
    value_placeholders!(),
    ") WHERE domain = ?1 AND job_id = ?2"
);
/// Updates the row `?15` whole, unless another row is of the same job.
pub(super) const UPDATE_BY_ID: &str = concat!(
    "UPDATE OR IGNORE jobs SET (",
    key_columns!(),
    ", ",
    value_columns!(),
    ") = (?1, ?2, ",
    value_placeholders!(),
    ") WHERE id = ?15"
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
    total_tasks: i64,
    remained_tasks: i64,
    pub(super) collector_id: Option<String>,
    pub(super) project_id: Option<String>,
    /// In milliseconds, as are the other times.
    pub(super) created_at: i64,
    updated_at: i64,
    finished_at: Option<i64>,
    error_count: i64,
    /// `collector_infos.id`; `None` until it is looked up, or for a job without a collector.
    pub(super) collector_info: Option<i64>,
    pub(super) head: String,
    pub(super) tail: String,
    /// The codes of the errors in `head`, as [`error_codes`] returns them: no column, but `error_counts` and `job_errors`
    /// are made of them.
    pub(super) error_codes: Vec<(Option<String>, i64)>,
}

impl JobRow {
    /// Reads a row of [`ALL_COLUMNS`].
    ///
    /// # Errors
    /// Where a column has another type, or the status is unknown.
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let error_count = row.get(11)?;
        let head: String = row.get(13)?;
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
            // A damaged head has no codes, so that its job can still be replaced, deleted and repaired.
            error_codes: if error_count > 0 {
                codes_of(&head).unwrap_or_default()
            } else {
                Vec::new()
            },
            head,
            tail: row.get(14)?,
        })
    }

    /// Returns the values of [`COLUMNS`].
    pub(super) fn values(&self) -> [ToSqlOutput<'_>; 14] {
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
            text(&self.head),
            text(&self.tail),
        ]
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
        let codes = self.error_codes.iter();
        codes.filter_map(|(code, _)| code.as_deref())
    }
}

/// A job to be written: its row, and the texts whose keys the row still lacks. It needs no database, so an import makes it
/// on the thread that reads.
#[derive(Debug)]
pub struct NewJob {
    pub(super) domain_id: String,
    /// The `collector_info` of the document, in canonical form.
    pub(super) collector_info: Option<String>,
    pub(super) row: JobRow,
    document_bytes: usize,
}

impl NewJob {
    #[must_use]
    pub fn new(job: &Job) -> Self {
        let pieces = job.to_pieces();
        Self {
            domain_id: job.domain_id.clone(),
            document_bytes: pieces.len(),
            collector_info: pieces.collector_info,
            row: JobRow {
                id: 0,
                domain: 0,
                job_id: job.job_id.clone(),
                status: job.status,
                total_tasks: job.total_tasks,
                remained_tasks: job.remained_tasks,
                collector_id: job.collector_id().map(str::to_owned),
                project_id: job.project_id.clone(),
                created_at: job.created_at.millis(),
                updated_at: job.updated_at.millis(),
                finished_at: job.finished_at.map(Timestamp::millis),
                error_count: i64::try_from(job.errors.len()).unwrap_or(i64::MAX),
                collector_info: None,
                head: pieces.head,
                tail: pieces.tail,
                error_codes: to_owned(&error_codes(&job.errors)),
            },
        }
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

/// Returns the error codes of the document that begins with this head.
fn codes_of(head: &str) -> Result<Vec<(Option<String>, i64)>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<JobError>,
    }
    let Errors { errors } = serde_json::from_str(&format!("{head}}}"))?;
    Ok(to_owned(&error_codes(&errors)))
}

fn to_owned(codes: &[(Option<&str>, i64)]) -> Vec<(Option<String>, i64)> {
    let codes = codes.iter();
    codes
        .map(|(code, errors)| (code.map(str::to_owned), *errors))
        .collect()
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
            "collector_info":{"collector_id":"c"},"errors":[{"error_code":"E"},{}],"created_at":"2022-06-17T08:00:00Z",
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
        assert_eq!(read.error_codes, [(None, 1), (Some("E".to_owned()), 1)]);
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
