//! Saved states in SQL: saves, restores and removes them, by the former rows of jobs (`former_jobs.rs`).

use rusqlite::{OptionalExtension, params};

use super::former_jobs;
use crate::store::error::StoreError;
use crate::store::job_row::{COLUMNS, JobRow};
use crate::store::write::WriteTransaction;

/// The number of a state, which the caller chooses.
pub type StateId = i64;

/// The most rows that a restore holds in memory.
const ROWS_AT_A_TIME: usize = 100;

/// The first former row of each job since epoch `?1`: of domain `?2`, or of all where it is NULL, without those that are
/// excluded from state `?3`. (With `min`, SQLite takes the other columns from the row of the minimum.)
const FORMER: &str = "FROM former_jobs AS f WHERE epoch >= ?1 AND (?2 IS NULL OR domain = ?2) AND NOT EXISTS (SELECT 1 \
     FROM excluded_jobs AS x WHERE x.state = ?3 AND x.domain = f.domain AND x.job_id = f.job_id)";

impl WriteTransaction<'_> {
    /// Saves the jobs of a domain (`None`: of all) as they are now, under a number that no state has yet; returns how many
    /// there are.
    ///
    /// # Errors
    /// [`StoreError`] when there is no memory for it.
    pub fn save_state(
        &mut self,
        state: StateId,
        domain_id: Option<&str>,
    ) -> Result<u64, StoreError> {
        former_jobs::create_tables(&self.transaction)?;
        let epoch = former_jobs::begin_epoch(&self.transaction)?;
        self.transaction.execute(
            "INSERT INTO saved_states (state, domain_id, epoch) VALUES (?, ?, ?)",
            params![state, domain_id, epoch],
        )?;
        self.epoch = Some(epoch);
        self.count(domain_id)
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
                "INSERT OR IGNORE INTO excluded_jobs (state, domain, job_id) VALUES (?, ?, ?)",
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
        former_jobs::create_tables(&self.transaction)?;
        let key = self.domain_filter(domain_id)?;
        let since: Option<i64> = self
            .transaction
            .prepare_cached("SELECT epoch FROM saved_states WHERE state = ?")?
            .query_row([state], |row| row.get(0))
            .optional()?;
        let Some(since) = since else {
            return Ok(());
        };
        // Only a later state needs the present rows.
        let epoch = self.epoch;
        let has_later: bool = self
            .transaction
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM saved_states WHERE epoch > ?)")?
            .query_row([since], |row| row.get(0))?;
        if !has_later {
            self.epoch = None;
        }
        if self.restore_present(since, key, state)? {
            self.insert_all(
                &format!(
                    "INSERT INTO jobs ({COLUMNS}) SELECT {COLUMNS} FROM (SELECT {COLUMNS}, position, min(epoch) {FORMER} \
                     GROUP BY domain, job_id) AS s WHERE position IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobs \
                     WHERE jobs.domain = s.domain AND jobs.job_id = s.job_id) ORDER BY position"
                ),
                params![since, key, state],
            )?;
        }
        if !has_later {
            // The jobs are again as they were, and the state has the present rows.
            self.transaction
                .prepare_cached(&format!("DELETE {FORMER}"))?
                .execute(params![since, key, state])?;
        }
        self.epoch = epoch;
        Ok(())
    }

    /// Updates the jobs that differ from their former rows, and deletes those that were not there. Returns whether others
    /// may be missing.
    fn restore_present(
        &mut self,
        since: i64,
        key: Option<i64>,
        state: StateId,
    ) -> Result<bool, StoreError> {
        let next = format!(
            "SELECT position, {COLUMNS}, min(epoch) {FORMER} AND (domain, job_id) > (?4, ?5) \
             GROUP BY domain, job_id ORDER BY domain, job_id LIMIT {ROWS_AT_A_TIME}"
        );
        let mut last = (i64::MIN, String::new());
        let mut may_miss_some = false;
        loop {
            let former: Vec<(i64, String, Option<JobRow>)> = self
                .transaction
                .prepare_cached(&next)?
                .query_map(params![since, key, state, last.0, last.1], |row| {
                    let position: Option<i64> = row.get(0)?;
                    let former = position.map(|_| JobRow::from_row(row)).transpose()?;
                    Ok((row.get(1)?, row.get(2)?, former))
                })?
                .collect::<Result<_, _>>()?;
            let is_last = former.len() < ROWS_AT_A_TIME;
            for (domain, job_id, row) in former {
                match row {
                    Some(mut row) => may_miss_some |= !self.replace(&mut row)?,
                    None => {
                        self.delete_where("domain = ? AND job_id = ?", params![domain, job_id])?;
                    }
                }
                last = (domain, job_id);
            }
            if is_last {
                return Ok(may_miss_some);
            }
        }
    }

    /// Deletes a state.
    ///
    /// # Errors
    /// [`StoreError`] when the connection is broken.
    pub fn remove_state(&mut self, state: StateId) -> Result<(), StoreError> {
        former_jobs::create_tables(&self.transaction)?;
        for sql in [
            "DELETE FROM saved_states WHERE state = ?",
            "DELETE FROM excluded_jobs WHERE state = ?",
        ] {
            self.transaction.execute(sql, [state])?;
        }
        // A row is needed by a state for which it is the first of its job.
        self.transaction.execute_batch(
            "DELETE FROM former_jobs AS f WHERE NOT EXISTS (SELECT 1 FROM saved_states AS s WHERE s.epoch <= f.epoch \
             AND (s.domain_id IS NULL OR s.domain_id = (SELECT domain_id FROM domains WHERE id = f.domain)) \
             AND NOT EXISTS (SELECT 1 FROM former_jobs AS g WHERE g.domain = f.domain AND g.job_id = f.job_id \
             AND g.epoch >= s.epoch AND g.epoch < f.epoch))",
        )?;
        self.epoch = former_jobs::present_epoch(&self.transaction)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use crate::job::Job;
    use crate::store::{Mode, OnConflict, Store, StoreError, WriteTransaction};

    fn job(id: &str, domain: &str, status: &str) -> Job {
        let text = format!(
            r#"{{"job_id":"{id}","domain_id":"{domain}","status":"{status}","created_at":"2022-06-17T08:00:00Z","workspace_id":"w-{id}","success_tasks":1}}"#
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

    fn former_rows(store: &Store) -> i64 {
        let writer = store.writer().unwrap();
        let count = "SELECT count(*) FROM former_jobs";
        let rows = writer.connection.query_row(count, [], |row| row.get(0));
        rows.unwrap()
    }

    #[test]
    fn only_what_changes_is_saved_and_only_as_long_as_a_state_needs_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        write(&store, |transaction| {
            for number in 0..200 {
                transaction.put(&job(&number.to_string(), "d", "CREATED"))?;
            }
            transaction.save_state(1, None).map(|_| ())
        });
        assert_eq!(former_rows(&store), 0);
        let put = |ids: std::ops::Range<i32>, status: &str| {
            write(&store, |transaction| {
                for number in ids {
                    transaction.put(&job(&number.to_string(), "d", status))?;
                }
                Ok(())
            });
        };
        put(50..60, "ERROR");
        put(50..60, "ERROR");
        put(55..65, "TIMEOUT");
        assert_eq!(former_rows(&store), 15, "each job once");
        write(&store, |transaction| transaction.restore_state(1, None));
        assert_eq!(former_rows(&store), 0, "the jobs are as they were");
        put(0..150, "ERROR");
        write(&store, |transaction| {
            assert_eq!(transaction.save_state(2, None)?, 200);
            Ok(())
        });
        put(100..160, "SUCCESS");
        assert_eq!(former_rows(&store), 210);
        write(&store, |transaction| transaction.remove_state(1));
        assert_eq!(former_rows(&store), 60);
    }

    /// Changes, saves and restores at random, and compares with copies of all jobs.
    #[test]
    fn any_state_is_restored_whatever_was_saved_and_restored_before() {
        let mut random = ChaCha8Rng::seed_from_u64(19);
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let mut now: BTreeMap<String, String> = BTreeMap::new();
        let mut states: BTreeMap<i64, (Option<String>, BTreeMap<String, String>)> = BTreeMap::new();
        let is_in = |key: &str, scope: &Option<String>| {
            let prefix = scope.as_ref().map(|domain| format!("{domain}/"));
            prefix.is_none_or(|prefix| key.starts_with(&prefix))
        };
        for step in 0..600 {
            let domain = ["d", "e", "f"][random.random_range(0..3)];
            let scope = (random.random_range(0..3) > 0).then(|| domain.to_owned());
            let id = random.random_range(0..8).to_string();
            write(&store, |transaction| {
                match random.random_range(0..20) {
                    0..8 => {
                        let status = ["CREATED", "ERROR", "SUCCESS"][random.random_range(0..3)];
                        transaction.put(&job(&id, domain, status))?;
                        now.insert(format!("{domain}/{id}"), status.to_owned());
                    }
                    8..12 => {
                        transaction.delete(domain, &id)?;
                        now.remove(&format!("{domain}/{id}"));
                    }
                    12 => {
                        transaction.delete_domain(domain)?;
                        now.retain(|key, _| !is_in(key, &Some(domain.to_owned())));
                    }
                    13..15 => {
                        let mut saved = now.clone();
                        saved.retain(|key, _| is_in(key, &scope));
                        let jobs = transaction.save_state(step, scope.as_deref())?;
                        assert_eq!(jobs, saved.len() as u64);
                        states.insert(step, (scope, saved));
                    }
                    15..18 => {
                        let index = random.random_range(0..states.len().max(1));
                        if let Some((state, (of, saved))) = states.iter().nth(index) {
                            // A whole state can be restored for a domain alone.
                            let scope = of.clone().or(scope);
                            transaction.restore_state(*state, scope.as_deref())?;
                            now.retain(|key, _| !is_in(key, &scope));
                            let saved = saved.iter().filter(|(key, _)| is_in(key, &scope));
                            now.extend(saved.map(|(key, status)| (key.clone(), status.clone())));
                        }
                    }
                    _ => {
                        let index = random.random_range(0..states.len().max(1));
                        if let Some(state) = states.keys().nth(index).copied() {
                            transaction.remove_state(state)?;
                            states.remove(&state);
                        }
                    }
                }
                Ok(())
            });
            let expected = now.iter().map(|(key, status)| format!("{key} {status}"));
            assert_eq!(all(&store), expected.collect::<Vec<_>>(), "step {step}");
        }
        assert_eq!(store.check().unwrap().problems, Vec::<String>::new());
    }

    #[test]
    fn a_change_after_a_removed_state_is_none_of_the_state_before() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let put = |status: &str| {
            write(&store, |transaction| {
                transaction.put(&job("a", "d", status)).map(|_| ())
            });
        };
        let save = |state: i64| {
            write(&store, |transaction| {
                transaction.save_state(state, None).map(|_| ())
            });
        };
        put("CREATED");
        save(1);
        save(2);
        put("IN_PROGRESS");
        write(&store, |transaction| transaction.remove_state(2));
        put("SUCCESS");
        save(3);
        put("ERROR");
        write(&store, |transaction| transaction.restore_state(3, None));
        assert_eq!(all(&store), ["d/a SUCCESS"]);
        write(&store, |transaction| transaction.restore_state(1, None));
        assert_eq!(all(&store), ["d/a CREATED"]);
    }

    #[test]
    fn an_excluded_job_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        write(&store, |transaction| {
            transaction.save_state(1, None)?;
            transaction.put(&job("a", "d", "CREATED"))?;
            transaction.put(&job("b", "d", "CREATED"))?;
            transaction.save_state(2, None)?;
            transaction.exclude_from_state(2, "d", "a")
        });
        for _ in 0..2 {
            write(&store, |transaction| {
                transaction.put(&job("a", "d", "ERROR"))?;
                transaction.put(&job("b", "d", "ERROR"))?;
                transaction.restore_state(2, None)
            });
            assert_eq!(all(&store), ["d/a ERROR", "d/b CREATED"]);
        }
        write(&store, |transaction| transaction.restore_state(1, None));
        assert_eq!(all(&store), Vec::<String>::new());
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
        for state in 1..=3 {
            write(&store, |transaction| transaction.remove_state(state));
        }
        write(&store, change);
        assert_eq!(former_rows(&store), 0, "nobody needs them");
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
