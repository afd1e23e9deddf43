//! `jobdeck backup`: makes a consistent copy of the database while others write.

use std::ffi::c_int;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::interrupt::Interrupt;

/// How many pages are copied between two reports of progress: 4 MiB.
const PAGES_PER_STEP: c_int = 512;

impl Store {
    /// Copies the database, as it is now, to a path where there is no file; calls `each_step` with how many pages are copied,
    /// and of how many, which may end it early. The copy is one file, without a write-ahead log.
    ///
    /// Rule: SQLite, "Using the SQLite Online Backup API": a copy begins anew whenever another program has written, and
    /// under constant writes it never ends. But within a read transaction of a database in WAL mode the source does not
    /// change, so the copy ends, and no writer waits for it.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read or the copy not be written, and [`StoreError::Cancelled`] where
    /// `each_step` ended it; an incomplete copy is of no use.
    pub fn copy_to(
        &self,
        path: &Path,
        each_step: &mut impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut reader = self.reader(&Arc::new(Interrupt::after(Duration::MAX)))?;
        let transaction = reader.begin()?;
        let source = transaction.connection();
        // A transaction sees the data as of its first read.
        source.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
            row.get::<_, i64>(0)
        })?;
        copy_pages(source, &mut create(path)?, each_step)?;
        // The copy has its source's mode, and opening a file in WAL mode makes files next to it, even for reading.
        let copy = Connection::open_with_flags(path, WRITE)?;
        Ok(copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?)
    }
}

const WRITE: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

fn create(path: &Path) -> rusqlite::Result<Connection> {
    let copy = Connection::open_with_flags(path, WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    // An incomplete copy is thrown away, so it needs no rollback.
    copy.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    Ok(copy)
}

fn copy_pages(
    source: &Connection,
    copy: &mut Connection,
    each_step: &mut impl FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let pages = |count: c_int| u64::try_from(count).unwrap_or(0);
    let backup = Backup::new(source, copy)?;
    loop {
        let step = backup.step(PAGES_PER_STEP)?;
        let progress = backup.progress();
        let all = pages(progress.pagecount);
        let next = each_step(all - pages(progress.remaining).min(all), all);
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More if next.is_break() => return Err(StoreError::Cancelled),
            StepResult::More => {}
            // Another program has the copy open.
            _ => {
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
                return Err(rusqlite::Error::SqliteFailure(code, None).into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use crate::store::{Mode, OnConflict};

    fn put(store: &Store, ids: std::ops::Range<usize>, filter: &str) {
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        for id in ids {
            let text = format!(
                r#"{{"job_id":"{id}","domain_id":"d","created_at":"2022-06-17T08:00:00Z","filter":{{"a":"{filter}"}}}}"#
            );
            let job = Job::from_json(text.as_bytes()).unwrap();
            transaction.put(&job).unwrap();
        }
        transaction.commit().unwrap();
    }

    #[test]
    fn a_copy_has_the_data_of_its_beginning_and_ends_despite_constant_writes() {
        const JOBS: usize = 200;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Create, 2).unwrap();
        // Several steps long.
        put(&store, 0..JOBS, &"a".repeat(100_000));
        let mut steps = 0;
        let copied = folder.path().join("copy.db");
        let mut write_meanwhile = |done: u64, pages: u64| {
            steps += 1;
            assert!(pages > 3 * 512 && done <= pages);
            assert!(steps < 10, "it began anew");
            put(&store, JOBS + steps..JOBS + steps + 1, "");
            ControlFlow::Continue(())
        };
        store.copy_to(&copied, &mut write_meanwhile).unwrap();
        assert!(steps > 3);
        let copy = Store::open(&copied, Mode::ReadOnly, 1).unwrap();
        let report = copy.check().unwrap();
        assert_eq!(report.jobs, JOBS as u64);
        assert_eq!(report.problems, Vec::<String>::new());
        assert_eq!(store.check().unwrap().jobs, (JOBS + steps) as u64);
        let stopped = store.copy_to(&folder.path().join("2.db"), &mut |_, _| {
            ControlFlow::Break(())
        });
        assert!(matches!(stopped, Err(StoreError::Cancelled)), "{stopped:?}");
    }
}
