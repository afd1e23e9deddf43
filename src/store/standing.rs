//! A read transaction that stands open while requests come in close succession, so that their own cost less.
//!
//! All readers of the write-ahead log share a lock on it. The first connection of a process to take the lock, and the
//! last to leave it, ask the system, and the other connections wait at a mutex meanwhile; those between only count. With
//! a few workers each reader is mostly the first and the last, and one that is taken off its core right then makes the
//! others wait, too. So one connection more takes the lock, reads nothing, and leaves after a moment.
//!
//! A checkpoint can't go past a lock that is older than what it moves. Therefore it is held for [`MOMENT`] at the most,
//! which is what a checkpoint of another process waits, and makes way at once where this process writes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::Readers;

/// How long one stands.
const MOMENT: Duration = Duration::from_millis(100);
/// Readers that begin no longer after one another than this are many.
const CLOSE: Duration = Duration::from_millis(5);

/// The standing transaction of a store, which is there only while it is worth it.
#[derive(Debug)]
pub(super) struct Standing {
    shared: Arc<Shared>,
    manager: Readers,
    start: Instant,
    /// When a reader last began while none stood, in microseconds after `start`.
    last_began: AtomicU64,
    /// Opens and ends it; there is none before one is first wanted.
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// As [`State::is_wanted`], to be looked at by every reader.
    is_wanted: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<Connection>,
    /// Whether one stands, or is about to.
    is_wanted: bool,
    /// Whether it is open; also for a moment after it could not be opened.
    stands: bool,
    /// How many want to write.
    writers: u32,
    has_ended: bool,
}

/// None stands while this is held.
#[derive(Debug)]
pub(super) struct MadeWay<'s>(&'s Shared);

impl Standing {
    pub(super) fn new(manager: Readers) -> Self {
        Self {
            shared: Arc::default(),
            manager,
            start: Instant::now(),
            last_began: AtomicU64::new(0),
            thread: Mutex::new(None),
        }
    }

    /// To be told of every reader that begins.
    pub(super) fn reader_begins(&self) {
        if !self.shared.is_wanted.load(Ordering::Relaxed) {
            self.reader_begins_at(self.start.elapsed());
        }
    }

    fn reader_begins_at(&self, now: Duration) {
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let last = self.last_began.swap(now, Ordering::Relaxed);
        if last > 0 && Duration::from_micros(now.saturating_sub(last)) <= CLOSE {
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
            let begun = std::thread::Builder::new()
                .name("standing".to_owned())
                .spawn(move || shared.serve(&manager));
            match begun {
                Ok(begun) => *thread = Some(begun),
                // Everything works without it, and it stays wanted: nobody tries again.
                Err(error) => log::warn!("no thread for a standing read transaction: {error}"),
            }
        }
    }

    /// Ends the one that stands, and lets none begin.
    pub(super) fn make_way(&self) -> MadeWay<'_> {
        let mut state = self.shared.lock();
        state.writers += 1;
        self.shared.end(&mut state);
        MadeWay(&self.shared)
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.shared.lock().has_ended = true;
        self.shared.changed.notify_all();
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        // Its connection must be closed before the writer's, which takes the log away.
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread of the standing read transaction ended in a panic");
        }
    }
}

impl Drop for MadeWay<'_> {
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

    fn end(&self, state: &mut State) {
        if let Some(connection) = &state.connection
            && !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            log::warn!("the standing read transaction could not be ended: {error}");
            // It ends with its connection.
            state.connection = None;
        }
        state.stands = false;
        self.set_wanted(state, false);
    }

    /// Has one stand for a moment wherever it is wanted.
    fn serve(&self, manager: &Readers) {
        let mut state = self.lock();
        loop {
            state = self
                .changed
                .wait_while(state, |state| !state.is_wanted && !state.has_ended)
                .unwrap_or_else(PoisonError::into_inner);
            if state.has_ended {
                state.connection = None;
                return;
            }
            if let Err(error) = state.begin(manager) {
                // Readers get by without it, and have more to say of what is wrong.
                log::debug!("no standing read transaction: {error}");
            }
            state.stands = true;
            self.changed.notify_all();
            state = self
                .changed
                .wait_timeout_while(state, MOMENT, |state| state.stands && !state.has_ended)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            // It may have made way, and be wanted anew.
            if state.stands {
                self.end(&mut state);
            }
        }
    }
}

impl State {
    /// Takes the lock: that of what was committed last.
    fn begin(&mut self, manager: &Readers) -> rusqlite::Result<()> {
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
    use super::super::{Mode, Store};
    use super::*;
    use crate::store::OnConflict;

    /// Has one stand, and waits until it does. It may have ended again when this returns.
    fn stand(standing: &Standing) {
        let mut state = standing.shared.lock();
        while !state.stands {
            drop(state);
            standing.want();
            state = standing
                .shared
                .changed
                .wait_while(standing.shared.lock(), |state| {
                    state.is_wanted && !state.stands
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
    fn it_stands_where_readers_come_in_close_succession() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let was_wanted = || store.standing.thread.lock().unwrap().is_some();
        for millis in [1, 100, 106, 1_000] {
            store
                .standing
                .reader_begins_at(Duration::from_millis(millis));
            assert!(!was_wanted(), "{millis}");
        }
        store
            .standing
            .reader_begins_at(Duration::from_micros(1_004_999));
        assert!(was_wanted());
    }

    #[test]
    fn it_makes_way_for_a_writer_and_is_not_wanted_before_that_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        stand(&store.standing);
        let mut writer = store.writer().unwrap();
        assert!(!holds_a_transaction(&store.standing.shared.lock()));
        store.standing.want();
        assert!(!store.standing.shared.lock().is_wanted);
        writer.begin(OnConflict::Fail).unwrap().commit().unwrap();
        drop(writer);
        stand(&store.standing);
    }

    #[test]
    fn another_program_waits_for_a_moment_at_the_most() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        stand(&store.standing);
        let other = Connection::open(store.path()).unwrap();
        other.busy_timeout(super::super::BUSY_TIMEOUT).unwrap();
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
    fn it_leaves_no_log_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        stand(&store.standing);
        drop(store);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
