//! `backup`: the content of a copy, copies during writes, and failures that leave no file.

use std::collections::HashMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::{Server, check_line, fails, folder, jobdeck, ok, run, text, with_one_job};

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // A reader of the database leaves these next to it.
        .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect();
    names.sort();
    names
}

/// A folder with a database of several megabytes.
fn with_many_jobs() -> tempfile::TempDir {
    let folder = folder();
    let here = folder.path();
    ok(
        here,
        &["generate", "--jobs", "8000", "--output", "m.ndjson"],
    );
    ok(here, &["import", "m.ndjson"]);
    std::fs::remove_file(here.join("m.ndjson")).unwrap();
    folder
}

/// A database that everybody may read may be in a private folder, and its copy in another one.
#[test]
fn a_backup_obeys_the_umask() {
    let folder = with_one_job();
    let here = folder.path();
    let open = std::fs::Permissions::from_mode(0o664);
    std::fs::set_permissions(here.join("jobdeck.db"), open).unwrap();
    for (umask, expected) in [("077", 0o600), ("027", 0o640), ("022", 0o644)] {
        let script = format!("umask {umask} && exec \"$0\" backup --force 1.db");
        let status = Command::new("/bin/sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_jobdeck")])
            .current_dir(here)
            .env_clear()
            .status()
            .unwrap();
        assert!(status.success(), "{umask}");
        let mode = std::fs::metadata(here.join("1.db")).unwrap().mode();
        assert_eq!(mode & 0o777, expected, "{umask}");
    }
}

#[test]
fn a_backup_is_one_file_that_can_be_copied_back() {
    let folder = with_one_job();
    let here = folder.path();
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(here.join("jobdeck.db"), private).unwrap();
    std::fs::create_dir(here.join("backups")).unwrap();
    let said = ok(here, &["backup", "backups/1.db"]);
    assert!(
        said.starts_with("copied 1 job, jobdeck.db to backups/1.db: "),
        "{said}"
    );
    assert!(said.ends_with(" KiB, nothing is wrong\n"), "{said}");
    let files = std::fs::read_dir(here.join("backups")).unwrap();
    assert_eq!(files.count(), 1, "no log is beside it");
    let header = std::fs::read(here.join("backups/1.db")).unwrap();
    assert_eq!(header[18..20], [1, 1], "nor is one made by who reads it");
    let mode = std::fs::metadata(here.join("backups/1.db"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else may read it, either");
    let number = |file: &str, pragma: &str| -> i64 {
        let connection = rusqlite::Connection::open(here.join(file)).unwrap();
        connection
            .pragma_query_value(None, pragma, |row| row.get(0))
            .unwrap()
    };
    for pragma in ["application_id", "user_version"] {
        assert_eq!(number("backups/1.db", pragma), number("jobdeck.db", pragma));
    }
    let before = ok(here, &["export"]);
    ok(here, &["prune", "--older-than", "1h"]);
    assert_eq!(ok(here, &["export"]), "");
    std::fs::copy(here.join("backups/1.db"), here.join("jobdeck.db")).unwrap();
    assert_eq!(ok(here, &["export"]), before);
    let server = Server::start(here, &["serve", "--listen", "127.0.0.1:0"]);
    let answer = server.get("/inventory/v1/jobs?domain_id=d");
    assert!(answer.contains("\"total_count\":1"), "{answer}");
}

/// Two jobs of one request are written in one transaction.
fn post_pair(url: &str, number: usize) {
    let job = |side: &str| {
        format!(
            "{{\"job_id\":\"pair-{number}-{side}\",\"domain_id\":\"d\",\"created_at\":\"2022-06-17T08:00:00Z\"}}"
        )
    };
    let body = format!("[{},{}]", job("a"), job("b"));
    ureq::post(format!("{url}/jobdeck/jobs"))
        .header("content-type", "application/json")
        .send(&body)
        .unwrap();
}

#[test]
fn a_backup_during_writes_has_only_whole_transactions() {
    const BACKUPS: usize = 3;
    let folder = with_many_jobs();
    let here = folder.path();
    let server = Server::start(here, &["serve", "--writable", "--listen", "127.0.0.1:0"]);
    let written = AtomicUsize::new(0);
    let is_done = AtomicUsize::new(0);
    let mut pairs_before = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while is_done.load(Ordering::SeqCst) == 0 {
                post_pair(&server.url, written.load(Ordering::SeqCst));
                written.fetch_add(1, Ordering::SeqCst);
            }
        });
        // The writer ends, whatever happens.
        let outputs: Vec<_> = (0..BACKUPS)
            .map(|number| {
                pairs_before.push(written.load(Ordering::SeqCst));
                run(here, &["backup", &format!("{number}.db")])
            })
            .collect();
        is_done.store(1, Ordering::SeqCst);
        for output in outputs {
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        }
    });
    assert!(
        pairs_before.is_sorted_by(|one, next| one < next),
        "it was written meanwhile: {pairs_before:?}"
    );
    for (number, least) in pairs_before.into_iter().enumerate() {
        let name = format!("{number}.db");
        ok(here, &["check", "--db", &name]);
        let mut pairs: HashMap<String, usize> = HashMap::new();
        for line in ok(here, &["export", "--db", &name]).lines() {
            let job: serde_json::Value = serde_json::from_str(line).unwrap();
            let id = job["job_id"].as_str().unwrap();
            if let Some(pair) = id.strip_suffix("-a").or(id.strip_suffix("-b")) {
                *pairs.entry(pair.to_owned()).or_default() += 1;
            }
        }
        assert!(pairs.values().all(|jobs| *jobs == 2), "{name}: {pairs:?}");
        assert!(pairs.len() >= least, "{name}: what was answered is in it");
    }
}

