//! The tables of limits, of errors and of options are those of the code.

use std::collections::BTreeSet;
use std::path::Path;

use ureq::http::StatusCode;

use crate::ROOT;
use crate::command_line;
use crate::page::{Page, Table};

/// The rows of the tables of limits, each with the constants that it shows: a file in src, and a name. A row that has
/// no constants shows what no constant has.
const LIMITS: [(&str, &[(&str, &str)]); 29] = [
    (
        "body of a query; query string; content encodings of a body",
        &[
            ("api/body/read.rs", "MAX_QUERY_BYTES"),
            ("api/parameters.rs", "MAX_QUERY_STRING_BYTES"),
            ("api/error.rs", "MAX_ENCODINGS"),
        ],
    ),
    ("depth of JSON", &[("json/strict.rs", "MAX_DEPTH")]),
    (
        "values in a query; in a free-form member of a job",
        &[
            ("query/limits.rs", "MAX_VALUES"),
            ("json/strict.rs", "MAX_VALUES"),
        ],
    ),
    (
        "conditions; values in all their lists",
        &[
            ("query/limits.rs", "MAX_CONDITIONS"),
            ("query/limits.rs", "MAX_LIST_VALUES"),
        ],
    ),
    (
        "segments of a path; bytes of one",
        &[
            ("query/limits.rs", "MAX_SEGMENTS"),
            ("query/limits.rs", "MAX_SEGMENT_BYTES"),
        ],
    ),
    (
        "regular expressions; bytes of one; backtracking steps from one position of a value",
        &[
            ("query/limits.rs", "MAX_PATTERNS"),
            ("query/limits.rs", "MAX_PATTERN_BYTES"),
            ("query/limits.rs", "MAX_BACKTRACKS"),
        ],
    ),
    (
        "bytes of a value that a backtracking pattern runs over; its memory; its Unicode properties",
        &[
            ("query/limits.rs", "MAX_BACKTRACKED_BYTES"),
            ("query/limits.rs", "MAX_BACKTRACKING_MEMORY"),
            ("query/limits.rs", "MAX_PROPERTIES"),
        ],
    ),
    (
        "words of contain and keyword; bytes of them all",
        &[
            ("query/limits.rs", "MAX_WORDS"),
            ("query/limits.rs", "MAX_WORD_BYTES"),
        ],
    ),
    (
        "sort keys; paths in only",
        &[
            ("query/limits.rs", "MAX_SORT_KEYS"),
            ("query/limits.rs", "MAX_PATHS"),
        ],
    ),
    (
        "stages; keys and fields of one group or project",
        &[
            ("query/limits.rs", "MAX_STAGES"),
            ("query/limits.rs", "MAX_FIELDS"),
        ],
    ),
    (
        "keys, fields, operands and conditions of all stages",
        &[("query/limits.rs", "MAX_EXPRESSIONS")],
    ),
    (
        "bytes of a name; levels of a calculation; sort keys and group keys that order the rows of a stage",
        &[
            ("query/limits.rs", "MAX_NAME_BYTES"),
            ("query/limits.rs", "MAX_CALCULATION_DEPTH"),
            ("query/limits.rs", "MAX_ORDER_TERMS"),
        ],
    ),
    (
        "answer of an aggregate; all its pushed lists; one value",
        &[
            ("store/read.rs", "MAX_STAT_BYTES"),
            ("store/connection/sql_functions.rs", "MAX_LISTED_BYTES"),
            ("store/connection/sql_functions.rs", "MAX_VALUE_BYTES"),
        ],
    ),
    (
        "numbers of which medians and percentiles are taken",
        &[("query/eval/percentile.rs", "MAX_NUMBERS")],
    ),
    (
        "jobs, collectors, groups of errors and buckets of an overview; collectors of its answer",
        &[
            ("query/overview/scan.rs", "MAX_JOBS"),
            ("query/overview/collectors.rs", "MAX_COLLECTORS"),
            ("query/overview/errors.rs", "MAX_GROUPS"),
            ("query/overview/buckets.rs", "MAX_BUCKETS"),
            ("query/overview/collectors.rs", "MAX_ANSWERED"),
        ],
    ),
    ("statistics at a time; lists without a limit", &[]),
    (
        "time that a client may stop reading a streamed answer; in all",
        &[
            ("api/answer.rs", "STALL_TIMEOUT"),
            ("api/answer.rs", "MAX_STALLED"),
        ],
    ),
    (
        "time of a query; of a streamed list or export, without the time that its client makes it wait",
        &[],
    ),
    (
        "ids; a job's text",
        &[
            ("job/member.rs", "MAX_ID_BYTES"),
            ("transfer/reading/json_value.rs", "MAX_JOB_BYTES"),
        ],
    ),
    (
        "body of many jobs, of one job, of a patch",
        &[
            ("api/body/read.rs", "MAX_WRITE_BYTES"),
            ("api/write.rs", "MAX_JOB_BYTES"),
            ("api/body/read.rs", "MAX_QUERY_BYTES"),
        ],
    ),
    ("times", &[]),
    (
        "snapshots of each domain, and of the whole server",
        &[("mock/error.rs", "MAX_SNAPSHOTS")],
    ),
    (
        "characters of the name of a snapshot",
        &[("mock/snapshots.rs", "MAX_NAME_BYTES")],
    ),
    (
        "steps of a life; how late the last one comes",
        &[
            ("job/script.rs", "MAX_STEPS"),
            ("job/script.rs", "MAX_SECONDS"),
        ],
    ),
    (
        "faults of each domain, and of the whole server",
        &[("mock/faults/active.rs", "MAX_FAULTS")],
    ),
    (
        "delay of a fault; bytes of a text in it",
        &[
            ("mock/faults/delay.rs", "MAX_DELAY_SECONDS"),
            ("mock/faults/target.rs", "MAX_TEXT_BYTES"),
        ],
    ),
    (
        "entries of the journal; bytes of a body in it; bytes of all entries",
        &[
            ("mock/journal/ring.rs", "MAX_ENTRIES"),
            ("mock/journal/body.rs", "MAX_RECORDED_BYTES"),
            ("mock/journal/ring.rs", "MAX_JOURNAL_BYTES"),
        ],
    ),
    (
        "entries that wait_for waits for; how long it waits",
        &[
            ("mock/journal/ring.rs", "MAX_ENTRIES"),
            ("api/schema/params.rs", "MAX_WAIT_SECONDS"),
        ],
    ),
    (
        "one advance of a clock",
        &[("api/clock.rs", "MAX_ADVANCE_SECONDS")],
    ),
];

