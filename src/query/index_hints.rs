//! Index hints of the statements that read all matches: totals, unindexed sorts, statistics. A page by time has none
//! (`list::statements`): SQLite chooses from the indexes of schema.sql.

use crate::query::check::field::{Column, FieldRef, Root};
use crate::query::check::filter::{ColumnTest, Filter};
use crate::query::eval::predicate::Check;

/// Returns the index hint after the table name `jobs`, for a statement that reads the rows of all matches.
///
/// The rows are in the file about in the order of time, and so are those with errors. Any other index would read each page of
/// the file again and again, which SQLite does not know.
pub(super) fn scan_hint(filter: &Filter) -> &'static str {
    let is_indexed = |filter: &Filter| match filter {
        Filter::Column(
            Column::JobId | Column::Status | Column::CollectorId | Column::ProjectId,
            test,
        ) => matches!(test, ColumnTest::Equal(_) | ColumnTest::In(_)),
        _ => false,
    };
    let filters = filter.conjuncts();
    if filters.iter().any(is_indexed) {
        ""
    } else if filters.iter().any(Filter::requires_error) {
        " INDEXED BY jobs_with_errors"
    } else {
        " INDEXED BY jobs_by_time"
    }
}

/// Whether a filter requires values that an index finds, of which few jobs are: an id, a collector, a project or an error
/// code. (Of a status there may be many.)
pub(super) fn is_selective(filter: &Filter) -> bool {
    let is_selective = |filter: &Filter| match filter {
        Filter::Column(Column::JobId | Column::CollectorId | Column::ProjectId, test) => {
            matches!(test, ColumnTest::Equal(_) | ColumnTest::In(_))
        }
        Filter::Document(path, Check::Equal(_) | Check::In(_)) => {
            path.is(Root::Errors, &["error_code"])
        }
        _ => false,
    };
    filter.conjuncts().iter().any(is_selective)
}

/// Whether SQLite is to sort by a column, although an index orders jobs by it. `fields` are those that decide which jobs there
/// are, and in which groups.
///
/// SQLite has no statistics of the values, so it takes that index rather than one that finds the few matches. Where the index
/// lacks a field, it then reads every job of the tenant, in the order of the index. In a debug build, groups of the failed jobs
/// of a week took 3.5 s among 703,000 jobs, and take 12 ms.
pub(super) fn sorts_without_index(column: Column, fields: &[FieldRef]) -> bool {
    use Column::{CollectorId, CreatedAt, JobId, ProjectId, Status};
    let indexes: &[&[Column]] = match column {
        JobId => &[&[JobId]],
        Status => &[
            &[Status, CreatedAt, JobId],
            &[CollectorId, Status, CreatedAt, JobId],
        ],
        CollectorId => &[&[CollectorId, Status, CreatedAt, JobId]],
        ProjectId => &[&[ProjectId, CreatedAt, JobId]],
        // Every index has it after the column that it seeks; no other column has an order.
        _ => return false,
    };
    let has = |index: &[Column], field: &FieldRef| matches!(field, FieldRef::Column(column) if index.contains(column));
    !indexes
        .iter()
        .any(|index| fields.iter().all(|field| has(index, field)))
}

/// A condition that every job passes.
///
/// The index of collectors has the status before the time: with this condition SQLite
/// seeks each status, instead of reading all the collector's jobs.
pub(super) const ANY_STATUS: &str =
    " AND status IN ('CREATED', 'CANCELED', 'IN_PROGRESS', 'SUCCESS', 'ERROR', 'TIMEOUT')";
