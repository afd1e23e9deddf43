//! Made-up jobs for the demo, the tests and the benches. The same seed always makes the same jobs.
//!
//! A job is a [`Life`](crate::job::Life): its start and its later stages.

mod live;
mod timeline;
mod world;

pub use self::live::Demo;
pub use self::timeline::Timeline;
pub use self::world::World;
