//! Tests of reading CSV: other programs' files, and our own, which come back as they were written.

use std::io::Cursor;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use super::read_jobs::read_jobs;
use super::sink::LocatedJob;
use super::source::Source;
use crate::job::Job;
use crate::transfer::csv::{write_head, write_job};
use crate::transfer::mistakes::Mistakes;

fn read(text: impl Into<Vec<u8>>) -> (Vec<Job>, String) {
    let (mut jobs, mut mistakes) = (Vec::new(), Mistakes::default());
    let each = &mut |located: LocatedJob<'_, Job>| {
        jobs.push(located.read.job);
        Ok(())
    };
    read_jobs(
        Source::new("x", Cursor::new(text.into())),
        &mut mistakes,
        each,
    )
    .unwrap();
    let mistakes = mistakes.into_result().map_err(|error| error.to_string());
    (jobs, mistakes.err().unwrap_or_default())
}

fn written(jobs: &[Job]) -> Vec<u8> {
    let mut out = Vec::new();
    write_head(&mut out);
    for job in jobs {
        write_job(&job.to_document(), &mut out).unwrap();
    }
    out
}

#[track_caller]
fn check_mistakes(text: &str, jobs: usize, expected: &[&str]) {
    let (read, said) = read(text);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(read.len(), jobs, "{text}\n{said}");
    assert_eq!(lines.len(), expected.len() + 1, "{text}\n{said}");
    for (line, expected) in lines.iter().zip(expected) {
        let expected = format!("x: {expected}");
        let is_as_expected = line.starts_with(&expected);
        assert!(is_as_expected, "{text}\n got: {line}\nwant: {expected}");
    }
}

#[test]
fn mistakes_name_their_line_and_column() {
    let head = "job_id,domain_id,created_at,errors,error_codes,error_messages,is_public\n";
    check_mistakes(
        head,
        0,
        &["line 1, column is_public: unknown column `is_public`"],
    );
    let head = "\r\njob_id,domain_id,created_at,total_tasks,collector_info.is_public,filter,errors,error_codes,\r\n";
    for (row, expected) in [
        (
            "a,d,,,,,,,",
            &["line 3, job a: missing field `created_at`"][..],
        ),
        (
            ",d,2026-01-01T00:00:00Z,x,yes,{,-1,,",
            &[
                "line 3, column collector_info.is_public: is `yes`, expected true or false",
                "line 3, column filter: is `{`, expected JSON",
                "line 3, column errors: is `-1`, expected the number of errors",
                "line 3: missing field `job_id`",
                "line 3, column total_tasks: ",
            ],
        ),
        (
            "a,d,2026-01-01T00:00:00Z,,,3,,,",
            &["line 3, job a, column filter: "],
        ),
        (
            "a,d,2026-01-01T00:00:00Z,,,,[{\"x\": 1}],,",
            &["line 3, job a, column errors: unknown field `x`"],
        ),
        (
            "a,d,2026-01-01T00:00:00Z,,,,2,E,",
            &["line 3, job a, column error_codes: the number of texts"],
        ),
        (
            "a,d,2026-01-01T00:00:00Z,,,,999999999999,,",
            &["line 3, job a, column errors: is 999999999999, at most 100000"],
        ),
        (
            "a,d,2026-01-01T00:00:00Z,,,,,,x",
            &["line 3, job a: column 9 has no name, but a value"],
        ),
        (
            "a,d,2026-01-01T00:00:00Z",
            &["line 3, job a: the row has 3 cells, and the first line 9"],
        ),
        (
            "a,d,2026-01-01T00:00:00Z,,,,,,,x",
            &["line 3, job a: the row has 10 cells, and the first line 9"],
        ),
        (
            "a,d,\"2026-01-01T00:00:00Z,,,,,,",
            &["line 3, job a: the row has 3 cells, and the first line 9; a quote may be missing"],
        ),
    ] {
        let is_open = row.contains(",\"2026");
        let row = row.replace("[{\"x\": 1}]", "\"[{\"\"x\"\": 1}]\"");
        let text = format!("{head}{row}\r\n,,,,,,,,\r\nb,d,2026-01-01T00:00:00Z,,,,,,\r\n");
        check_mistakes(&text, usize::from(!is_open), expected);
    }
}

#[test]
fn lines_are_counted_however_they_end() {
    let text = "job_id,domain_id,created_at,error_messages\r\n\r\na,d,2026-01-01T00:00:00Z,\"two\r\nlines\"\r\nb,d,,\nc,d,,\n\n\ne,d,,";
    check_mistakes(
        text,
        1,
        &["line 5, job b: ", "line 6, job c: ", "line 9, job e: "],
    );
    let long = format!(
        "job_id,domain_id\n{}b,\n",
        "a,d\r\n".repeat(2 * super::csv_header::MAX_HEADER_BYTES / 5)
    );
    let (_, said) = read(long);
    assert!(
        said.starts_with("x: line 2, job a: missing field"),
        "{said}"
    );
    assert!(said.contains("x: line 101, job a: missing field"), "{said}");
}

#[test]
fn an_open_quote_is_stopped_at_the_longest_job() {
    let text = format!(
        "job_id,domain_id\n\"a,d\n{}",
        "b,d\n".repeat((8 << 20) / 4 + (1 << 15))
    );
    let (jobs, said) = read(text);
    assert!(jobs.is_empty());
    let expected = "x: line 2: the row is longer than 8388608 bytes: a quote may be missing; what follows was not read\n";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn bytes_that_are_no_utf8_are_named_with_their_column() {
    let text = b"job_id,domain_id,created_at,collector\na,d,2026-01-01T00:00:00Z,\xb0\xa1\n";
    let (_, said) = read(&text[..]);
    let expected =
        "x: line 2, job a, column collector: the byte 0xb0 is not UTF-8; save the file as UTF-8\n";
    assert!(said.starts_with(expected), "{said}");
}

/// A text that is hostile to CSV, to spreadsheets, and to our escapes.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof!["[ |\\\\'\"=+,;\t\r\n\u{feff}가a-]{0,10}", "\\PC{0,6}"]
}

fn some_job() -> impl Strategy<Value = Job> {
    let errors = prop::collection::vec((hostile(), hostile()), 0..4);
    let texts = prop::collection::vec(hostile(), 6);
    (texts, errors, -1..3_i64, 0..3_i64).prop_map(|(texts, errors, remained, total)| {
        let id = |text: &str| format!("{text}x");
        let errors: Vec<Value> = errors
            .into_iter()
            .map(|(code, message)| json!({"error_code": code, "message": message}))
            .collect();
        let job = json!({
            "job_id": id(&texts[0]), "domain_id": id(&texts[1]), "project_id": id(&texts[2]),
            "created_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:00:01.5Z",
            "remained_tasks": remained, "total_tasks": total, "success_tasks": total,
            "workspace_id": id(&texts[5]), "errors": errors,
            "collector_info": {"name": texts[3], "provider": texts[4], "plugin_info": {"version": "1.0"}},
        });
        Job::from_json(job.to_string().as_bytes()).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        rng_seed: RngSeed::Fixed(18),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_written_is_read_back_to_the_same_columns(jobs in prop::collection::vec(some_job(), 1..4)) {
        let text = written(&jobs);
        let (again, mistakes) = read(text.clone());
        prop_assert_eq!(mistakes, "");
        prop_assert_eq!(String::from_utf8(written(&again)), String::from_utf8(text));
    }
}
