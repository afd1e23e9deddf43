//! Bulk imports: which of the jobs match, and what a transaction that fills an empty database leaves for its end.

pub(super) mod deferred;
mod indexes;
mod staging;

pub use self::indexes::IdIndex;
pub use self::staging::Staging;
