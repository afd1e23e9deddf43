//! `jobdeck show`.

use crate::list::with_jobs;
use crate::{check_line, fails, ok};

#[test]
fn a_job_is_shown_with_what_is_usual() {
    let folder = with_jobs();
    let here = folder.path();
    let shown = ok(here, &["show", "job-2", "--domain", "d"]);
    let lines: Vec<_> = shown.lines().collect();
    assert!(
        lines[0].starts_with("job-2 of nova failed after 3m12s, "),
        "{shown}"
    );
    assert!(lines[0].ends_with(" ago (ERROR)"), "{shown}");
    assert_eq!(
        lines[1],
        "nova usually takes 2s; 95 % within 2s (1 success in the 30 days before)"
    );
    assert_eq!(lines[3..6], ["E1", "  rate exceeded", "  in 서울"]);
    assert!(lines.contains(&"collector nova (c-1)"), "{shown}");
    assert!(
        lines.contains(&"finished  2026-01-01T02:03:12.000Z"),
        "{shown}"
    );
    let running = ok(here, &["show", "job-4", "--domain", "d"]);
    assert!(running.starts_with("job-4 runs since "), "{running}");
    let document = ok(
        here,
        &["show", "job-5", "--domain", "e", "--format", "json"],
    );
    assert_eq!(document, ok(here, &["export", "--domain", "e"]));
    let said = fails(here, &["show", "job-5", "--domain", "d"], 1);
    check_line(
        &said,
        "jobdeck: jobdeck.db: there is no job `job-5` in domain `d`",
    );
}
