//! Databases of other versions and programs: every command refuses them in one line and does not change them.

use std::path::Path;

use crate::{check_line, fails, folder, with_one_job};

/// The arguments of every command that opens a database.
const COMMANDS: [&[&str]; 8] = [
    &["serve", "--listen", "127.0.0.1:0"],
    &["serve", "--create", "--listen", "127.0.0.1:0"],
    &["import", "new.ndjson"],
    &["export"],
    &["backup", "copy.db"],
    &["prune", "--older-than", "1h"],
    &["check"],
    &["check", "--repair"],
];

#[track_caller]
fn check(folder: &Path, expected: &str) {
    std::fs::write(folder.join("new.ndjson"), "").unwrap();
    let content = std::fs::read(folder.join("jobdeck.db")).unwrap();
    let count = || std::fs::read_dir(folder).unwrap().count();
    let files = count();
    for command in COMMANDS {
        check_line(&fails(folder, command, 1), expected);
        let after = std::fs::read(folder.join("jobdeck.db")).unwrap();
        assert!(after == content, "{command:?} wrote to it");
        assert_eq!(count(), files, "{command:?} wrote beside it");
    }
}

#[test]
fn a_database_of_a_newer_jobdeck_is_not_changed() {
    let folder = with_one_job();
    let path = folder.path().join("jobdeck.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    check(
        folder.path(),
        "jobdeck: jobdeck.db: was made by a newer jobdeck (schema 99, this one knows 6); it was left as it is, use the newer jobdeck",
    );
}

#[test]
fn a_database_of_another_program_is_not_changed() {
    let folder = folder();
    let connection = rusqlite::Connection::open(folder.path().join("jobdeck.db")).unwrap();
    connection.execute_batch("CREATE TABLE jobs (a)").unwrap();
    drop(connection);
    check(
        folder.path(),
        "jobdeck: jobdeck.db: is a database of another program; it was left as it is, name another file",
    );
}
