//! `Store`: opens the database, lends its readers and its writer, and checkpoints the write-ahead log.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use super::connection::data_version::DataVersion;
use super::connection::open::Mode;
use super::connection::opened::Opened;
use super::connection::opening::open_file;
use super::connection::reader::Reader;
use super::connection::reader_waits::{ReaderUsage, ReaderWaits};
use super::connection::turns::Turns;
use super::connection::writer::{WriteListener, WriteNotice, Writer};
use super::error::{OpenError, StoreError};
use super::file::{changed_at, log_of, refuse_log_of_another};
use super::interrupt::Interrupt;
use crate::time::Timestamp;

/// Above this size an idle WAL is truncated, in bytes.
const LARGE_WAL_BYTES: u64 = 64 << 20;
/// How long a version or a writer waits for a file that another program writes or has replaced.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// An open database.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    source: Source,
    waits: ReaderWaits,
    listener: WriteListener,
}

/// Where the connections come from.
#[derive(Debug)]
enum Source {
    /// The file that was opened.
    Fixed(Arc<Opened>),
    /// The file that is at the path now.
    Present(Present),
    /// The file at the path, in turns with a program that writes to it.
    Turns(Turns),
}

impl Store {
    /// Opens a database with at most `readers` reading connections.
    ///
    /// # Errors
    /// [`OpenError`]; a file that is refused was not written to.
    pub fn open(path: &Path, mode: Mode, readers: u32) -> Result<Self, OpenError> {
        Self::open_with(path, mode, readers, &mut |_done, _all| {})
    }

    /// Opens a database as [`Store::open`] does; while an older schema is brought up to date, `progress` is called with the
    /// number of jobs that are done and the number of all.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(
        path: &Path,
        mode: Mode,
        readers: u32,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, OpenError> {
        let source = match mode {
            Mode::Replica => Source::Turns(Turns::new(path, readers)?),
            Mode::Follow { makes } => {
                Source::Present(Present::new(path, makes, readers, progress)?)
            }
            _ => Source::Fixed(Arc::new(open_file(path, mode, readers, progress)?)),
        };
        Ok(Self {
            path: path.to_owned(),
            source,
            waits: ReaderWaits::default(),
            listener: WriteListener::default(),
        })
    }

    /// Returns a reader, whose work ends when the interrupt is due.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when none is free in time.
    pub fn reader(&self, interrupt: &Arc<Interrupt>) -> Result<Reader, StoreError> {
        match &self.source {
            Source::Fixed(opened) => opened.reader(&self.waits, interrupt),
            Source::Present(present) => present.get(interrupt)?.reader(&self.waits, interrupt),
            Source::Turns(turns) => loop {
                let visit = turns.enter(interrupt)?;
                match visit.opened().reader(&self.waits, interrupt) {
                    Ok(reader) => return Ok(reader.within(visit)),
                    Err(error) if visit.opened().file().is_in_place() => return Err(error),
                    // Another file is at the path now, and is that of the next turn.
                    Err(_) => turns.end(),
                }
            },
        }
    }

    /// Returns a reader for an answer computed on the worker's own thread; `None` where none is idle or soon opened.
    #[must_use]
    pub fn inline_reader(&self, interrupt: &Arc<Interrupt>) -> Option<Reader> {
        match &self.source {
            Source::Fixed(opened) => opened.inline_reader(interrupt),
            Source::Present(present) => present.get_at_once()?.inline_reader(interrupt),
            Source::Turns(turns) => {
                let visit = turns.try_enter()?;
                let reader = visit.opened().inline_reader(interrupt)?;
                Some(reader.within(visit))
            }
        }
    }

