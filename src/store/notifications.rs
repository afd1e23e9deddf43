//! The tables of notifications: what each rule has noted, the outbox, and the deliveries.
//!
//! Noting and the outbox change together, in one short transaction ([`Writer::note`]); what is to be sent is decided before it,
//! by a reader.

use std::collections::{HashMap, HashSet};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::connection::writer::Writer;
use super::error::StoreError;
use super::read::ReadTransaction;

/// The most events that a rule has in the outbox; beyond them the oldest are dropped.
pub const MAX_PENDING: u64 = 10_000;
/// How many deliveries that are done stay in the database.
pub const MAX_DELIVERIES: u64 = 50;

/// What a rule sends events of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// A job has ended with `ERROR` or `TIMEOUT`.
    Failed,
    /// The newest ended job of a collector that had failed is a success.
    Recovered,
    /// A job runs for longer than it should.
    Stuck,
    /// A collector has had no success for too long.
    Missing,
}

impl EventKind {
    /// Every kind, in the order of their events.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Recovered, Self::Stuck, Self::Missing];

    /// Returns the name, as files and events have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Recovered => "recovered",
            Self::Stuck => "stuck",
            Self::Missing => "missing",
        }
    }
}

impl ToSql for EventKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.name().into())
    }
}

impl FromSql for EventKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.name() == name)
            .ok_or(FromSqlError::InvalidType)
    }
}

/// What a rule has noted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleNotes {
    /// What it watched for, as JSON; `None` for a rule that is new.
    pub watches: Option<String>,
    /// The jobs, with their `created_at` in milliseconds.
    pub jobs: HashMap<(EventKind, String), i64>,
    /// The collectors; an empty id is that of jobs without a collector.
    pub collectors: HashMap<(EventKind, String), CollectorNote>,
}

/// What a rule has noted of a collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CollectorNote {
    /// When an event of the kind was last put in the outbox, in milliseconds.
    pub sent_at: Option<i64>,
    /// `created_at` of the newest failure since the last recovery, in milliseconds.
    pub failed_at: Option<i64>,
}

/// An event for the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    pub kind: EventKind,
    /// Empty for jobs without a collector.
    pub collector_id: String,
    /// As it is sent, as JSON.
    pub body: String,
}

/// An attempt to deliver some events of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The ids of the events.
    pub events: Vec<i64>,
    /// When it was made, in milliseconds.
    pub at: i64,
    /// The status of the answer; `None` where there was none.
    pub status: Option<u16>,
    /// The beginning of the answer, or why there was none.
    pub answer: String,
    /// When the next attempt is due, in milliseconds; `None` where the events were delivered.
    pub next_at: Option<i64>,
}

/// A delivery: the attempts to send some events of a rule until one succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub rule: String,
    pub events: u64,
    pub attempts: u32,
    /// When it was tried first and last, in milliseconds.
    pub first_at: i64,
    pub last_at: i64,
    /// When it is tried next; `None`: it is done.
    pub next_at: Option<i64>,
    pub status: Option<u16>,
    pub answer: String,
}

