//! Lists that a scan of the columns answers: in an order that no index has, or by a filter that no index has.

use crate::query::check::field::{Column, DocumentPath, Root};
use crate::query::check::filter::{ColumnTest, Filter};
use crate::query::check::list::{CheckedList, Order, OrderKey};
use crate::query::counters::tables::{self, CounterTable};
use crate::query::index_hints::is_selective;
use crate::query::list::select::{found, select};
use crate::query::list::statements::{self, PageSql, reads_by_id};
use crate::query::scan::{BlockFilter, Source, Term, TopScan};
use crate::query::sql::Sql;

/// A list that is answered by a scan.
#[derive(Debug, Clone, PartialEq)]
pub struct ListScan {
    list: CheckedList,
    scan: TopScan,
    /// Whether the total is wanted.
    counts: bool,
    /// Selects the total from counters, where they have it.
    counted: Option<Sql>,
}

impl ListScan {
    /// The scan of a list; `None` where a statement answers as fast, or only a statement can.
    ///
    /// `table` is [`CounterTable::for_filter`] of the filter.
    pub(super) fn new(list: &CheckedList, table: Option<CounterTable>) -> Option<Self> {
        let count = if list.count_only {
            0
        } else {
            let limit = list.page.limit?;
            list.page.skip.saturating_add(limit)
        };
        let needs_no_order = list.count_only || matches!(list.order, Order::Time { .. });
        let is_indexed = || !list.filter.needs_rows() && !has_pattern(&list.filter);
        let counted = || tables::total(&list.tenant, &list.filter, table);
        if count > TopScan::MAX_COUNT
            || needs_no_order && is_indexed()
            || list.count_only && counted().is_some()
            || is_selective(&list.filter)
        {
            return None;
        }
        let counted = counted();
        let scan = TopScan {
            tenant: list.tenant.clone(),
            filter: list.filter.clone(),
            terms: terms(&list.order)?,
            count: usize::try_from(count).ok()?,
            counts: counted.is_none(),
        };
        BlockFilter::new(&scan.tenant, &scan.filter)?;
        Some(Self {
            list: list.clone(),
            scan,
            counts: true,
            counted,
        })
    }

    /// Returns the list without its total.
    pub(super) fn without_total(mut self) -> Self {
        self.counts = false;
        self.scan.counts = false;
        self
    }

    /// The scan, which gives the jobs up to the end of the page, and the total.
    #[must_use]
    pub fn scan(&self) -> &TopScan {
        &self.scan
    }

    /// Selects the total from counters, which the scan then does not count; `None` where it does, or no total is wanted.
    #[must_use]
    pub fn counted(&self) -> Option<&Sql> {
        self.counted.as_ref().filter(|_| self.counts)
    }

    /// Returns the jobs of the page among those up to its end.
    #[must_use]
    pub fn of_page<'j>(&self, jobs: &'j [i64]) -> &'j [i64] {
        let skip = usize::try_from(self.list.page.skip).unwrap_or(usize::MAX);
        jobs.get(skip..).unwrap_or(&[])
    }

    /// Compiles the documents of these jobs, in this order; `None` where they are read one by one by their ids.
    #[must_use]
    pub fn documents(&self, jobs: &[i64]) -> Option<Sql> {
        if reads_by_id(&self.list) {
            return None;
        }
        let mut sql = select(&self.list);
        sql.append(found(&self.list, jobs))
            .push(" WHERE ")
            .append(self.list.tenant.condition())
            .push(" ORDER BY found.key");
        Some(sql)
    }

    /// Compiles the page, where a statement must answer; `None` where no rows are wanted.
    #[must_use]
    pub fn page(&self) -> Option<PageSql> {
        (!self.list.count_only).then(|| statements::page(&self.list, reads_by_id(&self.list)))
    }

    /// Compiles the number of matches, where a statement must answer; `None` where it is not wanted.
    #[must_use]
    pub fn count(&self) -> Option<Sql> {
        self.counts.then(|| statements::count(&self.list))
    }
}

/// Whether a filter has a test that an index can only answer by reading all of it.
fn has_pattern(filter: &Filter) -> bool {
    match filter {
        Filter::All(filters) | Filter::Any(filters) => filters.iter().any(has_pattern),
        Filter::Not(filter) => has_pattern(filter),
        Filter::Column(_, test) => {
            matches!(test, ColumnTest::Matches(_) | ColumnTest::Contains(_))
        }
        Filter::Document(..) => false,
    }
}

/// Returns the terms of an order; `None` where blocks do not have a value.
fn terms(order: &Order) -> Option<Vec<Term>> {
    let term = |key: Source, desc: bool| Term { key, desc };
    match order {
        Order::Time { newest_first } => Some(vec![
            term(Source::of_column(Column::CreatedAt)?, *newest_first),
            term(Source::JobId, !*newest_first),
        ]),
        Order::Terms(terms) => terms
            .iter()
            .map(|one| {
                let key = match &one.key {
                    OrderKey::Column(column) => Source::of_column(*column)?,
                    OrderKey::Document(DocumentPath {
                        root: Root::CollectorInfo,
                        below,
                    }) => Source::Collector(below.clone()),
                    OrderKey::Document(_) => return None,
                };
                Some(term(key, one.desc))
            })
            .collect(),
    }
}
