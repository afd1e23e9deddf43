//! The jobs of a running demo: past ones at the start, and new ones as time passes.

use std::sync::Arc;

use super::timeline::Timeline;
use super::world::World;
use crate::job::Life;
use crate::time::Timestamp;

/// A source of made-up jobs: a past at the start, and new jobs by the same schedule as time passes.
#[derive(Debug, Clone)]
pub struct Demo {
    world: Arc<World>,
    timeline: Timeline,
    /// The number of the next job of the timeline, and the time at which it appears.
    next: u64,
    next_at: Timestamp,
}

impl Demo {
    const DAYS: u32 = 28;
    const DOMAINS: usize = 4;
    /// The largest number of jobs that appear at one time; if the clock jumps further, the older ones are skipped.
    const MAX_JOBS_PER_CALL: u64 = 1_000;

    /// Makes the demo of a seed, and its past jobs until `now`.
    #[must_use]
    pub fn start(seed: u64, now: Timestamp) -> (Self, Vec<Life>) {
        let world = World::new(seed, Self::DOMAINS);
        let timeline = Timeline::of_schedule(now, Self::DAYS);
        let mut demo = Self {
            next: 0,
            next_at: world.created_at(&timeline, 0),
            world: Arc::new(world),
            timeline,
        };
        let past = demo.all_until(now);
        (demo, past)
    }

    /// Leaves out the jobs that would have appeared before `now` and have not.
    #[must_use]
    pub fn resumed_at(mut self, now: Timestamp) -> Self {
        while self.is_due(now) {
            let skipped = self.timeline.index_after(now).max(self.next + 1);
            self.go_to(skipped);
        }
        self
    }

    /// Returns whether a job has appeared since the last call of [`Demo::jobs_until`]. None appears at the last moment of all
    /// times, since every later one would appear then, too.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_at <= now && self.next_at < Timestamp::MAX
    }

    /// Returns the jobs that have appeared since the last call.
    pub fn jobs_until(&mut self, now: Timestamp) -> Vec<Life> {
        let due = self.timeline.index_after(now);
        let oldest = due.saturating_sub(Self::MAX_JOBS_PER_CALL);
        if oldest > self.next {
            self.go_to(oldest);
        }
        self.all_until(now)
    }

    fn all_until(&mut self, now: Timestamp) -> Vec<Life> {
        let mut jobs = Vec::new();
        while self.is_due(now) {
            jobs.push(self.world.life(&self.timeline, self.next));
            self.go_to(self.next + 1);
        }
        jobs
    }

    fn go_to(&mut self, index: u64) {
        self.next = index;
        self.next_at = self.world.created_at(&self.timeline, index);
    }
}
