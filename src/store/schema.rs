//! The schema version of a file: recognises it, makes the tables of schema.sql, and upgrades older files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use serde_json::{Value, json};

use super::bulk::IdIndex;
use super::derived::TABLES;
use super::error::{OpenError, StoreError};
use super::write::{OnConflict, WriteTransaction};
use crate::job::{Job, ReadJob, read_job, read_job_members};

/// The jobs, and all that is derived from them.
const SCHEMA: &str = include_str!("../../schema.sql");
/// The notifications.
const NOTIFICATIONS: &str = include_str!("notifications/tables.sql");
/// The `user_version` of a database with [`SCHEMA`] and [`NOTIFICATIONS`].
pub(super) const SCHEMA_VERSION: i32 = 6;
/// The version from which on the jobs are as in [`SCHEMA`]: from it an upgrade adds tables, and takes no time and no room.
pub(super) const FIRST_WITH_THESE_JOBS: i32 = 5;
/// How many jobs an upgrade brings up to date between two reports of its progress.
const JOBS_A_REPORT: u64 = 1_000;
/// The first version that stores a document in pieces, and its `collector_info` in a table.
const FIRST_WITH_PIECES: i32 = 3;
/// The `application_id` of every database of jobdeck: "jobd" in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x6A6F_6264;

/// The schema of the file at a path.
pub(super) enum ExistingSchema {
    /// There is no file, or an empty one.
    Nothing,
    /// A jobdeck database of this version.
    Version(i32),
}

/// Reads the schema version from the first bytes of the file, without SQLite, so that a refused file is left as it is.
///
/// The layout is SQLite's ("Database File Format", 1.3): `user_version` at byte 60, `application_id` at 68. Both are
/// written before a new database is put into WAL mode, so they are never in the WAL alone; the version after an upgrade may
/// be there for a while, which is why [`migrate`] reads it again through SQLite.
///
/// # Errors
/// [`OpenError`] for what is no database of jobdeck, or a newer one.
pub(super) fn inspect(path: &Path) -> Result<ExistingSchema, OpenError> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let io = |source| OpenError::Io {
        path: path.to_owned(),
        source,
    };
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(ExistingSchema::Nothing);
        }
        Err(source) => return Err(io(source)),
    };
    if !metadata.is_file() {
        return Err(OpenError::NotAFile(path.to_owned()));
    }
    if metadata.len() == 0 {
        return Ok(ExistingSchema::Nothing);
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
    Ok(ExistingSchema::Version(version))
}

pub(super) fn read_version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Makes the schema in an empty database, or brings an older one up to date, in one transaction.
///
/// `progress` is called with the number of jobs that are brought up to date and the number of all.
pub(super) fn migrate(
    connection: &mut Connection,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), StoreError> {
    // Where there is nothing to do, no other writer is waited for.
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
    } else if version < FIRST_WITH_THESE_JOBS {
        transaction = upgrade(transaction, version, progress)?;
    }
    transaction.execute_batch(NOTIFICATIONS)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    Ok(transaction.commit()?)
}

/// Writes the documents of an older schema, `from`, into this one. All else in the older one was derived from them.
fn upgrade<'t>(
    transaction: Transaction<'t>,
    from: i32,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Transaction<'t>, StoreError> {
    // A user's own tables stay, and their views are made again; their indexes of jobs go.
    let mut drops: Vec<String> = transaction
        .prepare(
            "SELECT format('DROP %s \"%w\"', type, name) FROM sqlite_schema \
             WHERE type = 'view' OR type IN ('trigger', 'index') AND tbl_name IN ('jobs', 'collector_infos') \
             AND sql IS NOT NULL OR type = 'table' AND name IN (SELECT value FROM json_each(?)) \
             ORDER BY CASE type WHEN 'trigger' THEN 1 WHEN 'view' THEN 2 WHEN 'index' THEN 3 ELSE 4 END",
        )?
        .query_map([json!(TABLES).to_string()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let views: Vec<String> = transaction
        .prepare("SELECT sql FROM sqlite_schema WHERE type = 'view' AND name <> 'documents'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    drops.push("ALTER TABLE jobs RENAME TO former_jobs".to_owned());
    drops.push("ALTER TABLE domains RENAME TO former_domains".to_owned());
    if from >= FIRST_WITH_PIECES {
        drops.push("ALTER TABLE collector_infos RENAME TO former_collector_infos".to_owned());
    }
    transaction.execute_batch(&drops.join(";"))?;
    transaction.execute_batch(SCHEMA)?;
    let mut write = WriteTransaction::continue_in(transaction, OnConflict::Fail);
    write.defer_indexes(IdIndex::Deferred)?;
    write_former_jobs(&mut write, from, progress)?;
    let (transaction, _) = write.finish()?;
    transaction.execute_batch(
        "DROP TABLE former_jobs; DROP TABLE IF EXISTS former_collector_infos; DROP TABLE former_domains",
    )?;
    transaction.execute_batch(&views.join(";"))?;
    Ok(transaction)
}

/// Writes every document of `former_jobs`, in their order.
fn write_former_jobs(
    write: &mut WriteTransaction<'_>,
    from: i32,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), StoreError> {
    let all: i64 = write
        .transaction
        .query_row("SELECT count(*) FROM former_jobs", [], |row| row.get(0))?;
    let all = u64::try_from(all).unwrap_or(0);
    let mut done = 0;
    // A document is NULL where its collector is lost.
    let document = if from < FIRST_WITH_PIECES {
        "document"
    } else {
        "iif(collector_info IS NULL, head || tail, head || ',\"collector_info\":' || \
         (SELECT info FROM former_collector_infos AS i WHERE i.id = collector_info) || tail)"
    };
    let next = format!("SELECT id, {document} FROM former_jobs WHERE id > ? ORDER BY id LIMIT 1");
    let mut last = i64::MIN;
    loop {
        let next = write
            .transaction
            .prepare_cached(&next)?
            .query_row([last], |row| {
                Ok((row.get(0)?, row.get::<_, Option<String>>(1)?))
            })
            .optional()?;
        let Some((id, document)) = next else {
            return Ok(());
        };
        let unreadable = |problem| StoreError::Unreadable { row: id, problem };
        let document = document.ok_or_else(|| unreadable("its collector is lost".to_owned()))?;
        write.put(&read_former(&document).map_err(unreadable)?)?;
        last = id;
        done += 1;
        if done % JOBS_A_REPORT == 0 || done == all {
            progress(done, all);
        }
    }
}

/// Reads a document of an older schema.
///
/// An earlier jobdeck took what is a mistake today: a member such as `collectorId` in a `collector_info`, which is read as
/// in an import, and an empty `collector_id`, which is left out.
fn read_former(document: &str) -> Result<Job, String> {
    let mut read = read_job(document.as_bytes());
    if read.is_err()
        && let Ok(Value::Object(mut members)) = serde_json::from_str(document)
        && let Some(Value::Object(collector)) = members.get_mut("collector_info")
        && collector.get("collector_id") == Some(&json!(""))
    {
        collector.shift_remove("collector_id");
        read = read_job_members(members);
    }
    match read {
        Ok(ReadJob { job, .. }) => Ok(job),
        Err(errors) => {
            let first = errors.first().map(ToString::to_string);
            Err(first.unwrap_or_default())
        }
    }
}
