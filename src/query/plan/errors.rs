//! Jobs with an error of a given code: they stand in `job_errors`, by time.

use crate::query::field::Column;
use crate::query::filter::{ALWAYS, Filter};
use crate::query::list::{List, Order, cut};
use crate::query::predicate::Check;
use crate::query::sql::Sql;

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
            .append(self.list.scope.lower(&self.within))
            .push(" AND error_code = ")
            .bind(self.code);
    }

    fn rows(&self, newest_first: bool) -> Sql {
        let page = self.list.page;
        let (inner, outer) = if newest_first {
            (
                " ORDER BY created_at DESC, job_id",
                " ORDER BY error_time DESC, error_id",
            )
        } else {
            (
                " ORDER BY created_at, job_id DESC",
                " ORDER BY error_time, error_id DESC",
            )
        };
        let mut sql = self.list.selected();
        sql.push("(SELECT job AS error_job, created_at AS error_time, job_id AS error_id");
        self.push_from(&mut sql);
        let limit = page.limit.map(|limit| cut(limit, page.skip));
        // Where the jobs are asked nothing, none but those of the page are looked at.
        let is_cut_within = self.beside.is_always();
        if is_cut_within && let Some(limit) = &limit {
            sql.push(inner).append(limit.clone());
        }
        sql.push(") CROSS JOIN ")
            .push(self.list.table())
            .push(" ON jobs.id = error_job WHERE ")
            .append(self.list.scope.lower(&self.beside))
            .push(outer);
        if !is_cut_within && let Some(limit) = limit {
            sql.append(limit);
        }
        sql
    }

    fn count(&self) -> Sql {
        if self.beside.is_always() && self.within.is_always() {
            let mut sql = Sql::new("SELECT ifnull(sum(jobs), 0) FROM error_counts WHERE ");
            sql.append(self.list.scope.lower(&ALWAYS))
                .push(" AND error_code = ")
                .bind(self.code);
            return sql;
        }
        let mut sql = Sql::new("SELECT count(*)");
        if self.beside.is_always() {
            self.push_from(&mut sql);
            return sql;
        }
        sql.push(" FROM (SELECT job AS error_job");
        self.push_from(&mut sql);
        sql.push(") CROSS JOIN jobs ON jobs.id = error_job WHERE ")
            .append(self.list.scope.lower(&self.beside));
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

/// The rows of a list by time of the jobs with an error of a code; as [`List::rows`].
pub(in crate::query) fn rows(list: &List) -> Option<Sql> {
    match list.order {
        Order::Time { newest_first } => Some(ByError::new(list)?.rows(newest_first)),
        Order::Other(_) => None,
    }
}

/// Their number; as [`List::count`].
pub(in crate::query) fn count(list: &List) -> Option<Sql> {
    Some(ByError::new(list)?.count())
}
