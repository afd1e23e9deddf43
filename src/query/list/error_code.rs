//! Jobs with an error of a given code: they stand in `job_errors`, by time.

use crate::query::check::field::Column;
use crate::query::check::filter::Filter;
use crate::query::eval::predicate::Check;
use crate::query::list::plan::{List, Order, cut};
use crate::query::list::seek::{PageIds, by_page_time};
use crate::query::sql::Sql;
use crate::query::where_clause::where_clause;

/// Jobs that have an error of a code, as `job_errors` has them.
struct ByError<'l> {
    list: &'l List,
    code: &'l str,
    /// What else is asked that stands in that table, too.
    within: Filter,
    /// What else is asked of the jobs themselves.
    beside: Filter,
}

impl<'l> ByError<'l> {
    fn new(list: &'l List) -> Option<Self> {
        let filters = list.filter.conjuncts();
        let at = filters
            .iter()
            .position(|filter| error_code(filter).is_some())?;
        let others = filters.iter().enumerate();
        let others = others
            .filter(|(index, _)| *index != at)
            .map(|(_, filter)| filter.clone());
        let (within, beside) = others.partition(|filter| {
            matches!(filter, Filter::Column(Column::CreatedAt | Column::JobId, _))
        });
        Some(Self {
            list,
            code: error_code(&filters[at])?,
            within: Filter::All(within),
            beside: Filter::All(beside),
        })
    }

    fn push_from(&self, sql: &mut Sql) {
        sql.push(" FROM job_errors WHERE ")
            .append(where_clause(&self.list.tenant, &self.within))
            .push(" AND error_code = ")
            .bind(self.code);
    }

    fn select() -> Sql {
        Sql::new("SELECT job AS page_job, created_at AS page_time, job_id AS page_id")
    }

    /// The page where the jobs are asked nothing: none but those of the page are looked at.
    fn page(&self, newest_first: bool) -> Option<PageIds> {
        let limit = self.list.page.limit?;
        if !self.beside.is_always() {
            return None;
        }
        let mut ids = Self::select();
        self.push_from(&mut ids);
        ids.push(if newest_first {
            " ORDER BY created_at DESC, job_id"
        } else {
            " ORDER BY created_at, job_id DESC"
        })
        .append(cut(limit, self.list.page.skip));
        let order = by_page_time(newest_first);
        Some(PageIds { ids, order })
    }

    fn rows(&self, newest_first: bool) -> Sql {
        let page = self.list.page;
        let mut sql = self.list.selected();
        sql.push("(").append(Self::select());
        self.push_from(&mut sql);
        sql.push(") CROSS JOIN ")
            .push(self.list.table())
            .push(" ON jobs.id = page_job WHERE ")
            .append(where_clause(&self.list.tenant, &self.beside))
            .append(by_page_time(newest_first));
        if let Some(limit) = page.limit {
            sql.append(cut(limit, page.skip));
        }
        sql
    }

    fn count(&self) -> Sql {
        if self.beside.is_always() && self.within.is_always() {
            let mut sql = Sql::new("SELECT ifnull(sum(jobs), 0) FROM error_counts WHERE ");
            sql.append(self.list.tenant.condition())
                .push(" AND error_code = ")
                .bind(self.code);
            return sql;
        }
        let mut sql = Sql::new("SELECT count(*)");
        if self.beside.is_always() {
            self.push_from(&mut sql);
            return sql;
        }
        sql.push(" FROM (SELECT job AS page_job");
        self.push_from(&mut sql);
        sql.push(") CROSS JOIN jobs ON jobs.id = page_job WHERE ")
            .append(where_clause(&self.list.tenant, &self.beside));
        sql
    }
}

/// The code that a filter asks an error to have.
fn error_code(filter: &Filter) -> Option<&str> {
    match filter {
        Filter::Document(test) if test.path == ["errors", "error_code"] => match &test.check {
            Check::Equal(value) => value.as_str(),
            _ => None,
        },
        _ => None,
    }
}

/// The jobs with an error of a code, and whether the newest come first; `None` where a list is of others or in another
/// order.
fn by_error(list: &List) -> Option<(ByError<'_>, bool)> {
    match list.order {
        Order::Time { newest_first } => Some((ByError::new(list)?, newest_first)),
        Order::Other(_) => None,
    }
}

/// Whether a list is of the jobs with an error of a code, by time: [`page`] or else [`rows`] has it.
pub(super) fn has(list: &List) -> bool {
    by_error(list).is_some()
}

/// The page of such a list; `None` where more is asked of the jobs, or all rows.
pub(super) fn page(list: &List) -> Option<PageIds> {
    let (by_error, newest_first) = by_error(list)?;
    by_error.page(newest_first)
}

/// The rows of such a list; as [`List::rows`].
pub(in crate::query) fn rows(list: &List) -> Option<Sql> {
    let (by_error, newest_first) = by_error(list)?;
    Some(by_error.rows(newest_first))
}

/// Their number; as [`List::count`].
pub(in crate::query) fn count(list: &List) -> Option<Sql> {
    Some(ByError::new(list)?.count())
}
