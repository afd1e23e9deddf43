//! Index hints, where SQLite's own choice of an index is slow.

use crate::query::check::field::{Column, Root};
use crate::query::check::filter::{ColumnTest, Filter};

/// Returns what must follow the name of `jobs` in a statement that reads the rows of all matches.
///
/// The order of the rows in the file is about that of time, so any other index would read each page again and again;
/// SQLite does not know that.
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

/// A condition that is true of every job. The index of collectors has the status before the time: with this condition SQLite
/// seeks each status, instead of reading all the collector's jobs.
pub(super) const ANY_STATUS: &str =
    " AND status IN ('CREATED', 'CANCELED', 'IN_PROGRESS', 'SUCCESS', 'ERROR', 'TIMEOUT')";
