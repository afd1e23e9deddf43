//! The counter tables of the database, and the SQL that reads them instead of the jobs: for the total of a list, a
//! group that only counts, the distinct values of a column, and the day in which a page far down a list begins.

use crate::query::check::field::{Column, FieldRef};
use crate::query::check::filter::{ColumnTest, Filter};
use crate::query::eval::value::Comparison;
use crate::query::sql::{Param, Sql};
use crate::query::tenant::Tenant;
use crate::query::where_clause::where_clause;
use crate::time::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// The hours of a day.
const HOURS: i64 = DAY_MILLIS / HOUR_MILLIS;

/// A table of counters by status and one other field. Its columns have the names that they have in `jobs`, so the same
/// WHERE clause selects from either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CounterTable {
    /// By status alone.
    Statuses,
    /// By collector.
    Collectors,
    /// By `collector_info`: the key of a table of collectors.
    CollectorInfos,
    /// By project.
    Projects,
    /// By `day`: days since the start of the year 0000.
    Days,
}

impl CounterTable {
    fn table(self) -> &'static str {
        match self {
            Self::Statuses => "status_counts",
            Self::Collectors => "collector_counts",
            Self::CollectorInfos => "collector_info_counts",
            Self::Projects => "project_counts",
            Self::Days => "day_counts",
        }
    }

    /// Whether the counters tell jobs apart by a field.
    fn has(self, field: FieldRef) -> bool {
        match field {
            FieldRef::Column(Column::Status) => true,
            FieldRef::Column(Column::CollectorId) => self == Self::Collectors,
            FieldRef::Column(Column::ProjectId) => self == Self::Projects,
            FieldRef::CollectorInfo => self == Self::CollectorInfos,
            FieldRef::Day => self == Self::Days,
            FieldRef::Column(_) | FieldRef::Elsewhere => false,
        }
    }

    /// Returns the smallest table that has all these fields.
    fn for_all(fields: &[FieldRef]) -> Option<Self> {
        [
            Self::Statuses,
            Self::Collectors,
            Self::CollectorInfos,
            Self::Projects,
            Self::Days,
        ]
        .into_iter()
        .find(|table| fields.iter().all(|field| table.has(*field)))
    }

    /// Returns the table that can count the matches of a filter.
    pub(crate) fn for_filter(filter: &Filter) -> Option<Self> {
        Self::for_all(&filter.fields())
    }

    /// Returns the table that can count the groups by these keys.
    pub(crate) fn for_group(keys: &[FieldRef], filter: &Filter) -> Option<Self> {
        Self::for_all(&[keys, &filter.fields()].concat())
    }

    /// Selects the counters of a tenant that pass a filter and are not 0.
    fn rows(self, tenant: &Tenant, filter: &Filter) -> Sql {
        let mut sql = Sql::new("SELECT * FROM ");
        sql.push(self.table())
            .push(" WHERE ")
            .append(where_clause(tenant, filter))
            .push(" AND jobs > 0");
        sql
    }

    /// Selects the counters of a tenant that are not 0, at most `limit`: the columns of their key, then `jobs`.
    pub(crate) fn all(self, tenant: &Tenant, limit: i64) -> Sql {
        let mut sql = Sql::new(match self {
            Self::Statuses => "SELECT status",
            Self::Collectors => "SELECT collector_id, status",
            Self::CollectorInfos => "SELECT collector_info, status",
            Self::Projects => "SELECT project_id, status",
            Self::Days => "SELECT day, status",
        });
        sql.push(", jobs FROM ")
            .push(self.table())
            .push(" WHERE ")
            .append(tenant.condition())
            .push(" AND jobs > 0 LIMIT ")
            .bind(limit);
        sql
    }
}

/// Selects the counters that count groups by these keys, of a tenant's jobs that pass a filter; `None` where there are
/// none.
///
/// The rows have the columns of the keys, and `jobs`, never 0. (The day of a job is the column `day`.)
pub(crate) fn rows(keys: &[FieldRef], tenant: &Tenant, filter: &Filter) -> Option<Sql> {
    if let Some(counts) = CounterTable::for_group(keys, filter) {
        return Some(counts.rows(tenant, filter));
    }
    let is_in_range_rows =
        |key: &FieldRef| matches!(key, FieldRef::Day | FieldRef::Column(Column::Status));
    let range = Range::from_filter(filter).filter(|_| keys.iter().all(is_in_range_rows))?;
    Some(range.rows(tenant))
}

/// Selects the number of jobs of each status in the hours of a day, ascending: hour, status, jobs.
pub(crate) fn hours(tenant: &Tenant, day: i64) -> Sql {
    let mut sql = Sql::new("SELECT hour, status, jobs FROM hour_counts WHERE ");
    sql.append(tenant.condition())
        .push(" AND hour >= ")
        .bind(day * HOURS)
        .push(" AND hour < ")
        .bind((day + 1) * HOURS)
        .push(" ORDER BY hour");
    sql
}