impl ReadTransaction<'_> {
    /// Returns what a rule has noted.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn rule_notes(&self, rule: &str) -> Result<RuleNotes, StoreError> {
        Ok(read_notes(self.connection(), rule)?)
    }

    /// Returns the oldest events of a rule that are not delivered yet, at most `limit`: their ids and bodies.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn pending_events(
        &self,
        rule: &str,
        limit: usize,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let events = self
            .connection()
            .prepare_cached(
                "SELECT id, body FROM notification_outbox WHERE rule = ? ORDER BY id LIMIT ?",
            )?
            .query_map(params![rule, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(events)
    }

    /// Returns how many events of each rule are not delivered yet.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn pending_counts(&self) -> Result<HashMap<String, u64>, StoreError> {
        let counts = self
            .connection()
            .prepare_cached("SELECT rule, count(*) FROM notification_outbox GROUP BY rule")?
            .query_map([], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
            })?
            .collect::<Result<_, _>>()?;
        Ok(counts)
    }

    /// Returns the newest deliveries, the newest first, and those that are not done.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn deliveries(&self) -> Result<Vec<Delivery>, StoreError> {
        let deliveries = self
            .connection()
            .prepare_cached(
                "SELECT rule, events, attempts, first_at, last_at, next_at, status, answer FROM notification_deliveries \
                 ORDER BY last_at DESC, id DESC",
            )?
            .query_map([], |row| {
                Ok(Delivery {
                    rule: row.get(0)?,
                    events: row.get::<_, i64>(1)?.unsigned_abs(),
                    attempts: row.get(2)?,
                    first_at: row.get(3)?,
                    last_at: row.get(4)?,
                    next_at: row.get(5)?,
                    status: row.get(6)?,
                    answer: row.get(7)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(deliveries)
    }

    /// Returns how often the delivery of a rule that is not done was tried, and when it is tried next.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn open_delivery(&self, rule: &str) -> Result<Option<(u32, i64)>, StoreError> {
        Ok(self
            .connection()
            .prepare_cached(
                "SELECT attempts, next_at FROM notification_deliveries WHERE rule = ? AND next_at IS NOT NULL",
            )?
            .query_row([rule], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
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
        self.file.check()?;
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

    /// Records an attempt to deliver events of a rule; events that were delivered leave the outbox.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full.
    pub fn record_attempt(&mut self, rule: &str, attempt: &Attempt) -> Result<(), StoreError> {
        self.file.check()?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        if attempt.next_at.is_none() {
            let mut delete =
                transaction.prepare_cached("DELETE FROM notification_outbox WHERE id = ?")?;
            for event in &attempt.events {
                delete.execute([event])?;
            }
        }
        let events = i64::try_from(attempt.events.len()).unwrap_or(i64::MAX);
        let Attempt {
            at,
            status,
            answer,
            next_at,
            ..
        } = attempt;
        let known = transaction
            .prepare_cached(
                "UPDATE notification_deliveries SET events = ?, attempts = attempts + 1, last_at = ?, next_at = ?, status = ?, \
                 answer = ? WHERE rule = ? AND next_at IS NOT NULL",
            )?
            .execute(params![events, at, next_at, status, answer, rule])?;
        if known == 0 {
            transaction
                .prepare_cached(
                    "INSERT INTO notification_deliveries (rule, events, attempts, first_at, last_at, next_at, status, answer) \
                     VALUES (?1, ?2, 1, ?3, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![rule, events, at, next_at, status, answer])?;
        }
        transaction
            .prepare_cached(
                "DELETE FROM notification_deliveries WHERE next_at IS NULL AND id NOT IN \
                 (SELECT id FROM notification_deliveries WHERE next_at IS NULL ORDER BY last_at DESC, id DESC LIMIT ?)",
            )?
            .execute([MAX_DELIVERIES.cast_signed()])?;
        Ok(transaction.commit()?)
    }

    /// Deletes what there is of rules that are not among these, and makes the next attempt of the others due; returns how many
    /// events were dropped.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full.
    pub fn retain_rules(&mut self, rules: &HashSet<&str>) -> Result<u64, StoreError> {
        self.file.check()?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let names = serde_json::json!(rules).to_string();
        let mut dropped = 0;
        for table in [
            "notification_outbox",
            "notification_rules",
            "notification_jobs",
            "notification_collectors",
            "notification_deliveries",
        ] {
            let deleted = transaction.execute(
                &format!("DELETE FROM {table} WHERE rule NOT IN (SELECT value FROM json_each(?))"),
                [&names],
            )?;
            if table == "notification_outbox" {
                dropped = deleted as u64;
            }
        }
        transaction.execute(
            "UPDATE notification_deliveries SET next_at = last_at WHERE next_at > last_at",
            [],
        )?;
        transaction.commit()?;
        Ok(dropped)
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
