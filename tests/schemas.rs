//! Databases of every earlier schema: each opens, and is then what this version would have made.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jobdeck::store::{Mode, OpenError, Store};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// What a user may have added.
const OWN: &str = "CREATE TABLE \"my notes\" (note TEXT);
    CREATE INDEX \"my index\" ON jobs (updated_at);
    CREATE VIEW \"my jobs\" AS SELECT job_id FROM jobs";

/// From this version on an upgrade adds tables, and leaves the jobs as they are.
const FIRST_WITH_THESE_JOBS: i64 = 5;

fn stored(version: i64) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
    root.join(format!("{version}.db"))
}

/// Makes a database with this version; returns its folder and its path.
fn new_database() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    Store::open(&path, Mode::Create, 1).unwrap();
    (folder, path)
}

/// Opens a database as immutable, so that no file is made next to it.
fn read(path: &Path) -> Connection {
    let uri = format!("file:{}?immutable=1", path.display());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags).unwrap()
}

fn version(path: &Path) -> i64 {
    let connection = read(path);
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0));
    version.unwrap()
}

/// Returns every document, by its job. (Schemas 1 and 2 stored each in one column.)
fn documents(path: &Path) -> BTreeMap<String, String> {
    let connection = read(path);
    let has_view: bool = connection
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'documents')",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let of = if has_view { "documents" } else { "jobs" };
    let mut statement = connection
        .prepare(&format!("SELECT job_id, document FROM {of}"))
        .unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

/// Returns the statements of the schema, without comments and spaces.
fn schema(path: &Path) -> BTreeSet<String> {
    let connection = read(path);
    let mut statement = connection
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
        .unwrap();
    let rows = statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap();
    rows.map(|sql| {
        let sql = sql.unwrap();
        let words = sql.lines().map(|line| line.split("--").next().unwrap());
        words.flat_map(str::split_whitespace).collect()
    })
    .collect()
}

#[test]
fn databases_of_every_earlier_schema_are_brought_up_to_date() {
    let (_folder, new) = new_database();
    let now = version(&new);
    assert!(now > 1);
    for earlier in 1..now {
        let found = stored(earlier);
        assert!(
            found.exists(),
            "before the schema becomes another, keep a database of the one that was: with the jobdeck of schema {earlier}, \
             `jobdeck generate --jobs 60 | jobdeck import --db tests/schemas/{earlier}.db -`"
        );
        assert_eq!(version(&found), earlier, "{found:?}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.db");
        std::fs::copy(&found, &path).unwrap();
        Connection::open(&path).unwrap().execute_batch(OWN).unwrap();
        // Opening a database to read does not change it.
        let refused = Store::open(&path, Mode::ReadOnly, 1).unwrap_err();
        assert!(matches!(refused, OpenError::Older { .. }), "{refused}");
        let store = Store::open(&path, Mode::ReadWrite, 1).unwrap();
        let report = store.check().unwrap();
        assert_eq!(
            (report.jobs, report.problems),
            (60, Vec::new()),
            "{found:?}"
        );
        drop(store);
        let own: Vec<String> = Connection::open(&path)
            .unwrap()
            .prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'my %' ORDER BY name")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        // An index of jobs is one of the tables that are made anew, unless the jobs stay as they are.
        let stays: &[&str] = match earlier {
            FIRST_WITH_THESE_JOBS.. => &["my index", "my jobs", "my notes"],
            _ => &["my jobs", "my notes"],
        };
        assert_eq!(own, stays, "{found:?}");
        let before = documents(&found);
        assert_eq!(before.len(), 60, "{found:?}");
        assert_eq!(documents(&path), before, "{found:?}");
        Connection::open(&path)
            .unwrap()
            .execute_batch(
                "DROP INDEX IF EXISTS \"my index\"; DROP VIEW \"my jobs\"; DROP TABLE \"my notes\"",
            )
            .unwrap();
        assert_eq!(schema(&path), schema(&new), "{found:?}");
        Store::open(&path, Mode::ReadOnly, 1).unwrap();
        assert_eq!(version(&path), now);
    }
}

/// An earlier jobdeck stored what this one takes for a mistake.
#[test]
fn what_is_a_mistake_today_does_not_stop_an_old_database() {
    const FIRST_ID: &str = "\"collector_id\":\"collector-80a86ab59730\",";
    for (change, left_out) in [
        (
            "UPDATE collector_infos SET info = replace(info, '\"collector_id\":', '\"collectorId\":')",
            None,
        ),
        (
            "UPDATE collector_infos SET info = replace(info, '\"plugin_id\":', '\"pluginId\":')",
            None,
        ),
        (
            "UPDATE collector_infos SET info = json_set(info, '$.collector_id', '') WHERE id = 1",
            Some(FIRST_ID),
        ),
    ] {
        let found = stored(3);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.db");
        std::fs::copy(&found, &path).unwrap();
        let earlier = Connection::open(&path).unwrap();
        earlier
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)
            .unwrap();
        assert!(earlier.execute(change, []).unwrap() > 0);
        drop(earlier);
        let store = Store::open(&path, Mode::ReadWrite, 1).unwrap();
        let report = store.check().unwrap();
        assert_eq!((report.jobs, report.problems), (60, Vec::new()), "{change}");
        drop(store);
        let mut expected = documents(&found);
        if let Some(left_out) = left_out {
            let without = |document: &mut String| *document = document.replace(left_out, "");
            expected.values_mut().for_each(without);
            assert_ne!(expected, documents(&found));
        }
        assert_eq!(documents(&path), expected, "{change}");
    }
}

#[test]
fn an_old_database_that_has_lost_a_collector_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.db");
    std::fs::copy(stored(3), &path).unwrap();
    let earlier = Connection::open(&path).unwrap();
    earlier
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)
        .unwrap();
    earlier
        .execute("DELETE FROM collector_infos WHERE id = 1", [])
        .unwrap();
    drop(earlier);
    let before = documents(&path);
    let error = Store::open(&path, Mode::ReadWrite, 1).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("its collector is lost"), "{error}");
    assert_eq!(version(&path), 3);
    assert_eq!(documents(&path), before);
}

/// A change of schema.sql without a new version would make databases with the wrong version.
#[test]
fn the_schema_is_that_of_its_version() {
    let (_folder, new) = new_database();
    let found = stored(version(&new));
    let (stored, now) = (schema(&found), schema(&new));
    let differs: Vec<_> = stored.symmetric_difference(&now).collect();
    assert!(
        differs.is_empty(),
        "{differs:?}: raise SCHEMA_VERSION; if none of schema {} is out yet, make {found:?} anew",
        version(&new)
    );
    let version_line = format!("schema version {}.", version(&new));
    let text = include_str!("../schema.sql");
    assert!(
        text.lines().next().unwrap().ends_with(&version_line),
        "{version_line}"
    );
}
