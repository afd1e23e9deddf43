//! Keyword searches: the trigram index gives candidates, the jobs among which all matches are.
//!
//! Only the ids of the candidates are tested, not the id of every job. Where there are too many candidates, the plain
//! statements answer.

use crate::query::check::field::Column;
use crate::query::check::filter::{ColumnTest, Filter};
use crate::query::check::list::CheckedList;
use crate::query::list::order::order;
use crate::query::list::scan::ListScan;
use crate::query::list::select::{found, select};
use crate::query::list::statements::{self, PageSql, reads_by_id};
use crate::query::sql::Sql;
use crate::query::where_clause::where_clause;

/// The most candidates that are tested one by one.
pub const MAX_CANDIDATES: usize = 10_000;

/// A list in which the job id of every match contains one of some words.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidates {
    list: CheckedList,
    words: Vec<String>,
    /// Whether the total must be counted.
    counts: bool,
}

impl Candidates {
    /// The candidates of a list; `None` where the filter does not require a word.
    pub(super) fn new(list: &CheckedList) -> Option<Self> {
        let words = list
            .filter
            .conjuncts()
            .iter()
            .find_map(|filter| match filter {
                Filter::Column(Column::JobId, ColumnTest::Contains(words)) => Some(words),
                _ => None,
            })?;
        Some(Self {
            list: list.clone(),
            words: words.clone(),
            counts: list.page.limit.is_some(),
        })
    }

    /// Returns the list without its total.
    pub(super) fn without_total(self) -> Self {
        Self {
            counts: false,
            ..self
        }
    }

    /// The words, of which a candidate has one in its id.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Compiles all matches among these jobs, in order, on all pages.
    #[must_use]
    pub fn among(&self, jobs: &[i64]) -> PageSql {
        let by_id = self.list.projection.is_none();
        let mut sql = if by_id {
            Sql::new("SELECT jobs.id FROM ")
        } else {
            select(&self.list)
        };
        self.push_among(jobs, &mut sql);
        sql.append(order(&self.list));
        if by_id {
            PageSql::Ids(sql)
        } else {
            PageSql::Documents(sql)
        }
    }

    /// Compiles the number of matches among these jobs: one row with one integer.
    #[must_use]
    pub fn count_among(&self, jobs: &[i64]) -> Sql {
        let mut sql = Sql::new("SELECT count(*) FROM ");
        self.push_among(jobs, &mut sql);
        sql
    }

    fn push_among(&self, jobs: &[i64], sql: &mut Sql) {
        sql.append(found(&self.list, jobs))
            .push(" WHERE ")
            .append(where_clause(&self.list.tenant, &self.list.filter));
    }

    /// Returns the scan of the list, where the candidates are too many or unknown; `None` where a statement answers.
    #[must_use]
    pub fn scan(&self) -> Option<ListScan> {
        let scan = ListScan::new(&self.list, None)?;
        Some(if self.counts {
            scan
        } else {
            scan.without_total()
        })
    }

    /// Compiles the page, where the candidates are too many.
    #[must_use]
    pub fn page(&self) -> PageSql {
        statements::page(&self.list, reads_by_id(&self.list))
    }

    /// Returns whether the total must be counted: it is answered, and not all matches are rows of the page.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.counts
    }

    /// Compiles the number of matches, where the candidates are too many: one row with one integer.
    #[must_use]
    pub fn count(&self) -> Sql {
        statements::count(&self.list)
    }
}
