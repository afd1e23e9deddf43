//! Running compiled queries.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{BUSY_TIMEOUT, Interrupt, Readers, Reading, StoreError};
use crate::query::sql::{ParamRef, Sql};
use crate::query::{List, Stat};

/// How many steps of SQLite's machine are taken between two looks at the deadline: some tens of microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 1_000;
/// The most that an aggregate may answer, in bytes.
const MAX_STAT_BYTES: usize = 64 << 20;

impl Reading {
    /// Has what is run here end when the interrupt is due.
    fn begin(&mut self, interrupt: &Arc<Interrupt>) -> Result<(), StoreError> {
        let looks_at = Arc::clone(interrupt);
        self.connection
            .progress_handler(STEPS_BETWEEN_LOOKS, Some(move || looks_at.is_due()))?;
        self.limits.begin(Some(Arc::clone(interrupt)));
        Ok(())
    }
}

/// A reading connection whose work ends when its interrupt is due.
#[derive(Debug)]
pub struct Reader {
    pooled: r2d2::PooledConnection<Readers>,
    interrupt: Arc<Interrupt>,
}

impl Reader {
    pub(super) fn new(
        pool: &r2d2::Pool<Readers>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Self, StoreError> {
        let mut pooled = pool.get_timeout(interrupt.remaining()).map_err(|error| {
            log::warn!("no reader in time: {error}");
            StoreError::Busy
        })?;
        pooled.begin(interrupt)?;
        Ok(Self {
            pooled,
            interrupt: Arc::clone(interrupt),
        })
    }

    /// A reader that is idle, and begun; `None` where none is.
    pub(super) fn idle(
        pool: &r2d2::Pool<Readers>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Option<Self>, StoreError> {
        let Some(mut pooled) = pool.try_get() else {
            return Ok(None);
        };
        pooled.begin(interrupt)?;
        // Not for another program's lock, either.
        pooled.connection.busy_timeout(Duration::ZERO)?;
        Ok(Some(Self {
            pooled,
            interrupt: Arc::clone(interrupt),
        }))
    }

    /// Opens a view of the database as it is now, for all that one answer needs.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn snapshot(&mut self) -> Result<Snapshot<'_>, StoreError> {
        let interrupt = Arc::clone(&self.interrupt);
        let transaction = self
            .pooled
            .connection
            .transaction_with_behavior(TransactionBehavior::Deferred)?;
        Ok(Snapshot {
            transaction,
            interrupt,
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // The connection goes back clean. It can only fail in a build of SQLite without progress handlers.
        let _ = self
            .pooled
            .connection
            .progress_handler(0, None::<fn() -> bool>);
        let _ = self.pooled.connection.busy_timeout(BUSY_TIMEOUT);
        self.pooled.limits.begin(None);
    }
}

/// The database at one moment.
#[derive(Debug)]
pub struct Snapshot<'r> {
    transaction: Transaction<'r>,
    interrupt: Arc<Interrupt>,
}

impl Snapshot<'_> {
    pub(super) fn connection(&self) -> &Connection {
        &self.transaction
    }

    /// How many jobs a list has, whatever its page.
    ///
    /// # Errors
    /// [`StoreError`] when the query is stopped or at fault.
    pub fn count(&self, list: &List) -> Result<i64, StoreError> {
        let mut count = 0;
        self.each_row(&list.count, &mut |row| {
            count = row.get(0)?;
            Ok(())
        })?;
        Ok(count)
    }

    /// Hands each document of a list on, as it lies in the database.
    ///
    /// # Errors
    /// [`StoreError`] when the query is stopped or at fault, or what `each` returns.
    pub fn documents(
        &self,
        rows: &Sql,
        each: &mut impl FnMut(&str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.each_row(rows, &mut |row| {
            each(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)
        })
    }

    /// Appends the rows of statistics to `out`, separated by commas, and returns how many there are before paging.
    ///
    /// # Errors
    /// [`StoreError`] when the query is stopped or at fault, or the answer too large.
    pub fn stat(&self, stat: &Stat, out: &mut Vec<u8>) -> Result<u64, StoreError> {
        let width = stat.output.width();
        let mut count = 0;
        let first = stat.page.skip;
        let end = stat
            .page
            .limit
            .map_or(u64::MAX, |limit| first.saturating_add(limit));
        self.each_row(&stat.sql, &mut |row| {
            if (first..end).contains(&count) {
                if count > first {
                    out.push(b',');
                }
                let values = (0..width)
                    .map(|index| look_at(row.get_ref(index)?))
                    .collect::<rusqlite::Result<Vec<_>>>()?;
                let size: usize = values.iter().map(ParamRef::size).sum();
                if out.len() + size > MAX_STAT_BYTES {
                    return Err(too_large());
                }
                stat.output.write_row(&values, out);
            }
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    /// The domains by name, each with the number of its jobs.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn domains(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = Sql::new(
            "SELECT d.domain_id, sum(c.jobs) AS jobs FROM domains AS d JOIN status_counts AS c ON c.domain = d.id \
             GROUP BY d.id HAVING jobs > 0 ORDER BY d.domain_id",
        );
        let mut domains = Vec::new();
        self.each_row(&sql, &mut |row| {
            domains.push((row.get(0)?, row.get(1)?));
            Ok(())
        })?;
        Ok(domains)
    }

    /// Hands on every document of the database, in the order in which the jobs were first written.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read, or what `each` returns.
    pub fn every_document(
        &self,
        each: &mut impl FnMut(&str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.documents(&Sql::new("SELECT document FROM jobs ORDER BY id"), each)
    }

    /// How many jobs there are in all.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn total(&self) -> Result<u64, StoreError> {
        let domains = self.domains()?;
        Ok(domains
            .iter()
            .map(|(_, jobs)| u64::try_from(*jobs).unwrap_or(0))
            .sum())
    }

    /// How SQLite goes about a statement, a line a step: to see that it takes the index that it should.
    ///
    /// # Errors
    /// [`StoreError`] when the statement is at fault.
    pub fn plan(&self, sql: &Sql) -> Result<Vec<String>, StoreError> {
        let mut explained = Sql::new("EXPLAIN QUERY PLAN ");
        explained.append(sql.clone());
        let mut steps = Vec::new();
        self.each_row(&explained, &mut |row| {
            steps.push(row.get("detail")?);
            Ok(())
        })?;
        Ok(steps)
    }

    fn each_row(
        &self,
        sql: &Sql,
        each: &mut impl FnMut(&rusqlite::Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let result = run(&self.transaction, sql, each);
        match result {
            Err(StoreError::Sqlite(error))
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) =>
            {
                Err(if self.interrupt.is_cancelled() {
                    StoreError::Cancelled
                } else {
                    StoreError::Timeout
                })
            }
            other => other,
        }
    }
}

fn look_at(value: ValueRef<'_>) -> rusqlite::Result<ParamRef<'_>> {
    Ok(match value {
        ValueRef::Null => ParamRef::Null,
        ValueRef::Integer(integer) => ParamRef::Integer(integer),
        ValueRef::Real(real) => ParamRef::Real(real),
        ValueRef::Text(_) => ParamRef::Text(value.as_str()?),
        ValueRef::Blob(blob) => ParamRef::Blob(blob),
    })
}

fn too_large() -> StoreError {
    StoreError::Query(crate::query::QueryError::Language {
        place: "query".to_owned(),
        problem: format!(
            "the answer is larger than {} MiB; narrow the filter, or add a limit or a page",
            MAX_STAT_BYTES >> 20
        ),
    })
}

fn run(
    connection: &Connection,
    sql: &Sql,
    each: &mut impl FnMut(&rusqlite::Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql.text())?;
    let mut rows = statement.query(rusqlite::params_from_iter(sql.params()))?;
    while let Some(row) = rows.next()? {
        each(row)?;
    }
    Ok(())
}
