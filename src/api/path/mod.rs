//! The path of a request: what a proxy leaves in it, and what everything else sees.

mod base_path;
mod set_path;

pub use self::base_path::BasePath;
pub(crate) use self::set_path::PageElsewhere;
pub(super) use self::set_path::set_path;
