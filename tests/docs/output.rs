//! Compares what a block shows with what its commands print.
//!
//! The block and the printed text are compared as JSON where both are JSON, one value or several in a row:
//! - the string `"…"` stands for any value, and `…` within a longer string for any text,
//! - `"…"` as the last element of a list, or of several values in a row, stands for any number of further ones,
//! - a member with the name `"…"` stands for any number of further members.
//!
//! Outside of strings the quotation marks of `…` may be left out: `{"results": [{"job_id": …, …}, …]}`.
//!
//! Otherwise they are compared line by line, without spaces at the ends of lines:
//! - `…` stands for any text within the line,
//! - a line that is only `…` stands for any number of lines.

use serde_json::Value;

const ELLIPSIS: &str = "…";

/// Compares a shown text with a printed one.
///
/// # Errors
///
/// Says where they differ.
pub(crate) fn compare(shown: &str, printed: &str) -> Result<(), String> {
    if let (Some(shown), Some(printed)) = (shown_values(shown), values(printed)) {
        return compare_lists("", &shown, &printed);
    }
    // A byte order mark is not to be seen.
    let printed = printed.trim_start_matches('\u{feff}');
    let (shown, printed) = (lines(shown), lines(printed));
    if lines_match(&shown, &printed) {
        return Ok(());
    }
    Err(format!(
        "shown:\n{}\nprinted:\n{}",
        shown.join("\n"),
        printed.join("\n")
    ))
}

/// Says what is wrong with a printed text that is as shown, or of which nothing is shown: an error or an answer without
/// results that the page does not show as such.
pub(crate) fn disappointment(commands: &str, shown: &str, printed: &str) -> Option<String> {
    let values = values(printed).unwrap_or_default();
    let is_error = |value: &Value| value["detail"]["code"].is_string();
    if values.iter().any(is_error) && !shown.contains("\"code\"") {
        return Some(format!(
            "printed an error that the page does not show: {printed}"
        ));
    }
    let has_no_results = |value: &Value| value["results"].as_array().is_some_and(Vec::is_empty);
    let is_empty_csv = commands.contains("format=csv") && printed.trim().lines().count() == 1;
    let is_empty = values.iter().any(has_no_results) || is_empty_csv;
    (is_empty && !shown.contains("[]"))
        .then(|| format!("printed no results, and the page does not show that: {printed}"))
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

fn lines_match(shown: &[&str], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first.trim() == ELLIPSIS => {
            (0..=printed.len()).any(|count| lines_match(rest, &printed[count..]))
        }
        Some((first, rest)) => {
            let next = printed.split_first();
            next.is_some_and(|(line, printed)| {
                text_matches(first, line) && lines_match(rest, printed)
            })
        }
    }
}

/// Whether a text is a pattern in which `…` stands for any text.
fn text_matches(pattern: &str, text: &str) -> bool {
    let Some((start, pattern)) = pattern.split_once(ELLIPSIS) else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    let (middle, end) = pattern.rsplit_once(ELLIPSIS).unwrap_or(("", pattern));
    for part in middle.split(ELLIPSIS) {
        let Some((_, rest)) = text.split_once(part) else {
            return false;
        };
        text = rest;
    }
    text.ends_with(end)
}

/// The values of a text that is nothing but JSON.
fn values(text: &str) -> Option<Vec<Value>> {
    let values: Vec<_> = serde_json::Deserializer::from_str(text)
        .into_iter::<Value>()
        .collect::<Result<_, _>>()
        .ok()?;
    // A text of numbers alone, such as a count of lines, is a text.
    let is_json = values.iter().any(|value| !value.is_number());
    is_json.then_some(values)
}

/// The values that a page shows, where `…` needs no quotation marks.
pub(crate) fn shown_values(text: &str) -> Option<Vec<Value>> {
    values(&with_quotation_marks(text))
}