    /// Returns the version of the data now. Read before a transaction begins, it is that of the transaction or an earlier
    /// one, so an answer is never older than the version it is sent with.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn version(&self) -> Result<DataVersion, StoreError> {
        match &self.source {
            Source::Fixed(opened) => opened.version(),
            Source::Present(present) => present.get(&Interrupt::after(MAX_WAIT))?.version(),
            Source::Turns(turns) => {
                let visit = turns.enter(&Interrupt::after(MAX_WAIT))?;
                visit.opened().version()
            }
        }
    }

    /// As [`Store::version`], but waits for no other program.
    ///
    /// # Errors
    /// As [`Store::version`]; [`StoreError::Busy`] where it would have to wait.
    pub fn version_at_once(&self) -> Result<DataVersion, StoreError> {
        match &self.source {
            Source::Fixed(opened) => opened.version(),
            Source::Present(present) => present.get_at_once().ok_or(StoreError::Busy)?.version(),
            Source::Turns(turns) => {
                let visit = turns.try_enter().ok_or(StoreError::Busy)?;
                visit.opened().version()
            }
        }
    }

    /// Returns when the file was last written to, where another program does that; `None` where this one does, or it is gone.
    #[must_use]
    pub fn changed_at(&self) -> Option<Timestamp> {
        let Source::Turns(_) = &self.source else {
            return None;
        };
        changed_at(&std::fs::metadata(&self.path).ok()?)
    }

    /// Returns the connections of a store that serves one file.
    #[cfg(test)]
    pub(super) fn opened(&self) -> &Opened {
        match &self.source {
            Source::Fixed(opened) => opened,
            Source::Present(_) | Source::Turns(_) => panic!("the file may change"),
        }
    }

    /// Returns the turns of a replica.
    #[cfg(test)]
    pub(super) fn turns(&self) -> &Turns {
        match &self.source {
            Source::Turns(turns) => turns,
            Source::Fixed(_) | Source::Present(_) => panic!("it is no replica"),
        }
    }

    /// Returns the path that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the writer, and waits until it is free.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] when the database was opened to be read only.
    pub fn writer(&self) -> Result<Writer<'_>, StoreError> {
        let opened = match &self.source {
            Source::Fixed(opened) => Arc::clone(opened),
            Source::Present(present) => present.get(&Interrupt::after(MAX_WAIT))?,
            Source::Turns(_) => return Err(StoreError::ReadOnly),
        };
        let (connection, released) = opened.writer().ok_or(StoreError::ReadOnly)?;
        Ok(Writer {
            connection,
            opened,
            _released: released,
            _notice: WriteNotice(&self.listener),
        })
    }

    /// Calls `listener`, which must be quick, whenever a writer of this store is done, whatever it did. The first listener
    /// stays. Of another program that writes to the file it learns nothing.
    pub fn on_write(&self, listener: impl Fn() + Send + Sync + 'static) {
        self.listener.set(listener);
    }

    /// Whether the file that was opened is still at its path, or the one that is there now is opened in its place.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        match &self.source {
            Source::Fixed(opened) => opened.file().is_in_place(),
            Source::Present(_) | Source::Turns(_) => self.path.exists(),
        }
    }

    /// Whether jobs can be written: the mode and the permissions of the file allow it.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.writer()
            .is_ok_and(|writer| matches!(writer.connection.is_readonly("main"), Ok(false)))
    }

    /// Returns the readers as they are now, and the waits for them so far.
    #[must_use]
    pub fn reader_usage(&self) -> ReaderUsage {
        let opened = match &self.source {
            Source::Fixed(opened) => Some(Arc::clone(opened)),
            Source::Present(present) => present.get_at_once(),
            Source::Turns(turns) => turns.try_enter().map(|visit| Arc::clone(visit.opened())),
        };
        self.waits.usage(opened.map(|opened| opened.reader_state()))
    }

    /// Returns the size of the database file, in bytes, without its write-ahead log.
    #[must_use]
    pub fn database_bytes(&self) -> u64 {
        std::fs::metadata(self.path()).map_or(0, |metadata| metadata.len())
    }

    /// Returns the size of the write-ahead log, in bytes.
    #[must_use]
    pub fn wal_bytes(&self) -> u64 {
        std::fs::metadata(log_of(self.path())).map_or(0, |metadata| metadata.len())
    }

    /// Moves the write-ahead log into the database, as far as readers allow; truncates a large log. Does nothing where another
    /// program writes.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        if matches!(self.source, Source::Turns(_)) {
            return Ok(());
        }
        let is_large = self.wal_bytes() > LARGE_WAL_BYTES;
        self.writer()?
            .checkpoint(if is_large { "TRUNCATE" } else { "PASSIVE" })
    }
}

/// The file that is at a path now: where another one has replaced it, that one is opened.
#[derive(Debug)]
struct Present {
    path: PathBuf,
    readers: u32,
    state: RwLock<PresentState>,
}

#[derive(Debug)]
struct PresentState {
    /// `None` where the file that is there now is not open.
    opened: Option<Arc<Opened>>,
    /// Is there until the former file is closed.
    former: Weak<()>,
}

