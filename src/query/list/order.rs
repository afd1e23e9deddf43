//! The ORDER BY clause of list statements. The order of a list by time is written here alone.

use crate::query::check::list::{CheckedList, Order, OrderKey, OrderTerm};
use crate::query::order_by::{Term, order_by, sort_value};
use crate::query::sql::Sql;

/// The columns that a list by time is ordered by, as the statement names them.
#[derive(Debug, Clone, Copy)]
pub(super) enum TimeColumns {
    /// Of `jobs` or `job_errors`.
    Table,
    /// Of `jobs`, with a plus that keeps SQLite from walking all jobs in this order.
    TableWithoutIndex,
    /// Of the ids of a page.
    PageIds,
}

/// Returns the ORDER BY clause of a list.
pub(super) fn order(list: &CheckedList) -> Sql {
    match &list.order {
        Order::Time { newest_first } => {
            // The filter names few jobs by their ids: to look these up is cheaper than to walk all jobs.
            let columns = if list.has_job_ids() {
                TimeColumns::TableWithoutIndex
            } else {
                TimeColumns::Table
            };
            by_time(columns, *newest_first)
        }
        Order::Terms(terms) => {
            let terms: Vec<_> = terms.iter().map(term).collect();
            let mut sql = Sql::new(" ORDER BY ");
            sql.append(order_by(&terms));
            sql
        }
    }
}

/// Returns the ORDER BY clause of a list by time. The job id decides between equal times, against the direction of the time:
/// so do the indexes, which are then read in one direction.
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

/// Lowers one term of an order.
pub(super) fn term(term: &OrderTerm) -> Term {
    Term {
        sql: match &term.key {
            OrderKey::Column(column) => column.sql(),
            OrderKey::Document(path) => sort_value(path, term.desc),
        },
        desc: term.desc,
    }
}
