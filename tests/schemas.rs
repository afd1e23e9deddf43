//! Databases of every earlier schema: each opens, and is then what this version would have made.
#![cfg(test)]

use std::path::Path;

use jobdeck::store::{Mode, OpenError, Store};
use rusqlite::Connection;

/// What somebody put beside it.
const OWN: &str = "CREATE TABLE \"my notes\" (note TEXT);
    CREATE INDEX \"my index\" ON jobs (updated_at);
    CREATE VIEW \"my jobs\" AS SELECT job_id FROM jobs";

#[test]
fn databases_of_every_earlier_schema_are_brought_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
    let mut seen = 0;
    for entry in std::fs::read_dir(root).unwrap() {
        let found = entry.unwrap().path();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.db");
        std::fs::copy(&found, &path).unwrap();
        Connection::open(&path).unwrap().execute_batch(OWN).unwrap();
        // Nobody's database is changed by looking at it.
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
        seen += 1;
    }
    assert_eq!(seen, 2);
}
