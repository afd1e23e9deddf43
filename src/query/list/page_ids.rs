//! Selects the ids of a page first, so that only the rows of the page are read whole.

use crate::query::check::list::CheckedList;
use crate::query::list::select::{select, table};
use crate::query::sql::Sql;

/// The ids of a page's jobs.
#[derive(Debug)]
pub(super) struct PageIds {
    /// Selects the jobs of the page in order: their ids as `page_job`, then the columns that `order` needs.
    pub(super) ids: Sql,
    /// The ORDER BY clause over the columns of `ids`.
    pub(super) order: Sql,
}

impl PageIds {
    /// Selects the documents of the page.
    pub(super) fn into_documents(self, list: &CheckedList) -> Sql {
        let mut sql = select(list);
        sql.push("(")
            .append(self.ids)
            .push(") CROSS JOIN ")
            .push(table(list))
            .push(" ON jobs.id = page_job WHERE ")
            .append(list.tenant.condition())
            .append(self.order);
        sql
    }
}
