//! Quicker ways to the rows of a list than the statement that always holds. Each is a step of its own that leaves the
//! answer as it was.
//!
//! - A page far down a list by time begins in a day and an hour that kept counts tell: [`Seek`].
//! - Jobs with an error of a given code stand in a table of their own, by time: `errors`.
//! - Jobs of several statuses, collectors or projects are those of each, merged: `branches`.
//! - The rows of an order that no index has are found by what the order is of, and read afterwards: `sorted`.
//! - Jobs whose id has given characters are few, and known beforehand: [`List::among`].

use crate::job::JobStatus;
use crate::query::check::field::Column;
use crate::query::check::filter::{ColumnTest, Filter};
use crate::query::counters::group::ByStatus;
use crate::query::counters::tables::CounterTable;
use crate::query::eval::value::Comparison;
use crate::query::list::plan::{List, Order};
use crate::query::list::{error_code, merge, sort};
use crate::query::sql::{Param, Sql};
use crate::query::tenant::Tenant;
use crate::query::where_clause::where_clause;
use crate::time::{HOUR_MILLIS, Timestamp};

/// From how many rows on that are passed over it pays to find the hour first: walking an index costs 50 ns a row.
const FAR: u64 = 500;

/// A page far down a list by time, of jobs of some statuses or of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Seek {
    /// Who asks.
    pub(crate) tenant: Tenant,
    statuses: [bool; 6],
    skip: u64,
    newest_first: bool,
}

/// Where a page begins, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// A span of time: its number since the first moment of the year 0000.
    pub span: i64,
    /// How many rows come before that span.
    pub passed: u64,
}

impl Seek {
    /// The span in which the page begins, of spans that follow each other in time; `passed` rows come before them all.
    /// `None`: the page lies behind the end.
    pub fn find<'s>(
        &self,
        spans: impl DoubleEndedIterator<Item = &'s (i64, ByStatus)>,
        passed: u64,
    ) -> Option<Start> {
        if self.newest_first {
            self.walk(spans.rev(), passed)
        } else {
            self.walk(spans, passed)
        }
    }

    fn walk<'s>(
        &self,
        spans: impl Iterator<Item = &'s (i64, ByStatus)>,
        mut passed: u64,
    ) -> Option<Start> {
        for (span, counts) in spans {
            let jobs = counts.iter().zip(self.statuses);
            let jobs: i64 = jobs
                .filter_map(|(jobs, passes)| passes.then_some(*jobs))
                .sum();
            let upto = passed + u64::try_from(jobs).unwrap_or(0);
            if upto > self.skip {
                return Some(Start {
                    span: *span,
                    passed,
                });
            }
            passed = upto;
        }
        None
    }
}

/// A page whose jobs are found by what its order is of, without a row being read whole.
#[derive(Debug)]
pub(in crate::query) struct PageIds {
    /// The page's jobs in their order: first their ids under the name `page_job`, then what `order` is of.
    pub(super) ids: Sql,
    pub(super) order: Sql,
}

/// The page of a list that is found so in a quicker way than by the statement that always holds.
pub(in crate::query) fn found(list: &List) -> Option<PageIds> {
    if error_code::has(list) {
        return error_code::page(list);
    }
    merge::page(list).or_else(|| sort::page(list))
}

impl PageIds {
    pub(in crate::query) fn into_ids(self) -> Sql {
        self.ids
    }

    /// The rows of the page.
    pub(in crate::query) fn rows(self, list: &List) -> Sql {
        let mut sql = list.selected();
        sql.push("(")
            .append(self.ids)
            .push(") CROSS JOIN ")
            .push(list.table())
            .push(" ON jobs.id = page_job WHERE ")
            .append(list.tenant.condition())
            .append(self.order);
        sql
    }
}

/// The order of a page by `page_time` and `page_id`.
pub(super) fn by_page_time(newest_first: bool) -> Sql {
    Sql::new(if newest_first {
        " ORDER BY page_time DESC, page_id"
    } else {
        " ORDER BY page_time, page_id DESC"
    })
}

impl List {
    /// The page, where it is far down a list by time and the filter asks for no more than the status.
    #[must_use]
    pub fn far_page(&self) -> Option<Seek> {
        let Order::Time { newest_first } = self.order else {
            return None;
        };
        let is_known = CounterTable::for_filter(&self.filter) == Some(CounterTable::Statuses);
        if !is_known || !self.filter.is_decidable_in_memory() || self.page.skip < FAR {
            return None;
        }
        let statuses = JobStatus::ALL.map(|status| self.filter.holds(&|_| Some(status.name())));
        Some(Seek {
            tenant: self.tenant.clone(),
            statuses,
            skip: self.page.skip,
            newest_first,
        })
    }

    /// The list that begins in an hour, and whose page is this one's, a far page.
    #[must_use]
    pub fn from_hour(&self, page: &Seek, hour: Start) -> Self {
        let edge = |hour: i64| Param::Integer(hour * HOUR_MILLIS + Timestamp::MIN.millis());
        let bound = if page.newest_first {
            ColumnTest::Compare(Comparison::Lt, edge(hour.span + 1))
        } else {
            ColumnTest::Compare(Comparison::Gte, edge(hour.span))
        };
        let mut rest = self.clone();
        rest.filter = Filter::All(vec![
            self.filter.clone(),
            Filter::Column(Column::CreatedAt, bound),
        ])
        .flatten();
        rest.page.skip -= hour.passed;
        rest
    }

    /// Words of which every match has one in its job id.
    #[must_use]
    pub fn words(&self) -> Option<&[String]> {
        let words = |filter: &'_ Filter| {
            matches!(
                filter,
                Filter::Column(Column::JobId, ColumnTest::Contains(_))
            )
        };
        let found = match &self.filter {
            Filter::All(filters) => filters.iter().find(|filter| words(filter))?,
            other => other,
        };
        match found {
            Filter::Column(Column::JobId, ColumnTest::Contains(words)) => Some(words),
            _ => None,
        }
    }

    /// All matches among these jobs, in the order of the list, whatever its page; as [`List::rows`].
    #[must_use]
    pub fn among(&self, jobs: &[i64]) -> Sql {
        let mut sql = self.selected();
        self.push_among(jobs, &mut sql);
        sql.append(self.ordered());
        sql
    }

    /// Their ids.
    #[must_use]
    pub fn ids_among(&self, jobs: &[i64]) -> Sql {
        let mut sql = Sql::new("SELECT jobs.id FROM ");
        self.push_among(jobs, &mut sql);
        sql.append(self.ordered());
        sql
    }

    /// How many matches there are among these jobs; as [`List::count`].
    #[must_use]
    pub fn count_among(&self, jobs: &[i64]) -> Sql {
        let mut sql = Sql::new("SELECT count(*) FROM ");
        self.push_among(jobs, &mut sql);
        sql
    }

    fn push_among(&self, jobs: &[i64], sql: &mut Sql) {
        // Integers: nothing that serialising refuses.
        let jobs = serde_json::to_string(jobs).unwrap_or_default();
        sql.push("json_each(")
            .bind(jobs)
            .push(") AS found CROSS JOIN ")
            .push(self.table())
            .push(" ON jobs.id = found.value WHERE ")
            .append(where_clause(&self.tenant, &self.filter));
    }
}
