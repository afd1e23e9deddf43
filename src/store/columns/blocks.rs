//! Writes the table `job_columns`: the jobs by column, in blocks ([`crate::columns`]).
//!
//! A transaction notes the jobs that come and go, and writes each block that they are in once: an import encodes a block of
//! jobs together, and a single put encodes one block again, about 40 kB.

use std::collections::BTreeMap;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::{
    BLOCK_JOBS, Block, BlockErrors, Encoded, JobIds, NumberColumn, Row, RowErrors, TextColumn,
    encode,
};
use crate::store::job_row::JobRow;

/// The most changes in memory, some megabytes, or 40 where each job has as many errors as a block takes: beyond them, they
/// are written before the transaction ends.
const MAX_CHANGES: usize = 8 << 10;

/// A job, and its columns if it has not gone.
type Change = (i64, Option<Row>);

/// The changes of blocks that are not yet written.
#[derive(Debug, Default)]
pub(in crate::store) struct BlockChanges {
    /// By domain and block: the jobs in the order of their changes, `None` for one that has gone.
    blocks: BTreeMap<(i64, i64), Vec<Change>>,
    changes: usize,
}

impl BlockChanges {
    /// Notes a new job, or a changed one.
    pub(in crate::store) fn add(
        &mut self,
        connection: &Connection,
        row: &JobRow,
    ) -> rusqlite::Result<()> {
        self.note(connection, row, Some(columns_of(row)))
    }

    /// Notes a job that has gone, or is about to change.
    pub(in crate::store) fn remove(
        &mut self,
        connection: &Connection,
        row: &JobRow,
    ) -> rusqlite::Result<()> {
        self.note(connection, row, None)
    }

    fn note(
        &mut self,
        connection: &Connection,
        row: &JobRow,
        new: Option<Row>,
    ) -> rusqlite::Result<()> {
        if self.changes >= MAX_CHANGES {
            self.write(connection)?;
        }
        let block = self.blocks.entry((row.domain, block_of(row.id)));
        block.or_default().push((row.id, new));
        self.changes += 1;
        Ok(())
    }

    /// Writes the blocks that have changed.
    pub(in crate::store) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.changes = 0;
        for (key, mut changes) in std::mem::take(&mut self.blocks) {
            // Of several changes of a job the last counts.
            changes.sort_by_key(|(id, _)| *id);
            let stored = stored(connection, key)?;
            let rows = match &stored {
                Some(stored) => merge(decode(stored)?, changes),
                None => merge(Vec::new(), changes),
            };
            write_block(connection, key, stored.is_some(), &rows)?;
        }
        Ok(())
    }
}

/// Returns the block of a job.
pub(in crate::store) fn block_of(id: i64) -> i64 {
    id.div_euclid(BLOCK_JOBS)
}

/// Returns what a block has of a job.
pub(in crate::store) fn columns_of(row: &JobRow) -> Row {
    let mut columns = Row::new(row.id, &row.job_id);
    for (column, value) in row.numbers() {
        columns.set_number(column, value);
    }
    for (column, value) in row.texts() {
        columns.set_text(column, value);
    }
    columns.errors = RowErrors::new(&row.errors.texts);
    columns
}

/// Reads a block of a domain, as it is stored.
pub(in crate::store) fn stored(
    connection: &Connection,
    (domain, block): (i64, i64),
) -> rusqlite::Result<Option<Encoded>> {
    connection
        .prepare_cached(
            "SELECT columns, errors, job_ids, first, last FROM job_columns WHERE domain = ? AND block = ?",
        )?
        .query_row([domain, block], |row| {
            Ok(Encoded {
                columns: row.get(0)?,
                errors: row.get(1)?,
                job_ids: row.get(2)?,
                first: row.get(3)?,
                last: row.get(4)?,
            })
        })
        .optional()
}

fn decode(stored: &Encoded) -> rusqlite::Result<Vec<Row>> {
    let decoded = Block::new(&stored.columns).and_then(|block| {
        let job_ids = JobIds::new(&stored.job_ids, block.len())?;
        let errors = BlockErrors::new(&stored.errors, block.len())?;
        block.rows(&job_ids, &errors)
    });
    decoded
        .map_err(|damaged| rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, damaged.into()))
}

