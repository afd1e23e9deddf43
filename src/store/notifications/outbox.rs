//! The events that wait, and the attempts to deliver them.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::model::{Attempt, Delivery, MAX_DELIVERIES};
use crate::store::connection::writer::Writer;
use crate::store::error::StoreError;
use crate::store::read::ReadTransaction;

impl ReadTransaction<'_> {
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
    /// Records an attempt to deliver events of a rule; events that were delivered leave the outbox.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full.
    pub fn record_attempt(&mut self, rule: &str, attempt: &Attempt) -> Result<(), StoreError> {
        self.opened.file().check()?;
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
        self.opened.file().check()?;
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
