//! `restore` and `backup --keep`, `serve --backup-dir`: what is replaced, what stays, and what is refused.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::{Server, check_line, fails, folder, job, ok, with_one_job};

/// The names of files that are no log, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect();
    names.sort();
    names
}

/// A folder with a database of one job, and its backup `b.db`; then the database gets another job.
fn with_backup() -> tempfile::TempDir {
    let folder = with_one_job();
    let here = folder.path();
    ok(here, &["backup", "b.db"]);
    std::fs::write(here.join("jobs.ndjson"), job(2, "")).unwrap();
    ok(here, &["import", "jobs.ndjson"]);
    std::fs::remove_file(here.join("jobs.ndjson")).unwrap();
    folder
}

#[test]
fn a_backup_is_restored_and_the_former_database_is_a_file() {
    let folder = with_backup();
    let here = folder.path();
    let before = ok(here, &["export"]);
    let said = ok(here, &["restore", "b.db"]);
    let (said, former) = said.trim_end().rsplit_once(' ').unwrap();
    assert_eq!(
        said,
        "restored 1 job, b.db to jobdeck.db: nothing is wrong; the former database is"
    );
    assert_eq!(names(here), ["b.db", "jobdeck.db", former]);
    assert_eq!(ok(here, &["export"]), job_line(1));
    assert_eq!(ok(here, &["export", "--db", former]), before);
    ok(here, &["check"]);
    let server = Server::start(here, &["serve", "--writable", "--listen", "127.0.0.1:0"]);
    let answer = server.get("/inventory/v1/jobs?domain_id=d");
    assert!(answer.contains("\"total_count\":1"), "{answer}");
    drop(server);
    let said = ok(here, &["restore", "--force", former]);
    assert!(said.ends_with("; the former database is gone\n"), "{said}");
    assert_eq!(ok(here, &["export"]), before);
    let said = ok(here, &["restore", "b.db", "--db", "new.db"]);
    assert!(said.ends_with("; there was no database before\n"), "{said}");
    assert_eq!(ok(here, &["export", "--db", "new.db"]), job_line(1));
}

fn job_line(id: usize) -> String {
    let folder = folder();
    std::fs::write(folder.path().join("jobs.ndjson"), job(id, "")).unwrap();
    ok(folder.path(), &["import", "jobs.ndjson"]);
    ok(folder.path(), &["export"])
}

/// A killed server leaves a log, which has the newest jobs.
#[test]
fn the_log_of_the_former_database_is_taken_along() {
    let folder = with_backup();
    let here = folder.path();
    let mut server = Server::start(here, &["serve", "--writable", "--listen", "127.0.0.1:0"]);
    let put = ureq::put(format!("{}/jobdeck/jobs/late?domain_id=d", server.url));
    put.header("content-type", "application/json")
        .send("{}")
        .unwrap();
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(here.join("jobdeck.db-wal").metadata().unwrap().len() > 0);
    let said = ok(here, &["restore", "b.db"]);
    let former = said.trim_end().rsplit(' ').next().unwrap();
    assert!(!here.join("jobdeck.db-wal").exists());
    assert_eq!(ok(here, &["export"]), job_line(1));
    assert!(ok(here, &["export", "--db", former]).contains("\"late\""));
}

#[test]
fn a_database_in_use_and_a_damaged_backup_are_refused() {
    let folder = with_backup();
    let here = folder.path();
    let before = ok(here, &["export"]);
    let server = Server::start(here, &["serve", "--listen", "127.0.0.1:0"]);
    check_line(
        &fails(here, &["restore", "b.db"], 1),
        "jobdeck: jobdeck.db: a program has this database open; stop the server",
    );
    let answer = server.get("/inventory/v1/jobs?domain_id=d");
    assert!(answer.contains("\"total_count\":2"), "{answer}");
    drop(server);
    let mut damaged = std::fs::read(here.join("b.db")).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle..].fill(0x5a);
    std::fs::write(here.join("damaged.db"), damaged).unwrap();
    std::fs::write(here.join("text.db"), "no database").unwrap();
    for (backup, expected) in [
        ("none.db", "jobdeck: none.db: there is no such file"),
        ("text.db", "jobdeck: text.db: is not a SQLite database"),
        ("jobdeck.db", "jobdeck: jobdeck.db: is the database itself"),
        ("damaged.db", "jobdeck: "),
    ] {
        check_line(&fails(here, &["restore", backup], 1), expected);
    }
    check_line(
        &fails(here, &["restore", "b.db", "--db", "."], 1),
        "jobdeck: .: is a folder",
    );
    std::fs::write(here.join("lost.db-wal"), "log").unwrap();
    check_line(
        &fails(here, &["restore", "b.db", "--db", "lost.db"], 1),
        "jobdeck: lost.db-wal: is the write-ahead log of a database that is no longer next to it",
    );
    std::fs::remove_file(here.join("lost.db-wal")).unwrap();
    assert_eq!(
        names(here),
        ["b.db", "damaged.db", "jobdeck.db", "text.db"],
        "nothing is left behind"
    );
    assert_eq!(ok(here, &["export"]), before);
}

