//! Readers: connections that are lent out of their pools, each for one answer.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::open::ReaderManager;
use super::reader_waits::ReaderWaits;
use crate::store::error::StoreError;
use crate::store::interrupt::Interrupt;

/// How long an inline reader that is being opened is waited for: a few times what opening takes.
const MAX_OPENING: Duration = Duration::from_millis(3);

/// A reading connection whose work ends when its interrupt is due.
#[derive(Debug)]
pub struct Reader {
    pub(in crate::store) pooled: r2d2::PooledConnection<ReaderManager>,
    pub(in crate::store) interrupt: Arc<Interrupt>,
    /// Keeps the file open: its log must not be taken for that of a file that replaces it.
    _opened: Arc<dyn Debug + Send + Sync>,
    /// Keeps the file as it is, where another program writes to it.
    visit: Option<Box<dyn Debug + Send>>,
}

impl Reader {
    /// Takes a reader from the pool, and waits for one until the interrupt is due.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when none is free by then.
    pub(in crate::store) fn from_pool(
        opened: Arc<dyn Debug + Send + Sync>,
        pool: &r2d2::Pool<ReaderManager>,
        waits: &ReaderWaits,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Self, StoreError> {
        let pooled = match pool.try_get() {
            Some(pooled) => pooled,
            None => wait_for_one(pool, waits, interrupt)?,
        };
        Ok(Self::new(opened, pooled, interrupt))
    }

    /// Takes an inline reader, which nobody waits for: one that is idle, or can be opened within [`MAX_OPENING`].
    pub(in crate::store) fn inline_from_pool(
        opened: Arc<dyn Debug + Send + Sync>,
        pool: &r2d2::Pool<ReaderManager>,
        interrupt: &Arc<Interrupt>,
    ) -> Option<Self> {
        let pooled = pool
            .try_get()
            .or_else(|| pool.get_timeout(MAX_OPENING).ok())?;
        Some(Self::new(opened, pooled, interrupt))
    }

    fn new(
        opened: Arc<dyn Debug + Send + Sync>,
        pooled: r2d2::PooledConnection<ReaderManager>,
        interrupt: &Arc<Interrupt>,
    ) -> Self {
        let interrupt = Arc::clone(interrupt);
        pooled.limits.set_interrupt(Some(Arc::clone(&interrupt)));
        Self {
            pooled,
            interrupt,
            _opened: opened,
            visit: None,
        }
    }

    /// Makes it take part in a turn for as long as it lives.
    pub(in crate::store) fn within(mut self, visit: impl Debug + Send + 'static) -> Self {
        self.visit = Some(Box::new(visit));
        self
    }
}

fn wait_for_one(
    pool: &r2d2::Pool<ReaderManager>,
    waits: &ReaderWaits,
    interrupt: &Interrupt,
) -> Result<r2d2::PooledConnection<ReaderManager>, StoreError> {
    let since = Instant::now();
    let result = pool.get_timeout(interrupt.remaining());
    waits.add(since.elapsed(), result.is_err());
    result.map_err(|error| {
        log::warn!("no reader in time: {error}");
        StoreError::Busy
    })
}

impl Drop for Reader {
    fn drop(&mut self) {
        // The next reader of this connection has an interrupt of its own.
        self.pooled.limits.set_interrupt(None);
    }
}