impl Present {
    fn new(
        path: &Path,
        makes: bool,
        readers: u32,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, OpenError> {
        let opened = open_file(path, Mode::Follow { makes }, readers, progress)?;
        Ok(Self {
            path: path.to_owned(),
            readers,
            state: RwLock::new(PresentState {
                opened: Some(Arc::new(opened)),
                former: Weak::new(),
            }),
        })
    }

    /// Returns the connections to the file that is there now; `None` where that would take a wait.
    fn get_at_once(&self) -> Option<Arc<Opened>> {
        self.state.try_read().ok()?.in_place()
    }

    /// Returns the connections to the file that is there now, and waits until the interrupt is due for the queries of the former
    /// one: only when that is closed its log is gone, which SQLite would take for that of the file that is there now.
    ///
    /// # Errors
    /// [`StoreError::Unopened`] where it can't be opened, so that the next call tries again; [`StoreError::Busy`] where queries of
    /// the former one still run.
    fn get(&self, interrupt: &Interrupt) -> Result<Arc<Opened>, StoreError> {
        const LOOK_INTERVAL: Duration = Duration::from_millis(1);
        loop {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(opened) = state.in_place() {
                return Ok(opened);
            }
            drop(state);
            if let Some(opened) = self.replace()? {
                return Ok(opened);
            }
            if interrupt.is_due() {
                return Err(StoreError::Busy);
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Opens the file that is there now; `None` while the former one is still open.
    fn replace(&self) -> Result<Option<Arc<Opened>>, StoreError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = state.in_place() {
            return Ok(Some(opened));
        }
        if let Some(former) = state.opened.take() {
            state.former = former.while_open();
        }
        if state.former.strong_count() > 0 {
            return Ok(None);
        }
        let path = &self.path;
        let mode = Mode::Follow { makes: false };
        let new = refuse_log_of_another(path)
            .and_then(|()| open_file(path, mode, self.readers, &mut |_done, _all| {}))
            .map_err(|error| StoreError::Unopened(Box::new(error)))?;
        log::warn!(
            "{}: is another file than before, and served from now on",
            path.display()
        );
        Ok(Some(Arc::clone(state.opened.insert(Arc::new(new)))))
    }
}

impl PresentState {
    /// Returns the connections, if their file is still at its path.
    fn in_place(&self) -> Option<Arc<Opened>> {
        let opened = self.opened.as_ref()?;
        opened.file().is_in_place().then(|| Arc::clone(opened))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::error::remedy;
    use super::super::schema::APPLICATION_ID;
    use super::super::write::OnConflict;
    use super::*;

    fn refusal(path: &Path, mode: Mode) -> String {
        Store::open(path, mode, 1).unwrap_err().to_string()
    }

    #[test]
    fn a_file_that_is_no_database_of_jobdeck_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        assert!(refusal(&path, Mode::ReadWrite).contains("there is no such file"));
        assert!(refusal(folder.path(), Mode::Create).contains("is not a file"));

        let check = |content: &[u8], problem: &str| {
            std::fs::write(&path, content).unwrap();
            for mode in [
                Mode::ReadOnly,
                Mode::ReadOnlyAnySchema,
                Mode::ReadWrite,
                Mode::Create,
            ] {
                assert!(
                    refusal(&path, mode).contains(problem),
                    "{}",
                    refusal(&path, mode)
                );
            }
            assert_eq!(std::fs::read(&path).unwrap(), content);
            assert_eq!(
                std::fs::read_dir(folder.path()).unwrap().count(),
                1,
                "no file next to it"
            );
        };
        check(b"some text", "is not a SQLite database");
        let foreign = folder.path().join("foreign.db");
        Connection::open(&foreign)
            .unwrap()
            .execute_batch("CREATE TABLE t (a)")
            .unwrap();
        let content = std::fs::read(&foreign).unwrap();
        std::fs::remove_file(&foreign).unwrap();
        check(&content, "is a database of another program");

        std::fs::remove_file(&path).unwrap();
        drop(Store::open(&path, Mode::Create, 1).unwrap());
        let mut newer = std::fs::read(&path).unwrap();
        newer[60..64].copy_from_slice(&99_i32.to_be_bytes());
        check(
            &newer,
            "was made by a newer jobdeck (schema 99, this one knows 6)",
        );
    }

    #[test]
    fn a_file_that_has_replaced_another_is_served_once_that_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let [path, next] = ["x.db", "next.db"].map(|name| folder.path().join(name));
        drop(Store::open(&next, Mode::Create, 1).unwrap());
        let store = Store::open(&path, Mode::Follow { makes: true }, 2).unwrap();
        let interrupt = |millis| Arc::new(Interrupt::after(Duration::from_millis(millis)));
        let reader = store.reader(&interrupt(10_000)).unwrap();
        let before = store.version().unwrap();
        std::fs::rename(&next, &path).unwrap();
        // A query of the former file runs, and nobody waits for it longer than for any query.
        assert!(matches!(
            store.reader(&interrupt(20)),
            Err(StoreError::Busy)
        ));
        assert!(store.inline_reader(&interrupt(10_000)).is_none());
        assert!(matches!(store.version_at_once(), Err(StoreError::Busy)));
        drop(reader);
        assert!(store.reader(&interrupt(10_000)).is_ok());
        assert_ne!(store.version().unwrap(), before);
        // A file that is gone is not made again.
        std::fs::remove_file(&path).unwrap();
        let problem = store.reader(&interrupt(20)).unwrap_err().to_string();
        assert!(problem.contains("there is no such file"), "{problem}");
    }

    #[test]
    fn a_damaged_database_is_reported_as_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        drop(Store::open(&path, Mode::Create, 1).unwrap());
        let content = std::fs::read(&path).unwrap();
        std::fs::write(&path, &content[..2_000]).unwrap();
        let refusal = refusal(&path, Mode::ReadOnly);
        assert!(refusal.contains("the file is damaged"), "{refusal}");
    }

    #[test]
    fn the_error_of_a_database_that_another_program_writes_to_has_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let store = Store::open(&path, Mode::Create, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let _held = writer.begin(OnConflict::Replace).unwrap();
        let second = Connection::open(&path).unwrap();
        second.busy_timeout(Duration::ZERO).unwrap();
        let error = second.execute_batch("BEGIN IMMEDIATE").unwrap_err();
        assert_eq!(
            remedy(&error),
            "another program is writing to it; wait until it is done"
        );
    }

    #[test]
    fn a_read_only_store_does_not_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        drop(Store::open(&path, Mode::Create, 1).unwrap());
        let store = Store::open(&path, Mode::ReadOnly, 1).unwrap();
        assert!(store.writer().is_err());
    }

