//! Saved states in SQL: copies the jobs to a temporary table of the writer's connection, and back.

use rusqlite::params;

use super::error::StoreError;
use super::job_row::{COLUMNS, VALUE_COLUMNS};
use super::write::WriteTransaction;

/// The number of a state, which the caller chooses.
pub type StateId = i64;

impl WriteTransaction<'_> {
    /// Saves the jobs of a domain (`None`: of all) as they are now, under a number that no state has yet; returns how many
    /// there are.
    ///
    /// # Errors
    /// [`StoreError`] when there is no memory for them.
    pub fn save_state(
        &mut self,
        state: StateId,
        domain_id: Option<&str>,
    ) -> Result<u64, StoreError> {
        self.create_table()?;
        let saved = self.transaction.execute(
            &format!(
                "INSERT INTO saved_jobs (state, position, {COLUMNS}) SELECT ?1, id, {COLUMNS} FROM jobs \
                 WHERE ?2 IS NULL OR domain = ?2"
            ),
            params![state, self.domain_filter(domain_id)?],
        )?;
        Ok(saved as u64)
    }

    /// Takes a job out of a state: a restore leaves the job as it is, for the caller to write.
    ///
    /// # Errors
    /// [`StoreError`] when the connection is broken.
    pub fn exclude_from_state(
        &mut self,
        state: StateId,
        domain_id: &str,
        job_id: &str,
    ) -> Result<(), StoreError> {
        let key = self.domain_filter(Some(domain_id))?;
        self.transaction
            .prepare_cached(
                "UPDATE saved_jobs SET head = NULL WHERE state = ? AND domain = ? AND job_id = ?",
            )?
            .execute(params![state, key, job_id])?;
        Ok(())
    }

    /// Restores the jobs of a domain (`None`: of all) from a state that has them, by writing only those that differ.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full.
    pub fn restore_state(
        &mut self,
        state: StateId,
        domain_id: Option<&str>,
    ) -> Result<(), StoreError> {
        self.create_table()?;
        let key = self.domain_filter(domain_id)?;
        // A saved job without a head is excluded.
        self.delete_where(
            "(?2 IS NULL OR domain = ?2) AND NOT EXISTS (SELECT 1 FROM saved_jobs AS s \
             WHERE s.state = ?1 AND s.domain = jobs.domain AND s.job_id = jobs.job_id AND (s.head IS NULL \
             OR s.head = jobs.head AND s.tail = jobs.tail AND s.collector_info IS jobs.collector_info))",
            params![state, key],
        )?;
        self.insert_all(
            &format!(
                "INSERT INTO jobs ({COLUMNS}) SELECT {COLUMNS} FROM saved_jobs AS s \
                 WHERE s.state = ?1 AND (?2 IS NULL OR s.domain = ?2) AND s.head IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobs \
                 WHERE jobs.domain = s.domain AND jobs.job_id = s.job_id) ORDER BY position"
            ),
            params![state, key],
        )
    }

    /// Deletes a state.
    ///
    /// # Errors
    /// [`StoreError`] when the connection is broken.
    pub fn remove_state(&mut self, state: StateId) -> Result<(), StoreError> {
        self.create_table()?;
        self.transaction
            .execute("DELETE FROM saved_jobs WHERE state = ?", [state])?;
        Ok(())
    }

    /// Creates the table of all states, where there is none yet. `position` is the order in which the jobs were first
    /// written, and a `head` of NULL excludes a job.
    fn create_table(&self) -> Result<(), StoreError> {
        Ok(self.transaction.execute_batch(&format!(
            "CREATE TEMP TABLE IF NOT EXISTS saved_jobs (state INTEGER, position INTEGER, domain INTEGER, job_id TEXT, \
             {VALUE_COLUMNS}, PRIMARY KEY (state, domain, job_id)) WITHOUT ROWID"
        ))?)
    }
}

#[cfg(test)]
mod tests {
    use crate::job::Job;
    use crate::store::{Mode, OnConflict, Store, StoreError, WriteTransaction};

