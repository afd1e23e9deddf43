//! Holds SQLite's shared WAL lock while requests follow each other, which saves each of them two `fcntl` calls and often
//! a wait: 8 to 10 % of the CPU of a short request.
//!
//! All readers of the write-ahead log share a lock on it. The first connection of a process to take the lock, and the
//! last to release it, call the system, and other connections wait at a mutex meanwhile; those in between only count.
//! With a few workers nearly every reader is both the first and the last, and one that loses its core right then makes
//! the others wait. So one extra connection takes the lock, reads nothing, and releases it soon.
//!
//! A checkpoint can't move what was committed after the oldest held lock was taken. So the lock is held for [`MAX_HOLD`]
//! at the most, which is how long a checkpoint of another process waits, and is released before this process writes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::open::ReaderManager;

/// How long the lock is held at the most.
const MAX_HOLD: Duration = Duration::from_millis(100);
/// Readers follow each other where no more time than this is between them.
const MAX_GAP: Duration = Duration::from_millis(5);

/// Takes and releases the lock of a store, on a thread of its own.
#[derive(Debug)]
pub(in crate::store) struct WalLockHolder {
    shared: Arc<Shared>,
    manager: ReaderManager,
    start: Instant,
    /// When a reader last began while the lock was not wanted, in microseconds after `start`.
    last_reader: AtomicU64,
    /// Started when the lock is first wanted.
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// A copy of [`State::is_wanted`] that every reader can load without the mutex.
    is_wanted: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<Connection>,
    /// Whether the lock is held, or is to be taken.
    is_wanted: bool,
    /// Whether the lock is held; also for [`MAX_HOLD`] after it could not be taken.
    is_held: bool,
    /// How many writers wait or write.
    writers: u32,
    is_closed: bool,
}

/// Keeps the lock from being taken for as long as this lives.
#[derive(Debug)]
pub(in crate::store) struct Released(Arc<Shared>);

impl WalLockHolder {
    pub(in crate::store) fn new(manager: ReaderManager) -> Self {
        Self {
            shared: Arc::default(),
            manager,
            start: Instant::now(),
            last_reader: AtomicU64::new(0),
            thread: Mutex::new(None),
        }
    }

    /// Notes that a reader begins.
    pub(in crate::store) fn note_reader(&self) {
        if !self.shared.is_wanted.load(Ordering::Relaxed) {
            self.note_reader_at(self.start.elapsed());
        }
    }

    fn note_reader_at(&self, now: Duration) {
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let last = self.last_reader.swap(now, Ordering::Relaxed);
        if last > 0 && Duration::from_micros(now.saturating_sub(last)) <= MAX_GAP {
            self.want();
        }
    }

    fn want(&self) {
        let mut state = self.shared.lock();
        if state.writers > 0 {
            return;
        }
        self.shared.set_wanted(&mut state, true);
        drop(state);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let (shared, manager) = (Arc::clone(&self.shared), self.manager.clone());
            let spawned = std::thread::Builder::new()
                .name("wal-lock".to_owned())
                .spawn(move || shared.serve(&manager));
            match spawned {
                Ok(spawned) => *thread = Some(spawned),
                // Everything works without it. The lock stays wanted, so the thread is not tried again.
                Err(error) => log::warn!("no thread to hold the WAL lock: {error}"),
            }
        }
    }

    /// Releases the lock, and keeps it from being taken until the result is dropped.
    pub(in crate::store) fn release(&self) -> Released {
        let mut state = self.shared.lock();
        state.writers += 1;
        self.shared.release(&mut state);
        Released(Arc::clone(&self.shared))
    }
}

impl Drop for WalLockHolder {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        // Its connection must be closed before the writer's, which takes the log away.
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread that holds the WAL lock ended in a panic");
        }
    }
}

impl Drop for Released {
    fn drop(&mut self) {
        self.0.lock().writers -= 1;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_wanted(&self, state: &mut State, is_wanted: bool) {
        state.is_wanted = is_wanted;
        self.is_wanted.store(is_wanted, Ordering::Relaxed);
        self.changed.notify_all();
    }

    fn release(&self, state: &mut State) {
        if let Some(connection) = &state.connection
            && !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            log::warn!("the transaction that holds the WAL lock could not be ended: {error}");
            // Closing the connection ends it.
            state.connection = None;
        }
        state.is_held = false;
        self.set_wanted(state, false);
    }

