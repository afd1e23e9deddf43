//! Databases of every earlier schema: each opens, and is then what this version would have made.
#![cfg(test)]

use std::path::Path;

use jobdeck::store::{Mode, OpenError, Store};

#[test]
fn databases_of_every_earlier_schema_are_brought_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
    let mut seen = 0;
    for entry in std::fs::read_dir(root).unwrap() {
        let found = entry.unwrap().path();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.db");
        std::fs::copy(&found, &path).unwrap();
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
        Store::open(&path, Mode::ReadOnly, 1).unwrap();
        seen += 1;
    }
    assert_eq!(seen, 2);
}