/// What the tables of a page say otherwise than the code.
pub(crate) fn faults(page: &Page) -> Vec<String> {
    let mut faults = Vec::new();
    for table in &page.tables {
        let found = if table.has_head(&["what", "how much"]) {
            limits(table)
        } else if table.has_head(&["status", "code", "when"]) {
            errors(table)
        } else if table.has_head(&["command", "options"]) {
            command_line::faults_of_table(table)
        } else {
            Vec::new()
        };
        faults.extend(
            found
                .into_iter()
                .map(|problem| page.fault(table.line, problem)),
        );
    }
    faults
}

fn limits(table: &Table) -> Vec<String> {
    let mut problems = Vec::new();
    for row in &table.rows[1..] {
        let (what, how_much) = (&row[0], &row[1]);
        let Some((_, constants)) = LIMITS.iter().find(|(name, _)| name == what) else {
            problems.push(format!(
                "tests/docs/tables.rs does not know the limit `{what}`"
            ));
            continue;
        };
        let expected: Vec<_> = constants
            .iter()
            .map(|(file, name)| constant(file, name))
            .collect();
        let shown = quantities(how_much);
        if !constants.is_empty() && shown != expected {
            problems.push(format!(
                "`{what}` is {how_much}, {shown:?}; the code has {expected:?}"
            ));
        }
    }
    problems
}

/// The value of a constant, in bytes or seconds.
fn constant(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(Path::new(ROOT).join("src").join(file)).unwrap();
    let start = format!("const {name}: ");
    let (_, rest) = text
        .split_once(&start)
        .unwrap_or_else(|| panic!("{file} has no {name}"));
    let (_, value) = rest.split_once(" = ").unwrap();
    let value = value.split(';').next().unwrap().replace('_', "");
    let number = |text: &str| -> u64 {
        text.trim_end_matches(')')
            .trim_end_matches(".0")
            .parse()
            .unwrap()
    };
    if let Some((number_of, bits)) = value.split_once(" << ") {
        number(number_of) << number(bits)
    } else if let Some(seconds) = value.strip_prefix("Duration::fromsecs(") {
        number(seconds)
    } else if let Some(minutes) = value.strip_prefix("Duration::frommins(") {
        number(minutes) * 60
    } else {
        number(&value)
    }
}