    /// Takes the lock whenever it is wanted, and releases it soon.
    fn serve(&self, manager: &ReaderManager) {
        let mut state = self.lock();
        loop {
            state = self
                .changed
                .wait_while(state, |state| !state.is_wanted && !state.is_closed)
                .unwrap_or_else(PoisonError::into_inner);
            if state.is_closed {
                state.connection = None;
                return;
            }
            if let Err(error) = state.begin(manager) {
                // Readers work without it, and report the problem better.
                log::debug!("the WAL lock could not be taken: {error}");
            }
            state.is_held = true;
            self.changed.notify_all();
            state = self
                .changed
                .wait_timeout_while(state, MAX_HOLD, |state| state.is_held && !state.is_closed)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            // A writer may have released it already, and it may be wanted again.
            if state.is_held {
                self.release(&mut state);
            }
        }
    }
}

impl State {
    /// Takes the lock, on the latest commit.
    fn begin(&mut self, manager: &ReaderManager) -> rusqlite::Result<()> {
        let connection = match &self.connection {
            Some(connection) => connection,
            None => self
                .connection
                .insert(r2d2::ManageConnection::connect(manager)?.connection),
        };
        connection.execute_batch("BEGIN; SELECT 1 FROM domains LIMIT 1;")
    }
}

#[cfg(test)]
mod tests {
    use super::super::open::BUSY_TIMEOUT;
    use super::*;
    use crate::store::{Mode, OnConflict, Store};

    /// Has the lock taken, and waits until it is held. It may be released again when this returns.
    fn hold(holder: &WalLockHolder) {
        let mut state = holder.shared.lock();
        while !state.is_held {
            drop(state);
            holder.want();
            state = holder
                .shared
                .changed
                .wait_while(holder.shared.lock(), |state| {
                    state.is_wanted && !state.is_held
                })
                .unwrap();
        }
        assert!(holds_a_transaction(&state));
    }

    fn holds_a_transaction(state: &State) -> bool {
        let connection = state.connection.as_ref();
        connection.is_some_and(|connection| !connection.is_autocommit())
    }

    fn store(folder: &tempfile::TempDir) -> Store {
        Store::open(&folder.path().join("x.db"), Mode::Create, 1).unwrap()
    }

    #[test]
    fn the_lock_is_wanted_when_readers_follow_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let was_wanted = || store.opened().wal_lock.thread.lock().unwrap().is_some();
        for millis in [1, 100, 106, 1_000] {
            store
                .opened()
                .wal_lock
                .note_reader_at(Duration::from_millis(millis));
            assert!(!was_wanted(), "{millis}");
        }
        store
            .opened()
            .wal_lock
            .note_reader_at(Duration::from_micros(1_004_999));
        assert!(was_wanted());
    }

    #[test]
    fn a_writer_has_the_lock_released_until_it_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        hold(&store.opened().wal_lock);
        let mut writer = store.writer().unwrap();
        assert!(!holds_a_transaction(&store.opened().wal_lock.shared.lock()));
        store.opened().wal_lock.want();
        assert!(!store.opened().wal_lock.shared.lock().is_wanted);
        writer.begin(OnConflict::Fail).unwrap().commit().unwrap();
        drop(writer);
        hold(&store.opened().wal_lock);
    }

    #[test]
    fn a_checkpoint_of_another_program_soon_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        hold(&store.opened().wal_lock);
        let other = Connection::open(store.path()).unwrap();
        other.busy_timeout(BUSY_TIMEOUT).unwrap();
        other
            .execute("INSERT INTO domains (domain_id) VALUES ('d')", [])
            .unwrap();
        let is_busy: bool = other
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .unwrap();
        assert!(!is_busy);
        assert_eq!(store.wal_bytes(), 0);
    }

    #[test]
    fn closing_the_store_leaves_no_log() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        hold(&store.opened().wal_lock);
        drop(store);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
