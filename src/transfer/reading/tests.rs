//! Tests of the forms in which jobs are read, and of the mistakes in them.

use std::io::{Cursor, Read};

use super::json_value::MAX_JOB_BYTES;
use super::read_jobs::read_jobs;
use super::sink::LocatedJob;
use super::source::Source;
use crate::job::Job;
use crate::transfer::mistakes::Mistakes;

/// A reader that yields a few bytes at a time.
struct Slow(Vec<u8>, usize);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.len().min(self.1).min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(self.0.drain(..length)) {
            *to = from;
        }
        Ok(length)
    }
}

/// Reads jobs; returns their ids with the lines on which they begin, and the lines of the mistakes.
fn read(reader: impl Read + Send + 'static) -> (String, Vec<String>) {
    let mut mistakes = Mistakes::default();
    let mut ids = Vec::new();
    read_jobs(
        Source::new("x", reader),
        &mut mistakes,
        &mut |located: LocatedJob<'_, Job>| {
            let line = located.location.line();
            ids.push(format!("{}:{line}", located.read.job.job_id));
            Ok(())
        },
    )
    .unwrap();
    let text = match mistakes.into_result() {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    };
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.pop();
    (ids.join(" "), lines)
}

/// Checks what is read of a text: the jobs, and how each mistake begins.
#[track_caller]
fn check(text: &str, expected: &str, mistakes: &[&str]) {
    for step in [1, 2, 5, usize::MAX] {
        let (got, lines) = read(Slow(text.as_bytes().to_vec(), step));
        assert_eq!(got, expected, "{text}\n{lines:#?}");
        assert_eq!(lines.len(), mistakes.len(), "{text}\n{lines:#?}");
        for (line, expected) in lines.iter().zip(mistakes) {
            let expected = format!("x: {expected}");
            let is_as_expected = line.starts_with(&expected);
            assert!(is_as_expected, "{text}\n got: {line}\nwant: {expected}");
        }
    }
}

