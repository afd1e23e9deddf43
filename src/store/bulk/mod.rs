//! Bulk imports: what a transaction that fills an empty database leaves for its end.

pub(super) mod deferred;
mod indexes;

pub use self::indexes::IdIndex;