/// The quantities that a text has, in bytes or seconds.
fn quantities(text: &str) -> Vec<u64> {
    let words: Vec<_> = text
        .split_whitespace()
        .map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()))
        .collect();
    let mut quantities = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let Ok(number) = word.replace(',', "").parse::<u64>() else {
            continue;
        };
        let unit = match words.get(index + 1).copied() {
            Some("KiB") => 1 << 10,
            Some("MiB") => 1 << 20,
            Some("minutes") => 60,
            Some("years") => 365 * 86_400,
            _ => 1,
        };
        quantities.push(number * unit);
    }
    quantities
}

/// The errors that the table and the API do not have in common.
fn errors(table: &Table) -> Vec<String> {
    let shown: BTreeSet<_> = table.rows[1..]
        .iter()
        .map(|row| format!("{} {}", row[0], row[1]))
        .collect();
    let answered = answered();
    let unknown = shown
        .difference(&answered)
        .map(|error| format!("the API does not answer {error}"));
    let missing = answered
        .difference(&shown)
        .map(|error| format!("the table has no {error}"));
    unknown.chain(missing).collect()
}

/// Status and code of each error that the API answers, as src/api/error.rs has them; those of queries have no status there.
fn answered() -> BTreeSet<String> {
    let text = std::fs::read_to_string(Path::new(ROOT).join("src/api/error.rs")).unwrap();
    let (text, _tests) = text.split_once("#[cfg(test)]").unwrap();
    let mut errors = BTreeSet::new();
    let mut start = 0;
    for (index, _) in text.match_indices("\"ERROR_") {
        let code = text[index + 1..].split('"').next().unwrap();
        let status =
            text[start..index]
                .rsplit_once("StatusCode::")
                .map_or("BAD_REQUEST", |(_, rest)| {
                    rest.split(|letter: char| !letter.is_ascii_uppercase() && letter != '_')
                        .next()
                        .unwrap()
                });
        let number = number(status).unwrap_or_else(|| panic!("no status {status} of {code}"));
        errors.insert(format!("{number} {code}"));
        start = index;
    }
    assert!(errors.len() > 15, "{errors:?}");
    errors
}

/// The number of a status by the name of its constant.
fn number(status: &str) -> Option<u16> {
    (400..600).find(|number| {
        let reason = StatusCode::from_u16(*number).unwrap().canonical_reason();
        reason.is_some_and(|reason| reason.to_uppercase().replace([' ', '-'], "_") == status)
    })
}

#[test]
fn constants_and_quantities_are_read() {
    assert_eq!(
        quantities("1 MiB; 32 KiB, 100,000, 2 s, 10 minutes (`x`)"),
        [1 << 20, 32 << 10, 100_000, 2, 600]
    );
    assert_eq!(constant("api/body/read.rs", "MAX_QUERY_BYTES"), 1 << 20);
    assert_eq!(constant("api/answer.rs", "MAX_STALLED"), 600);
    assert_eq!(constant("json/strict.rs", "MAX_VALUES"), 100_000);
}

#[test]
fn a_wrong_limit_is_found() {
    let page = Page::parse(
        "page.md",
        "| what | how much |\n| --- | --- |\n| depth of JSON | 63 |\n| height of JSON | 64 |\n",
    );
    assert_eq!(
        faults(&page),
        [
            "page.md:1: `depth of JSON` is 63, [63]; the code has [64]",
            "page.md:1: tests/docs/tables.rs does not know the limit `height of JSON`",
        ]
    );
}

#[test]
fn a_wrong_error_is_found() {
    let page = Page::parse(
        "page.md",
        "| status | code | when |\n| --- | --- | --- |\n| 404 | `ERROR_UNKNOWN` | |\n| 400 | `ERROR_DB_QUERY` | |\n",
    );
    let faults = faults(&page);
    assert!(
        faults.contains(&"page.md:1: the API does not answer 404 ERROR_UNKNOWN".to_owned()),
        "{faults:?}"
    );
    assert!(
        faults.contains(&"page.md:1: the table has no 500 ERROR_UNKNOWN".to_owned()),
        "{faults:?}"
    );
    assert!(
        faults.contains(&"page.md:1: the table has no 409 ERROR_SAVE_UNIQUE_VALUES".to_owned()),
        "{faults:?}"
    );
    assert!(
        !faults.iter().any(|fault| fault.contains("ERROR_DB_QUERY")),
        "{faults:?}"
    );
}
