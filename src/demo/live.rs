//! The jobs of a running demo: past ones at the start, and new ones as time passes.

use super::timeline::Timeline;
use super::world::World;
use crate::job::Life;
use crate::time::Timestamp;

/// A source of made-up jobs: a past at the start, and new jobs as time passes.
#[derive(Debug, Clone)]
pub struct Demo {
    world: World,
    live: Timeline,
    /// The number of the next job of the live timeline.
    next: u64,
}

impl Demo {
    const DAYS: u32 = 28;
    const JOBS: u64 = 5_000;
    const DOMAINS: usize = 4;
    /// A job about every three seconds; none runs longer than a minute and a half.
    const STEP_MILLIS: i64 = 3_000;
    const LONGEST_MILLIS: i64 = 90_000;
    /// The largest number of jobs that appear at one time; if the clock jumps further, the older ones are skipped.
    const MAX_JOBS_PER_CALL: u64 = 1_000;

    /// Makes the demo of a seed, and its past jobs until `now`.
    #[must_use]
    pub fn start(seed: u64, now: Timestamp) -> (Self, Vec<Life>) {
        let world = World::new(seed, Self::DOMAINS);
        let past = Timeline::before(now, Self::DAYS, Self::JOBS);
        let live = Timeline {
            start: now.plus_millis(-2 * Self::LONGEST_MILLIS),
            step_millis: Self::STEP_MILLIS,
            longest_millis: Self::LONGEST_MILLIS,
            number: 1,
        };
        let mut demo = Self {
            world,
            live,
            next: 0,
        };
        let mut lives: Vec<_> = (0..Self::JOBS)
            .map(|index| demo.world.life(&past, index))
            .collect();
        lives.extend(demo.jobs_until(now));
        (demo, lives)
    }

    /// Moves all future jobs later by `millis`.
    #[must_use]
    pub fn delayed_by(mut self, millis: i64) -> Self {
        self.live.start = self.live.start.plus_millis(millis);
        self
    }

    /// Returns the time at which the next job appears.
    #[must_use]
    pub fn next_job_at(&self) -> Timestamp {
        self.world.life(&self.live, self.next).start().created_at
    }

    /// Returns the jobs that have appeared since the last call.
    pub fn jobs_until(&mut self, now: Timestamp) -> Vec<Life> {
        let passed = now.millis() - self.live.start.millis();
        let due = u64::try_from(passed / Self::STEP_MILLIS).unwrap_or(0);
        self.next = self.next.max(due.saturating_sub(Self::MAX_JOBS_PER_CALL));
        let mut jobs = Vec::new();
        loop {
            let life = self.world.life(&self.live, self.next);
            if life.start().created_at > now {
                return jobs;
            }
            jobs.push(life);
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_has_a_past_and_grows() {
        let now = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let (mut demo, past) = Demo::start(1, now);
        assert!(past.len() > 5_000);
        assert!(past.iter().all(|life| life.start().created_at <= now));
        let minute = now.plus_millis(60_000);
        assert!(demo.next_job_at() <= minute);
        let jobs = demo.jobs_until(minute);
        assert_eq!(jobs.len(), 20, "one every three seconds");
        assert_eq!(demo.jobs_until(minute), []);
        let year = now.plus_millis(365 * 86_400_000);
        assert_eq!(demo.jobs_until(year).len(), 1_000);
    }
}
