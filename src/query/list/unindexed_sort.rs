//! Sorts without an index: compares all matches, but reads only those of the page whole.

use crate::query::check::list::{CheckedList, Order, OrderKey};
use crate::query::index_hints::{scan_hint, sorts_without_index};
use crate::query::list::error_code::ByErrorCode;
use crate::query::list::order::lower;
use crate::query::list::page_ids::PageIds;
use crate::query::list::select::limit;
use crate::query::order_by::{Term, order_by};
use crate::query::sql::Sql;
use crate::query::where_clause::where_clause;

/// Compiles the page; `None` where an index has the order, or where all rows are answered.
///
/// The jobs with an error code are those of `job_errors`.
pub(super) fn page(list: &CheckedList, by_error_code: Option<&ByErrorCode<'_>>) -> Option<PageIds> {
    let (Order::Terms(terms), Some(_)) = (&list.order, list.page.limit) else {
        return None;
    };
    let hint = scan_hint(&list.filter);
    let sorts = match terms.first().map(|term| &term.key) {
        Some(OrderKey::Column(column)) if hint.is_empty() && !list.has_job_ids() => {
            sorts_without_index(*column, &list.filter.fields())
        }
        _ => false,
    };
    let mut ids = Sql::new("SELECT id AS page_job");
    let mut numbered = Vec::with_capacity(terms.len());
    for (number, term) in lower(terms).into_iter().enumerate() {
        let mut name = Sql::new("o");
        name.number(number);
        ids.push(", ")
            .append(term.sql)
            .push(" AS ")
            .append(name.clone());
        let mut by = Sql::new(if sorts { "+" } else { "" });
        by.append(name);
        numbered.push(Term {
            sql: by,
            desc: term.desc,
        });
    }
    let mut order = Sql::new(" ORDER BY ");
    order.append(order_by(&numbered));
    if let Some(by_error_code) = by_error_code {
        by_error_code.push_jobs(&mut ids);
    } else {
        ids.push(" FROM jobs")
            .push(hint)
            .push(" WHERE ")
            .append(where_clause(&list.tenant, &list.filter));
    }
    ids.append(order.clone()).append(limit(list.page));
    Some(PageIds { ids, order })
}