#[test]
fn a_damaged_database_is_replaced() {
    let folder = with_backup();
    let here = folder.path();
    std::fs::write(here.join("jobdeck.db"), "damaged").unwrap();
    let said = ok(here, &["restore", "b.db"]);
    let former = said.trim_end().rsplit(' ').next().unwrap();
    assert_eq!(std::fs::read(here.join(former)).unwrap(), b"damaged");
    ok(here, &["check"]);
}

#[test]
fn a_folder_has_the_newest_backups_of_the_command() {
    let folder = with_one_job();
    let here = folder.path();
    std::fs::create_dir(here.join("b")).unwrap();
    for name in [
        "jobdeck-2026-01-01T00-00-00Z.db",
        "jobdeck-2026-01-02T00-00-00Z.db",
        "other-2026-01-01T00-00-00Z.db",
    ] {
        std::fs::write(here.join("b").join(name), "").unwrap();
    }
    check_line(
        &fails(here, &["backup", "none", "--keep", "2"], 1),
        "jobdeck: none: there is no such folder",
    );
    check_line(
        &fails(here, &["backup", "b"], 1),
        "jobdeck: b: is a folder; name a file in it",
    );
    fails(here, &["backup", "b", "--keep", "0"], 2);
    check_line(
        &fails(here, &["backup", "b", "--keep", "2", "--db", "none.db"], 1),
        "jobdeck: none.db: there is no such file",
    );
    assert_eq!(names(&here.join("b")).len(), 3, "none was deleted");
    let said = ok(here, &["backup", "b/", "--keep", "2"]);
    assert!(
        said.ends_with(", nothing is wrong; 1 older backup was deleted\n"),
        "{said}"
    );
    let left = names(&here.join("b"));
    assert_eq!(left.len(), 3);
    assert_eq!(left[0], "jobdeck-2026-01-02T00-00-00Z.db");
    assert!(said.contains(&format!(" to b/{}: ", left[1])), "{said}");
}

#[test]
fn a_server_makes_backups_and_continues_after_a_restart() {
    let folder = with_one_job();
    let here = folder.path();
    let serve = [
        "serve",
        "--writable",
        "--listen",
        "127.0.0.1:0",
        "--backup-dir",
        "b",
        "--backup-every",
        "1h",
        "--backup-keep",
        "2",
    ];
    check_line(
        &fails(here, &serve, 1),
        "jobdeck: b: no backups can be made there: ",
    );
    std::fs::create_dir(here.join("b")).unwrap();
    for name in [
        "jobdeck-2026-01-01T00-00-00Z.db",
        "jobdeck-2026-01-02T00-00-00Z.db",
        // From a clock that was wrong.
        "jobdeck-9998-01-02T00-00-00Z.db",
    ] {
        std::fs::write(here.join("b").join(name), "").unwrap();
    }
    let server = Server::start(here, &serve);
    let newest = |server: &Server| {
        let metrics = server.get("/metrics");
        let name = "jobdeck_backup_last_success_timestamp_seconds ";
        let value = metrics.lines().find_map(|line| line.strip_prefix(name));
        value.map(|value| value.parse::<u64>().unwrap())
    };
    let start = Instant::now();
    let before = Some(1_767_312_000);
    while newest(&server) == before {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "no backup is made"
        );
        std::thread::yield_now();
    }
    let made = newest(&server);
    let metrics = server.get("/metrics");
    assert!(
        metrics.contains("\njobdeck_backup_failures_total 0\n"),
        "{metrics}"
    );
    assert_eq!(server.stop("-TERM").0, Some(0));
    let left = names(&here.join("b"));
    assert_eq!(left.len(), 2, "{left:?}");
    let backup = format!("b/{}", left[0]);
    assert_eq!(ok(here, &["export", "--db", &backup]), job_line(1));
    // The next one is due in an hour.
    let server = Server::start(here, &serve);
    assert_eq!(newest(&server), made);
    assert_eq!(server.stop("-TERM").0, Some(0));
    assert_eq!(names(&here.join("b")), left);
    check_line(
        &fails(here, &["serve", "--mock", "--backup-dir", "b"], 1),
        "jobdeck: --backup-dir is not for a mock",
    );
    fails(here, &["serve", "--backup-keep", "3"], 2);
}
