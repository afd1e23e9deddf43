//! Reads and writes what rules have noted; events enter the outbox together with it.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::model::{CollectorNote, EventKind, MAX_PENDING, NewEvent, RuleNotes};
use crate::store::connection::writer::Writer;
use crate::store::error::StoreError;
use crate::store::read::ReadTransaction;

impl ReadTransaction<'_> {
    /// Returns what a rule has noted.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn rule_notes(&self, rule: &str) -> Result<RuleNotes, StoreError> {
        Ok(read_notes(self.connection(), rule)?)
    }
}

impl Writer<'_> {
    /// Notes what a rule has seen and puts its events in the outbox, unless the notes are no longer `before`; returns whether it
    /// did, and how many of the oldest events were dropped.
    ///
    /// An event of a kind and a collector is merged into the last one of that collector that is not delivered yet, if that is of
    /// the same kind: `merge` joins the two bodies, and the result has a new id.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full; nothing is noted then.
    pub fn note(
        &mut self,
        rule: &str,
        (before, after): (&RuleNotes, &RuleNotes),
        events: &[NewEvent],
        merge: impl Fn(&str, &str) -> String,
    ) -> Result<Option<u64>, StoreError> {
        self.opened.file().check()?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        if read_notes(&transaction, rule)? != *before {
            return Ok(None);
        }
        write_notes(&transaction, rule, before, after)?;
        for event in events {
            put(&transaction, rule, event, &merge)?;
        }
        let dropped = drop_oldest(&transaction, rule)?;
        transaction.commit()?;
        Ok(Some(dropped))
    }
}

fn read_notes(connection: &Connection, rule: &str) -> rusqlite::Result<RuleNotes> {
    let watches = connection
        .prepare_cached("SELECT watches FROM notification_rules WHERE rule = ?")?
        .query_row([rule], |row| row.get(0))
        .optional()?;
    let jobs = connection
        .prepare_cached("SELECT event, job_id, created_at FROM notification_jobs WHERE rule = ?")?
        .query_map([rule], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    let collectors = connection
        .prepare_cached(
            "SELECT event, collector_id, sent_at, failed_at FROM notification_collectors WHERE rule = ?",
        )?
        .query_map([rule], |row| {
            let note = CollectorNote {
                sent_at: row.get(2)?,
                failed_at: row.get(3)?,
            };
            Ok(((row.get(0)?, row.get(1)?), note))
        })?
        .collect::<Result<_, _>>()?;
    Ok(RuleNotes {
        watches,
        jobs,
        collectors,
    })
}

/// Writes the difference of two notes.
fn write_notes(
    connection: &Connection,
    rule: &str,
    before: &RuleNotes,
    after: &RuleNotes,
) -> rusqlite::Result<()> {
    if before.watches != after.watches {
        connection.execute(
            "INSERT OR REPLACE INTO notification_rules (rule, watches) VALUES (?, ?)",
            params![rule, after.watches],
        )?;
    }
    let mut delete = connection.prepare_cached(
        "DELETE FROM notification_jobs WHERE rule = ? AND event = ? AND job_id = ?",
    )?;
    for (kind, job_id) in before.jobs.keys() {
        if !after.jobs.contains_key(&(*kind, job_id.clone())) {
            delete.execute(params![rule, kind, job_id])?;
        }
    }
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO notification_jobs (rule, event, job_id, created_at) VALUES (?, ?, ?, ?)",
    )?;
    for (job, created_at) in &after.jobs {
        if before.jobs.get(job) != Some(created_at) {
            insert.execute(params![rule, job.0, job.1, created_at])?;
        }
    }
    let mut delete = connection.prepare_cached(
        "DELETE FROM notification_collectors WHERE rule = ? AND event = ? AND collector_id = ?",
    )?;
    for (kind, collector_id) in before.collectors.keys() {
        if !after
            .collectors
            .contains_key(&(*kind, collector_id.clone()))
        {
            delete.execute(params![rule, kind, collector_id])?;
        }
    }
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO notification_collectors (rule, event, collector_id, sent_at, failed_at) VALUES (?, ?, ?, ?, ?)",
    )?;
    for (collector, note) in &after.collectors {
        if before.collectors.get(collector) != Some(note) {
            let CollectorNote { sent_at, failed_at } = note;
            insert.execute(params![rule, collector.0, collector.1, sent_at, failed_at])?;
        }
    }
    Ok(())
}

/// Puts an event in the outbox, merged with the last one of its collector where that is of the same kind.
fn put(
    connection: &Connection,
    rule: &str,
    event: &NewEvent,
    merge: &impl Fn(&str, &str) -> String,
) -> rusqlite::Result<()> {
    let last: Option<(i64, EventKind, String)> = connection
        .prepare_cached(
            "SELECT id, event, body FROM notification_outbox WHERE rule = ? AND collector_id = ? ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![rule, event.collector_id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let merged = match last {
        Some((id, kind, body)) if kind == event.kind => {
            // A delivery of the former one may be under way, which then does not count for the new one.
            connection.execute("DELETE FROM notification_outbox WHERE id = ?", [id])?;
            Some(merge(&body, &event.body))
        }
        _ => None,
    };
    connection
        .prepare_cached(
            "INSERT INTO notification_outbox (rule, event, collector_id, body) VALUES (?, ?, ?, ?)",
        )?
        .execute(params![
            rule,
            event.kind,
            event.collector_id,
            merged.as_ref().unwrap_or(&event.body)
        ])?;
    Ok(())
}

/// Deletes the oldest events of a rule beyond [`MAX_PENDING`]; returns how many.
fn drop_oldest(connection: &Connection, rule: &str) -> rusqlite::Result<u64> {
    let dropped = connection
        .prepare_cached(
            "DELETE FROM notification_outbox WHERE rule = ?1 AND id <= \
             (SELECT id FROM notification_outbox WHERE rule = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![rule, MAX_PENDING.cast_signed()])?;
    Ok(dropped as u64)
}
