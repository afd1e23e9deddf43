//! Databases of every earlier schema: each opens, and is then what this version would have made.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jobdeck::store::{Mode, OpenError, Store};
use rusqlite::{Connection, OpenFlags};

/// What a user may have added.
const OWN: &str = "CREATE TABLE \"my notes\" (note TEXT);
    CREATE INDEX \"my index\" ON jobs (updated_at);
    CREATE VIEW \"my jobs\" AS SELECT job_id FROM jobs";

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
    let now = version(&new_database().1);
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
        assert_eq!(own, ["my jobs", "my notes"]);
        Store::open(&path, Mode::ReadOnly, 1).unwrap();
        assert_eq!(version(&path), now);
    }
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