fn job(id: &str) -> String {
    format!(r#"{{"job_id":"{id}","domain_id":"d","created_at":"2022-06-17T08:00:00Z"}}"#)
}

/// A job over several lines, as jq prints it.
fn tall_job(id: &str) -> String {
    job(id).replace('{', "{\n  ").replace(',', ",\n  ").replace(
        '}',
        ",\n  \"filter\": {\n    \"a\": [\n      {}\n    ]\n  }\n}",
    )
}

#[test]
fn jobs_are_read_in_every_form() {
    let (a, b, c) = (job("a"), job("b"), job("c"));
    let (tall_a, tall_b) = (tall_job("a"), tall_job("b"));
    check("", "", &[]);
    check(" \n\n", "", &[]);
    check("\u{feff}", "", &[]);
    check(&a, "a:1", &[]);
    check(&format!("\u{feff}\n{a}\r\n\r\n{b}\n"), "a:2 b:4", &[]);
    check(&format!("{a} {b}{c}\n{a}"), "a:1 b:1 c:1 a:2", &[]);
    check(&format!("\u{1e}{a}\n\u{1e}{tall_b}\n"), "a:1 b:2", &[]);
    check(&format!("{a}\n\u{feff}{b}\n"), "a:1 b:2", &[]);
    check(&format!("{tall_a}\n{tall_b}\n{c}"), "a:1 b:11 c:21", &[]);
    check(
        &format!("{tall_a}\n{tall_b}\n").replace('\n', "\r\n"),
        "a:1 b:11",
        &[],
    );
    check(&format!("[{a},\n{b}]\n"), "a:1 b:2", &[]);
    check("[]", "", &[]);
    check(
        &format!("{a}\n[\n{b}\n]\n[ ] [{c}] {a}"),
        "a:1 b:3 c:5 a:5",
        &[],
    );
}

#[test]
fn saved_answers_are_read_one_after_the_other() {
    let (a, b, c) = (job("a"), job("b"), job("c"));
    check(
        &format!("{{\n \"results\": [{a},{b}], \"total_count\": 2}}"),
        "a:2 b:2",
        &[],
    );
    check(
        &format!(r#"{{"total_count":1,"results":[{a}]}}"#),
        "a:1",
        &[],
    );
    check(
        &format!("{{\"totalCount\": \"2\",\n\"results\": [{a}]}}\n{{\"results\":[]}} {b}"),
        "a:2 b:3",
        &[],
    );
    check(
        &format!(
            "{{\n  \"results\": [\n    {},\n    {b}\n  ],\n  \"totalCount\": 2\n}}\n{{\n  \"results\": [\n    {c}\n  ]\n}}\n",
            tall_job("a").replace('\n', "\n    ")
        ),
        "a:3 b:13 c:19",
        &[],
    );
    check(
        &format!(r#"[{{"results":[{a}]}},{b},{{"total_count":1,"results":[{c}]}}]"#),
        "a:1 b:1 c:1",
        &[],
    );
}

#[test]
fn a_wrong_job_does_not_hide_the_next() {
    let (a, c) = (job("a"), job("c"));
    let b = job("b").replace('}', r#","errors":[{"x":1}]}"#);
    let wrong = "job b, field errors[0].x: unknown field `x`";
    check(
        &format!("{a}\n\n{b}\r\n{c}\n"),
        "a:1 c:4",
        &[&format!("line 3, column 78, {wrong}")],
    );
    check(
        &format!("[{a},\n{b},{b},\n{c}]"),
        "a:1 c:3",
        &[
            &format!("line 2, column 78, {wrong}"),
            &format!("line 2, column 164, {wrong}"),
        ],
    );
    check(
        &format!("{{\"results\":[\n{a},{b}],\"total_count\":2}}{c}"),
        "a:2 c:2",
        &[&format!("line 2, column 145, {wrong}")],
    );
    check(
        &format!("{}\n{c}", tall_job("b").replace("filter", "fliter")),
        "c:11",
        &["line 5, column 3, job b, field fliter: unknown field `fliter`"],
    );
    check(
        &format!("{{\"job_id\": x}}\n{c}\n[{{\"job_id\": x}},{c}]"),
        "c:2 c:3",
        &[
            "line 1, column 12: expected value",
            "line 3, column 13: expected value",
        ],
    );
    check(
        &format!("{}\n{c}", job("ä").replace('}', ",\"a\": 1}")),
        "c:2",
        &["line 1, column 68, job ä, field a: unknown field `a`"],
    );
}

#[test]
fn a_line_that_is_no_job_does_not_hide_the_next() {
    let (a, b) = (job("a"), job("b"));
    check(
        &format!("3\n{a}\nnull\nname,domain\n\"x\"\n{b} x\n"),
        "a:2 b:6",
        &[
            "line 1, column 1: no job begins here; expected NDJSON",
            "line 3, column 1: no job begins here, nor on 2 lines after it; expected",
            "line 6, column 68: no job begins here; expected",
        ],
    );
    check(
        &format!("{a},\n{b}\n,"),
        "a:1 b:2",
        &[
            "line 1, column 67: no comma belongs between jobs",
            "line 3, column 1: no comma belongs between jobs",
        ],
    );
    check(
        &format!("}}\n{a}"),
        "a:2",
        &["line 1, column 1: no job begins here"],
    );
}

#[test]
fn a_line_that_was_cut_off_does_not_hide_the_next() {
    let (a, b) = (job("a"), job("b"));
    let cut = "the job does not end: a bracket is missing, or its line was cut off";
    for (length, place) in [
        (66, ""),
        (30, "column 31, job a: "),
        (13, "column 14, job a: "),
    ] {
        let text = format!("{}\n{b}\n{a}\n", &a[..length.min(a.len() - 1)]);
        let (got, mistakes) = read(std::io::Cursor::new(text.clone()));
        assert_eq!(got, "b:2 a:3", "{text}");
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].contains(place), "{mistakes:?}");
    }
    check(
        &format!("{}\n{b}", &a[..65]),
        "b:2",
        &[&format!("line 1, column 66, job a: {cut}")],
    );
    // Behind a colon a value could follow, and within a string nothing.
    check(
        &format!("{}\r\n{b}\n", &a[..26]),
        "b:2",
        &[&format!("line 1, column 27, job a: {cut}")],
    );
    check(
        &format!("{}\n{b}\n", &a[..35]),
        "b:2",
        &["line 1, column 36, job a: a text does not end on its line"],
    );
    check(
        "{\"job_id\":\n",
        "",
        &[&format!("line 1, column 11: {cut}")],
    );
    check("{", "", &[&format!("line 1, column 2: {cut}")]);
    // The brackets are wrong: the next line that begins with one is read.
    check(
        &format!("{{\"job_id\": \"x\", \"errors\": [}}\n\n{b}\n"),
        "b:3",
        &["line 1, column 28, job x: this bracket does not close"],
    );
    check(
        &format!("{{\n  \"job_id\": [}}\n  {{}}\n}}\n{b}\n"),
        "b:5",
        &["line 2, column 14: this bracket does not close"],
    );
}

#[test]
fn many_lines_that_were_cut_off_take_linear_time() {
    let text = "{\"job_id\":\"a\",\"x\":[\n".repeat(9_900);
    let (got, mistakes) = read(std::io::Cursor::new(text));
    assert_eq!(got, "");
    assert_eq!(mistakes.len(), 101);
    assert_eq!(mistakes[100], "and 9800 more");
}

#[test]
fn what_is_uncertain_in_an_array_ends_the_source() {
    let (a, b) = (job("a"), job("b"));
    check(
        &format!("[{a}"),
        "a:1",
        &[
            "line 1, column 68: the array of line 1 does not end: expected `,` or `]`; what follows was not read",
        ],
    );
    check(
        &format!("[{a},\n{{\"job_id\":\"x\",\"errors\":[}},\n{b}]\n{a}"),
        "a:1",
        &[
            "line 2, column 25, job x: this bracket does not close the one that was opened last; what follows was not read",
        ],
    );
    check(
        &format!("[{a},\n{{\"job_id\":\"x,\n{b}]\n{a}"),
        "a:1",
        &[
            "line 2, column 14: a text does not end on its line: a quote is missing, or the line was cut off; what",
        ],
    );
    check(
        &format!("[{a},\n{{\"job_id\":\"x\""),
        "a:1",
        &["line 2, column 14, job x: the job does not end"],
    );
    // Commas are not.
    check(
        &format!("[,{a} {b},,{a},]"),
        "a:1 b:1 a:1",
        &[
            "line 1, column 2: expected a job before the comma",
            "line 1, column 70: expected `,` or `]`",
            "line 1, column 137: expected a job before the comma",
            "line 1, column 205: expected a job after the comma",
        ],
    );
    check(
        &format!("[3, \"}}\", [{{}}], null ,{a}]"),
        "a:1",
        &[
            "line 1, column 2: expected a job, `{…}`",
            "line 1, column 5: expected a job, `{…}`",
            "line 1, column 10: expected a job, `{…}`",
            "line 1, column 16: expected a job, `{…}`",
        ],
    );
}

#[test]
fn an_answer_has_results_and_a_count_only() {
    let (a, b) = (job("a"), job("b"));
    check(
        &format!("{{\"results\":[{a}],\"next\":{{\"x\":[1]}},\"total_cuont\":2}}\n{b}"),
        "a:1 b:2",
        &[
            "line 1, column 81: unknown field `next`; known are results, total_count",
            "line 1, column 98: unknown field `total_cuont`; did you mean `total_count`?",
        ],
    );
    check(
        &format!("{{\n\"total_count\":2}}{a}"),
        "a:2",
        &["line 2, column 16: missing field `results`"],
    );
    check(
        &format!("{{\"results\":[{a}],\"results\":[{b}]}}"),
        "a:1",
        &["line 1, column 81: duplicate field `results`"],
    );
    check(
        "{\"results\":{},\"total_count\":[]}",
        "",
        &[
            "line 1, column 12: `results` must be an array of jobs",
            "line 1, column 29: `total_count` must be a number",
        ],
    );
    check(
        &format!("{{\"results\":[{}]}}", a.replace('}', ",\"results\":[]}")),
        "",
        &["line 1, column 79, job a, field results: unknown field `results`"],
    );
    check(
        &format!("{{\"results\":[{a}] \"total_count\":1,}}\n{b}"),
        "a:1 b:2",
        &[
            "line 1, column 81: expected `,` or `}`",
            "line 1, column 97: expected a member after the comma",
        ],
    );
    check(
        &format!("{{\"results\":[{a}], total_count:1}}\n{b}"),
        "a:1",
        &["line 1, column 82: expected a member of the answer; what follows was not read"],
    );
    check(
        &format!("{{\"results\":[{a}],"),
        "a:1",
        &["line 1, column 81: the answer of line 1 does not end"],
    );
}

#[test]
fn text_that_is_no_utf8_is_named_with_its_byte() {
    let (a, b) = (job("a"), job("b"));
    let damaged = |text: &str| text.replace('?', "\u{0}").into_bytes();
    let mut text = damaged(&format!(
        "{a}\n{{\"job_id\":\"x\",\"filter\":{{\"a\":\"?\"}}}}\n{b}\n"
    ));
    for byte in &mut text {
        if *byte == 0 {
            *byte = 0xe9;
        }
    }
    let (got, mistakes) = read(std::io::Cursor::new(text));
    assert_eq!(got, "a:1 b:3");
    assert_eq!(
        mistakes,
        ["x: line 2, column 30, job x: the byte 0xe9 is not UTF-8; save the file as UTF-8"]
    );
}

#[test]
fn a_job_may_be_no_longer_than_the_limit_in_every_form() {
    let (a, b) = (job("a"), job("b"));
    let long = |bytes: usize| {
        let job = job("l").replace('}', ",\"filter\":{\"x\":\"?\"}}");
        job.replace('?', &"x".repeat(bytes + 1 - job.len()))
    };
    let (fits, exceeds) = (long(MAX_JOB_BYTES - 1), long(MAX_JOB_BYTES + 1));
    let mistake = |line: u32, column: u32| {
        vec![format!(
            "x: line {line}, column {column}: the job is longer than 8388608 bytes"
        )]
    };
    for (text, expected, mistakes) in [
        (format!("{a}\n{fits}\n{b}\n"), "a:1 l:2 b:3", vec![]),
        (format!("[{a},{fits},{b}]"), "a:1 l:1 b:1", vec![]),
        (format!("{a}\n{exceeds}\n{b}\n"), "a:1 b:3", mistake(2, 1)),
        (format!("[{a},\n{exceeds},{b}]"), "a:1 b:2", mistake(2, 1)),
        (
            format!("{a}\n{}\n{b}\n", exceeds.replace(",\"", "\n,\"")),
            "a:1 b:6",
            mistake(2, 1),
        ),
    ] {
        assert_eq!(
            read(std::io::Cursor::new(text)),
            (expected.to_owned(), mistakes)
        );
    }
}

#[test]
fn the_reading_ends_where_there_are_too_many_mistakes() {
    for text in [
        "{}\n".repeat(20_000),
        format!("[{}{{}}]", "{},".repeat(20_000)),
        format!("job_id\n{}", "a\n".repeat(20_000)),
    ] {
        let (beginning, _) = text.split_at(40);
        let mut mistakes = Mistakes::default();
        for _ in 0..2 {
            let source = Source::new("x", Cursor::new(text.clone()));
            read_jobs(source, &mut mistakes, &mut |_: LocatedJob<'_, Job>| Ok(())).unwrap();
        }
        let error = mistakes.into_result().unwrap_err().to_string();
        let last = error.lines().last().unwrap();
        assert!(
            last.starts_with("1000")
                && last.ends_with("jobs; what follows was not read; nothing was changed"),
            "{beginning}: {last}"
        );
    }
}
