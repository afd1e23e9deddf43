//! Pages in an order that no index has: all matches must be looked at, but only those of the page be read whole.

use crate::query::filter::ALWAYS;
use crate::query::list::{List, Order, cut};
use crate::query::sql::Sql;

/// The rows of a page; as [`List::rows`]. `None` where an index has the order, or all rows are asked for.
pub(in crate::query) fn rows(list: &List) -> Option<Sql> {
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
    let mut sql = list.selected();
    sql.push("(SELECT id AS page_job");
    for (number, term) in terms.iter().enumerate() {
        sql.push(", ")
            .append(term.sql.clone())
            .push(" AS o")
            .number(number);
    }
    sql.push(" FROM jobs")
        .push(list.filter.index_to_rows())
        .push(" WHERE ")
        .append(list.scope.lower(&list.filter))
        .append(order.clone())
        .append(cut(limit, list.page.skip))
        .push(") CROSS JOIN ")
        .push(list.table())
        .push(" ON jobs.id = page_job WHERE ")
        .append(list.scope.lower(&ALWAYS))
        .append(order);
    Some(sql)
}
