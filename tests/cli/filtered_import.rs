//! `import` with filters: the jobs that `export` finds with the same ones.

use crate::{check_line, fails, folder, job, jobdeck, ok, text};

/// Returns the lines of an export, sorted.
fn lines(exported: &str) -> Vec<&str> {
    let mut lines: Vec<_> = exported.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn filters_of_an_import_are_those_of_an_export() {
    let folder = folder();
    let here = folder.path();
    let generate = ["generate", "--jobs", "1500", "--domains", "1"];
    let made = ["--now", "2026-01-01T00:00:00Z", "--output", "all.ndjson"];
    ok(here, &[&generate[..], &made].concat());
    ok(here, &["import", "all.ndjson"]);
    let all = std::fs::read_to_string(here.join("all.ndjson")).unwrap();
    let newest = all.lines().last().unwrap();
    let part = |name: &str| {
        let start = newest.split_once(&format!("\"{name}\":\"")).unwrap().1;
        start.split_once('"').unwrap().0
    };
    // The options, and what of them are terms.
    for (options, terms) in [
        (&["--failed"][..], &[][..]),
        (
            &["--status", "ERROR,CANCELED", "--since", "2025-10-01"],
            &[],
        ),
        (&["--until", "2025-11-01T09:00Z", "--provider", "aws"], &[]),
        (&["--domain", part("domain_id")], &[]),
        (&["--collector", part("name")], &["-status:CANCELED"]),
        (&["--collector-id", part("collector_id")], &[]),
        (&["--job", part("job_id")], &[]),
        (&[], &["message~quota", "created>=2020-01-01"]),
        (&[], &["status:ERROR", "quota"]),
        (&["--failed"], &["-provider:aws"]),
    ] {
        let exported = ok(here, &[&["export"], options, terms].concat());
        let matching = exported.lines().count();
        assert!((1..=1_500).contains(&matching), "{options:?} {terms:?}");
        let mut arguments = vec!["import", "--db", "part.db", "all.ndjson"];
        arguments.extend(options);
        arguments.extend(terms.iter().flat_map(|term| ["--term", *term]));
        let rest = 1_500 - matching;
        let said =
            format!("part.db: {matching} added, 0 replaced, 0 skipped; {rest} did not match\n");
        let dry = said.replace("added", "would be added");
        let dry = dry.replace("match\n", "match; nothing was written\n");
        let dry_run = ok(here, &[&arguments[..], &["--dry-run"]].concat());
        assert_eq!(dry_run, format!("read 1500 jobs, {dry}"), "{arguments:?}");
        assert!(!here.join("part.db").exists());
        assert_eq!(ok(here, &arguments), format!("read 1500 jobs, {said}"));
        let imported = ok(here, &["export", "--db", "part.db"]);
        assert!(lines(&imported) == lines(&exported), "{arguments:?}");
        std::fs::remove_file(here.join("part.db")).unwrap();
    }
}

#[test]
fn without_a_domain_jobs_of_all_domains_are_imported() {
    let folder = folder();
    let here = folder.path();
    let other = job(2, ",\"status\":\"ERROR\"").replace("\"d\"", "\"e\"");
    let jobs = job(1, ",\"status\":\"ERROR\"") + &other + &job(3, "");
    std::fs::write(here.join("jobs.ndjson"), jobs).unwrap();
    assert_eq!(
        ok(here, &["import", "--failed", "jobs.ndjson"]),
        "read 3 jobs, jobdeck.db: 2 added, 0 replaced, 0 skipped; 1 did not match\n"
    );
    // All jobs match, and there is none at all.
    assert_eq!(
        ok(here, &["import", "--until", "today", "jobs.ndjson"]),
        "read 3 jobs, jobdeck.db: 1 added, 2 replaced, 0 skipped; 0 did not match\n"
    );
    let output = jobdeck(here).args(["import", "--failed", "-"]).output();
    assert_eq!(
        text(&output.unwrap().stdout),
        "read 0 jobs, jobdeck.db: 0 added, 0 replaced, 0 skipped; 0 did not match; the input had no job\n"
    );
    let output = jobdeck(here)
        .args(["import", "jobs.ndjson"])
        .envs([
            ("JOBDECK_TERM", "status:ERROR -id:j1"),
            ("JOBDECK_DOMAIN", "e"),
        ])
        .output();
    assert_eq!(
        text(&output.unwrap().stdout),
        "read 3 jobs, jobdeck.db: 0 added, 1 replaced, 0 skipped; 2 did not match\n"
    );
}

#[test]
fn a_wrong_filter_is_refused_before_anything_is_read() {
    let folder = folder();
    let here = folder.path();
    let said = fails(here, &["import", "--term", "statsu:ERROR", "missing"], 2);
    assert!(
        said.starts_with("error: there is no key `statsu`"),
        "{said}"
    );
    let said = fails(here, &["import", "--since", "soon", "missing"], 2);
    assert!(said.contains("expected an age such as 90m"), "{said}");
    let long = format!("message~{}", "x".repeat(40_000));
    let said = fails(here, &["import", "--term", &long, "missing"], 1);
    check_line(&said, "jobdeck: query.filter[0]");
    assert!(!here.join("jobdeck.db").exists());
}
