//! Readers: opening them, and lending them out of their pools.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::kept::Kept;
use super::waits::Waits;
use super::{Interrupt, Place, StoreError, configure, functions};

/// How many steps of SQLite's machine a reader takes between two looks at the deadline: some tens of microseconds.
pub(super) const STEPS_BETWEEN_LOOKS: i32 = 1_000;
/// How much of the database a reader for answers at once holds in memory, in KiB: the upper levels of the trees of a
/// million jobs, and some pages below them. SQLite's own 2,000, which the others have, are less than those levels.
const AT_ONCE_CACHE_KIB: i64 = 3 << 10;
/// How long a new reader for an answer at once is waited for: some times what it takes.
const MAX_OPENING: Duration = Duration::from_millis(3);

/// A connection of the pool, with what bounds its functions.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) connection: Connection,
    limits: Arc<functions::Limits>,
    pub(super) kept: Kept,
}

/// Opens readers: a reader of another file that was put in its place would answer from another inventory.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    pub(super) place: Place,
    /// Whether they answer on the thread that read the request.
    pub(super) answer_at_once: bool,
}

impl r2d2::ManageConnection for Readers {
    type Connection = Reading;
    type Error = rusqlite::Error;

    fn connect(&self) -> rusqlite::Result<Reading> {
        let Place { path, .. } = &self.place;
        if let Err(problem) = self.place.check() {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
            return Err(rusqlite::Error::SqliteFailure(
                code,
                Some(problem.to_string()),
            ));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        let limits = configure(&connection)?;
        let looked_at = Arc::clone(&limits);
        connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || looked_at.is_due()))?;
        connection.pragma_update(None, "query_only", true)?;
        let kept = if self.answer_at_once {
            connection.pragma_update(None, "cache_size", -AT_ONCE_CACHE_KIB)?;
            // Nor is another program's lock waited for there.
            connection.busy_timeout(Duration::ZERO)?;
            Kept::with_documents()
        } else {
            Kept::default()
        };
        // Reads the header and the schema, so that a fault of the file is seen here.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
            row.get::<_, i64>(0)
        })?;
        Ok(Reading {
            connection,
            limits,
            kept,
        })
    }
    fn is_valid(&self, _: &mut Reading) -> rusqlite::Result<()> {
        Ok(())
    }
    fn has_broken(&self, _: &mut Reading) -> bool {
        false
    }
}

/// A reading connection whose work ends when its interrupt is due.
#[derive(Debug)]
pub struct Reader {
    pub(super) pooled: r2d2::PooledConnection<Readers>,
    pub(super) interrupt: Arc<Interrupt>,
}

impl Reader {
    pub(super) fn new(
        pool: &r2d2::Pool<Readers>,
        waits: &Waits,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Self, StoreError> {
        let pooled = match pool.try_get() {
            Some(pooled) => pooled,
            None => wait_for_one(pool, waits, interrupt)?,
        };
        Ok(Self::bounded(pooled, interrupt))
    }

    /// A reader that is idle, or opened in no time; `None` where there is none.
    pub(super) fn at_once(pool: &r2d2::Pool<Readers>, interrupt: &Arc<Interrupt>) -> Option<Self> {
        let pooled = pool
            .try_get()
            .or_else(|| pool.get_timeout(MAX_OPENING).ok())?;
        Some(Self::bounded(pooled, interrupt))
    }

    /// Has what is run here end when the interrupt is due.
    fn bounded(pooled: r2d2::PooledConnection<Readers>, interrupt: &Arc<Interrupt>) -> Self {
        let interrupt = Arc::clone(interrupt);
        pooled.limits.begin(Some(Arc::clone(&interrupt)));
        Self { pooled, interrupt }
    }
}

/// A reader where none is idle.
fn wait_for_one(
    pool: &r2d2::Pool<Readers>,
    waits: &Waits,
    interrupt: &Interrupt,
) -> Result<r2d2::PooledConnection<Readers>, StoreError> {
    let since = Instant::now();
    let waited = pool.get_timeout(interrupt.remaining());
    waits.add(since.elapsed(), waited.is_err());
    waited.map_err(|error| {
        log::warn!("no reader in time: {error}");
        StoreError::Busy
    })
}

impl Drop for Reader {
    fn drop(&mut self) {
        // The connection goes back clean.
        self.pooled.limits.begin(None);
    }
}
