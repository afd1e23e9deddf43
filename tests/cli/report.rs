//! `jobdeck report`.

use serde_json::{Value, json};

use crate::list::with_jobs;
use crate::{Server, check_line, fails, ok};

#[test]
fn a_job_is_changed_by_hand() {
    let folder = with_jobs();
    let here = folder.path();
    let server = Server::start(here, &["serve", "--writable", "--listen", "127.0.0.1:0"]);
    for (job, target) in [
        ("job-4", ["--db", "jobdeck.db"]),
        ("job-3", ["--url", server.url.as_str()]),
    ] {
        let with = |arguments: &[&'static str]| -> Vec<&str> {
            let fixed = ["report", job, "--domain", "d", "--spool", "s"];
            [&fixed[..], &target, arguments].concat()
        };
        let said = ok(
            here,
            &with(&[
                "--status",
                "error",
                "--error",
                "gone",
                "--error-code",
                "E",
                "--tasks",
                "9",
                "--remained",
                "2",
            ]),
        );
        assert_eq!(said, format!("{}: {job}: ERROR\n", target[1]));
        let shown: Value = serde_json::from_str(&ok(
            here,
            &["show", job, "--domain", "d", "--format", "json"],
        ))
        .unwrap();
        assert_eq!(
            shown["errors"],
            json!([{"error_code": "E", "message": "gone"}])
        );
        assert_eq!(
            (&shown["total_tasks"], &shown["remained_tasks"]),
            (&json!(9), &json!(2))
        );
        let said = fails(here, &with(&["--tasks", "4294967295"]), 1);
        assert!(
            said.starts_with(&format!("jobdeck: {}: ", target[1])) && said.contains("total_tasks"),
            "{said}"
        );
    }
}

#[test]
fn a_change_that_can_t_be_made_is_named() {
    let folder = with_jobs();
    let here = folder.path();
    let server = Server::start(here, &["serve", "--listen", "127.0.0.1:0"]);
    let url = server.url.as_str();
    let fixed = ["report", "--domain", "d", "--spool", "s"];
    check_line(
        &fails(
            here,
            &[&fixed[..], &["none", "--status", "ERROR"]].concat(),
            1,
        ),
        "jobdeck: jobdeck.db: there is no job `none` in domain `d`",
    );
    check_line(
        &fails(
            here,
            &[&fixed[..], &["job-1", "--status", "ERROR", "--url", url]].concat(),
            1,
        ),
        &format!(
            "jobdeck: {url}: answered 404: there is no /jobdeck/jobs/job-1 here; `jobdeck serve --writable` has it"
        ),
    );
    for (arguments, expected) in [
        (&["job-1"][..], "error: a change is needed: `--status`"),
        (&["--status", "ERROR"], "error: name the job to change"),
        (
            &["job-1", "--status", "DONE"],
            "error: invalid value 'DONE' for '--status <STATUS>'",
        ),
    ] {
        let said = fails(here, &[&fixed[..], arguments].concat(), 2);
        assert!(said.starts_with(expected), "{said}");
    }
    assert_eq!(
        ok(here, &[&fixed[..], &["--url", url]].concat()),
        format!("{url}: 0 reports sent\n")
    );
}
