//! Sorts without an index: compares all matches, but reads only those of the page whole.

use crate::query::check::list::{CheckedList, Order};
use crate::query::index_hints::scan_hint;
use crate::query::list::order::lower;
use crate::query::list::page_ids::PageIds;
use crate::query::list::select::limit;
use crate::query::order_by::{Term, order_by};
use crate::query::sql::Sql;
use crate::query::where_clause::where_clause;

/// Compiles the page; `None` where an index has the order, or where all rows are answered.
pub(super) fn page(list: &CheckedList) -> Option<PageIds> {
    let (Order::Terms(terms), Some(_)) = (&list.order, list.page.limit) else {
        return None;
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
        numbered.push(Term {
            sql: name,
            desc: term.desc,
        });
    }
    let mut order = Sql::new(" ORDER BY ");
    order.append(order_by(&numbered));
    ids.push(" FROM jobs")
        .push(scan_hint(&list.filter))
        .push(" WHERE ")
        .append(where_clause(&list.tenant, &list.filter))
        .append(order.clone())
        .append(limit(list.page));
    Some(PageIds { ids, order })
}
