//! The former rows of jobs that have changed since a state was saved, in temporary tables of the writer's connection.
//!
//! Saving a state costs nothing, and restoring it what has changed since. (Copies of all jobs took as much memory as the
//! jobs, and with 10,000 of them a restore after few changes took longer than the changes.)
//!
//! An epoch begins when a state is saved. The first change of a job in an epoch writes its former row, as it was when the
//! epoch began. A state has of each job the first former row since its epoch, or the present row where there is none.

use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use crate::store::job_row::{COLUMNS, JobRow, VALUE_COLUMNS};

/// Creates the tables, where there are none yet. `position` is the order in which the jobs were first written; a row
/// without it says that there was no such job.
pub(in crate::store) fn create_tables(connection: &Connection) -> rusqlite::Result<()> {
    if has_tables(connection)? {
        return Ok(());
    }
    connection.execute_batch(&format!(
        "CREATE TEMP TABLE last_epoch (epoch INTEGER); INSERT INTO last_epoch VALUES (0); \
         CREATE TEMP TABLE saved_states (state INTEGER PRIMARY KEY, domain_id TEXT, epoch INTEGER); \
         CREATE TEMP TABLE excluded_jobs (state INTEGER, domain INTEGER, job_id TEXT, \
         PRIMARY KEY (state, domain, job_id)) WITHOUT ROWID; \
         CREATE TEMP TABLE former_jobs (domain INTEGER, job_id TEXT, epoch INTEGER, position INTEGER, {VALUE_COLUMNS}, \
         PRIMARY KEY (domain, job_id, epoch)) WITHOUT ROWID"
    ))
}

/// Whether the connection has the tables.
pub(in crate::store) fn has_tables(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM temp.sqlite_schema WHERE name = 'former_jobs')",
        )?
        .query_row([], |row| row.get(0))
}

/// Begins an epoch, and returns its number, which no epoch had before.
pub(in crate::store) fn begin_epoch(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("UPDATE last_epoch SET epoch = epoch + 1 RETURNING epoch")?
        .query_row([], |row| row.get(0))
}

/// Returns the present epoch; `None` where no state is saved. (It is not that of the last state: that one may have been
/// removed, and what has changed since is still noted for the states before it.)
pub(in crate::store) fn present_epoch(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    if !has_tables(connection)? {
        return Ok(None);
    }
    connection
        .prepare_cached("SELECT epoch FROM last_epoch WHERE EXISTS (SELECT 1 FROM saved_states)")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// Notes that a job was not there before its first change in an epoch.
pub(in crate::store) fn note_absent(
    connection: &Connection,
    epoch: i64,
    row: &JobRow,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO former_jobs (domain, job_id, epoch) VALUES (?, ?, ?)",
        )?
        .execute(params![row.domain, row.job_id, epoch])?;
    Ok(())
}

/// Notes the row of a job before its first change in an epoch.
pub(in crate::store) fn note(
    connection: &Connection,
    epoch: i64,
    former: &JobRow,
) -> rusqlite::Result<()> {
    let values = former.values().into_iter();
    let sql = format!(
        "INSERT OR IGNORE INTO former_jobs ({COLUMNS}, epoch, position) VALUES ({}?, ?)",
        "?, ".repeat(values.len())
    );
    connection.prepare_cached(&sql)?.execute(params_from_iter(
        values.chain([epoch.into(), former.id.into()]),
    ))?;
    Ok(())
}
