//! The plan of a list: how its rows and its total are answered, decided once, before anything runs.
//!
//! What depends on the data (the hour in which a far page begins, the candidates of a keyword) is a variant that carries
//! the alternatives and compiles the chosen one, which cannot fail. The store follows the plan and decides nothing.

use crate::job::PerStatus;
use crate::query::check::list::CheckedList;
use crate::query::counters::group;
use crate::query::counters::tables::CounterTable;
use crate::query::list::candidates::Candidates;
use crate::query::list::error_code::ByErrorCode;
use crate::query::list::seek::Seek;
use crate::query::list::statements::{PageSql, count_by, page_by, reads_by_id};
use crate::query::request::Page;
use crate::query::sql::Sql;
use crate::query::tenant::Tenant;

/// How a list is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ListPlan {
    /// Whose jobs are listed.
    pub tenant: Tenant,
    /// The rows that are answered.
    pub page: Page,
    pub rows: RowsPlan,
    pub total: TotalPlan,
}

/// How the rows of the page are answered.
#[derive(Debug, Clone, PartialEq)]
pub enum RowsPlan {
    /// Only the total is answered.
    Nothing,
    /// By one statement.
    Page(PageSql),
    /// From the hour in which the page begins.
    Seek(Seek),
    /// Among the candidates of the trigram index; the total comes with the rows.
    Candidates(Candidates),
}

/// How the number of all matches is answered, whatever the page.
#[derive(Debug, Clone, PartialEq)]
pub enum TotalPlan {
    /// It is known when the rows have been read.
    FromRows,
    /// The sum of a tenant's jobs of these statuses.
    Statuses(PerStatus<bool>),
    /// By one statement: one row with one integer.
    Sql(Sql),
    /// Among the candidates of the trigram index.
    Candidates(Candidates),
}

impl ListPlan {
    /// The same without the total, which is then the number of rows that were read.
    #[must_use]
    pub fn without_total(self) -> Self {
        Self {
            rows: match self.rows {
                RowsPlan::Candidates(candidates) => {
                    RowsPlan::Candidates(candidates.without_total())
                }
                rows => rows,
            },
            total: TotalPlan::FromRows,
            ..self
        }
    }
}

/// Plans a checked list.
#[must_use]
pub fn plan(list: &CheckedList) -> ListPlan {
    let (rows, total) = parts(list);
    ListPlan {
        tenant: list.tenant.clone(),
        page: list.page,
        rows,
        total,
    }
}

fn parts(list: &CheckedList) -> (RowsPlan, TotalPlan) {
    if let Some(candidates) = Candidates::new(list) {
        return if list.count_only {
            (RowsPlan::Nothing, TotalPlan::Candidates(candidates))
        } else {
            (RowsPlan::Candidates(candidates), TotalPlan::FromRows)
        };
    }
    let table = CounterTable::for_filter(&list.filter);
    let is_by_status =
        table == Some(CounterTable::Statuses) && list.filter.is_decidable_in_memory();
    let statuses = is_by_status.then(|| group::statuses(&list.filter, None));
    let by_error_code = ByErrorCode::new(list);
    let total = match statuses {
        // All matches are rows of the answer.
        _ if list.page.limit.is_none() && !list.count_only => TotalPlan::FromRows,
        Some(statuses) => TotalPlan::Statuses(statuses),
        None => TotalPlan::Sql(count_by(list, by_error_code.as_ref(), table)),
    };
    let seek = || Seek::new(list, statuses?);
    let rows = if list.count_only {
        RowsPlan::Nothing
    } else if let Some(seek) = seek() {
        RowsPlan::Seek(seek)
    } else {
        RowsPlan::Page(page_by(list, by_error_code.as_ref(), reads_by_id(list)))
    };
    (rows, total)
}
