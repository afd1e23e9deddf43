//! Kept counts in memory: what a connection has read of them, for as long as the data is the same.
//!
//! Rule: SQLite, `PRAGMA data_version`: within a connection the number changes when another has committed; asked within a
//! read transaction, it is that of what the transaction sees. A connection that reads makes no changes of its own, so
//! what was read under a number holds wherever the number is the same, and a write is seen by the next read.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, params_from_iter};

use crate::job::JobStatus;
use crate::query::counted::{ByCollector, ByDay, ByStatus, DayLabels};
use crate::query::counts::Counts;
use crate::query::scope::Scope;

/// The most rows of counts of a domain that are held; where there are more, SQLite adds them up each time.
const MOST_ROWS: i64 = 50_000;
/// The most domains of which a connection holds counts.
const MOST_DOMAINS: usize = 16;
/// The most formats of which the labels of days are held.
const MOST_FORMATS: usize = 8;

/// The counts that a connection holds.
#[derive(Debug, Default)]
pub(super) struct KeptCounts(RefCell<Held>);

#[derive(Debug, Default)]
struct Held {
    /// That of all that is held.
    version: i64,
    domains: HashMap<String, Domain>,
}

#[derive(Debug, Default)]
struct Domain {
    days: Known<(ByDay, DayLabels)>,
    collectors: Known<ByCollector>,
}

#[derive(Debug, Default)]
enum Known<T> {
    #[default]
    NotRead,
    TooMany,
    Here(T),
}

impl KeptCounts {
    /// Does something with the days of a domain, and what formats made of them; `None` where they are too many.
    ///
    /// The connection must be in a transaction.
    pub(super) fn with_days<T>(
        &self,
        connection: &Connection,
        scope: &Scope,
        act: impl FnOnce(&ByDay, &mut DayLabels) -> T,
    ) -> rusqlite::Result<Option<T>> {
        self.with(connection, scope, |domain| {
            if matches!(domain.days, Known::NotRead) {
                domain.days = match read_days(connection, scope)? {
                    Some(days) => Known::Here((days, DayLabels::new())),
                    None => Known::TooMany,
                };
            }
            let Known::Here((days, labels)) = &mut domain.days else {
                return Ok(None);
            };
            if labels.len() >= MOST_FORMATS {
                labels.clear();
            }
            Ok(Some(act(days, labels)))
        })
    }

    /// As [`KeptCounts::with_days`], of the collectors.
    pub(super) fn with_collectors<T>(
        &self,
        connection: &Connection,
        scope: &Scope,
        act: impl FnOnce(&ByCollector) -> T,
    ) -> rusqlite::Result<Option<T>> {
        self.with(connection, scope, |domain| {
            if matches!(domain.collectors, Known::NotRead) {
                domain.collectors = match read_collectors(connection, scope)? {
                    Some(collectors) => Known::Here(collectors),
                    None => Known::TooMany,
                };
            }
            Ok(match &domain.collectors {
                Known::Here(collectors) => Some(act(collectors)),
                _ => None,
            })
        })
    }

    fn with<T>(
        &self,
        connection: &Connection,
        scope: &Scope,
        act: impl FnOnce(&mut Domain) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let version = connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        let mut held = self.0.borrow_mut();
        if held.version != version || held.domains.len() > MOST_DOMAINS {
            held.domains.clear();
            held.version = version;
        }
        if let Some(domain) = held.domains.get_mut(scope.domain_id()) {
            return act(domain);
        }
        act(held
            .domains
            .entry(scope.domain_id().to_owned())
            .or_default())
    }
}

fn read_days(connection: &Connection, scope: &Scope) -> rusqlite::Result<Option<ByDay>> {
    let mut days: BTreeMap<i64, ByStatus> = BTreeMap::new();
    let is_all = read(connection, Counts::Days, scope, |row| {
        days.entry(row.get(0)?).or_default()[status(row, 1)? as usize] += row.get::<_, i64>(2)?;
        Ok(())
    })?;
    Ok(is_all.then(|| days.into_iter().collect()))
}

fn read_collectors(
    connection: &Connection,
    scope: &Scope,
) -> rusqlite::Result<Option<ByCollector>> {
    let mut collectors: HashMap<Option<String>, ByStatus> = HashMap::new();
    let is_all = read(connection, Counts::Collectors, scope, |row| {
        let counts = collectors.entry(row.get(0)?).or_default();
        counts[status(row, 1)? as usize] += row.get::<_, i64>(2)?;
        Ok(())
    })?;
    Ok(is_all.then(|| ByCollector::new(collectors.into_iter().collect())))
}

/// Reads counts; tells whether they are all there are.
fn read(
    connection: &Connection,
    counts: Counts,
    scope: &Scope,
    mut each: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<bool> {
    let sql = counts.all(scope, MOST_ROWS + 1);
    let mut statement = connection.prepare_cached(sql.text())?;
    let mut rows = statement.query(params_from_iter(sql.params()))?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        each(row)?;
        count += 1;
    }
    Ok(count <= MOST_ROWS)
}

pub(super) fn status(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<JobStatus> {
    let name = row.get_ref(column)?.as_str()?;
    JobStatus::from_name(name).ok_or_else(|| {
        let problem = format!("unknown status {name}");
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            problem.into(),
        )
    })
}
