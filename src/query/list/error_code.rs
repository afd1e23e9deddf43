//! Lists of jobs with an error of a given code, from the table `job_errors`, which has them by time.

use crate::query::check::field::{Column, Root};
use crate::query::check::filter::Filter;
use crate::query::check::list::CheckedList;
use crate::query::eval::predicate::Check;
use crate::query::list::order::{TimeColumns, by_time};
use crate::query::list::page_ids::PageIds;
use crate::query::list::select::{limit, select, table};
use crate::query::sql::Sql;
use crate::query::where_clause::where_clause;

/// A list of jobs that have an error of a code.
pub(super) struct ByErrorCode<'l> {
    list: &'l CheckedList,
    code: &'l str,
    /// The other tests that `job_errors` can answer.
    within: Filter,
    /// The other tests that the jobs themselves must answer.
    rest: Filter,
}

impl<'l> ByErrorCode<'l> {
    /// The list by its error code; `None` where the filter does not require one.
    pub(super) fn new(list: &'l CheckedList) -> Option<Self> {
        let filters = list.filter.conjuncts();
        let (position, code) = filters
            .iter()
            .enumerate()
            .find_map(|(index, filter)| Some((index, error_code(filter)?)))?;
        let others = filters.iter().enumerate();
        let others = others
            .filter(|(index, _)| *index != position)
            .map(|(_, filter)| filter.clone());
        let (within, rest) = others.partition(|filter| {
            matches!(filter, Filter::Column(Column::CreatedAt | Column::JobId, _))
        });
        Some(Self {
            list,
            code,
            within: Filter::All(within),
            rest: Filter::All(rest),
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

    /// Compiles the page by time from `job_errors` alone; `None` where the jobs must be tested, or where all rows are
    /// answered.
    pub(super) fn page(&self, newest_first: bool) -> Option<PageIds> {
        self.list.page.limit?;
        if !self.rest.is_always() {
            return None;
        }
        let mut ids = Self::select();
        self.push_from(&mut ids);
        ids.append(by_time(TimeColumns::Table, newest_first))
            .append(limit(self.list.page));
        let order = by_time(TimeColumns::PageIds, newest_first);
        Some(PageIds { ids, order })
    }

    /// Compiles the documents of the page by time, from `job_errors` and the jobs.
    pub(super) fn documents(&self, newest_first: bool) -> Sql {
        let mut sql = select(self.list);
        sql.push("(").append(Self::select());
        self.push_from(&mut sql);
        sql.push(") CROSS JOIN ")
            .push(table(self.list))
            .push(" ON jobs.id = page_job WHERE ")
            .append(where_clause(&self.list.tenant, &self.rest))
            .append(by_time(TimeColumns::PageIds, newest_first))
            .append(limit(self.list.page));
        sql
    }

    /// Compiles the number of matches on all pages.
    pub(super) fn count(&self) -> Sql {
        if self.rest.is_always() && self.within.is_always() {
            let mut sql = Sql::new("SELECT ifnull(sum(jobs), 0) FROM error_counts WHERE ");
            sql.append(self.list.tenant.condition())
                .push(" AND error_code = ")
                .bind(self.code);
            return sql;
        }
        let mut sql = Sql::new("SELECT count(*)");
        if self.rest.is_always() {
            self.push_from(&mut sql);
            return sql;
        }
        self.push_jobs(&mut sql);
        sql
    }

    /// Appends the clauses FROM and WHERE of the matches, as `jobs`.
    pub(super) fn push_jobs(&self, sql: &mut Sql) {
        sql.push(" FROM (SELECT job AS page_job");
        self.push_from(sql);
        sql.push(") CROSS JOIN jobs ON jobs.id = page_job WHERE ")
            .append(where_clause(&self.list.tenant, &self.rest));
    }
}

/// Returns the error code that a filter requires.
fn error_code(filter: &Filter) -> Option<&str> {
    match filter {
        Filter::Document(path, Check::Equal(value)) if path.is(Root::Errors, &["error_code"]) => {
            value.as_str()
        }
        _ => None,
    }
}