    fn job(id: &str, domain: &str, status: &str) -> Job {
        let text = format!(
            r#"{{"job_id":"{id}","domain_id":"{domain}","status":"{status}","created_at":"2022-06-17T08:00:00Z"}}"#
        );
        Job::from_json(text.as_bytes()).unwrap()
    }

    fn write(store: &Store, act: impl FnOnce(&mut WriteTransaction<'_>) -> Result<(), StoreError>) {
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Replace).unwrap();
        act(&mut transaction).unwrap();
        transaction.commit().unwrap();
    }

    /// Returns every job, as `domain/id status`.
    fn all(store: &Store) -> Vec<String> {
        let interrupt = std::sync::Arc::new(crate::store::Interrupt::after(
            std::time::Duration::from_mins(1),
        ));
        let mut reader = store.reader(&interrupt).unwrap();
        let mut jobs = Vec::new();
        let transaction = reader.begin().unwrap();
        transaction
            .every_document(&mut |document| {
                let job = Job::from_json(document.to_text().as_bytes()).unwrap();
                jobs.push(format!(
                    "{}/{} {}",
                    job.domain_id,
                    job.job_id,
                    job.status.name()
                ));
                Ok(())
            })
            .unwrap();
        jobs.sort();
        jobs
    }

    #[test]
    fn a_state_is_restored_whole_or_for_one_domain() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        write(&store, |transaction| {
            for job in [
                job("a", "d", "CREATED"),
                job("b", "d", "ERROR"),
                job("a", "e", "CREATED"),
            ] {
                transaction.put(&job)?;
            }
            assert_eq!(transaction.save_state(1, None)?, 3);
            assert_eq!(transaction.save_state(2, Some("e"))?, 1);
            assert_eq!(transaction.save_state(3, Some("nowhere"))?, 0);
            Ok(())
        });
        let before = all(&store);
        let change = |transaction: &mut WriteTransaction<'_>| {
            transaction.put(&job("a", "d", "SUCCESS"))?;
            assert!(transaction.delete("d", "b")?);
            assert!(!transaction.delete("d", "b")?);
            transaction.put(&job("c", "d", "SUCCESS"))?;
            transaction.put(&job("a", "e", "TIMEOUT"))?;
            transaction.put(&job("z", "f", "TIMEOUT"))?;
            Ok(())
        };
        write(&store, change);
        write(&store, |transaction| {
            transaction.restore_state(1, Some("d"))
        });
        assert_eq!(
            all(&store),
            ["d/a CREATED", "d/b ERROR", "e/a TIMEOUT", "f/z TIMEOUT"]
        );
        write(&store, |transaction| {
            transaction.restore_state(2, Some("e"))
        });
        write(&store, |transaction| {
            assert_eq!(transaction.delete_domain("f")?, 1);
            assert_eq!(transaction.delete_domain("nowhere")?, 0);
            Ok(())
        });
        assert_eq!(all(&store), before);
        write(&store, change);
        write(&store, |transaction| transaction.restore_state(1, None));
        assert_eq!(all(&store), before);
        assert_eq!(store.check().unwrap().problems, Vec::<String>::new());
        write(&store, |transaction| transaction.remove_state(1));
        write(&store, |transaction| transaction.restore_state(1, None));
        assert_eq!(all(&store), Vec::<String>::new());
        assert_eq!(store.check().unwrap().problems, Vec::<String>::new());
    }

    #[test]
    fn a_dropped_transaction_changes_neither_jobs_nor_states() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        write(&store, |transaction| {
            transaction.put(&job("a", "d", "CREATED"))?;
            transaction.save_state(1, None).map(|_| ())
        });
        {
            let mut writer = store.writer().unwrap();
            let mut transaction = writer.begin(OnConflict::Replace).unwrap();
            transaction.remove_state(1).unwrap();
            transaction.delete_domain("d").unwrap();
        }
        assert_eq!(all(&store), ["d/a CREATED"]);
        write(&store, |transaction| transaction.restore_state(1, None));
        assert_eq!(all(&store), ["d/a CREATED"]);
    }
}
