//! A page far down a list by time: counters determine the day, then the hour, in which it begins.
//!
//! SQLite would step through an index over all rows before the page, at 50 ns a row. Seeking the hour takes the same
//! time for every page.

use crate::job::PerStatus;
use crate::query::check::field::Column;
use crate::query::check::filter::{ColumnTest, Filter};
use crate::query::check::list::{CheckedList, Order};
use crate::query::counters::in_memory::ByStatus;
use crate::query::eval::value::Comparison;
use crate::query::list::statements::{self, PageSql, reads_by_id};
use crate::query::sql::Param;
use crate::time::{HOUR_MILLIS, Timestamp};

/// The least number of skipped rows for which seeking the hour is quicker.
const MIN_SKIP: u64 = 500;

/// A page far down a list by time, of jobs of some statuses or of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Seek {
    list: CheckedList,
    statuses: PerStatus<bool>,
    newest_first: bool,
}

/// The day or hour in which a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The number of the span, a day or an hour, since the start of the year 0000.
    pub span: i64,
    /// The number of rows before that span.
    pub passed: u64,
}

impl Seek {
    /// A page far down a list; `None` where the page is near, or where the list is not by time.
    ///
    /// The filter must test nothing but the status, and `statuses` are those that pass it.
    pub(super) fn new(list: &CheckedList, statuses: PerStatus<bool>) -> Option<Self> {
        let Order::Time { newest_first } = list.order else {
            return None;
        };
        (list.page.skip >= MIN_SKIP).then(|| Self {
            list: list.clone(),
            statuses,
            newest_first,
        })
    }

    /// Finds the span in which the page begins, among spans in ascending order; `None` where the page is after the last
    /// row.
    ///
    /// `passed` is the number of rows before these spans.
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
            let jobs = counts.sum_of(&self.statuses);
            let end = passed + u64::try_from(jobs).unwrap_or(0);
            if end > self.list.page.skip {
                return Some(Start {
                    span: *span,
                    passed,
                });
            }
            passed = end;
        }
        None
    }

    /// Compiles the page, given the hour in which it begins.
    #[must_use]
    pub fn page_from(&self, hour: Start) -> PageSql {
        let edge = |hour: i64| Param::Integer(hour * HOUR_MILLIS + Timestamp::MIN.millis());
        let bound = if self.newest_first {
            ColumnTest::Compare(Comparison::Lt, edge(hour.span + 1))
        } else {
            ColumnTest::Compare(Comparison::Gte, edge(hour.span))
        };
        let mut rest = self.list.clone();
        rest.filter =
            Filter::All(vec![rest.filter, Filter::Column(Column::CreatedAt, bound)]).flatten();
        rest.page.skip -= hour.passed;
        statements::page(&rest, reads_by_id(&rest))
    }

    /// Compiles the page without counters, where there are too many days to hold in memory.
    #[must_use]
    pub fn page(&self) -> PageSql {
        statements::page(&self.list, reads_by_id(&self.list))
    }
}
