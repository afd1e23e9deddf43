//! Shared clauses of list statements: SELECT, FROM and LIMIT.

use crate::query::check::field::Root;
use crate::query::check::list::CheckedList;
use crate::query::eval::path::paths_param;
use crate::query::request::Page;
use crate::query::sql::Sql;

/// Returns `SELECT … FROM `, for whole documents or projected ones.
///
/// A whole document is three columns: its head, the key of its collector, and its tail. A projected one is one column.
pub(super) fn select(list: &CheckedList) -> Sql {
    let Some(paths) = &list.projection else {
        return Sql::new("SELECT head, collector_info, tail FROM ");
    };
    let mut sql = Sql::new(if needs_collector(list) {
        "SELECT only(document, "
    } else {
        "SELECT only(head || tail, "
    });
    sql.bind(paths_param(paths)).push(") FROM ");
    sql
}

/// Returns the table to read documents from, under the name `jobs`.
pub(super) fn table(list: &CheckedList) -> &'static str {
    if needs_collector(list) {
        "documents AS jobs"
    } else {
        "jobs"
    }
}

/// Returns the jobs of these ids, as `jobs`, in the order of `found.key`.
pub(super) fn found(list: &CheckedList, jobs: &[i64]) -> Sql {
    // Serialising integers can't fail.
    let jobs = serde_json::to_string(jobs).unwrap_or_default();
    let mut sql = Sql::new("json_each(");
    sql.bind(jobs)
        .push(") AS found CROSS JOIN ")
        .push(table(list))
        .push(" ON jobs.id = found.value");
    sql
}

/// Whether the projected documents have a part of the collector.
fn needs_collector(list: &CheckedList) -> bool {
    let begins_in_collector = |path: &Vec<String>| {
        path.first()
            .is_some_and(|root| root == Root::CollectorInfo.name())
    };
    let paths = list.projection.iter().flatten();
    paths.into_iter().any(begins_in_collector)
}

/// Returns the LIMIT clause; empty where all rows are answered.
pub(super) fn limit(page: Page) -> Sql {
    let Some(limit) = page.limit else {
        return Sql::default();
    };
    let mut sql = Sql::new(" LIMIT ");
    sql.bind(clamp(limit));
    if page.skip > 0 {
        sql.push(" OFFSET ").bind(clamp(page.skip));
    }
    sql
}

fn clamp(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
