//! Pages by time of jobs of several statuses, collectors or projects, merged from one branch for each.
//!
//! An index has the jobs of each branch in the order of time, and SQLite merges the branches. Reading all jobs by time
//! would test many that do not match.

use crate::job::JobStatus;
use crate::query::check::field::{Column, FieldRef};
use crate::query::check::filter::{ColumnTest, Filter, equals};
use crate::query::check::list::{CheckedList, Order};
use crate::query::list::order::{TimeColumns, by_time};
use crate::query::list::page_ids::PageIds;
use crate::query::list::select::limit;
use crate::query::sql::{Param, Sql};
use crate::query::where_clause::where_clause;

/// The most branches that are merged.
const MAX_BRANCHES: usize = 24;
/// The most tests in all branches together: each branch repeats the common tests, and SQLite takes long to prepare
/// many.
const MAX_TESTS: usize = 240;

/// A filter split into branches, of which a job passes one.
struct Branches {
    /// The test of each branch.
    any: Vec<Filter>,
    /// The tests that all branches have in common.
    rest: Vec<Filter>,
}

impl Branches {
    /// Splits a filter; `None` where merging is not quicker.
    fn new(filter: &Filter) -> Option<Self> {
        let filters = filter.conjuncts();
        let (of_status, mut rest): (Vec<_>, Vec<_>) = filters.iter().cloned().partition(|filter| {
            let is_status = |field: &FieldRef| *field == FieldRef::Column(Column::Status);
            filter.is_decidable_in_memory() && filter.fields().iter().all(is_status)
        });
        let statuses: Vec<_> = JobStatus::ALL
            .into_iter()
            .filter(|status| {
                of_status
                    .iter()
                    .all(|filter| filter.holds(&|_| Some(status.name())))
            })
            .map(|status| equals(Column::Status, status.name()))
            .collect();
        let mut take = |column| {
            let (position, values) = rest
                .iter()
                .enumerate()
                .find_map(|(index, filter)| Some((index, values(filter, column)?)))?;
            rest.remove(position);
            Some(
                values
                    .into_iter()
                    .map(|value| equals(column, &value))
                    .collect::<Vec<_>>(),
            )
        };
        let any: Vec<_> = if let Some(collectors) = take(Column::CollectorId) {
            let with = |collector: &Filter| {
                let collector = collector.clone();
                let both = |status: &Filter| Filter::All(vec![collector.clone(), status.clone()]);
                statuses.iter().map(both).collect::<Vec<_>>()
            };
            collectors.iter().flat_map(with).collect()
        } else if let Some(projects) = take(Column::ProjectId) {
            rest.extend(of_status);
            projects
        } else if statuses.len() < JobStatus::ALL.len() {
            statuses
        } else {
            return None;
        };
        let tests: usize = rest.iter().map(|filter| 1 + filter.fields().len()).sum();
        let is_worth_it = (2..=MAX_BRANCHES).contains(&any.len()) && any.len() * tests <= MAX_TESTS;
        is_worth_it.then_some(Self { any, rest })
    }
}

/// Returns the values, each once, to which a filter limits a column; `None` where it sets no such limit.
fn values(filter: &Filter, column: Column) -> Option<Vec<String>> {
    let mut all = match filter {
        Filter::Column(of, ColumnTest::Equal(Param::Text(value))) if *of == column => {
            vec![value.clone()]
        }
        Filter::Column(of, ColumnTest::In(list)) if *of == column => list.texts().to_vec(),
        Filter::Any(filters) => {
            let lists = filters.iter().map(|filter| values(filter, column));
            lists.collect::<Option<Vec<_>>>()?.concat()
        }
        _ => return None,
    };
    all.sort_unstable();
    all.dedup();
    Some(all)
}

/// Compiles the page by time; `None` where merging is not quicker, or where all rows are answered.
pub(super) fn page(list: &CheckedList) -> Option<PageIds> {
    let (Order::Time { newest_first }, Some(_)) = (&list.order, list.page.limit) else {
        return None;
    };
    let Branches { any, rest } = Branches::new(&list.filter)?;
    let order = by_time(TimeColumns::PageIds, *newest_first);
    let mut ids = Sql::default();
    ids.join(
        " UNION ALL ",
        any.into_iter().map(|branch| {
            let filter = Filter::All([vec![branch], rest.clone()].concat()).flatten();
            let mut sql = Sql::new(
                "SELECT id AS page_job, created_at AS page_time, job_id AS page_id FROM jobs WHERE ",
            );
            sql.append(where_clause(&list.tenant, &filter));
            sql
        }),
    )
    .append(order.clone())
    .append(limit(list.page));
    Some(PageIds { ids, order })
}
