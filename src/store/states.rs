//! States of the jobs, set aside to go back to: in temporary tables of the writer's connection, so they end with it.

use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, WriteTransaction};

/// Which state: a number that whoever keeps them gives.
pub type StateId = i64;

/// The tables; `position` is the order in which the jobs were first written.
const TABLES: &str = "
    CREATE TEMP TABLE IF NOT EXISTS state_jobs (
        state INTEGER, domain INTEGER, job_id TEXT, position INTEGER, status TEXT, total_tasks INTEGER, remained_tasks INTEGER,
        collector_id TEXT, project_id TEXT, created_at INTEGER, updated_at INTEGER, finished_at INTEGER, error_count INTEGER,
        collector_info INTEGER, head TEXT, tail TEXT,
        PRIMARY KEY (state, domain, job_id)
    ) WITHOUT ROWID;";
const COLUMNS: &str = "domain, job_id, status, total_tasks, remained_tasks, collector_id, project_id, created_at, \
     updated_at, finished_at, error_count, collector_info, head, tail";

/// Whether a connection has states, or had.
pub(super) fn has_states(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM temp.sqlite_schema WHERE name = 'state_jobs')",
        )?
        .query_row([], |row| row.get(0))
}

/// What a state is of: the jobs of a domain, or with `None` all of them.
type Scope<'s> = Option<&'s str>;

impl WriteTransaction<'_> {
    /// Sets the jobs aside as they are now, under a number that no other state has; returns how many there are.
    ///
    /// # Errors
    /// [`StoreError`] when there is no memory for them.
    pub fn save_state(&mut self, state: StateId, scope: Scope<'_>) -> Result<u64, StoreError> {
        self.transaction.execute_batch(TABLES)?;
        let saved = self.transaction.execute(
            &format!(
                "INSERT INTO state_jobs (state, position, {COLUMNS}) SELECT ?1, id, {COLUMNS} FROM jobs \
                 WHERE ?2 IS NULL OR domain = ?2"
            ),
            params![state, self.scope_key(scope)?],
        )?;
        Ok(saved as u64)
    }

    /// Has a state leave a job as it is when it is gone back to: whoever does so writes that job himself.
    ///
    /// # Errors
    /// [`StoreError`] when the connection is broken.
    pub fn leave_out(
        &mut self,
        state: StateId,
        domain_id: &str,
        job_id: &str,
    ) -> Result<(), StoreError> {
        let key = self.scope_key(Some(domain_id))?;
        self.transaction
            .prepare_cached(
                "UPDATE state_jobs SET head = NULL WHERE state = ? AND domain = ? AND job_id = ?",
            )?
            .execute(params![state, key, job_id])?;
        Ok(())
    }

    /// Makes the jobs what they were when the state was saved, by touching only those that differ.
    ///
    /// The scope may be narrower than that of the state.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or is full.
    pub fn restore_state(&mut self, state: StateId, scope: Scope<'_>) -> Result<(), StoreError> {
        self.transaction.execute_batch(TABLES)?;
        let key = self.scope_key(scope)?;
        // A job without a head is left out.
        self.delete_where(
            "(?2 IS NULL OR domain = ?2) AND NOT EXISTS (SELECT 1 FROM state_jobs AS s \
             WHERE s.state = ?1 AND s.domain = jobs.domain AND s.job_id = jobs.job_id AND (s.head IS NULL \
             OR s.head = jobs.head AND s.tail = jobs.tail AND s.collector_info IS jobs.collector_info))",
            params![state, key],
        )?;
        self.insert_all(
            &format!(
                "INSERT INTO jobs ({COLUMNS}) SELECT {COLUMNS} FROM state_jobs AS s \
                 WHERE s.state = ?1 AND (?2 IS NULL OR s.domain = ?2) AND s.head IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobs \
                 WHERE jobs.domain = s.domain AND jobs.job_id = s.job_id) ORDER BY position"
            ),
            params![state, key],
        )
    }

    /// Forgets a state.
    ///
    /// # Errors
    /// [`StoreError`] when the connection is broken.
    pub fn remove_state(&mut self, state: StateId) -> Result<(), StoreError> {
        self.transaction.execute_batch(TABLES)?;
        self.transaction
            .execute("DELETE FROM state_jobs WHERE state = ?", [state])?;
        Ok(())
    }

    /// The key of a domain: `None` for all of them, -1 for one that has no jobs and never had.
    pub(super) fn scope_key(&self, scope: Scope<'_>) -> Result<Option<i64>, StoreError> {
        let Some(domain_id) = scope else {
            return Ok(None);
        };
        Ok(Some(self.known_domain(domain_id)?.unwrap_or(-1)))
    }

    /// The key of a domain that has, or had, jobs.
    pub(super) fn known_domain(&self, domain_id: &str) -> Result<Option<i64>, StoreError> {
        Ok(self
            .transaction
            .prepare_cached("SELECT id FROM domains WHERE domain_id = ?")?
            .query_row([domain_id], |row| row.get(0))
            .optional()?)
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

    /// Every job, as `domain/id status`.
    fn all(store: &Store) -> Vec<String> {
        let interrupt = std::sync::Arc::new(crate::store::Interrupt::after(
            std::time::Duration::from_mins(1),
        ));
        let mut reader = store.reader(&interrupt).unwrap();
        let mut found = Vec::new();
        let snapshot = reader.begin().unwrap();
        snapshot
            .every_document(&mut |document| {
                let job = Job::from_json(document.to_text().as_bytes()).unwrap();
                found.push(format!(
                    "{}/{} {}",
                    job.domain_id,
                    job.job_id,
                    job.status.name()
                ));
                Ok(())
            })
            .unwrap();
        found.sort();
        found
    }

    #[test]
    fn a_state_comes_back_whole_or_for_one_domain() {
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
    fn a_transaction_that_is_dropped_leaves_jobs_and_states() {
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
