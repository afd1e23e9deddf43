//! `jobdeck check --repair`: makes anew what is derived from the documents.

use rusqlite::{OptionalExtension, params};

use super::derived::{Entry, TABLES};
use super::{OnConflict, Store, StoreError, WriteTransaction};
use crate::job::Job;

impl Store {
    /// Makes every index, every column and every table that is derived from the documents anew. A document that is none
    /// is left as it is, and so are its columns. All in one transaction; readers go on meanwhile.
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
        transaction.look_at_every_collector()?;
        transaction.commit()?;
        writer.checkpoint_all()
    }
}

impl WriteTransaction<'_> {
    /// Has those go that no job has.
    fn look_at_every_collector(&mut self) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare("SELECT id FROM collector_infos")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.changes.look_at_collector_info(row.get(0)?);
        }
        Ok(())
    }

    /// Repairs the first job after another, and tells which that was.
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
        // One whose collector is lost is not whole, so its columns, which may know more of it, stay.
        if has_collector && let Ok(job) = Job::from_json(document.as_bytes()) {
            self.rewrite(id, &job)?;
        }
        let entry = self
            .transaction
            .prepare_cached(&format!("SELECT {} FROM jobs WHERE id = ?", Entry::COLUMNS))?
            .query_row(params![id], Entry::from_row)?;
        self.changes.add(&self.transaction, &entry)?;
        Ok(Some(id))
    }
}
