//! `jobdeck check --repair`: rebuilds all derived tables from the documents.

use rusqlite::{OptionalExtension, params};

use crate::job::Job;
use crate::store::database::Store;
use crate::store::derived::TABLES;
use crate::store::error::StoreError;
use crate::store::job_row::{self, JobRow};
use crate::store::write::{OnConflict, WriteTransaction};

impl Store {
    /// Makes every index, column and table that is derived from the documents again, in one transaction; readers go on
    /// meanwhile. A damaged document stays as it is, and so do its columns.
    ///
    /// # Errors
    /// [`StoreError`] when a page of the file is damaged, or it can't be written to; nothing was changed then.
    pub fn repair(&self) -> Result<(), StoreError> {
        let mut writer = self.writer()?;
        let mut transaction = writer.begin(OnConflict::Fail)?;
        transaction.transaction.execute_batch("REINDEX")?;
        for table in TABLES {
            transaction
                .transaction
                .execute(&format!("DELETE FROM {table}"), [])?;
        }
        let mut last = i64::MIN;
        while let Some(id) = transaction.repair_next(last)? {
            last = id;
        }
        transaction.check_all_collectors()?;
        transaction.commit()?;
        writer.checkpoint_all()
    }
}

impl WriteTransaction<'_> {
    /// Notes every collector, to delete those that no job has.
    fn check_all_collectors(&mut self) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare("SELECT id FROM collector_infos")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.changes.check_collector_info(row.get(0)?);
        }
        Ok(())
    }

    /// Repairs the next job after `last`, and returns its id; `None` after the last one.
    fn repair_next(&mut self, last: i64) -> Result<Option<i64>, StoreError> {
        let next = self
            .transaction
            .prepare_cached(
                "SELECT id, document, collector_info IS NULL OR collector_info IN (SELECT id FROM collector_infos) \
                 FROM documents WHERE id > ? ORDER BY id LIMIT 1",
            )?
            .query_row([last], |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?))
            })
            .optional()?;
        let Some((id, document, has_collector)) = next else {
            return Ok(None);
        };
        // Without its collector a document is incomplete; its columns may have more of it, so they stay.
        if has_collector && let Ok(job) = Job::from_json(document.as_bytes()) {
            self.rewrite(id, &job)?;
        }
        let row = self
            .transaction
            .prepare_cached(&format!(
                "SELECT {} FROM jobs WHERE id = ?",
                job_row::ALL_COLUMNS
            ))?
            .query_row(params![id], JobRow::from_row)?;
        self.changes.add(&self.transaction, &row)?;
        Ok(Some(id))
    }
}