#[test]
fn a_destination_where_a_backup_would_do_harm_is_refused() {
    let folder = with_one_job();
    let here = folder.path();
    std::fs::write(here.join("present.db"), "somebody's").unwrap();
    std::fs::write(here.join("new.db-wal"), "somebody's").unwrap();
    std::fs::create_dir(here.join("backups")).unwrap();
    std::fs::hard_link(here.join("jobdeck.db"), here.join("same.db")).unwrap();
    std::os::unix::fs::symlink("nowhere.db", here.join("link.db")).unwrap();
    let before = names(here);
    for (arguments, expected) in [
        (
            &["backup", "present.db"][..],
            "jobdeck: present.db: exists already; name another file, or add `--force`",
        ),
        (
            &["backup", "--force", "backups"],
            "jobdeck: backups: is a folder; name a file in it",
        ),
        (
            &["backup", "--force", "jobdeck.db"],
            "jobdeck: jobdeck.db: is the database itself",
        ),
        (
            &["backup", "--force", "same.db"],
            "jobdeck: same.db: is the database itself",
        ),
        (
            &["backup", "--force", "link.db"],
            "jobdeck: link.db: exists and is no regular file",
        ),
        (
            &["backup", "--force", "jobdeck.db-wal"],
            "jobdeck: jobdeck.db-wal: is a SQLite database or belongs to one",
        ),
        (
            &["backup", "new.db"],
            "jobdeck: new.db-wal: exists, and SQLite would take it for a log of the copy",
        ),
        (
            &["backup", "none/x.db"],
            "jobdeck: none/x.db: there is no folder none; make it, or name another file",
        ),
        (
            &["backup", "--db", "none.db", "x.db"],
            "jobdeck: none.db: there is no such file",
        ),
    ] {
        check_line(&fails(here, arguments, 1), expected);
        assert_eq!(names(here), before, "{arguments:?}");
    }
    fails(here, &["backup", "-"], 2);
    fails(here, &["backup"], 2);
    let present = || std::fs::read(here.join("present.db")).unwrap();
    assert_eq!(present(), b"somebody's");
    ok(here, &["backup", "--force", "present.db"]);
    ok(here, &["check", "--db", "present.db"]);
}

#[test]
fn a_damaged_copy_does_not_replace_a_good_backup() {
    let folder = with_one_job();
    let here = folder.path();
    ok(here, &["backup", "good.db"]);
    let good = std::fs::read(here.join("good.db")).unwrap();
    let connection = rusqlite::Connection::open(here.join("jobdeck.db")).unwrap();
    connection
        .execute_batch("DROP TRIGGER jobs_are_updated_by_jobdeck; UPDATE jobs SET total_tasks = 3")
        .unwrap();
    drop(connection);
    let before = names(here);
    check_line(
        &fails(here, &["backup", "--force", "good.db"], 1),
        "jobdeck: jobdeck.db: job j1 of domain d: its columns do not agree with its document; the copy was removed",
    );
    assert_eq!(names(here), before);
    assert_eq!(std::fs::read(here.join("good.db")).unwrap(), good);
}

#[test]
fn a_full_disk_is_reported_and_no_file_is_left() {
    let folder = with_many_jobs();
    let here = folder.path();
    let before = names(here);
    // Half a megabyte or one, depending on the unit of the shell.
    let limited = "ulimit -f 1000; trap '' XFSZ; exec \"$0\" backup copy.db";
    let output = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_jobdeck")])
        .current_dir(here)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    check_line(
        text(&output.stderr),
        "jobdeck: copy.db: can't copy jobdeck.db to it: disk I/O error; the disk can't be read or written",
    );
    assert_eq!(names(here), before);
}

#[test]
fn a_backup_stopped_by_a_signal_leaves_no_file() {
    let folder = with_many_jobs();
    let here = folder.path();
    let before = names(here);
    let child = jobdeck(here)
        .args(["backup", "copy.db"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    // The backup has begun when its folder exists; then it still has to copy megabytes and to check thousands of jobs.
    while names(here) == before {
        assert!(start.elapsed() < Duration::from_mins(1), "it never begins");
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    check_line(
        text(&output.stderr),
        "jobdeck: stopped; nothing was backed up",
    );
    assert_eq!(names(here), before);
}

#[test]
fn a_database_with_an_older_schema_is_backed_up_unchanged() {
    let folder = folder();
    let here = folder.path();
    let older = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas/1.db");
    std::fs::copy(older, here.join("jobdeck.db")).unwrap();
    let said = ok(here, &["backup", "copy.db"]);
    assert!(
        said.ends_with("of an older schema, so only its pages were checked\n"),
        "{said}"
    );
    check_line(
        &fails(here, &["check", "--db", "copy.db"], 1),
        "jobdeck: copy.db: was made by an older jobdeck (schema 1, this one has 6)",
    );
    // An upgrade of the copy finds all jobs.
    std::fs::write(here.join("none.ndjson"), "").unwrap();
    ok(here, &["import", "--db", "copy.db", "none.ndjson"]);
    assert_eq!(
        ok(here, &["check", "--db", "copy.db"]),
        "copy.db: 60 jobs, nothing is wrong\n"
    );
}
