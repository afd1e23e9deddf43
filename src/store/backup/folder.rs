//! `BackupFolder`: the backups of one database in a folder, by the time in their names.

use std::io::Result;
use std::path::{Path, PathBuf};

use crate::time::Timestamp;

/// The folder of the backups of one database, `NAME-2026-01-31T02-00-00Z.db`: NAME is that of the database, without its
/// ending. A file of any other name is none of them, and is never deleted.
#[derive(Debug, Clone)]
pub struct BackupFolder {
    folder: PathBuf,
    name: String,
}

impl BackupFolder {
    /// Makes the folder of the backups of a database; it reads nothing.
    #[must_use]
    pub fn new(folder: &Path, database: &Path) -> Self {
        let name = database.file_stem().unwrap_or(database.as_os_str());
        Self {
            folder: folder.to_owned(),
            name: name.to_string_lossy().into_owned(),
        }
    }

    /// Returns the path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of a backup that is made at a time.
    #[must_use]
    pub fn backup_at(&self, time: Timestamp) -> PathBuf {
        self.folder
            .join(format!("{}-{}.db", self.name, time_in_name(time)))
    }

    /// Returns the backups, the oldest first, each with the time in its name.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn backups(&self) -> Result<Vec<(Timestamp, PathBuf)>> {
        let mut backups = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let time = entry
                .file_name()
                .to_str()
                .and_then(|name| self.time_of(name));
            if let Some(time) = time
                && entry.file_type()?.is_file()
            {
                backups.push((time, entry.path()));
            }
        }
        backups.sort();
        Ok(backups)
    }

    /// Deletes the oldest backups but `keep`, and never `made`, the one that was just made. Returns how many were deleted.
    ///
    /// # Errors
    /// When the folder can't be read, or a backup not be deleted.
    pub fn delete_all_but(&self, keep: usize, made: &Path) -> Result<usize> {
        let mut others = self.backups()?;
        others.retain(|(_, path)| path != made);
        let old = others.len().saturating_sub(keep.saturating_sub(1));
        for (_, path) in others.iter().take(old) {
            std::fs::remove_file(path)?;
        }
        Ok(old)
    }

    /// Returns the time in the name of a backup of this database.
    fn time_of(&self, name: &str) -> Option<Timestamp> {
        let written = name
            .strip_prefix(&self.name)?
            .strip_prefix('-')?
            .strip_suffix(".db")?;
        let (date, time) = written.split_once('T')?;
        let read = Timestamp::parse_rfc3339(&format!("{date}T{}", time.replace('-', ":"))).ok()?;
        (time_in_name(read) == written).then_some(read)
    }
}

/// Writes a time as file names have it: to the second, in UTC, without colons, so that names sort by time.
pub(super) fn time_in_name(time: Timestamp) -> String {
    let text = time.to_string();
    let seconds = text.get(.."2026-01-31T02:00:00".len()).unwrap_or(&text);
    format!("{}Z", seconds.replace(':', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32) -> Timestamp {
        Timestamp::parse_rfc3339(&format!("2026-01-31T{hour:02}:00:00.5Z")).unwrap()
    }

    fn names(folder: &BackupFolder) -> Vec<String> {
        let backups = folder.backups().unwrap().into_iter();
        backups
            .map(|(_, path)| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn only_files_of_its_own_naming_are_backups_and_the_oldest_are_deleted() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = BackupFolder::new(temporary.path(), Path::new("data/jobs.db"));
        let others = [
            "jobs.db",
            "jobs-2026-01-31.db",
            "jobs-2026-01-31T02-00-00Z.db.gz",
            "jobs-2026-01-31T02:00:00Z.db",
            "jobs-2026-01-31T02-00-00.000Z.db",
            "jobs-2026-02-31T02-00-00Z.db",
            "jobs-x-2026-01-31T02-00-00Z.db",
            "other-2026-01-31T02-00-00Z.db",
        ];
        for name in others {
            std::fs::write(temporary.path().join(name), "").unwrap();
        }
        std::fs::create_dir(temporary.path().join("jobs-2026-01-31T01-30-00Z.db")).unwrap();
        for hour in [3, 1, 2, 4] {
            std::fs::write(folder.backup_at(at(hour)), "").unwrap();
        }
        let own = [1, 2, 3, 4].map(|hour| format!("jobs-2026-01-31T{hour:02}-00-00Z.db"));
        assert_eq!(names(&folder), own);
        assert_eq!(folder.backups().unwrap()[0].0, at(1).plus_millis(-500));
        assert_eq!(
            folder.delete_all_but(9, &folder.backup_at(at(4))).unwrap(),
            0
        );
        assert_eq!(
            folder.delete_all_but(3, &folder.backup_at(at(4))).unwrap(),
            1
        );
        assert_eq!(names(&folder), own[1..]);
        // The clock was turned back, so the new one has the oldest name.
        let made = folder.backup_at(at(2));
        assert_eq!(folder.delete_all_but(1, &made).unwrap(), 2);
        assert_eq!(names(&folder), own[1..2]);
        assert_eq!(folder.delete_all_but(0, &made).unwrap(), 0);
        for name in others {
            assert!(temporary.path().join(name).exists(), "{name}");
        }
    }
}