/// Gives `…` the form of a string, or of a member where only a member can be.
fn with_quotation_marks(text: &str) -> String {
    let mut quoted = String::new();
    let mut containers = Vec::new();
    let mut last = ' ';
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                quoted.push('"');
                while let Some(letter) = letters.next() {
                    quoted.push(letter);
                    match letter {
                        '\\' => quoted.extend(letters.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '…' if containers.last() == Some(&'{') && ['{', ','].contains(&last) => {
                quoted += "\"…\": null";
            }
            '…' => quoted += "\"…\"",
            '{' | '[' => {
                containers.push(letter);
                quoted.push(letter);
            }
            '}' | ']' => {
                containers.pop();
                quoted.push(letter);
            }
            _ => quoted.push(letter),
        }
        if !letter.is_whitespace() {
            last = letter;
        }
    }
    quoted
}

fn compare_values(path: &str, shown: &Value, printed: &Value) -> Result<(), String> {
    match (shown, printed) {
        (Value::String(shown), _) if shown == ELLIPSIS => Ok(()),
        (Value::String(shown), Value::String(printed)) if text_matches(shown, printed) => Ok(()),
        (Value::Array(shown), Value::Array(printed)) => compare_lists(path, shown, printed),
        (Value::Object(shown), Value::Object(printed)) => {
            for (name, value) in shown.iter().filter(|(name, _)| *name != ELLIPSIS) {
                let path = format!("{path}.{name}");
                let found = printed
                    .get(name)
                    .ok_or_else(|| format!("{path}: shown, but not printed"))?;
                compare_values(&path, value, found)?;
            }
            let more = printed.keys().find(|name| !shown.contains_key(*name));
            match more.filter(|_| !shown.contains_key(ELLIPSIS)) {
                Some(name) => Err(format!("{path}.{name}: printed, but not shown")),
                None => Ok(()),
            }
        }
        _ if shown == printed => Ok(()),
        _ => Err(format!("{path}: shown {shown}, printed {printed}")),
    }
}

fn compare_lists(path: &str, shown: &[Value], printed: &[Value]) -> Result<(), String> {
    let (shown, is_open) = match shown.split_last() {
        Some((last, rest)) if *last == ELLIPSIS => (rest, true),
        _ => (shown, false),
    };
    if shown.len() > printed.len() || (!is_open && shown.len() < printed.len()) {
        let (more, count, other) = (
            if is_open { " or more" } else { "" },
            shown.len(),
            printed.len(),
        );
        return Err(format!("{path}[]: shown {count}{more}, printed {other}"));
    }
    for (index, (shown, printed)) in shown.iter().zip(printed).enumerate() {
        compare_values(&format!("{path}[{index}]"), shown, printed)?;
    }
    Ok(())
}

/// Checks the problem; an empty one is none.
#[track_caller]
fn check(shown: &str, printed: &str, expected: &str) {
    let problem = compare(shown, printed).err().unwrap_or_default();
    assert_eq!(problem, expected, "{shown} {printed}");
}

#[test]
fn text_is_compared_line_by_line() {
    check("a  \nb", "a\nb\n\n", "");
    check(
        "read … jobs, …: 3 added",
        "read 3 jobs, jobs.db: 3 added",
        "",
    );
    check("a\n…\nz", "a\nb\nc\nz", "");
    check("a\n…\nz", "a\nz", "");
    check("…", "", "");
    check(
        "read … jobs",
        "read 3 job",
        "shown:\nread … jobs\nprinted:\nread 3 job",
    );
    check("a\n…\nz", "a\nb", "shown:\na\n…\nz\nprinted:\na\nb");
    check("a", "a\nb", "shown:\na\nprinted:\na\nb");
    check("1", "2", "shown:\n1\nprinted:\n2");
    // What stands for any text is no room for two parts that overlap.
    check("ab…ba", "aba", "shown:\nab…ba\nprinted:\naba");
}

#[test]
fn json_is_compared_as_json() {
    check("{\"a\": 1, \"b\": [1, 2]}", "{\"b\":[1,2],\"a\":1}", "");
    check("[0]", "[1]", "[0][0]: shown 0, printed 1");
    check("[1]", "[1, 2]", "[0][]: shown 1, printed 2");
    check(
        "{\"a\": 1}",
        "{\"a\": 1, \"b\": 2}",
        "[0].b: printed, but not shown",
    );
    check(
        "{\"a\": 1, \"b\": 2}",
        "{\"a\": 1}",
        "[0].b: shown, but not printed",
    );
    check(
        "{\"a\": 1}",
        "{\"a\": \"1\"}",
        "[0].a: shown 1, printed \"1\"",
    );
    check(
        "{\"deleted\": 2}\n{\"jobs\": 2}",
        "{\"deleted\":2}{\"jobs\":2}",
        "",
    );
    check("{}", "{} {}", "[]: shown 1, printed 2");
}

#[test]
fn an_ellipsis_stands_for_values_elements_and_members() {
    let printed =
        "{\"results\":[{\"id\":\"job-1\",\"n\":1},{\"id\":\"job-2\",\"n\":2}],\"total\":9}";
    for shown in [
        "{\"results\": [{\"id\": \"job-1\", \"n\": \"…\"}, \"…\"], \"total\": \"…\"}",
        "{\"results\": [{\"id\": \"job-…\", …}, …], \"total\": …}",
        "{\"results\": …, …}",
        "{…}",
        "…",
    ] {
        check(shown, printed, "");
    }
    check(
        "{\"results\": [{\"id\": \"job-2\", …}, …], …}",
        printed,
        "[0].results[0].id: shown \"job-2\", printed \"job-1\"",
    );
    check(
        "{\"results\": [{…}, {…}, {…}, …], …}",
        printed,
        "[0].results[]: shown 3 or more, printed 2",
    );
    check(
        "{\"results\": [], …}",
        printed,
        "[0].results[]: shown 0, printed 2",
    );
    check("{\"a\": \"\\\"…\"}", "{\"a\": \"\\\"b\"}", "");
}

#[test]
fn errors_and_answers_without_results_disappoint() {
    let error = "{\"detail\":{\"code\":\"ERROR_DB_QUERY\",\"message\":\"\"}}";
    assert!(disappointment("", "", error).is_some());
    assert!(disappointment("", "{…}", error).is_some());
    assert_eq!(disappointment("", error, error), None);
    let empty = "{\"results\":[],\"total_count\":0}";
    assert!(disappointment("", "", empty).is_some());
    assert!(disappointment("", "{\"results\":[…],\"total_count\":…}", empty).is_some());
    assert_eq!(disappointment("", empty, empty), None);
    assert!(disappointment("curl '…?format=csv'", "", "job_id,status\n").is_some());
    assert_eq!(
        disappointment("curl '…?format=csv'", "", "job_id,status\nj,ERROR\n"),
        None
    );
    assert_eq!(disappointment("", "", "{\"results\":[1]}"), None);
    assert_eq!(disappointment("", "", "healthy\n"), None);
}
