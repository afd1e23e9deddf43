//! `Turns`: lends readers of a file that another program writes, such as a follower of Litestream, in turns with that program.
//!
//! While there are readers, this process holds SQLite's shared lock on the file ([`SharedLock`]): that is a turn, in which the file
//! does not change. Its connections are immutable ones, which take no locks and write nothing, not even the files beside a database
//! that locks of a log need. When the other program waits for the lock, the turn ends: readers that run are let finish, further
//! ones wait for the next turn. So every answer is of one state, and none waits for longer than another one takes.
//!
//! A thread looks for the other program while a turn lasts. Where nobody reads, there is no turn, and nothing to do.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::open::Mode;
use super::opened::Opened;
use super::opening::open_file;
use super::shared_lock::{SharedLock, is_open_elsewhere};
use crate::clock::Clock;
use crate::store::error::{OpenError, StoreError};
use crate::store::file::{changed_at, has_log, refuse_log};
use crate::store::interrupt::Interrupt;

/// How often is looked for a program that waits, and for another file at the path.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How long a turn lasts in which nobody reads.
const MAX_IDLE: Duration = Duration::from_secs(1);
/// How long the first turn is waited for.
const MAX_FIRST_WAIT: Duration = Duration::from_secs(3);
/// How often a lock is tried that another program holds.
const RETRY: Duration = Duration::from_millis(2);
/// How long a file must have been as it is until its times prove that it is the same: the clock of a file system has ticks.
const SETTLED_MILLIS: i64 = 1_000;

/// The turns of a file.
#[derive(Debug)]
pub(in crate::store) struct Turns {
    shared: Arc<Shared>,
    /// Started with the first turn.
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    /// The most readers of each kind.
    readers: u32,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    turn: Option<Turn>,
    /// The connections of the last turn, which serve the next one if the file is the same.
    last: Option<(FileState, Arc<Opened>)>,
    is_closed: bool,
}

#[derive(Debug)]
struct Turn {
    opened: Arc<Opened>,
    lock: SharedLock,
    /// How many readers there are.
    readers: usize,
    /// How many of them began before the turn was to end; `None` while it goes on. As long as these last, the other program waits
    /// anyway, so further ones may begin.
    earlier: Option<usize>,
    /// When the last reader ended.
    idle_since: Instant,
}

/// What shows whether a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileState {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    /// Whether it has been so for long enough when it was looked at.
    is_settled: bool,
}

impl FileState {
    fn new(metadata: &Metadata) -> Self {
        let settled = changed_at(metadata).map(|time| time.plus_millis(SETTLED_MILLIS));
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            is_settled: settled.is_some_and(|settled| settled < Clock::SYSTEM.now()),
        }
    }

    /// Whether a file that looked so before is the same as one that looks like `now`.
    fn is_still(self, now: Self) -> bool {
        let now = Self {
            is_settled: true,
            ..now
        };
        self == now
    }
}

/// Takes part in a turn for as long as it lives.
#[derive(Debug)]
pub(in crate::store) struct Visit {
    opened: Arc<Opened>,
    shared: Arc<Shared>,
    /// Whether it began when the turn was to end.
    is_late: bool,
}

impl Visit {
    pub(in crate::store) fn opened(&self) -> &Arc<Opened> {
        &self.opened
    }
}