/// Applies changes to the rows of a block; both are in ascending order of the ids.
fn merge(rows: Vec<Row>, changes: Vec<Change>) -> Vec<Row> {
    let mut merged = Vec::with_capacity(rows.len() + changes.len());
    let mut rows = rows.into_iter().peekable();
    let mut changes = changes.into_iter().peekable();
    while let Some((id, change)) = changes.next() {
        while let Some(row) = rows.next_if(|row| row.id < id) {
            merged.push(row);
        }
        rows.next_if(|row| row.id == id);
        if changes.peek().is_none_or(|(next, _)| *next != id) {
            merged.extend(change);
        }
    }
    merged.extend(rows);
    merged
}

fn write_block(
    connection: &Connection,
    (domain, block): (i64, i64),
    is_stored: bool,
    rows: &[Row],
) -> rusqlite::Result<()> {
    if rows.is_empty() {
        connection
            .prepare_cached("DELETE FROM job_columns WHERE domain = ? AND block = ?")?
            .execute([domain, block])?;
        return Ok(());
    }
    let encoded = encode(rows);
    let values = params![
        encoded.first,
        encoded.last,
        encoded.columns,
        encoded.errors,
        encoded.job_ids,
        domain,
        block
    ];
    let sql = if is_stored {
        "UPDATE job_columns SET (first, last, columns, errors, job_ids) = (?1, ?2, ?3, ?4, ?5) WHERE domain = ?6 AND block = ?7"
    } else {
        "INSERT INTO job_columns (first, last, columns, errors, job_ids, domain, block) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    };
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

impl JobRow {
    /// Returns the numbers that a block has of the job.
    fn numbers(&self) -> [(NumberColumn, Option<i64>); 9] {
        [
            (NumberColumn::CreatedAt, Some(self.created_at)),
            (NumberColumn::UpdatedAt, Some(self.updated_at)),
            (NumberColumn::FinishedAt, self.finished_at),
            (NumberColumn::TotalTasks, Some(self.total_tasks)),
            (NumberColumn::RemainedTasks, Some(self.remained_tasks)),
            (NumberColumn::SuccessTasks, self.success_tasks),
            (NumberColumn::FailureTasks, self.failure_tasks),
            (NumberColumn::ErrorCount, Some(self.error_count)),
            (NumberColumn::CollectorInfo, self.collector_info),
        ]
    }

    /// Returns the texts that a block has of the job.
    fn texts(&self) -> [(TextColumn, Option<&str>); 8] {
        [
            (TextColumn::Status, Some(self.status.name())),
            (TextColumn::CollectorId, self.collector_id.as_deref()),
            (TextColumn::ProjectId, self.project_id.as_deref()),
            (TextColumn::SecretId, self.secret_id.as_deref()),
            (
                TextColumn::RequestSecretId,
                self.request_secret_id.as_deref(),
            ),
            (
                TextColumn::RequestWorkspaceId,
                self.request_workspace_id.as_deref(),
            ),
            (TextColumn::ResourceGroup, self.resource_group.as_deref()),
            (TextColumn::WorkspaceId, self.workspace_id.as_deref()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_of_each_job_is_merged_into_the_block() {
        let rows =
            |ids: &[i64]| -> Vec<Row> { ids.iter().map(|id| Row::new(*id, "old")).collect() };
        let new = |id| (id, Some(Row::new(id, "new")));
        let gone = |id| (id, None);
        let check = |old: &[i64], changes: Vec<Change>, expected: &[(i64, &str)]| {
            let merged = merge(rows(old), changes);
            let merged: Vec<_> = merged
                .iter()
                .map(|row| (row.id, row.job_id.as_str()))
                .collect();
            assert_eq!(merged, expected);
        };
        check(&[], vec![new(1), new(2)], &[(1, "new"), (2, "new")]);
        check(&[1, 3], vec![new(2)], &[(1, "old"), (2, "new"), (3, "old")]);
        check(
            &[1, 2, 3],
            vec![gone(2), new(2), gone(3)],
            &[(1, "old"), (2, "new")],
        );
        check(&[1, 2], vec![gone(1), gone(2), new(2), gone(2)], &[]);
        check(&[2], vec![gone(1), new(3)], &[(2, "old"), (3, "new")]);
    }
}
