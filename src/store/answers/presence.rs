//! Whether a job is in a database, of any schema.

use rusqlite::params;

use crate::store::error::StoreError;
use crate::store::read::ReadTransaction;

impl ReadTransaction<'_> {
    /// Whether a domain has a job. The database may have an older schema: these columns are in all of them.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn has_job(&self, domain_id: &str, job_id: &str) -> Result<bool, StoreError> {
        let has = self
            .connection()
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM domains JOIN jobs ON jobs.domain = domains.id \
                 WHERE domains.domain_id = ? AND jobs.job_id = ?)",
            )?
            .query_row(params![domain_id, job_id], |row| row.get(0))?;
        Ok(has)
    }
}