impl Turns {
    /// Prepares the turns of the file at a path, and has the first one.
    ///
    /// # Errors
    /// [`OpenError`] where the file can't be served.
    pub(in crate::store) fn new(path: &Path, readers: u32) -> Result<Self, OpenError> {
        let turns = Self {
            shared: Arc::new(Shared {
                path: path.to_owned(),
                readers,
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
            thread: Mutex::new(None),
        };
        let first = Interrupt::after(MAX_FIRST_WAIT);
        match turns.enter(&first) {
            Ok(_) => Ok(turns),
            Err(StoreError::Unopened(error)) => Err(*error),
            Err(_) => Err(OpenError::Busy(path.to_owned())),
        }
    }

    /// Takes part in the present turn, or begins one, and waits for that until the interrupt is due.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where it is due before; [`StoreError::Unopened`] where the file can't be served.
    pub(in crate::store) fn enter(&self, interrupt: &Interrupt) -> Result<Visit, StoreError> {
        let visit = self.shared.enter(interrupt)?;
        self.start_thread();
        Ok(visit)
    }

    /// Takes part in the present turn; `None` where there is none that can be entered immediately.
    pub(in crate::store) fn try_enter(&self) -> Option<Visit> {
        // Held while a file is opened.
        let mut state = self.shared.state.try_lock().ok()?;
        self.shared.join(&mut state)
    }

    /// Ends the turn as soon as its readers allow.
    pub(in crate::store) fn end(&self) {
        self.shared.end(&mut self.shared.lock());
    }

    /// Waits until the present turn is to end, or has ended.
    #[cfg(test)]
    fn wait_for_end(&self) {
        let goes_on = |state: &State| matches!(&state.turn, Some(turn) if turn.earlier.is_none());
        let start = Instant::now();
        let mut state = self.shared.lock();
        while goes_on(&state) {
            drop(state);
            assert!(
                start.elapsed() < super::shared_lock::MAX_WAIT,
                "the turn goes on"
            );
            std::thread::yield_now();
            state = self.shared.lock();
        }
    }

    fn start_thread(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_some() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let spawned = std::thread::Builder::new()
            .name("turns".to_owned())
            .spawn(move || shared.watch());
        match spawned {
            Ok(spawned) => *thread = Some(spawned),
            // The next reader tries again. Until then the other program waits.
            Err(error) => log::error!("no thread to watch for who writes the database: {error}"),
        }
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread that watches for who writes the database ended in a panic");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes part in the present turn, unless nobody may any more.
    fn join(self: &Arc<Self>, state: &mut State) -> Option<Visit> {
        let is_in_place = state.turn.as_ref()?.opened.file().is_in_place();
        if !is_in_place {
            self.end(state);
        }
        let turn = state.turn.as_mut()?;
        if turn.earlier == Some(0) || !is_in_place {
            return None;
        }
        turn.readers += 1;
        Some(Visit {
            opened: Arc::clone(&turn.opened),
            shared: Arc::clone(self),
            is_late: turn.earlier.is_some(),
        })
    }

    fn enter(self: &Arc<Self>, interrupt: &Interrupt) -> Result<Visit, StoreError> {
        let mut state = self.lock();
        loop {
            if let Some(visit) = self.join(&mut state) {
                return Ok(visit);
            }
            let is_due = interrupt.is_due();
            if state.turn.is_some() && !is_due {
                // Until its last reader has ended.
                let waited = self.changed.wait_timeout(state, interrupt.remaining());
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            } else if state.turn.is_none()
                && let Some(turn) = self.begin(&mut state, is_due)?
            {
                state.turn = Some(turn);
                self.changed.notify_all();
            } else if is_due {
                return Err(StoreError::Busy);
            } else {
                // Nobody is told when another program releases a lock.
                drop(state);
                std::thread::sleep(RETRY);
                state = self.lock();
            }
        }
    }

    /// Begins a turn; `None` where another program writes or has the database open, or the file was replaced meanwhile. `is_last`
    /// says that nobody waits any more.
    fn begin(&self, state: &mut State, is_last: bool) -> Result<Option<Turn>, StoreError> {
        let unopened = |error| StoreError::Unopened(Box::new(error));
        let io = |source| {
            unopened(OpenError::Io {
                path: self.path.clone(),
                source,
            })
        };
        let lock = match SharedLock::take(&self.path) {
            Ok(Some(lock)) => lock,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(unopened(OpenError::NotFound(self.path.clone())));
            }
            Err(error) => return Err(io(error)),
        };
        // It may move its log into the file at any time, without a lock on that. A command that only reads soon ends.
        if is_open_elsewhere(&self.path).map_err(io)? {
            let refused = unopened(OpenError::OpenElsewhere(self.path.clone()));
            return if is_last { Err(refused) } else { Ok(None) };
        }
        refuse_log(&self.path).map_err(unopened)?;
        let now = FileState::new(&lock.file().metadata().map_err(io)?);
        let same = state.last.take().filter(|(before, _)| before.is_still(now));
        let (now, opened) = if let Some(same) = same {
            same
        } else {
            let opened = open_file(&self.path, Mode::Replica, self.readers, &mut |_, _| {})
                .map_err(unopened)?;
            if !opened.file().is_the(lock.file()) {
                return Ok(None);
            }
            (now, Arc::new(opened))
        };
        state.last = Some((now, Arc::clone(&opened)));
        Ok(Some(Turn {
            opened,
            lock,
            readers: 0,
            earlier: None,
            idle_since: Instant::now(),
        }))
    }

    fn end(&self, state: &mut State) {
        let Some(turn) = &mut state.turn else {
            return;
        };
        turn.earlier.get_or_insert(turn.readers);
        if turn.readers == 0 {
            state.turn = None;
            self.changed.notify_all();
        }
    }

    /// Ends each turn when it is time.
    fn watch(&self) {
        let mut state = self.lock();
        while !state.is_closed {
            let Some(turn) = &state.turn else {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if self.is_over(turn) {
                self.end(&mut state);
            }
            state = self
                .changed
                .wait_timeout(state, LOOK_INTERVAL)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn is_over(&self, turn: &Turn) -> bool {
        let is_awaited = turn.lock.is_awaited().unwrap_or_else(|error| {
            log::warn!("whether another program waits for the database is unknown: {error}");
            true
        });
        is_awaited
            || !turn.opened.file().is_in_place()
            || has_log(&self.path)
            || (turn.readers == 0 && turn.idle_since.elapsed() > MAX_IDLE)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        // A turn lasts as long as it is visited.
        let Some(turn) = &mut state.turn else {
            return;
        };
        turn.readers -= 1;
        turn.idle_since = Instant::now();
        if let Some(earlier) = &mut turn.earlier {
            *earlier -= usize::from(!self.is_late);
            if turn.readers == 0 {
                state.turn = None;
                self.shared.changed.notify_all();
            }
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::time::SystemTime;

    use rusqlite::Connection;

    use super::super::shared_lock::{MAX_WAIT, overwrite};
    use super::*;
    use crate::store::{Mode, Store, log_of};

    /// A folder with a database, and the contents of the next ones.
    struct Data {
        folder: tempfile::TempDir,
        path: PathBuf,
        /// The n-th has n domains.
        contents: Vec<Vec<u8>>,
    }

    fn data() -> Data {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        drop(Store::open(&path, Mode::Create, 1).unwrap());
        let mut contents = vec![std::fs::read(&path).unwrap()];
        for domain in 1..6 {
            let connection = Connection::open(&path).unwrap();
            let insert = "INSERT INTO domains (domain_id) VALUES (?)";
            connection
                .execute(insert, [format!("domain-{domain}")])
                .unwrap();
            // The last connection takes the log away.
            drop(connection);
            contents.push(std::fs::read(&path).unwrap());
        }
        std::fs::write(&path, &contents[0]).unwrap();
        Data {
            folder,
            path,
            contents,
        }
    }

    impl Data {
        fn open(&self) -> Store {
            Store::open(&self.path, Mode::Replica, 4).unwrap()
        }

        /// Sets the time of the file to one of long ago.
        fn make_old(&self) {
            let file = std::fs::File::options().write(true).open(&self.path);
            let long_ago = SystemTime::now() - Duration::from_mins(1);
            file.unwrap().set_modified(long_ago).unwrap();
        }
    }

    fn soon() -> Arc<Interrupt> {
        Arc::new(Interrupt::after(Duration::from_secs(10)))
    }

    fn count_by(reader: &crate::store::Reader) -> i64 {
        let count = "SELECT count(*) FROM domains";
        let count = reader
            .pooled
            .connection
            .query_row(count, [], |row| row.get(0));
        count.unwrap()
    }

    fn count(store: &Store) -> i64 {
        count_by(&store.reader(&soon()).unwrap())
    }

    #[test]
    fn a_program_that_writes_has_its_turn_between_readers_that_follow_each_other() {
        let data = data();
        let store = data.open();
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let start = Instant::now();
                        let mut counts = vec![0];
                        while !is_done.load(Ordering::Relaxed) && start.elapsed() < MAX_WAIT {
                            counts.push(count(&store));
                        }
                        counts
                    })
                })
                .collect();
            for content in &data.contents {
                overwrite(&data.path, content);
            }
            is_done.store(true, Ordering::Relaxed);
            for reader in readers {
                assert!(reader.join().unwrap().is_sorted());
            }
        });
        assert_eq!(count(&store), 5);
    }

    #[test]
    fn a_turn_lasts_as_long_as_a_reader_that_began_before_and_others_may_begin_meanwhile() {
        let data = data();
        let store = data.open();
        let first = store.reader(&soon()).unwrap();
        let (sender, written) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                overwrite(&data.path, &data.contents[1]);
                sender.send(()).unwrap();
            });
            store.turns().wait_for_end();
            assert_eq!(count(&store), 0);
            let late = store.reader(&soon()).unwrap();
            drop(first);
            // Now it could go on for ever.
            let due = Arc::new(Interrupt::after(Duration::from_millis(50)));
            assert!(matches!(store.reader(&due), Err(StoreError::Busy)));
            assert!(store.inline_reader(&soon()).is_none());
            assert!(matches!(store.version_at_once(), Err(StoreError::Busy)));
            assert_eq!(count_by(&late), 0);
            assert!(written.try_recv().is_err());
            drop(late);
            written.recv_timeout(MAX_WAIT).unwrap();
            assert_eq!(count(&store), 1);
        });
    }

    #[test]
    fn nothing_is_written_and_nothing_locked_where_nobody_reads() {
        let data = data();
        let store = data.open();
        assert_eq!(count(&store), 0);
        let folder = std::fs::read_dir(data.folder.path()).unwrap();
        assert_eq!(folder.count(), 1);
        assert_eq!(std::fs::read(&data.path).unwrap(), data.contents[0]);
        // The turn is over some time after its last reader.
        store.turns().wait_for_end();
        overwrite(&data.path, &data.contents[1]);
        assert_eq!(count(&store), 1);
    }

    #[test]
    fn the_connections_serve_the_next_turn_where_the_file_has_been_the_same_for_long() {
        let data = data();
        data.make_old();
        let store = data.open();
        let first = store.version().unwrap();
        store.turns().end();
        assert_eq!(store.version().unwrap(), first);
        store.turns().end();
        // Of the same length, and as old as before.
        overwrite(&data.path, &data.contents[1]);
        data.make_old();
        assert_ne!(store.version().unwrap(), first);
        assert_eq!(count(&store), 1);
    }

    #[test]
    fn another_file_at_the_path_is_served_and_one_that_is_gone_is_reported() {
        let data = data();
        let store = data.open();
        assert_eq!(count(&store), 0);
        std::fs::rename(&data.path, data.folder.path().join("former.db")).unwrap();
        store.turns().end();
        let problem = store.reader(&soon()).unwrap_err().to_string();
        assert!(problem.contains("there is no such file"), "{problem}");
        let next = data.folder.path().join("next.db");
        std::fs::write(&next, &data.contents[2]).unwrap();
        std::fs::rename(&next, &data.path).unwrap();
        assert_eq!(count(&store), 2);
        // Without a moment without a file, it is noticed as well.
        std::fs::write(&next, &data.contents[3]).unwrap();
        std::fs::rename(&next, &data.path).unwrap();
        store.turns().wait_for_end();
        assert_eq!(count(&store), 3);
    }

    #[test]
    fn a_database_with_a_log_beside_it_is_refused() {
        let data = data();
        let store = Store::open(&data.path, Mode::ReadWrite, 1).unwrap();
        let other = Connection::open(&data.path).unwrap();
        let insert = "INSERT INTO domains (domain_id) VALUES ('d')";
        other.execute(insert, []).unwrap();
        // A process that is killed leaves its log.
        let log = std::fs::read(log_of(&data.path)).unwrap();
        drop((store, other));
        // The file itself stays the same, so that the next turn has the same connections.
        data.make_old();
        let store = data.open();
        assert_eq!(count(&store), 1);
        store.turns().end();
        std::fs::write(log_of(&data.path), log).unwrap();
        let problem = store.reader(&soon()).unwrap_err().to_string();
        assert!(
            problem.contains("x.db-wal beside it has changes"),
            "{problem}"
        );
    }
}
