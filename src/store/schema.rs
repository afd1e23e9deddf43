//! Which schema a file has, and how it comes to have this one.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{OnConflict, OpenError, StoreError, WriteTransaction};

const SCHEMA: &str = include_str!("../../schema.sql");
/// What `PRAGMA user_version` is for [`SCHEMA`].
pub(super) const SCHEMA_VERSION: i32 = 3;
/// What `PRAGMA application_id` is: "jobd" in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x6A6F_6264;

/// What stands at a path.
pub(super) enum Found {
    /// Nothing, or an empty file.
    Nothing,
    /// A jobdeck database of this version.
    Version(i32),
}

/// Looks at the first bytes of the file, without SQLite, so that a file that is refused is left as it is.
///
/// The layout is SQLite's ("Database File Format", 1.3): `user_version` at byte 60, `application_id` at 68. Both are
/// written before a new database is put into WAL mode, so they never stand in the WAL alone; a migration's version may,
/// for a while, which is why [`migrate`] asks SQLite again.
pub(super) fn inspect(path: &Path) -> Result<Found, OpenError> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let io = |source| OpenError::Io {
        path: path.to_owned(),
        source,
    };
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(source) => return Err(io(source)),
    };
    if !metadata.is_file() {
        return Err(OpenError::NotAFile(path.to_owned()));
    }
    if metadata.len() == 0 {
        return Ok(Found::Nothing);
    }
    let mut header = Vec::with_capacity(100);
    File::open(path)
        .and_then(|file| file.take(100).read_to_end(&mut header))
        .map_err(io)?;
    let number = |at: usize| {
        let bytes = header
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, i32::from_be_bytes)
    };
    if !header.starts_with(MAGIC) {
        return Err(OpenError::NotADatabase(path.to_owned()));
    }
    if number(68) != APPLICATION_ID {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    let version = number(60);
    if version > SCHEMA_VERSION {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found: version,
            known: SCHEMA_VERSION,
        });
    }
    Ok(Found::Version(version))
}

pub(super) fn read_version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Makes the schema in an empty database, or brings an older one up to date, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    // Nobody is made to wait for another's write when there is nothing to do.
    if read_version(connection)? == SCHEMA_VERSION {
        return Ok(());
    }
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another program may have done it meanwhile.
    let version = read_version(&transaction)?;
    if version == SCHEMA_VERSION {
        return Ok(());
    }
    if version == 0 {
        transaction.execute_batch(SCHEMA)?;
    } else {
        transaction = write_anew(transaction)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    Ok(transaction.commit()?)
}

/// Writes the documents of an older schema into this one. Whatever else the older one had was derived from them.
fn write_anew(transaction: Transaction<'_>) -> Result<Transaction<'_>, StoreError> {
    // Tables that are somebody's own stay; their views come back, and their indexes of jobs go.
    let mut drops: Vec<String> = transaction
        .prepare(
            "SELECT format('DROP %s \"%w\"', type, name) FROM sqlite_schema \
             WHERE type = 'view' OR type IN ('trigger', 'index') AND tbl_name = 'jobs' AND sql IS NOT NULL \
             OR name IN ('status_counts', 'collector_counts', 'day_counts') \
             ORDER BY CASE type WHEN 'trigger' THEN 1 WHEN 'view' THEN 2 WHEN 'index' THEN 3 ELSE 4 END",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let views: Vec<String> = transaction
        .prepare("SELECT sql FROM sqlite_schema WHERE type = 'view' AND name <> 'documents'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    drops.push("ALTER TABLE jobs RENAME TO former_jobs".to_owned());
    drops.push("ALTER TABLE domains RENAME TO former_domains".to_owned());
    transaction.execute_batch(&drops.join(";"))?;
    transaction.execute_batch(SCHEMA)?;
    let mut writing = WriteTransaction::within(transaction, OnConflict::Fail);
    writing.defer_indexes()?;
    writing.copy_former_jobs()?;
    let transaction = writing.finish()?;
    transaction.execute_batch("DROP TABLE former_jobs; DROP TABLE former_domains")?;
    transaction.execute_batch(&views.join(";"))?;
    Ok(transaction)
}
