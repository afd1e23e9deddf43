//! The counts that the database keeps, and what can be answered from them instead of from the jobs themselves.
//!
//! Each use is a step of its own that leaves the answer as it was: the total of a list, a group that only counts, the
//! different values of a column, and the day in which a page far down a list begins.

use super::field::Column;
use super::filter::{ALWAYS, ColumnTest, Filter};
use super::scope::Scope;
use super::sql::Sql;

/// A table of kept counts. Its columns have the names that they have in `jobs`, so SQL over those holds as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// By domain and status.
    Statuses,
    /// By domain, collector and status; a job without a collector is in none of its rows.
    Collectors,
    /// By domain, status and `day`: days since the first moment of the year 0000.
    Days,
}

impl Counts {
    fn table(self) -> &'static str {
        match self {
            Self::Statuses => "status_counts",
            Self::Collectors => "collector_counts",
            Self::Days => "day_counts",
        }
    }

    /// The counts from which the number of matches can be told.
    pub(crate) fn for_filter(filter: &Filter) -> Option<Self> {
        let columns = filter.columns()?;
        if columns.iter().all(|column| *column == Column::Status) {
            return Some(Self::Statuses);
        }
        let is_kept = |column: &Column| matches!(column, Column::Status | Column::CollectorId);
        (columns.iter().all(is_kept) && rules_out_no_collector(filter)).then_some(Self::Collectors)
    }

    /// The counts from which groups can be told whose keys are these columns; that of [`Column::CreatedAt`] is its day.
    pub(crate) fn for_group(keys: &[Column], filter: &Filter) -> Option<Self> {
        let filtered = filter.columns()?;
        let asks_for = |column| keys.contains(&column) || filtered.contains(&column);
        let is_kept = |column: &Column| matches!(column, Column::Status | Column::CollectorId);
        let is_key = |column: &Column| is_kept(column) || *column == Column::CreatedAt;
        if !filtered.iter().all(is_kept) || !keys.iter().all(is_key) {
            return None;
        }
        match (
            asks_for(Column::CollectorId),
            keys.contains(&Column::CreatedAt),
        ) {
            (true, true) => None,
            (true, false) => Some(Self::Collectors),
            (false, true) => Some(Self::Days),
            (false, false) => Some(Self::Statuses),
        }
    }

    /// `SELECT *` of the counts of a scope as far as the filter wants them: their columns, and `jobs`, never 0.
    pub(crate) fn rows(self, scope: &Scope, filter: &Filter) -> Sql {
        let mut sql = Sql::new("SELECT * FROM ");
        if self == Self::Collectors && !rules_out_no_collector(filter) {
            // The jobs without a collector are those of a status that no collector has.
            sql.push("(SELECT collector_id, status, jobs FROM collector_counts WHERE ")
                .append(scope.lower(&ALWAYS))
                .push(
                    " UNION ALL SELECT NULL, status, jobs - ifnull((SELECT sum(c.jobs) FROM collector_counts AS c \
                     WHERE c.domain = s.domain AND c.status = s.status), 0) FROM status_counts AS s WHERE ",
                )
                .append(scope.lower(&ALWAYS))
                .push(") WHERE (")
                .append(filter.lower_inside(scope))
                .push(")");
        } else {
            sql.push(self.table())
                .push(" WHERE ")
                .append(scope.lower(filter));
        }
        sql.push(" AND jobs > 0");
        sql
    }

    /// All the counts of a scope that are not 0, at most so many: the columns of their key, then `jobs`.
    pub(crate) fn all(self, scope: &Scope, most: i64) -> Sql {
        let mut sql = Sql::new(match self {
            Self::Statuses => "SELECT status, jobs FROM status_counts WHERE ",
            Self::Collectors => "SELECT collector_id, status, jobs FROM collector_counts WHERE ",
            Self::Days => "SELECT day, status, jobs FROM day_counts WHERE ",
        });
        sql.append(scope.lower(&ALWAYS))
            .push(" AND jobs > 0 LIMIT ")
            .bind(most);
        sql
    }

    /// The number of matches of a scope, one row with one integer.
    pub(crate) fn total(self, scope: &Scope, filter: &Filter) -> Sql {
        let mut sql = Sql::new("SELECT ifnull(sum(jobs), 0) FROM ");
        sql.push(self.table())
            .push(" WHERE ")
            .append(scope.lower(filter));
        sql
    }
}

/// What is true of a missing collector would miss the jobs that have none, so a filter must rule them out.
fn rules_out_no_collector(filter: &Filter) -> bool {
    let rules_out = |filter: &Filter| matches!(filter, Filter::Column(Column::CollectorId, test) if *test != ColumnTest::IsNull);
    match filter {
        Filter::All(all) => all.iter().any(rules_out),
        other => rules_out(other),
    }
}
