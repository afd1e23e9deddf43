//! What time it is, for the whole server and for each domain that has a clock of its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// A clock: the system's, so much before or behind it, or one that stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Runs as the system's clock does, so many milliseconds ahead of it (or behind, when negative).
    Running {
        ahead_millis: i64,
    },
    Frozen(Timestamp),
}

impl Clock {
    /// The clock of the system.
    pub const SYSTEM: Self = Self::Running { ahead_millis: 0 };

    /// The moment that it shows.
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self {
            Self::Frozen(now) => now,
            Self::Running { ahead_millis } => system_time().plus_millis(ahead_millis),
        }
    }

    #[must_use]
    pub fn is_frozen(self) -> bool {
        matches!(self, Self::Frozen(_))
    }

    /// A clock that shows `now` at this moment and then runs.
    #[must_use]
    pub fn running_from(now: Timestamp) -> Self {
        Self::Running {
            ahead_millis: now.millis() - system_time().millis(),
        }
    }

    /// The same clock, set so much later.
    #[must_use]
    pub fn advanced(self, millis: i64) -> Self {
        match self {
            Self::Frozen(now) => Self::Frozen(now.plus_millis(millis)),
            Self::Running { ahead_millis } => Self::Running {
                ahead_millis: ahead_millis.saturating_add(millis),
            },
        }
    }
}

fn system_time() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(millis).unwrap_or(Timestamp::MAX)
}

/// The clock of the server, and those of the domains that have one of their own.
#[derive(Debug)]
pub struct Clocks {
    /// The server's as it was started.
    start: Clock,
    settings: RwLock<Settings>,
    changes: AtomicU64,
}

/// How all the clocks are set.
#[derive(Debug, Clone)]
pub struct Settings {
    server: Clock,
    domains: BTreeMap<String, Clock>,
}

impl Clocks {
    /// All show what this one does.
    #[must_use]
    pub fn new(start: Clock) -> Self {
        Self {
            start,
            settings: RwLock::new(Settings {
                server: start,
                domains: BTreeMap::new(),
            }),
            changes: AtomicU64::new(0),
        }
    }

    /// The server's clock as it was started.
    #[must_use]
    pub fn start(&self) -> Clock {
        self.start
    }

    /// The clock of a domain: its own, or else the server's; `None` asks for the server's.
    #[must_use]
    pub fn of(&self, domain_id: Option<&str>) -> Clock {
        let state = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        let own = domain_id.and_then(|domain_id| state.domains.get(domain_id));
        own.copied().unwrap_or(state.server)
    }

    /// The moment by which a request of a domain is answered.
    #[must_use]
    pub fn now(&self, domain_id: Option<&str>) -> Timestamp {
        self.of(domain_id).now()
    }

    /// How they are all set, to be put back.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Sets them all as they were.
    pub fn put_back(&self, settings: Settings) {
        self.change(|now| *now = settings);
    }

    /// Sets the clock of a domain, or with `None` the server's.
    pub fn set(&self, domain_id: Option<&str>, clock: Clock) {
        self.change(|state| match domain_id {
            Some(domain_id) => {
                state.domains.insert(domain_id.to_owned(), clock);
            }
            None => state.server = clock,
        });
    }

    /// Gives a domain the server's clock again; with `None` all of them that of the start.
    pub fn reset(&self, domain_id: Option<&str>) {
        self.change(|state| {
            if let Some(domain_id) = domain_id {
                state.domains.remove(domain_id);
            } else {
                state.server = self.start;
                state.domains.clear();
            }
        });
    }

    /// Another number after each time that a clock was set.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(
            &mut self
                .settings
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_the_clock_of_the_server_until_it_has_its_own() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let clocks = Clocks::new(Clock::Frozen(at(1_000)));
        assert_eq!(clocks.now(Some("d")), at(1_000));
        clocks.set(Some("d"), clocks.of(Some("d")).advanced(500));
        clocks.set(None, Clock::Frozen(at(7_000)));
        let shown = [None, Some("d"), Some("e")].map(|domain| clocks.now(domain).millis());
        assert_eq!(shown, [7_000, 1_500, 7_000]);
        clocks.reset(Some("d"));
        assert_eq!(clocks.now(Some("d")), at(7_000));
        clocks.set(Some("d"), Clock::SYSTEM);
        assert_eq!(clocks.changes(), 4);
        clocks.reset(None);
        assert_eq!(clocks.now(Some("d")), at(1_000));
    }

    #[test]
    fn a_running_clock_runs_from_where_it_was_set() {
        let start = Timestamp::from_millis(0).unwrap();
        let clock = Clock::running_from(start);
        assert!((0..60_000).contains(&clock.now().millis()));
        assert!(clock.advanced(3_600_000).now().millis() >= 3_600_000);
        assert_eq!(
            Clock::Frozen(Timestamp::MAX).advanced(1).now(),
            Timestamp::MAX
        );
    }
}
