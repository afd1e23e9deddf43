//! Backups: a checked copy of a database at one moment, a folder that has the newest of them, and the way back.

mod checked_copy;
mod copy;
mod folder;
mod placement;
mod replacement;
mod scratch_folder;

pub use self::checked_copy::{BackupError, BackupStep, CheckedCopy, checked_copy};
pub use self::folder::BackupFolder;
pub use self::placement::{OnExisting, place_copy};
pub use self::replacement::{ReplaceError, former_path, refuse_database_in_use, replace_database};
pub use self::scratch_folder::ScratchFolder;