    #[test]
    fn an_older_database_with_an_invalid_document_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let older = Connection::open(&path).unwrap();
        older
            .execute_batch(
                "CREATE TABLE domains (id INTEGER PRIMARY KEY, domain_id TEXT);
                 CREATE TABLE jobs (id INTEGER PRIMARY KEY, document TEXT);
                 INSERT INTO jobs (document) VALUES ('{}');",
            )
            .unwrap();
        older
            .pragma_update(None, "application_id", APPLICATION_ID)
            .unwrap();
        older.pragma_update(None, "user_version", 2).unwrap();
        let refusal = refusal(&path, Mode::ReadWrite);
        assert!(refusal.contains("missing field `job_id`"), "{refusal}");
        let documents: i64 = older
            .query_row(
                "SELECT count(*) FROM jobs WHERE document = '{}'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(documents, 1);
    }

    #[test]
    fn other_programs_may_read_jobs_but_not_write_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let store = Store::open(&path, Mode::Create, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        let job = br#"{"job_id":"j","domain_id":"d","created_at":"2022-06-17T08:00:00Z","collector_info":{}}"#;
        transaction
            .put(&crate::job::Job::from_json(job).unwrap())
            .unwrap();
        transaction.commit().unwrap();
        let other = Connection::open(&path).unwrap();
        for sql in [
            "DELETE FROM jobs",
            "UPDATE jobs SET total_tasks = 2",
            "INSERT INTO jobs SELECT 2, domain, 'k', status, 0, 0, NULL, NULL, 0, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, head, tail FROM jobs",
            "DELETE FROM collector_infos",
            "UPDATE collector_infos SET info = '{}'",
            "INSERT INTO collector_infos (domain, info) VALUES (1, '[]')",
        ] {
            let error = other.execute(sql, []).unwrap_err().to_string();
            assert!(error.contains("write through jobdeck"), "{sql}: {error}");
        }
    }
}
