//! Connections: opening, lending and caching.

pub(super) mod cache;
pub(super) mod data_version;
mod document_cache;
pub(super) mod open;
pub(super) mod opened;
pub(super) mod opening;
pub(super) mod reader;
pub(super) mod reader_waits;
pub(super) mod shared_lock;
pub(super) mod sql_functions;
pub(super) mod turns;
pub(super) mod wal_lock;
pub(super) mod writer;

pub use self::data_version::DataVersion;
pub use self::open::Mode;
pub use self::reader::Reader;
pub use self::reader_waits::ReaderUsage;
pub use self::writer::Writer;
