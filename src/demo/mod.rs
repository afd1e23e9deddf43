//! Made-up jobs for the demo, the tests and the benches. The same seed always makes the same jobs.
//!
//! A job is a [`Life`](crate::job::Life): its start and its later stages. What can be found out about the jobs is the
//! [`Story`].

mod catalog;
mod collector;
mod ending;
mod errors;
mod live;
mod random;
mod schedule;
mod story;
mod timeline;
mod world;

#[cfg(test)]
mod tests;

pub use self::live::Demo;
pub use self::story::{BrokenPlugin, CollectorName, Outage, Story, StuckJob};
pub use self::timeline::Timeline;
pub use self::world::World;
