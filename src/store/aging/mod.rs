//! What happens to jobs as time passes: old ones are deleted, and those that nobody reports on any more are ended.

mod prune;
mod unreported;

pub use self::prune::Expired;
pub use self::unreported::Unreported;
