//! The ORDER BY clause of list statements. Of lists, only this file has the order by time; `store::prune` reads in the same
//! order to find the oldest jobs.

use crate::query::check::list::{CheckedList, Order, OrderKey, OrderTerm};
use crate::query::order_by::{Term, order_by, sort_value};
use crate::query::sql::Sql;

/// The columns that order a list by time, by the names that a statement has for them.
#[derive(Debug, Clone, Copy)]
pub(super) enum TimeColumns {
    /// The columns of `jobs` or `job_errors`.
    Table,
    /// The columns of `jobs`, with a plus that keeps SQLite from reading all jobs in this order.
    TableWithoutIndex,
    /// The columns with the ids of a page.
    PageIds,
}

/// Returns the ORDER BY clause of a list.
pub(super) fn order(list: &CheckedList) -> Sql {
    match &list.order {
        Order::Time { newest_first } => {
            // The filter names few jobs by their ids: looking them up is quicker than reading all jobs.
            let columns = if list.has_job_ids() {
                TimeColumns::TableWithoutIndex
            } else {
                TimeColumns::Table
            };
            by_time(columns, *newest_first)
        }
        Order::Terms(terms) => {
            let mut sql = Sql::new(" ORDER BY ");
            sql.append(order_by(&lower(terms)));
            sql
        }
    }
}

/// Returns the ORDER BY clause of a list by time.
///
/// The job id decides between equal times, in the opposite direction, as in the indexes: SQLite can read them forwards
/// or backwards.
pub(super) fn by_time(columns: TimeColumns, newest_first: bool) -> Sql {
    Sql::new(match (columns, newest_first) {
        (TimeColumns::Table, true) => " ORDER BY created_at DESC, job_id",
        (TimeColumns::Table, false) => " ORDER BY created_at, job_id DESC",
        (TimeColumns::TableWithoutIndex, true) => " ORDER BY +created_at DESC, job_id",
        (TimeColumns::TableWithoutIndex, false) => " ORDER BY +created_at, job_id DESC",
        (TimeColumns::PageIds, true) => " ORDER BY page_time DESC, page_id",
        (TimeColumns::PageIds, false) => " ORDER BY page_time, page_id DESC",
    })
}

/// Lowers the terms of an order.
pub(super) fn lower(terms: &[OrderTerm]) -> Vec<Term> {
    let in_documents = terms.iter().filter_map(|term| match &term.key {
        OrderKey::Document(path) => Some((path, term.desc)),
        OrderKey::Column(_) => None,
    });
    let in_documents: Vec<_> = in_documents.collect();
    let lowered = terms.iter().map(|term| Term {
        sql: match &term.key {
            OrderKey::Column(column) => column.sql(),
            OrderKey::Document(path) => sort_value(path, &in_documents),
        },
        desc: term.desc,
    });
    lowered.collect()
}
