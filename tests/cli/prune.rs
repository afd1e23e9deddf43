//! `prune` and `serve --retain`: the jobs that are deleted and those that stay, and writes in the meantime.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::{Server, check_line, fails, folder, ok, run, text};

/// A line for each job, from its domain, its status and the year in which it was created; a job of 9999 is never old.
fn jobs(jobs: &[(&str, &str, u32)]) -> String {
    let mut lines = String::new();
    for (number, (domain, status, year)) in jobs.iter().enumerate() {
        writeln!(
            lines,
            "{{\"job_id\":\"{domain}-{number}\",\"domain_id\":\"{domain}\",\"status\":\"{status}\",\
             \"created_at\":\"{year}-06-17T08:00:00Z\"}}"
        )
        .unwrap();
    }
    lines
}

fn with(lines: &str) -> tempfile::TempDir {
    let folder = folder();
    std::fs::write(folder.path().join("jobs.ndjson"), lines).unwrap();
    ok(folder.path(), &["import", "jobs.ndjson"]);
    folder
}

/// The number of jobs in a database, which must have no problems.
fn left(folder: &Path) -> usize {
    ok(folder, &["check"]);
    ok(folder, &["export"]).lines().count()
}

#[test]
fn prune_counts_jobs_by_domain_and_a_dry_run_deletes_nothing() {
    let folder = with(&jobs(&[
        ("a", "SUCCESS", 2020),
        ("a", "ERROR", 2020),
        ("a", "IN_PROGRESS", 2020),
        ("a", "SUCCESS", 9999),
        ("b", "CREATED", 2021),
        ("c", "SUCCESS", 9999),
    ]));
    let here = folder.path();
    let check = |arguments: &[&str], expected: &[&str]| {
        let said = ok(
            here,
            &[&["prune", "--older-than", "90d"], arguments].concat(),
        );
        let mut lines: Vec<_> = said.lines().collect();
        let summary = lines.pop().unwrap().to_owned();
        assert_eq!(lines, expected);
        summary
    };
    for (arguments, expected) in [
        (&[][..], &["a: 3 jobs", "b: 1 job"][..]),
        (&["--domain", "b"], &["b: 1 job"]),
        (&["--domain", "nowhere"], &[]),
        (&["--status", "SUCCESS"], &["a: 1 job"]),
        (
            &["--status", "ERROR,CREATED", "--status", "ERROR"],
            &["a: 1 job", "b: 1 job"],
        ),
    ] {
        let summary = check(&[arguments, &["--dry-run"]].concat(), expected);
        assert!(
            summary.ends_with(" would be deleted; nothing was"),
            "{summary}"
        );
        assert_eq!(left(here), 6);
    }
    let summary = check(&["--status", "ERROR"], &["a: 1 job"]);
    assert!(
        summary.starts_with("jobdeck.db: 1 job created before "),
        "{summary}"
    );
    assert!(
        summary.ends_with(" of the file are free for new ones"),
        "{summary}"
    );
    assert_eq!(left(here), 5);
    check(&["--domain", "a"], &["a: 2 jobs"]);
    check(&[], &["b: 1 job"]);
    check(&[], &[]);
    assert_eq!(left(here), 2);
}

#[test]
fn an_invalid_age_deletes_nothing() {
    let folder = with(&jobs(&[("a", "SUCCESS", 2020)]));
    for arguments in [
        &["prune"][..],
        &["prune", "--older-than", "3m"],
        &["prune", "--older-than", "0d"],
        &["prune", "--older-than", "90d", "--status", "DONE"],
        &["serve", "--retain", "90"],
    ] {
        fails(folder.path(), arguments, 2);
    }
    check_line(
        &fails(
            folder.path(),
            &["prune", "--db", "none.db", "--older-than", "1d"],
            1,
        ),
        "jobdeck: none.db: there is no such file",
    );
    assert_eq!(left(folder.path()), 1);
}

#[test]
fn others_write_while_jobs_are_pruned() {
    const OLD: usize = 5_000;
    let folder = with(&jobs(&vec![("a", "SUCCESS", 2020); OLD]));
    let here = folder.path();
    let server = Server::start(here, &["serve", "--writable", "--listen", "127.0.0.1:0"]);
    let is_done = AtomicBool::new(false);
    let (output, written) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            while !is_done.load(Ordering::SeqCst) || written == 0 {
                // Fails unless the answer is a success.
                ureq::put(format!(
                    "{}/jobdeck/jobs/new-{written}?domain_id=a",
                    server.url
                ))
                .header("content-type", "application/json")
                .send("{}")
                .unwrap();
                written += 1;
            }
            written
        });
        let output = run(here, &["prune", "--older-than", "1h"]);
        is_done.store(true, Ordering::SeqCst);
        (output, writer.join().unwrap())
    });
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("a: 5000 jobs\n"));
    let answer = server.get("/inventory/v1/jobs?domain_id=a&query.count_only=true");
    assert!(
        answer.contains(&format!("\"total_count\":{written}")),
        "{written}: {answer}"
    );
    assert_eq!(left(here), written);
}

#[test]
fn a_server_deletes_old_jobs_when_it_starts() {
    let folder = with(&jobs(&[("a", "SUCCESS", 2020), ("a", "SUCCESS", 9999)]));
    let here = folder.path();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let server = Server::start(here, &[&serve[..], &["--retain", "90d"]].concat());
    let start = Instant::now();
    while !server
        .get("/inventory/v1/jobs?domain_id=a")
        .contains("\"total_count\":1")
    {
        assert!(start.elapsed() < Duration::from_mins(1), "it never goes");
        std::thread::yield_now();
    }
    assert_eq!(server.stop("-TERM").0, Some(0));
    assert!(ok(here, &["export"]).contains("\"9999-"));
    check_line(
        &fails(here, &["serve", "--mock", "--retain", "90d"], 1),
        "jobdeck: --retain is not for a mock",
    );
}
