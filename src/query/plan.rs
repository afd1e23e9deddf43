//! Quicker ways to the rows of a list than the statement that always holds. Each is a step of its own that leaves the
//! answer as it was; which is taken hangs on the filter and the order, never on a value.
//!
//! - A page far down a list by time begins in a day and an hour that kept counts tell: [`FarPage`].
//! - Jobs with an error of a given code stand in a table of their own, by time: [`rows_by_error`].
//! - Jobs whose id has given characters are few, and known beforehand: [`List::among`].

use super::counted::ByStatus;
use super::counts::Counts;
use super::field::Column;
use super::filter::{ALWAYS, ColumnTest, Filter};
use super::list::{List, Order, cut};
use super::predicate::Check;
use super::scope::Scope;
use super::sql::Sql;
use crate::job::JobStatus;
use crate::time::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// From how many rows on that are passed over it pays to find the hour first: walking an index costs 50 ns a row.
const FAR: u64 = 500;

/// A page far down a list by time, of jobs of some statuses or of all.
#[derive(Debug, Clone, PartialEq)]
pub struct FarPage {
    /// Who asks.
    pub(crate) scope: Scope,
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

impl FarPage {
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

    /// The hours of a day, ascending: hour, status, jobs.
    #[must_use]
    pub fn hours(&self, day: i64) -> Sql {
        const HOURS: i64 = DAY_MILLIS / HOUR_MILLIS;
        let mut sql = Sql::new("SELECT hour, status, jobs FROM hour_counts WHERE ");
        sql.append(self.scope.lower(&ALWAYS))
            .push(" AND hour >= ")
            .bind(day * HOURS)
            .push(" AND hour < ")
            .bind((day + 1) * HOURS)
            .push(" ORDER BY hour");
        sql
    }
}

impl List {
    /// The page, where it is far down a list by time and the filter asks for no more than the status.
    #[must_use]
    pub fn far_page(&self) -> Option<FarPage> {
        let Order::Time { newest_first } = self.order else {
            return None;
        };
        let is_known = Counts::for_filter(&self.filter) == Some(Counts::Statuses);
        if !is_known || !self.filter.is_plain() || self.page.skip < FAR {
            return None;
        }
        let statuses = JobStatus::ALL.map(|status| self.filter.holds(&|_| Some(status.name())));
        Some(FarPage {
            scope: self.scope.clone(),
            statuses,
            skip: self.page.skip,
            newest_first,
        })
    }

    /// The rows of a far page that begins in an hour; as [`List::rows`].
    #[must_use]
    pub fn rows_from(&self, page: &FarPage, hour: Start) -> Sql {
        let mut sql = self.selected();
        sql.push(self.table())
            .push(" WHERE ")
            .append(self.scope.lower(&self.filter));
        let edge = |hour: i64| hour * HOUR_MILLIS + Timestamp::MIN.millis();
        if page.newest_first {
            sql.push(" AND created_at < ").bind(edge(hour.span + 1));
        } else {
            sql.push(" AND created_at >= ").bind(edge(hour.span));
        }
        sql.append(self.ordered());
        if let Some(limit) = self.page.limit {
            sql.append(cut(limit, self.page.skip - hour.passed));
        }
        sql
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
            .append(self.scope.lower(&self.filter));
    }
}

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
        let filters = match &list.filter {
            Filter::All(filters) => filters.as_slice(),
            one => std::slice::from_ref(one),
        };
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
pub(super) fn rows_by_error(list: &List) -> Option<Sql> {
    match list.order {
        Order::Time { newest_first } => Some(ByError::new(list)?.rows(newest_first)),
        Order::Other(_) => None,
    }
}

/// Their number; as [`List::count`].
pub(super) fn count_by_error(list: &List) -> Option<Sql> {
    Some(ByError::new(list)?.count())
}
