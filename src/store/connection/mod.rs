//! Connections: opening, lending and caching.

pub(super) mod cache;
pub(super) mod data_version;
mod document_cache;
pub(super) mod open;
pub(super) mod reader;
pub(super) mod reader_waits;
pub(super) mod wal_lock;
pub(super) mod writer;

pub use data_version::DataVersion;
pub use open::Mode;
pub use reader::Reader;
pub use reader_waits::ReaderUsage;
pub use writer::Writer;
