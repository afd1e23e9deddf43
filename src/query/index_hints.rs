//! Index hints of the statements that read all matches: totals, unindexed sorts, statistics. A page by time has none
//! (`list::statements`): SQLite chooses from the indexes of schema.sql.

use crate::query::check::field::{Column, Root};
use crate::query::check::filter::{ColumnTest, Filter};
use crate::query::eval::predicate::Check;

/// Returns the index hint after the table name `jobs`, for a statement that reads the rows of all matches.
///
/// The rows are in the file about in the order of time. Any other index would read each page of the file again and
/// again, which SQLite does not know.
pub(super) fn scan_hint(filter: &Filter) -> &'static str {
    let is_indexed = |filter: &Filter| match filter {
        Filter::Column(
            Column::JobId | Column::Status | Column::CollectorId | Column::ProjectId,
            test,
        ) => matches!(test, ColumnTest::Equal(_) | ColumnTest::In(_)),
        Filter::Document(path, _) => path.root == Root::Errors,
        _ => false,
    };
    if filter.conjuncts().iter().any(is_indexed) {
        ""
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

/// A condition that every job passes.
///
/// The index of collectors has the status before the time: with this condition SQLite
/// seeks each status, instead of reading all the collector's jobs.
pub(super) const ANY_STATUS: &str =
    " AND status IN ('CREATED', 'CANCELED', 'IN_PROGRESS', 'SUCCESS', 'ERROR', 'TIMEOUT')";