/// Selects the number of matches of a tenant from counters: one row with one integer. `None` where no counters have it.
///
/// `table` is [`CounterTable::for_filter`] of the filter.
pub(crate) fn total(tenant: &Tenant, filter: &Filter, table: Option<CounterTable>) -> Option<Sql> {
    let mut sql = Sql::new("SELECT ifnull(sum(jobs), 0) FROM ");
    if let Some(counts) = table {
        sql.push(counts.table())
            .push(" WHERE ")
            .append(where_clause(tenant, filter));
    } else {
        sql.push("(")
            .append(Range::from_filter(filter)?.rows(tenant))
            .push(")");
    }
    Some(sql)
}

/// A range of `created_at`. Counters have its whole days and hours; the jobs at its edges are counted one by one.
struct Range {
    /// The start, in ms.
    from: i64,
    /// The end, exclusive, in ms.
    to: i64,
    /// The other tests, all of the status.
    rest: Filter,
}

impl Range {
    /// Returns the range that a filter requires; `None` where it requires none, or also tests a field other than the
    /// status.
    fn from_filter(filter: &Filter) -> Option<Self> {
        let filters = filter.conjuncts();
        let (mut from, mut to) = (Timestamp::MIN.millis(), Timestamp::MAX.millis() + 1);
        let mut rest = Vec::new();
        for filter in filters {
            match filter {
                Filter::Column(
                    Column::CreatedAt,
                    ColumnTest::Compare(comparison, Param::Integer(time)),
                ) => match comparison {
                    Comparison::Gte => from = from.max(*time),
                    Comparison::Gt => from = from.max(*time + 1),
                    Comparison::Lt => to = to.min(*time),
                    Comparison::Lte => to = to.min(*time + 1),
                },
                other => rest.push(other.clone()),
            }
        }
        let is_of_status = |one: &FieldRef| *one == FieldRef::Column(Column::Status);
        let is_range = rest.len() < filters.len() && from < to;
        let rest = Filter::All(rest);
        (is_range && rest.fields().iter().all(is_of_status)).then_some(Self { from, to, rest })
    }

    /// Selects `status`, `day` and `jobs`, never 0.
    fn rows(&self, tenant: &Tenant) -> Sql {
        let since = |time: i64| time - Timestamp::MIN.millis();
        let start_of = |hour: i64| hour * HOUR_MILLIS + Timestamp::MIN.millis();
        // The whole hours, and among them the whole days.
        let first_hour = since(self.from + HOUR_MILLIS - 1) / HOUR_MILLIS;
        let end_hour = (since(self.to) / HOUR_MILLIS).max(first_hour);
        let first_day = (first_hour + HOURS - 1) / HOURS;
        let end_day = (end_hour / HOURS).max(first_day);
        let first_day_hour = (first_day * HOURS).min(end_hour);
        let end_day_hour = (end_day * HOURS).clamp(first_day_hour, end_hour);
        let mut parts = Vec::new();
        if first_day < end_day {
            let mut sql = Sql::new("SELECT status, day, jobs FROM day_counts WHERE ");
            sql.append(where_clause(tenant, &self.rest))
                .push(" AND day >= ")
                .bind(first_day)
                .push(" AND day < ")
                .bind(end_day)
                .push(" AND jobs > 0");
            parts.push(sql);
        }
        for (first, end) in [(first_hour, first_day_hour), (end_day_hour, end_hour)] {
            if first < end {
                let mut sql = Sql::new("SELECT status, hour / ");
                sql.bind(HOURS)
                    .push(" AS day, jobs FROM hour_counts WHERE ")
                    .append(where_clause(tenant, &self.rest))
                    .push(" AND hour >= ")
                    .bind(first)
                    .push(" AND hour < ")
                    .bind(end)
                    .push(" AND jobs > 0");
                parts.push(sql);
            }
        }
        let first_hour_start = start_of(first_hour).min(self.to);
        let end_hour_start = start_of(end_hour).max(first_hour_start);
        for (first, end) in [(self.from, first_hour_start), (end_hour_start, self.to)] {
            if first < end {
                let mut sql = Sql::new("SELECT status, (created_at - ");
                sql.bind(Timestamp::MIN.millis())
                    .push(") / ")
                    .bind(DAY_MILLIS)
                    .push(" AS day, 1 AS jobs FROM jobs WHERE ")
                    .append(where_clause(tenant, &self.rest))
                    .push(" AND created_at >= ")
                    .bind(first)
                    .push(" AND created_at < ")
                    .bind(end);
                parts.push(sql);
            }
        }
        let mut sql = Sql::default();
        sql.join(" UNION ALL ", parts);
        sql
    }
}
