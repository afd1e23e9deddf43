//! The clocks of the server and of the domains that have a clock of their own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// A clock: running as fast as the system's clock or faster, or frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Runs with the system's clock, `speed` times as fast.
    Running {
        /// How many milliseconds pass in one of the system's clock; at least 1.
        speed: u16,
        /// Milliseconds ahead of `speed` times the milliseconds of the system's clock since 1970; negative: behind.
        ahead_millis: i64,
    },
    /// Always shows this time.
    Frozen(Timestamp),
}

impl Clock {
    /// The clock of the system.
    pub const SYSTEM: Self = Self::Running {
        speed: 1,
        ahead_millis: 0,
    };

    /// Returns the time that it shows.
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self {
            Self::Frozen(now) => now,
            Self::Running {
                speed,
                ahead_millis,
            } => {
                let system = system_time();
                let others = (i64::from(speed) - 1) * system.millis();
                system.plus_millis(others.saturating_add(ahead_millis))
            }
        }
    }

    #[must_use]
    pub fn is_frozen(self) -> bool {
        matches!(self, Self::Frozen(_))
    }

    /// Makes a running clock that shows `now` at first.
    #[must_use]
    pub fn running_from(now: Timestamp) -> Self {
        Self::running_at(now, 1)
    }

    /// Makes a running clock that shows `now` at first, and runs `speed` times as fast as the system's clock.
    #[must_use]
    pub fn running_at(now: Timestamp, speed: u16) -> Self {
        let speed = speed.max(1);
        Self::Running {
            speed,
            ahead_millis: now.millis() - i64::from(speed) * system_time().millis(),
        }
    }

    /// Returns how many times as fast as the system's clock it runs; a frozen clock does not run, its speed is 1.
    #[must_use]
    pub fn speed(self) -> u16 {
        match self {
            Self::Frozen(_) => 1,
            Self::Running { speed, .. } => speed,
        }
    }

    /// Returns the clock, set later by `millis`.
    #[must_use]
    pub fn advanced(self, millis: i64) -> Self {
        match self {
            Self::Frozen(now) => Self::Frozen(now.plus_millis(millis)),
            Self::Running {
                speed,
                ahead_millis,
            } => Self::Running {
                speed,
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
    /// The server's clock at the start.
    initial: Clock,
    settings: RwLock<Settings>,
    /// How often a clock was set.
    version: AtomicU64,
}

/// The settings of all clocks.
#[derive(Debug, Clone)]
pub struct Settings {
    server: Clock,
    domains: BTreeMap<String, Clock>,
}

impl Clocks {
    /// Makes clocks that all show what this one does.
    #[must_use]
    pub fn new(initial: Clock) -> Self {
        Self {
            initial,
            settings: RwLock::new(Settings {
                server: initial,
                domains: BTreeMap::new(),
            }),
            version: AtomicU64::new(0),
        }
    }

    /// Returns the server's clock at the start.
    #[must_use]
    pub fn initial(&self) -> Clock {
        self.initial
    }

    /// Returns the clock of a domain: its own, or else the server's; with `None` the server's.
    #[must_use]
    pub fn clock(&self, domain_id: Option<&str>) -> Clock {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        let own = domain_id.and_then(|domain_id| settings.domains.get(domain_id));
        own.copied().unwrap_or(settings.server)
    }

    /// Returns the present time of a domain; with `None` of the server.
    #[must_use]
    pub fn now(&self, domain_id: Option<&str>) -> Timestamp {
        self.clock(domain_id).now()
    }

    /// Returns the settings of all clocks, for [`Clocks::restore`].
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Restores the settings of all clocks.
    pub fn restore(&self, settings: Settings) {
        self.change(|current| *current = settings);
    }

    /// Sets the clock of a domain, or with `None` the server's.
    pub fn set(&self, domain_id: Option<&str>, clock: Clock) {
        self.change(|settings| match domain_id {
            Some(domain_id) => {
                settings.domains.insert(domain_id.to_owned(), clock);
            }
            None => settings.server = clock,
        });
    }

    /// Removes the clock of a domain, so that it has the server's; with `None` resets all clocks to the start.
    pub fn reset(&self, domain_id: Option<&str>) {
        self.change(|settings| {
            if let Some(domain_id) = domain_id {
                settings.domains.remove(domain_id);
            } else {
                settings.server = self.initial;
                settings.domains.clear();
            }
        });
    }

    /// Returns a number that differs each time a clock is set.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(
            &mut self
                .settings
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.version.fetch_add(1, Ordering::SeqCst);
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
        clocks.set(Some("d"), clocks.clock(Some("d")).advanced(500));
        clocks.set(None, Clock::Frozen(at(7_000)));
        let shown = [None, Some("d"), Some("e")].map(|domain| clocks.now(domain).millis());
        assert_eq!(shown, [7_000, 1_500, 7_000]);
        clocks.reset(Some("d"));
        assert_eq!(clocks.now(Some("d")), at(7_000));
        clocks.set(Some("d"), Clock::SYSTEM);
        assert_eq!(clocks.version(), 4);
        clocks.reset(None);
        assert_eq!(clocks.now(Some("d")), at(1_000));
    }

    #[test]
    fn a_running_clock_runs_from_where_it_was_set() {
        let start = Timestamp::from_millis(0).unwrap();
        let clock = Clock::running_from(start);
        assert!((0..60_000).contains(&clock.now().millis()));
        assert!(clock.advanced(3_600_000).now().millis() >= 3_600_000);
        let fast = Clock::running_at(start, 3_600);
        let system = Clock::SYSTEM.now();
        let shown = fast.now().millis();
        while Clock::SYSTEM.now() == system {
            std::hint::spin_loop();
        }
        assert!(fast.now().millis() >= shown + 3_600, "{shown}");
        assert_eq!(
            (fast.advanced(5).speed(), Clock::SYSTEM.speed()),
            (3_600, 1)
        );
        assert_eq!(
            Clock::running_at(Timestamp::MAX, 3_600)
                .advanced(i64::MAX)
                .now(),
            Timestamp::MAX
        );
        assert_eq!(
            Clock::Frozen(Timestamp::MAX).advanced(1).now(),
            Timestamp::MAX
        );
    }
}
