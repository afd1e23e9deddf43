//! Pages in an order that no index has: all matches must be looked at, but only those of the page be read whole.

use crate::query::list::plan::{List, Order, cut};
use crate::query::list::seek::PageIds;
use crate::query::sql::Sql;
use crate::query::where_clause::{scan_hint, where_clause};

/// The page; `None` where an index has the order, or all rows are asked for.
pub(super) fn page(list: &List) -> Option<PageIds> {
    let (Order::Other(terms), Some(limit)) = (&list.order, list.page.limit) else {
        return None;
    };
    let mut order = Sql::default();
    let directed = terms.iter().enumerate().map(|(number, term)| {
        let mut sql = Sql::new("o");
        sql.number(number);
        if term.desc {
            sql.push(" DESC");
        }
        sql
    });
    order.push(" ORDER BY ").join(", ", directed);
    let mut ids = Sql::new("SELECT id AS page_job");
    for (number, term) in terms.iter().enumerate() {
        ids.push(", ")
            .append(term.sql.clone())
            .push(" AS o")
            .number(number);
    }
    ids.push(" FROM jobs")
        .push(scan_hint(&list.filter))
        .push(" WHERE ")
        .append(where_clause(&list.tenant, &list.filter))
        .append(order.clone())
        .append(cut(limit, list.page.skip));
    Some(PageIds { ids, order })
}
